/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hand-over: a mapping's address goes and another one comes, while devices ask for its page
 * and both processes' memory is evicted. UNMAP_DMA with VFIO_DMA_UNMAP_FLAG_VADDR, then
 * MAP_DMA with VFIO_DMA_MAP_FLAG_VADDR, which may fail and be tried again (change/vaddr.c,
 * change/retire.c); two workers with a request each (fault/resolve.c, fault/cancel.c,
 * fault/waiting.c); and UNMAP_DMA at the end, or instead, or never.
 *
 * There is one page. Mapping, mm and segment are 0 for the old address and 1 for the new
 * one. Each mm has two frames for the page; devices use what the IOMMU has until it is
 * flushed (tlb). Tracking of dirty pages is on: what is mapped may be written at once.
 *
 * What a segment's lock guards is one step here.
 *
 * Shown: nothing is freed that devices reach; a pinned page stays where it is through the
 * hand-over; nothing is mapped twice at an address; no segment is left behind; what may have
 * been written is known to be dirty; a request gets one answer, and INVALID only if
 * UNMAP_DMA came, or the process went; and all are answered in the end, but for those that wait for an address
 * that never comes.
 *
 * MUTANT ENTER_ANYHOW	group[g]==
 * MUTANT PARK_UNLOCKED	group[g]==
 * MUTANT NO_RESUME	group[g]==
 * MUTANT NOT_SUPERSEDED	group[g]!=
 * MUTANT OLD_ALIVE	exists[1]
 * MUTANT UNPINNED_TOO	pins[iommu]
 * MUTANT ONE_BY_ONE	!(pinned[1])
 * MUTANT DIRTY_LEFT	written
 * MUTANT DIRTY_DISCARDED	written
 */
#define OLD	0
#define NEW	1
#define GONE	2

mtype = { QUEUED, WORKING, PARKED, SUCCESS, INVALID };

/* Of each mm: the frame that the process has, or 0; and its notifier. */
byte cpu[2];
bool changing[2];		/* it is invalidating */
bool taken[2];			/* mmu_interval_set_seq() */
bool notified[2];
bool stuck;			/* the old mm's page comes from a userfaultfd nobody serves */
bool exited;			/* nobody has the old mm any more */
byte pins[5];

/* Of each mapping, by fault_lock, and segments_lock for some. */
byte tree = OLD;
bool dead[2], invalid, superseded, dirty_all[2];

/* Of each segment, by its lock. */
bool exists[2], table_dead[2], rec[2], pinned[2], dirty[2];
byte iommu, tlb;

/* The requests, and the workers that take them: one each. */
mtype group[2] = QUEUED;
bool aborted[2], suspended[2], answered[2];
byte in[2] = GONE;		/* worker->mapping */

bool must_pin;			/* viopf_mapping_is_pinned() */
bool written, unmapped, ended;

inline check(m)
{
	assert(rec[OLD] + rec[NEW] == (iommu != 0) && tlb == iommu);
	assert(!pinned[m] || (rec[m] && pins[iommu]))
}

/* The step that takes a frame away has just been. */
#define freed(f)	(f && cpu[(f - 1) / 2] != f && !pins[f])
inline mm_put(f)
{
	assert(!freed(f) || (iommu != f && tlb != f))
}

inline bring_in(m)
{
	if
	:: cpu[m] == 0 -> cpu[m] = 2 * m + 1 + (pins[2 * m + 1] != 0)
	:: else
	fi
}

inline leaf_drop(m)
{
	d_step {
		if
		:: rec[m] && !pinned[m] ->
			iommu = 0;
			tlb = 0;
			rec[m] = false
		:: else
		fi
	}
}

inline leaf_map(m, f)
{
	assert(iommu == 0);
	iommu = f;
	tlb = f;
	rec[m] = true;
	dirty[m] = true;		/* viopf_dirty_bits_mark() */
	written = true
}

/* viopf_segment_create(), object/segment.c, and mmu_interval_notifier_insert() */
inline publish(m)
{
	exists[m] = true;
	notified[m] = true
}

inline answer(g, code)
{
	assert(group[g] == WORKING || group[g] == PARKED);
	group[g] = code
}

