#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm/run --kernel uml-debug keeps its promises, too: those of any machine, and what is otherwise
# where the machine is a kernel that is a process, and starts many more.
set -euo pipefail

# Leaks are looked for elsewhere, for some seconds at each end.
export VIOPF_KMEMLEAK=0
# shellcheck source=tests/vm/promises.sh
. "$(dirname "$0")/promises.sh" uml-debug --kernel uml-debug

# read_slowly: what is written just before the end waits for who reads it.
read_slowly()
{
	rm -f "$tmp/written"
	pretends "head -c 100000 /dev/zero >&9; echo exit 0 >&10; touch $tmp/written" |
		{ wait_for test -e "$tmp/written"; sleep 1; wc -c; } | grep -x 100000
}

first_boot --cpus 1
tap_ok "it has one CPU" says stdout "cpus 1, user 0"
bad_ends
tap_ok "a command that a signal ends ends in 119" \
	ends_in 119 "${vm[@]}" -- sh -c 'kill -KILL $$'
tap_ok "... which is told" says_like stderr "exit code was 137"
side_by_side
tap_ok "Ctrl-C leaves nothing behind" told_to_go INT 130 -
tap_ok "a process that stays after power-off is ended" in_time 30 ends_in 0 \
	pretends 'echo exit 0 >&10; echo reboot: Power down >&8; exec sleep 1000'
tap_ok "one that goes just then has gone well" ends_in 0 \
	pretends 'echo exit 0 >&10; sleep 1; echo reboot: Power down >&8'
tap_ok "a slow reader gets all that was written" read_slowly
tap_ok "refused with 123: vm/shell" ends_in 123 env VIOPF_TTY=1 "${vm[@]}" -- true
tap_ok "... saying why" says_like stderr "no terminal"
refusals <<'EOF'
one.CPU --cpus 2 -- true
no.QEMU --qemu -nodefaults -- true
no.QEMU --intel -- true
no.QEMU --first-stage -- true
no.QEMU --icount -- true
user-mode.Linux.did.not.start --mem 1M -- true
no.room.for.memory --mem 1000000G -- true
EOF
tap_end
