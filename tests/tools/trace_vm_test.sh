#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf trace on containers whose devices do DMA: its events are as many as the kernel's
# counters say, and its summary names those who take pages away.
#
# VM: --kernel stock --mem 1536M
set -euo pipefail
# shellcheck source=tests/tools/live.sh
. "$(dirname "$0")/live.sh"

readonly base=0x100000000 instances=/sys/kernel/tracing/instances

# is_tracing EVENTS: the one begun last records so many of them.
is_tracing()
{
	[ "$(cat "$instances/iopf-trace-$begun"/events/vfio_iopf/*/enable 2>/dev/null |
		grep -c 1)" -eq "$1" ]
}

# tracing EVENTS ARGUMENT...: iopf trace in the background, its output in $tmp/trace. It
# enables so many events.
tracing()
{
	begin "$tmp/trace" "$iopf" trace "${@:2}"
	wait_for is_tracing "$1"
}

nothing_left()
{
	equal 'instances left' "$(find "$instances" -mindepth 1 -maxdepth 1 -name 'iopf-trace-*')" ''
}

# keep_enabled, not_kept: tracepoints are on all the time, for others. To enable the first
# ones the kernel changes its code, which QEMU now and then stumbles over.
keep_enabled()
{
	local name
	for name in one two; do
		mkdir "$instances/$name"
		echo 1 >"$instances/$name/events/vfio_iopf/enable"
	done
}

not_kept()
{
	rmdir "$instances/one" "$instances/two"
}

# stop [SIGNAL]: it ends well, and nothing is left of it.
stop()
{
	end_with "${1:-INT}"
	equal 'exit code' "$code" 0 || { cat "$tmp/trace"; return 1; }
	nothing_left
}

# events FILTER...: true of all lines as an array.
events()
{
	local filter
	for filter in "$@"; do
		jq -se "$filter" "$tmp/trace" >"$tmp/json" 2>&1 ||
			{ echo "not so: $filter"; cat "$tmp/json"; tail -n 40 "$tmp/trace"; return 1; }
	done
}

# of EVENT: those, as a filter of an array.
of()
{
	echo "map(select(.event == \"$1\") | .fields)"
}

# The device writes, memory is given back, and the device reads.
some_work()
{
	order a fill "$base" 0x20000 && order a madvise "$base" 0x8000 dontneed &&
		order a read "$base" 0x8000
}

all_events()
{
	tracing 14 --json || return
	note a
	some_work || return
	stop || return
	events "$(of request) | length == $(grown a groups)" \
		"$(of request) | map(.requests) | add == $(grown a requests)" \
		"$(of answer) | length == $(grown a groups)" \
		"$(of answer) | map(select(.code == \"SUCCESS\")) | length == $(grown a resp_success)" \
		"$(of answer) | map(select(.by == \"handler\")) | length == $(grown a groups_at_once)" \
		"$(of bring_in) | length == $(grown a bring_ins)" \
		"$(of map) | map(.pages) | add == $(grown a pages_mapped)" \
		"$(of evict) | map(.pages) | add == $(grown a pages_evicted)" \
		"$(of evict) | all(.event == \"clear\" and .reclaim == 0)"
}

# From its arrival to its answer each has one id, and time goes on.
followed()
{
	events "($(of request) | map(.id) | sort) == ($(of answer) | map(.id) | sort)" \
		"$(of take) | length > 0 and all(.wait_ns > 0)" \
		'map(.time_ns) | . == sort' \
		"$(of request) | all(.dev == \"5d4a:00:00.0\" and .container == ${container_of[a]})" \
		"map(select(.event == \"evict\")) | all(.comm == \"client\" and .pid == ${client_pid[a]})"
}

a_line_each()
{
	tracing 14 --seconds 600 || return
	note a
	some_work || return
	stop TERM || return
	equal 'lines of requests' "$(grep -cE '^ *[0-9]+\.[0-9]{6} .+ [0-9]+ request +container='"${container_of[a]}"' id=[0-9]+ dev=5d4a:00:00.0 iova=0x[0-9a-f]+ requests=1 perm=(read|write)' "$tmp/trace")" \
		"$(grown a groups)" &&
		grep -qE " client +${client_pid[a]} evict +container=.* event=clear reclaim=0$" "$tmp/trace"
}

