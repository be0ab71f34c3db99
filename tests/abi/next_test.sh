#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whether compat says what Debian's newest kernel says.
set -euo pipefail
# shellcheck source=tests/abi/lane.sh
. "$(dirname "$0")/lane.sh" next

same_layout
same_declarations
tap_end
