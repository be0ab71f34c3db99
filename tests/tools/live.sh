# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Containers for iopf to look at, in a VM: clients (client.c), each with a device of the
# software hardware, that do what they are told. Sourced, in place of vm.sh.

# shellcheck source=tests/tools/vm.sh
. "$(dirname "${BASH_SOURCE[0]}")/vm.sh"

readonly client=$out/tools-test/client
readonly class=/sys/class/vfio_iopf
readonly patience_s=120
declare -A client_pid=() container_of=()

# load_modules PARAMETER...: the module with these, and four devices.
load_modules()
{
	modprobe vfio-pci
	modprobe vfio_iommu_type1 allow_unsafe_interrupts=1
	insmod "$VIOPF_KO/softiommu.ko"
	insmod "$VIOPF_KO/softdma.ko" devices=4
	insmod "$VIOPF_KO/vfio_iommu_iopf.ko" allow_unsafe_interrupts=1 "$@"
}

# containers: their numbers.
containers()
{
	local dir
	for dir in "$class"/container*; do
		[ ! -e "$dir" ] || echo "${dir##*/container}"
	done | sort -n
}

# client NAME DEVICE: starts one; its container's number is ${container_of[NAME]}.
client()
{
	local in out reply before
	before=$(containers)
	mkfifo "$tmp/$1.in" "$tmp/$1.out"
	exec {in}<>"$tmp/$1.in" {out}<>"$tmp/$1.out"
	"$client" "$2" <"$tmp/$1.in" >"$tmp/$1.out" 2>"$tmp/$1.err" {in}>&- {out}>&- &
	client_pid[$1]=$!
	disown
	printf -v "client_in_$1" %d "$in"
	printf -v "client_out_$1" %d "$out"
	read -r -t "$patience_s" -u "$out" reply || reply=''
	if [ "$reply" != ok ]; then
		cat "$tmp/$1.err" >&2
		die "client $1 does not start"
	fi
	container_of[$1]=$(comm -13 <(sort <<<"$before") <(containers | sort))
}

# order NAME COMMAND...: see client.c.
order()
{
	local in=client_in_$1 out=client_out_$1 reply=''
	echo "${*:2}" >&"${!in}"
	read -r -t "$patience_s" -u "${!out}" reply || true
	[ "$reply" = ok ] || { echo "client $1: ${*:2}: ${reply:-no answer}"; cat "$tmp/$1.err"; return 1; }
}

# end_client NAME: and wait until its container has gone; not for the process, which a test is
# no parent of, each being a shell of its own.
end_client()
{
	local in=client_in_$1 out=client_out_$1 fd
	kill -KILL "${client_pid[$1]}"
	fd=${!in}
	exec {fd}>&-
	fd=${!out}
	exec {fd}>&-
	rm "$tmp/$1.in" "$tmp/$1.out"
	wait_for eval "[ ! -e $class/container${container_of[$1]} ]"
}

# stat NAME COUNTER: of a client's container.
stat()
{
	cat "$class/container${container_of[$1]}/stats/$2"
}

# device_stat NAME COUNTER: of its device.
device_stat()
{
	cat "$class/container${container_of[$1]}"/devices/*/stats/"$2"
}

# note NAME: how the counters stand, in ${noted[COUNTER]}.
declare -A noted=()
note()
{
	local file
	for file in "$class/container${container_of[$1]}"/stats/*; do
		noted[${file##*/}]=$(<"$file")
	done
}

# grown NAME COUNTER: since then.
grown()
{
	echo $(($(stat "$1" "$2") - noted[$2]))
}

# begin FILE COMMAND...: in the background, its output there; its process is $begun.
begin()
{
	: >"$1" # here: the background may begin later than who waits for its output
	"${@:2}" >"$1" 2>&1 &
	begun=$!
}

# end_with SIGNAL: leaves its exit code in $code.
end_with()
{
	kill -"$1" "$begun"
	# shellcheck disable=SC2034 # for the caller
	{
		code=0
		wait "$begun" || code=$?
	}
}

# equal WHAT A B
equal()
{
	[ "$2" = "$3" ] || { echo "$1: $2, not $3"; return 1; }
}
