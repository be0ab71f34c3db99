// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf check: is the module there, which one, and how is it set. One that is not loaded is
 * looked for where modprobe would.
 */
#include <libkmod.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "iopf.h"
#include "output.h"
#include "sysfs.h"

/* As long as a line: the others are in the JSON, and in sysfs. */
static const char *const told[] = { "takeover", "allow_unsafe_interrupts", "aging" };

/* Is a file of it where modprobe looks? */
static bool is_installed(const struct host *host)
{
	static const char *no_config;
	struct kmod_list *found = NULL;
	const char *path = NULL;
	struct kmod_module *mod;
	char dir[PATH_MAX];
	struct kmod_ctx *ctx;

	sys_path(dir, "/lib/modules/%s", host->release);
	ctx = kmod_new(dir, &no_config);
	if (!ctx)
		return false;
	kmod_set_log_priority(ctx, 0);
	if (!kmod_module_new_from_lookup(ctx, MODULE, &found) && found) {
		mod = kmod_module_get_module(found);
		path = kmod_module_get_path(mod);
		kmod_module_unref(mod);
	}
	kmod_module_unref_list(found);
	kmod_unref(ctx);
	return path;
}

/* " version" and " takeover=... ...", as far as there is something to tell. */
static void report_loaded(struct report *r)
{
	char version[64], text[512] = "", value[256];
	size_t i, len = 0;

	for (i = 0; i < ARRAY_SIZE(told); i++) {
		if (sys_read(value, sizeof(value), "/sys/module/" MODULE "/parameters/%s", told[i]))
			continue;
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %s=%s",
					len ? "" : ",", told[i], value);
		if (len >= sizeof(text))
			break;
	}
	if (sys_read(version, sizeof(version), "/sys/module/" MODULE "/version"))
		version[0] = '\0';
	report_add(r, STATE_OK, "module", MODULE "%s%s is loaded%s", version[0] ? " " : "",
		   version, text);
}

void check_module(struct report *r, const struct host *host)
{
	if (sys_exists("/sys/module/" MODULE)) {
		report_loaded(r);
	} else if (is_installed(host)) {
		report_add(r, STATE_PROBLEM, "module", MODULE " is installed, but not loaded");
		report_fix(r, "modprobe " MODULE);
	} else {
		report_add(r, STATE_PROBLEM, "module", MODULE " is not there for Linux %s",
			   host->release);
		report_fix(r, "install vfio-iopf-dkms (dkms status tells of a build that failed), "
			   "then modprobe " MODULE);
	}
}

struct json_object *module_parameters(void)
{
	struct json_object *json = NULL;
	struct names names;
	char value[256];
	int i;

	if (sys_list(&names, "/sys/module/" MODULE "/parameters"))
		return NULL;
	json = json_map();
	for (i = 0; i < names.n; i++) {
		if (!sys_read(value, sizeof(value), "/sys/module/" MODULE "/parameters/%s",
			      names.v[i]))
			json_add(json, names.v[i], json_string(value));
	}
	names_free(&names);
	return json;
}
