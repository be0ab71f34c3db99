# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the project's scripts share: where things are, and how a script speaks.
# Sourced, never run.
#
# $top    the project's folder
# $out    everything built or recorded, $top/out
# $cache  what is slow to get and the same for every clone: packages and kernels

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck disable=SC2034 # for those who source this
out=$top/out
cache=${VIOPF_CACHE:-${HOME:-/root}/.cache/vfio-iopf}
export LC_ALL=C.UTF-8

say()
{
	printf '%s\n' "==> $*" >&2
}

die()
{
	printf '%s\n' "${0##*/}: $*" >&2
	exit 1
}

# run_as_root COMMAND...: as it is for root, through sudo for others.
run_as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# have_candidate PACKAGE: apt knows a version of PACKAGE to install.
have_candidate()
{
	apt-cache policy "$1" 2>/dev/null | grep '^  Candidate: [^(]' >/dev/null
}

# candidate PACKAGE: prints that version.
candidate()
{
	apt-cache policy "$1" | sed -n 's/^  Candidate: //p'
}

# refresh_lists: apt-get update, at most once in each run of a script.
refresh_lists()
{
	[ -z "${lists_fresh:-}" ] || return 0
	say "refreshing the package lists"
	run_as_root apt-get -qq update
	lists_fresh=1
}

# unpack_package PACKAGE DIR: downloads the package and unpacks it under DIR.
# Nothing is installed: no boot menu, no initramfs, no /boot.
unpack_package()
{
	local package=$1 dir=$2 tmp
	tmp=$(mktemp -d "$cache/download.XXXXXX")
	say "downloading $package"
	(cd "$tmp" && apt-get -qq -o APT::Sandbox::User=root download "$package") ||
		{ rm -rf "$tmp"; return 1; }
	mkdir -p "$dir"
	dpkg-deb -x "$tmp"/*.deb "$dir"
	rm -rf "$tmp"
}

# vm_options SOURCE: prints the options of vm/run that a test says it needs, in lines
# "VM: OPTIONS".
vm_options()
{
	sed -n 's/^.*[[:blank:]]VM: \(.*\)$/\1/p' "$1" 2>/dev/null | tr '\n' ' ' || true
	echo
}
