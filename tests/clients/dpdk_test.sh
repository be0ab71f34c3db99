#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# DPDK's testpmd as Debian ships it, on two emulated network cards behind an emulated Intel
# IOMMU: devices that can't fault, so that all of DPDK's memory has to be pinned. A hub
# connects the cards; each packet that one sends the other receives, for as long as
# testpmd passes them on. Once in ordinary pages, once in huge ones. At last by iopf run,
# beside a type1 that others would get.
#
# VM: --append intel_iommu=on --qemu -device --qemu intel-iommu
# VM: --qemu -netdev --qemu hubport,hubid=0,id=one --qemu -netdev --qemu hubport,hubid=0,id=two
# VM: --qemu -device --qemu e1000e,netdev=one,addr=10.0
# VM: --qemu -device --qemu e1000e,netdev=two,addr=11.0
set -euo pipefail
# shellcheck source=tests/clients/lib.sh
. "$(dirname "$0")/lib.sh"

readonly nics=(0000:00:10.0 0000:00:11.0)
all_pinned=() through=()
need dpdk-testpmd

# testpmd OPTION...: forwards until each card has received a number of packets, and quits
# as a user would; behind the command $through, if there is one. Leaves what it said in
# $said, its exit code in $code, how much was pinned in $pinned, and in $ours how many
# containers of ours there were. (It locks its memory by mlockall(), so VmLck tells nothing.)
testpmd()
{
	local before by=$((SECONDS + patience_s)) pid
	before=$(pinned_kb)
	said='' code=0 pinned=0 ours=0
	mkfifo /tmp/commands
	timeout -s KILL $((2 * patience_s)) "${through[@]}" dpdk-testpmd -l 0-1 --no-telemetry --no-shconf \
		--iova-mode=va "$@" -a "${nics[0]}" -a "${nics[1]}" -- -i --nb-cores=1 \
		--total-num-mbufs=2048 --forward-mode=io </tmp/commands >/tmp/said 2>&1 &
	pid=$!
	exec 5<>/tmp/commands
	echo 'start tx_first' >&5
	while [ $SECONDS -lt $by ] && kill -0 $pid 2>/dev/null; do
		echo 'show port stats all' >&5
		sleep 1
		[ "$(received)" -lt 2 ] || break
	done
	pinned=$(($(pinned_kb) - before))
	[ ! -e /sys/module/vfio_iommu_iopf ] || ours=$(containers)
	printf 'stop\nquit\n' >&5
	wait $pid || code=$?
	exec 5>&-
	rm /tmp/commands
	said=$(tr -d '\r' </tmp/said)
}

# received: how many cards were seen to have received more than was sent to start with.
received()
{
	awk '/NIC statistics for port/ { port = $6 }
	     /RX-packets:/ && $2 > 1000 { enough[port] }
	     END { print length(enough) }' /tmp/said
}

forwarded()
{
	holds "$code == 0" || { printf '%s\n' "$said" | tail -n 60; return 1; }
	holds "$(received) == 2" && ! grep -E 'RX-errors: [1-9]|TX-errors: [1-9]' <<<"$said" &&
		! grep -iE '^(EAL|E1000|PMD).*(error|fail|cannot)' <<<"$said"
}

# judge NAME ROW: for what testpmd left.
judge()
{
	tap_ok "$2DPDK $1: packets go from card to card" forwarded
	tap_ok "$2DPDK $1: its memory is pinned" holds "$pinned > 0"
	all_pinned+=("$pinned")
}

give_to_vfio "${nics[@]}"
mkdir -p /dev/hugepages
mount -t hugetlbfs hugetlbfs /dev/hugepages
for backend in type1 iopf; do
	use_backend $backend
	row='S12 ' on=''
	[ $backend = iopf ] || { row='' on=' on type1'; }
	testpmd --no-huge -m 64
	judge "in small pages$on" "$row"
	echo 64 >/proc/sys/vm/nr_hugepages
	testpmd --in-memory
	judge "in huge pages$on" "$row"
	echo 0 >/proc/sys/vm/nr_hugepages
done
use_backend both
testpmd --no-huge -m 64
tap_ok "DPDK beside takeover: its containers are type1's" holds "$ours == 0"
through=("$out/tools/iopf" run --)
testpmd --no-huge -m 64
judge "by iopf run" 'S12 '
tap_ok "S12 DPDK by iopf run: its container is ours" holds "$ours == 1"
echo "# pinned, in kB: ${all_pinned[*]}"
tap_ok "S12 as much of DPDK's memory is pinned as with type1" \
	holds "${all_pinned[0]} == ${all_pinned[2]} && ${all_pinned[1]} == ${all_pinned[3]}"
tap_end
