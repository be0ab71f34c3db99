// SPDX-License-Identifier: GPL-2.0-only
/*
 * One thread, one queue, one operation at a time, for as long as it is left to
 * run. The copy that LOAD_READ makes is judged word by word; its buffer belongs
 * to nobody else, so that only the device's reading can have gone wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "load.h"

static void load_fail(struct load *load, const char *what, uint64_t a, uint64_t b)
{
	if (!atomic_load(&load->failed))
		snprintf(load->why, sizeof(load->why), "%s: %#llx, %#llx, after %lu rounds", what,
			 (unsigned long long)a, (unsigned long long)b, atomic_load(&load->rounds));
	atomic_store(&load->failed, 1);
}

static struct softdma_desc next_operation(struct load *load, uint64_t seed)
{
	switch (load->kind) {
	case LOAD_READ:
		return sdma_copy(load->sink_iova, load->iova, load->size);
	case LOAD_CHECK:
		return sdma_check(load->iova, load->size, load->seed, 0);
	default:
		return sdma_fill(load->iova, load->size, seed, 0);
	}
}

/*
 * Reclaim unmaps a clean page and takes it out of the swap cache before it flushes the CPUs'
 * TLBs (__remove_mapping() and try_to_unmap_flush() in shrink_folio_list(), mm/vmscan.c). If
 * the page comes back from swap in that moment, and is written to, by a CPU or a device, other
 * CPUs may read the old one a little longer. What is lost stays lost.
 */
static int is_there_at_last(const uint64_t *word, uint64_t want)
{
	const volatile uint64_t *seen = word;

	return wait_until(*seen == want, 2);
}

static void judge_words(struct load *load, const char *buf, size_t len, uint64_t seed)
{
	const uint64_t *word = (const uint64_t *)buf;
	size_t i;

	for (i = 0; i < len / 8; i++) {
		if (word[i] == softdma_pattern(seed, i * 8))
			continue;
		if (!word[i] && load->tolerate & LOAD_MAY_BE_ZERO)
			continue;
		if (load->kind == LOAD_WRITE &&
		    is_there_at_last(&word[i], softdma_pattern(seed, i * 8))) {
			atomic_fetch_add(&load->late, 1);
			continue;
		}
		load_fail(load, load->kind == LOAD_READ ? "wrong word read by the device" :
			  "the device's write is not there", i * 8, word[i]);
		return;
	}
	atomic_fetch_add(&load->bytes, len);
}

static void judge(struct load *load, const struct softdma_desc *desc, uint64_t seed)
{
	switch (load->kind) {
	case LOAD_READ:
		judge_words(load, load->sink, load->size, load->seed);
		break;
	case LOAD_CHECK:
		if (desc->result)
			load_fail(load, "the device finds bytes wrong", desc->result,
				  desc->detail);
		else
			atomic_fetch_add(&load->bytes, load->size);
		break;
	case LOAD_WRITE:
		judge_words(load, load->p, load->size, seed);
		break;
	case LOAD_REWRITE:
		break;
	}
}

static void *load_main(void *arg)
{
	struct load *load = arg;
	struct sdma_queue *q = &load->rig->dma[load->dev].q[load->queue];
	uint64_t seed = load->seed;

	while (!atomic_load(&load->stop) && !atomic_load(&load->failed)) {
		struct softdma_desc desc = next_operation(load, seed);
		int status = sdma_do(q, &desc, DMA_LIMIT_MS);

		if (status == SOFTDMA_OK) {
			judge(load, &desc, seed);
			atomic_fetch_add(&load->rounds, 1);
		} else if (status == SOFTDMA_FAULT_INVALID &&
			   load->tolerate & LOAD_MAY_BE_INVALID) {
			atomic_fetch_add(&load->refused, 1);
		} else {
			load_fail(load, "operation ended with", (uint64_t)status, desc.detail);
		}
		if (load->kind == LOAD_WRITE)
			seed++;
	}
	return NULL;
}

void load_start(struct load *load, uint64_t sink_iova)
{
	if (load->kind == LOAD_READ) {
		load->sink_iova = sink_iova;
		load->sink = mem_shared(load->size);
		rig_map(load->rig, load->sink, sink_iova, load->size);
	}
	assert_ok(pthread_create(&load->thread, NULL, load_main, load));
}

void load_progress(struct load *load, unsigned long n)
{
	unsigned long from = atomic_load(&load->rounds) + atomic_load(&load->refused);

	wait_until(atomic_load(&load->failed) ||
		   atomic_load(&load->rounds) + atomic_load(&load->refused) >= from + n, 60);
}

void load_stop(struct load *load)
{
	atomic_store(&load->stop, 1);
	assert_ok(pthread_join(load->thread, NULL));
	if (load->sink) {
		assert_ok(viopf_unmap(load->rig->c, load->sink_iova, load->size, NULL));
		munmap(load->sink, load->size);
		load->sink = NULL;
	}
	assert_msg(!atomic_load(&load->failed), "queue %u of device %u: %s", load->queue,
		   load->dev, load->why);
	assert_msg(atomic_load(&load->rounds) + atomic_load(&load->refused),
		   "queue %u of device %u did nothing", load->queue, load->dev);
}
