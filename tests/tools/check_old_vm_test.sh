#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf check on Linux 6.12, whose Intel driver passes no page requests on; and that this is
# so: a container pins the device's memory.
#
# VM: --kernel stock --intel --append intel_iommu=on,sm_on
set -euo pipefail
# shellcheck source=tests/tools/vm.sh
. "$(dirname "$0")/vm.sh"

modprobe vfio-pci
insmod "$VIOPF_KO/vfio_iommu_iopf.ko"
device=$(softpri 1)
"$iopf" bind "$device" >"$tmp/said"
tap_ok "wrong kernel" says "$iopf" check "$device" -- \
	"ok         kernel: Linux $(uname -r)" \
	'ok         iommu: dmar0 (Intel VT-d), scalable mode' \
	"problem    requests: Linux 6.12's Intel driver passes none on: memory is pinned" \
	"           fix: boot Linux 7.3, from Debian's backports"

# The module's own word on it.
pins()
{
	mkfifo "$tmp/in"
	"$out/tools-test/hold" 0 1 1 <"$tmp/in" >"$tmp/ready" &
	exec 5>"$tmp/in"
	until grep -qs ready "$tmp/ready" || [ "$SECONDS" -gt 240 ]; do
		sleep 0.2
	done
	run "$iopf" show --json "$device"
	exec 5>&-
	wait
	json '.[0].devices[0].kind == "pinning"' '.[0].mode == "pinned"'
}

tap_ok "... and so it is" pins
tap_end
