#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every style checker over the whole tree, one test each.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

# The row of the ledger that a checker shows, if there is one.
declare -A row=([dead_code]='R6 ')

for checker in $("$top/tests/style/check" --list); do
	tap_ok "${row[$checker]:-}$checker finds nothing" "$top/tests/style/check" "$checker"
done
tap_end
