# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The test scripts' side of TAP (testanything.org). Sourced. A script ends with tap_end;
# one that does not get there has printed no plan, and so has failed.

tap_count=0 tap_failed=0

# tap_ok DESCRIPTION COMMAND...: one test, passed if COMMAND succeeds. What it printed is
# shown if it does not.
tap_ok()
{
	local description=$1 output code=0
	shift
	tap_count=$((tap_count + 1))
	output=$("$@" 2>&1) || code=$?
	if [ $code -eq 0 ]; then
		printf 'ok %d - %s\n' "$tap_count" "$description"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_count" "$description"
		printf '%s\n' "$output" "exit code $code" | sed 's/^/# /'
	fi
}

# tap_end: prints the plan and ends the script.
tap_end()
{
	printf '1..%d\n' "$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}
