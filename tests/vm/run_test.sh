#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm/run keeps its promises: what a command sees, and what each exit code means.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

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
	local limit_s=$1 start=$SECONDS
	shift
	"$@"
	[ $((SECONDS - start)) -le "$limit_s" ]
}

two_at_once()
{
	local first second
	# shellcheck disable=SC2016
	"$top/vm/run" -- sh -c 'echo one >"$VIOPF_OUT/$1"; exit 11' sh "$mark.1" &
	first=$!
	# shellcheck disable=SC2016
	"$top/vm/run" -- sh -c 'echo two >"$VIOPF_OUT/$1"; exit 12' sh "$mark.2" &
	second=$!
	ends_in 11 wait "$first"
	ends_in 12 wait "$second"
	[ "$(cat "$out/$mark.1" "$out/$mark.2")" = $'one\ntwo' ]
}

# elsewhere: a clone in a folder that the guest covers with scratch space.
elsewhere()
{
	mkdir -p "$tmp/clone/out/stock"
	cp -r "$top"/{mk,vm} "$tmp/clone/"
	ln -s "$(readlink -f "$out/stock/kernel")" "$tmp/clone/out/stock/kernel"
	ends_in 0 "$tmp/clone/vm/run" -- sh -c 'ls mk/common.sh && modprobe vfio && pwd'
	says stdout "$tmp/clone"
}

# stillborn TIMES: for so many starts, QEMU leaves the log of a kernel that ran into a
# breakpoint, or the last time of one that has stalled, and ends.
stillborn()
{
	mkdir -p "$tmp/bin"
	seq "$1" >"$tmp/stillborn"
	cat >"$tmp/bin/qemu-system-x86_64" <<-EOF
		#!/bin/bash
		if [ -s "$tmp/stillborn" ]; then
			line='Oops: int3: 0000 [#1]'
			[ "\$(wc -l <"$tmp/stillborn")" -gt 1 ] ||
				line='rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'
			sed -i 1d "$tmp/stillborn"
			for word; do
				case \$word in
				file:*klog) echo "\$line" >"\${word#file:}" ;;
				esac
			done
			exit 0
		fi
		exec $(command -v qemu-system-x86_64) "\$@"
	EOF
	chmod +x "$tmp/bin/qemu-system-x86_64"
	shift
	PATH=$tmp/bin:$PATH "$top/vm/run" "$@"
}

# qemu_of PID: its child that is QEMU, if it has come that far.
qemu_of()
{
	local child children
	read -ra children <"/proc/$1/task/$1/children"
	for child in "${children[@]}"; do
		if grep -q qemu "/proc/$child/comm"; then
			echo "$child"
		fi
	done
}

# terminated: no QEMU is left when vm/run is told to go.
terminated()
{
	local job pid
	"$top/vm/run" -- sleep 1000 &
	job=$!
	for _ in $(seq 100); do
		pid=$(qemu_of "$job")
		[ -z "$pid" ] || break
		sleep 0.1
	done
	[ -n "$pid" ] || die "no QEMU"
	sleep 1
	kill -TERM "$job"
	ends_in 143 wait "$job"
	! kill -0 "$pid" 2>/dev/null
}

