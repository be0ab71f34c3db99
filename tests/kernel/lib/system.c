// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting the system up for a case. Disks are files on ramfs, whose pages are
 * never swapped themselves, behind loop devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <viopf.h>

#include "modules.h"
#include "suite.h"
#include "system.h"

#define DISKS		"/mnt/viopf-disks"
#define EXT4		"/mnt/viopf-ext4"
#define KSM(name)	"/sys/kernel/mm/ksm/" name

void swap_on_zram(unsigned int mb)
{
	if (shell("modprobe zram num_devices=1"))
		skip_because("no zram in this kernel");
	assert_ok(file_write("/sys/block/zram0/reset", "1\n"));
	assert_ok(shell("echo %uM >/sys/block/zram0/disksize", mb));
	assert_ok(shell("mkswap /dev/zram0 >/dev/null && swapon /dev/zram0"));
}

static void make_disk(const char *name, unsigned int mb)
{
	assert_ok(shell("mkdir -p %s", DISKS));
	assert_ok(shell("mountpoint -q %s || mount -t ramfs ram %s", DISKS, DISKS));
	assert_ok(shell("head -c %uM /dev/zero >%s/%s", mb, DISKS, name));
	assert_ok(shell("chmod 600 %s/%s", DISKS, name));
}

void swap_on_loop(unsigned int mb)
{
	if (shell("modprobe loop"))
		skip_because("no loop devices in this kernel");
	make_disk("swap", mb);
	assert_ok(shell("l=$(losetup -f --show %s/swap) && mkswap $l >/dev/null && swapon $l",
			DISKS));
}

void ksm_start(unsigned int ms)
{
	char text[16];

	if (access(KSM("run"), W_OK))
		skip_because("no KSM in this kernel");
	snprintf(text, sizeof(text), "%u\n", ms);
	assert_ok(file_write(KSM("sleep_millisecs"), text));
	assert_ok(file_write(KSM("pages_to_scan"), "1000\n"));
	assert_ok(file_write(KSM("run"), "1\n"));
}

void ksm_pause(void)
{
	assert_ok(file_write(KSM("run"), "0\n"));
}

void cgroup_make(const char *max, const char *swap_max)
{
	assert_ok(shell("mkdir -p %s", CGROUP));
	if (file_write(CGROUP_ROOT "/cgroup.subtree_control", "+memory\n"))
		skip_because("no memory cgroups in this kernel");
	assert_ok(file_write(CGROUP "/memory.max", max));
	if (!access(CGROUP "/memory.swap.max", F_OK))
		assert_ok(file_write(CGROUP "/memory.swap.max", swap_max));
}

void cgroup_enter(const char *cgroup)
{
	char path[128], pid[16];

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	snprintf(pid, sizeof(pid), "%d\n", getpid());
	assert_ok(file_write(path, pid));
}

unsigned long long cgroup_number(const char *member)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "%s/%s", CGROUP, member);
	assert_ok(file_read(path, text, sizeof(text)));
	return strtoull(text, NULL, 10);
}

/*
 * memory.stat may be two seconds old (memcg_vmstats_needs_flush() in mm/memcontrol.c of Linux
 * 6.12); reading cpu.stat adds up what each CPU has counted.
 */
unsigned long long cgroup_kernel(void)
{
	long usage, bytes;

	assert_true(line_number(CGROUP "/cpu.stat", "usage_usec", &usage));
	assert_true(line_number(CGROUP "/memory.stat", "kernel", &bytes));
	return (unsigned long long)bytes;
}

/* The group's number, and its youngest generation on node 0. */
static int generation_of(const char *cgroup, unsigned int *id, unsigned int *seq)
{
	FILE *file = fopen(LRU_GEN, "r");
	char line[512], path[256];
	int ours = 0, found = 0;
	unsigned int n;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "memcg %u %255s", &n, path) == 2) {
			ours = !strcmp(path, cgroup);
			*id = ours ? n : *id;
		} else if (ours && sscanf(line, " %u", &n) == 1) {
			*seq = n;
			found = 1;
		}
	}
	fclose(file);
	return found;
}

int lru_age(const char *cgroup)
{
	unsigned int id = 0, seq = 0;
	char command[64];

	if (!generation_of(cgroup, &id, &seq))
		return -ENOENT;
	/* Anonymous memory too (200), and where nothing was used of late (1). */
	snprintf(command, sizeof(command), "+ %u 0 %u 200 1\n", id, seq);
	return file_write(LRU_GEN, command);
}

int ext4_file(size_t size)
{
	int fd;

	if (shell("modprobe -a loop ext4"))
		skip_because("no ext4 or loop devices in this kernel");
	make_disk("ext4", 64);
	assert_ok(shell("mkfs.ext4 -q -F %s/ext4", DISKS));
	/* Not mount -o loop: it has the device open, which some kernels forbid. */
	assert_ok(shell("mkdir -p %s && l=$(losetup -f --show %s/ext4) && mount $l %s",
			EXT4, DISKS, EXT4));
	fd = open(EXT4 "/file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_ok(posix_fallocate(fd, 0, (off_t)size));
	return fd;
}

void ext4_unmount(void)
{
	assert_ok(shell("umount -d %s", EXT4));
}

int uevents_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	assert_true(fd >= 0);
	assert_ok(bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}
