# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Machines made up of files, for iopf to look at by $IOPF_ROOT. Sourced.
#
# $tree is the root of one, made anew by good_host: Linux 7.3, the module loaded, an Intel
# IOMMU in scalable mode, and 0000:01:00.0 with ATS and PRI, bound to vfio-pci. A test
# spoils what it is about. What each file has is what Linux shows there.

# shellcheck source=tests/tools/said.sh
. "$(dirname "${BASH_SOURCE[0]}")/said.sh"

readonly good_device=0000:01:00.0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
tree=$tmp/tree
export IOPF_ROOT=$tree

# put FILE TEXT: a file of the tree, with its folders. Thousands are made, so no process starts
# where a folder is there.
put()
{
	local dir=$tree/${1%/*}
	[ -d "$dir" ] || mkdir -p "$dir"
	printf '%s\n' "$2" >"$tree/$1"
}

# bytes FILE OFFSET BYTE...: in hexadecimal digits, over what is there.
bytes()
{
	local file=$1 offset=$2
	shift 2
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$(printf '\\x%s' "$@")" | dd of="$file" bs=1 seek=$((offset)) conv=notrunc status=none
}

# config_space FILE CAPABILITY...: of a PCIe function; of ats, pri, pasid those that it has,
# at 0x100, 0x110, 0x120. A capability that is not there is one of the vendor's.
config_space()
{
	local file=$1 ats=0b pri=0b pasid=0b
	shift
	[[ " $* " != *' ats '* ]] || ats=0f
	[[ " $* " != *' pri '* ]] || pri=13
	[[ " $* " != *' pasid '* ]] || pasid=1b
	truncate -s 0 "$file"
	truncate -s 4096 "$file"
	bytes "$file" 0x00 34 12 4a 5d		# vendor, device
	bytes "$file" 0x06 10			# status: there are capabilities
	bytes "$file" 0x34 40
	bytes "$file" 0x40 10 00 02 00		# PCI Express
	bytes "$file" 0x100 $ats 00 01 11
	bytes "$file" 0x104 20 00		# ATS: page aligned requests
	bytes "$file" 0x110 $pri 00 01 12
	bytes "$file" 0x116 00 80		# PRI: PASID required in responses
	bytes "$file" 0x120 $pasid 00 01 00
}

# pci_device BDF GROUP DRIVER IOMMU CAPABILITY...: DRIVER or IOMMU - for none.
pci_device()
{
	local bdf=$1 group=$2 driver=$3 iommu=$4 dir=$tree/sys/bus/pci/devices/$1
	shift 4
	mkdir -p "$dir" "$tree/sys/kernel/iommu_groups/$group/devices"
	config_space "$dir/config" "$@"
	ln -s "../../../../bus/pci/devices/$bdf" "$tree/sys/kernel/iommu_groups/$group/devices/$bdf"
	ln -s "../../../../kernel/iommu_groups/$group" "$dir/iommu_group"
	[ "$iommu" = - ] || ln -s "../../../../class/iommu/$iommu" "$dir/iommu"
	[ "$driver" = - ] || drive "$bdf" "$driver"
}

# drive BDF DRIVER: the device is bound to it.
drive()
{
	mkdir -p "$tree/sys/bus/pci/drivers/$2"
	ln -sfn "../../drivers/$2" "$tree/sys/bus/pci/devices/$1/driver"
}

readonly kernel_options=(VFIO=m VFIO_GROUP=y VFIO_CONTAINER=y VFIO_PCI=m IOMMU_IOPF=y
	HMM_MIRROR=y MEMCG=y INTEL_IOMMU_SCALABLE_MODE_DEFAULT_ON=y)

# linux RELEASE: what the host runs.
linux()
{
	put proc/sys/kernel/osrelease "$1"
	put proc/sys/kernel/arch x86_64
	rm -f "$tree"/boot/config-*
	put "boot/config-$1" "#$(printf '\nCONFIG_%s' "${kernel_options[@]}")"
}

# intel_iommu NAME ECAP
intel_iommu()
{
	put "sys/class/iommu/$1/intel-iommu/ecap" "$2"
	put "sys/class/iommu/$1/intel-iommu/cap" d2008c222f0686
}

readonly good_ecap=4d002000000f	# SLTS, SMTS, PDS, PASID, PRS, IR, DT, QI, C

# good_host: made once, and copied from then on.
good_host()
{
	rm -rf "$tree"
	[ -d "$tmp/good" ] || { make_good_host && mv "$tree" "$tmp/good"; }
	cp -a "$tmp/good" "$tree"
}

make_good_host()
{
	linux 7.3.4+deb13-amd64
	put proc/cmdline 'BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 quiet'
	put sys/module/vfio_iommu_iopf/parameters/takeover 0
	put sys/module/vfio_iommu_iopf/parameters/allow_unsafe_interrupts N
	put sys/module/vfio_iommu_iopf/parameters/aging Y
	put dev/vfio/vfio ''
	intel_iommu dmar0 "$good_ecap"
	put sys/kernel/irq/9/chip_name IR-IO-APIC
	put sys/fs/cgroup/cgroup.controllers 'cpuset cpu io memory hugetlb pids'
	put proc/swaps "$(printf 'Filename\t\tType\t\tSize\n/dev/sda2    partition\t8388604\t\t0\t\t-2')"
	pci_device $good_device 7 vfio-pci dmar0 ats pri pasid
}

# on_terminal COLUMNS COMMAND...: without colours.
on_terminal()
{
	local columns=$1
	shift
	NO_COLOR=1 script -qec "stty cols $columns rows 24 && ${*@Q}" /dev/null </dev/null | tr -d '\r'
}

# said CODE LINE...: what $tmp/said holds, and the exit code in $code; each LINE whole.
said()
{
	local want=$1
	shift
	cat "$tmp/said"
	[ "$code" -eq "$want" ] || { echo "exit code $code, not $want"; return 1; }
	has_lines "$@"
}

# container N [NAME=VALUE]...: one of process 1000 + N; NAME is an attribute or stats/NAME.
container()
{
	local dir=sys/class/vfio_iopf/container$1 pair
	mkdir -p "$tree/$dir"/{stats,devices}
	put "$dir/type" iopf
	put "$dir/pid" $((1000 + $1))
	put "$dir/comm" qemu
	put "$dir/mode" faultable
	put "$dir/enabled" 1
	put "$dir/health" ok
	put "$dir/latency" $'10240 50\n12288 49\n1048576 1'
	put "$dir/stats/mapped_bytes" 1073741824
	put "$dir/stats/resident_pages" 4097
	put "$dir/stats/pinned_pages" 0
	put "$dir/stats/faults" 1234
	put "$dir/stats/segment_bytes" 67108864
	for pair in "${@:2}"; do
		put "$dir/${pair%%=*}" "${pair#*=}"
	done
}

# contained N DEVICE KIND
contained()
{
	local dir=sys/class/vfio_iopf/container$1/devices/$2
	mkdir -p "$tree/$dir/stats"
	put "$dir/kind" "$3"
	put "$dir/health" ok
	put "$dir/latency" '10240 7'
	put "$dir/stats/groups" 7
	put "$dir/stats/requests" 8
}
