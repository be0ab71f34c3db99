#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf top on containers made up of files (tree.sh), as lines, as JSON and on a terminal,
# which is tmux's. live_vm_test.sh has real ones.
set -euo pipefail
# shellcheck source=tests/tools/tree.sh
. "$(dirname "$0")/tree.sh"

readonly patience_s=60
readonly class=$tree/sys/class/vfio_iopf
top_pid=''
trap 'screen_end; [ -z "$top_pid" ] || kill "$top_pid" 2>/dev/null || true; rm -rf "$tmp"' EXIT

# some N: containers 0 to N - 1, of which the last asks for most.
some()
{
	local i
	rm -rf "$tree"
	mkdir -p "$tree/sys/module/vfio_iommu_iopf" "$class"
	for ((i = 0; i < $1; i++)); do
		container "$i" "stats/resident_pages=$((1000 - i))" stats/requests=0 \
			stats/evictions=0 stats/retries=0 stats/backoffs=0
		contained "$i" "0000:01:00.$i" faulting
	done
}

# change FILE TEXT: of container 0, at one blow, as it is looked at meanwhile.
change()
{
	printf '%s\n' "$2" >"$tmp/new"
	mv "$tmp/new" "$class/container0/$1"
}

# come N [NAME=VALUE]...: a container, at one blow as well.
come()
{
	local tree=$tmp/aside
	container "$@"
	mv "$tree/sys/class/vfio_iopf/container$1" "$class/"
}

# start_top ARGUMENT...: in the background, its output in $tmp/top, which has a first line.
# What a case that failed has left writes there no more.
start_top()
{
	[ -z "$top_pid" ] || stop_top KILL
	: >"$tmp/top" # here: the background may begin later than what waits for it
	"$iopf" top --interval 0.1 "$@" >"$tmp/top" 2>"$tmp/top.err" &
	top_pid=$!
	wait_for test -s "$tmp/top"
}

# stop_top SIGNAL: leaves its exit code in $code.
stop_top()
{
	kill -"$1" "$top_pid"
	code=0
	wait "$top_pid" || code=$?
	top_pid=''
}

# whole_lines: of JSON, as the last one may be half written.
whole_lines()
{
	head -n "$(wc -l <"$tmp/top")" "$tmp/top"
}

# seen FILTER: true of all lines together, as an array.
seen()
{
	whole_lines | jq -se "$1" >"$tmp/json"
}

lines()
{
	some 2
	run "$iopf" top --interval 0.1 --count 2
	cat "$tmp/said"
	[ "$code" -eq 0 ] && [ "$(grep -c '^TIME' "$tmp/said")" -eq 1 ] &&
		[ "$(grep -c 'container0 qemu 1000 ' "$tmp/said")" -eq 2 ] &&
		[ "$(grep -c 'container1 qemu 1001 ' "$tmp/said")" -eq 2 ] &&
		! grep 0000:01 "$tmp/said"
}

# What is counted meanwhile is shown once, in whatever intervals.
rates()
{
	some 1
	start_top --json
	change stats/requests 4000
	change stats/evictions 70
	change stats/retries 5
	change stats/backoffs 3
	change devices/0000:01:00.0/stats/requests 18
	wait_for seen 'def total(f): map(f * .interval_s) | add | round;
		total(.containers[0].faults_per_s) == 4000 and
		total(.containers[0].evictions_per_s) == 70 and
		total(.containers[0].retries_per_s) == 5 and
		total(.containers[0].backoffs_per_s) == 3 and
		total(.containers[0].devices[0].faults_per_s) == 10' || { cat "$tmp/top"; return 1; }
	stop_top INT
	[ "$code" -eq 0 ]
}

