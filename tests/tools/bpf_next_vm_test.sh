#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# bpf_vm_test.sh on the newest kernel, whose functions may be called otherwise.
#
# VM: --kernel next --mem 1536M
exec "$(dirname "$0")/bpf_vm_test.sh"
