#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whether compat says what Debian's kernel says; and one that was built here, where there is one.
set -euo pipefail
# shellcheck source=tests/abi/lane.sh
. "$(dirname "$0")/lane.sh" stock

same_layout
other_layouts
same_declarations
[ ! -e "$out/uml-debug/kernel/release" ] || lane=uml-debug same_layout
tap_end
