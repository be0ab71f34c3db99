/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri: access to memory: translation, its cache, and the time between
 * translation and access.
 *
 * Errors, here and in all that calls it:
 *   -EFAULT     the address in desc.detail has no translation
 *   -EREMOTEIO  the response to a page request was FAILURE
 *   -EIO        the address in desc.detail is not RAM
 *   -ECANCELED  aborted
 *   -EINVAL     the descriptor is not valid
 *
 * An invalidation and an access under way (P5):
 *
 *     coroutine                      IOMMU
 *     translated, flight.active
 *     yields for delay_ns
 *                                    invalidate: cached translation goes,
 *                                    flight.invalidated, "not yet"; the
 *                                    invalidation queue stands still
 *     makes the access, flight ends
 *     vtd_ats_invalidated()
 *                                    the queue goes on
 */
#include "qemu/osdep.h"
#include "exec/address-spaces.h"
#include "softpri-priv.h"

static gpointer atc_key(hwaddr iova)
{
    return (gpointer)(uintptr_t)(iova >> SOFTPRI_PAGE_BITS);
}

static gboolean atc_in_range(gpointer key, gpointer value, gpointer opaque)
{
    const hwaddr *range = opaque;
    hwaddr page = (uintptr_t)key;

    return page >= range[0] && page <= range[1];
}

static void atc_drop(SoftPRI *s, hwaddr addr, hwaddr mask)
{
    hwaddr range[2] = {
        (addr & ~mask) >> SOFTPRI_PAGE_BITS,
        (addr | mask) >> SOFTPRI_PAGE_BITS,
    };
    hwaddr page;

    if (range[1] - range[0] > g_hash_table_size(s->atc)) {
        g_hash_table_foreach_remove(s->atc, atc_in_range, range);
        return;
    }
    for (page = range[0]; page <= range[1]; page++) {
        g_hash_table_remove(s->atc, (gpointer)(uintptr_t)page);
    }
}

/* The access under way is over, made or not. */
void softpri_flight_end(SoftPRIQueue *q)
{
    SoftPRI *s = q->dev;
    bool invalidated = q->flight.invalidated;

    q->flight = (SoftPRIFlight) { };
    if (invalidated && !--s->invalidated) {
        vtd_ats_invalidated(&s->ats);
    }
}

/* Forget all translations, those of accesses under way too. */
void softpri_atc_clear(SoftPRI *s)
{
    unsigned int i;

    g_hash_table_remove_all(s->atc);
    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        s->queues[i].flight.lost = s->queues[i].flight.active;
    }
}

/* See struct VTDATSDevice. */
bool softpri_invalidate(VTDATSDevice *ats, hwaddr addr, hwaddr mask)
{
    SoftPRI *s = container_of(ats, SoftPRI, ats);
    unsigned int i;

    if (s->test & SOFTPRI_TEST_DEAF) {
        return true;
    }
    atc_drop(s, addr, mask);
    for (i = 0; i < SOFTDMA_QUEUES; i++) {
        SoftPRIFlight *flight = &s->queues[i].flight;

        if (flight->active && !flight->invalidated &&
            (flight->page & ~mask) == (addr & ~mask)) {
            flight->invalidated = true;
            s->invalidated++;
        }
    }
    return !s->invalidated;
}

/* Whether there is a translation for an access, from the cache or the IOMMU. */
bool softpri_translates(SoftPRI *s, hwaddr iova, IOMMUAccessFlags perm,
                        hwaddr *translated)
{
    uintptr_t cached = (uintptr_t)g_hash_table_lookup(s->atc, atc_key(iova));
    IOMMUTLBEntry entry;

    if ((cached & perm) != perm) {
        if (!vtd_ats_translate(&s->ats, iova & SOFTPRI_PAGE_MASK,
                               perm & IOMMU_WO, &entry) ||
            entry.perm == IOMMU_NONE) {
            return false;
        }
        cached = (entry.translated_addr & ~entry.addr_mask) |
                 (iova & entry.addr_mask & SOFTPRI_PAGE_MASK) | entry.perm;
        g_hash_table_replace(s->atc, atc_key(iova), (gpointer)cached);
    }
    *translated = (cached & SOFTPRI_PAGE_MASK) | (iova & ~SOFTPRI_PAGE_MASK);
    return (cached & perm) == perm;
}

/* Make an access to @addr of @as.  False if that is not RAM. */
static bool make_access(AddressSpace *as, hwaddr addr, size_t bytes,
                        bool write, SoftPRIAccess *fn, void *opaque)
{
    const MemTxAttrs attrs = MEMTXATTRS_UNSPECIFIED;
    hwaddr offset, len = bytes;
    MemoryRegion *mr;
    void *host;

    RCU_READ_LOCK_GUARD();
    mr = address_space_translate(as, addr, &offset, &len, write, attrs);
    if (len < bytes || !memory_access_is_direct(mr, write, attrs)) {
        return false;
    }
    host = address_space_map(as, addr, &len, write, attrs);
    if (!host || len < bytes) {
        return false;
    }
    fn(host, bytes, opaque);
    address_space_unmap(as, host, len, write, bytes);
    return true;
}

