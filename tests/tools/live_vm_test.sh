#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf top, map and advise on containers whose devices do DMA. What they say is what the
# kernel's counters say, which a client looks at as well.
#
# VM: --kernel stock
set -euo pipefail
# shellcheck source=tests/tools/live.sh
. "$(dirname "$0")/live.sh"

readonly base=0x100000000 page=4096

# --- top

whole_lines()
{
	head -n "$(wc -l <"$tmp/top")" "$tmp/top"
}

# shown FILTER: true of all objects together; $c is the container's number.
shown()
{
	whole_lines | jq -se --argjson c "${container_of[a]}" \
		"map(.interval_s as \$s | .containers[] | select(.container == \$c) | .s = \$s) | $1" \
		>"$tmp/json"
}

# total KEY: what a rate adds up to.
total()
{
	echo "(map(.$1 * .s) | add | round)"
}

top_counts()
{
	begin "$tmp/top" "$iopf" top --json --interval 0.2
	wait_for test -s "$tmp/top" || return
	note a
	order a fill "$base" 0x40000 || return
	order a madvise "$base" 0x8000 dontneed || return
	order a fill "$base" 0x4000 || return
	wait_for shown "$(total faults_per_s) == $(grown a requests) and
		$(total evictions_per_s) == $(grown a evictions) and
		$(total retries_per_s) == $(grown a retries) and
		$(total 'devices[0].faults_per_s') == $(grown a requests)" ||
		{ tail -n 5 "$tmp/top"; return 1; }
	shown ".[-1].resident_bytes == $(stat a resident_pages) * $page and
		.[-1].mapped_bytes == $(stat a mapped_bytes)" || return
	equal 'page requests of the device' "$(device_stat a requests)" "$(stat a requests)" || return
	end_with INT
	equal 'exit code' "$code" 0
}

# What was answered meanwhile was within the buckets that have grown.
top_latency()
{
	local longest
	longest=$(tail -n 1 "$class/container${container_of[a]}/latency" | cut -d ' ' -f 1)
	shown 'map(.latency_p99_ns // empty) | length > 0 and all(. > 0)' &&
		shown "map(.latency_p99_ns // empty) | all(. <= $longest * 5 / 4 + 256)" &&
		shown 'all(.latency_p50_ns == null or .latency_p50_ns <= .latency_p99_ns)'
}

# A container goes while it is looked at, and one is there still.
top_while_containers_go()
{
	begin "$tmp/top" "$iopf" top --json --interval 0.1
	for _ in 1 2 3; do
		client b 1
		end_client b || return
	done
	wait_for test -s "$tmp/top" || return
	end_with TERM
	equal 'exit code' "$code" 0 && whole_lines | jq -se 'length > 0' >"$tmp/json"
}

# --- map

# map FILTER...: of container a's map, by pages.
map()
{
	run "$iopf" map "container${container_of[a]}" --json --cell 4K
	[ "$code" -eq 0 ] || { cat "$tmp/said"; return 1; }
	json "$@"
}

map_agrees()
{
	map ".resident_bytes == $(stat a resident_pages) * $page" \
		".mapped_bytes == $(stat a mapped_bytes)" \
		".pinned_bytes == $(stat a pinned_pages) * $page" ".mappings == $(stat a mappings)"
}

# Just the pages that were asked for, and the rings.
map_says_where()
{
	"$iopf" advise "${container_of[a]}" evict "$base" 64M >"$tmp/said"
	order a fill $((base + 0x100000)) 0x3000 || return
	map_agrees && map ".areas[1] | .iova == $((base)) and .last == $((base + 0x3ffffff))" \
		".areas[1].cells | map(.iova - $((base))) == [1048576, 1052672, 1056768]"
}

map_pinned()
{
	order a pin $((base + 0x200000)) 0x5000 || return
	map_agrees && map '.pinned_bytes == 20480' \
		'[.areas[].cells[] | select(.pinned_bytes > 0)] | length == 5'
}

map_huge()
{
	order a madvise $((base + 0x400000)) 0x200000 hugepage || return
	order a touch $((base + 0x400000)) 0x200000 || return
	order a fill $((base + 0x400000)) 0x1000 || return
	map_agrees && map ".huge_bytes == $(stat a huge_mapped) * 2097152" '.huge_bytes > 0'
}

