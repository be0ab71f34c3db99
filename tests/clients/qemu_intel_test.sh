#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What qemu_test.sh does, on the newest kernel's own Intel driver: QEMU as Debian ships it
# gives a device that faults through the emulated VT-d to its guest.
#
# VM: --kernel next --intel --mem 1536M
set -euo pipefail
exec "$(dirname "$0")/qemu_test.sh"
