# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the tests of unmodified clients share: which backend answers for type1's numbers,
# who drives a device, and what a process has pinned. Sourced, in the VM; the scripts run
# each client against the kernel's own type1 first, so that what fails with ours only is
# ours.
#
# A script says what it needs of the VM in a line "VM: OPTIONS" (see mk/run-test), does
# things, remembers what it saw, and judges with tap_ok.

# shellcheck source=mk/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

# shellcheck disable=SC2034 # for those who source this
readonly patience_s=240		# for anything that ends by itself

# need PROGRAM: all tests of the script are skipped if it is not installed.
need()
{
	! command -v "$1" >/dev/null || return 0
	echo "1..0 # SKIP no $1 here; make check-clients installs it"
	exit 0
}

# unload MODULE...: those of them that are loaded.
unload()
{
	local module
	for module in "$@"; do
		[ ! -e "/sys/module/$module" ] || rmmod "$module"
	done
}

# use_backend type1|iopf|both: who answers for VFIO_TYPE1_IOMMU and VFIO_TYPE1v2_IOMMU from
# now on. The other one is not even loaded; or both are, and type1 answers until something
# is taken over.
use_backend()
{
	modprobe vfio-pci
	unload vfio_iommu_iopf vfio_iommu_type1
	case $1 in
	type1) modprobe vfio_iommu_type1 allow_unsafe_interrupts=1 ;;
	both)
		modprobe vfio_iommu_type1 allow_unsafe_interrupts=1
		insmod "$VIOPF_KO/vfio_iommu_iopf.ko" allow_unsafe_interrupts=1 ;;
	iopf) insmod "$VIOPF_KO/vfio_iommu_iopf.ko" takeover=1 allow_unsafe_interrupts=1 ;;
	esac
}

# containers: how many there are of ours.
containers()
{
	grep -c ^container /sys/kernel/debug/vfio_iopf/verify || true
}

# give_to_vfio DEVICE...
give_to_vfio()
{
	local device
	modprobe vfio-pci
	for device in "$@"; do
		echo vfio-pci >"/sys/bus/pci/devices/$device/driver_override"
		echo "$device" >/sys/bus/pci/drivers_probe
	done
}

# status_kb PID FIELD: a line of /proc/PID/status, without its unit.
status_kb()
{
	awk -v field="$2:" '$1 == field { print $2 }' "/proc/$1/status"
}

# pinned_kb: what is pinned in the whole machine (FOLL_PIN), whoever did it; with what each
# CPU has not yet handed in.
pinned_kb()
{
	echo 1 >/proc/sys/vm/stat_refresh
	awk '$1 == "nr_foll_pin_acquired" { n += $2 }
	     $1 == "nr_foll_pin_released" { n -= $2 }
	     END { print n * 4 }' /proc/vmstat
}

# softiommu_stat NAME
softiommu_stat()
{
	awk -v name="$1" '$1 == name { print $2 }' /sys/kernel/debug/softiommu/stats
}

# ms_since TIME: TIME is an earlier $EPOCHREALTIME.
ms_since()
{
	local now=${EPOCHREALTIME/./} then=${1/./}
	echo $(((now - then) / 1000))
}

# contains TEXT PATTERN: shows TEXT if there is no such line in it.
contains()
{
	grep -qE "$2" <<<"$1" || { printf '%s\n' "no line matches: $2" "$1"; return 1; }
}

# holds EXPRESSION: arithmetic that must be true; shown with its values if not.
holds()
{
	(($1)) || { echo "does not hold: $1"; return 1; }
}
