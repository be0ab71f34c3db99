// SPDX-License-Identifier: GPL-2.0-only
/*
 * Aging: telling the kernel which pages devices use.
 *
 * A device's access leaves no trace in the CPU's page table. To reclaim, a page that
 * devices alone use is as cold as one that nobody uses, and so the pages that devices
 * use most are the first to go. When the kernel wants to know whether a page has been
 * used since it last asked, it also asks the mm's notifiers: this file answers.
 *
 * DOC: young, asked about, sampled
 *
 * IOMMUs have no accessed bit that the kernel's IOMMU API would let us read. What we
 * do learn of is the first access to a page that is not mapped, by the fault. So:
 *
 *   young     mapped for a device, and not asked about since. A question is answered
 *             with yes, and makes it
 *   asked     mapped, and the next question is answered with no. A moment later,
 *             together with all of its table that has been asked about, by one
 *             flush, the page is unmapped ("sampled"), if still in this state
 *   unmapped  if a device uses it, it faults: a cheap one, as the page is resident,
 *             and the page is young once more. If not, the page ages.
 *
 * A device at work on much memory would have to come back to it page by page, and wait
 * for each. So as long as pages are away, a fault takes the resident pages around it
 * along (viopf_age_around()): whether pages are used is then known by 256 KiB. With less,
 * a machine full of devices that the kernel has asked about takes long to come back, one
 * fault after the other; the CPU's own fault-around is content with 64 KiB
 * (fault_around_bytes in mm/memory.c), but has a cheaper fault.
 *
 * Nothing is unmapped, and no fault made, unless the kernel is looking for something
 * to reclaim. Others ask as well, for no more than to know: DAMON all the time, about any
 * memory, where a kernel has DAMON_STAT on; idle page tracking. The answer to them changes
 * nothing: each would cost a device its page, and a fault. So to them all that is mapped is
 * young, unless aging_observers says that they are worth it. Whoever reclaims has PF_MEMALLOC
 * set (memalloc_noreclaim_save() in mm/vmscan.c).
 * Pinned pages are left alone, as no answer would let them be reclaimed;
 * pages of user-handled mappings answer but are not unmapped, as user space would be
 * asked about them anew.
 *
 * The kernel asks for a page, or for a huge one, with the page table's spinlock held,
 * so a question can't take table->lock, nor can it visit each of the many tables of
 * which memory may be a part, if it is mapped again and again: it goes to the first
 * VIOPF_AGE_ALIASES of them. What the others say doesn't count, and they are not sampled;
 * were they taken for young, such memory could never be reclaimed. The young bits have a
 * spinlock of their own.
 * Sampling walks the record twice, to unmap and then to note it, and must find the
 * same pages both times: meanwhile questions clear nothing (@frozen).
 *
 * DOC: lifetimes
 *
 * An ager is the notifier of one mm, and shared by all mappings of its memory that
 * have had a segment. Each holds a reference to its end, and so does each container, to
 * the first that it sees. Segments are in the ager's tree from before they are published
 * until they are dead; whoever takes one out then waits for its sampling, which nobody
 * starts any more:
 *
 *   question                               UNMAP_DMA
 *   ------------------------------------   -----------------------------------
 *   read lock ager, find the table
 *     queue its sampling
 *   unlock
 *                                          write lock ager, take it out, unlock
 *   sampling: lock table                   cancel the sampling, or wait for it
 *     drop what is old                       (it waits for nothing but the lock)
 *   unlock                                 free the table
 */
#include <linux/mmu_notifier.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>

#include "compat/workqueue.h"
#include "compat/young.h"
#include "table/internal.h"

/**
 * struct viopf_ager - the notifier that answers for all of an mm
 * @notifier: kept by mmu_notifier_get_locked() and mmu_notifier_put()
 * @lock: guards @ages; page table locks are around it
 * @ages: struct viopf_age by user address
 */
struct viopf_ager {
	struct mmu_notifier	notifier;
	rwlock_t		lock;
	struct rb_root_cached	ages;
};

/*
 * How many mappings of the same memory are asked. No driver needs more: a guest has a few
 * with a virtual IOMMU. A huge page may lie in as many mappings of its parts.
 */