/* viopf_fault_as_owner(), fault/resolve.c: in mapping m, whose mm is kept. */
inline fault_in()
{
	/* viopf_segment_get(): published under segments_lock */
	atomic {
		if
		:: !exists[m] && dead[m] -> goto leave
		:: !exists[m] && !dead[m] -> publish(m)
		:: else
		fi
	}
	do
	:: true ->
		atomic {	/* mmu_interval_read_begin(), hmm_range_fault() */
			aborted[w] || !(changing[m] && taken[m]);
			if
			:: aborted[w] -> goto leave	/* viopf_fault_aborted() */
			:: else
			fi;
			seq = taken[m];
			f = cpu[m]
		}
		if
		:: !f && m == OLD && stuck ->
			aborted[w]		/* killed in the mm */
		:: !f && !(m == OLD && stuck) ->
			atomic { bring_in(m) }
		:: f ->
			atomic {		/* viopf_snapshot_map() */
				if
				:: taken[m] != seq ->	/* mmu_interval_read_retry() */
					f = 0
				:: else ->
					if
					:: table_dead[m] -> goto leave
					:: else
					fi;
					if
					:: !rec[m] -> leaf_map(m, f)
					:: else
					fi;
					check(m);
					found = true;
					goto leave
				fi
			}
		fi
	od
}

/* viopf_vaddr_wait(), fault/waiting.c */
inline vaddr_wait()
{
#ifdef PARK_UNLOCKED
	if
	:: m == OLD && invalid ->
		atomic { !answered[w] -> group[w] = PARKED; goto finish }
	:: else
	fi;
#endif
	atomic {
		if
#ifndef NOT_SUPERSEDED
		:: !answered[w] && ((m == OLD && superseded) || suspended[w]) ->
#else
		:: !answered[w] && suspended[w] ->
#endif
			group[w] = QUEUED;	/* viopf_faults_queue() */
			goto finish
		:: !answered[w] && m == OLD && invalid && !superseded && !suspended[w] ->
			group[w] = PARKED;	/* viopf_waiting_add() */
			goto finish
		:: else
		fi
	}
}

/* A worker, which takes its request whenever that is in line. */
proctype worker(byte w)
{
	byte m, f;
	bool found, seq;

end:
	atomic {				/* viopf_worker_next() */
		group[w] == QUEUED;
		group[w] = WORKING;
		answered[w] = false;
		found = false
	}
	atomic {				/* viopf_mapping_find_get() */
		m = tree;
		if
		:: m == GONE -> goto respond
		:: else
		fi
	}
	atomic {				/* viopf_worker_enter() */
#ifdef ENTER_ANYHOW
		if
		:: dead[m] || aborted[w] || (m == OLD && exited) -> goto wait
#else
		if
		:: dead[m] || (m == OLD && (invalid || exited)) || aborted[w] -> goto wait
#endif
		:: else -> in[w] = m
		fi
	}
	fault_in();
leave:
	atomic {				/* viopf_worker_leave() */
		in[w] = GONE;
		f = 0;
		seq = false;
		if
		:: found -> goto respond	/* nobody looks for it now */
		:: else
		fi
	}
wait:
	vaddr_wait();
respond:
	atomic {				/* viopf_worker_respond() */
		if
		:: !answered[w] && found -> answer(w, SUCCESS)
		:: !answered[w] && !found -> answer(w, INVALID)
		:: else
		fi;
		answered[w] = true;
finish:						/* viopf_worker_finish() */
		aborted[w] = false;
		suspended[w] = false;
		m = 0;
		f = 0;
		seq = false;
		found = false;
		goto end
	}
}

/* An mm takes the page: object/evict.c. The old one's may go with its process. */
proctype evict(byte m)
{
	byte old;

end:
	atomic { notified[m]; changing[m] = true }
	atomic {
		taken[m] = true;
		leaf_drop(m);
		check(m)
	}
	atomic {
		old = cpu[m];
		cpu[m] = 0;
		mm_put(old);
		old = 0;
		changing[m] = false
	}
}

/* viopf_segment_set_dead(), change/retire.c */
inline set_dead(m)
{
	atomic { table_dead[m] = true; leaf_drop(m); check(m) }
}

/* mmu_interval_notifier_remove(): from here on we are told nothing. */
inline notifier_remove(m)
{
	notified[m] = false;
	atomic {
		!changing[m];
		assert(!iommu || pins[iommu] || (iommu - 1) / 2 != m)
	}
}

/* viopf_segment_kill() */
inline kill(m)
{
	atomic {				/* and viopf_unpin_unmap() */
		table_dead[m] = true;
		f = 0;
		if
		:: pinned[m] -> f = iommu; pinned[m] = false; leaf_drop(m)
		:: else
		fi
	}
	if
	:: f -> atomic { pins[f]--; mm_put(f); f = 0 }
	:: else
	fi;
	set_dead(m);
	notifier_remove(m)
}

/* viopf_faults_suspend(), fault/cancel.c */
inline suspend()
{
	atomic {
		invalid = true;
		for (w : 0 .. 1) {
			if
			:: in[w] == OLD ->
				suspended[w] = true;
				aborted[w] = true
			:: else
			fi
		}
	}
}

