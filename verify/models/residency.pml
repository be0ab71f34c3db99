/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Residency: a page comes to a device, and goes before the kernel reuses it.
 *
 * One page of one segment, in one mapping of one container, with one device. At any time: a page
 * request in the handler, and two in workers; an eviction, by somebody who may wait or by the OOM
 * reaper, who may not; the end of the process; UNMAP_DMA and detach, one after the other, as
 * container->lock has it. The device reaches what it can, by the IOMMU's cache or by its page
 * table, at any time.
 *
 * Who answers is answers.pml's: here a worker goes on, or gives up, whoever has answered for it.
 *
 * Frames of memory are numbered as the process gets them: the one that it has is pte, all others
 * have been taken back. 0 is none.
 *
 * A step here is what the code does under a spinlock, or what nobody sees the inside of: under
 * table->lock only what takes the page away is more than one, as the device can look between. A
 * lock that is tried may be taken by somebody at any time.
 *
 * MUTANT NO_RETRY		tlb==pte
 * MUTANT NO_KEPT_SEQ		tlb==pte
 * MUTANT NO_SET_SEQ		tlb==pte
 * MUTANT NO_FLUSH		tlb==pte
 * MUTANT NO_RECORD		record
 * MUTANT BUSY_IS_DONE		tlb==pte
 * MUTANT NO_TABLE_DEAD		record
 * MUTANT NO_MAPPING_DEAD	freed
 * MUTANT NO_SET_WALK		domain
 * MUTANT NO_MAPPING_REF	freed
 * MUTANT NO_NOTIFIER_REMOVE	freed
 * MUTANT NO_MMGET		users
 * MUTANT WAIT_LOCKED		invalid end state
 */

/* Does it end? That is asked of one worker, without the device, whom nobody waits for. */
#ifdef FAIRNESS
#define WORKERS	1
#else
#define WORKERS	2
#endif

/* The mm: its page table, its users, and struct mmu_notifier_subscriptions. */
byte pte = 1, frames = 1;
byte users = 1;
byte subs_seq = 2, active_ranges;
bool in_itree, add_deferred, remove_deferred;
#define reclaimed	(subs_seq >= 4)	/* there is memory for page tables */

/* The mapping: in the container's tree; its segment is published; its references. */
bool in_container = true, mapping_dead, published, freed;
byte mapping_ref = 1;

/* The segment: its notifier, and struct viopf_table. */
byte notifier_seq, kept_seq;
bool table_lock, table_dead, record;
mtype = { NONE, FULL, EMPTY };	/* sets of domains: none yet; with ours; without */
mtype table_set = NONE, iommu_set = FULL;

/* The IOMMU: whether the device is in our domain, its page table and its cache. */
bool attached = true, domain = true, handling;
byte pt, tlb;

/* Ghosts: notifiers that have returned and whose change is not over; UNMAP_DMA has. */
byte closed;
bool unmapped;
byte finished;

/* A process ends here, and stays. */
#define finish	finished++; end: false

/* S1: no DMA where the mm has been told that there is none. */
#define reach()	assert(tlb == pte && !closed); assert(!unmapped)

#ifndef FAIRNESS
active proctype Device()
{
end:	do
	:: atomic { attached && !tlb && pt -> tlb = pt; reach() }
	:: atomic { attached && tlb -> reach() }
	od
}
#endif

/* mn_itree_inv_start_range() and mn_itree_inv_end(), mm/mmu_notifier.c. */
inline invalidate_start()
{
	d_step { active_ranges++; subs_seq = subs_seq | 1 }
}

inline invalidate_end()
{
	active_ranges--;
	if
	:: !active_ranges ->
		subs_seq++;
		in_itree = (in_itree || add_deferred) && !remove_deferred;
		add_deferred = false;
		remove_deferred = false
	:: else
	fi
}

/* viopf_leaf_drop(), table/leaf.c: unmap in the page table; then flush, clear the record. */
#define leaf_unmap()	pt = (record -> 0 : pt)
#ifdef NO_FLUSH
#define leaf_clear()	record = false
#else
#define leaf_clear()	tlb = (record -> 0 : tlb); record = false
#endif

