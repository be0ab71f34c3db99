// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a word on the command line to containers (container.h). A bare number may be a
 * container's, as the kernel's messages have it, or a process's; where it could be either,
 * of different containers, nobody guesses.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "iopf.h"

void device_name_normalize(char *out, size_t size, const char *word)
{
	unsigned int bus, slot, function;
	char rest;
	size_t i;

	if (sscanf(word, "%2x:%2x.%1x%c", &bus, &slot, &function, &rest) == 3)
		snprintf(out, size, "0000:%02x:%02x.%x", bus, slot, function);
	else
		snprintf(out, size, "%s", word);
	for (i = 0; out[i]; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
}

/* The number after @prefix, if the word is just that. */
static bool number_after(const char *word, const char *prefix, uint64_t *number)
{
	size_t len = strlen(prefix);
	char *end;

	if (strncmp(word, prefix, len) || !isdigit((unsigned char)word[len]))
		return false;
	*number = strtoull(word + len, &end, 10);
	return !*end;
}

static bool has_device(const struct container *c, const char *name)
{
	int i;

	for (i = 0; i < c->n_devices; i++) {
		if (!strcmp(c->devices[i].name, name))
			return true;
	}
	return false;
}

/* What a word says; @number holds for all but a device. */
struct wanted {
	bool container, process, device;
	uint64_t number;
	char name[64];
};

static struct wanted understand(const char *word)
{
	struct wanted w = { 0 };

	if (number_after(word, "container", &w.number))
		w.container = true;
	else if (number_after(word, "pid:", &w.number))
		w.process = true;
	else if (number_after(word, "", &w.number))
		w = (struct wanted) { .container = true, .process = true, .number = w.number };
	else
		w.device = true;
	device_name_normalize(w.name, sizeof(w.name), word);
	return w;
}

static bool is_number(const struct wanted *w, const struct container *c)
{
	return w->container && c->number == w->number;
}

static bool is_pid(const struct wanted *w, const struct container *c)
{
	return w->process && w->number && c->pid == w->number;
}

/* The number is one container's, and the process of another. */
static bool is_ambiguous(const struct wanted *w, const struct containers *all)
{
	bool number = false, pid = false;
	int i;

	for (i = 0; i < all->n; i++) {
		number |= is_number(w, &all->v[i]) && !is_pid(w, &all->v[i]);
		pid |= is_pid(w, &all->v[i]) && !is_number(w, &all->v[i]);
	}
	return number && pid;
}

static void say_none(const struct wanted *w, const char *word)
{
	if (w->device)
		complain("no container has a device '%s'; see iopf list", word);
	else if (w->container && w->process)
		complain("there is no container %s, and no process %s that has one; see iopf list",
			 word, word);
	else if (w->container)
		complain("there is no container %" PRIu64 ", or no more; see iopf list", w->number);
	else
		complain("no process %" PRIu64 " has a container; see iopf list", w->number);
}

int containers_select(struct containers *all, const char *word)
{
	struct wanted w = understand(word);
	int i, n = 0;

	if (is_ambiguous(&w, all)) {
		complain("%s is a container and a process of another; say container%s or pid:%s",
			 word, word, word);
		return -1;
	}
	for (i = 0; i < all->n; i++) {
		struct container *c = &all->v[i];

		if (is_number(&w, c) || is_pid(&w, c) || (w.device && has_device(c, w.name)))
			all->v[n++] = *c;
		else
			container_free(c);
	}
	all->n = n;
	if (!n)
		say_none(&w, word);
	return n ? 0 : -1;
}
