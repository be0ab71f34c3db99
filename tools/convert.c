// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf convert: a container's memory pinned from now on, or faultable, from outside
 * (iopf-convert(8)).
 *
 * That is safe where a pin of a range is not (advise.c): it is one state of the whole
 * container, which anybody can set and set back, and which comes to pass as a whole or not
 * at all. What the client has pinned by advice or by a mapping's flag stays so.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "iopf.h"
#include "output.h"
#include "reach.h"

/* Which kinds of memory there are, by their names. */
static int parse_mode(bool *pinned, const char *word)
{
	*pinned = !strcmp(word, "pinned");
	if (*pinned || !strcmp(word, "faultable"))
		return 0;
	complain("there is no mode '%s'; there are pinned and faultable", word);
	return -1;
}

static void say_why(int err, const struct container *c)
{
	complain("%s", viopf_error());
	if (err == -ENOMEM)
		complain("memory is short, or its mappings exceed RLIMIT_MEMLOCK; "
			 "prlimit --pid %" PRIu64 " --memlock=unlimited:unlimited", c->pid);
	else if (err == -EFAULT)
		complain("something is mapped that can't be pinned; nothing has changed");
	else if (err == -EBUSY)
		complain("its process is just being replaced; try again");
}

/* The mode that it has now, which a device that can't fault may have made another. */
static void report(const struct container *c, bool pinned, bool json)
{
	char bytes[AMOUNT_MAX];
	struct container now;
	struct json_object *out;
	uint64_t pages;

	if (container_read(&now, c->number)) {
		complain("container%" PRIu64 " has gone meanwhile", c->number);
		return;
	}
	pages = stats_get(&now.stats, "pinned_pages");
	if (json) {
		out = json_map();
		json_add(out, "container", json_u64(c->number));
		json_add(out, "mode", json_string(now.mode));
		json_add(out, "pinned_bytes", json_u64(pages * 4096));
		json_print(out);
	} else {
		printf("container%" PRIu64 ": %s, %s pinned\n", c->number, now.mode,
		       amount_bytes(bytes, pages * 4096));
	}
	if (!pinned && !strcmp(now.mode, "pinned"))
		complain("it stays pinned as long as it has a device that can't take page faults; "
			 "iopf show tells which");
	container_free(&now);
}

static int convert(const struct container *c, bool pinned, bool json)
{
	struct viopf_container *reached;
	int err;

	if (reach_container(&reached, c))
		return IOPF_FAILED;
	err = pinned ? viopf_disable(reached) : viopf_enable(reached);
	viopf_container_close(reached);
	if (err) {
		say_why(err, c);
		return IOPF_FAILED;
	}
	report(c, pinned, json);
	return IOPF_OK;
}

int cmd_convert(int argc, char **argv)
{
	struct args args = { .min_words = 2, .max_words = 2 };
	struct container c;
	bool pinned;
	int code;

	args_parse(&args, "CONTAINER pinned|faultable",
		   "Have all of a container's memory pinned from now on, as type1 would, or paged in "
		   "on demand again, while its devices are at work.", argc, argv);
	if (parse_mode(&pinned, args.words[1]))
		return IOPF_USAGE;
	if (reach_select(&c, args.words[0]))
		return IOPF_FAILED;
	code = convert(&c, pinned, args.json);
	container_free(&c);
	return code;
}
