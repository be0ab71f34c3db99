#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A program that was built against the last release of libviopf runs with this one: what it
# relies on (lib/libviopf.abi) is still there, and as it was. More may be there. And that each
# kind of broken promise is noticed.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
make -s -C "$top/lib" OUT="$out/lib" >&2
cp -r "$top/lib/include" "$tmp/lib"
cp -r "$top/include/uapi" "$tmp/uapi"

# may_grow LINE NOW: a structure whose size the caller says: to the library, or by argsz to
# the kernel alone.
may_grow()
{
	local kind name bytes now
	read -r kind name bytes <<<"$1"
	now=$(sed -n "s/^size $name //p" "$2")
	[ "$kind" = size ] && [ "${now:-0}" -gt "$bytes" ] || return
	grep -qE "_sized\(.*struct $name \*" "$top/lib/include/viopf.h" ||
		{ grep -q "^member $name.argsz " "$2" && ! grep -qw "$name" "$top/lib/include/viopf.h"; }
}

# broken_promises [LIBRARY FOLDER...]: prints them, and fails if there are any.
broken_promises()
{
	local line code=0
	"$top/tests/packaging/library-abi" "$@" >"$tmp/now" || return
	while read -r line; do
		! may_grow "$line" "$tmp/now" || continue
		echo "gone or changed since the last release: $line"
		code=1
	done < <(grep -v '^#' "$top/lib/libviopf.abi" | sort | comm -23 - "$tmp/now")
	return "$code"
}

# changed FILE SED_SCRIPT: broken_promises of headers that are so changed.
changed()
{
	rm -rf "$tmp/changed"
	mkdir "$tmp/changed"
	cp -r "$tmp/lib" "$tmp/uapi" "$tmp/changed/"
	sed -i -e "$2" "$tmp/changed/$1"
	! cmp -s "$tmp/changed/$1" "$tmp/$1" || die "the script changes nothing: $2"
	broken_promises "$out/lib/libviopf.so" "$tmp/changed/lib" "$tmp/changed/uapi"
}

# noticed LINE FILE SED_SCRIPT: headers so changed break the promise that LINE is, or begins with.
noticed()
{
	local output
	! output=$(changed "$2" "$3") || return 1
	printf '%s\n' "$output"
	grep -qF "release: $1" <<<"$output"
}

# lost_symbol_noticed: of a library that does not export one.
lost_symbol_noticed()
{
	local output
	sed '/viopf_reset;/d' "$top/lib/viopf.map" >"$tmp/viopf.map"
	gcc -shared -Wl,--version-script="$tmp/viopf.map" -o "$tmp/libviopf.so" "$out"/lib/*.o
	! output=$(broken_promises "$tmp/libviopf.so") || return 1
	[ "$output" = 'gone or changed since the last release: symbol viopf_reset@VIOPF_1' ]
}

# growth_passes STRUCT FILE: at its end, of what the callee is told the size of.
growth_passes()
{
	changed "$2" "/^struct $1 {/,/^}/s/^}/\tunsigned long long more;\n}/" &&
		grep -q "^member $1.more " "$tmp/now"
}

tap_ok "what the last release promised holds" broken_promises
tap_ok "a symbol that is gone is noticed" lost_symbol_noticed
tap_ok "a structure whose size nobody says is noticed to grow" noticed 'size viopf_range' \
	lib/viopf.h '/^struct viopf_range {/,/^}/s/^}/\tuint64_t more;\n}/'
tap_ok "a structure may grow that the library is told the size of" growth_passes viopf_info lib/viopf.h
tap_ok "and one that it hands on" growth_passes vfio_iopf_stats uapi/linux/vfio_iopf.h
tap_ok "and one that only the kernel knows the size of" growth_passes vfio_iopf_enable \
	uapi/linux/vfio_iopf.h
tap_ok "a member that moves is noticed" noticed 'member vfio_iopf_advise.iova 16 8' \
	uapi/linux/vfio_iopf.h '/^struct vfio_iopf_advise {/,/^}/s/__u32[[:space:]]advice;/__u32 more[3];\n&/'
tap_ok "a member that is renamed is noticed" noticed 'member viopf_info.has_iopf' \
	lib/viopf.h 's/has_iopf/with_iopf/'
tap_ok "an ioctl's number that changes is noticed" noticed 'constant VFIO_IOPF_RESIDENCY' \
	uapi/linux/vfio_iopf.h 's/\(define VFIO_IOPF_RESIDENCY.*\)4)/\19)/'
tap_ok "an enumerator that changes is noticed" noticed 'enum vfio_iopf_advice.VFIO_IOPF_ADV_PIN 4' \
	uapi/linux/vfio_iopf.h '/VFIO_IOPF_ADV_PIN/d'
tap_end