# All that is mapped is young until the kernel looks for memory.
map_young()
{
	map '.young_bytes == .resident_bytes - .pinned_bytes or .young_bytes == .resident_bytes' \
		'.young_bytes > 0'
}

map_dirty()
{
	order a dirty || return
	order a fill $((base + 0x1000000)) 0x4000 || return
	map_agrees && map "[.areas[].cells[] | select(.iova >= $((base + 0x1000000))) |
		.dirty_bytes] | add == 16384"
}

# A terabyte of which nothing is resident is not looked at, page by page.
map_terabyte()
{
	order a map 0x10000000000 0x10000000000 || return
	strace -qq -e trace=ioctl -o "$tmp/calls" "$iopf" map --json "${container_of[a]}" >"$tmp/said" ||
		return
	json ".resident_bytes == $(stat a resident_pages) * $page" \
		".mapped_bytes == $(stat a mapped_bytes)" || return
	# VFIO_IOPF_RESIDENCY, for the rings and the first mapping.
	equal 'mappings looked at' "$(grep -c '0x3b, 0xa8' "$tmp/calls")" 2 ||
		{ cat "$tmp/calls"; return 1; }
}

# on_terminal COLUMNS COMMAND...: what it prints there, which is in $tmp/said as well.
on_terminal()
{
	run script -qec "stty cols $1 rows 24 && ${*:2}" /dev/null
	sed -i 's/\r//' "$tmp/said"
	cat "$tmp/said"
	[ "$code" -eq 0 ] && [ "$(wc -L <"$tmp/said")" -le "$1" ]
}

map_text()
{
	local map="$iopf map container${container_of[a]}"
	on_terminal 80 "$map --lines 12 --color never" &&
		[ "$(wc -l <"$tmp/said")" -le 16 ] &&
		grep -qE '^ +100000000 [.pPdDhHgGcC]{64}$' "$tmp/said" &&
		on_terminal 40 "$map --color never" &&
		grep -qE '^ +100000000 [.pPdDhHgGcC]{24}$' "$tmp/said"
}

# A letter where the page is that was asked for, alone.
map_range()
{
	order a fill $((base + 0x3f00000)) 0x1000 || return
	run "$iopf" map "${container_of[a]}" $((base + 0x3efe000)) 16K
	cat "$tmp/said"
	[ "$code" -eq 0 ] && grep -qx '    103efe000 ..H.' "$tmp/said" &&
		grep -q '^0x103efe000-0x103f01fff: 16K in 1 mapping, 4K resident' "$tmp/said"
}

# By colours, if it is asked for.
map_colours()
{
	TERM=xterm run "$iopf" map "${container_of[a]}" $((base + 0x3f00000)) 4K --color always
	cat "$tmp/said"
	[ "$code" -eq 0 ] && grep -qF "$(tput -T xterm setaf 1)█$(tput -T xterm op)" "$tmp/said"
}

map_svg()
{
	"$iopf" map "container${container_of[a]}" --svg "$tmp/map.svg" || return
	python3 - "$tmp/map.svg" <<-'END'
		import sys
		import xml.etree.ElementTree as tree
		root = tree.parse(sys.argv[1]).getroot()
		assert root.tag == '{http://www.w3.org/2000/svg}svg', root.tag
		paths = root.findall('.//{http://www.w3.org/2000/svg}path')
		assert sum(path.get('d').count('M') for path in paths) > 1000
	END
}

map_svg_unwritable()
{
	run "$iopf" map "container${container_of[a]}" --svg /proc/nowhere/map.svg
	cat "$tmp/said"
	[ "$code" -eq 1 ] && grep -q "^iopf map: can't write /proc/nowhere/map.svg: " "$tmp/said"
}

# --- advise

advise()
{
	run "$iopf" advise "${container_of[a]}" "$@"
	cat "$tmp/said"
}

evicts()
{
	order a fill $((base + 0x2000000)) 0x10000 || return
	note a
	advise evict $((base + 0x2000000)) 32K || return
	equal 'exit code' "$code" 0 && equal 'pages taken' "$(grown a resident_pages)" -8 &&
		equal 'evictions by the kernel' "$(grown a evictions)" 0
}

