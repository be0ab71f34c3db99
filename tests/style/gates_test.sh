#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# That each style checker can fail: it passes a small clean tree, and refuses the same
# tree with one thing wrong in it.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# clean_module: its two files, and two more on floors of their own.
clean_module()
{
	mkdir -p "$tmp/tree/module"/{policy,uapi}
	cat >"$tmp/tree/module/good.c" <<-'EOF'
		// SPDX-License-Identifier: GPL-2.0-only
		/* A file with nothing wrong in it. */
		#include <linux/kernel.h>

		/**
		 * viopf_sum - adds two numbers
		 * @a: the first
		 * @b: the second
		 *
		 * Return: their sum.
		 */
		int viopf_sum(int a, int b)
		{
			return a + b;
		}
	EOF
	cat >"$tmp/tree/module/good.h" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0-only */
		int viopf_sum(int a, int b);
	EOF
	cat >"$tmp/tree/module/user.c" <<-'EOF'
		// SPDX-License-Identifier: GPL-2.0-only
		#include "good.h"

		static int limit;
		module_param(limit, int, 0444);

		/* Not only told of: viopf_sum(). */
		int good_three(void)
		{
			pr_info_once("container %lu: three of %#x\n", 1UL, 2);
			return viopf_sum(1, 2);
		}
	EOF
	cat >"$tmp/tree/module/policy/low.c" <<-'EOF'
		// SPDX-License-Identifier: GPL-2.0-only
		#include "policy/low.h"

		int viopf_low(void)
		{
			return 1;
		}
	EOF
	cat >"$tmp/tree/module/policy/low.h" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0-only */
		int viopf_low(void);
	EOF
	cat >"$tmp/tree/module/policy/policy.h" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0-only */
		#include "policy/low.h"
	EOF
	cat >"$tmp/tree/module/uapi/high.c" <<-'EOF'
		// SPDX-License-Identifier: GPL-2.0-only
		#include "policy/policy.h"

		static struct attribute *viopf_attrs[] = {
			&dev_attr_sum.attr,
			NULL
		};

		int viopf_high(void)
		{
			return viopf_low();
		}
	EOF
}

# clean_lists: what the man page is compared with, but for what other files have of it.
clean_lists()
{
	cat >"$tmp/tree/module/policy/trace.h" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0-only */
		#define VIOPF_COUNTERS(X)	\
			X(sums) X(threes)

		TRACE_EVENT(iopf_sum,
			TP_STRUCT__entry(
				__field(u64, container)
				__string(dev, dev)
			),
		);

		DECLARE_EVENT_CLASS(iopf_both,
			TP_STRUCT__entry(
				__field(unsigned long, pages)
			),
		);

		DEFINE_EVENT(iopf_both, iopf_three,
			TP_ARGS(pages));
	EOF
}

clean_tree()
{
	rm -rf "$tmp/tree"
	clean_module
	clean_lists
	mkdir -p "$tmp/tree"/{include/uapi/linux,lib,man,qemu,vm}
	cat >"$tmp/tree/qemu/good.c" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0-or-later */
		int good_sum(int a, int b)
		{
		    return a + b;
		}
	EOF
	cat >"$tmp/tree/include/uapi/linux/good.h" <<-'EOF'
		/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
		#ifndef _UAPI_LINUX_GOOD_H
		#define _UAPI_LINUX_GOOD_H

		#include <linux/types.h>

		struct good {
			__u32 flags;
		};

		#endif
	EOF
	echo 'Sums are by viopf_sum(), in module/good.c.' >"$tmp/tree/README.md"
	cat >"$tmp/tree/man/vfio_iommu_iopf.4" <<-'EOF'
		.\" SPDX-License-Identifier: GPL-2.0-only
		.Dd November 29, 2026
		.Dt VFIO_IOMMU_IOPF 4
		.Os Linux
		.Sh NAME
		.Nm vfio_iommu_iopf
		.Nd a page with nothing wrong in it
		.Sh DESCRIPTION
		.Bl -tag -width Ds
		.It Cm limit Ns = Ns Ar number
		A parameter.
		.El
		.Sh FILES
		.Bl -tag -width Ds
		.It Pa /sys/class/vfio_iopf/container Ns Ar N
		It.
		.It Pa sum
		It.
		.El
		.Sh COUNTERS
		.Bl -tag -width Ds
		.It Va sums , threes
		It.
		.El
		.Sh TRACEPOINTS
		.Bl -tag -width Ds
		.It Sy iopf_sum Va container dev
		It.
		.It Sy iopf_three Va pages
		It.
		.El
		.Sh DIAGNOSTICS
		.Bl -tag -width Ds
		.It "container ...: three of ..."
		It.
		.El
	EOF
	cat >"$tmp/tree/vm/good" <<-'EOF'
		#!/bin/sh
		# SPDX-License-Identifier: GPL-2.0-only
		echo "$1"
	EOF
	cat >"$tmp/tree/vm/good.py" <<-'EOF'
		# SPDX-License-Identifier: GPL-2.0-only
		"""A file with nothing wrong in it."""
		import sys

		if len(sys.argv) > 1:
		    print(sys.argv)
	EOF
}

