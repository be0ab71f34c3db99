#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm/run keeps its promises: what a command sees, and what each exit code means.
set -euo pipefail

# Freed memory is looked at elsewhere, and a machine with one CPU leaves more for others.
# shellcheck source=tests/vm/promises.sh
. "$(dirname "$0")/promises.sh" stock --cpus 1 --append page_poison=0 --append slab_debug=-

# stillborn TIMES: for so many starts, QEMU leaves the log of a kernel that ran into a
# breakpoint, or the last time of one that has stalled, and ends.
stillborn()
{
	seq "$1" >"$tmp/stillborn"
	made_up "$tmp/bin/qemu-system-x86_64" "
		left=\$(wc -l <$tmp/stillborn)
		[ \$left -gt 0 ] || exec $(command -v qemu-system-x86_64) \"\$@\" 8>&- 9>&- 10>&-
		line='Oops: int3: 0000 [#1]'
		[ \$left -gt 1 ] || line='rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:'
		echo \"\$line\" >&8
		sed -i 1d $tmp/stillborn"
	shift
	PATH=$tmp/bin:$PATH "${vm[@]}" "$@"
}

first_boot --cpus 3 --qemu -device --qemu edu
tap_ok "--cpus" says stdout "cpus 3, user 0"
tap_ok "--qemu" says_like stdout '^0x11e8$'
bad_ends
tap_ok "a trace of get_user_pages() below a stack is a report" \
	log_ends_in 122 'GUP no longer grows the stack in x (1)'
tap_ok "a start that QEMU spoils is tried again" ends_in 0 stillborn 2 -- echo born
tap_ok "... which is told" says_like stderr "once more"
tap_ok "... and the command runs once" test "$(grep -c born "$tmp/stdout")" = 1
tap_ok "but not for ever" ends_in 124 stillborn 9 -- true
tap_ok "a breakpoint that QEMU should not have met has a code of its own" \
	log_ends_in 124 'Oops: int3: 0000 [#1]'
tap_ok "... not beside a report" log_ends_in 122 'Oops: int3: 0000 [#1]' 'BUG: made up'
# shellcheck disable=SC2016
tap_ok "--icount takes one CPU" ends_in 1 "${vm[@]}" --cpus 2 --icount -- sh -c 'exit $(nproc)'
side_by_side
refusals <<'EOF'
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
tap_ok "--help" ends_in 0 "${vm[@]}" --help
tap_ok "... names every exit code" says_like stdout '120 .*died'
tap_end
