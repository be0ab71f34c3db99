# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Which kernels DKMS builds for, and why not for another. Sourced by dkms.conf, and so each time
# that dkms reads it, with $kernelver and $kernel_config of the kernel in question and
# $action, what dkms was asked to do. Before it, dkms.conf says in $needs which options that
# kernel must have.
#
# DKMS passes over a kernel that does not match, and installs what is for others; but says only
# that something does not match. compat/needs.h asks the same of the headers, in a build
# without DKMS.

# Not for a kernel newer than those that this was tried on: compat restates a structure of
# VFIO's, and only tests/abi sees whether a kernel lays it out otherwise. It would build, and
# corrupt memory. When "next" in make check has moved on, and passes, so does this.
BUILD_EXCLUSIVE_KERNEL='^(6\.(1[2-9]|[2-9][0-9])|7\.[0-3])([.+-]|$)'
BUILD_EXCLUSIVE_CONFIG=$needs
BUILD_EXCLUSIVE_ARCH='^x86_64$'

# is_older: than the first of these.
is_older()
{
	[ "$(printf '%s\n' 6.12 "$kernelver" | sort -V | head -n 1)" != 6.12 ]
}

# say_why_not: on standard error, which users of apt see too.
say_why_not()
{
	local option missing=''
	if [[ ! $kernelver =~ $BUILD_EXCLUSIVE_KERNEL ]]; then
		if is_older; then
			echo "$PACKAGE_NAME: not for Linux $kernelver: it needs Linux 6.12 or newer" >&2
		else
			echo "$PACKAGE_NAME: not for Linux $kernelver: newer than what it was" \
				"tried on; look for a newer $PACKAGE_NAME" >&2
		fi
		return
	fi
	[ -e "${kernel_config:-}" ] || return 0
	for option in $needs; do
		grep -q "^$option=[ym]" "$kernel_config" || missing+=" $option"
	done
	[ -z "$missing" ] ||
		echo "$PACKAGE_NAME: not for Linux $kernelver: it was built without$missing" >&2
}

case ${action:-} in
build | install | autoinstall | kernel_postinst) say_why_not ;;
esac
