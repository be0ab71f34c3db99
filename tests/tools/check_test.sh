#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# iopf check on machines made up of files (tree.sh): a good one, and each bad one gets the
# right sentence, fix and exit code. check_*_vm_test.sh look at real ones.
set -euo pipefail
# shellcheck source=tests/tools/tree.sh
. "$(dirname "$0")/tree.sh"

# spoil COMMAND...: a good host but for this.
spoil()
{
	good_host
	"$@"
}

# check CODE LINE...: of the host and its device.
check()
{
	run "$iopf" check "$good_device"
	said "$@"
}

# problem SENTENCE FIX: the one thing that is wrong.
problem()
{
	check 1 "problem    $1" "           fix: $2" 'problems: 1, can'\''t tell: 0'
}

# unknown SENTENCE FIX: the one thing that can't be told; without FIX there is none.
unknown()
{
	check 3 "can't tell $1" ${2:+"           fix: $2"} 'problems: 0, can'\''t tell: 1'
}

remove()
{
	rm -r "${tree:?}/$1"
}

boot_with()
{
	put proc/cmdline "root=/dev/sda1 $1 quiet"
}

good()
{
	spoil true
	check 0 'ok         kernel: Linux 7.3.4+deb13-amd64' \
		'ok         options: the kernel has all that is needed' \
		'ok         module: vfio_iommu_iopf is loaded, takeover=0 allow_unsafe_interrupts=N aging=Y' \
		'ok         vfio: the driver vfio-pci is loaded' \
		'ok         iommu: dmar0 (Intel VT-d), scalable mode' \
		"ok         requests: Linux 7.3's Intel driver passes them on" \
		'ok         interrupts: they are remapped' \
		'ok         cgroup: the memory cgroup is on' \
		'ok         swap: 8.0G' \
		'ok         0000:01:00.0 group: 7, alone' \
		'ok         0000:01:00.0 driver: vfio-pci' \
		'ok         0000:01:00.0 capabilities: ATS, PRI, PASID' \
		"ok         0000:01:00.0 requests: Linux 7.3's Intel driver passes them on" \
		'all is well'
}

fits_a_screen()
{
	spoil linux 6.12.117+deb12-amd64
	run on_terminal 80 "$iopf" check "$good_device"
	cat "$tmp/said"
	[ "$(wc -l <"$tmp/said")" -gt 15 ] && [ "$(wc -l <"$tmp/said")" -le 24 ] &&
		[ "$(wc -L <"$tmp/said")" -le 80 ] && ! grep -F '\x0a' "$tmp/said"
}

# --- no IOMMU

no_iommu()
{
	spoil remove sys/class/iommu
	rm "$tree/sys/bus/pci/devices/$good_device/iommu"*
	"$@"
	check 1 'problem    iommu: there is no IOMMU, or it is not on' "           fix: $fix" \
		"problem    $good_device group: it is in no IOMMU group, so VFIO can't take it"
}

# --- Intel's modes

legacy_hardware()
{
	spoil intel_iommu dmar0 f020df
	check 1 'problem    iommu: dmar0 has legacy mode alone, and so no page requests' \
		'           fix: none on this hardware: memory is pinned'
}

no_prs()
{
	spoil intel_iommu dmar0 4d000000000f
	check 1 "problem    iommu: dmar0 can't take page requests (no PRS)"
}

legacy_chosen()
{
	spoil boot_with 'intel_iommu=on,sm_off'
	check 1 'problem    iommu: dmar0 is in legacy mode, which has no page requests' \
		'           fix: boot without sm_off in intel_iommu='
}

legacy_by_default()
{
	spoil sed -i /SCALABLE/d "$tree/boot/config-7.3.4+deb13-amd64"
	check 1 'problem    iommu: dmar0 is in legacy mode, which has no page requests' \
		'           fix: boot with intel_iommu=on,sm_on' || return
	boot_with 'intel_iommu=on,sm_on'
	check 0 'ok         iommu: dmar0 (Intel VT-d), scalable mode'
}

mode_unknown()
{
	spoil remove boot
	check 3 "can't tell iommu: whether dmar0 is in scalable mode is the kernel's default, which can't be read" \
		'           fix: boot with intel_iommu=on,sm_on'
}