#define VIOPF_AGE_ALIASES	64

/* What is used if one page of it is. */
#define VIOPF_AGE_PAGES		64

/* Agers that are not freed yet: the module can't go before they are. */
static atomic_t viopf_agers = ATOMIC_INIT(0);

/*
 * Is a page of [first, end) young? Then not 0; with @clear, how many were, and none is
 * afterwards unless the bits are frozen.
 */
static unsigned long viopf_age_question(struct viopf_age *age,
					unsigned long first, unsigned long end,
					bool clear)
{
	unsigned long nr, page;

	spin_lock(&age->lock);
	page = find_next_bit(age->young, end, first);
	nr = page < end;
	if (nr && clear && !age->frozen) {
		nr = 0;
		for_each_set_bit_from(page, age->young, end) {
			__clear_bit(page, age->young);
			nr++;
		}
	}
	spin_unlock(&age->lock);
	return nr;
}

/* The same of the user addresses [start, last], as far as the table has them. */
static bool viopf_age_asked(struct viopf_age *age, unsigned long start,
			    unsigned long last, bool clear)
{
	struct viopf_table *table = container_of(age, struct viopf_table, age);
	unsigned long nr, first, end;

	first = (max(start, age->node.start) - age->node.start) >> PAGE_SHIFT;
	end = ((min(last, age->node.last) - age->node.start) >> PAGE_SHIFT) + 1;

	nr = viopf_age_question(age, first, end, clear);
	if (nr && clear) {
		viopf_count(table->iommu, pages_young, nr);
		if (age->samples)
			queue_delayed_work(system_dfl_wq, &age->sampling,
					   msecs_to_jiffies(READ_ONCE(viopf_aging_delay_ms)));
	}
	return nr;
}

static bool viopf_ager_ask(struct mmu_notifier *notifier, unsigned long start,
			   unsigned long end, bool clear)
{
	struct viopf_ager *ager =
		container_of(notifier, struct viopf_ager, notifier);
	unsigned int left = VIOPF_AGE_ALIASES;
	struct interval_tree_node *node;
	bool young = false;

	read_lock(&ager->lock);
	for (node = interval_tree_iter_first(&ager->ages, start, end - 1);
	     node && left--;
	     node = interval_tree_iter_next(node, start, end - 1))
		young |= viopf_age_asked(container_of(node, struct viopf_age, node),
					 start, end - 1, clear);
	read_unlock(&ager->lock);
	return young;
}

/*
 * A notifier that is asked to flush as well does the same: sampling flushes, before the next
 * question. Who does not reclaim changes nothing.
 */
static compat_young_t viopf_ager_clear_young(struct mmu_notifier *notifier,
					     struct mm_struct *mm,
					     unsigned long start,
					     unsigned long end)
{
	bool clear = current->flags & PF_MEMALLOC || READ_ONCE(viopf_aging_observers);

	return viopf_ager_ask(notifier, start, end, clear);
}

static compat_young_t viopf_ager_test_young(struct mmu_notifier *notifier,
					    struct mm_struct *mm,
					    unsigned long address)
{
	return viopf_ager_ask(notifier, address, address + 1, false);
}

static struct mmu_notifier *viopf_ager_alloc(struct mm_struct *mm)
{
	struct viopf_ager *ager = kzalloc(sizeof(*ager), GFP_KERNEL_ACCOUNT);

	if (!ager)
		return ERR_PTR(-ENOMEM);
	rwlock_init(&ager->lock);
	ager->ages = RB_ROOT_CACHED;
	atomic_inc(&viopf_agers);
	return &ager->notifier;
}

static void viopf_ager_free(struct mmu_notifier *notifier)
{
	kfree(container_of(notifier, struct viopf_ager, notifier));
	if (atomic_dec_and_test(&viopf_agers))
		wake_up_var(&viopf_agers);
}

static const struct mmu_notifier_ops viopf_ager_ops = {
	.clear_flush_young	= viopf_ager_clear_young,
	.clear_young		= viopf_ager_clear_young,
	.test_young		= viopf_ager_test_young,
	.alloc_notifier		= viopf_ager_alloc,
	.free_notifier		= viopf_ager_free,
};

