#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm/run --intel and --first-stage: the QEMU that vm/qemu builds, and what it puts into the
# VM. What the devices do is softpri_test's to show.
set -euo pipefail
# shellcheck source=tests/vm/promises.sh
. "$(dirname "$0")/promises.sh" next --kernel next --intel --cpus 1 --append page_poison=0

# config_of: in the VM: for each softpri device its PCI header's first bytes, and the first
# extended capabilities: ATS, PRI, or none.
# shellcheck disable=SC2016 # for the guest's shell
config_of='
	for dir in /sys/bus/pci/devices/*; do
		[ "$(cat $dir/vendor $dir/device)" = "0x1234
0x5d4a" ] || continue
		echo "device $(od -An -tx4 -j 256 -N 4 $dir/config) $(od -An -tx4 -j 272 -N 4 $dir/config)"
	done
	dmesg | grep "DMAR: dmar0"
	echo "VIOPF_HARDWARE=$VIOPF_HARDWARE"'

# boots OPTIONS...: leaves what the VM says in $tmp/stdout.
boots()
{
	"${vm[@]}" "$@" -- bash -c "$config_of" >"$tmp/stdout"
	cat "$tmp/stdout"
}

# built_once: what is there is not built again.
built_once()
{
	local before
	before=$(stat -L -c %Y "$out/qemu/qemu-system-x86_64")
	"$top/vm/qemu"
	[ "$(stat -L -c %Y "$out/qemu/qemu-system-x86_64")" = "$before" ] &&
		[[ $(readlink "$out/qemu") == "$cache"/qemu-* ]]
}

refused()
{
	ends_in 123 "${vm[@]}" --qemu "$1" -- true
	says_like stderr "$2"
}

# devices N PATTERN: so many of them say this.
devices()
{
	[ "$(grep -cE "^device *$2\$" "$tmp/stdout")" = "$1" ]
}

known='WARNING: drivers/iommu/io-pgfault.c:231 at iommu_report_device_fault+0x2d/0x370, CPU#0'
oops='Oops: general protection fault, probably for non-canonical address 0x6b6b6b6b6b6b6b6b: 0000 [#1]'
place='RIP: 0010:iommu_report_device_fault+0x2c0/0x5f0'
list='RIP: 0010:__list_del_entry_valid_or_report+0x42/0xf0'
dequeue=' iopf_group_dequeue+0x2b/0x60'
report=' iommu_report_device_fault+0x2f5/0x5f0'

tap_ok "there is a QEMU for --intel" "$top/vm/qemu"
tap_ok "... it is not built again, and is in the cache" built_once
tap_ok "a kernel starts on it" boots
tap_ok "four devices have ATS and PRI" devices 4 '1101000f *00010013'
tap_ok "one has neither" devices 1 '00000000 *00000000'
# ECAP has Page Request Support, Scalable Mode Translation and Second-stage Translation.
tap_ok "the IOMMU takes page requests" grep -qE 'ecap 4[cd]00a0f' "$tmp/stdout"
tap_ok "a kernel starts with first-stage tables" boots --first-stage
tap_ok "... the devices are the same" devices 4 '1101000f *00010013'
# The same but for First-stage in place of Second-stage Translation and supervisor requests.
tap_ok "... the IOMMU has no other tables" grep -qE 'ecap 8[cd]0020f' "$tmp/stdout"
tap_ok "... it is Intel's hardware to tests" grep -qx VIOPF_HARDWARE=intel "$tmp/stdout"
tap_ok "a property that makes no sense is refused" \
	refused '-device softpri,outstanding=513' 'outstanding must be 1 to 512'
tap_ok "the kernel's known fault has a code of its own" log_ends_in 124 "$known"
tap_ok "... not another at its place" log_ends_in 122 "${known/report_device/handle_device}"
tap_ok "... nor one beside it" log_ends_in 122 "$known" 'BUG: something else'
tap_ok "... its other form has the same" log_ends_in 124 "$oops" "$place"
tap_ok "... not elsewhere" log_ends_in 122 "$oops" "${place/report_device/handle_device}"
tap_ok "... where the group has been handed on, too" \
	log_ends_in 124 "$oops" "$list" "$dequeue" "$report"
tap_ok "... but by nobody else" log_ends_in 122 "$oops" "$list" "$dequeue"
tap_ok "... nor after another" log_ends_in 122 "$oops" "$place" 'RIP: 0010:something_else+0x1/0x2'
tap_end