# A unit that is of no use to this device, beside one that is.
several_units()
{
	spoil intel_iommu dmar1 "$good_ecap"
	intel_iommu dmar0 f020df
	ln -sfn ../../../../class/iommu/dmar1 "$tree/sys/bus/pci/devices/$good_device/iommu"
	check 0 'ok         iommu: dmar1 (Intel VT-d), scalable mode; 1 more' || return
	ln -sfn ../../../../class/iommu/dmar0 "$tree/sys/bus/pci/devices/$good_device/iommu"
	check 1 "problem    $good_device requests: dmar0 has legacy mode alone, and so no page requests"
}

amd()
{
	spoil remove sys/class/iommu/dmar0
	put sys/class/iommu/ivhd0/amd-iommu/features 25bf732fa2295ade
	ln -sfn ../../../../class/iommu/ivhd0 "$tree/sys/bus/pci/devices/$good_device/iommu"
	check 1 'ok         iommu: ivhd0 (AMD-Vi)' \
		"problem    requests: this IOMMU's driver passes none on in Linux 7.3" \
		'           fix: none yet: memory is pinned, as with type1'
}

# --- kernels

old_kernel()
{
	spoil linux 6.1.0-28-amd64
	check 1 'problem    kernel: Linux 6.1.0-28-amd64 is too old: the module needs 6.12 or newer' \
		"           fix: boot Debian 13's kernel, or one of its backports"
}

kernel_6_12()
{
	spoil linux 6.12.117+deb12-amd64
	check 1 'ok         kernel: Linux 6.12.117+deb12-amd64' \
		"problem    requests: Linux 6.12's Intel driver passes none on: memory is pinned" \
		"           fix: boot Linux 7.3, from Debian's backports"
}

unknown_kernel()
{
	spoil linux 6.18.2
	check 3 "can't tell kernel: Linux 6.18.2 is neither 6.12 nor 7.3, which were tried" \
		"can't tell requests: what Linux 6.18's IOMMU driver does with them was not tried"
}

option_off()
{
	spoil sed -i /VFIO_CONTAINER/d "$tree/boot/config-7.3.4+deb13-amd64"
	problem 'options: Linux 7.3.4+deb13-amd64 was built without CONFIG_VFIO_CONTAINER' \
		"boot a kernel that has it, as Debian's have"
}

packed_options()
{
	spoil mv "$tree/boot/config-7.3.4+deb13-amd64" "$tree/proc/config"
	gzip "$tree/proc/config"
	check 0 'ok         options: the kernel has all that is needed'
}

# --- module

no_module()
{
	spoil remove sys/module/vfio_iommu_iopf
	problem 'module: vfio_iommu_iopf is not there for Linux 7.3.4+deb13-amd64' \
		'install vfio-iopf-dkms (dkms status tells of a build that failed), then modprobe vfio_iommu_iopf'
}

# depmod asks for an object file and no more.
not_loaded()
{
	local modules=$tree/lib/modules/7.3.4+deb13-amd64
	spoil remove sys/module/vfio_iommu_iopf
	mkdir -p "$modules/updates/dkms"
	cc -c -x c /dev/null -o "$modules/updates/dkms/vfio_iommu_iopf.ko"
	/sbin/depmod -b "$tree" 7.3.4+deb13-amd64 2>/dev/null
	problem 'module: vfio_iommu_iopf is installed, but not loaded' 'modprobe vfio_iommu_iopf'
}

no_vfio()
{
	spoil remove sys/bus/pci/drivers/vfio-pci
	problem 'vfio: the driver vfio-pci is not loaded' 'modprobe vfio-pci'
}

# --- the rest of the host

unsafe()
{
	spoil put sys/kernel/irq/9/chip_name IO-APIC
	problem 'interrupts: they are unsafe: no hardware remaps them, and a device could raise any' \
		'turn it on in the firmware; or, if you trust the devices, modprobe vfio_iommu_iopf allow_unsafe_interrupts=1' ||
		return
	boot_with 'intremap=off'
	problem 'interrupts: they are unsafe: no hardware remaps them, and a device could raise any' \
		'boot without intremap=off; or, if you trust the devices, modprobe vfio_iommu_iopf allow_unsafe_interrupts=1'
}

unsafe_allowed()
{
	spoil put sys/kernel/irq/9/chip_name IO-APIC
	put sys/module/vfio_iommu_iopf/parameters/allow_unsafe_interrupts Y
	check 0 'ok         interrupts: allow_unsafe_interrupts=1 accepts that none are remapped'
}