by_event()
{
	tracing 2 --json --event evict,iopf_answer || return
	some_work || return
	stop || return
	events 'map(.event) | unique == ["answer", "evict"]'
}

# both: a and b at work.
both()
{
	order a fill "$base" 0x4000 && order b fill "$base" 0x4000 &&
		order a madvise "$base" 0x4000 dontneed && order b madvise "$base" 0x4000 dontneed
}

by_container()
{
	tracing 14 --json --container "container${container_of[b]}" || return
	both || return
	stop || return
	events 'length > 0' "all(.fields.container == ${container_of[b]})" \
		'map(.event) | unique | contains(["answer", "evict", "request"])'
}

by_process()
{
	tracing 14 --json --pid "${client_pid[b]}" || return
	both || return
	stop || return
	events 'length > 0' "all(.fields.container == ${container_of[b]})"
}

# A device's page requests are followed; evictions are no device's.
by_device()
{
	tracing 14 --json --device 5d4a:00:01.0 || return
	both || return
	stop || return
	events "$(of request) | length > 0 and all(.dev == \"5d4a:00:01.0\")" \
		"$(of take) | length > 0" "$(of map) | length > 0" \
		"all(.fields.container == ${container_of[b]})" "$(of evict) | length == 0"
}

summed_up()
{
	tracing 5 --summary --json --container "${container_of[a]}" || return
	note a
	some_work || return
	stop || return
	traced ".requests == $(grown a requests)" '.lost == 0' \
		".events.request == $(grown a groups) and .steps.answer.count == $(grown a groups)" \
		".answers == {success: $(grown a resp_success), invalid: 0, failure: 0, at_once: $(grown a groups_at_once)}" \
		".steps.bring_in.count == $(grown a bring_ins)" \
		'.steps | .queued.total_ns + .bring_in.total_ns + .rest.total_ns <= .answer.total_ns' \
		".evicted_pages == $(grown a pages_evicted)" \
		'.addresses | length == 8' '(.addresses | map(.requests) | add) == .requests'
}

# traced FILTER...: json, of $tmp/trace.
traced()
{
	cp "$tmp/trace" "$tmp/said"
	json "$@"
}

# The page that is taken and asked for again and again.
asked_for_most()
{
	tracing 5 --summary --json || return
	order a fill "$base" 0x10000 || return
	for _ in 1 2 3 4 5; do
		order a madvise $((base + 0x3000)) 0x1000 dontneed || return
		order a read $((base + 0x3000)) 0x1000 || return
	done
	stop || return
	traced ".addresses[0] | .iova == $((base + 0x3000)) and .size == 4096 and .requests >= 5"
}

# cause NAME COMMAND...: who takes pages is called so; all of them are accounted for.
cause()
{
	tracing 5 --summary --json --container "${container_of[a]}" || return
	note a
	"${@:2}" || { end_with INT; return 1; }
	stop || return
	traced "(.evictions | map(.pages) | add) == .evicted_pages" \
		".evictions | map(select(.cause == \"$1\")) | length > 0" || return
	[ ! -e "$class/container${container_of[a]}" ] ||
		traced ".evicted_pages == $(grown a pages_evicted)"
}

# Each of these has 2 MiB of its own, as a cut makes the kernel take all of it.
readonly given=0x102000000 forked=0x102200000 paged=0x102400000 same=0x102600000 gone=0x102800000

fill_all()
{
	local at
	for at in "$given" "$forked" "$paged" "$gone"; do
		order a fill "$at" 0x10000
	done
	# Twice the same page, which the device reads.
	order a madvise "$same" 0x200000 mergeable
	order a touch "$same" 0x2000
	order a read "$same" 0x2000
}

merged()
{
	echo 10 >/sys/kernel/mm/ksm/sleep_millisecs
	echo 10000 >/sys/kernel/mm/ksm/pages_to_scan
	echo 1 >/sys/kernel/mm/ksm/run
	wait_for is_merged || return
	echo 0 >/sys/kernel/mm/ksm/run
}

is_merged()
{
	[ "$(cat /sys/kernel/mm/ksm/pages_sharing)" -gt 0 ]
}

