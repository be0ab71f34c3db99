#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The fuzzer's corpus, and inputs made from it, the same each time, find nothing; and they would:
# faults that are planted in a copy of the module are found.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

# planted FILE TEXT OTHER: the fuzzer ends with what it found.
planted()
{
	local output code=0
	output=$("$top/verify/fuzz/run" --runs 600 --seed 1 --plant "$1:$2:$3") || code=$?
	printf '%s\n' "$output"
	[ "$code" -eq 1 ] && grep -q '/found/' <<<"$output"
}

tap_ok "corpus and more" "$top/verify/fuzz/run" --runs 500 --seed 1
tap_ok "a flush left out is found" planted table/leaf.c 'iommu_iotlb_sync(domain, &gather);' ''
tap_ok "a page not noted as dirty is found" planted fault/apply.c \
	'viopf_dirty_bits_mark(&segment->table, piece->first, piece->end);' ''
tap_end