no_swap()
{
	spoil put proc/swaps "$(printf 'Filename\t\tType\t\tSize')"
	problem "swap: there is none: memory that guests don't use can't make room for others" \
		'add some (mkswap, swapon), or zram'
}

no_cgroup()
{
	spoil put sys/fs/cgroup/cgroup.controllers 'cpuset cpu io hugetlb pids'
	boot_with cgroup_disable=memory
	problem "cgroup: the memory cgroup is off: what guests take can't be limited" \
		'boot without cgroup_disable=memory'
}

# --- devices

# without CAPABILITY...: the device has these alone.
without()
{
	spoil config_space "$tree/sys/bus/pci/devices/$good_device/config" "$@"
}

no_pri()
{
	without ats pasid
	problem "$good_device capabilities: it has no PRI: it can't take page faults" \
		'none on this hardware: memory is pinned for it' || return
	without
	problem "$good_device capabilities: it has no ATS and no PRI: it can't take page faults" \
		'none on this hardware: memory is pinned for it'
}

pasid_not_in_response()
{
	without ats pri pasid
	bytes "$tree/sys/bus/pci/devices/$good_device/config" 0x116 ff 7f
	check 1 "problem    $good_device capabilities: it has PASID, but does not want it in responses, which Linux's Intel driver needs"
}

not_page_aligned()
{
	without ats pri pasid
	bytes "$tree/sys/bus/pci/devices/$good_device/config" 0x104 00 00
	check 1 "problem    $good_device capabilities: its ATS is not for whole pages, which Linux's Intel driver wants"
}

# What a user who is not root can read.
not_root()
{
	spoil truncate -s 64 "$tree/sys/bus/pci/devices/$good_device/config"
	unknown "$good_device capabilities: config space can't be read" 'be root (sudo)'
}

virtual_function()
{
	spoil pci_device 0000:01:00.1 8 vfio-pci dmar0
	ln -s ../0000:01:00.0 "$tree/sys/bus/pci/devices/0000:01:00.1/physfn"
	run "$iopf" check 01:00.1
	said 3 "can't tell 0000:01:00.1 capabilities: a virtual function uses the PRI of 0000:01:00.0, if that one's driver turned it on"
}

bound_elsewhere()
{
	spoil drive "$good_device" nvme
	problem "$good_device driver: it is bound to nvme, not to vfio-pci" "iopf bind $good_device"
}

not_viable()
{
	spoil pci_device 0000:01:00.1 7 snd_hda_intel dmar0
	problem "$good_device group: 7 is not viable: 0000:01:00.1 in it is bound to snd_hda_intel" \
		'iopf bind 0000:01:00.1'
}

viable()
{
	spoil pci_device 0000:00:01.0 7 pcieport dmar0
	pci_device 0000:01:00.1 7 - dmar0
	check 0 "ok         $good_device group: 7, with 2 more, none in use by the kernel"
}

# contain KIND: the device is in container 3.
contain()
{
	put "sys/class/vfio_iopf/container3/devices/$good_device/kind" "$1"
}

in_container()
{
	spoil linux 6.18.2
	contain faulting
	check 3 "ok         $good_device requests: it pages on demand, in container3" || return
	spoil contain pinning
	problem "$good_device requests: container3 pins memory for it" \
		"the kernel's log, at the container's start, says why"
}

no_device()
{
	spoil true
	run "$iopf" check 0000:99:00.0
	said 1 'problem    0000:99:00.0 device: there is no PCI or mediated device of that name'
}

mediated()
{
	local uuid=83b8f4f2-509f-382f-3c1e-e6bfe0fa1001
	spoil mkdir -p "$tree/sys/bus/mdev/devices/$uuid" "$tree/sys/bus/mdev/drivers/softmdev"
	ln -s ../../drivers/softmdev "$tree/sys/bus/mdev/devices/$uuid/driver"
	run "$iopf" check "$uuid"
	said 0 "ok         $uuid driver: softmdev; mediated: no page requests are needed"
}

# --- without a device's name

