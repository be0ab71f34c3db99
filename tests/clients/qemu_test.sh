#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU as Debian ships it, with a softdma device passed through by vfio-pci. Its guest
# (guest/dma.c, the only program of an initramfs) makes the device read and write all over
# the guest's memory. With the kernel's type1 that memory is pinned before the guest
# starts; with ours nothing ever is, and Linux swaps it out under the running device. The
# guest has a balloon, and a virtio-mem device whose memory comes and goes.
#
# What was measured goes to clients.json in the output folder; times are not judged.
#
# qemu_intel_test.sh runs this, too, on the kernel's own Intel driver with a device of
# QEMU's: then it is clients-intel.json.
#
# VM: --mem 1536M
set -euo pipefail
# shellcheck source=tests/clients/guest.sh
. "$(dirname "$0")/guest.sh"

device=5d4a:00:00.0
readonly figures=clients${VIOPF_HARDWARE:+-$VIOPF_HARDWARE}.json
# What is plugged and unplugged; what the guest uses of it, and of what the balloon takes.
readonly plugged_mb=64 used_mb=32 balloon_mb=48
declare -A seen=()

# first_softpri: the address of the first of vm/run --intel's devices.
first_softpri()
{
	local path
	for path in /sys/bus/pci/devices/*; do
		[ "$(<"$path/vendor") $(<"$path/device")" = '0x1234 0x5d4a' ] || continue
		basename "$path"
		return
	done
}

# page_requests: how many groups there were; on Intel's IOMMU, how often they interrupted.
page_requests()
{
	if [ -z "$VIOPF_HARDWARE" ]; then
		softiommu_stat prq_groups
	else
		awk '/dmar[0-9]*-pr/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' \
			/proc/interrupts
	fi
}

# look WHEN: what QEMU's process has now, as $seen[WHEN_...], in kB.
look()
{
	local field
	for field in VmRSS VmLck VmPin VmSwap; do
		seen[$1_$field]=$(status_kb "$qemu" $field)
	done
	seen[$1_pinned]=$(($(pinned_kb) - pinned_before))
}

# resize BACKEND: memory is plugged, used, and unplugged; then the balloon takes some that
# was used, and gives it back.
resize()
{
	local backend=$1
	look "${backend}_before"
	plug $plugged_mb
	seen[${backend}_plug]=$event
	order "use $used_mb"
	seen[${backend}_use]=$reply
	look "${backend}_plugged"
	plug 0
	seen[${backend}_unplug]=$event
	look "${backend}_unplugged"
	order "use $used_mb"
	seen[${backend}_reuse]=$reply
	look "${backend}_used"
	balloon $balloon_mb
	seen[${backend}_inflate]=$event
	look "${backend}_inflated"
	balloon 0
	order check
	seen[${backend}_deflate]=$reply
}

# grew BACKEND FROM TO FIELD: by how many kB a figure of look's grew.
grew()
{
	echo $((${seen[$1_$3_$4]} - ${seen[$1_$2_$4]}))
}

# run_guest BACKEND COMMAND...: from the start to the guest's first round of DMA.
run_guest()
{
	local backend=$1 started=$EPOCHREALTIME
	shift
	pinned_before=$(pinned_kb)
	start_qemu "$@" || return 0
	seen[${backend}_start_ms]=$took_ms
	hear
	seen[${backend}_guest_ms]=$(ms_since "$started")
	seen[${backend}_ready]=$reply
	look "${backend}_ready"
	faults=$(page_requests)
	order fill
	seen[${backend}_fill]=$reply
	seen[${backend}_faults]=$(($(page_requests) - faults))
	look "${backend}_fill"
}

# swap_out: takes QEMU's memory away, as far as Linux likes.
swap_out()
{
	modprobe zram
	echo 768M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null
	swapon /dev/zram0
	echo 512M >/sys/fs/cgroup/memory.reclaim || true
	look swapped
}

nothing_locked()
{
	holds "${seen[$1_VmLck]} == 0" && holds "${seen[$1_VmPin]} == 0" &&
		holds "${seen[$1_pinned]} <= 0"
}

# used REPLY: the guest used memory of its Linux's, and found nothing wrong.
used()
{
	contains "$1" '^guest: [0-9]{3} operations, [0-9]+ bytes, 0 wrong, [0-9]+ of [0-9]+ pages'
}

# used_plugged REPLY: and most of that had been plugged.
used_plugged()
{
	used "$1" && [[ $1 =~ ([0-9]+)' of '([0-9]+)' pages in plugged memory'$ ]] &&
		holds "${BASH_REMATCH[1]} > ${BASH_REMATCH[2]} / 2"
}

# changed EVENT: QEMU said so.
changed()
{
	contains "$1" '(MEMORY_DEVICE_SIZE_CHANGE|BALLOON_CHANGE)'
}

# Memory that a guest gets and gives back: what becomes of it is the same with each backend.
judge_resize()
{
	local backend=$1
	tap_ok "QEMU on $backend: memory is plugged in" changed "${seen[${backend}_plug]}"
	tap_ok "QEMU on $backend: the device reaches it" used_plugged "${seen[${backend}_use]}"
	tap_ok "QEMU on $backend: it is unplugged" changed "${seen[${backend}_unplug]}"
	tap_ok "QEMU on $backend: and is the host's again" holds \
		"$(grew "$backend" plugged unplugged VmRSS) <= -(used_mb << 10) * 3 / 4"
	tap_ok "QEMU on $backend: the device reaches what is left" used "${seen[${backend}_reuse]}"
	tap_ok "QEMU on $backend: the balloon is filled" changed "${seen[${backend}_inflate]}"
	tap_ok "QEMU on $backend: which gives the host nothing, as QEMU won't" holds \
		"$(grew "$backend" used inflated VmRSS) > -(balloon_mb << 10) / 8"
	tap_ok "QEMU on $backend: the guest's DMA is right after all that" \
		contains "${seen[${backend}_deflate]}" '^guest: [0-9]+ operations, [0-9]+ bytes, 0 wrong$'
}

report()
{
	local backend when
	printf '{\n  "client": "%s",\n' "$(qemu-system-x86_64 --version | head -n 1)"
	printf '  "guest_memory_kb": %d,\n' "$memory_kb"
	for backend in type1 iopf; do
		printf '  "%s": {\n' $backend
		printf '    "start_ms": %d,\n' "${seen[${backend}_start_ms]:-0}"
		printf '    "first_guest_output_ms": %d,\n' "${seen[${backend}_guest_ms]:-0}"
		printf '    "page_requests": %d,\n' "${seen[${backend}_faults]:-0}"
		printf '    "rss_kb": %d,\n' "${seen[${backend}_ready_VmRSS]:-0}"
		printf '    "locked_kb": %d,\n' "${seen[${backend}_ready_VmLck]:-0}"
		printf '    "pinned_kb": %d,\n' "${seen[${backend}_ready_pinned]:-0}"
		for when in before plugged unplugged used inflated; do
			printf '    "rss_%s_kb": %d,\n' $when "${seen[${backend}_${when}_VmRSS]:-0}"
			printf '    "pinned_%s_kb": %d,\n' $when "${seen[${backend}_${when}_pinned]:-0}"
		done
		printf '    "rss_after_dma_kb": %d\n' "${seen[${backend}_fill_VmRSS]:-0}"
		printf '  }%s\n' "$([ $backend = iopf ] || echo ,)"
	done
	echo '}'
}

if [ -n "$VIOPF_HARDWARE" ]; then
	modprobe vfio-pci
	device=$(first_softpri)
else
	insmod "$VIOPF_KO/softiommu.ko"
	insmod "$VIOPF_KO/softdma.ko"
fi
give_to_vfio "$device"
qemu-system-x86_64 --version >/dev/null		# read in, so that both start alike

use_backend type1
tap_ok "QEMU on type1 with little memlock does not start" eval '! start_qemu no_memlock'
tap_ok "QEMU on type1 says why" contains "$(cat /tmp/qemu.log)" 'Cannot allocate memory'
run_guest type1
tap_ok "QEMU on type1: the guest's DMA is right" all_right "${seen[type1_fill]:-$said}"
[ -n "${seen[type1_fill]:-}" ] || tap_end
tap_ok "QEMU on type1: the guest's memory is locked, pinned and resident" holds \
	"${seen[type1_ready_VmLck]} >= memory_kb && ${seen[type1_ready_pinned]} >= memory_kb &&
	 ${seen[type1_ready_VmRSS]} >= memory_kb"
resize type1
judge_resize type1
tap_ok "QEMU on type1: memory is pinned from plug to unplug" holds \
	"$(grew type1 before plugged pinned) >= plugged_mb << 10 &&
	 $(grew type1 before unplugged pinned) < (plugged_mb << 10) / 8"
end_qemu

use_backend iopf
run_guest iopf no_memlock
tap_ok "R19 QEMU starts with little memlock, and its guest runs" \
	contains "${seen[iopf_ready]:-$said}" '^guest: ready'
[ -n "${seen[iopf_fill]:-}" ] || tap_end
tap_ok "R19 S11 most of the guest's memory is not resident at the start" \
	holds "${seen[iopf_ready_VmRSS]} < memory_kb / 2"
tap_ok "S5 QEMU has nothing locked or pinned at the start" nothing_locked iopf_ready
tap_ok "S6 the guest's DMA is right" all_right "${seen[iopf_fill]}"
tap_ok "S6 it came by page requests" holds "${seen[iopf_faults]} > 0"
tap_ok "S5 QEMU has nothing locked or pinned after DMA" nothing_locked iopf_fill
resize iopf
judge_resize iopf
tap_ok "S5 QEMU has nothing locked or pinned while memory is plugged" nothing_locked iopf_plugged

swap_out
tap_ok "S1 QEMU's memory is swapped out under its device" \
	holds "${seen[swapped_VmSwap]} >= memory_kb / 8"
order check
tap_ok "S1 swapped out and in again it is what the device wrote" \
	contains "$reply" '^guest: [0-9]+ operations, [0-9]+ bytes, 0 wrong$'
order fill
tap_ok "S1 the guest's DMA is right afterwards" all_right "$reply"
look swapped_fill
tap_ok "S5 QEMU has nothing locked or pinned after that" nothing_locked swapped_fill
tap_ok "S2 what the device can reach is what is on record" \
	contains "$(</sys/kernel/debug/vfio_iopf/verify)" 'mismatches 0$'
[ -n "$VIOPF_HARDWARE" ] || tap_ok "S6 no page request was answered INVALID or FAILURE" \
	holds "$(softiommu_stat resp_invalid) + $(softiommu_stat resp_failure) == 0"
order quit
tap_ok "the guest ends by itself" contains "$reply" '^guest: bye'
end_qemu

report >"$VIOPF_OUT/$figures.new"
mv "$VIOPF_OUT/$figures.new" "$VIOPF_OUT/$figures"
sed 's/^/# /' "$VIOPF_OUT/$figures"
tap_end
