// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf bind and unbind: hand a device to vfio-pci, and back (iopf-bind(8)). What somebody
 * would miss is not taken without --force.
 */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <viopf.h>

#include "args.h"
#include "container.h"
#include "iopf.h"
#include "output.h"
#include "sysfs.h"
#include "use.h"

struct bind_args {
	struct args args;
	bool force;
};

static const struct argp_option options[] = {
	{ .name = "force", .key = 'f', .doc = "also if the device is in use" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bind_args *args = state->input;

	(void)arg;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &args->args;
		return 0;
	case 'f':
		args->force = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void parse_args(struct bind_args *args, const char *doc, int argc, char **argv)
{
	static const struct argp_child children[] = { { .argp = &args_argp }, { 0 } };
	struct argp argp = {
		.options = options, .parser = parse, .args_doc = "DEVICE...", .doc = doc,
		.children = children,
	};

	*args = (struct bind_args) { .args = { .min_words = 1, .max_words = INT_MAX } };
	argp_parse(&argp, argc, argv, 0, NULL, args);
}

/* Stopped half-way a device would be left without a driver. */
static int without_signals(int (*act)(const char *bdf), const char *bdf)
{
	sigset_t signals, before;
	int err;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &before);
	err = act(bdf);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (err)
		complain("%s", viopf_error());
	return err;
}

/* Who has it now, in words or for programs. */
static void tell_driver(const char *bdf, struct json_object *json)
{
	char driver[64];

	sys_link(driver, sizeof(driver), "/sys/bus/pci/devices/%s/driver", bdf);
	if (json)
		json_add(json, "driver", driver[0] ? json_string(driver) : NULL);
	else
		printf("%s: %s\n", bdf, driver[0] ? driver : "no driver (its own is not loaded)");
}

static int bind_one(const char *bdf, bool force)
{
	struct group_user user;
	char why[256];

	if (!force && device_is_missed(bdf, why, sizeof(why))) {
		complain("%s is in use: %s; --force takes it all the same", bdf, why);
		return -1;
	}
	if (without_signals(viopf_bind, bdf))
		return -1;
	group_find_user(bdf, &user);
	if (user.device[0])
		complain("VFIO takes all of a group or nothing: bind %s too, which %s has",
			 user.device, user.driver);
	return 0;
}

static int unbind_one(const char *bdf, bool force)
{
	char why[256];

	if (!force && device_is_contained(bdf, why, sizeof(why))) {
		complain("%s is in use: %s; end that first (--force waits until it ends)",
			 bdf, why);
		return -1;
	}
	return without_signals(viopf_give_back, bdf);
}

/* Every device named is tried, whatever becomes of those before it. */
static int act_on_each(const struct bind_args *args, int (*act)(const char *bdf, bool force))
{
	struct json_object *list = args->args.json ? json_list() : NULL;
	int i, code = IOPF_OK;

	for (i = 0; i < args->args.n_words; i++) {
		struct json_object *json = list ? json_map() : NULL;
		char bdf[64];

		device_name_normalize(bdf, sizeof(bdf), args->args.words[i]);
		if (json) {
			json_add(json, "device", json_string(bdf));
			json_append(list, json);
		}
		if (act(bdf, args->force))
			code = IOPF_FAILED;
		else if (!list)
			tell_driver(bdf, NULL);
		if (json)
			tell_driver(bdf, json);
	}
	if (list)
		json_print(list);
	return code;
}

int cmd_bind(int argc, char **argv)
{
	struct bind_args args;

	parse_args(&args, "Give PCI devices (0000:01:00.0) to the driver vfio-pci.", argc, argv);
	return act_on_each(&args, bind_one);
}

int cmd_unbind(int argc, char **argv)
{
	struct bind_args args;

	parse_args(&args, "Give PCI devices (0000:01:00.0) back from vfio-pci to their own driver.",
		   argc, argv);
	return act_on_each(&args, unbind_one);
}