swap_on()
{
	modprobe zram
	echo 256M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null
	swapon /dev/zram0
}

in_words()
{
	tracing 5 --summary --container "${container_of[a]}" || return
	some_work || return
	stop || return
	cat "$tmp/trace"
	grep -qE '^[0-9.]+ s: [0-9]+ page requests in [0-9]+ groups, [0-9]+ evictions of [0-9]+ pages$' "$tmp/trace" &&
		grep -qE '^STEP +TIMES +SHARE +MEAN +P50 +P99 +LONGEST$' "$tmp/trace" &&
		grep -qE '^bringing memory in ' "$tmp/trace" &&
		grep -qE '^madvise, copy, move or split +client +1 +8 +[0-9]+%$' "$tmp/trace" &&
		grep -qF 'The process gives memory back' "$tmp/trace"
}

nothing_happens()
{
	run "$iopf" trace --summary --seconds 1
	cat "$tmp/said"
	[ "$code" -eq 0 ] && grep -q '^No page request came' "$tmp/said"
}

# page_again: it is taken away, and asked for.
page_again()
{
	order a madvise "$base" 0x1000 dontneed && order a read "$base" 0x1000
}

# Whoever reads has gone: it ends, and leaves nothing.
unread()
{
	mkfifo "$tmp/pipe"
	"$iopf" trace >"$tmp/pipe" 2>"$tmp/trace.err" &
	begun=$!
	exec {reader}<"$tmp/pipe"
	wait_for is_tracing 14 || return
	page_again || return
	read -r -t "$patience_s" -u "$reader" _ || return
	exec {reader}<&-
	page_again || return
	wait_for nothing_left >"$tmp/left" || return
	code=0
	wait "$begun" || code=$?
	cat "$tmp/trace.err"
	equal 'exit code' "$code" $((128 + 13))
}

# What a killed one left goes with the next.
left_behind()
{
	tracing 14 || return
	end_with KILL
	[ -d "$instances/iopf-trace-$begun" ] || return
	run "$iopf" trace --seconds 0.1
	equal 'exit code' "$code" 0 && nothing_left
}

not_permitted()
{
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$iopf" trace --seconds 1
	cat "$tmp/said"
	[ "$code" -eq 1 ] && grep -q 'Permission denied; be root (sudo)$' "$tmp/said"
}

wrong()
{
	run timeout -s KILL "$patience_s" "$iopf" trace "$@"
	cat "$tmp/said"
	equal 'exit code' "$code" 2
}

no_module()
{
	end_client b
	not_kept
	rmmod vfio_iommu_iopf
	run "$iopf" trace --seconds 1
	cat "$tmp/said"
	[ "$code" -eq 1 ] && grep -q 'the module vfio_iommu_iopf is not loaded' "$tmp/said"
}

swap_on
load_modules window_max_pages=1 aging=0
client a 0
client b 1
order a map "$base" 0x4000000
order b map "$base" 0x4000000

keep_enabled
tap_ok "events are as many as the counters say" all_events
tap_ok "a page request is followed by its id" followed
tap_ok "a line an event; SIGTERM" a_line_each
tap_ok "by event" by_event
tap_ok "by container" by_container
tap_ok "by process" by_process
tap_ok "by device" by_device
tap_ok "the summary is what the counters say" summed_up
tap_ok "the address that is asked for most" asked_for_most
tap_ok "the summary in words" in_words
fill_all
tap_ok "who: KSM" cause KSM merged
tap_ok "who: reclaim" cause 'direct reclaim' order a madvise "$paged" 0x10000 pageout
tap_ok "who: madvise" cause 'madvise, copy, move or split' order a madvise "$given" 0x10000 dontneed
tap_ok "who: munmap" cause 'munmap or mremap' order a release "$gone" 0x200000
tap_ok "who: fork" cause 'fork or sync' order a fork
tap_ok "nothing happens" nothing_happens
tap_ok "nobody reads on" unread
tap_ok "what was left behind" left_behind
tap_ok "no permission" not_permitted
tap_ok "no such event" wrong --event nothing
tap_ok "events that a summary is not made of" wrong --summary --event evict
order a fill "$forked" 0x10000
tap_ok "who: exit" cause exit end_client a
tap_ok "no module" no_module
tap_end
