#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf on containers that are there, of softdma's devices: what it says is what the kernel
# says, for none, some and 200 of them, and while they come and go.
#
# VM: --kernel stock --mem 1500M
set -euo pipefail
# shellcheck source=tests/tools/vm.sh
. "$(dirname "$0")/vm.sh"

readonly hold=$out/tools-test/hold devices=201 mib=4 pinning=0
readonly patience_s=240

# device N: its address (soft/softdma.h, G1).
device()
{
	printf '5d4a:00:%02x.%x\n' $(($1 % 32)) $(($1 / 32))
}

# start_hold FIRST COUNT: leaves its id in $holder, its input in descriptor 5, its output in 6,
# and what it said first in $said_first; not within tap_ok, which is a process of its own.
start_hold()
{
	rm -f "$tmp/in" "$tmp/out"
	mkfifo "$tmp/in" "$tmp/out"
	"$hold" "$1" "$2" "$mib" <"$tmp/in" >"$tmp/out" &
	holder=$!
	exec 5>"$tmp/in" 6<"$tmp/out"
	said_first=''
	read -r -t "$patience_s" said_first <&6 || true
}

# end_hold: leaves its exit code in $held.
end_hold()
{
	held=0
	exec 5>&- 6<&-
	wait "$holder" || held=$?
}

is_ready()
{
	[ "$said_first" = ready ]
}

# counters: of the first container, by the ioctl, as JSON.
counters()
{
	local name value
	echo >&5
	while read -r -t "$patience_s" name value <&6 && [ -n "$name" ]; do
		printf '%s %s\n' "$name" "$value"
	done | jq -R -s 'split("\n") | map(select(. != "") | split(" ") | {(.[0]): .[1] | tonumber}) | add'
}

# The folder and the structure have the same; nothing is going on between.
agree()
{
	local ioctl
	ioctl=$(counters)
	[ "$(jq length <<<"$ioctl")" -gt 30 ] || return
	run "$iopf" show --json "$(device 1)"
	json "$ioctl as \$i | .[0].stats | with_entries(select(.key | in(\$i))) == \$i"
}

first_page_requests()
{
	ends_with 0 "$iopf" show --json "pid:$holder" &&
		json 'length == 2' '.[0].comm == "hold" and .[0].type == "iopf" and .[0].enabled' \
			'.[0].mode == "faultable" and .[0].health == "ok"' \
			".[0].stats.resident_pages >= $((mib * 256))" \
			'.[0].stats.groups > 0' \
			'.[0].stats.groups == ([.[0].latency[].count] | add)' \
			'.[0].stats.groups == ([.[0].devices[].stats.groups] | add)' \
			'.[0].latency | map(.from_ns) == (map(.from_ns) | sort)' \
			".[0].devices | map(.name) == [\"$(device 1)\"]" \
			'.[0].devices[0].kind == "faulting" and .[0].devices[0].health == "ok"'
}

# A device of the first container finds it alone, as does its number.
one_of_two()
{
	local number
	run "$iopf" show --json "$(device 2)"
	json 'length == 1' || return
	number=$(jq '.[0].container' "$tmp/said")
	run "$iopf" show --json "container$number"
	json ".[0].devices[0].name == \"$(device 2)\""
}

pins()
{
	is_ready || return
	run "$iopf" show --json "$(device "$pinning")"
	json '.[0].mode == "pinned"' '.[0].devices[0].kind == "pinning"' \
		".[0].stats.pinned_pages >= $((mib * 256))" &&
		says "$iopf" check "$(device "$pinning")" -- \
			"problem    $(device "$pinning") capabilities: it has no ATS and no PRI: it can't take page faults"
}

pages_on_demand()
{
	ends_with 0 "$iopf" check "$(device 1)" &&
		grep -q "requests: it pages on demand, in container[0-9]*$" "$tmp/said"
}

unbind_refused()
{
	ends_with 1 "$iopf" unbind "$(device 1)" &&
		grep -q "^iopf unbind: $(device 1) is in use: container[0-9]* of hold, process $holder, has it; " \
			"$tmp/said" && [ -e "/sys/bus/pci/devices/$(device 1)/driver" ]
}

not_root()
{
	ends_with 1 setpriv --reuid=65534 --regid=65534 --clear-groups "$iopf" list &&
		grep -qx "iopf list: can't read /sys/class/vfio_iopf: Permission denied; be root (sudo)" \
			"$tmp/said"
}

gone()
{
	says "$iopf" list -- 'no container is open'
}

many()
{
	is_ready || return
	run "$iopf" list
	cat "$tmp/said"
	[ "$code" -eq 0 ] || return
	[ "$(wc -l <"$tmp/said")" -eq 201 ] || return
	run "$iopf" list --json
	json 'length == 200' 'map(.devices | length) | unique == [1]' &&
		ends_with 0 "$iopf" check "$(device 150)"
}

# look: once at all containers and once at one, of which the second may be gone.
look()
{
	"$iopf" list --json >"$tmp/said" 2>"$tmp/err" || return
	[ ! -s "$tmp/err" ] || return
	json 'all(.type == "iopf" and .comm != "" and (.stats | length) > 20)' || return
	"$iopf" show --json "$(device 2)" >"$tmp/said" 2>"$tmp/err" ||
		grep -qx 'iopf show: no container has a device .*' "$tmp/err"
}

# Each answer is whole, whatever goes meanwhile: nothing on standard error, and each
# container in it has all that it should.
while_they_come_and_go()
{
	local i churn bad=0
	(
		while [ ! -e "$tmp/stop" ]; do
			"$hold" 1 4 1 </dev/null >/dev/null 2>&1 || true
		done
	) &
	churn=$!
	for i in {1..10}; do
		look || { bad=1; break; }
	done
	touch "$tmp/stop"
	wait "$churn"
	cat "$tmp/said" "$tmp/err"
	echo "round $i of 10"
	[ "$bad" -eq 0 ]
}

add_swap()
{
	modprobe zram
	echo 64M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
}

modprobe vfio-pci
insmod "$VIOPF_KO/softiommu.ko"
insmod "$VIOPF_KO/softdma.ko" devices=$devices nofault=$((1 << pinning))
tap_ok "no module" says "$iopf" list -- \
	'iopf list: the module vfio_iommu_iopf is not loaded; see iopf check'
insmod "$VIOPF_KO/vfio_iommu_iopf.ko"
add_swap
tap_ok "no container" gone
start_hold "$pinning" 1
tap_ok "a container that pins" pins
end_hold
start_hold 1 2
tap_ok "a process with two containers" is_ready
tap_ok "... what is shown of them" first_page_requests
tap_ok "... one of the two" one_of_two
tap_ok "sysfs and VFIO_IOPF_STATS agree" agree
tap_ok "check knows of a container that pages on demand" pages_on_demand
tap_ok "unbind spares a device in use" unbind_refused
tap_ok "not root" not_root
end_hold
tap_ok "they end" [ "$held" -eq 0 ]
tap_ok "... and are gone" gone
start_hold 1 200
tap_ok "200 containers" many
end_hold
tap_ok "containers come and go while it looks" while_they_come_and_go
tap_end
