#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A newcomer's way, from packages to nothing left of them: the blocks that docs/admin.md marks
# with "sh tried: NAME", word for word and in their order, on a small Debian 12. No step is
# here that is not in that guide. What is installed and removed is in a root file system
# (tests/packaging/in-root); what is between, in a VM on it (tests/packaging/newcomer), in one
# shell.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

here=$top/tests/packaging
suite=${1:-bookworm}
over=$out/packaging/newcomer
dir=$("$here/root" "$suite")
kernel=$(sort -V "$dir/kernels" | tail -n 1)
lane=stock
[ "$kernel" = "$(<"$out/stock/kernel/release")" ] || lane=next
run_as_root rm -rf --one-file-system "$over"
mkdir -p "$over/shared"
said=$over/said

# block NAME: the guide's.
block()
{
	sed -n "/^\`\`\`sh tried: $1\$/,/^\`\`\`\$/{/^\`\`\`/d;p}" "$top/docs/admin.md"
}

# has_blocks: all of them are there, none is empty, and there is no other.
has_blocks()
{
	local name
	for name in install prepare check example watch convert guest look end remove; do
		[ -n "$(block "$name")" ] || { echo "the guide has no block $name"; return 1; }
		echo "$name"
	done >"$over/expected"
	sed -n 's/^```sh tried: //p' "$top/docs/admin.md" | diff "$over/expected" -
}

in_root()
{
	"$here/in-root" "$dir" "$over" "$@"
}

# prepare: packages are there, which mk/check has built if this is such a Debian; apt takes yes for
# an answer, and the VM's kernel alone is one to build modules for.
prepare()
{
	local how="cp /project/out/deb/*.deb"
	grep -qx "VERSION_CODENAME=$suite" /etc/os-release || how='/project/packaging/build'
	mkdir "$over/shared/1"
	in_root bash -ec "echo 'APT::Get::Assume-Yes 1;' >/etc/apt/apt.conf.d/yes
		touch /boot/config-$kernel
		$how /shared/1"
}

# runs NAME: where the packages are.
runs()
{
	in_root bash -exc "cd /shared/1; $(block "$1")"
}

# run_script: what a VM that its known fault stopped had done is gone with it.
run_script()
{
	"$top/vm/run" --kernel "$lane" --timeout 800 -- "$here/newcomer" "$dir" "$over" >"$said" 2>&1
}

# in_vm NAME...: their blocks; what they say is kept.
in_vm()
{
	local name
	for name in "$@"; do
		printf 'begin %s\n%s\n' "$name" "$(block "$name")"
	done >"$over/script"
	past_known_faults run_script || { cat "$said"; return 1; }
}

# part NAME: what its block said.
part()
{
	sed -n "/^== $1\$/,/^== /{/^== /d;p}" "$said"
}

# says NAME PATTERN...: its block said that, a line each.
says()
{
	local name=$1 pattern
	shift
	for pattern in "$@"; do
		part "$name" | grep -E -- "$pattern" >/dev/null ||
			{ printf 'no line: %s\n' "$pattern"; part "$name"; return 1; }
	done
}

# shows NAME FILTER: of the container, in the JSON among what its block said.
shows()
{
	part "$1" | sed -n '/^\[/,/^\]/p' | jq -es ".[0][0] | $2" || { part "$1"; return 1; }
}

# shows_top: a heading, and a line a second.
shows_top()
{
	[ "$(part watch | grep -cE '^[0-9:]{8} container1 copy [0-9]+ ')" -eq 2 ] || { part watch; return 1; }
}

tap_ok "the guide has the blocks that are tried, and no others" has_blocks
tap_ok "there are packages" prepare
tap_ok "they install as the guide says" runs install
tap_ok "all that it says between works" in_vm prepare check example watch convert guest look end
tap_ok "iopf check is content" says check '^5d4a:00:00.0: vfio-pci$' '^all is well$'
tap_ok "the container is listed" says watch '^1 +[0-9]+ copy +faultable +ok .* 5d4a:00:00.0$'
tap_ok "nothing is pinned, and page requests are served" shows watch \
	'.stats.pinned_pages == 0 and .stats.resp_success > 0 and .stats.resp_invalid == 0 and
	 .devices[0].kind == "faulting"'
tap_ok "iopf top has two lines of it" shows_top
tap_ok "the map shows what is resident" says watch '^0x100000000-0x101000fff: 16M in 2 mappings'
tap_ok "the trace's summary has page requests" says watch '^all, arrival to answer +[1-9]'
tap_ok "it is pinned, and faultable again" says convert '^container1: pinned, 16M pinned$' \
	'^1 .* pinned +ok .* 16M +16M +16M ' '^container1: faultable, 0 pinned$'
tap_ok "a guest's device does all that it should" says look \
	'^guest: [0-9]{3,} operations, [0-9]{6,} bytes, 0 wrong'
tap_ok "its container is QEMU's, and faultable" says look \
	'^2 +[0-9]+ qemu-system-x86 +faultable +ok .* 5d4a:00:01.0$'
tap_ok "nothing of it is pinned, and page requests are served" shows look \
	'.stats.pinned_pages == 0 and .stats.resp_success > 0 and .stats.resp_invalid == 0 and
	 .devices[0].kind == "faulting"'
tap_ok "packages go as the guide says" runs remove
tap_ok "nothing is left of them" in_root /project/tests/packaging/inside no_modules
tap_end