/* Once, without page requests.  -EAGAIN: ATS was disabled meanwhile. */
static int coroutine_fn try_access(SoftPRIOp *op, hwaddr iova, size_t bytes,
                                   IOMMUAccessFlags perm, SoftPRIAccess *fn,
                                   void *opaque)
{
    SoftPRIQueue *q = op->q;
    SoftPRI *s = q->dev;
    bool write = perm & IOMMU_WO;
    hwaddr addr;
    int ret;

    if (!softpri_ats_enabled(s)) {
        return make_access(pci_get_address_space(&s->pdev), iova, bytes, write,
                           fn, opaque) ? 0 : -EFAULT;
    }
    if (!softpri_translates(s, iova, perm, &addr)) {
        return -EFAULT;
    }
    if (s->delay_ns) {
        q->flight.active = true;
        q->flight.page = iova & SOFTPRI_PAGE_MASK;
        softpri_sleep_until(op, softpri_now() + s->delay_ns);
        if (softpri_aborted(op)) {
            return -ECANCELED;
        }
        if (q->flight.lost) {
            softpri_flight_end(q);
            return -EAGAIN;
        }
    }
    ret = make_access(&address_space_memory, addr, bytes, write, fn, opaque) ?
          0 : -EIO;
    softpri_flight_end(q);
    return ret;
}

/**
 * softpri_access: one access, with the page requests that it needs
 * @iova, @bytes: where; not crossing a page
 * @more: how much of the operand follows these bytes
 * @perm: permissions it needs
 * @fn: makes the access
 *
 * Returns 0 or an error, see the top of the file.
 */
int coroutine_fn softpri_access(SoftPRIOp *op, hwaddr iova, size_t bytes,
                                uint64_t more, IOMMUAccessFlags perm,
                                SoftPRIAccess *fn, void *opaque)
{
    SoftPRI *s = op->q->dev;
    hwaddr end = iova + bytes + more;
    bool asked = false;
    int64_t since;
    int ret;

    do {
        softpri_take_turn(op);
        if (softpri_aborted(op)) {
            return -ECANCELED;
        }
        ret = try_access(op, iova, bytes, perm, fn, opaque);
        if (ret == -EFAULT && !op->no_faults && softpri_ats_enabled(s) &&
            softpri_pri_enabled(s)) {
            since = softpri_now();
            if (asked) {
                softpri_sleep_until(op, since + SOFTPRI_RETRY_NS);
            }
            asked = true;
            ret = softpri_page_request(op, iova, end, perm) ?: -EAGAIN;
            op->waited_ns += softpri_now() - since;
        }
    } while (ret == -EAGAIN);
    if (ret == -EFAULT || ret == -EIO || ret == -EREMOTEIO) {
        op->desc.detail = iova;
    }
    return ret;
}

/* To the first aligned word, then words at once: CPUs may be at them too. */
static size_t copy_head(const void *host, size_t bytes)
{
    return MIN(bytes, -(uintptr_t)host % sizeof(uint64_t));
}

static void copy_out(void *host, size_t bytes, void *opaque)
{
    size_t at = copy_head(host, bytes);

    memcpy(opaque, host, at);
    for (; bytes - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        stq_he_p(opaque + at, qatomic_read((uint64_t *)(host + at)));
    }
    memcpy(opaque + at, host + at, bytes - at);
}

static void copy_in(void *host, size_t bytes, void *opaque)
{
    size_t at = copy_head(host, bytes);

    memcpy(host, opaque, at);
    for (; bytes - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        qatomic_set((uint64_t *)(host + at), ldq_he_p(opaque + at));
    }
    memcpy(host + at, opaque + at, bytes - at);
}

static int coroutine_fn transfer(SoftPRIOp *op, hwaddr iova, void *buffer,
                                 size_t bytes, uint64_t more,
                                 IOMMUAccessFlags perm, SoftPRIAccess *fn)
{
    while (bytes) {
        size_t n = MIN(bytes, SOFTPRI_PAGE_SIZE - (iova & ~SOFTPRI_PAGE_MASK));
        int ret = softpri_access(op, iova, n, bytes - n + more, perm, fn,
                                 buffer);

        if (ret) {
            return ret;
        }
        iova += n;
        buffer += n;
        bytes -= n;
    }
    return 0;
}

/* @more: how much of the operand follows these bytes */
int coroutine_fn softpri_read(SoftPRIOp *op, hwaddr iova, void *to,
                              size_t bytes, uint64_t more)
{
    return transfer(op, iova, to, bytes, more, IOMMU_RO, copy_out);
}

int coroutine_fn softpri_write(SoftPRIOp *op, hwaddr iova, void *from,
                               size_t bytes, uint64_t more)
{
    return transfer(op, iova, from, bytes, more, IOMMU_WO, copy_in);
}
