# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What all tests of iopf share: to run it, and to look at what it said. Sourced, by tree.sh and
# vm.sh; they set $tmp, a folder.

# shellcheck source=mk/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

# shellcheck disable=SC2034 # for those who source this
readonly iopf=$out/tools/iopf
# Seconds to wait for anything; who needs more says so.
patience_s=60

# run COMMAND...: leaves $tmp/said and $code.
run()
{
	code=0
	"$@" >"$tmp/said" 2>&1 || code=$?
}

# has_lines LINE...: what was said has these, whatever else; each a whole one.
has_lines()
{
	local line
	for line in "$@"; do
		grep -qxF -- "$line" "$tmp/said" || { echo "no line: $line"; return 1; }
	done
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

# wait_for COMMAND...: until it succeeds.
wait_for()
{
	local by=$((SECONDS + patience_s))
	until "$@"; do
		[ "$SECONDS" -lt "$by" ] || { echo "never: $*"; return 1; }
		sleep 0.1
	done
}
