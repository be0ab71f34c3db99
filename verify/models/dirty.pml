/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dirty tracking: no write of a device is lost, neither by whoever migrates the memory nor by
 * swap. Tracking is turned on, perhaps off and on, bits are taken, at the end by one more
 * look or along with UNMAP_DMA (change/dirty.c, change/dirty_report.c, table/dirty_bits.c),
 * while two devices fault and write (fault/snapshot.c, fault/apply.c), the page is pinned or
 * not (change/pin.c), and the mm evicts it twice.
 *
 * There is one page. What is written into it is a number that grows, so that content is
 * compared with how many writes there were. User space does as it should: it copies all once
 * tracking is on, and then what is reported. It looks a last time when the devices are done,
 * or unmaps at any time.
 *
 * What a segment's lock guards is one step, but where bits are taken.
 *
 * Shown, too: tracking begins anew with nothing dirty but what is pinned. That is why what is
 * writable is dropped; that no write is lost needs it less, as the bits of what stays
 * writable stay set.
 *
 * iommu, and tlb for what has not been flushed yet, are what devices may do: READ, WRITE.
 * The record is the same as iommu while the segment's lock is free.
 *
 * MUTANT NO_DROP	!(dirty)
 * MUTANT NO_FLUSH	copied==
 * MUTANT RESET_ALL	copied==
 * MUTANT NO_MARK	copied==
 * MUTANT PIN_UNMARKED	copied==
 * MUTANT START_LATE	copied==
 * MUTANT START_UNDROPPED	!(dirty)
 * MUTANT REPORT_EARLY	copied==
 * MUTANT EVICT_CLEARS	copied==
 * MUTANT FOLIO_CLEAN	copied==
 */
#define READ	1
#define WRITE	2

/* The mm: is the page there, is it dirty, and what is in it and in swap. */
bool resident, folio_dirty, pinned_folio, changing;
byte memory, swap;
byte seq;

/* The segment, by table_lock; and container->dirty_tracking, with segments_lock. */
bool table_lock, segments_lock, exists, dead, pinned;
bool has_bits, dirty;
byte iommu, tlb;
bool tracking;

byte writes, done, copied;

#define content()	(resident -> memory : swap)

inline lock(l)		{ atomic { !l; l = true } }
inline unlock(l)	{ l = false }

inline bring_in()
{
	if
	:: !resident -> resident = true; memory = swap; folio_dirty = false
	:: else
	fi
}

/* iommu_unmap_fast(), then iommu_iotlb_sync(), with the lock held. */
inline leaf_drop()
{
	d_step {
		if
		:: iommu && !pinned ->
			iommu = 0;
			tlb = 0
		:: else
		fi
	}
}

/* viopf_leaf_drop_writable(), table/leaf.c */
inline drop_writable()
{
	d_step {
		if
		:: iommu == WRITE && !pinned ->
			iommu = 0;
#ifndef NO_FLUSH
			tlb = 0
#endif
		:: else
		fi
	}
}

/* viopf_dirty_bits_reset(), table/dirty_bits.c */
inline bits_reset()
{
#ifdef RESET_ALL
	dirty = false;
#else
	dirty = (iommu == WRITE);
#endif
	assert(!dirty || pinned)
}

/* viopf_piece_map(), fault/apply.c, or viopf_pin_install() */
inline leaf_map(what)
{
	iommu = what;
	tlb = what;
	if
	:: what == WRITE ->
#ifndef FOLIO_CLEAN
		folio_dirty = true;
#endif
#ifndef NO_MARK
		dirty = dirty || has_bits
#endif
	:: else
	fi
}

/* A worker, for a device that wants to do something. */
inline fault(want)
{
	/* viopf_segment_publish(), object/segment.c */
	atomic {
		!segments_lock;
		if
		:: !exists -> exists = true; has_bits = tracking
		:: else
		fi
	}
	/* viopf_snapshot_take(): read_begin(), and a look */
	atomic { !changing; s = seq; bring_in() }
	atomic {				/* viopf_snapshot_map() */
		!table_lock;
		if
		:: dead || seq != s || iommu >= want
		:: else ->
			/* viopf_pfn_writable(): unasked only if that makes nothing dirty */
			if
			:: want == READ && !has_bits && folio_dirty -> may = WRITE
			:: else -> may = want
			fi;
			leaf_map(may)
		fi;
		s = 0;
		may = 0
	}
}

