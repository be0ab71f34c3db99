// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of the story: the table, the JSON file, and the verdict. All figures come
 * from struct story; nothing is worked out here but sums and units.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "story.h"
#include "sys.h"

#define KB_MIB(kb)	((double)(kb) / 1024)
#define RULE		"--------------------------------------------------------------------------"

static unsigned long long checked_bytes(const struct story *story)
{
	return story->tally.device_bytes + story->tally.cpu_bytes;
}

static void row(const char *what, const char *format, double pinned, double unpinned)
{
	char left[32], right[32];

	snprintf(left, sizeof(left), format, pinned);
	snprintf(right, sizeof(right), format, unpinned);
	printf("  %-32s %18s %20s\n", what, left, right);
}

static void print_cold(const struct story *story)
{
	const struct cold *p = &story->cold[PINNED], *u = &story->cold[UNPINNED];
	char what[64];

	printf("\n  %-32s %18s %20s\n  %s\n", "", "pinned (type1)", "unpinned (iopf)", RULE);
	snprintf(what, sizeof(what), "map %.0f MiB, never touched", KB_MIB(u->mapped_kb));
	row(what, "%.1f ms", p->map_ms, u->map_ms);
	row("  resident after it (VmRSS)", "%.1f MiB", KB_MIB(p->rss_kb), KB_MIB(u->rss_kb));
	row("  locked after it (VmLck)", "%.1f MiB", KB_MIB(p->locked_kb), KB_MIB(u->locked_kb));
	row("  pinned after it (FOLL_PIN)", "%.1f MiB", KB_MIB(p->pinned_kb),
	    KB_MIB(u->pinned_kb));
	row("  first DMA after it, 4 KiB", "%.2f ms", p->first_dma_ms, u->first_dma_ms);
}

static void print_pressure(const struct story *story)
{
	const struct pressure *pressure = &story->pressure;
	char what[64], left[32], right[32];

	snprintf(what, sizeof(what), "%.0f MiB, with %.0f MiB of RAM",
		 KB_MIB(pressure->mapped_kb), KB_MIB(story->ram_kb));
	snprintf(left, sizeof(left), pressure->pinned_finished ? "%.1f s" : "fails in %.1f s",
		 pressure->pinned_ms / 1e3);
	snprintf(right, sizeof(right), "done in %.1f s", pressure->ms / 1e3);
	printf("  %-32s %18s %20s\n", what, left, right);
	row("  pinned, at the most", "%.1f MiB", KB_MIB(pressure->pinned_peak_kb),
	    KB_MIB(story->unpinned.pinned_kb));
	printf("  %s\n", RULE);
	printf("  pinned: %s\n", pressure->pinned_outcome);
}

static void print_churn(const struct story *story)
{
	const struct churn *c = &story->churn;
	const struct pressure *p = &story->pressure;

	printf("\n  unpinned, all of it under DMA by 4 queues:\n");
	printf("  %18lu pages swapped out to zram, %lu swapped in\n",
	       c->mm.swapped_out_pages + p->mm.swapped_out_pages,
	       c->mm.swapped_in_pages + p->mm.swapped_in_pages);
	printf("  %18lu pages merged by KSM at one time, %lu copied again\n",
	       c->mm.ksm_merged_pages, c->mm.ksm_copied_pages);
	printf("  %18lu pages moved (%lu rounds of compaction)\n", c->mm.moved_pages,
	       c->compactions);
	printf("  %18lu huge pages collapsed, %lu split\n", c->collapses,
	       c->mm.split_huge_pages + p->mm.split_huge_pages);
	printf("  %18lu forks with copy-on-write, %lu holes\n", c->forks, c->holes);
	printf("  %18llu page requests served, %llu evictions of %llu pages\n",
	       c->stats.faults + p->stats.faults, c->stats.evictions + p->stats.evictions,
	       c->stats.pages_evicted + p->stats.pages_evicted);
	printf("  %18llu bytes checked (device %llu, CPU %llu)\n", checked_bytes(story),
	       story->tally.device_bytes, story->tally.cpu_bytes);
	printf("  %18llu bytes wrong\n", story->tally.wrong_bytes);
	printf("  %18ld kB locked, %ld kB pinned, at the most\n", story->unpinned.locked_kb,
	       story->unpinned.pinned_kb > story->unpinned.vm_pin_kb ?
	       story->unpinned.pinned_kb : story->unpinned.vm_pin_kb);
}

