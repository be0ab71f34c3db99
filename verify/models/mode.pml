/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Demand paging is turned off and on, a page at a time, while devices fault in it and the mm
 * evicts it; then its mapping is unmapped. Who does what is in change/mode.c, change/pin.c and
 * change/retire.c, against fault/snapshot.c, fault/merge.c and object/evict.c.
 *
 * There is one page, and frames that it may be in. A frame is free when neither the process
 * nor a pin has it. Devices are at their worst: what the IOMMU has they use at once, and
 * until it is flushed (tlb). So the property "no access through a translation after the
 * notifier has returned" is looked at where a frame is freed.
 *
 * Also shown: record and IOMMU agree when the lock is free, and so do pins; each pin is given
 * back once; each of the two requests has one answer, which is true; nobody is left waiting.
 * Everything here ends, so that an answer for each is looked at in the end.
 *
 * MUTANT NO_RETRY	tlb!=old
 * MUTANT NO_FLUSH	tlb==iommu
 * MUTANT DROP_PINNED	pinned
 * MUTANT INSTALL_NO_DROP	iommu==0
 * MUTANT BIT_LATE	pins[1]
 * MUTANT NO_UNDO	pins[1]
 * MUTANT UNPIN_EARLY	tlb!=old
 * MUTANT NOT_DEAD	!(iommu)
 * MUTANT MERGE_UNLOCKED	violated rec
 */
#define FRAMES	2

mtype = { NONE, SUCCESS, INVALID };

/* The mm, and its notifiers (mm/mmu_notifier.c). */
byte cpu;				/* the frame that the process has; 0: none */
byte pins[FRAMES + 1];			/* FOLL_PIN */
byte seq, sub_seq, changing;		/* odd: something is being invalidated */
bool notified = true;			/* our notifier is there */

/* The segment, by table_lock. */
bool table_lock, rec, pinned, dead;
byte iommu, tlb;

/* The rest. */
bool fault_lock, mapping_dead;
bool queued;				/* request 1 is in line, for others to answer */
bool working[2];			/* from viopf_worker_enter() to _leave() */
mtype answer[2] = NONE;

inline lock(l)		{ atomic { !l; l = true } }
inline unlock(l)	{ l = false }

/* What holds when the segment's lock is free. */
inline table_check()
{
	assert(rec == (iommu != 0) && tlb == iommu);	/* S2; flushed */
	assert(!pinned || (rec && pins[iommu]))
}

inline table_unlock()
{
	atomic { table_check(); unlock(table_lock) }
}

/* Called in a step that has just taken a frame from the process, or unpinned it. */
inline mm_put(f)
{
	assert(f == 0 || f == cpu || pins[f] || (iommu != f && tlb != f))
}

/* A page fault of the process, or get_user_pages(): a frame that is nobody's. */
inline bring_in()
{
	if
	:: cpu == 0 ->
		cpu = 1;
		do
		:: pins[cpu] -> cpu++
		:: else -> break
		od
	:: else
	fi
}

/* viopf_answer_send(), by whoever has claimed the request. */
inline send(r, code)
{
	assert(answer[r] == NONE);
	answer[r] = code
}

/* viopf_leaf_drop(), table/leaf.c: VIOPF_LEAVES_UNPINNED. */
inline leaf_drop()
{
	d_step { if
#ifdef DROP_PINNED
	:: rec ->
#else
	:: rec && !pinned ->
#endif
		iommu = 0;		/* iommu_unmap_fast() */
#ifndef NO_FLUSH
		tlb = 0;		/* iommu_iotlb_sync() */
#endif
		rec = false
	:: else
	fi }
}

/* iommu_map(), as viopf_leaf_enter() calls it where nothing is mapped. */
inline leaf_map(f)
{
	d_step {
		assert(iommu == 0);
		iommu = f;
		tlb = f;
		rec = true
	}
}

/*
 * viopf_merge_answer(), fault/merge.c: what else is asked for here is answered, if it is
 * mapped, and if it is still in line.
 */
inline merge_answer()
{
	bool satisfied;

#ifdef MERGE_UNLOCKED
	satisfied = rec;
#else
	lock(table_lock);
	satisfied = rec && !dead;	/* viopf_merge_satisfied() */
#endif
	lock(fault_lock);
	if
	:: satisfied && queued ->
		queued = false;
		assert(rec);		/* it is true when it is promised */
		unlock(fault_lock);
#ifndef MERGE_UNLOCKED
		table_unlock();
#endif
		atomic { send(1, SUCCESS) }
	:: else ->
		unlock(fault_lock);
#ifndef MERGE_UNLOCKED
		table_unlock()
#endif
	fi
}

