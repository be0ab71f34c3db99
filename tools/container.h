/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The containers of /sys/class/vfio_iopf, as they were read: a picture, which nothing
 * keeps up to date. A container that goes while it is read is not in it; a device that
 * leaves meanwhile is not in its container.
 */
#ifndef IOPF_CONTAINER_H
#define IOPF_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stat_value {
	char name[32];		/* as the file is called */
	uint64_t value;
};

struct stats {
	struct stat_value *v;	/* in the order of their names */
	int n;
};

/* Times from a group's arrival to its answer, from the shortest on. */
struct latency_bucket {
	uint64_t from_ns;	/* inclusive; up to where the next possible bucket begins */
	uint64_t count;
};

struct latency {
	struct latency_bucket *v;
	int n;
};

struct container_device {
	char name[64];		/* 0000:01:00.0, or a mediated device's uuid */
	char kind[16];		/* faulting, pinning, emulated */
	char health[64];
	struct stats stats;
	struct latency latency;
};

struct container {
	uint64_t number;	/* N of containerN */
	uint64_t pid;		/* 0: the process has ended */
	char comm[32];
	char type[16];
	char mode[16];
	char health[64];
	bool enabled;
	uint64_t segment_bytes;
	struct stats stats;
	struct latency latency;
	struct container_device *devices;
	int n_devices;
};

struct containers {
	struct container *v;	/* ascending by number */
	int n;
};

/*
 * Read all containers. Returns 0 or -errno, having complained: ENOENT (the module is not
 * loaded, or is one that has no class), EACCES (not root).
 */
int containers_read(struct containers *all);

/* The same in two: reading, which says nothing, and what is to be said of an error. */
int containers_try_read(struct containers *all);
void containers_complain(int err);
void containers_free(struct containers *all);

/* Read one; -ENODEV if there is none such, or it has gone. Says nothing. */
int container_read(struct container *c, uint64_t number);
void container_free(struct container *c);

/* A counter; 0 if the kernel has none of that name. */
uint64_t stats_get(const struct stats *stats, const char *name);

/* How many there are in all buckets. */
uint64_t latency_count(const struct latency *latency);

/*
 * The time that a share of @percent of all groups were answered in, as the end of the
 * bucket that it falls into; 0 if there were none.
 */
uint64_t latency_percentile(const struct latency *latency, double percent);

/* What came to @now since @before, in place: for rates. Buckets of @before are in @now. */
void latency_subtract(struct latency *now, const struct latency *before);

/* One more that took so long. */
void latency_add(struct latency *latency, uint64_t ns);

/*
 * Keep those containers alone that a word names: "containerN"; a device's name, the domain
 * of a PCI address being 0000 if it is left out; "pid:N"; or a number, of a container or of
 * a process. Returns 0, or -1, having complained, if there is none or it can't be told.
 */
int containers_select(struct containers *all, const char *word);

/* 01:00.0 as 0000:01:00.0, in lower case; anything else as it is. */
void device_name_normalize(char *out, size_t size, const char *word);

#endif /* IOPF_CONTAINER_H */
