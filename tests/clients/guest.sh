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
device='' reply='' qemu='' said='' event='' took_ms=0

# start_qemu COMMAND...: starts it with $device, behind COMMAND if any; what it said is in
# $said. Returns when QEMU has set the machine up and mapped its memory, or has given up.
start_qemu()
{
	local started=$EPOCHREALTIME code=0
	local monitor=$console.monitor
	rm -f "$console".* "$pidfile"
	mkfifo "$console.in" "$console.out" "$monitor.in" "$monitor.out"
	exec 4<>"$console.out" 5>&- 6<>"$monitor.out" 7>&-
	exec 5<>"$console.in" 7<>"$monitor.in"
	"$@" qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
		-machine q35,max-ram-below-4g=256M -accel tcg -cpu max \
		-m $((memory_kb >> 10))M,maxmem=1G \
		-kernel "$out/guest/kernel/vmlinux" -initrd "$out/clients/initramfs.cpio" \
		-append "console=ttyS0 quiet reboot=t mem=${linux_mb}M ranges=$ranges memhp_default_state=online_movable" \
		-chardev "pipe,id=console,path=$console" -serial chardev:console \
		-chardev "pipe,id=monitor,path=$monitor" -mon chardev=monitor,mode=control \
		-device "vfio-pci,host=$device" -device virtio-balloon-pci \
		-object memory-backend-ram,id=pluggable,size=256M \
		-device virtio-mem-pci,id=vmem,memdev=pluggable,block-size=2M \
		-daemonize -pidfile "$pidfile" >/tmp/qemu.log 2>&1 4>&- 5>&- 6>&- 7>&- || code=$?
	said=$(</tmp/qemu.log)
	took_ms=$(ms_since "$started")
	[ $code -eq 0 ] || return $code
	qemu=$(<"$pidfile")
	tell_qemu '{"execute":"qmp_capabilities"}'
}

# tell_qemu COMMAND: by QMP, whose answer is the next line with "return" or "error" in it.
tell_qemu()
{
	echo "$1" >&7
	expect '"(return|error)"'
}

# expect PATTERN: waits for a line of QEMU's, an answer or an event, which is left in $event.
expect()
{
	local line by=$((SECONDS + patience_s))
	event=''
	while [ $SECONDS -lt $by ] && kill -0 "$qemu" 2>/dev/null; do
		IFS= read -r -t 5 -u 6 line || continue
		[[ $line =~ $1 ]] || continue
		event=$line
		return 0
	done
	event="nothing from QEMU that matches $1"
}

# plug MIB: the guest is to have that much plugged memory; returns when it has.
plug()
{
	tell_qemu '{"execute":"qom-set","arguments":{"path":"/machine/peripheral/vmem","property":"requested-size","value":'$(($1 << 20))'}}'
	expect 'MEMORY_DEVICE_SIZE_CHANGE.*"size": '$(($1 << 20))'[,}]'
}

# balloon MIB: the guest is to give up that much; returns when it has.
balloon()
{
	local left=$((memory_kb * 1024 - ($1 << 20)))
	tell_qemu '{"execute":"balloon","arguments":{"value":'$left'}}'
	expect 'BALLOON_CHANGE.*"actual": '$left'[,}]'
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
