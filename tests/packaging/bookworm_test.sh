#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The packages on Debian 12: see tests/packaging/lifecycle.
exec "$(dirname "$0")/lifecycle" bookworm
