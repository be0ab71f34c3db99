/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An IOMMU that does not do what it is asked to: it refuses to unmap, or takes the page beside
 * it along, of another segment. What it still has is kept from reuse until the devices are
 * cut off (table/leaf.c, table/hold.c, change/quarantine.c).
 *
 * There are two segments of a page each, each with two frames; a device faults in each, the mm
 * takes each page once, and segment 1 is unmapped. A third segment, of which nothing is seen
 * here, may fail at any time. The IOMMU misbehaves twice at the most. tlb is what devices may
 * still use: until it is flushed, whatever the page table (pt) says.
 *
 * Shown: a frame that devices reach is not freed; what was kept is given back, once, unless an
 * unmap that was under way when the container failed has taken it along, which is lost; of a
 * failed container nothing is unmapped any more; each request has an answer; a failed
 * container ends with an empty record.
 *
 * MUTANT NO_COMPARE	tlb[
 * MUTANT NO_REFERENCE	tlb[
 * MUTANT PUT_FIRST	tlb[
 * MUTANT NO_HOLD_FLUSH	tlb[
 * MUTANT NO_HOLD_INSTEAD	before
 * MUTANT NOT_READY	!(rec[
 * MUTANT NO_QUARANTINE	kept[
 */
mtype = { NONE, SUCCESS, INVALID, FAILURE };

/* Each mm: the frame that the process has, or 0; references of ours on each frame. */
byte cpu[2], refs[5];
bool changing[2], taken[2], notified[2] = true;

/* Each segment, by its lock. */
bool table_lock[2], rec[2], dead[2], kept[2];
byte found[2], lost;			/* table->nr_kept */
byte pt[2], tlb[2];

bool container_lock, failed, queued, cut, in_tree = true;
byte misdeeds = 2;
mtype answer[2] = NONE;

inline lock(l)		{ atomic { !l; l = true } }
inline unlock(l)	{ l = false }

/* The process, or we, have just given up a frame of segment t's page. */
inline mm_put(t, f)
{
	assert(!f || cpu[t] == f || refs[f] || cut || (pt[t] != f && tlb[t] != f))
}

inline flush_all()
{
	d_step { tlb[0] = pt[0]; tlb[1] = pt[1] }	/* iommu_flush_iotlb_all() */
}

/* iommu_unmap(): exact is what it says that it did. */
inline iommu_unmap(t)
{
	atomic {
		/* nothing is unmapped of what had failed before we looked */
		assert(!before);
		if
		:: exact = (pt[t] != 0); pt[t] = 0
		:: misdeeds -> misdeeds--; exact = false
		:: misdeeds && pt[1 - t] ->
			misdeeds--;
			exact = false;
			pt[t] = 0;
			pt[1 - t] = 0
		fi
	}
}

/* viopf_hold_pages(), table/hold.c */
inline hold_pages(t)
{
	if
	:: !kept[t] ->
		failed = true;			/* xchg(), before it looks */
		d_step {			/* viopf_hold_each() */
			found[t] = 0;
			if
			:: rec[t] && pt[t] -> skip;
#ifndef NO_REFERENCE
				found[t] = pt[t];
				refs[pt[t]]++
#endif
			:: else
			fi
		}
#ifndef NO_HOLD_FLUSH
		flush_all();
#endif
		kept[t] = true;
		queued = true			/* quarantine_work */
	:: else
	fi
}

/* viopf_leaf_drop_kind(), table/leaf.c, and what it calls. */
inline leaf_drop(t)
{
	if
	:: !rec[t] -> skip
	:: rec[t] ->
		atomic { before = failed; refused = false }
		if				/* viopf_hold_instead() */
#ifndef NO_HOLD_INSTEAD
		:: before || kept[t] -> hold_pages(t)
		:: !before && !kept[t] ->
#else
		:: true ->
#endif
			iommu_unmap(t);		/* viopf_leaf_unmap() */
			tlb[t] = pt[t];		/* iommu_iotlb_sync(): of what was asked for */
			if
#ifdef NO_COMPARE
			:: true -> rec[t] = false
#else
			:: exact -> rec[t] = false	/* viopf_leaf_clear() */
			:: else ->		/* viopf_leaf_reconcile() */
				refused = failed;
				do
				:: refused -> break
				:: !refused && !pt[t] -> rec[t] = false; break
				:: !refused && pt[t] ->	/* viopf_leaf_force() */
					iommu_unmap(t);
					refused = (pt[t] != 0)
				od;
				flush_all();
				if
				:: refused -> hold_pages(t)
				:: else
				fi
#endif
			fi
		fi;
		atomic { before = false; refused = false; exact = false }
	fi
}

/* viopf_quarantine(), change/quarantine.c, with container->lock. */
inline quarantine()
{
	byte q;

#ifndef PUT_FIRST
	cut = true;				/* viopf_quarantine_group() */
#endif
	q = 0;
	do					/* viopf_hold_release(), table/hold.c */
	:: q < 2 ->
		atomic {
			!table_lock[q];
			if
			:: q == 0 || in_tree -> release(q)
			:: else
			fi;
			q++
		}
	:: q == 2 -> break
	od;
	q = 0;
#ifdef PUT_FIRST
	cut = true
#endif
}

inline release(t)
{
	d_step {
		if
		:: kept[t] && found[t] && pt[t] == found[t] ->
			assert(refs[found[t]]);
			refs[found[t]]--;
			mm_put(t, found[t])
		:: kept[t] && found[t] && pt[t] != found[t] -> lost++	/* viopf_hold_put() */
		:: else
		fi;
		found[t] = 0;
		kept[t] = false;
		rec[t] = false
	}
}

/* A worker with a request in segment t: fault/resolve.c, fault/snapshot.c. */
proctype fault(byte t)
{
	byte f;
	bool seq;

again:
	atomic {				/* viopf_snapshot_take() */
		!(changing[t] && taken[t]);
		seq = taken[t];
		if
		:: cpu[t] == 0 -> cpu[t] = 2 * t + 1 + (refs[2 * t + 1] != 0)
		:: else
		fi;
		f = cpu[t]
	}
	lock(table_lock[t]);
	if
	:: taken[t] != seq -> unlock(table_lock[t]); goto again
	:: else
	fi;
	if					/* viopf_table_ready() */
#ifndef NOT_READY
	:: failed || kept[t] -> answer[t] = FAILURE
	:: dead[t] && !failed && !kept[t] -> answer[t] = INVALID
	:: !dead[t] && !failed && !kept[t] ->
#else
	:: dead[t] -> answer[t] = INVALID
	:: !dead[t] ->
#endif
		if
		:: rec[t] && !pt[t] ->		/* viopf_leaf_recheck() */
			if
			:: failed -> hold_pages(t)
			:: else -> rec[t] = false; flush_all()
			fi
		:: else
		fi;
		atomic {
			if
			:: !rec[t] && !pt[t] && !kept[t] -> pt[t] = f; tlb[t] = f; rec[t] = true
			:: else
			fi;
			answer[t] = SUCCESS
		}
	fi;
	unlock(table_lock[t])
}

/* The mm takes the page: object/evict.c. */
proctype evict(byte t)
{
	byte old;
	bool before, refused, exact;

	atomic {
		changing[t] = true;
		if
		:: !notified[t] -> goto change
		:: else
		fi
	}
	lock(table_lock[t]);
	taken[t] = true;
	leaf_drop(t);
	unlock(table_lock[t]);
change:
	atomic {
		old = cpu[t];
		cpu[t] = 0;
		mm_put(t, old);
		old = 0;
		changing[t] = false
	}
}

/* viopf_hold_pages() of another segment */
proctype third()
{
	if
	:: atomic { failed = true; queued = true }
	:: true
	fi
}

/* viopf_quarantine_work() */
proctype work()
{
end:
	do
	:: atomic { queued && !container_lock; queued = false; container_lock = true };
		quarantine();
		unlock(container_lock)
	od
}

/* UNMAP_DMA of segment 1: viopf_segment_kill(), change/retire.c */
proctype unmap()
{
	bool before, refused, exact;

	lock(container_lock);
	lock(table_lock[1]);
	dead[1] = true;
	leaf_drop(1);
	before = kept[1];
	unlock(table_lock[1]);
#ifndef NO_QUARANTINE
	if
	:: before -> quarantine()
	:: else
	fi;
#endif
	atomic { before = false; notified[1] = false };
	atomic { !changing[1]; in_tree = false };
	unlock(container_lock)
}

init
{
	atomic {
		/* segment 0 has faulted before */
		cpu[0] = 1;
		pt[0] = 1;
		tlb[0] = 1;
		rec[0] = true;
		run fault(0);
		run fault(1);
		run evict(0);
		run evict(1);
		run third();
		run work();
		run unmap()
	}
	timeout;
	assert(answer[0] != NONE && answer[1] != NONE);
	assert(!kept[0] && !kept[1]);
	assert(!failed || !rec[0] && !rec[1]);
	assert(refs[1] + refs[2] + refs[3] + refs[4] == lost)
}
