// SPDX-License-Identifier: GPL-2.0-only
/*
 * How another process's container is reached; see reach.h. Its file is /dev/vfio/vfio,
 * wherever that lies for its owner, so it is known by its device number. A process may have
 * several; which one is container N each of them says itself (VFIO_IOMMU_GET_INFO).
 *
 * The owner is looked at first, then everybody else: it may have handed the descriptor on,
 * or have ended. Nothing here stops a process or changes anything in it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "iopf.h"
#include "reach.h"
#include "sysfs.h"

#define MISC_MAJOR	10
#define VFIO_MINOR	196	/* include/linux/miscdevice.h in the kernel's source */

/* Mappings that are asked for at a time. */
#define MAPPINGS_CHUNK	1024

/* A search, and the first thing that got in its way. */
struct search {
	uint64_t number;
	struct viopf_container *found;
	int err;
	int pid;
};

static void note_error(struct search *s, int pid, int err)
{
	if (s->err || err == ENOENT || err == ESRCH || err == EBADF)
		return;		/* it has ended, or closed the file: nothing in the way */
	s->err = err;
	s->pid = pid;
}

static bool is_container(struct viopf_container *c, uint64_t number)
{
	struct viopf_info info;

	return !viopf_get_info(c, &info) && info.has_iopf && info.iopf.container == number;
}

/* A descriptor of a process, if it is a container's and that is the one. */
static void look_at_fd(struct search *s, int pid, int pidfd, const char *name)
{
	struct viopf_container *c;
	char path[64];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, name);
	if (stat(path, &st)) {
		note_error(s, pid, errno);
		return;
	}
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(MISC_MAJOR, VFIO_MINOR))
		return;
	fd = pidfd_getfd(pidfd, atoi(name), 0);
	if (fd < 0) {
		note_error(s, pid, errno);
		return;
	}
	if (viopf_container_from_fd(&c, fd)) {
		close(fd);
		return;
	}
	if (is_container(c, s->number))
		s->found = c;
	else
		viopf_container_close(c);
}

static void look_at_process(struct search *s, int pid)
{
	int pidfd = pidfd_open(pid, 0), err, i;
	struct names fds;

	if (pidfd < 0) {
		note_error(s, pid, errno);
		return;
	}
	err = sys_list(&fds, "/proc/%d/fd", pid);
	if (err)
		note_error(s, pid, -err);
	for (i = 0; i < fds.n && !s->found; i++)
		look_at_fd(s, pid, pidfd, fds.v[i]);
	names_free(&fds);
	close(pidfd);
}

static void look_everywhere(struct search *s)
{
	struct names pids;
	int i;

	sys_list(&pids, "/proc");
	for (i = 0; i < pids.n && !s->found; i++) {
		if (pids.v[i][0] >= '1' && pids.v[i][0] <= '9')
			look_at_process(s, atoi(pids.v[i]));
	}
	names_free(&pids);
}

int reach_container(struct viopf_container **out, const struct container *c)
{
	struct search s = { .number = c->number };

	if (c->pid)
		look_at_process(&s, (int)c->pid);
	if (!s.found)
		look_everywhere(&s);
	*out = s.found;
	if (s.found)
		return 0;
	if (s.err)
		complain("can't get container%" PRIu64 " from process %d: %s; be root, with "
			 "CAP_SYS_PTRACE, and have kernel.yama.ptrace_scope below 3",
			 c->number, s.pid, strerror(s.err));
	else
		complain("no process has container%" PRIu64 " open any more: it is gone, or only "
			 "its devices keep it",
			 c->number);
	return -1;
}

/* Cut off what lies below @iova: made since what was there before was listed. */
static void cut_below(struct vfio_iopf_mapping *mapping, uint64_t iova)
{
	uint64_t last = mapping->iova + (mapping->size - 1);

	if (mapping->iova >= iova)
		return;
	mapping->iova = iova;
	mapping->size = last - iova + 1;
}

int reach_mappings(struct mappings *all, struct viopf_container *c)
{
	uint32_t count = MAPPINGS_CHUNK;
	uint64_t iova = 0;

	*all = (struct mappings) { 0 };
	while (count == MAPPINGS_CHUNK && (iova || !all->n)) {
		struct vfio_iopf_mapping *chunk;

		all->v = reallocarray(all->v, all->n + count, sizeof(*all->v));
		if (!all->v)
			die_no_memory();
		chunk = all->v + all->n;
		if (viopf_mappings(c, iova, chunk, &count)) {
			complain("%s", viopf_error());
			mappings_free(all);
			return -1;
		}
		if (!count)
			break;
		cut_below(chunk, iova);
		all->n += count;
		/* 0 if the last one ends where addresses do. */
		iova = chunk[count - 1].iova + chunk[count - 1].size;
	}
	return 0;
}

void mappings_clip(struct mappings *all, uint64_t iova, uint64_t last)
{
	size_t i, n = 0;

	for (i = 0; i < all->n; i++) {
		struct vfio_iopf_mapping m = all->v[i];
		uint64_t end = m.iova + (m.size - 1);

		if (end < iova || m.iova > last)
			continue;
		cut_below(&m, iova);
		if (end > last)
			m.size = last - m.iova + 1;
		all->v[n++] = m;
	}
	all->n = n;
}

void mappings_free(struct mappings *all)
{
	free(all->v);
	*all = (struct mappings) { 0 };
}

int reach_select(struct container *c, const char *word)
{
	struct containers all;

	if (containers_read(&all) || containers_select(&all, word))
		return -1;
	if (all.n > 1) {
		complain("'%s' is in more than one container, container%" PRIu64 " and container%"
			 PRIu64 " for two; name one",
			 word, all.v[0].number, all.v[1].number);
		containers_free(&all);
		return -1;
	}
	*c = all.v[0];
	free(all.v);
	return 0;
}

int parse_bytes(uint64_t *bytes, const char *word)
{
	static const char units[] = "KMGTPE";
	const char *unit;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*bytes = strtoull(word, &end, 0);
	if (errno || end == word || word[0] < '0' || word[0] > '9')
		return -1;
	if (*end) {
		unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (!unit || end[1])
			return -1;
		shift = 10 * (unsigned int)(unit - units + 1);
	}
	if (*bytes << shift >> shift != *bytes)
		return -1;
	*bytes <<= shift;
	return 0;
}

int parse_range(uint64_t *iova, uint64_t *size, char *const *words)
{
	if (parse_bytes(iova, words[0]) || *iova % 4096) {
		complain("'%s' is no address in whole pages (0x100000000, 4G)", words[0]);
		return -1;
	}
	if (parse_bytes(size, words[1]) || !*size || *size % 4096) {
		complain("'%s' is no size in whole pages (0x1000, 64K, 2M)", words[1]);
		return -1;
	}
	if (*iova + (*size - 1) < *iova) {
		complain("%s bytes from %s on go beyond the last address", words[1], words[0]);
		return -1;
	}
	return 0;
}
