// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the class vfio_iopf; see container.h. Whether a container is still there is asked
 * last: if it is, what was not found before (a device that left) was of no more than a part
 * of it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "iopf.h"
#include "sysfs.h"

#define CLASS	"/sys/class/vfio_iopf"

static void *array(int n, size_t size)
{
	void *v = calloc(n > 0 ? (size_t)n : 1, size);

	if (!v)
		die_no_memory();
	return v;
}

/* @dir: the container's folder, or its device's. */
static void stats_read(struct stats *stats, const char *dir)
{
	struct names names;
	int i;

	stats->n = 0;
	sys_list(&names, "%s/stats", dir);
	stats->v = array(names.n, sizeof(*stats->v));
	for (i = 0; i < names.n; i++) {
		struct stat_value *stat = &stats->v[stats->n];

		if (sys_read_u64(&stat->value, "%s/stats/%s", dir, names.v[i]))
			continue;
		snprintf(stat->name, sizeof(stat->name), "%s", names.v[i]);
		stats->n++;
	}
	names_free(&names);
}

static void latency_read(struct latency *latency, const char *dir)
{
	char *text = sys_read_all("%s/latency", dir), *line, *rest = NULL;
	int lines = 1;

	latency->n = 0;
	for (line = text; line && *line; line++)
		lines += *line == '\n';
	latency->v = array(lines, sizeof(*latency->v));
	line = text ? strtok_r(text, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		struct latency_bucket *bucket = &latency->v[latency->n];

		if (sscanf(line, "%" SCNu64 " %" SCNu64, &bucket->from_ns, &bucket->count) == 2)
			latency->n++;
	}
	free(text);
}

static int device_read(struct container_device *device, const char *container, const char *name)
{
	char dir[512];
	int err;

	snprintf(dir, sizeof(dir), "%s/devices/%s", container, name);
	snprintf(device->name, sizeof(device->name), "%s", name);
	sys_read(device->health, sizeof(device->health), "%s/health", dir);
	stats_read(&device->stats, dir);
	latency_read(&device->latency, dir);
	err = sys_read(device->kind, sizeof(device->kind), "%s/kind", dir);
	if (err) {
		free(device->stats.v);
		free(device->latency.v);
	}
	return err;
}

static void devices_read(struct container *c, const char *dir)
{
	struct names names;
	int i;

	sys_list(&names, "%s/devices", dir);
	c->devices = array(names.n, sizeof(*c->devices));
	for (i = 0; i < names.n; i++)
		c->n_devices += !device_read(&c->devices[c->n_devices], dir, names.v[i]);
	names_free(&names);
}

static int attributes_read(struct container *c, const char *dir)
{
	uint64_t enabled = 0;
	int err;

	err = sys_read(c->type, sizeof(c->type), "%s/type", dir);
	if (!err)
		err = sys_read_u64(&c->pid, "%s/pid", dir);
	if (!err)
		err = sys_read_name(c->comm, sizeof(c->comm), "%s/comm", dir);
	if (!err)
		err = sys_read(c->mode, sizeof(c->mode), "%s/mode", dir);
	if (!err)
		err = sys_read(c->health, sizeof(c->health), "%s/health", dir);
	if (!err)
		err = sys_read_u64(&enabled, "%s/enabled", dir);
	c->enabled = enabled;
	return err;
}

int container_read(struct container *c, uint64_t number)
{
	char dir[64];
	int err;

	*c = (struct container) { .number = number };
	snprintf(dir, sizeof(dir), CLASS "/container%" PRIu64, number);
	stats_read(&c->stats, dir);
	latency_read(&c->latency, dir);
	devices_read(c, dir);
	err = attributes_read(c, dir);
	c->segment_bytes = stats_get(&c->stats, "segment_bytes");
	if (err)
		container_free(c);
	return err == -ENOENT ? -ENODEV : err;
}

void container_free(struct container *c)
{
	int i;

	for (i = 0; i < c->n_devices; i++) {
		free(c->devices[i].stats.v);
		free(c->devices[i].latency.v);
	}
	free(c->devices);
	free(c->stats.v);
	free(c->latency.v);
	*c = (struct container) { 0 };
}

void containers_complain(int err)
{
	if (err != -ENOENT)
		complain("can't read " CLASS ": %s%s", strerror(-err),
			 err == -EACCES ? "; be root (sudo)" : "");
	else if (sys_exists("/sys/module/vfio_iommu_iopf"))
		complain("the module vfio_iommu_iopf that is loaded tells nothing in " CLASS
			 "; load a newer one");
	else
		complain("the module vfio_iommu_iopf is not loaded; see iopf check");
}

int containers_try_read(struct containers *all)
{
	struct names names;
	int i, err;

	*all = (struct containers) { 0 };
	err = sys_list(&names, CLASS);
	if (err)
		return err;
	all->v = array(names.n, sizeof(*all->v));
	for (i = 0; i < names.n; i++) {
		uint64_t number;

		if (sscanf(names.v[i], "container%" SCNu64, &number) != 1)
			continue;
		err = container_read(&all->v[all->n], number);
		all->n += !err;
		if (err && err != -ENODEV)
			break;
		err = 0;
	}
	names_free(&names);
	if (err)
		containers_free(all);
	return err;
}

int containers_read(struct containers *all)
{
	int err = containers_try_read(all);

	if (err)
		containers_complain(err);
	return err;
}

void containers_free(struct containers *all)
{
	int i;

	for (i = 0; i < all->n; i++)
		container_free(&all->v[i]);
	free(all->v);
	*all = (struct containers) { 0 };
}

uint64_t stats_get(const struct stats *stats, const char *name)
{
	int i;

	for (i = 0; i < stats->n; i++) {
		if (!strcmp(stats->v[i].name, name))
			return stats->v[i].value;
	}
	return 0;
}
