// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of devices as one string, separated by commas, as an administrator writes them:
 * "0000:01:00.0,83b8f4f2-509f-382f-3c1e-e6bfe0fa1001".
 *
 * Each is a whole dev_name(), in its spelling; but PCI's domain 0 may be left away, as
 * lspci(8) does. All that VFIO has come from a bus that puts one of ":", "." and "-" into them
 * (PCI addresses, a mediated device's UUID, "dprc.2"). A name with none of these is taken for
 * a slip: a number, a switch ("on"), or half a name.
 */
#include <linux/ctype.h>
#include <linux/string.h>

#include "policy/names.h"

/* A byte that can be in a name: no blank, no control character, all of it ASCII. */
static bool viopf_name_char(char c)
{
	return isascii(c) && isgraph(c) && c != ',';
}

/**
 * viopf_names_valid() - is a string made of names?
 * @names: what an administrator wrote
 *
 * Return: whether it has at least one name, and none that is empty or can't be a device's.
 */
bool viopf_names_valid(const char *names)
{
	bool is_name = false;

	for (;; names++) {
		if (!*names || *names == ',') {
			if (!is_name || !*names)
				return is_name;
			is_name = false;
		} else if (!viopf_name_char(*names)) {
			return false;
		} else if (strchr(":.-", *names)) {
			is_name = true;
		}
	}
}

/* Is @name among them as it is spelt? */
static bool viopf_names_have_spelt(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (;;) {
		size_t next = strcspn(names, ",");

		if (next == length && !strncmp(names, name, length))
			return true;
		if (!names[next])
			return false;
		names += next + 1;
	}
}

/**
 * viopf_names_have() - is a device among them?
 * @names: valid ones
 * @name: its whole name
 *
 * Return: whether it is.
 */
bool viopf_names_have(const char *names, const char *name)
{
	static const char domain[] = "0000:";
	size_t length = strlen(domain);

	return viopf_names_have_spelt(names, name) ||
	       (!strncmp(name, domain, length) &&
		viopf_names_have_spelt(names, name + length));
}