/* The ager of an mm, with a reference. The first one takes all locks of the mm. */
static struct viopf_ager *viopf_ager_get(struct mm_struct *mm)
{
	struct mmu_notifier *notifier =
		mmu_notifier_get_locked(&viopf_ager_ops, mm);

	return IS_ERR(notifier) ? ERR_CAST(notifier) :
	       container_of(notifier, struct viopf_ager, notifier);
}

/* Another fault may have been faster, and then with the same ager. */
static void viopf_ager_keep(struct viopf_ager **at, struct viopf_ager *ager)
{
	if (cmpxchg(at, NULL, ager))
		mmu_notifier_put(&ager->notifier);
}

/**
 * viopf_age_prepare() - have an ager for a mapping that gets a segment
 * @mine: the mapping's; set, if it is NULL
 * @shared: its container's, likewise
 * @mm: the mapping's, held by mmget()
 *
 * Waits for mmap_lock. The container keeps the first ager as well, or one would be
 * made for each mapping where there is only one at a time.
 *
 * Return: 0; -ENOMEM; -EINTR: killed, or a signal, while it waited.
 */
int viopf_age_prepare(struct viopf_ager **mine, struct viopf_ager **shared,
		      struct mm_struct *mm)
{
	struct viopf_ager *ager;

	if (READ_ONCE(*mine) || !READ_ONCE(viopf_aging))
		return 0;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ager = viopf_ager_get(mm);
	if (!IS_ERR(ager) && !READ_ONCE(*shared))
		viopf_ager_keep(shared, viopf_ager_get(mm));
	mmap_write_unlock(mm);
	if (IS_ERR(ager))
		return PTR_ERR(ager);
	viopf_ager_keep(mine, ager);
	return 0;
}

/**
 * viopf_age_release() - a mapping, or a container, needs its ager no longer
 * @ager: that, or NULL; no segment of it is in there any more
 */
void viopf_age_release(struct viopf_ager *ager)
{
	if (ager)
		mmu_notifier_put(&ager->notifier);
}

/*
 * Until sampling is over, young bits don't change. A large leaf goes as a whole or not
 * at all: one young page makes all of it young.
 */
static void viopf_age_freeze(struct viopf_table *table)
{
	struct viopf_residency *r = &table->residency;
	struct viopf_age *age = &table->age;
	unsigned long page, first, end;

	lockdep_assert_held(&table->lock);

	spin_lock(&age->lock);
	age->frozen = true;
	for_each_set_bit(page, age->young, r->nr_pages) {
		if (!viopf_residency_is_huge(r, page))
			continue;
		first = page;
		end = page + 1;
		viopf_residency_widen(r, &first, &end);
		bitmap_set(age->young, first, end - first);
		page = end - 1;
	}
	spin_unlock(&age->lock);
}

/* In one flush, what has been asked about and not used through a fault since. */
static void viopf_age_sample(struct work_struct *work)
{
	struct viopf_age *age = container_of(to_delayed_work(work),
					     struct viopf_age, sampling);
	struct viopf_table *table = container_of(age, struct viopf_table, age);
	unsigned long gone;

	mutex_lock(&table->lock);
	viopf_age_freeze(table);
	gone = viopf_leaf_drop_old(table);
	age->lost += gone;
	spin_lock(&age->lock);
	age->frozen = false;
	spin_unlock(&age->lock);
	mutex_unlock(&table->lock);
	viopf_count(table->iommu, pages_sampled, gone);
	if (gone)
		trace_iopf_sample(table->iommu->id, table->iova, gone);
}

/**
 * viopf_age_init() - a table is made
 * @table: nobody else knows it yet
 * @ager: of the mm, referred to by the mapping as long as the table is; or NULL
 * @uaddr: the user address of its first page
 * @samples: what has been asked about may be unmapped, and faulted in again
 *
 * Return: 0 or -ENOMEM.
 */