/* viopf_vaddr_prepare(), change/vaddr.c */
inline prepare()
{
	if
	:: exists[OLD] -> atomic { publish(NEW) }
	:: else
	fi;
	if
	:: must_pin ->
		set_dead(OLD);
		if
		:: !pinned[OLD] ->		/* viopf_mode_pin_segment(), change/mode.c */
			atomic {
				publish(NEW);
				bring_in(NEW);
				f = cpu[NEW];
				pins[f]++
			}
			atomic {		/* viopf_pin_install() */
				leaf_drop(NEW);
				leaf_map(NEW, f);
				pinned[NEW] = true;
				f = 0
			}
		:: else
		fi
	:: else
	fi
}

/* The counterparts go again, and the old mapping waits as before. */
inline discard()
{
	kill(NEW);
	atomic {
		exists[NEW] = false;
		table_dead[NEW] = false;
		dirty[NEW] = false;
#ifndef DIRTY_DISCARDED
		dirty_all[OLD] = dirty_all[OLD] || must_pin;
#endif
		table_dead[OLD] = false
	}
	atomic { dead[OLD] = false }
}

/* viopf_segment_hand_over(), change/retire.c */
inline hand_over()
{
	assert(exists[NEW]);
#ifndef UNPINNED_TOO
	set_dead(OLD);
#else
	table_dead[OLD] = true;
#endif
	atomic {				/* with both locks */
		rec[NEW] = rec[NEW] || rec[OLD];
		rec[OLD] = false;
#ifdef ONE_BY_ONE
	}
	atomic {
#endif
		pinned[NEW] = pinned[NEW] || pinned[OLD];
		pinned[OLD] = false;
#ifndef DIRTY_LEFT
		dirty[NEW] = dirty[NEW] || dirty[OLD];
#endif
		dirty[OLD] = false;
		check(NEW)
	}
	notifier_remove(OLD)
}

/* viopf_vaddr_resume(), change/vaddr.c */
inline resume()
{
	atomic {
		invalid = false;
		superseded = true;
#ifndef NO_RESUME
		for (w : 0 .. 1) {
			if
			:: group[w] == PARKED -> group[w] = QUEUED
			:: else
			fi
		}
#endif
	}
}

/* viopf_mapping_remove(), change/unmap.c */
inline unmap()
{
	m = tree;
	unmapped = true;
	atomic {				/* viopf_faults_cancel_mapping() */
		dead[m] = true;
		invalid = false;
		for (w : 0 .. 1) {
			if
			:: group[w] == PARKED -> answer(w, INVALID)
			:: else
			fi;
			if			/* viopf_claim_workers() */
			:: in[w] == m && !answered[w] ->
				answer(w, INVALID);
				answered[w] = true;
				aborted[w] = true
			:: else
			fi
		}
	}
	kill(m);
	tree = GONE
}

/* What dirty_report would find now that container->lock is free. */
inline check_dirty()
{
	assert(!written || dirty[tree] || dirty_all[tree])
}

/* The ioctls, one after the other, as they have container->lock. */
proctype ioctls()
{
	byte m, f, w, tries;

	if
	:: suspend();
		do
		:: tries < 2 ->			/* viopf_vaddr_update() */
			tries++;
#ifndef OLD_ALIVE
			atomic { dead[OLD] = true };
#endif
			prepare();
			if
			:: discard();
				check_dirty()
			:: if
				:: exists[OLD] -> hand_over()
				:: else
				fi;
				tree = NEW;	/* viopf_mapping_replace() */
				resume();
				check_dirty();
				break
			fi
		:: break
		od
	:: true
	fi;
	if
	:: unmap()
	:: tree == NEW || invalid
	fi
}

init
{
	atomic {
		if
		:: true				/* nothing there yet */
		:: stuck = true; publish(OLD)
		:: publish(OLD);		/* pinned, by advice or as it must be */
			cpu[OLD] = 1;
			pins[1] = 1;
			leaf_map(OLD, 1);
			pinned[OLD] = true;
			if
			:: must_pin = true
			:: true
			fi
		:: publish(OLD);		/* must be pinned, but its process is gone */
			must_pin = true;
			exited = true
		fi;
		run worker(0);
#ifdef FAIRNESS
		group[1] = SUCCESS;
#else
		run worker(1);
#endif
		run evict(OLD);
		run evict(NEW);
		run ioctls()
	}
	timeout;
	byte g;
	for (g : 0 .. 1) {
		assert(group[g] == SUCCESS || group[g] == INVALID ||
		       (group[g] == PARKED && tree == OLD && invalid));
		assert(group[g] != INVALID || unmapped || exited)
	}
	ended = true;
	assert(tree != GONE || pins[1] + pins[2] + pins[3] + pins[4] == 0)
}

/* That nothing is left to be done comes some day: a group does not go round and round. */
ltl ends { <> ended }
