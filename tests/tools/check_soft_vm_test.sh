#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf check on a machine without an IOMMU, and then with the software one and its devices.
#
# VM: --kernel stock
set -euo pipefail
# shellcheck source=tests/tools/vm.sh
. "$(dirname "$0")/vm.sh"

readonly device=5d4a:00:00.0

modprobe vfio-pci
tap_ok "no IOMMU" says "$iopf" check -- 'problem    iommu: there is no IOMMU, or it is not on' \
	"           fix: turn it on in the firmware's setup (VT-d, AMD-Vi, SVM)"
tap_ok "a device without IOMMU" says "$iopf" check 00:1f.2 -- \
	"problem    0000:00:1f.2 group: it is in no IOMMU group, so VFIO can't take it"
insmod "$VIOPF_KO/softiommu.ko"
insmod "$VIOPF_KO/softdma.ko"
insmod "$VIOPF_KO/vfio_iommu_iopf.ko"
tap_ok "the software IOMMU" says "$iopf" check $device -- \
	'ok         iommu: softiommu0 (the software IOMMU for tests)' \
	'ok         requests: softiommu passes them on' \
	"ok         interrupts: softiommu's devices raise none" \
	"ok         $device capabilities: ATS, PRI"
tap_end