# What is pinned stays.
evicts_not_pinned()
{
	note a
	advise evict $((base + 0x200000)) 20K || return
	equal 'exit code' "$code" 0 && equal 'pages taken' "$(grown a resident_pages)" 0
}

prefetches()
{
	note a
	advise prefetch-write $((base + 0x3000000)) 1M --json || return
	json ".done_bytes == 1048576 and .container == ${container_of[a]}" || return
	equal 'pages mapped' "$(grown a resident_pages)" 256 || return
	order a fill $((base + 0x3000000)) 0x100000 || return
	equal 'page requests' "$(grown a requests)" 0
}

prefetches_resident()
{
	order a touch $((base + 0x3800000)) 0x4000 || return
	note a
	advise prefetch-resident $((base + 0x3800000)) 64K || return
	equal 'pages mapped' "$(grown a resident_pages)" 4
}

refuses()
{
	note a
	advise "$1" "$base" 4K || return
	equal 'exit code' "$code" 1 && equal 'pins' "$(grown a pinned_pages)" 0 &&
		grep -qF "iopf advise: $1 is not done from outside: $2" "$tmp/said"
}

refuses_user()
{
	order a map 0x200000000 0x10000 user || return
	advise prefetch 0x200000000 4K || return
	equal 'exit code' "$code" 1 && grep -qF 'is user-handled' "$tmp/said" || return
	advise evict 0x200000000 4K || return
	equal 'exit code' "$code" 0
}

not_mapped()
{
	advise prefetch $((base + 0x3ffe000)) 16K || return
	equal 'exit code' "$code" 1 &&
		grep -qxF "container${container_of[a]}: prefetch at 0x103ffe000: 8K of 16K done" "$tmp/said" &&
		grep -qxF "iopf advise: nothing is mapped at IOVA 0x104000000; see iopf map" "$tmp/said"
}

wrong()
{
	advise "$@" || return
	equal 'exit code' "$code" 2
}

# Root without the right to trace others.
no_ptrace()
{
	run setpriv --bounding-set=-sys_ptrace "$iopf" map "${container_of[a]}"
	cat "$tmp/said"
	[ "$code" -eq 1 ] && grep -qE "can't get container.*(Operation not permitted|Permission denied); be root, with CAP_SYS_PTRACE" "$tmp/said"
}

# The container's file is closed, and its device keeps it.
closed()
{
	order a close || return
	run "$iopf" map "${container_of[a]}"
	cat "$tmp/said"
	[ "$code" -eq 1 ] && grep -qF 'is gone, or only its devices keep it' "$tmp/said"
}

load_modules window_max_pages=1 aging=1
client a 0
order a map "$base" 0x4000000

tap_ok "top: rates add up to the kernel's counters" top_counts
tap_ok "top: latencies" top_latency
tap_ok "top: containers go meanwhile" top_while_containers_go
tap_ok "map: agrees with the counters" map_agrees
tap_ok "map: the pages that were asked for" map_says_where
tap_ok "map: pinned pages" map_pinned
tap_ok "map: huge pages" map_huge
tap_ok "map: young pages" map_young
tap_ok "map: in the terminal" map_text
tap_ok "map: a range alone" map_range
tap_ok "map: colours" map_colours
tap_ok "map: as SVG" map_svg
tap_ok "map: a file that can't be written" map_svg_unwritable
tap_ok "advise: evict" evicts
tap_ok "advise: what is pinned stays" evicts_not_pinned
tap_ok "advise: prefetch-write" prefetches
tap_ok "advise: prefetch-resident" prefetches_resident
tap_ok "advise: pin is refused" refuses pin 'it would be charged'
tap_ok "advise: unpin is refused" refuses unpin 'pins are not counted'
tap_ok "advise: no prefetch of user-handled memory" refuses_user
tap_ok "advise: where nothing is mapped" not_mapped
tap_ok "advise: no whole pages" wrong evict "$base" 100
tap_ok "advise: no such advice" wrong burn "$base" 4K
tap_ok "map: dirty pages" map_dirty
tap_ok "map: a terabyte" map_terabyte
tap_ok "no permission" no_ptrace
tap_ok "nobody has the container's file" closed
end_client a
tap_end