int viopf_age_init(struct viopf_table *table, struct viopf_ager *ager,
		   unsigned long uaddr, bool samples)
{
	unsigned long nr_pages = table->residency.nr_pages;
	struct viopf_age *age = &table->age;

	if (!ager)
		return 0;
	age->young = bitmap_zalloc(nr_pages, GFP_KERNEL_ACCOUNT);
	if (!age->young)
		return -ENOMEM;
	age->ager = ager;
	age->samples = samples;
	spin_lock_init(&age->lock);
	INIT_DELAYED_WORK(&age->sampling, viopf_age_sample);
	age->node.start = uaddr;
	age->node.last = uaddr + (nr_pages << PAGE_SHIFT) - 1;
	return 0;
}

/**
 * viopf_age_deinit() - a table is freed
 * @table: not, or no more, known to its ager
 */
void viopf_age_deinit(struct viopf_table *table)
{
	bitmap_free(table->age.young);
}

/**
 * viopf_age_add() - from here on questions reach a table
 * @table: with all that sampling looks at
 */
void viopf_age_add(struct viopf_table *table)
{
	struct viopf_age *age = &table->age;

	if (!age->ager)
		return;
	write_lock(&age->ager->lock);
	interval_tree_insert(&age->node, &age->ager->ages);
	write_unlock(&age->ager->lock);
}

/**
 * viopf_age_remove() - questions don't reach a table any more, nor is it sampled
 * @table: not locked
 */
void viopf_age_remove(struct viopf_table *table)
{
	struct viopf_age *age = &table->age;

	if (!age->ager)
		return;
	write_lock(&age->ager->lock);
	interval_tree_remove(&age->node, &age->ager->ages);
	write_unlock(&age->ager->lock);
	cancel_delayed_work_sync(&age->sampling);
}

/**
 * viopf_age_around() - have a fault take sampled pages around its own along
 * @table: locked
 * @page: the page of the fault
 * @first: first page that it looks at; may be moved down
 * @end: the page after the last; may be moved up
 *
 * Where more is looked at already it stays as it is.
 */
void viopf_age_around(const struct viopf_table *table, unsigned long page,
		      unsigned long *first, unsigned long *end)
{
	const struct viopf_residency *r = &table->residency;
	unsigned long into = (r->first_iopfn + page) % VIOPF_AGE_PAGES;

	lockdep_assert_held(&table->lock);

	if (!table->age.lost || *end - *first >= VIOPF_AGE_PAGES ||
	    viopf_window_max_pages() < VIOPF_AGE_PAGES)
		return;
	*first = min(*first, page - min(page, into));
	*end = max(*end, min(page + VIOPF_AGE_PAGES - into, r->nr_pages));
}

/**
 * viopf_age_touch_slow() - devices reach pages from here on, or no longer do
 * @table: locked, with an ager
 * @first: first page
 * @end: the page after the last
 * @young: they do
 */
void viopf_age_touch_slow(struct viopf_table *table, unsigned long first,
			  unsigned long end, bool young)
{
	struct viopf_age *age = &table->age;

	lockdep_assert_held(&table->lock);

	if (young)
		age->lost -= min(age->lost, end - first);
	spin_lock(&age->lock);
	if (young)
		bitmap_set(age->young, first, end - first);
	else
		bitmap_clear(age->young, first, end - first);
	spin_unlock(&age->lock);
}

/**
 * viopf_age_is_young() - do devices use a page, as far as the kernel has been told?
 * @table: locked
 * @page: the page
 *
 * Return: true if it is mapped and has not been asked about since; without an ager, false.
 */
bool viopf_age_is_young(struct viopf_table *table, unsigned long page)
{
	bool young;

	if (!table->age.ager)
		return false;
	spin_lock(&table->age.lock);
	young = test_bit(page, table->age.young);
	spin_unlock(&table->age.lock);
	return young;
}

/**
 * viopf_age_exit() - the module goes, after the last ager
 *
 * They are freed by SRCU callbacks, perhaps on several CPUs. mmu_notifier_synchronize()
 * waits for a grace period and the callbacks of one (__synchronize_srcu() in
 * kernel/rcu/srcutree.c), so they are counted.
 */
void viopf_age_exit(void)
{
	wait_var_event(&viopf_agers, !atomic_read(&viopf_agers));
}
