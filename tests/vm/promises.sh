# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# promises.sh LANE OPTIONS...: what vm/run promises with these options, which choose that
# kernel, as tests, and what those of vm/run share. Sourced, by a script for each kind of machine.

# shellcheck source=mk/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

lane=$1 limit_s=60	# it has started in so many seconds
vm=("$top/vm/run" "${@:2}")
tmp=$(mktemp -d)
mark=vm-test.$$		# of files in $out
trap 'rm -rf "$tmp" "$out/$mark"*' EXIT

# ends_in CODE COMMAND...: the output is kept, for says.
ends_in()
{
	local expected=$1 code=0
	shift
	"$@" >"$tmp/stdout" 2>"$tmp/stderr" </dev/null || code=$?
	cat "$tmp/stdout" "$tmp/stderr"
	[ "$code" -eq "$expected" ] || die "ended in $code where $expected was expected"
}

# says FILE TEXT: the last command's stdout or stderr has that line.
says()
{
	cat "$tmp/$1"
	grep -qxF -- "$2" "$tmp/$1"
}

says_like()
{
	cat "$tmp/$1"
	grep -qE -- "$2" "$tmp/$1"
}

lacks()
{
	cat "$tmp/$1"
	! grep -E -- "$2" "$tmp/$1"
}

in_time()
{
	local most_s=$1 start=$SECONDS
	shift
	"$@"
	[ $((SECONDS - start)) -le "$most_s" ]
}

# wait_for COMMAND...: until it succeeds, for a minute beyond the start.
wait_for()
{
	local by=$((SECONDS + limit_s + 60))
	until "$@"; do
		[ "$SECONDS" -lt "$by" ] || die "never: $*"
		sleep 0.1
	done
}

# Bytes of all values but zero, then lines on standard output and standard error in turn.
# shellcheck disable=SC2016 # for the guest's shell
noise='
	for ((i = 1; i < 256; i++)); do
		printf -v byte "\\\\x%x" $i
		printf "$byte"
	done
	for ((i = 0; i < 20000; i++)); do
		echo out $i
		echo err $i >&2
	done'

