#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# QEMU's own NVMe driver (nvme://, in qemu-io and qemu-img as Debian ships them) on an
# emulated controller behind an emulated Intel IOMMU: a device that can't fault, so that
# what the driver maps has to be pinned, and charged, as type1 does it.
#
# QEMU 7.2's driver asks for interrupts after it has started the controller, whose emulation
# then raises none for the administrative queue. The driver looks at that queue once
# after each command, and finds it done, or waits for ever. So it is made to say, each
# time before it looks, that it does, to a file on the host: until that is answered the
# machine's emulator has done what was asked of it before.
#
# VM: --append intel_iommu=on --qemu -device --qemu intel-iommu
# VM: --qemu -drive --qemu if=none,id=disk,driver=null-co,size=64M,read-zeroes=on,snapshot=on
# VM: --qemu -device --qemu nvme,serial=viopf,drive=disk,addr=10.0
set -euo pipefail
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

readonly nvme=0000:00:10.0
readonly disk=nvme://$nvme/1
readonly saying=(--trace nvme_process_completion) sayings=$VIOPF_OUT/nvme_test.trace
need qemu-io

# io COMMAND...: all of qemu-io's commands in one process.
io()
{
	local command code=0 arguments=()
	for command in "$@"; do
		arguments+=(-c "$command")
	done
	timeout "$patience_s" qemu-io "${saying[@]}" -f raw "${arguments[@]}" "$disk" \
		2>"$sayings" || code=$?
	grep -v '^nvme_' "$sayings" || true
	return "$code"
}

# Patterns come back where they were written, and nowhere else.
read_back()
{
	local said
	said=$(io 'write -P 0x5a 0 1M' 'write -P 0xa5 3M 8M' 'write -P 0x11 5M 4k' \
		'read -P 0x5a 0 1M' 'read -P 0 1M 2M' 'read -P 0xa5 3M 2M' 'read -P 0x11 5M 4k' \
		'read -P 0xa5 5124k 6140k')
	contains "$said" '^read 6287360/6287360 bytes at offset 5246976$' &&
		! grep -iE 'fail|error' <<<"$said"
}

# Another process finds what the first one wrote; a wrong expectation is noticed.
persists()
{
	local said
	said=$(io 'read -P 0x5a 0 1M') && ! grep -iE 'fail|error' <<<"$said" || return
	said=$(io 'read -P 0x5b 0 1M') || true
	contains "$said" '^Pattern verification failed'
}

# A file of random bytes, written from one memory and compared from another.
whole_file()
{
	head -c 16M /dev/urandom >/tmp/image
	io 'write -s /tmp/image 16M 16M' &&
		timeout "$patience_s" qemu-img "${saying[@]}" dd -f raw -O raw bs=1M skip=16 \
			count=32 "if=$disk" of=/tmp/copy 2>"$sayings" &&
		cmp /tmp/image /tmp/copy
}

# measure: what a driver that has the disk open has locked; left in $locked, with what
# the machine has pinned in $pinned.
measure()
{
	local before pid answer
	before=$(pinned_kb)
	mkfifo /tmp/commands /tmp/answers
	timeout "$patience_s" qemu-io "${saying[@]}" -f raw "$disk" </tmp/commands \
		>/tmp/answers 2>"$sayings" &
	exec 5>/tmp/commands 4</tmp/answers
	echo 'write -P 0x77 0 1M' >&5
	locked='' pinned=''
	while read -r -t $patience_s -u 4 answer; do
		[[ $answer != *'1 MiB, 1 ops'* ]] || break
	done
	pid=$(pgrep -x qemu-io) || true
	if [ -n "$pid" ]; then
		locked=$(status_kb "$pid" VmLck)
		pinned=$(($(pinned_kb) - before))
		echo quit >&5
	fi
	exec 5>&- 4<&-
	wait || true
	rm /tmp/commands /tmp/answers
}

give_to_vfio $nvme
for backend in type1 iopf; do
	use_backend $backend
	who='' row='S12 '
	[ $backend = iopf ] || { who=' on type1' row=''; }
	tap_ok "${row}nvme://$who reads what it wrote" read_back
	tap_ok "${row}nvme://$who: what is written stays" persists
	tap_ok "${row}nvme://$who moves a file there and back" whole_file
	measure
	tap_ok "${row}nvme://$who: what is mapped is locked and pinned" \
		holds "${locked:-0} > 0 && ${pinned:-0} >= ${locked:-1}"
	[ $backend = iopf ] || type1_locked=$locked
	echo "# $backend: locked ${locked:-?} kB, pinned ${pinned:-?} kB"
done
tap_ok "S12 nvme:// is charged for what type1 would charge" \
	holds "${locked:-0} == ${type1_locked:-1}"
tap_end
