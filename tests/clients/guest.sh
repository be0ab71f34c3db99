# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A QEMU with a device passed through, and its guest (guest/dma.c, the only program of an
# initramfs), which makes the device read and write all over the guest's memory. Sourced, and
# lib.sh with it. The script sets $device, and may set $console before it starts another QEMU
# beside the first, of which it then hears no more.

# shellcheck disable=SC2034 # for those who source this

# shellcheck source=tests/clients/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

readonly memory_kb=$((512 << 10)) linux_mb=96
# Half of the memory is above 4 GiB. The firmware's tables are at the end of the first half.
readonly ranges=8000000-ff00000,100000000-110000000
readonly pidfile=/tmp/qemu.pid
console=/tmp/console
device='' reply='' qemu='' said='' took_ms=0

# start_qemu COMMAND...: starts it with $device, behind COMMAND if any; what it said is in
# $said. Returns when QEMU has set the machine up and mapped its memory, or has given up.
start_qemu()
{
	local started=$EPOCHREALTIME code=0
	rm -f "$console".* "$pidfile"
	mkfifo "$console.in" "$console.out"
	exec 4<>"$console.out" 5>&-
	exec 5<>"$console.in"
	"$@" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,max-ram-below-4g=256M -accel tcg -cpu max -m $((memory_kb >> 10))M \
		-kernel "$out/guest/kernel/vmlinux" -initrd "$out/clients/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=t mem=${linux_mb}M ranges=$ranges" \
		-chardev "pipe,id=console,path=$console" -serial chardev:console \
		-device "vfio-pci,host=$device" -daemonize -pidfile "$pidfile" \
		>/tmp/qemu.log 2>&1 4>&- 5>&- || code=$?
	said=$(</tmp/qemu.log)
	took_ms=$(ms_since "$started")
	[ $code -eq 0 ] || return $code
	qemu=$(<"$pidfile")
}

# hear: waits for the guest's next line, which is left in $reply.
hear()
{
	local line by=$((SECONDS + patience_s))
	reply=''
	while [ $SECONDS -lt $by ] && kill -0 "$qemu" 2>/dev/null; do
		IFS= read -r -t 5 -u 4 line || continue
		line=${line%$'\r'}
		[[ $line == guest:* ]] || continue
		reply=$line
		return 0
	done
	reply="nothing from the guest"
}

# order COMMAND: see guest/dma.c.
order()
{
	echo "$1" >&5
	hear
}

end_qemu()
{
	kill -KILL "$qemu" 2>/dev/null || true
	while kill -0 "$qemu" 2>/dev/null; do
		sleep 0.1
	done
}

# no_memlock: 64 KiB of locked memory at most, and not even root may have more.
no_memlock()
{
	prlimit --memlock=65536:65536 setpriv --bounding-set=-ipc_lock "$@"
}

# all_right REPLY: the guest checked a good number of operations and found nothing wrong.
all_right()
{
	contains "$1" '^guest: [0-9]{4} operations, [0-9]{7,} bytes, 0 wrong$'
}