/* A device writes as often as it may; it asks for its page whenever it has to. */
proctype device(byte left)
{
	byte s, may;

	do
	:: atomic { left && tlb == WRITE -> assert(resident); memory++; writes++; left-- }
	:: left && tlb != WRITE && !dead -> fault(WRITE)
	:: left && !tlb && !dead -> fault(READ)
	:: left == 0 || dead -> break
	od;
	done++
}

/* object/evict.c, and what reclaim does around it. */
proctype evict()
{
	atomic { !changing; changing = true }
	atomic {
		!table_lock;
		seq++;				/* mmu_interval_set_seq() */
		leaf_drop();
#ifdef EVICT_CLEARS
		dirty = false
#endif
	}
	atomic {
		if
		:: resident && !pinned_folio ->
			swap = (folio_dirty -> memory : swap);
			folio_dirty = false;
			resident = false
		:: else
		fi;
		changing = false
	}
}

/* viopf_dirty_start(), change/dirty.c */
inline start()
{
#ifndef START_LATE
	tracking = true;
#endif
	lock(segments_lock);
	if
	:: exists && !has_bits ->		/* viopf_dirty_bits_start() */
		atomic {
			!table_lock;
			has_bits = true;
#ifndef START_UNDROPPED
			drop_writable();
#endif
			bits_reset()
		}
	:: else
	fi;
	unlock(segments_lock);
#ifdef START_LATE
	tracking = true;
#endif
	copied = content()			/* all of it */
}

/* viopf_dirty_stop() */
inline stop()
{
	tracking = false;
	atomic { !segments_lock && !table_lock; has_bits = false; dirty = false }
}

/* viopf_dirty_take(), for DIRTY_PAGES and UNMAP_DMA */
inline take()
{
	lock(table_lock);
#ifndef NO_DROP
	drop_writable();
#endif
	reported = has_bits && dirty;
	bits_reset();
	unlock(table_lock)
}

/* User space reads what it was told of. */
inline copy()
{
	if
	:: reported -> copied = content()
	:: else
	fi;
	reported = false
}

/* viopf_pin_hole(), change/pin.c */
inline pin()
{
	atomic { bring_in(); pinned_folio = true }
	atomic {				/* viopf_pin_install() */
		!table_lock;
		leaf_drop();
#ifndef PIN_UNMARKED
		dirty = dirty || has_bits;
#endif
		iommu = WRITE;
		tlb = WRITE;
		pinned = true
	}
}

/* viopf_unpin_range(): unpin_user_page_range_dirty_lock() has it dirty */
inline unpin()
{
	atomic {
		!table_lock;
		if
		:: pinned -> pinned = false; leaf_drop()
		:: else
		fi
	}
	atomic {
		if
		:: pinned_folio -> folio_dirty = true; pinned_folio = false
		:: else
		fi
	}
}

/* viopf_segment_kill(), change/retire.c */
inline kill()
{
	atomic { !table_lock; dead = true };
	unpin();
	atomic { !table_lock; leaf_drop() }
}

/* User space, and the ioctls, which have container->lock. */
proctype migrate()
{
	bool reported;

	start();
	if
	:: stop(); start()
	:: exists -> pin()
	:: true
	fi;
	take();
	copy();
	if
	:: unpin()
	:: exists && !pinned -> pin()
	:: true
	fi;
	if
	:: done == 2 -> take(); copy()
	:: true ->				/* viopf_mapping_remove_reported() */
#ifdef REPORT_EARLY
		take();
#endif
		kill();
#ifndef REPORT_EARLY
		take();
#endif
		copy();
		done == 2
	fi;
	assert(copied == content());
	stop()
}

init
{
	atomic {
		run device(2);
		run device(1);
		run evict();
		run evict();
		run migrate()
	}
	_nr_pr == 1;
	assert(content() == writes)
}
