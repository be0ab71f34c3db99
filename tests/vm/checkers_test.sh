#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each kernel notices what its lane promises to notice: a module commits one fault, does
# nothing else, and the run ends in 122. Those are tried that make check has; with
# VIOPF_ALL_LANES=1 others, too, as far as they are built.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

build()
{
	local lane=$1 dir=$out/$1/faulty
	mkdir -p "$dir"
	cp "$top"/tests/vm/faulty/{Kbuild,faulty.c} "$dir/"
	make -s -C "$(readlink -f "$out/$lane/kernel")/build" M="$dir" modules
}

# noticed LANE FAULT PATTERN: by a line like that. At a warning the machine stops, too.
noticed()
{
	local lane=$1 fault=$2 pattern=$3 code=0 leaks=0
	[ "$fault" != leak ] || leaks=1
	VIOPF_KMEMLEAK=$leaks "$top/vm/run" --kernel "$lane" -- \
		sh -c "insmod $out/$lane/faulty/faulty.ko fault=$fault; echo went on" \
		>"$tmp/log" 2>&1 || code=$?
	cat "$tmp/log"
	[ "$code" -eq 122 ] && grep -E "$pattern" "$tmp/log" &&
		{ [ "$fault" != warn ] || ! grep -x 'went on' "$tmp/log"; }
}

no_fault()
{
	"$top/vm/run" --kernel "$1" -- sh -c "insmod $out/$1/faulty/faulty.ko && rmmod faulty"
}

while read -r lane fault pattern; do
	[[ $lane = @(stock|uml-debug) ]] || all_lanes || continue
	[ -e "$out/$lane/kernel/release" ] || continue
	if [ "$fault" = none ]; then
		tap_ok "$lane: the module builds" build "$lane"
		tap_ok "$lane: no fault, no report" no_fault "$lane"
	else
		tap_ok "$lane: $fault is noticed" noticed "$lane" "$fault" "$pattern"
	fi
done <<'EOF'
stock none
stock warn WARNING:
stock overflow BUG kmalloc
stock stale_page pagealloc:
uml none
uml warn WARNING:
uml overflow BUG kmalloc
uml stale_page pagealloc:
uml atomic_sleep BUG: sleeping function
uml-debug none
uml-debug warn WARNING:
uml-debug use_after_free KASAN:
uml-debug stale_page KASAN:
uml-debug atomic_sleep BUG: sleeping function
uml-debug lock_order possible circular
uml-debug reclaim_order possible circular|inconsistent lock state
uml-debug leak kmemleak: unreferenced object
debug none
debug use_after_free KASAN:
debug stale_page KASAN:
debug atomic_sleep BUG: sleeping function
debug lock_order possible circular
debug reclaim_order possible circular|inconsistent lock state
debug leak kmemleak: unreferenced object
kcsan none
kcsan race KCSAN: data-race in (count_on|do_race)
kcsan disorder (read|write) \(reordered\) to
kcsan overflow BUG kmalloc
kcsan stale_page pagealloc:
kcsan atomic_sleep BUG: sleeping function
kcsan lock_order possible circular
EOF
tap_end