void report_print(const struct story *story)
{
	print_cold(story);
	print_pressure(story);
	print_churn(story);
	printf("\n");
}

static void put(json_object *to, const char *name, unsigned long long val)
{
	json_object_object_add(to, name, json_object_new_uint64(val));
}

static void put_ms(json_object *to, const char *name, double ms)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", ms);
	json_object_object_add(to, name, json_object_new_double_s(ms, text));
}

static void put_text(json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static void put_cold(json_object *to, const struct cold *cold, const char *prefix)
{
	char name[64];

#define NAMED(what) (snprintf(name, sizeof(name), "%s%s", prefix, what), name)
	put_ms(to, NAMED("map_ms"), cold->map_ms);
	put_ms(to, NAMED("first_dma_ms"), cold->first_dma_ms);
	put(to, NAMED("rss_kb"), (unsigned long long)cold->rss_kb);
#undef NAMED
}

static json_object *mm_json(const struct mm_work *mm)
{
	json_object *to = json_object_new_object();

	put(to, "swapped_out_pages", mm->swapped_out_pages);
	put(to, "swapped_in_pages", mm->swapped_in_pages);
	put(to, "moved_pages", mm->moved_pages);
	put(to, "split_huge_pages", mm->split_huge_pages);
	put(to, "ksm_merged_pages_peak", mm->ksm_merged_pages);
	put(to, "ksm_copied_pages", mm->ksm_copied_pages);
	return to;
}

static json_object *stats_json(const struct vfio_iopf_stats *stats)
{
	json_object *to = json_object_new_object();

	put(to, "groups", stats->groups);
	put(to, "requests", stats->requests);
	put(to, "faults", stats->faults);
	put(to, "pages_mapped", stats->pages_mapped);
	put(to, "huge_mapped", stats->huge_mapped);
	put(to, "bring_ins", stats->bring_ins);
	put(to, "retries", stats->retries);
	put(to, "backoffs", stats->backoffs);
	put(to, "evictions", stats->evictions);
	put(to, "pages_evicted", stats->pages_evicted);
	put(to, "flushes", stats->flushes);
	put(to, "resp_invalid", stats->resp_invalid);
	put(to, "resp_failure", stats->resp_failure);
	return to;
}

static json_object *churn_json(const struct churn *churn)
{
	json_object *to = json_object_new_object();

	put_ms(to, "ms", churn->ms);
	put(to, "operations", churn->operations);
	put(to, "forks", churn->forks);
	put(to, "holes", churn->holes);
	put(to, "page_out_calls", churn->page_outs);
	put(to, "compactions", churn->compactions);
	put(to, "collapsed_huge_pages", churn->collapses);
	json_object_object_add(to, "linux", mm_json(&churn->mm));
	json_object_object_add(to, "iopf", stats_json(&churn->stats));
	return to;
}

static json_object *pressure_json(const struct pressure *pressure)
{
	json_object *to = json_object_new_object();

	put(to, "mapped_kb", pressure->mapped_kb);
	put_ms(to, "ms", pressure->ms);
	put_text(to, "type1_outcome", pressure->pinned_outcome);
	put_ms(to, "type1_ms", pressure->pinned_ms);
	put(to, "type1_pinned_peak_kb", (unsigned long long)pressure->pinned_peak_kb);
	json_object_object_add(to, "linux", mm_json(&pressure->mm));
	json_object_object_add(to, "iopf", stats_json(&pressure->stats));
	return to;
}

/* locked_kb and pinned_kb: the most that was seen in any act. */
static void put_summary(json_object *to, const struct story *story)
{
	const struct cold *type1 = &story->cold[PINNED];

	put(to, "mapped_kb", type1->mapped_kb);
	put_cold(to, &story->cold[UNPINNED], "");
	put(to, "locked_kb", (unsigned long long)story->unpinned.locked_kb);
	put(to, "pinned_kb", (unsigned long long)story->unpinned.pinned_kb);
	put(to, "vm_pin_kb", (unsigned long long)story->unpinned.vm_pin_kb);
	put_cold(to, type1, "type1_");
	put(to, "type1_locked_kb", (unsigned long long)type1->locked_kb);
	put(to, "type1_pinned_kb", (unsigned long long)type1->pinned_kb);
	put(to, "type1_vm_pin_kb", (unsigned long long)type1->vm_pin_kb);
	put(to, "faults", story->churn.stats.faults + story->pressure.stats.faults);
	put(to, "evictions", story->churn.stats.evictions + story->pressure.stats.evictions);
	put(to, "pages_evicted",
	    story->churn.stats.pages_evicted + story->pressure.stats.pages_evicted);
	put(to, "bytes_checked", checked_bytes(story));
	put(to, "bytes_checked_by_device", story->tally.device_bytes);
	put(to, "bytes_checked_by_cpu", story->tally.cpu_bytes);
	put(to, "bytes_wrong", story->tally.wrong_bytes);
	put(to, "residency_mismatches", (unsigned long long)story->residency_mismatches);
}

int report_write(const struct story *story, const char *path)
{
	json_object *to = json_object_new_object();
	struct utsname name;
	int err;

	uname(&name);
	put_text(to, "kernel", name.release);
	put(to, "cpus", (unsigned long long)sysconf(_SC_NPROCESSORS_ONLN));
	put(to, "ram_kb", (unsigned long long)story->ram_kb);
	put_ms(to, "demo_ms", story->ms);
	put_summary(to, story);
	json_object_object_add(to, "churn", churn_json(&story->churn));
	json_object_object_add(to, "pressure", pressure_json(&story->pressure));
	err = json_object_to_file_ext(path, to, JSON_C_TO_STRING_PRETTY);
	json_object_put(to);
	return err ? complain("can't write %s: %s", path, json_util_get_last_err()) : 0;
}

/* An event that Linux did not let happen leaves its part of the story untold. */
static unsigned int untold(const struct churn *churn)
{
	const struct {
		const char *what;
		unsigned long times;
	} events[] = {
		{ "a page swapped out", churn->mm.swapped_out_pages },
		{ "a page swapped in", churn->mm.swapped_in_pages },
		{ "a page merged by KSM", churn->mm.ksm_merged_pages },
		{ "a page moved", churn->mm.moved_pages },
		{ "a huge page collapsed", churn->collapses },
		{ "a fork", churn->forks },
		{ "a hole punched", churn->holes },
		{ "a page request", churn->stats.faults },
		{ "an eviction", churn->stats.evictions },
	};
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (events[i].times)
			continue;
		complain("never happened: %s; try again with more time: DEMO_SECONDS=60 make demo",
			 events[i].what);
		n++;
	}
	return n;
}

unsigned int report_faults(const struct story *story)
{
	const struct watch *seen = &story->unpinned;
	unsigned int n = untold(&story->churn);

	if (story->tally.wrong_bytes && ++n)
		complain("%llu bytes were wrong: DMA to memory that was gone, or a lost write",
			 story->tally.wrong_bytes);
	if ((seen->locked_kb || seen->vm_pin_kb || seen->pinned_kb) && ++n)
		complain("unpinned memory was locked (%ld kB) or pinned (%ld kB, FOLL_PIN %ld kB)",
			 seen->locked_kb, seen->vm_pin_kb, seen->pinned_kb);
	if (story->residency_mismatches && ++n)
		complain("the IOMMU's page table was not as on record for %ld pages",
			 story->residency_mismatches);
	return n;
}