# passes CHECKER: the clean tree.
passes()
{
	clean_tree
	"$top/tests/style/check" "$1" "$tmp/tree"
}

# refuses CHECKER FILE SED_SCRIPT: FILE so changed.
refuses()
{
	local checker=$1 file=$tmp/tree/$2
	clean_tree
	cp "$file" "$tmp/before"
	(cd "$tmp" && sed -i "$3" "$file")
	! cmp -s "$tmp/before" "$file" || die "the script changes nothing: $3"
	! "$top/tests/style/check" "$checker" "$tmp/tree"
}

# sparse_says FUNCTION_BODY: builds a module of one function, in a project of its own.
sparse_says()
{
	local project=$tmp/project
	rm -rf "$project"
	mkdir -p "$project"/{soft,include,tests,out/stock}
	cp -r "$top"/{mk,vm,packaging} "$project/"
	cp -r "$top/tests/style" "$project/tests/"
	ln -s "$(readlink -f "$out/stock/kernel")" "$project/out/stock/kernel"
	cat >"$project/soft/one.c" <<-EOF
		// SPDX-License-Identifier: GPL-2.0-only
		#include <linux/module.h>
		#include <linux/uaccess.h>
		int one(int __user *where);
		int one(int __user *where)
		{
			$1
		}
		MODULE_DESCRIPTION("one");
		MODULE_LICENSE("GPL");
	EOF
	echo 'obj-m := one.o' >"$project/soft/Kbuild"
	"$project/tests/style/check" sparse
}

sparse_refuses()
{
	! sparse_says "$1"
}

seq -f '	if (a == %g) return b;' 90 >"$tmp/lines"
while IFS='|' read -r checker file script; do
	tap_ok "$checker passes a clean tree" passes "$checker"
	tap_ok "$checker refuses: $script" refuses "$checker" "$file" "$script"
done <<'EOF'
checkpatch|module/good.c|s/a + b/a+b/
qemu_checkpatch|qemu/good.c|s/a + b/a+b/
kernel_doc|module/good.c|/@b:/d
shell|vm/good|s/"$1"/$1/
python|vm/good.py|s/^import sys/import os, sys/
python|vm/good.py|s/print(sys/print(os/
spelling|module/good.c|s/nothing wrong/t\x65h wrong/
spdx|module/good.c|1d
whitespace|vm/good|s/$/ /
loose_ends|module/good.c|s/nothing wrong/a TOD\x4f/
length|module/good.c|/^{/r lines
dead_code|module/user.c|s/return viopf_sum/return good_sum/
floors|module/policy/low.c|s/policy\/low\.h/uapi\/high.h/
floors|module/policy/low.c|s/return 1/return viopf_high()/
floors|module/uapi/high.c|s/policy\/policy\.h/policy\/low.h/
floors|module/uapi/high.c|s/viopf_low()/2/
documents|README.md|s/viopf_sum/viopf_gone/
documents|README.md|s/good\.c/gone.c/
documents|man/vfio_iommu_iopf.4|s/limit/limits/
documents|module/user.c|/^module_param/d
man|man/vfio_iommu_iopf.4|/^.El/d
documents|module/user.c|s/three of/four of/
documents|man/vfio_iommu_iopf.4|/three of/d
documents|module/uapi/high.c|s/_sum/_three/
documents|man/vfio_iommu_iopf.4|s/Pa sum/Pa stats\/sum/
documents|module/policy/trace.h|s/X(threes)//
documents|man/vfio_iommu_iopf.4|s/sums ,//
documents|module/policy/trace.h|s/u64, container/u64, where/
documents|module/policy/trace.h|s/long, pages/long, bytes/
documents|man/vfio_iommu_iopf.4|/iopf_three/d
uapi|include/uapi/linux/good.h|s/__u32/u32/
EOF
tap_ok "spdx refuses the wrong licence" refuses spdx include/uapi/linux/good.h 's/ WITH .*note//'
tap_ok "sparse passes a clean module" sparse_says 'int n; return get_user(n, where) ? 0 : n;'
tap_ok "sparse refuses a user pointer followed" sparse_refuses 'return *where;'
tap_ok "sparse refuses a compiler's warning" sparse_refuses 'int unused; return 0;'
tap_end
