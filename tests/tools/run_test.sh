#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf run, on a made-up machine: who is told to the kernel, whose signals and exit codes
# come through, what is said where it can't be. That the kernel then takes containers over
# takeover_test shows, and dpdk_test.sh with this very command.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export IOPF_ROOT=$tmp/root
readonly processes=$IOPF_ROOT/sys/class/vfio_iopf/takeover_process
readonly limit_s=60

# run CODE ARGUMENT...: iopf run ends in CODE; what it said is kept for says.
run()
{
	local expected=$1 code=0
	shift
	timeout -s KILL "$limit_s" "$out/tools/iopf" run "$@" >"$tmp/said" 2>&1 </dev/null || code=$?
	cat "$tmp/said"
	[ "$code" -eq "$expected" ] || die "ended in $code where $expected was expected"
}

says()
{
	cat "$tmp/said"
	grep -qE -- "$1" "$tmp/said"
}

# told_of_parent: the command's parent, which it printed, is who the kernel was told of.
told_of_parent()
{
	# shellcheck disable=SC2016
	run 0 -- sh -c 'echo $PPID' && diff "$tmp/said" "$processes"
}

# handed_on SIGNAL CODE: what iopf run gets of another process the command gets, and ends by.
handed_on()
{
	# shellcheck disable=SC2016
	run "$2" sh -c "kill -$1 \$PPID; exec sleep $limit_s"
}

# trapped: the command may do something about it, and end as it likes.
trapped()
{
	# shellcheck disable=SC2016
	run 9 sh -c 'trap "exit 9" TERM; kill -TERM $PPID; while :; do sleep 0.1; done'
}

# adopts: what is left by its parent has iopf run as its next one.
adopts()
{
	# shellcheck disable=SC2016
	run 0 sh -c '
		me=$PPID
		(sh -c "echo \$\$ >$1/pid; while [ ! -e $1/go ]; do sleep 0.1; done" &)
		while ! pid=$(cat "$1/pid" 2>/dev/null) || [ -z "$pid" ]; do sleep 0.1; done
		cut -d " " -f 4 "/proc/$pid/stat" | grep -qx $me
		code=$?
		touch "$1/go"
		exit $code' sh "$tmp"
}

# waits: with --wait for the command's daemon, too, whose code is not the command's.
waits()
{
	run 3 --wait sh -c "(while [ ! -e $tmp/gate ]; do sleep 0.1; done; echo daemon; exit 4) &
		touch $tmp/gate; exit 3" && says '^daemon$'
}

# interrupted: a signal ends such a wait, once the command has ended.
interrupted()
{
	# shellcheck disable=SC2016
	run 0 --wait sh -c '
		me=$PPID
		(while kill -0 $$ 2>/dev/null; do sleep 0.1; done; kill -TERM $me
		 while [ ! -e "$1/enough" ]; do sleep 0.1; done) & exit 0' sh "$tmp"
	touch "$tmp/enough"
}

# unprivileged: even root has no permission without the capability.
unprivileged()
{
	local code=0
	timeout "$limit_s" setpriv --bounding-set=-dac_override "$out/tools/iopf" run true \
		>"$tmp/said" 2>&1 || code=$?
	cat "$tmp/said"
	[ "$code" -eq 125 ]
}

mkdir -p "${processes%/*}"
touch "$processes"
tap_ok "iopf run tells the kernel of itself, the command's parent" told_of_parent
tap_ok "iopf run ends in the command's exit code" run 7 -- sh -c 'exit 7'
tap_ok "iopf run leaves the command its options" run 0 test -n --wait
tap_ok "iopf run ends in 128 and the number of the signal that the command ended by" \
	run 137 sh -c 'kill -KILL $$'
tap_ok "iopf run hands SIGTERM on" handed_on TERM 143
tap_ok "iopf run hands SIGUSR1 on" handed_on USR1 138
tap_ok "iopf run hands SIGINT on" handed_on INT 130
tap_ok "iopf run lets the command handle a signal" trapped
tap_ok "iopf run adopts what the command leaves behind" adopts
tap_ok "iopf run --wait waits for that" waits
tap_ok "iopf run --wait can be ended by a signal then" interrupted
tap_ok "iopf run of no command ends in 127" run 127 /nonexistent
tap_ok "iopf run says that there is none" says "can't run '/nonexistent': No such file"
tap_ok "iopf run of what is no program ends in 126" run 126 "$processes"
tap_ok "iopf run without a command ends in 125" run 125
tap_ok "iopf run with an unknown option ends in 125" run 125 --bogus true

rm "$processes"
tap_ok "iopf run without the module ends in 125" run 125 true
tap_ok "iopf run says how to load it" says 'not loaded: modprobe vfio_iommu_iopf'
mkdir -p "$IOPF_ROOT/sys/module/vfio_iommu_iopf"
tap_ok "iopf run with an older module ends in 125" run 125 true
tap_ok "iopf run says that it is older" says "this version of the module"
ln -s /proc/1/environ/none "$processes"
tap_ok "iopf run that can't tell the kernel runs nothing" run 125 touch "$tmp/ran"
tap_ok "iopf run says why" says "can't write to .*takeover_process: Not a directory"
tap_ok "iopf run has run nothing" test ! -e "$tmp/ran"
rm "$processes"
touch "$processes"
chmod 0 "$processes"
tap_ok "iopf run without permission ends in 125" unprivileged
tap_ok "iopf run says that it wants root" says 'no permission for .*: run it as root'
tap_end
