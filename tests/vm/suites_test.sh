#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How mk/ has tests run, with a VM that is made up: what a known fault has stopped runs again,
# and is counted; and a kernel test program is in the suites that it says.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
clone=$tmp/clone
export VIOPF_KNOWN=$tmp/known VIOPF_JOBS=1 PATH=$tmp/bin:$PATH
unset VIOPF_ALL_LANES

# program FILE: what is on standard input, as a program. The variable code is the next in
# $tmp/codes there; what it is told is added to $tmp/ran, a line each time.
program()
{
	cat - >"$1" <<-EOF
		#!/bin/bash
		code=\$(head -n 1 "$tmp/codes")
		sed -i 1d "$tmp/codes"
		printf '<%s>' "\$@" >>"$tmp/ran"
		echo >>"$tmp/ran"
		$(cat)
	EOF
	chmod +x "$1"
}

# source_of NAME LINE...: of a kernel test, with these lines in its comment.
source_of()
{
	printf ' * %s\n' "${@:2}" >"$clone/tests/$1_test.c"
}

# make_clone: mk/ with other tests, a vm/run and a make. Of the kernel tests that this vm/run is
# told to run, the last has not ended when it ends badly.
make_clone()
{
	mkdir -p "$clone"/{verify,vm,tests/{kernel,intel,verify}} "$tmp/bin"
	cp -r "$top/mk" "$clone/"
	cp "$top/verify/lab.py" "$clone/verify/"
	source_of kernel/also 'It says nothing of suites.'
	source_of kernel/plain 'Nor does this.'
	source_of kernel/own 'VM: --mem 2G' 'LANES: stock next'
	source_of kernel/hard 'LANES: stock debug' 'VM: --append x' 'VM: --qemu -device'
	source_of kernel/fail 'LANES: uml-debug'
	source_of kernel/named 'LANES: next uml'
	source_of intel/card 'VM: --intel' 'LANES: intel debug'
	ln -s /bin/true "$tmp/bin/make"
	program "$clone/vm/run" <<-'EOF'
		while [ "$1" != mk/batch-guest ]; do shift; done
		folder=${0%/vm/run}/out/$2
		shift 3
		for name; do
			[ "${code:-0}" = 0 ] || [ "$name" != "${!#}" ] || exit "$code"
			printf 'ok 1 - x\n1..1\n' >"$folder/$name.tap"
			echo 0 >"$folder/$name.exit"
		done
	EOF
	# shellcheck disable=SC2016
	program "$clone/ends_test.sh" <<<'printf "ok 1 - x\n1..1\n"; exit "${code:-0}"'
	ends=$clone/ends_test.sh
}

# past "CODE..." CODE TIMES KNOWN COMMAND...: where these come, the command ends in CODE, runs so
# often and counts so many known faults, none if that is empty.
past()
{
	local codes=$1 want=$2 times=$3 known=$4 code=0
	shift 4
	rm -f "$tmp"/{ran,known}
	tr ' ' '\n' <<<"$codes" >"$tmp/codes"
	"$@" || code=$?
	cat "$tmp/ran"
	echo "ended in $code; known faults: $(cat "$VIOPF_KNOWN" 2>/dev/null || echo none)"
	[ "$code" -eq "$want" ] && [ "$(wc -l <"$tmp/ran")" -eq "$times" ] &&
		[ "$(cat "$VIOPF_KNOWN" 2>/dev/null)" = "$known" ]
}

# ran LINE...: that is what was told, one time after the other; of a VM the options and programs.
ran()
{
	diff <(printf '%s\n' "$@") <(sed -E 's,^<--timeout><[0-9]+>,,
		s,<--><mk/batch-guest><check/uml><[0-9]+>, ,' "$tmp/ran")
}

# run_test, run_batch NAME, check SUITE: as they are, in the clone. The first is followed by what
# mk/check says at its end.
run_test()
{
	local code=0
	rm -rf "$clone/out/check/vm"
	mkdir -p "$clone/out/check/vm"
	"$clone/mk/run-test" vm "$ends" || code=$?
	"$clone/mk/tally" "$clone/out/check" vm >"$tmp/said" || true
	return "$code"
}

run_batch()
{
	"$clone/mk/run-batch" uml "$1"
}

check()
{
	"$clone/mk/check" "$1" >"$tmp/said" 2>&1
}

# tells LINE...: these are the last lines of what was said.
tells()
{
	tail -n $# "$tmp/said" | diff <(printf '%s\n' "$@") -
}

tells_of_none()
{
	! grep 'known fault' "$tmp/said"
}

# in_lab: what kernel_tests prints, as verify/lab.py has understood it.
in_lab()
{
	/usr/bin/python3 -B - <<-EOF
		import sys
		sys.path.insert(0, "$clone/verify")
		import lab
		for program in lab.programs():
		    print(program.name, *program.lanes, ":", *program.options)
	EOF
}

# has_suites COMMAND...: it prints what is on standard input.
has_suites()
{
	diff <("$@") -
}

make_clone
always=$(printf '124 %.0s' {1..20})
told='VMs that a known fault stopped (docs/testing.md)'

tap_ok "what ends well has run once" past 0 0 1 '' past_known_faults "$ends"
tap_ok "what ends badly, too" past 7 7 1 '' past_known_faults "$ends"
tap_ok "what a known fault stopped runs again" \
	past '124 124 0' 0 3 2 past_known_faults "$ends" 'a  b' '' "\$x *" "it's"
tap_ok "... with the same words" ran "<a  b><><\$x *><it's>"{,,}
tap_ok "... until it ends otherwise, badly, too" past '124 7' 7 2 1 past_known_faults "$ends"
tap_ok "... but not for ever" past "$always" 124 11 10 past_known_faults "$ends"
# shellcheck disable=SC2016
tap_ok "... where nobody counts, too" past '124 0' 0 2 '' env -u VIOPF_KNOWN \
	bash -euc '. "$1"; past_known_faults "$2"' bash "$top/mk/common.sh" "$ends"
tap_ok "mk/run-test has it run again" past '124 124 0' 0 3 '' run_test
tap_ok "... which is told at the end" tells "$told: 2" '1 passed, 0 failed, 0 skipped'
tap_ok "... if it was so" past 0 0 1 '' run_test
tap_ok "... and not otherwise" tells_of_none

tap_ok "mk/check runs those that are in a suite, again what had not ended" \
	past '124 0' 0 3 '' check uml
tap_ok "... by their own options, and no others" ran \
	'<--kernel><uml><--mem><2G> <own_test>' '<--kernel><uml><--mem><2G> <own_test>' \
	'<--kernel><uml> <also_test><named_test><plain_test>'
tap_ok "... and tells" tells "$told: 1" '4 passed, 0 failed, 0 skipped'
tap_ok "mk/run-batch does not for ever, either" past "$always" 1 11 '' run_batch own_test
tap_ok "... and calls it a failure" grep -x 124 "$clone/out/check/uml/own_test.exit"

tap_ok "verify/lab.py has the same programs" has_suites in_lab <<'EOF'
also_test stock uml-debug kcsan uml :
fail_test uml-debug :
hard_test stock debug kcsan : --append x --qemu -device
named_test next uml :
own_test stock next uml : --mem 2G
plain_test stock uml-debug kcsan uml :
card_test intel debug : --intel
EOF
export VIOPF_ALL_LANES=1
tap_ok "VIOPF_ALL_LANES has all on each kernel" past 0 0 4 '' check debug
tap_ok "... that can have them" past 0 0 2 '' check uml-debug
tap_end
