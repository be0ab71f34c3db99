# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of iopf in a VM share. Sourced, in the VM; a script says what it needs of
# the VM in lines "VM: OPTIONS" (see mk/run-test).

# shellcheck source=mk/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

# shellcheck disable=SC2034 # for those who source this
readonly iopf=$out/tools/iopf
tmp=/tmp/tools
mkdir -p $tmp

# run COMMAND...: leaves $tmp/said and $code.
run()
{
	code=0
	"$@" >"$tmp/said" 2>&1 || code=$?
}

# says COMMAND... -- LINE...: it prints these lines, whatever else; each a whole one.
says()
{
	local command=() line
	while [ "$1" != -- ]; do
		command+=("$1")
		shift
	done
	shift
	run "${command[@]}"
	cat "$tmp/said"
	for line in "$@"; do
		grep -qxF -- "$line" "$tmp/said" || { echo "no line: $line"; return 1; }
	done
}

# ends_with CODE COMMAND...
ends_with()
{
	run "${@:2}"
	cat "$tmp/said"
	[ "$code" -eq "$1" ] || { echo "exit code $code, not $1"; return 1; }
}

# json FILTER...: of what was said; each, in jq's language, gives true.
json()
{
	local filter
	for filter in "$@"; do
		jq -e "$filter" "$tmp/said" >"$tmp/json" 2>&1 ||
			{ echo "not so: $filter"; cat "$tmp/json" "$tmp/said"; return 1; }
	done
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
