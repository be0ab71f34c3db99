# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of iopf in a VM share. Sourced, in the VM; a script says what it needs of
# the VM in lines "VM: OPTIONS" (see mk/run-test).

# shellcheck source=tests/tools/said.sh
. "$(dirname "${BASH_SOURCE[0]}")/said.sh"

tmp=/tmp/tools
mkdir -p $tmp

# says COMMAND... -- LINE...: it prints these lines, whatever else; each a whole one.
says()
{
	local command=()
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	run "${command[@]}"
	cat "$tmp/said"
	has_lines "$@"
}

# ends_with CODE COMMAND...
ends_with()
{
	run "${@:2}"
	cat "$tmp/said"
	[ "$code" -eq "$1" ] || { echo "exit code $code, not $1"; return 1; }
}

# softpri N: the address of vm/run --intel's Nth device, from 1 on.
softpri()
{
	local dir
	for dir in /sys/bus/pci/devices/*; do
		[ "$(cat "$dir/vendor" "$dir/device")" = $'0x1234\n0x5d4a' ] || continue
		printf '%s\n' "${dir##*/}"
	done | sed -n "$1p"
}