/* viopf_evict(), object/evict.c. From its return on the range is closed. */
inline evict()
{
	d_step { !table_lock ->
		assert(!freed);
		table_lock = true;
#ifndef NO_SET_SEQ
		notifier_seq = subs_seq;
#endif
		leaf_unmap()
	};
	d_step { leaf_clear(); table_lock = false; closed++ }
}

/* The mm takes the page. The process may get another one. */
inline take_page()
{
	pte = 0;
	d_step { closed--; invalidate_end() }
}

inline take()
{
	invalidate_start();
	if
	:: in_itree -> evict()
	:: d_step { !in_itree -> closed++ }
	fi;
	take_page()
}

/* oom_reap_task_mm(), mm/oom_kill.c: gives up where viopf_evict() finds the lock taken. */
inline reap()
{
	invalidate_start();
	if
	:: in_itree -> evict(); take_page()
	:: d_step { !in_itree -> closed++ }; take_page()
#ifdef BUSY_IS_DONE
	:: d_step { in_itree -> closed++ }; take_page()
#else
	:: d_step { in_itree -> invalidate_end() }
#endif
	fi
}

active proctype Eviction()
{
	if
	:: take()
	:: reap()
	fi;
	finish
}

/* The process ends: exit_mmap(), after the last user of the mm. */
active proctype Exit()
{
	users--;
	!users;
	take();
	finish
}

/* mmget_not_zero() and mmput_async(). */
#ifdef NO_MMGET
#define mm_get()	skip
#define mm_put()	skip
#else
#define mm_get()	users++
#define mm_put()	users--
#endif

/* viopf_mapping_find_get(), viopf_mapping_put(), object/mapping.c. */
#ifdef NO_MAPPING_REF
#define mapping_get()	skip
#define mapping_put()	skip
#else
#define mapping_get()	mapping_ref++
#define mapping_put()	mapping_ref--; freed = !mapping_ref
#endif

/* viopf_table_ready(), table/table.c. */
inline table_ready()
{
	assert(!freed);
	table_set = (table_set == NONE -> iommu_set : table_set)
}

#ifdef NO_TABLE_DEAD
#define ready	(table_set == FULL)
#else
#define ready	(!table_dead && table_set == FULL)
#endif

/* viopf_leaf_map(), table/leaf.c. */
inline leaf_map(frame)
{
	assert(domain);
	pt = frame;
#ifndef NO_RECORD
	record = true
#endif
}

/*
 * viopf_snapshot_try(), fault/snapshot.c: with all locks tried, and the mm held.
 * kept_seq is segment->notifier_seq.
 */
inline snapshot_try()
{
	table_ready();
	if
#ifdef NO_KEPT_SEQ
	:: ready && !record && pte -> leaf_map(pte)
#else
	:: ready && !record && pte && notifier_seq == kept_seq -> leaf_map(pte)
#endif
	:: else
	fi
}

/* viopf_iopf_handler(), fault/handler.c. What it does not map a worker does. */
active proctype Handler()
{
	if
	:: atomic { attached && in_container -> handling = true; mapping_get() }
		d_step {
			if
			:: published && users && !table_lock -> snapshot_try()
			:: else
			fi;
			mapping_put();
			handling = false
		}
	:: true
	fi;
	finish
}

mtype = { OK, AGAIN, ENODATA, ENOENT };

/* viopf_segment_create() and viopf_segment_publish(), object/segment.c. */
inline segment_get(ret)
{
	if
	:: published
	:: d_step { !published ->
		if
#ifndef NO_MAPPING_DEAD
		:: mapping_dead -> ret = ENOENT
#endif
		:: else ->
			/* mmu_interval_notifier_insert() */
			notifier_seq = (active_ranges -> subs_seq : subs_seq - 1);
			add_deferred = (active_ranges > 0);
			in_itree = !active_ranges;
			published = true
		fi }
	fi
}

/* The end of viopf_snapshot_map(), fault/snapshot.c, with the segment locked. */
inline snapshot_apply(ret, seq, frame)
{
	table_ready();
	if
#ifndef NO_RETRY
	:: notifier_seq != seq -> ret = AGAIN
	:: notifier_seq == seq ->
#else
	:: true ->
#endif
		kept_seq = seq;
		if
		:: !ready -> ret = ENOENT
		:: ready && record -> ret = OK
		:: ready && !record && !frame -> ret = ENODATA
		:: ready && !record && frame -> leaf_map(frame); ret = OK
		fi
	fi
}

