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

# packages_of NAME: what mk/packages-NAME lists; mk/packages without a name.
packages_of()
{
	sed -e '/^#/d' -e '/^$/d' -e 's/ .*//' "$top/mk/packages${1:+-$1}"
}

# refresh_lists: apt-get update, at most once in each run of a script. Lists of our own
# (see vm/kernels) need no root.
refresh_lists()
{
	local root=run_as_root
	[ -z "${lists_fresh:-}" ] || return 0
	[[ ${APT_CONFIG:-} != "$cache"/* ]] || root=''
	say "refreshing the package lists"
	$root apt-get -qq update
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

# with_progress SAY LOG COMMAND...: runs COMMAND, nicely, with its output to LOG, and shows one
# line of progress, which the command SAY prints; it is kept up to date on a terminal and
# repeated twice a minute elsewhere.
with_progress()
{
	local progress=$1 log=$2 job shown=0
	shift 2
	nice "$@" >"$log" 2>&1 &
	job=$!
	while kill -0 "$job" 2>/dev/null; do
		sleep 1
		if [ -t 2 ]; then
			printf '==> %s\r' "$("$progress")" >&2
		elif [ $((SECONDS - shown)) -ge 30 ]; then
			say "$("$progress")"
			shown=$SECONDS
		fi
	done
	wait "$job"
}

# past_known_faults COMMAND...: runs what starts a VM, and again as long as what the VM is known
# to do wrong (vm/run) ends it, a few times. How often it did is kept in the file $VIOPF_KNOWN,
# if there is one to keep it in.
readonly known_fault=124 most_known_faults=10
past_known_faults()
{
	local code met=0
	while true; do
		code=0
		"$@" || code=$?
		if [ "$code" -ne $known_fault ] || [ $((++met)) -gt $most_known_faults ]; then
			return "$code"
		fi
		echo "$met" >"${VIOPF_KNOWN:-/dev/null}"
	done
}

# all_lanes: all is asked for, not only what make check has the time for.
all_lanes()
{
	[ "${VIOPF_ALL_LANES:-0}" != 0 ]
}

# is_of_kernel SUITE: it is one of kernel tests, which run in VMs, several in one.
is_of_kernel()
{
	[[ $1 =~ ^(stock|next|intel|first-stage|debug|uml|uml-debug|kcsan)$ ]]
}

# kernel_test NAME: prints where the source of a kernel test program is.
kernel_test()
{
	find "$top/tests/kernel" "$top/tests/intel" -maxdepth 1 -name "$1.c"
}

# suites_of SOURCE: where a kernel test runs is what it says by a line "LANES: SUITE...".
# Without one it is stock and uml-debug, so both kernels, the newest with the checkers.
# VIOPF_ALL_LANES=1 has it run on these and next and debug, whatever it says. On kcsan are those
# that say so, and those of tests/kernel with checkers that are on Debian's kernels, too: what is
# on no other needs fault injection. On uml are those on stock whose VM is one like any other.
suites_of()
{
	local suites plain=1
	[[ ! $(own_options "$1") =~ --(qemu|append|intel) ]] || plain=''
	suites=$(sed -n 's/^ \* LANES: //p' "$1")
	[ -n "$suites" ] || suites='stock uml-debug'
	[[ $1 != */tests/kernel/* || ! $suites =~ ^(stock|next).*debug ]] || suites+=' kcsan'
	[[ -z $plain || $suites != *stock* ]] || suites+=' uml'
	! all_lanes || suites+=" stock next debug${plain:+ uml-debug}"
	echo "$suites"
}

# own_options SOURCE: prints the options of vm/run that a test says it needs, in lines
# "VM: OPTIONS".
own_options()
{
	sed -n 's/^.*[[:blank:]]VM: \(.*\)$/\1/p' "$1" | tr '\n' ' '
}

# kernel_tests: prints a line for each kernel test program, with tabs between its name, its
# suites and its own options.
kernel_tests()
{
	local source
	for source in "$top"/tests/{kernel,intel}/*_test.c; do
		printf '%s\t%s\t%s\n' "$(basename "$source" .c)" "$(suites_of "$source")" \
			"$(own_options "$source")"
	done
}

# vm_options SUITE SOURCE: prints the options of vm/run for a test: those of the suite, and
# its own. A test has one CPU unless it says "CPUS: 2", which first-stage does not heed; suites that
# are there to find races have two. Machines with two, two of them at a time on a host with two,
# wait for each other's locks, and take twice as long. What iopf says has nothing to do with what
# freed memory looks like.
vm_options()
{
	case $1 in
	intel) printf '%s ' --kernel next --intel ;;
	first-stage) printf '%s ' --kernel next --first-stage ;;
	clients) printf '%s ' --kernel stock ;;
	tools) printf '%s ' --kernel stock --append page_poison=0 --append slab_debug=- ;;
	*) printf '%s ' --kernel "$1" ;;
	esac
	case $1 in
	first-stage) printf '%s ' --cpus 1 ;;
	stock | next | intel | tools)
		grep -qE '[[:blank:]]CPUS: 2$' "$2" || printf '%s ' --cpus 1 ;;
	esac
	own_options "$2"
	echo
}

# in_lane LANE COMMAND...: runs what builds for a lane's kernel or reads it, with that
# kernel's own tools for the host's if it brings some (see vm/kernels).
in_lane()
{
	local usr
	usr=$(readlink -f "$out/$1/kernel")/usr
	shift
	[ -d "$usr" ] || { "$@"; return; }
	bwrap --die-with-parent --dev-bind / / --ro-bind "$usr" /usr --tmpfs /etc \
		--bind "$top" "$top" -- "$@"
}
