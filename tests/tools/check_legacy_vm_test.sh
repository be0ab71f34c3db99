#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf check on a machine whose Intel IOMMU is in legacy mode and remaps no interrupts.
#
# VM: --kernel next --intel --append intel_iommu=on,sm_off --append intremap=off
set -euo pipefail
# shellcheck source=tests/tools/vm.sh
. "$(dirname "$0")/vm.sh"

modprobe vfio-pci
insmod "$VIOPF_KO/vfio_iommu_iopf.ko"
device=$(softpri 1)
"$iopf" bind "$device" >"$tmp/said"
tap_ok "legacy mode" says "$iopf" check "$device" -- \
	'problem    iommu: dmar0 is in legacy mode, which has no page requests' \
	'           fix: boot without sm_off in intel_iommu=' \
	"problem    $device requests: dmar0 is in legacy mode, which has no page requests"
tap_ok "unsafe interrupts" says "$iopf" check "$device" -- \
	'problem    interrupts: they are unsafe: no hardware remaps them, and a device could raise any' \
	'           fix: boot without intremap=off; or, if you trust the devices, modprobe vfio_iommu_iopf allow_unsafe_interrupts=1'
rmmod vfio_iommu_iopf
insmod "$VIOPF_KO/vfio_iommu_iopf.ko" allow_unsafe_interrupts=1
tap_ok "... allowed" says "$iopf" check "$device" -- \
	'ok         interrupts: allow_unsafe_interrupts=1 accepts that none are remapped'
tap_end
