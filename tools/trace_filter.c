// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which events are wanted. A device's are those that name it, and those of its page
 * requests, which are known by their container and id from the request to the answer. A
 * process's are those of the containers that it opened; who opened one is looked up when it
 * is first met.
 */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "iopf.h"
#include "sysfs.h"
#include "trace.h"

/* So many without an answer: their answers were lost. */
#define MOST_FOLLOWED	65536

struct group {
	uint64_t container, id;
};

struct owner {
	uint64_t container, pid;
};

static void *followed, *owners;
static unsigned int n_followed;

static int compare_groups(const void *a, const void *b)
{
	const struct group *l = a, *r = b;

	if (l->container != r->container)
		return l->container < r->container ? -1 : 1;
	return (l->id > r->id) - (l->id < r->id);
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *l = a, *r = b;

	return (l->container > r->container) - (l->container < r->container);
}

static uint64_t owner_of(uint64_t container)
{
	struct owner key = { .container = container }, *owner, **found;

	found = tfind(&key, &owners, compare_owners);
	if (found)
		return (*found)->pid;
	owner = malloc(sizeof(*owner));
	if (!owner)
		die_no_memory();
	*owner = key;
	if (sys_read_u64(&owner->pid, "/sys/class/vfio_iopf/container%llu/pid",
			 (unsigned long long)container))
		owner->pid = 0;
	if (!tsearch(owner, &owners, compare_owners))
		die_no_memory();
	return owner->pid;
}

static void follow(const struct trace_event *event)
{
	struct group *group;

	if (n_followed >= MOST_FOLLOWED) {
		tdestroy(followed, free);
		followed = NULL;
		n_followed = 0;
	}
	group = malloc(sizeof(*group));
	if (!group)
		die_no_memory();
	*group = (struct group) { event->container, event->id };
	if (*(struct group **)tsearch(group, &followed, compare_groups) == group)
		n_followed++;
	else
		free(group);
}

/* Is it one of a device's page requests; with the answer it is one no more. */
static bool is_followed(const struct trace_event *event)
{
	struct group key = { event->container, event->id }, **found, *group;

	found = event->id ? tfind(&key, &followed, compare_groups) : NULL;
	if (!found)
		return false;
	if (event->kind == TRACE_ANSWER) {
		group = *found;
		tdelete(&key, &followed, compare_groups);
		free(group);
		n_followed--;
	}
	return true;
}

static bool is_of_device(const struct trace_filter *filter, const struct trace_event *event)
{
	bool named = !strcmp(event->device, filter->device);

	if (named && event->kind == TRACE_REQUEST)
		follow(event);
	return is_followed(event) || named;
}

bool trace_filter_wants(const struct trace_filter *filter, const struct trace_event *event)
{
	if (filter->container != UINT64_MAX && event->container != filter->container)
		return false;
	if (filter->pid && owner_of(event->container) != filter->pid)
		return false;
	if (*filter->device && !is_of_device(filter, event))
		return false;
	return filter->kinds & (1u << event->kind);
}
