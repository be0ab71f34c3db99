#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf convert on a container whose device does DMA: all of its memory becomes pinned, and
# faultable again; or nothing has changed.
#
# VM: --kernel stock
set -euo pipefail
# shellcheck source=tests/tools/live.sh
. "$(dirname "$0")/live.sh"

readonly base=0x100000000 page=4096

# convert WORD...: leaves $code and $tmp/said.
convert()
{
	run "$iopf" convert "${container_of[a]}" "$@"
	cat "$tmp/said"
}

mode()
{
	cat "$class/container${container_of[a]}/mode"
}

pins()
{
	order a fill "$base" 0x10000 || return
	convert pinned --json
	equal 'exit code' "$code" 0 &&
		json ".container == ${container_of[a]} and .mode == \"pinned\"" \
			".pinned_bytes == $(stat a mapped_bytes)" &&
		equal 'pinned pages' "$(stat a pinned_pages)" $(($(stat a mapped_bytes) / page)) &&
		equal mode "$(mode)" pinned
}

# What the device had not touched before is mapped, too.
needs_no_request()
{
	note a
	order a fill $((base + 0x100000)) 0x100000 || return
	equal 'page requests' "$(grown a requests)" 0
}

again()
{
	note a
	convert "$1"
	equal 'exit code' "$code" 0 && equal 'pins' "$(grown a pinned_pages)" 0
}

unpins()
{
	convert faultable
	equal 'exit code' "$code" 0 && equal 'pinned pages' "$(stat a pinned_pages)" 0 &&
		equal mode "$(mode)" faultable &&
		grep -qx "container${container_of[a]}: faultable, 0 pinned" "$tmp/said" || return
	order a madvise "$base" 0x10000 dontneed || return
	note a
	order a fill "$base" 0x10000 || return
	[ "$(grown a faults)" -gt 0 ] || { echo 'no page request'; return 1; }
}

# What the client has pinned by itself is its own.
leaves_pins()
{
	order a map 0x200000000 0x10000 pinned || return
	convert pinned
	convert faultable
	equal 'pinned pages' "$(stat a pinned_pages)" 16
}

# There is nothing behind one of the addresses.
changes_nothing()
{
	order a map 0x300000000 0x10000 || return
	order a release 0x300000000 0x10000 || return
	note a
	convert pinned
	equal 'exit code' "$code" 1 && equal 'pins' "$(grown a pinned_pages)" 0 &&
		equal mode "$(mode)" faultable &&
		grep -q '^iopf convert: .*nothing has changed$' "$tmp/said"
}

wrong()
{
	convert "$@"
	equal 'exit code' "$code" 2
}

no_ptrace()
{
	run setpriv --bounding-set=-sys_ptrace "$iopf" convert "${container_of[a]}" pinned
	cat "$tmp/said"
	equal 'exit code' "$code" 1 && equal mode "$(mode)" faultable
}

load_modules window_max_pages=1 aging=1
client a 0
order a map "$base" 0x400000

tap_ok "all memory is pinned" pins
tap_ok "the device needs no page request for it" needs_no_request
tap_ok "pinning what is pinned changes nothing" again pinned
tap_ok "it is unpinned, and paged in on demand" unpins
tap_ok "unpinning what is not changes nothing" again faultable
tap_ok "what the client has pinned stays" leaves_pins
tap_ok "where something can't be pinned nothing has changed" changes_nothing
tap_ok "another mode is refused" wrong pinning
tap_ok "a missing mode is refused" wrong
tap_ok "without the right to trace others nothing has changed" no_ptrace
end_client a
tap_end
