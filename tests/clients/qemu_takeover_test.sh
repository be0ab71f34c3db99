#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two QEMUs as Debian ships it, each with a device, on one machine. One device is chosen: its
# guest's memory is paged in on demand. The other guest is type1's as before, at the same
# time. Then iopf run has it for one QEMU, which goes into the background.
#
# VM: --mem 1664M
set -euo pipefail
# shellcheck source=tests/clients/guest.sh
. "$(dirname "$0")/guest.sh"

readonly chosen=5d4a:00:00.0 other=5d4a:00:01.0
readonly parameter=/sys/module/vfio_iommu_iopf/parameters/takeover

nothing_locked()
{
	holds "$(status_kb "$1" VmLck) == 0" && holds "$(status_kb "$1" VmPin) == 0"
}

insmod "$VIOPF_KO/softiommu.ko"
insmod "$VIOPF_KO/softdma.ko" devices=2
give_to_vfio "$chosen" "$other"
use_backend both
qemu-system-x86_64 --version >/dev/null

echo "$chosen" >"$parameter"
device=$chosen
start_qemu no_memlock || true
tap_ok "takeover: QEMU with the chosen device starts with little memlock" \
	holds "$(containers) == 1"
[ -n "$qemu" ] || { printf '%s\n' "$said"; tap_end; }
hear
order fill
tap_ok "takeover: its guest's DMA is right" all_right "$reply"
tap_ok "takeover: it has nothing locked or pinned" nothing_locked "$qemu"
first=$qemu

console=/tmp/console2
device=$other
tap_ok "takeover: QEMU with the other device wants its memory locked" \
	eval '! start_qemu no_memlock'
start_qemu
hear
tap_ok "takeover: it is type1's, with all of its memory locked" \
	holds "$(status_kb "$qemu" VmLck) >= memory_kb"
tap_ok "takeover: the other's container is the only one of ours" holds "$(containers) == 1"
order fill
tap_ok "takeover: the DMA of its guest is right, too" all_right "$reply"
tap_ok "takeover: the first QEMU still has nothing locked" nothing_locked "$first"
end_qemu
qemu=$first
end_qemu
tap_ok "takeover: no container is left" holds "$(containers) == 0"

echo 0 >"$parameter"
start_qemu "$out/tools/iopf" run -- prlimit --memlock=65536:65536 setpriv --bounding-set=-ipc_lock
hear
tap_ok "iopf run: QEMU in the background starts with little memlock" holds "$(containers) == 1"
tap_ok "iopf run: its guest runs" contains "$reply" '^guest: ready'
tap_ok "iopf run: nothing is locked or pinned" nothing_locked "$qemu"
tap_ok "iopf run: it has ended, and so what it chose" \
	eval '! grep . /sys/class/vfio_iopf/takeover_process'
end_qemu
tap_end
