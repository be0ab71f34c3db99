#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The models of the module's protocols hold, and are seen to fail: see verify/README.md.
set -euo pipefail
# shellcheck source=mk/common.sh
. "$(dirname "$0")/../../mk/common.sh"

exec "$top/verify/models/run"
