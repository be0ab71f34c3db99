#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# make install puts each thing where its variables say, nothing else, and uninstall takes all of
# it away; the version is everywhere that of the changelog; the packages that mk/check has had
# make deb build please lintian; and mk's lists have all that they are built with.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
version=$("$top/mk/version")
root=$tmp/root

# run_make TARGET: without what the test's own make may have put into the environment.
run_make()
{
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$top" "$1" DESTDIR="$root" PREFIX=/opt/viopf
}

# installs: with a umask that install must not heed.
installs()
{
	(umask 077 && run_make install) || return
	(cd "$root" && find . ! -type d -printf '%P\n' | sort) >"$tmp/files"
	grep -qx 'opt/viopf/lib/libviopf.so.1' "$tmp/files" &&
		grep -qx 'opt/viopf/sbin/iopf' "$tmp/files" &&
		grep -qx 'opt/viopf/share/bash-completion/completions/iopf' "$tmp/files" &&
		grep -qx 'opt/viopf/include/linux/vfio_iopf.h' "$tmp/files" &&
		grep -qx 'opt/viopf/share/man/man4/vfio_iommu_iopf.4' "$tmp/files" &&
		grep -qx 'opt/viopf/share/man/man3/viopf_map.3' "$tmp/files" &&
		grep -qx 'opt/viopf/share/doc/vfio-iopf/examples/vfio-iopf.conf' "$tmp/files" &&
		grep -qx "usr/src/vfio-iopf-$version/module/main.c" "$tmp/files" &&
		grep -qx "usr/src/vfio-iopf-testing-$version/soft/softdma.h" "$tmp/files" &&
		! grep -vE "^opt/viopf/|^usr/src/vfio-iopf(-testing)?-$version/" "$tmp/files" &&
		! find "$root" -mindepth 1 ! -type l ! -perm -a+r | grep .
}

# says_version WHAT VERSION
says_version()
{
	[ "$2" = "$version" ] || { echo "$1 says $2, the changelog $version" >&2; return 1; }
}

module_version()
{
	local module
	for module in vfio_iommu_iopf softiommu softdma softmdev softmm; do
		says_version "$module" "$(modinfo -F version "$out/stock/$module.ko")" || return
	done
}

# dkms_version NAME: in both of the files that it is filled into.
dkms_version()
{
	local source=$root/usr/src/$1-$version
	says_version "dkms.conf of $1" \
		"$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$source/dkms.conf")" &&
		grep -qF "VIOPF_VERSION='\"$version\"'" "$source/Kbuild"
}

one_version()
{
	says_version libviopf.pc "$(PKG_CONFIG_PATH=$root/opt/viopf/lib/pkgconfig \
		pkg-config --modversion libviopf)" &&
		says_version iopf "$("$root/opt/viopf/sbin/iopf" --version | sed 's/^iopf //')" &&
		dkms_version vfio-iopf && dkms_version vfio-iopf-testing
}

# one_soname: what the library is called changes with its ABI, not with each version.
one_soname()
{
	local dir=$root/opt/viopf/lib
	readelf -d "$dir/libviopf.so.1" | grep -F 'soname: [libviopf.so.1]' &&
		[ "$(readlink "$dir/libviopf.so")" = libviopf.so.1 ] &&
		grep '^Package: libviopf1$' "$top/packaging/debian/control" &&
		nm --dynamic --with-symbol-versions "$dir/libviopf.so.1" | grep ' viopf_map@@VIOPF_1$'
}

# leaves_others: uninstall takes away what install brought, and leaves what stands beside it.
leaves_others()
{
	touch "$root/opt/viopf/include/linux/other.h"
	run_make uninstall || return
	(cd "$root" && find . ! -type d -printf '%P\n') >"$tmp/left"
	[ "$(cat "$tmp/left")" = opt/viopf/include/linux/other.h ] &&
		[ ! -e "$root/usr/src/vfio-iopf-$version" ] && [ ! -e "$root/opt/viopf/share/doc/vfio-iopf" ]
}

# tree_is_clean: nothing is built outside out/.
tree_is_clean()
{
	[ ! -e "$top/.git" ] || ! git -C "$top" status --porcelain --ignored |
		grep -vE '^!! out/$|^[^!]'
}

# lists_have_build_depends: so that mk/setup deb is enough.
lists_have_build_depends()
{
	local missing
	missing=$(sed -n '/^Build-Depends:/,/^Rules/p' "$top/packaging/debian/control" |
		sed -e '/^Rules/d' -e 's/^Build-Depends://' -e 's/([^)]*)//g' -e 's/-compat//' \
			-e 's/dh-sequence-/dh-/' -e 's/[ ,]\+/\n/g' | sed '/^$/d' | sort -u |
		comm -23 - <({ packages_of ''; packages_of deb; } | sort -u))
	[ -z "$missing" ] || { echo "no list of mk/packages has $missing" >&2; return 1; }
}

# checked: lintian's findings of weight, and that there are packages to check.
checked()
{
	(cd "$out/deb" && lintian --allow-root --fail-on error,warning ./*.changes) &&
		[ "$(find "$out/deb" -name '*.deb' ! -name '*-dbgsym_*' | wc -l)" -eq 5 ]
}

tap_ok "make install installs, and only where it is told" installs
tap_ok "pkg-config, iopf and DKMS are of one version" one_version
tap_ok "so are the modules" module_version
tap_ok "the library's name, package and symbols are of one ABI" one_soname
tap_ok "make uninstall takes all of it away, and nothing else" leaves_others
tap_ok "mk's lists name all that packages are built with" lists_have_build_depends
tap_ok "lintian finds nothing wrong with the packages" checked
tap_ok "the tree stays clean" tree_is_clean
tap_end
