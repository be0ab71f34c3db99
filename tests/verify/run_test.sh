#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# That verify/models/run can refuse a model: it passes a small one, and refuses the same with one
# thing wrong in it. And that verify/README.md tells of each mutant.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp" "$out/verify/small"' EXIT

# small: a model of a lock, and of two who take it.
small()
{
	cat <<-'EOF'
		/*
		 * MUTANT NO_LOCK	inside==1
		 * MUTANT NO_UNLOCK	invalid end state
		 * MUTANT NO_END	acceptance cycle
		 */
		bool taken;
		byte inside, finished;

		active [2] proctype Who()
		{
			int i;

		#ifndef NO_LOCK
			atomic { !taken -> taken = true };
		#endif
			inside++;
			assert(inside == 1);
			inside--;
		#ifndef NO_UNLOCK
			taken = false;
		#endif
		#ifdef NO_END
			do
			:: i = 1 - i
			od;
		#endif
			finished++;
		end:	false
		}

		ltl all_end { <> (finished == 2) }
	EOF
}

# runs SED_SCRIPT: the model, so changed.
runs()
{
	small | sed "$1" >"$tmp/small.pml"
	"$top/verify/models/run" "$tmp/small.pml"
}

# refused WHICH SED_SCRIPT: the test of that name fails then.
refused()
{
	local output
	! cmp -s <(small) <(small | sed "$2") || die "the script changes nothing: $2"
	! output=$(runs "$2") || return 1
	printf '%s\n' "$output"
	grep -q "^not ok .* $1" <<<"$output"
}

mutants()
{
	sed -nE 's/^ \* MUTANT ([A-Z_]+).*/\1/p' "$top/verify/models/$1.pml" | sort
}

# listed MODEL: a mutant is a macro of the model, and each of its macros a mutant.
listed()
{
	diff <(mutants "$1") <(
		sed -nE "s/^#(ifn?def |elif defined\\()([A-Z_]+).*/\\2/p" "$top/verify/models/$1.pml" |
		sort -u | { grep -vx FAIRNESS || true; })
}

# documented MODEL: the README has a row for each of its mutants, and for no other.
documented()
{
	diff <(mutants "$1") <(sed -n "/^### .*models\/$1\.pml/,/^##/p" "$top/verify/README.md" |
		sed -nE 's/^\| .([A-Z_]+). .*/\1/p' | sort)
}

tap_ok "a model that holds" runs ''
tap_ok "refused: an assertion that fails" \
	refused holds 's/assert(inside == 1)/assert(inside == 1 \&\& !finished)/'
tap_ok "refused: who waits for ever" \
	refused holds 's/^end:/stays:/'
tap_ok "refused: a formula that some run does not fulfil" \
	refused holds 's/finished == 2/finished == 3/'
tap_ok "refused: a step that is never taken" \
	refused holds '/taken = false/s/$/ if :: inside > 1 -> i = 2 :: else fi;/'
tap_ok "refused: a search that is not deep enough" \
	refused holds 's/inside--;/inside--; do :: i < 1100000 -> i++ :: else -> break od; i = 0;/'
tap_ok "refused: a mutant that changes nothing" \
	refused NO_LOCK 's/^#ifndef NO_LOCK/#ifndef NO_LOCKS/'
tap_ok "refused: a mutant that loses something else" \
	refused NO_UNLOCK 's/invalid end state/inside==1/'
tap_ok "refused: a model that spin does not understand" \
	refused holds 's/^bool taken;/bool;/'
for model in "$top"/verify/models/*.pml; do
	name=$(basename "$model" .pml)
	tap_ok "the macros of $name are its mutants" listed "$name"
	tap_ok "verify/README.md has all mutants of $name" documented "$name"
done
tap_end
