// SPDX-License-Identifier: GPL-2.0-only
/*
 * iopf advise: advice on a container's memory, from outside (iopf-advise(8)).
 *
 * What is safe that way is what the kernel itself might do at any time, and what the client
 * can't tell from that. To evict is: the mm does it. To prefetch is, where the client has
 * not kept the decision on each page to itself. To pin and to unpin are not: a pin is
 * charged to the limit of whoever made the mapping, and pins are not counted, so that
 * nobody can take back his own alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "iopf.h"
#include "output.h"
#include "reach.h"

struct advice {
	const char *name;
	enum vfio_iopf_advice advice;
	const char *refusal;	/* why it isn't done from outside; NULL: it is */
};

static const struct advice table[] = {
	{ "prefetch", VFIO_IOPF_ADV_PREFETCH_READ, NULL },
	{ "prefetch-write", VFIO_IOPF_ADV_PREFETCH_WRITE, NULL },
	{ "prefetch-resident", VFIO_IOPF_ADV_PREFETCH_RESIDENT, NULL },
	{ "evict", VFIO_IOPF_ADV_EVICT, NULL },
	{ "pin", VFIO_IOPF_ADV_PIN,
	  "is not done from outside: it would be charged to the locked-memory limit of the "
	  "process that owns the container, whose own next mapping may then fail, and could not "
	  "be taken back without taking pins of its own. Let the client do it: viopf_advise(), "
	  "or map with VFIO_DMA_MAP_FLAG_IOPF_PINNED; or prefetch" },
	{ "unpin", VFIO_IOPF_ADV_UNPIN,
	  "is not done from outside: pins are not counted, so it would take those of the client, "
	  "and DMA fails of a device that can't take page faults. Let the client do it: "
	  "viopf_advise()" },
	{ NULL }
};

static const struct advice *find_advice(const char *name)
{
	const struct advice *advice;

	for (advice = table; advice->name; advice++) {
		if (!strcmp(advice->name, name))
			return advice;
	}
	complain("there is no advice '%s'; there are prefetch, prefetch-write, prefetch-resident "
		 "and evict",
		 name);
	return NULL;
}

/*
 * A client that decides on page requests itself may have a page not ready yet: it is not to
 * be mapped behind its back.
 */
static int check_not_user(struct viopf_container *c, uint64_t iova, uint64_t size)
{
	struct mappings all;
	int ret = 0;
	size_t i;

	if (reach_mappings(&all, c))
		return -1;
	for (i = 0; i < all.n && !ret; i++) {
		const struct vfio_iopf_mapping *m = &all.v[i];

		if (m->state != VFIO_IOPF_MAPPING_USER || m->iova > iova + (size - 1) ||
		    m->iova + (m->size - 1) < iova)
			continue;
		complain("the mapping at IOVA %#" PRIx64 " is user-handled: its client decides on "
			 "each page request, and a prefetch would go past it; leave it to the client",
			 (uint64_t)m->iova);
		ret = -1;
	}
	mappings_free(&all);
	return ret;
}

static void report(const struct container *c, const struct advice *advice, uint64_t iova,
		   uint64_t size, uint64_t done, bool json)
{
	char of[AMOUNT_MAX], all[AMOUNT_MAX];
	struct json_object *out;

	if (!json) {
		printf("container%" PRIu64 ": %s at %#" PRIx64 ": %s of %s done\n", c->number,
		       advice->name, iova, amount_bytes(of, done), amount_bytes(all, size));
		return;
	}
	out = json_map();
	json_add(out, "container", json_u64(c->number));
	json_add(out, "advice", json_string(advice->name));
	json_add(out, "iova", json_u64(iova));
	json_add(out, "size", json_u64(size));
	json_add(out, "done_bytes", json_u64(done));
	json_print(out);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* A signal ends a prefetch, and how far it came is still told. */
static void let_signals_interrupt(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* What a failure means here, and where it was. */
static void explain(int err, uint64_t at)
{
	switch (err) {
	case -EINTR:
		complain("interrupted; go on at IOVA %#" PRIx64, at);
		break;
	case -ENOENT:
		complain("nothing is mapped at IOVA %#" PRIx64 "; see iopf map", at);
		break;
	case -EPERM:
		complain("the mapping at IOVA %#" PRIx64 " does not permit that", at);
		break;
	case -EFAULT:
		complain("there is no memory at IOVA %#" PRIx64 ", or not with that permission",
			 at);
		break;
	case -EBUSY:
		complain("the mapping at IOVA %#" PRIx64 " is being updated; try again later", at);
		break;
	default:
		complain("%s", viopf_error());
	}
}

static int advise(const struct container *c, const struct advice *advice, uint64_t iova,
		  uint64_t size, bool json)
{
	struct viopf_container *reached;
	uint64_t done = 0;
	int err;

	if (reach_container(&reached, c))
		return IOPF_FAILED;
	if (advice->advice != VFIO_IOPF_ADV_EVICT && check_not_user(reached, iova, size)) {
		viopf_container_close(reached);
		return IOPF_FAILED;
	}
	let_signals_interrupt();
	err = viopf_advise(reached, advice->advice, iova, size, &done);
	viopf_container_close(reached);
	report(c, advice, iova, size, done, json);
	if (err)
		explain(err, iova + done);
	return err ? IOPF_FAILED : IOPF_OK;
}

int cmd_advise(int argc, char **argv)
{
	struct args args = { .min_words = 4, .max_words = 4 };
	const struct advice *advice;
	struct container c;
	uint64_t iova, size;
	int code;

	args_parse(&args, "CONTAINER prefetch|prefetch-write|prefetch-resident|evict IOVA SIZE",
		   "Give advice on a container's memory: have pages mapped for its devices before "
		   "they ask, or taken away from them.", argc, argv);
	advice = find_advice(args.words[1]);
	if (!advice || parse_range(&iova, &size, args.words + 2))
		return IOPF_USAGE;
	if (advice->refusal) {
		complain("%s %s; iopf-advise(8) says more", advice->name, advice->refusal);
		return IOPF_FAILED;
	}
	if (reach_select(&c, args.words[0]))
		return IOPF_FAILED;
	code = advise(&c, advice, iova, size, args.json);
	container_free(&c);
	return code;
}
