#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf list and show, on containers made up of files (tree.sh), and what all of iopf does
# with its command line and its output. containers_vm_test.sh has real ones.
set -euo pipefail
# shellcheck source=tests/tools/tree.sh
. "$(dirname "$0")/tree.sh"

readonly uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001

# some: three containers; the third has the number of the first one's process.
some()
{
	rm -rf "$tree"
	mkdir -p "$tree/sys/module/vfio_iommu_iopf" "$tree/sys/class/vfio_iopf"
	container 3 mode=pinned stats/pinned_pages=262144
	contained 3 0000:01:00.0 pinning
	contained 3 0000:01:00.1 faulting
	container 12 pid=0 health='failed flooded'
	container 1003 pid=77
	contained 1003 $uuid emulated
}

# squeezed: what was said, each run of blanks being one.
squeezed()
{
	tr -s ' ' <"$tmp/said" | sed 's/ $//'
}

table()
{
	run "$iopf" list
	[ "$code" -eq 0 ] && diff - <(squeezed) <<-EOF
		ID PID COMMAND MODE HEALTH MAPPED RESIDENT PINNED FAULTS DEVICES
		3 1003 qemu pinned ok 1G 16M 1G 1.2k 0000:01:00.0 +1
		12 ended qemu faultable failed flooded 1G 16M 0 1.2k -
		1003 77 qemu faultable ok 1G 16M 0 1.2k $uuid
	EOF
}

list_json()
{
	run "$iopf" list --json
	[ "$code" -eq 0 ] && json 'map(.container) == [3, 12, 1003]' \
		'.[0] | keys == ["comm", "container", "devices", "enabled", "health", "latency", "mode", "pid", "stats", "type"]' \
		'.[0] | .enabled == true and .pid == 1003 and .mode == "pinned"' \
		'.[0].stats == {faults: 1234, mapped_bytes: 1073741824, pinned_pages: 262144, resident_pages: 4097, segment_bytes: 67108864}' \
		'.[0].latency[2] == {from_ns: 1048576, count: 1}' \
		'.[0].devices[1] == {name: "0000:01:00.1", kind: "faulting", health: "ok", stats: {groups: 7, requests: 8}, latency: [{from_ns: 10240, count: 7}]}'
}

show()
{
	run "$iopf" show container3
	[ "$code" -eq 0 ] && diff - <(squeezed) <<-EOF
		container3
		 pid 1003
		 command qemu
		 type iopf
		 mode pinned
		 enabled yes
		 health ok
		 latency p50 12us, p99 14us, longest 1.3ms
		 faults 1234
		 mapped_bytes 1073741824
		 pinned_pages 262144
		 resident_pages 4097
		 segment_bytes 67108864

		device 0000:01:00.0
		 kind pinning
		 health ok
		 latency p50 12us, p99 12us, longest 12us
		 groups 7
		 requests 8

		device 0000:01:00.1
		 kind faulting
		 health ok
		 latency p50 12us, p99 12us, longest 12us
		 groups 7
		 requests 8
	EOF
}

# shows CONTAINERS WORD: WORD names these.
shows()
{
	run "$iopf" show --json "$2"
	[ "$code" -eq 0 ] && json "map(.container) == [$1]"
}

# complains CODE SENTENCE WORD...: iopf WORD... says so, and nothing else.
complains()
{
	run "$iopf" "${@:3}"
	said "$1" "$2" && [ "$(wc -l <"$tmp/said")" -eq 1 ]
}

both_of_a_process()
{
	container 5 pid=77
	shows '5, 1003' 77
}

none()
{
	rm -rf "$tree/sys/class/vfio_iopf"/*
	run "$iopf" list
	said 0 'no container is open' || return
	run "$iopf" list --json
	[ "$code" -eq 0 ] && json '. == []'
}

# A container that has gone while it is read has lost files; a device, its folder.
gone()
{
	some
	rm "$tree/sys/class/vfio_iopf/container12/health"
	rm "$tree/sys/class/vfio_iopf/container3/devices/0000:01:00.0/kind"
	run "$iopf" list --json
	json 'map(.container) == [3, 1003]' '.[0].devices | map(.name) == ["0000:01:00.1"]' || return
	complains 1 'iopf show: there is no container 12, or no more; see iopf list' show container12
}

# Containers come and go as fast as may be; each answer is whole.
hammered()
{
	local stop="$tmp/stop" i
	some
	(
		while [ ! -e "$stop" ]; do
			container 4
			contained 4 0000:04:00.0 faulting
			rm -rf "$tree/sys/class/vfio_iopf/container4"
		done
	) &
	for i in $(seq 40); do
		run "$iopf" list --json
		json 'map(.container) - [4] == [3, 12, 1003]' || break
	done
	touch "$stop"
	wait
	cat "$tmp/said"
	[ "$i" -eq 40 ] && [ "$code" -eq 0 ]
}

many()
{
	local i
	some
	for i in $(seq 2 200); do
		cp -r "$tree/sys/class/vfio_iopf/container1003" "$tree/sys/class/vfio_iopf/container2$i"
	done
	run "$iopf" list
	[ "$code" -eq 0 ] && [ "$(wc -l <"$tmp/said")" -eq 203 ] && [ ! -s "$tmp/err" ]
}

# By somebody who is not root; without such a user, by nobody's number.
not_permitted()
{
	some
	chmod -R go-r "$tree/sys/class/vfio_iopf/container3/type"
	chmod 755 "$tmp"
	cp "$iopf" "$tmp/iopf"
	run setpriv --reuid=65534 --regid=65534 --clear-groups "$tmp/iopf" list
	said 1 "iopf list: can't read /sys/class/vfio_iopf: Permission denied; be root (sudo)"
}

# narrow COLUMNS COMMAND...: nothing is wider; nothing is lost but ends of cells.
narrow()
{
	run on_terminal "$1" "$iopf" "${@:2}"
	cat "$tmp/said"
	[ "$(wc -L <"$tmp/said")" -le "$1" ] && grep -q 'pid *1003\|^ *3 *1003 *qemu ' "$tmp/said"
}

# Without a terminal nothing is cut, whatever the environment says.
no_terminal()
{
	run env COLUMNS=40 "$iopf" list
	grep -q "$uuid" "$tmp/said"
}

# Names that somebody chose to do harm.
bad_name()
{
	container 3 comm="$(printf '\e[31mx\xff"')"
	run "$iopf" list
	grep -q '?\[31mx?"' "$tmp/said" || { cat "$tmp/said"; return 1; }
	run "$iopf" list --json
	json '.[0].comm == "?[31mx?\""'
}

# full COMMAND...: what can't be written is not passed over.
full()
{
	code=0
	"$iopf" "$@" >/dev/full 2>"$tmp/said" || code=$?
	said 1 "iopf ${1/--*/}: can't write the output: No space left on device"
}