/* viopf_fault_span() and viopf_fault_try(), fault/resolve.c. */
inline fault_span(ret, seq, frame)
{
	do
	:: break			/* viopf_fault_aborted() */
	/* mmu_interval_read_begin() */
	:: atomic { notifier_seq != subs_seq -> seq = notifier_seq };
		frame = pte;		/* hmm_range_fault() */
		atomic {
			if
			:: !table_lock -> snapshot_apply(ret, seq, frame)
#ifndef WAIT_LOCKED
			/* iommu_map() without memory; viopf_back_off(), fault/bring_in.c */
			:: !table_lock && !reclaimed -> ret = AGAIN
#else
			:: !table_lock && !reclaimed -> table_lock = true;
				reclaimed -> table_lock = false; ret = AGAIN
#endif
			fi;
			seq = 0;
			frame = 0;
			if
			:: ret == ENODATA ->
				/* get_user_pages_remote(), fault/bring_in.c */
				assert(users);
				frames = (pte -> frames : frames + 1);
				pte = (pte -> pte : frames)
			:: ret == AGAIN
			:: else -> break
			fi
		}
	od
}

/*
 * viopf_fault_resolve(), fault/resolve.c; viopf_worker_enter() and _leave(), fault/cancel.c.
 * When it begins, its answer may have been given already.
 */
active [WORKERS] proctype Worker()
{
	mtype ret = OK;
	byte seq, frame;

	if
	:: d_step { in_container -> mapping_get() }
		if
		:: d_step { users && !mapping_dead -> mm_get() }
			segment_get(ret);
			if
			:: ret == OK -> fault_span(ret, seq, frame)
			:: else
			fi;
			atomic { ret = OK; mm_put(); mapping_put() }
		:: d_step { !users || mapping_dead -> mapping_put() }
		fi
	:: !in_container
	fi;
	finish
}

/* viopf_mapping_remove(), change/unmap.c. */
inline unmap()
{
	/* viopf_faults_cancel_mapping(), fault/cancel.c */
	mapping_dead = true;
	if
	:: published ->
		/* viopf_segment_kill(), change/retire.c */
		d_step { !table_lock -> table_lock = true; table_dead = true; leaf_unmap() };
		d_step { leaf_clear(); table_lock = false };
#ifndef NO_NOTIFIER_REMOVE
		/* mmu_interval_notifier_remove() */
		d_step {
			if
			:: active_ranges && add_deferred -> add_deferred = false
			:: active_ranges && !add_deferred -> remove_deferred = true; seq = subs_seq
			:: else -> in_itree = false
			fi
		};
		atomic { subs_seq != seq -> seq = 0 }
#endif
	:: !published
	fi;
	d_step { unmapped = true; in_container = false; mapping_ref--; freed = !mapping_ref }
}

/* viopf_group_detach(), change/attach.c. */
inline detach()
{
	/*
	 * viopf_quarantine_group(), change/quarantine.c: the IOMMU driver flushes, and waits for
	 * who reports. viopf_faults_cancel_group(), fault/cancel.c, waits for no worker.
	 */
	d_step { attached = false; tlb = 0 };
	!handling;
	/* viopf_domain_remove() and viopf_segments_use_set(), change/set.c */
	iommu_set = EMPTY;
#ifndef NO_SET_WALK
	if
	:: d_step { in_container && published && !table_lock ->
		leaf_unmap();
		leaf_clear();
		table_set = EMPTY }
	:: !in_container || !published
	fi;
#endif
	domain = false
}

active proctype Client()
{
	byte seq;

	do
	:: !unmapped -> unmap()
	:: domain -> detach()
	:: unmapped && !domain -> break
	od;
	finish
}

active proctype End()
{
	finished == 4 + WORKERS;
	assert(!pt && !tlb && !record);
	assert(freed && !users && !pte && !in_itree);
	assert(!table_lock)
}

ltl all_end { <> (finished == 4 + WORKERS) }