# Of a histogram only what came since counts: 98 of 3 us and 2 of 1 ms.
latencies()
{
	some 1
	start_top --json
	seen 'map(.containers[0] | has("latency_p50_ns")) | any | not' || return
	change latency "$(printf '3072 98\n10240 50\n12288 49\n1048576 3')"
	wait_for seen 'map(.containers[0].latency_p50_ns // empty) == [3584]' || return
	stop_top INT
	seen 'map(.containers[0].latency_p99_ns // empty) == [1310720]'
}

# Those below 1 us are in four buckets: these took less than 512 ns, one of them less than 1,024.
short_latencies()
{
	some 1
	start_top --json
	change latency "$(printf '256 98\n768 2\n10240 50\n12288 49\n1048576 1')"
	wait_for seen 'map(.containers[0].latency_p50_ns // empty) == [512]' || return
	stop_top INT
	seen 'map(.containers[0].latency_p99_ns // empty) == [1024]'
}

# Numbers that are no rates.
amounts()
{
	some 1
	container 0 stats/pinned_pages=2
	run "$iopf" top --json --interval 0.1 --count 1
	[ "$code" -eq 0 ] && json '.containers[0] | .resident_bytes == 4097 * 4096 and
		.mapped_bytes == 1073741824 and .pinned_bytes == 8192 and .pid == 1000'
}