# What the guest reports about itself in the first boot. Its arguments are there to arrive
# as they are.
mark=vm-test.$$
# shellcheck disable=SC2016 # for the guest's shell
report='
	printf "<%s>\n" "$@"
	echo "in $(pwd)"
	echo "lane $VIOPF_LANE, modules in $VIOPF_KO"
	echo "cpus $(nproc), user $(id -u)"
	touch /etc/viopf-test 2>/dev/null && echo "the root is writable"
	for dir in /tmp /run /var/tmp /mnt /dev/shm; do
		touch $dir/x || echo "$dir is not writable"
	done
	modprobe vfio || echo "no module vfio"
	for file in /sys/kernel/debug/extfrag /sys/fs/cgroup/cgroup.procs /dev/vfio/vfio; do
		[ -e $file ] || echo "no $file"
	done
	cat /proc/cmdline
	grep -h . /sys/bus/pci/devices/*/device
	echo results >"$VIOPF_OUT/$1"
	echo to standard error >&2
	seq 200000 | md5sum
	seq 200000
	exit 7'
# shellcheck disable=SC2016
tap_ok "the command's exit code is passed on" \
	ends_in 7 env VIOPF_KLOG="$tmp/klog" "$top/vm/run" --cpus 3 --mem 512M \
	--append viopf.a=1 --append viopf.b=2 --qemu -device --qemu edu -- \
	bash -c "$report" sh "$mark" 'a  b' '$x' "it's" '*'
# shellcheck disable=SC2016
for argument in 'a  b' '$x' "it's" '*'; do
	tap_ok "an argument arrives as it is: $argument" says stdout "<$argument>"
done
tap_ok "the command runs in the project's folder" says stdout "in $top"
tap_ok "it knows its lane" says stdout "lane stock, modules in $out/stock"
tap_ok "--cpus" says stdout "cpus 3, user 0"
tap_ok "--append" says_like stdout ' viopf.a=1  *viopf.b=2'
tap_ok "--qemu" says_like stdout '^0x11e8$'
tap_ok "the host's root cannot be written, scratch space can" \
	lacks stdout 'is writable|is not writable|^no '
tap_ok "standard error is in the output" says stdout "to standard error"
tap_ok "a result arrives on the host" grep -x results "$out/$mark"
tap_ok "no output is lost" \
	test "$(grep -E '^[0-9]+$' "$tmp/stdout" | tail -n 200000 | md5sum)" = "$(seq 200000 | md5sum)"
tap_ok "the kernel's log is kept" grep -q 'Linux version' "$tmp/klog"

tap_ok "a command that is not there ends in 119" ends_in 119 "$top/vm/run" -- no-such-command
tap_ok "... and its own code is told" says_like stderr "exit code was 127"
tap_ok "a report in the kernel's log fails a command that succeeded" \
	ends_in 122 "$top/vm/run" -- sh -c 'echo "BUG: made up" >/dev/kmsg; echo done'
tap_ok "... is shown" says_like stderr "BUG: made up"
tap_ok "... and the command's output too" says stdout "done"
tap_ok "a trace of get_user_pages() below a stack is one" \
	ends_in 122 "$top/vm/run" -- sh -c 'echo "GUP no longer grows the stack in x (1)" >/dev/kmsg'
tap_ok "a panic ends in 122" ends_in 122 "$top/vm/run" -- sh -c 'echo c >/proc/sysrq-trigger; sleep 60'
tap_ok "... and is shown" says_like stderr "Kernel panic"
tap_ok "a start that QEMU spoils is tried again" ends_in 0 stillborn 2 -- echo born
tap_ok "... which is told" says_like stderr "once more"
tap_ok "... and the command runs once" test "$(grep -c born "$tmp/stdout")" = 1
tap_ok "but not for ever" ends_in 124 stillborn 9 -- true
tap_ok "a breakpoint that QEMU should not have met has a code of its own" \
	ends_in 124 "$top/vm/run" -- sh -c 'echo "Oops: int3: 0000 [#1]" >/dev/kmsg'
tap_ok "... not beside a report" \
	ends_in 122 "$top/vm/run" -- sh -c 'echo "Oops: int3: 0000 [#1]
BUG: made up" >/dev/kmsg'
tap_ok "a VM that dies ends in 120" ends_in 120 "$top/vm/run" -- sh -c 'echo b >/proc/sysrq-trigger; sleep 60'
tap_ok "a command that hangs ends in 121, in time" \
	in_time 75 ends_in 121 "$top/vm/run" --timeout 60 -- sh -c 'echo begun; sleep 1000'
tap_ok "... and its output till then is there" says stdout begun
# shellcheck disable=SC2016
tap_ok "--icount takes one CPU" ends_in 1 "$top/vm/run" --icount -- sh -c 'exit $(nproc)'
tap_ok "two at once" two_at_once
tap_ok "a clone below /tmp" elsewhere
tap_ok "told to go, vm/run takes QEMU with it" terminated
rm -f "$out/$mark" "$out/$mark".[12]

while read -r what arguments; do
	read -ra words <<<"$arguments"
	tap_ok "refused with 123: $arguments" ends_in 123 "$top/vm/run" "${words[@]}"
	tap_ok "... saying why" says_like stderr "$what"
done <<'EOF'
no.such.option --colour -- true
no.such.kernel --kernel newest -- true
CPUs --cpus 0 -- true
memory --mem lots -- true
time-out --timeout 0 -- true
needs.a.value --cpus
no.command --cpus 2 --
must.stand.before true
QEMU.did.not.start --qemu -device=nonsense -- true
EOF
tap_ok "--help" ends_in 0 "$top/vm/run" --help
tap_ok "... names every exit code" says_like stdout '120 .*died'
tap_end
