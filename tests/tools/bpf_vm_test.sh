#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tools/bpf's scripts on a container whose device does DMA: each gives the answer to its
# question.
#
# VM: --kernel stock --mem 1536M
set -euo pipefail
# shellcheck source=tests/tools/live.sh
. "$(dirname "$0")/live.sh"

readonly base=0x100000000
readonly cgroup=/sys/fs/cgroup/client

# watching SCRIPT COMMAND...: what the script says of what COMMAND does, in $tmp/said.
watching()
{
	begin "$tmp/said" bpftrace "$top/tools/bpf/$1"
	wait_for grep -q 'Ctrl-C ends' "$tmp/said" || { cat "$tmp/said"; return 1; }
	"${@:2}" || return
	end_with INT
	cat "$tmp/said"
	equal 'exit code' "$code" 0
}

has()
{
	grep -qE "$1" "$tmp/said" || { echo "no line: $1"; return 1; }
}

# Of a's memory the device wants 32 pages, which are in one 2 MiB of its address space.
whose()
{
	watching whose.bt order a fill "$base" 0x20000 &&
		has "^@times\[client, ${client_pid[a]}, , [0-9]+\]: 32$" &&
		has "^@us\[client, ${client_pid[a]}, , [0-9]+\]: [0-9]+$"
}

given_back()
{
	note a
	order a madvise "$base" 0x10000 dontneed && order a fork
}

# All pages that are taken, by both ways.
evictors()
{
	watching evictors.bt given_back &&
		has '^ +zap_(page|vma)_range[a-z_]*\+' && has '^ +copy_page_range\+' &&
		has "^@by_container\[${container_of[a]}\]: $(grown a pages_evicted)$"
}

# Swap that a worker has to wait for, for each page: none is read ahead.
swap_on_disk()
{
	truncate -s 64M "$tmp/swap"
	losetup /dev/loop0 "$tmp/swap"
	mkswap /dev/loop0 >/dev/null
	swapon /dev/loop0
	echo 0 >/proc/sys/vm/page-cluster
}

# cgroup_alone NAME: what it has from now on can be reclaimed without others' memory, in which
# the disk is.
cgroup_alone()
{
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir "$cgroup"
	echo "${client_pid[$1]}" >"$cgroup/cgroup.procs"
}

# on_disk_alone: what was written to swap is no longer in memory as well.
on_disk_alone()
{
	order a absent "$base" 0x20000 >/dev/null && return
	echo 128K >"$cgroup/memory.reclaim" || true
	false
}

# The bring-ins are as many as the counter says, one a page, and what they wait for is swap.
waits()
{
	order a fill "$base" 0x20000 && order a madvise "$base" 0x20000 pageout || return
	wait_for on_disk_alone || { cat /proc/meminfo; return 1; }
	note a
	watching waits.bt order a read "$base" 0x20000 || return
	equal 'bring-ins' "$(sed -n 's/^[[(].*[])] *\([0-9]*\) |.*/\1/p' "$tmp/said" | paste -sd+ | bc)" \
		"$(grown a bring_ins)" && has '^ +do_swap_page\+'
}

modprobe loop
swap_on_disk
load_modules window_max_pages=1 aging=0
client a 0
cgroup_alone a
order a map "$base" 0x4000000

tap_ok "whose.bt: whose memory, and where" whose
tap_ok "evictors.bt: who takes pages, and on which way" evictors
tap_ok "waits.bt: what workers wait for" waits
end_client a
tap_end