/* A worker with request r: viopf_fault_resolve(), fault/resolve.c. */
proctype fault(byte r)
{
	byte s, f;
	mtype code = INVALID;

	/* viopf_worker_next(): off the queue; viopf_worker_enter() */
	atomic {
		!fault_lock;
		if
		:: r == 1 && !queued -> goto out	/* merged */
		:: else
		fi;
		if
		:: r == 1 -> queued = false
		:: else
		fi;
		if
		:: mapping_dead -> goto respond
		:: else -> working[r] = true
		fi
	}
again:
	/* viopf_snapshot_take(): mmu_interval_read_begin(), hmm_range_fault() */
	s = sub_seq;
	s != seq || !(seq & 1);
	f = cpu;
	if
	:: f == 0 ->
		atomic { bring_in(); s = 0 }		/* viopf_fault_bring_in(); looks again */
		goto again
	:: else
	fi;

	/* viopf_snapshot_map() */
	atomic {
		!table_lock;
		if
#ifndef NO_RETRY
		:: sub_seq != s -> goto again	/* mmu_interval_read_retry() */
#endif
		:: dead -> goto leave		/* viopf_table_ready() */
		:: else
		fi;
		if
		:: !rec -> leaf_map(f)		/* viopf_snapshot_apply() */
		:: else				/* -EALREADY */
		fi;
		code = SUCCESS;
		table_check();
		s = 0;
		f = 0
	}
	if
	:: r == 0 -> merge_answer()
	:: else
	fi;
leave:
	atomic { !fault_lock; working[r] = false; s = 0; f = 0 }	/* viopf_worker_leave() */
respond:
	/* viopf_worker_respond(): unless UNMAP_DMA has answered */
	atomic {
		!fault_lock;
		if
		:: answer[r] == NONE -> send(r, code)
		:: else
		fi
	}
out:
	skip
}

/* The mm takes the page: viopf_evict(), object/evict.c, and what the mm does around it. */
proctype evict(bool zaps)
{
	byte old;

	/* mn_itree_inv_start_range() */
	atomic {
		changing++;
		if
		:: changing == 1 -> seq++
		:: else
		fi;
		if
		:: !notified -> goto change
		:: else
		fi
	}
	atomic {
		!table_lock;
		sub_seq = seq;			/* mmu_interval_set_seq() */
		leaf_drop();			/* viopf_evict_range() */
		table_check()
	}
change:
	/* Reclaim leaves alone what is pinned (folio_maybe_dma_pinned()); munmap() does not. */
	atomic {
		old = cpu;
		if
		:: zaps || !pins[cpu] ->
			cpu = 0;
			mm_put(old)
		:: else
		fi;
		old = 0
	}
	/* mn_itree_inv_end() */
	atomic {
		changing--;
		if
		:: changing == 0 -> seq++
		:: else
		fi
	}
}

/* viopf_pin_hole(), change/pin.c, with container->lock. */
inline pin_hole()
{
	atomic { bring_in(); f = cpu; pins[f]++ }	/* viopf_pin_get() */
	do					/* viopf_pin_install_patiently() */
	:: true ->
		lock(table_lock);
#ifndef INSTALL_NO_DROP
		leaf_drop();
#endif
		if
		:: leaf_map(f);
#ifndef BIT_LATE
			pinned = true;
#endif
			table_unlock();
#ifdef BIT_LATE
			pinned = true;
#endif
			break
		:: !shortage ->			/* viopf_leaf_map_pages(): -ENOMEM */
			shortage = true;
			table_unlock()
		:: table_unlock();		/* the same, and killed: viopf_pin_undo() */
#ifndef NO_UNDO
			atomic { pins[f]--; mm_put(f) };
#endif
			break
		fi
	od;
	shortage = false
}

/* viopf_unpin_range(), the same. */
inline unpin_range()
{
	lock(table_lock);			/* viopf_unpin_unmap() */
	f = 0;
	if
	:: pinned ->
		f = iommu;			/* viopf_unpin_find_run() */
#ifdef UNPIN_EARLY
		atomic { pins[f]--; mm_put(f); f = 0 };
#endif
		pinned = false;
		leaf_drop()
	:: else
	fi;
	table_unlock();
	if
	:: f -> atomic { pins[f]--; mm_put(f); f = 0 }	/* viopf_unpin_runs() */
	:: else
	fi
}

/* UNMAP_DMA: viopf_mapping_remove(), change/unmap.c. */
inline unmap()
{
	/* viopf_faults_cancel_mapping(): no more come, and those at work are answered */
	atomic {
		!fault_lock;
		mapping_dead = true;
		f = 0;
		do
		:: f < 2 ->
			if
			:: working[f] && answer[f] == NONE -> send(f, INVALID)
			:: else
			fi;
			f++
		:: f == 2 -> break
		od
	}
	/* viopf_segment_kill(), change/retire.c */
	atomic {
		!table_lock;
#ifndef NOT_DEAD
		dead = true
#endif
	}
	unpin_range();
	atomic { !table_lock; leaf_drop(); table_check() }	/* viopf_segment_set_dead() */
	/* mmu_interval_notifier_remove() waits for what has begun */
	notified = false;
	!(seq & 1)
}

/*
 * The ioctls that have container->lock, so that one follows the other: DISABLE and ENABLE
 * (viopf_mode_update(), change/mode.c), or not, and UNMAP_DMA at any time between them.
 */
proctype ioctls()
{
	byte f;
	bool shortage;

	if
	:: pin_hole();
		if
		:: unpin_range()
		:: true
		fi
	:: true
	fi;
	unmap()
}

init
{
	atomic {
		queued = true;
		run fault(0);
		run fault(1);
		run evict(false);
		run evict(true);
		run ioctls()
	}
	_nr_pr == 1;
	assert(answer[0] != NONE && answer[1] != NONE);
	assert(!rec && !iommu && !tlb && !pinned);
	assert(!pins[1] && !pins[2])
}
