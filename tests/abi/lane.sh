# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# lane.sh LANE: whether compat says what that lane's kernel says, and whether tests/abi/layout
# notices when it does not, as tests. Sourced, by a script for each kernel, as compilers take
# their time.

# shellcheck source=mk/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

lane=$1
header=$top/compat/vfio_driver_ops.h
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# refused SED_SCRIPT: a copy of the header, so changed, is refused for being different, and not for
# some other reason.
refused()
{
	local output
	sed -e "$1" "$header" >"$tmp/changed.h"
	! cmp -s "$header" "$tmp/changed.h" || die "the script changes nothing: $1"
	! output=$("$top/tests/abi/layout" "$lane" "$tmp/changed.h" 2>&1) || return 1
	printf '%s\n' "$output"
	[[ $output == *"is wrong for"* ]]
}

# same_prototypes [HEADER]: the compiler compares declarations that stand in the kernel's private
# headers with ours, by seeing both.
same_prototypes()
{
	local iommu=${1:-$top/compat/iommu_handle.h} dir=$tmp/prototypes source
	source=$("$top/vm/kernels" source "$lane")
	rm -rf "$dir"
	mkdir "$dir"
	cat >"$dir/probe.c" <<-EOF
		#include <linux/module.h>
		#include "$source/drivers/iommu/iommu-priv.h"
		#include "$iommu"
	EOF
	echo 'obj-m := probe.o' >"$dir/Kbuild"
	in_lane "$lane" make -s -C "$(readlink -f "$out/$lane/kernel")/build" M="$dir" probe.o
}

# other_prototypes_refused: that the comparison above compares.
other_prototypes_refused()
{
	local output
	sed 's/int iommu_attach_group_handle/long iommu_attach_group_handle/' \
		"$top/compat/iommu_handle.h" >"$tmp/changed.h"
	! output=$(same_prototypes "$tmp/changed.h" 2>&1) || return 1
	[[ $output == *"conflicting types"* ]]
}

# needs_told SED_SCRIPT WORDS: for a kernel that compat/needs.h, so changed, does not like,
# there is one error, which has these words. The header is compiled, not the module.
needs_told()
{
	local dir=$tmp/needs output
	rm -rf "$dir"
	mkdir "$dir"
	sed -e "$1" "$top/compat/needs.h" >"$dir/needs.h"
	! cmp -s "$dir/needs.h" "$top/compat/needs.h" || die "the script changes nothing: $1"
	printf '#include <linux/module.h>\n#include "needs.h"\n' >"$dir/probe.c"
	printf 'obj-m := probe.o\nccflags-y := -I%s\ninclude %s\n' "$dir" \
		"$top/compat/probe.mk" >"$dir/Kbuild"
	! output=$(in_lane "$lane" make -s -C "$(readlink -f "$out/$lane/kernel")/build" \
		M="$dir" probe.o 2>&1) || return 1
	printf '%s\n' "$output"
	[ "$(grep -c 'error: #error' <<<"$output")" -eq 1 ] &&
		grep -q "error: #error.*$2" <<<"$output"
}

# same_layout, other_layouts, same_declarations: the tests. Other layouts are refused whatever the
# kernel; what reads its own is pahole, which is another for each.
same_layout()
{
	tap_ok "$lane: layout agrees with the real vfio.ko" "$top/tests/abi/layout" "$lane"
	tap_ok "$lane: a member too many is refused" \
		refused 's/^\tchar.*name;/&\n\tunsigned long flags;/'
}

other_layouts()
{
	tap_ok "$lane: a member too few is refused" \
		refused '/(\*unregister_device)/,/;/d'
	tap_ok "$lane: two members exchanged are refused" \
		refused 's/(\*release)/(*X)/;s/(\*detach_group)/(*release)/;s/(\*X)/(*detach_group)/'
	tap_ok "$lane: another type of the same size is refused" \
		refused 's/^\tlong\(.*\*ioctl\)/\tint\1/'
	tap_ok "$lane: enumerators in another order are refused" \
		refused 's/VFIO_IOMMU,/VFIO_X,/;s/VFIO_NO_IOMMU,/VFIO_IOMMU,/;s/VFIO_X,/VFIO_NO_IOMMU,/'
}

same_declarations()
{
	local option
	tap_ok "$lane: prototypes agree with the kernel's private headers" same_prototypes
	tap_ok "$lane: another prototype is refused" other_prototypes_refused
	for option in VFIO_CONTAINER IOMMU_IOPF HMM_MIRROR; do
		tap_ok "$lane: a kernel without $option is told" \
			needs_told "s/IS_ENABLED(CONFIG_$option)/0/" "lacks CONFIG_$option"
	done
	tap_ok "$lane: an older kernel is told" \
		needs_told 's/ifndef HAVE_ATTACH_HANDLES/ifndef HAVE_WHAT_NO_KERNEL_HAS/' \
		'needs Linux 6.12'
}