reader_gone()
{
	many || return
	code=0
	"$iopf" list --json 2>"$tmp/said" | head -n 1 >/dev/null || code=$?
	[ "$code" -eq 141 ] && [ ! -s "$tmp/said" ]
}

# Ctrl-C while its reader is slow: it ends at once, as any program.
interrupted()
{
	local pid by=$((SECONDS + 60))
	many || return
	mkfifo "$tmp/fifo" "$tmp/fifo.nap"
	exec 5<>"$tmp/fifo"
	env --default-signal=INT "$iopf" list --json >&5 2>"$tmp/said" &
	pid=$!
	until grep -q pipe_write "/proc/$pid/wchan" || [ "$SECONDS" -ge "$by" ]; do
		read -rt 0.1 <>"$tmp/fifo.nap" || true
	done
	kill -INT "$pid"
	code=0
	wait "$pid" || code=$?
	exec 5>&-
	cat "$tmp/said"
	[ "$code" -eq 130 ] && [ ! -s "$tmp/said" ]
}

help_fits()
{
	run on_terminal 80 "$iopf" --help
	cat "$tmp/said"
	[ "$code" -eq 0 ] && [ "$(wc -l <"$tmp/said")" -le 24 ] && [ "$(wc -L <"$tmp/said")" -le 80 ]
}

# Each command that --help lists has help of its own, and a man page.
every_command_helps()
{
	local command
	for command in $("$iopf" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
		run "$iopf" "$command" --help
		echo "$command"
		[ "$code" -eq 0 ] && grep -q "^Usage: iopf $command" "$tmp/said" &&
			[ -e "$top/man/iopf-$command.8" ] &&
			grep -q "iopf-$command 8" "$top/man/iopf.8" || return
	done
	[ -n "${command:-}" ]
}

usage()
{
	local words
	for words in '' 'nonsense' 'list 3' 'show' 'show 1 2' 'list --nonsense' 'bind'; do
		# shellcheck disable=SC2086 # words
		run "$iopf" $words
		echo "iopf $words: $code"
		[ "$code" -eq 2 ] || return
		[ -s "$tmp/said" ] || return
	done
}

some
tap_ok "list: a line for each container" table
tap_ok "list --json" list_json
tap_ok "show: all there is" show
tap_ok "show containerN" shows 3 container3
tap_ok "show N, a container" shows 12 12
tap_ok "show N, a process" shows 1003 77
tap_ok "show pid:N" shows 3 pid:1003
tap_ok "show a device, the second" shows 3 0000:01:00.1
tap_ok "show a device without its domain" shows 3 01:00.0
tap_ok "show a mediated device" shows 1003 ${uuid^^}
tap_ok "show a number that could be both" complains 1 \
	'iopf show: 1003 is a container and a process of another; say container1003 or pid:1003' show 1003
tap_ok "show a container that is not there" complains 1 \
	'iopf show: there is no container 9, or no more; see iopf list' show container9
tap_ok "show a device that no container has" complains 1 \
	"iopf show: no container has a device '02:00.0'; see iopf list" show 02:00.0
tap_ok "show pid:0 is not who has ended" complains 1 \
	'iopf show: no process 0 has a container; see iopf list' show pid:0
tap_ok "show all of a process" both_of_a_process
tap_ok "a container or a device goes while it is read" gone
tap_ok "... all the time" hammered
tap_ok "200 containers" many
tap_ok "... and nobody reads on" reader_gone
tap_ok "SIGINT" interrupted
some
tap_ok "list on 40 columns" narrow 40 list
tap_ok "show on 40 columns" narrow 40 show container3
tap_ok "list on 80 columns" narrow 80 list
tap_ok "no terminal" no_terminal
tap_ok "a process's name is not trusted" bad_name
tap_ok "a full disk: list" full list
tap_ok "a full disk: show" full show 12
tap_ok "no permission" not_permitted
tap_ok "no container" none
rm -r "$tree/sys/class"
tap_ok "an old module" complains 1 \
	'iopf list: the module vfio_iommu_iopf that is loaded tells nothing in /sys/class/vfio_iopf; load a newer one' list
rm -r "$tree/sys/module"
tap_ok "no module" complains 1 \
	'iopf list: the module vfio_iommu_iopf is not loaded; see iopf check' list
tap_ok "--help fits a screen" help_fits
tap_ok "every command has help and a man page" every_command_helps
tap_ok "wrong command lines" usage
tap_end