all_devices()
{
	spoil pci_device 0000:02:00.0 9 nvme dmar0 ats pri
	pci_device 0000:03:00.0 10 e1000e dmar0
	pci_device 0000:04:00.0 11 vfio-pci dmar0
	run "$iopf" check
	said 1 'ok         0000:01:00.0 device: it can page on demand' \
		'ok         0000:02:00.0 device: it can page on demand, once bound to vfio-pci' \
		'           fix: iopf bind 0000:02:00.0' \
		"problem    0000:04:00.0 device: capabilities: it has no ATS and no PRI: it can't take page faults" \
		'           fix: iopf check 0000:04:00.0 tells more' &&
		! grep -q 0000:03:00.0 "$tmp/said"
}

no_candidate()
{
	spoil config_space "$tree/sys/bus/pci/devices/$good_device/config"
	drive "$good_device" e1000e
	run "$iopf" check
	said 1 'problem    devices: none of the 1 PCI devices can take page faults (ATS and PRI)'
}

# Words are not cut on any terminal that has room for one.
narrow()
{
	spoil drive "$good_device" nvme
	run on_terminal 40 "$iopf" check "$good_device"
	cat "$tmp/said"
	[ "$(wc -L <"$tmp/said")" -le 40 ] &&
		[[ $(tr -s ' \n' ' ' <"$tmp/said") == *'driver: it is bound to nvme, not to vfio-pci fix: iopf bind'* ]]
}

as_json()
{
	spoil drive "$good_device" nvme
	run "$iopf" check --json "$good_device"
	[ "$code" -eq 1 ] && json '.verdict == "problem"' '.checks | length == 13' \
		'.parameters == {aging: "Y", allow_unsafe_interrupts: "N", takeover: "0"}' \
		'.checks[0] == {check: "kernel", device: null, state: "ok", finding: "Linux 7.3.4+deb13-amd64", fix: null}' \
		'.checks[] | select(.check == "driver") == {check: "driver", device: "0000:01:00.0", state: "problem", finding: "it is bound to nvme, not to vfio-pci", fix: "iopf bind 0000:01:00.0"}'
}

wrong_arguments()
{
	run "$iopf" check --no-such-option
	[ "$code" -eq 2 ]
}

tap_ok "a good host" good
tap_ok "... fits a screen, also with fixes" fits_a_screen
fix="turn it on in the firmware's setup (VT-d, AMD-Vi, SVM)"
tap_ok "no IOMMU" no_iommu true
fix='boot with intel_iommu=on'
tap_ok "... in Linux, but in the firmware: Intel" no_iommu put sys/firmware/acpi/tables/DMAR ''
fix="see the kernel's log for AMD-Vi"
tap_ok "... AMD" no_iommu put sys/firmware/acpi/tables/IVRS ''
fix='boot without intel_iommu=off'
tap_ok "... turned off" no_iommu boot_with intel_iommu=off
tap_ok "legacy mode: hardware" legacy_hardware
tap_ok "legacy mode: chosen" legacy_chosen
tap_ok "legacy mode: by default" legacy_by_default
tap_ok "whether it is legacy mode can't be told" mode_unknown
tap_ok "scalable mode without page requests" no_prs
tap_ok "the IOMMU that counts is the device's own" several_units
tap_ok "AMD's IOMMU" amd
tap_ok "wrong kernel: too old" old_kernel
tap_ok "wrong kernel: Intel's driver of 6.12" kernel_6_12
tap_ok "a kernel that nobody tried" unknown_kernel
tap_ok "a kernel without an option" option_off
tap_ok "options in /proc/config.gz" packed_options
tap_ok "module missing" no_module
tap_ok "module installed, not loaded" not_loaded
tap_ok "vfio-pci not loaded" no_vfio
tap_ok "unsafe interrupts" unsafe
tap_ok "... allowed" unsafe_allowed
tap_ok "no swap" no_swap
tap_ok "no memory cgroup" no_cgroup
tap_ok "no PRI" no_pri
tap_ok "PRI without PASID in responses" pasid_not_in_response
tap_ok "ATS without whole pages" not_page_aligned
tap_ok "not root" not_root
tap_ok "a virtual function" virtual_function
tap_ok "device bound elsewhere" bound_elsewhere
tap_ok "group not viable" not_viable
tap_ok "group viable, with bridges and idle devices" viable
tap_ok "what a container found out counts" in_container
tap_ok "a device that is not there" no_device
tap_ok "a mediated device" mediated
tap_ok "without names, all devices of interest" all_devices
tap_ok "... there is none" no_candidate
tap_ok "a terminal of 40 columns" narrow
tap_ok "JSON" as_json
tap_ok "wrong arguments" wrong_arguments
tap_end
