// SPDX-License-Identifier: GPL-2.0-only
/*
 * What libFuzzer calls: an input is decoded and done, all is judged, and how it went on is told
 * by the counters of viopf_cov.ko, which are mapped where libFuzzer looks for extra ones.
 *
 * Environment:
 *
 *   VIOPF_OUT	a folder on the host: "recent" has the last inputs there, the one under way
 *		included, for when the kernel stops; "counts" how many inputs and operations
 *		there were
 *   VIOPF_FUZZ_SAY	set: each operation is printed before it is done
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libfuzzer.h"
#include "world.h"

#define COUNTERS	"/sys/kernel/debug/viopf_cov/counters"
#define COV_BYTES	(16u << 10)
#define RECENT		64u
#define RECENT_BYTES	1024u
#define MOST_OPS	64u

/* Laid over by the kernel's. */
static uint8_t counters[COV_BYTES]
	__attribute__((section("__libfuzzer_extra_counters"), aligned(PAGE), used));

struct operation {
	void (*run)(const struct op *op);
	const char *name;
	unsigned int weight;
};

#define OPERATION(name, weight)	{ op_##name, #name, weight }

static const struct operation operations[] = {
	OPERATION(map, 6), OPERATION(unmap, 3), OPERATION(write, 6), OPERATION(read, 6),
	OPERATION(job, 4), OPERATION(atomic, 2), OPERATION(request, 2), OPERATION(settle, 1),
	OPERATION(device, 2), OPERATION(advise_memory, 5), OPERATION(protect, 3),
	OPERATION(replace, 3), OPERATION(touch, 3), OPERATION(advise, 3), OPERATION(ask, 2),
	OPERATION(mode, 1), OPERATION(dirty, 3), OPERATION(vaddr, 2), OPERATION(fault_fd, 3),
	OPERATION(raw, 1), OPERATION(fork, 1), OPERATION(child, 2), OPERATION(group, 1),
	OPERATION(mdev, 2), OPERATION(knob, 1), OPERATION(parameter, 1), OPERATION(signal, 1),
	OPERATION(system, 1), OPERATION(track, 3), OPERATION(handle, 2), OPERATION(large, 2),
	OPERATION(refuse, 1), OPERATION(registers, 1), OPERATION(uffd, 2), OPERATION(cgroup, 2),
};

/* By an operation's code; each as often as it weighs. */
static const struct operation *codes[256];

static void codes_init(void)
{
	unsigned int i, j, n = 0;

	while (n < ARRAY_SIZE(codes))
		for (i = 0; i < ARRAY_SIZE(operations); i++)
			for (j = 0; j < operations[i].weight && n < ARRAY_SIZE(codes); j++)
				codes[n++] = &operations[i];
}

static int recent_fd = -1, counts_fd = -1;
static unsigned long inputs;
static bool says;

static int open_out(const char *name)
{
	const char *dir = getenv("VIOPF_OUT");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", dir ? dir : "/tmp", name);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void note_input(const uint8_t *data, size_t size)
{
	struct {
		uint64_t number, size;
		uint8_t data[RECENT_BYTES - 16];
	} recent = { .number = ++inputs, .size = size };

	if (size > sizeof(recent.data))
		return;
	memcpy(recent.data, data, size);
	if (pwrite(recent_fd, &recent, 16 + size, (off_t)(inputs % RECENT * RECENT_BYTES)) < 0)
		perror("recent");
}

/* Before each, as an input that fails ends all of it. */
static void note_counts(void)
{
	char text[64];
	int n = snprintf(text, sizeof(text), "%lu %lu\n", inputs, world.operations);

	if (pwrite(counts_fd, text, (size_t)n, 0) < 0)
		perror("counts");
}

/* At the first input: of libFuzzer's processes only one has any, when it merges. */
static void open_all(void)
{
	int fd;

	codes_init();
	says = getenv("VIOPF_FUZZ_SAY");
	setvbuf(stdout, NULL, _IOLBF, 0);
	recent_fd = open_out("recent");
	counts_fd = open_out("counts");
	world_open();
	fd = open(COUNTERS, O_RDWR | O_CLOEXEC);
	JUDGE(fd >= 0 && mmap(counters, sizeof(counters), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED, fd, 0) == counters, "no " COUNTERS);
	close(fd);
	atexit(note_counts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct op op;
	size_t at;

	if (size > MOST_OPS * sizeof(op))
		return -1;
	if (!inputs)
		open_all();
	note_input(data, size);
	note_counts();
	world_ready();
	for (at = 0; at + sizeof(op) <= size; at += sizeof(op)) {
		memcpy(&op, data + at, sizeof(op));
		if (says)
			printf("%s who %u kind %#x flags %#x at %u n %u\n", codes[op.code]->name,
			       op.who, op.kind, op.flags, op.at, op.n);
		codes[op.code]->run(&op);
		world.operations++;
	}
	world_end();
	return 0;
}

/* Room for @n operations at operation @at of @nr; returns how many there are then. */
static size_t make_room(struct op *ops, size_t nr, size_t at, size_t n)
{
	memmove(ops + at + n, ops + at, (nr - at) * sizeof(*ops));
	return nr + n;
}

static size_t insert_random(struct op *ops, size_t nr, size_t at, size_t n, unsigned int *seed)
{
	uint8_t *bytes = (uint8_t *)(ops + at);
	size_t i;

	nr = make_room(ops, nr, at, n);
	for (i = 0; i < n * sizeof(*ops); i++)
		bytes[i] = (uint8_t)(rand_r(seed) >> 8);
	return nr;
}

/*
 * Half of the time libFuzzer's own mutations, of one operation; else whole operations come, go,
 * are doubled or change places.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	struct op *ops = (struct op *)data, op;
	size_t nr = size / sizeof(op), at, other, most = max / sizeof(op), n;

	if (most > MOST_OPS)
		most = MOST_OPS;
	at = nr ? rand_r(&seed) % nr : 0;
	other = nr ? rand_r(&seed) % nr : 0;
	n = 1 + rand_r(&seed) % 6;
	switch (nr ? rand_r(&seed) % 8 : 0) {
	case 0:
	case 1:
		if (nr + n <= most)
			return insert_random(ops, nr, at, n, &seed) * sizeof(op);
		break;
	case 2:
		memmove(ops + at, ops + at + 1, (nr - at - 1) * sizeof(op));
		return (nr - 1) * sizeof(op);
	case 3:
		op = ops[at];
		ops[at] = ops[other];
		ops[other] = op;
		return nr * sizeof(op);
	case 4:
		if (nr == most)
			break;
		op = ops[other];
		nr = make_room(ops, nr, at, 1);
		ops[at] = op;
		return nr * sizeof(op);
	}
	if (nr)
		LLVMFuzzerMutate((uint8_t *)&ops[at], sizeof(op), sizeof(op));
	return nr * sizeof(op);
}

/* The beginning of one, and the end of another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *one, size_t one_size, const uint8_t *other,
				 size_t other_size, uint8_t *out, size_t max, unsigned int seed)
{
	const size_t each = sizeof(struct op);
	size_t head = rand_r(&seed) % (one_size / each + 1) * each;
	size_t skip = rand_r(&seed) % (other_size / each + 1) * each;
	size_t tail = other_size / each * each - skip;

	if (max > MOST_OPS * each)
		max = MOST_OPS * each;
	if (head > max)
		head = max / each * each;
	if (tail > max - head)
		tail = (max - head) / each * each;
	memcpy(out, one, head);
	memcpy(out + head, other + skip, tail);
	return head + tail;
}
