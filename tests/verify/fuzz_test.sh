#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The fuzzer's corpus, and inputs made from it, the same each time, find nothing; and they would:
# faults that are planted in a copy of the module are found. Of an input that found one, in the
# midst of others, the operation is left that matters. VIOPF_FUZZ_LANE says on which lane. That
# last one, and a second planted fault, are tried with VIOPF_ALL_LANES=1 alone (smaller_test.py has
# what finds the operation).
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

lane=${VIOPF_FUZZ_LANE:-uml-debug}
lost_flush=('table/leaf.c' 'iommu_iotlb_sync(domain, &gather);' '')
lost_page=('fault/apply.c'
	'viopf_dirty_bits_mark(&segment->table, piece->first, piece->end);' '')

# fuzz OPTIONS...
fuzz()
{
	"$top/verify/fuzz/run" --lane "$lane" "$@"
}

# planted FILE TEXT OTHER: the fuzzer ends with what it found.
planted()
{
	local output code=0
	output=$(fuzz --runs 600 --seed 1 --plant "$1:$2:$3") || code=$?
	printf '%s\n' "$output"
	[ "$code" -eq 1 ] && grep -q '/found/' <<<"$output"
}

# smaller FILE TEXT OTHER: of what planted found there, and the corpus's largest inputs around it.
smaller()
{
	local folder=$out/fuzz/$lane-planted inputs=$out/fuzz/smaller file number=10
	rm -rf "$inputs"
	mkdir "$inputs"
	cp "$(find "$folder/found" -maxdepth 1 -type f)" "$inputs/15"
	while read -r file; do
		cp "$file" "$inputs/$number"
		number=$((number + (number == 14 ? 2 : 1)))
	done < <(find "$folder/seeds" -type f -printf '%s %p\n' | sort -rn | head -n 10 | cut -d' ' -f2)
	fuzz --minimize "$inputs"/* --plant "$1:$2:$3" || return
	[ "$(cat "$inputs"/10.smaller/* | wc -c)" -le $((3 * 8)) ]
}

tap_ok "corpus and more" fuzz --runs 300 --seed 1
! all_lanes || tap_ok "a flush left out is found" planted "${lost_flush[@]}"
tap_ok "a page not noted as dirty is found" planted "${lost_page[@]}"
! all_lanes || tap_ok "an input that found it gets small" smaller "${lost_page[@]}"
tap_end