# What the guest reports about itself. Its arguments are there to arrive as they are.
# shellcheck disable=SC2016
report='
	printf "<%s>\n" "$@"
	echo "in $(pwd)"
	echo "lane $VIOPF_LANE, modules in $VIOPF_KO"
	echo "cpus $(nproc), user $(id -u)"
	grep MemTotal /proc/meminfo
	touch /etc/viopf-test 2>/dev/null && echo "the root is writable"
	for dir in /tmp /run /var/tmp /mnt /dev/shm; do
		touch $dir/x || echo "$dir is not writable"
	done
	modprobe vfio || echo "no module vfio"
	for file in /sys/kernel/debug/extfrag /sys/fs/cgroup/cgroup.procs /dev/vfio/vfio; do
		[ -e $file ] || echo "no $file"
	done
	cat /proc/cmdline
	cat /sys/bus/pci/devices/*/device
	echo results >"$VIOPF_OUT/$1"
	eval "$noise"
	exit 7'

# makes_noise: the end of what was said is what it is on the host.
makes_noise()
{
	bash -c "$noise" >"$tmp/noise" 2>&1
	tail -c "$(stat -c %s "$tmp/noise")" "$tmp/stdout" | cmp - "$tmp/noise"
}

# first_boot OPTIONS...: what a command sees, with these options too. From how long that took, in
# which all is loaded for the first time, is known when others have started.
first_boot()
{
	local start=$SECONDS argument arguments=('a  b' "\$x" "it's" '*')
	tap_ok "the command's exit code is passed on" \
		ends_in 7 env VIOPF_KLOG="$tmp/klog" "${vm[@]}" --mem 512M \
		--append viopf.a=1 --append viopf.b=2 "$@" -- \
		env noise="$noise" bash -c "$report" sh "$mark" "${arguments[@]}"
	limit_s=$((2 * (SECONDS - start) + 3))
	for argument in "${arguments[@]}"; do
		tap_ok "an argument arrives as it is: $argument" says stdout "<$argument>"
	done
	tap_ok "the command runs in the project's folder" says stdout "in $top"
	tap_ok "it knows its lane" says stdout "lane $lane, modules in $out/$lane"
	tap_ok "--mem" says_like stdout '^MemTotal: *(4[0-9]|5[0-2])[0-9]{4} kB'
	tap_ok "--append" says_like stdout ' viopf.a=1  *viopf.b=2'
	tap_ok "the host's root cannot be written, scratch space can" \
		lacks stdout 'is writable|is not writable|^no '
	tap_ok "no output is lost, changed or early, nor standard error's" makes_noise
	tap_ok "a result arrives on the host" grep -x results "$out/$mark"
	tap_ok "the kernel's log is kept" grep -q 'Linux version' "$tmp/klog"
}

# machine_of PID: vm/run's child that is the machine, if it has come that far.
machine_of()
{
	pgrep -P "$1" '^(qemu|vmlinuz)'
}

# begin OPTIONS...: a command that stays; leaves $job and $machine when it runs.
begin()
{
	mkdir "$tmp/run"
	: >"$tmp/said"		# or what the last one said would do
	TMPDIR=$tmp/run setsid env --default-signal=INT "${vm[@]}" "$@" -- \
		sh -c 'echo begun; sleep 1000' >"$tmp/said" 2>&1 &
	job=$!
	wait_for grep -q begun "$tmp/said"
	machine=$(machine_of "$job") || die "no machine"
}

# none_left: no process of vm/run's session, nor of that which user-mode Linux has for itself
# and all that it starts. Who is dead is nobody's.
none_left()
{
	! pgrep -a -r D,R,S,T -s "$job,$machine"
}

# ends_whole CODE: what has begun ends so, and leaves nothing behind.
ends_whole()
{
	ends_in "$1" wait "$job"
	wait_for none_left
	rmdir "$tmp/run"
}

timed_out()
{
	begin --timeout "$limit_s"
	ends_whole 121
}

# told_to_go SIGNAL CODE [-]: all in the foreground are told by a -, as by Ctrl-C.
told_to_go()
{
	begin
	kill "-$1" -- "${3:-}$job"
	ends_whole "$2"
}

# killed: which vm/run can't see; its files stay, the machine must not.
killed()
{
	begin
	kill -KILL "$job"
	ends_in 137 wait "$job"
	wait_for none_left
	rm -r "$tmp/run"
}

# bad_ends: what ends a command but itself.
bad_ends()
{
	tap_ok "a command that is not there ends in 119" ends_in 119 "${vm[@]}" -- no-such-command
	tap_ok "... and its own code is told" says_like stderr "exit code was 127"
	tap_ok "a report in the kernel's log fails a command that succeeded" \
		ends_in 122 "${vm[@]}" -- sh -c 'echo "BUG: made up" >/dev/kmsg; echo done'
	tap_ok "... is shown" says_like stderr "BUG: made up"
	tap_ok "... and the command's output too" says stdout "done"
	tap_ok "a panic ends in 122" \
		ends_in 122 "${vm[@]}" -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
	tap_ok "... and is shown" says_like stderr "Kernel panic"
	tap_ok "a VM that dies ends in 120" \
		ends_in 120 "${vm[@]}" -- sh -c 'echo begun; echo b >/proc/sysrq-trigger; sleep 60'
	tap_ok "... and does not begin again" test "$(grep -c begun "$tmp/stdout")" = 1
	tap_ok "a command that hangs ends in 121, in time" \
		in_time $((limit_s + 15)) timed_out
	tap_ok "... which is told" says_like said "time-out after"
}

two_at_once()
{
	local first second
	# shellcheck disable=SC2016
	"${vm[@]}" -- sh -c 'echo one >"$VIOPF_OUT/$1"; exit 11' sh "$mark.1" &
	first=$!
	# shellcheck disable=SC2016
	"${vm[@]}" -- sh -c 'echo two >"$VIOPF_OUT/$1"; exit 12' sh "$mark.2" &
	second=$!
	ends_in 11 wait "$first"
	ends_in 12 wait "$second"
	[ "$(cat "$out/$mark.1" "$out/$mark.2")" = $'one\ntwo' ]
}

# clone: a clone in a folder that the guest covers with scratch space, without a kernel.
clone()
{
	rm -rf "$tmp/clone"
	mkdir -p "$tmp/clone/out/$lane"
	cp -r "$top"/{mk,vm} "$tmp/clone/"
}

# made_up FILE SCRIPT: makes that a machine for vm/run; 8 is the kernel's log, 9 the output, 10 the
# result.
made_up()
{
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-EOF
		#!/bin/bash
		for word; do
			case \$word in
			file:*klog) exec 8>>"\${word#file:}" ;;
			file,id=output,*) exec 9>"\${word#*path=}" ;;
			file,id=result,*) exec 10>>"\${word#*path=}" ;;
			esac
		done
		$2
	EOF
	chmod +x "$1"
}

# pretends SCRIPT OPTIONS...: vm/run with that for its machine, in a clone.
pretends()
{
	local kernel=$tmp/clone/out/$lane/kernel qemu=$tmp/clone/out/qemu program
	clone
	mkdir -p "$kernel"/{boot,modules}
	touch "$kernel/release"
	ln -sf /bin/true "$tmp/clone/vm/qemu"
	program=$qemu/qemu-system-x86_64
	[[ $lane != uml* ]] || program=$kernel/vmlinuz
	made_up "$program" "$1"
	PATH=$qemu:$PATH "$tmp/clone/vm/run" "${vm[@]:1}" "${@:2}" -- true
}

# log_ends_in CODE LINE...: a command that succeeds, where the kernel's log has these lines.
log_ends_in()
{
	local code=$1
	shift
	ends_in "$code" pretends "printf '[    1.000000] %s\n' ${*@Q} >&8; echo exit 0 >&10"
}

elsewhere()
{
	clone
	ln -s "$(readlink -f "$out/$lane/kernel")" "$tmp/clone/out/$lane/kernel"
	ends_in 0 "$tmp/clone/vm/run" "${vm[@]:1}" -- \
		sh -c 'ls mk/common.sh && modprobe vfio && pwd'
	says stdout "$tmp/clone"
}

# side_by_side: that and how vm/run does with others.
side_by_side()
{
	tap_ok "two at once" two_at_once
	tap_ok "a clone below /tmp" elsewhere
	tap_ok "told to go, vm/run leaves nothing behind" told_to_go TERM 143
	tap_ok "no machine outlives a vm/run that is killed" killed
}

# without_kernel: in a clone that has none, and can't get one.
without_kernel()
{
	clone
	printf '%s\n' '#!/bin/sh' 'echo "asked for $*"' 'exit 1' >"$tmp/clone/vm/kernels"
	ends_in 123 "$tmp/clone/vm/run" "${vm[@]:1}" -- true
	says stderr "asked for $lane" && says_like stderr "no $lane kernel"
}

# refusals: of the table on standard input, a pattern of what is said and the options.
refusals()
{
	local what arguments words
	tap_ok "refused with 123: no kernel" without_kernel
	while read -r what arguments; do
		read -ra words <<<"$arguments"
		tap_ok "refused with 123: $arguments" ends_in 123 "${vm[@]}" "${words[@]}"
		tap_ok "... saying why" says_like stderr "$what"
	done
}
