#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf check, bind and unbind on a machine that can do it: Linux's newest kernel on an
# Intel IOMMU, step by step from a host with nothing loaded; and the device that can't.
#
# VM: --kernel next --intel
set -euo pipefail
# shellcheck source=tests/tools/vm.sh
. "$(dirname "$0")/vm.sh"

device=$(softpri 1) other=$(softpri 5)

checked()
{
	says "$iopf" check "$device" -- "$@"
}

add_swap()
{
	modprobe zram
	echo 64M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >"$tmp/swap" && swapon /dev/zram0
}

well()
{
	add_swap
	ends_with 0 "$iopf" check "$device" && tail -n 1 "$tmp/said" | grep -qx 'all is well'
}

# All that the kernel knows of the device, and no driver has it.
given_back()
{
	ends_with 0 "$iopf" unbind "$device" &&
		grep -qxF "$device: no driver (its own is not loaded)" "$tmp/said" &&
		[ ! -e "/sys/bus/pci/devices/$device/driver" ] &&
		grep -qx '(null)' "/sys/bus/pci/devices/$device/driver_override"
}

# The disk controller of every such machine, with no disk on it.
own_driver()
{
	local disk=0000:00:1f.2
	modprobe ahci
	ends_with 0 "$iopf" bind "$disk" && grep -qxF "$disk: vfio-pci" "$tmp/said" &&
		ends_with 0 "$iopf" unbind "$disk" && grep -qxF "$disk: ahci" "$tmp/said"
}

tap_ok "module missing" checked \
	"problem    module: vfio_iommu_iopf is not there for Linux $(uname -r)"
tap_ok "vfio-pci not loaded" checked 'problem    vfio: the driver vfio-pci is not loaded'
tap_ok "... nor can a device be bound to it" says "$iopf" bind "$device" -- \
	"iopf bind: can't find the vfio-pci driver; modprobe vfio-pci: No such device"
modprobe vfio-pci
tap_ok "no swap" checked \
	"problem    swap: there is none: memory that guests don't use can't make room for others"
tap_ok "device bound elsewhere" checked \
	"problem    $device driver: it is bound to no driver, not to vfio-pci" \
	"           fix: iopf bind $device"
tap_ok "bind" says "$iopf" bind "$device" "$other" -- "$device: vfio-pci" "$other: vfio-pci"
insmod "$VIOPF_KO/vfio_iommu_iopf.ko"
tap_ok "the host's Intel driver" checked \
	'ok         iommu: dmar0 (Intel VT-d), scalable mode' \
	"ok         requests: Linux 7.3's Intel driver passes them on" \
	'ok         interrupts: they are remapped' \
	'ok         cgroup: the memory cgroup is on' \
	'ok         options: the kernel has all that is needed' \
	"ok         $device driver: vfio-pci" \
	"ok         $device capabilities: ATS, PRI" \
	"ok         $device requests: Linux 7.3's Intel driver passes them on"
tap_ok "all is well" well
tap_ok "no PRI" says "$iopf" check "$other" -- \
	"problem    $other capabilities: it has no ATS and no PRI: it can't take page faults"
tap_ok "all devices, one line each" says "$iopf" check -- \
	"ok         $device device: it can page on demand" \
	"ok         $(softpri 2) device: it can page on demand, once bound to vfio-pci" \
	"problem    $other device: capabilities: it has no ATS and no PRI: it can't take page faults"
tap_ok "... that is a problem" ends_with 1 "$iopf" check
tap_ok "unbind" given_back
tap_ok "unbind gives a disk controller back to its driver" own_driver
tap_end