comes_and_goes()
{
	some 2
	start_top --json
	mv "$class/container1" "$tmp/away"
	wait_for seen '.[-1].containers | length == 1' || return
	come 7 stats/requests=90
	wait_for seen 'map(.containers[] | select(.container == 7)) | length > 0' || return
	# What it did before it was first seen is in the first picture.
	# shellcheck disable=SC2016 # jq's
	seen 'map(.interval_s as $s | .containers[] | select(.container == 7) |
		.faults_per_s * $s) | add | round == 90' || return
	rm -rf "${class:?}"/*
	wait_for seen '.[-1].containers == []' || return
	stop_top TERM
	[ "$code" -eq 0 ]
}

module_goes()
{
	some 1
	start_top
	mv "$tree" "$tmp/gone"
	code=0
	wait "$top_pid" || code=$?
	top_pid=''
	rm -rf "$tmp/gone"
	cat "$tmp/top.err"
	[ "$code" -eq 1 ] && grep -qF 'is not loaded; see iopf check' "$tmp/top.err"
}

none()
{
	some 0
	run "$iopf" top --interval 0.1 --count 1
	[ "$code" -eq 0 ] && grep -qE '^[0-9:]+ no container is open$' "$tmp/said"
}

# Numbers of containers in the order of the output.
order()
{
	run "$iopf" top --interval 0.1 --count 1 --json "$@"
	jq -c '.containers | map(.container)' "$tmp/said"
}

sorting()
{
	some 3
	[ "$(order --sort resident)" = '[0,1,2]' ] &&
		[ "$(order --sort resident --reverse)" = '[2,1,0]' ] &&
		[ "$(order --sort container --reverse)" = '[2,1,0]' ] &&
		[ "$(order --sort faults)" = '[0,1,2]' ]
}

usage()
{
	run timeout -s KILL "$patience_s" "$iopf" top "$@"
	cat "$tmp/said"
	[ "$code" -eq 2 ]
}

two_hundred()
{
	some 200
	run "$iopf" top --interval 0.1 --count 1 --lines
	[ "$code" -eq 0 ] && [ "$(grep -c container "$tmp/said")" -eq 200 ]
}

# --- on a terminal

# Each test has a server of its own, as one that ends takes a moment for it.
tmux()
{
	command tmux -L "iopf-$$-$tap_count" -f /dev/null "$@"
}

# screen_start COLUMNS LINES ARGUMENT...: iopf top there; it leaves a word when it ends.
screen_start()
{
	tmux new-session -d -x "$1" -y "$2" \
		"IOPF_ROOT=$tree LC_ALL=C.UTF-8 $iopf top --interval 0.1 ${*:3}; echo ended \$?; sleep 600"
}

screen_end()
{
	tmux kill-server 2>/dev/null || true
}

# shown PATTERN: there is such a line on the screen.
shown()
{
	tmux capture-pane -p >"$tmp/screen"
	grep -qE "$1" "$tmp/screen"
}

# on_screen COLUMNS LINES COMMAND...: shows the screen if it fails.
on_screen()
{
	screen_start "$1" "$2"
	code=0
	"${@:3}" || code=1
	[ "$code" -eq 0 ] || cat "$tmp/screen"
	screen_end
	return "$code"
}

whole_screen()
{
	wait_for shown '^container0 qemu 1000 +[0-9]' && shown '^CONTAINER +FAULT/S +P50 +P99 +EVICT/S +RES +MAPPED +PINNED +RETRY/S +BACKOFF$' &&
		shown '^  0000:01:00.0 ' && shown ' 2 containers '
}

narrow_screen()
{
	wait_for shown '^container0 +qemu' && shown '^CONTAINER +FAULT/S +P99 +EVICT/S$' &&
		[ "$(wc -L <"$tmp/screen")" -le 40 ]
}

# Wider, and narrower, while it runs.
resized()
{
	wait_for shown 'BACKOFF$' || return
	tmux resize-window -x 40 -y 10
	wait_for shown 'EVICT/S$' || return
	tmux resize-window -x 120 -y 30
	wait_for shown 'BACKOFF$'
}

ctrl_c()
{
	wait_for shown container0 || return
	tmux send-keys C-c
	wait_for shown '^ended 0$' && ! shown container0
}

keys()
{
	wait_for shown 'by faults$' || return
	tmux send-keys s s s s
	wait_for shown 'by resident$' || return
	tmux send-keys r
	wait_for shown 'by resident, reversed$' || return
	tmux send-keys d
	wait_for eval '! shown 0000:01' || return
	tmux send-keys q
	wait_for shown '^ended 0$'
}

scrolled()
{
	wait_for shown '^container0 ' || return
	tmux send-keys End NPage NPage
	wait_for eval '! shown "^container0 "' || return
	tmux send-keys Home
	wait_for shown '^container0 '
}

empty_screen()
{
	wait_for shown '^no container is open$'
}

module_goes_from_screen()
{
	wait_for shown container0 || return
	mv "$tree" "$tmp/gone" # at one blow
	wait_for shown '^ended 1$' && shown 'is not loaded; see iopf check$'
}

no_terminal()
{
	tmux new-session -d -x 80 -y 24 \
		"IOPF_ROOT=$tree TERM=nonesuch $iopf top --interval 0.1; sleep 600"
	wait_for shown '^TIME +CONTAINER'
	code=$?
	screen_end
	return "$code"
}

tap_ok "a line for each container and interval" lines
tap_ok "rates are differences, each counted once" rates
tap_ok "latencies are those of what came meanwhile" latencies
tap_ok "latencies below a microsecond" short_latencies
tap_ok "what is no rate is as it is now" amounts
tap_ok "containers that come and go, SIGTERM" comes_and_goes
tap_ok "the module goes" module_goes
tap_ok "no container" none
tap_ok "sorting" sorting
tap_ok "200 containers" two_hundred
tap_ok "a bad interval" usage --interval 0
tap_ok "a bad count" usage --count -1
tap_ok "a bad key" usage --sort nothing
some 2
tap_ok "the full screen" on_screen 100 24 whole_screen
tap_ok "40 columns" on_screen 40 10 narrow_screen
tap_ok "a new size" on_screen 100 24 resized
tap_ok "SIGINT gives the terminal back" on_screen 100 24 ctrl_c
tap_ok "keys" on_screen 100 24 keys
tap_ok "a terminal that can't" no_terminal
some 200
tap_ok "200 containers on a screen" on_screen 80 24 scrolled
some 0
tap_ok "an empty screen" on_screen 80 24 empty_screen
some 1
tap_ok "the module goes, and it is seen" on_screen 80 24 module_goes_from_screen
tap_end
