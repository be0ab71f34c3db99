#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The patches in upstream/linux apply to the newest kernel's source, of which the debug
# kernel is built.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"
# shellcheck source=mk/tap.sh
. "$top/mk/tap.sh"

applied()
{
	! grep -xF "$1" "$source/unapplied"
}

# whole PATCH: it is mail that says why, and not signed off in somebody's name.
whole()
{
	grep -q '^Subject: \[PATCH\] iommu' "$1" && grep -q '^From: ' "$1" &&
		! grep -q '^Signed-off-by' "$1" &&
		[ "$(sed -n '/^Subject/,/^---$/p' "$1" | wc -l)" -gt 6 ]
}

source=$("$top/vm/kernels" patched)
for patch in "$top"/upstream/linux/*.patch; do
	name=$(basename "$patch")
	tap_ok "$name applies" applied "$name"
	tap_ok "$name says why" whole "$patch"
done
tap_end
