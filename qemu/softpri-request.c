/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri: page requests: groups and their indexes, the requests that an
 * access needs, and requests made for their own sake.
 *
 * A group index belongs to the coroutine that took it until it has seen the
 * response; if it is aborted before, to nobody until the response comes.  Only
 * requests that somebody waits for count as outstanding.
 *
 * Errors are those of softpri-access.c.
 */
#include "qemu/osdep.h"
#include "softpri-priv.h"

/* Take an index, if there is one and room for @nr outstanding requests. */
static bool group_take(SoftPRI *s, unsigned int nr, int *index)
{
    unsigned int i;

    if (s->outstanding + nr > softpri_pri_allocation(s)) {
        return false;
    }
    for (i = 0; i < SOFTPRI_GROUPS; i++) {
        unsigned int at = s->next_group++ % SOFTPRI_GROUPS;

        if (s->groups[at].state == GROUP_FREE) {
            s->groups[at].state = GROUP_WAITING;
            s->groups[at].requests = nr;
            s->outstanding += nr;
            *index = at;
            return true;
        }
    }
    return false;
}

/* Wait for an index.  Returns it, or a negative error. */
static int coroutine_fn group_await_index(SoftPRIOp *op, unsigned int nr)
{
    SoftPRI *s = op->q->dev;
    int index;

    while (!group_take(s, nr, &index)) {
        if (!softpri_pri_enabled(s)) {
            return -EFAULT;
        }
        qemu_coroutine_yield();
        if (softpri_aborted(op)) {
            return -ECANCELED;
        }
    }
    return index;
}

/* The response is there, or there will be none. */
static void group_answer(SoftPRI *s, SoftPRIGroup *group, unsigned int code)
{
    group->state = GROUP_ANSWERED;
    group->code = code;
    s->outstanding -= group->requests;
    softpri_kick_all(s);
}

/*
 * Wait for the response, and free the index.  Returns the code, or a negative
 * error with the group abandoned.
 */
static int coroutine_fn group_await_response(SoftPRIOp *op, int index)
{
    SoftPRI *s = op->q->dev;
    SoftPRIGroup *group = &s->groups[index];

    while (group->state != GROUP_ANSWERED && !softpri_aborted(op)) {
        qemu_coroutine_yield();
    }
    if (group->state != GROUP_ANSWERED) {
        group->state = GROUP_ABANDONED;
        s->outstanding -= group->requests;
        softpri_kick_all(s);
        return -ECANCELED;
    }
    group->state = GROUP_FREE;
    softpri_kick_all(s);
    return softpri_aborted(op) ? -ECANCELED : group->code;
}

/* See struct VTDATSDevice. */
void softpri_page_response(VTDATSDevice *ats, uint16_t prgi, unsigned int code)
{
    SoftPRI *s = container_of(ats, SoftPRI, ats);
    SoftPRIGroup *group = &s->groups[prgi];
    uint16_t status = 0;

    switch (group->state) {
    case GROUP_WAITING:
        group_answer(s, group, code);
        break;
    case GROUP_ABANDONED:
        group->state = GROUP_FREE;
        softpri_kick_all(s);
        break;
    default:
        status = PCI_PRI_STATUS_UPRGI;
        break;
    }
    softpri_pri_status(s, status);
}

bool softpri_groups_pending(SoftPRI *s)
{
    unsigned int i;

    for (i = 0; i < SOFTPRI_GROUPS; i++) {
        if (s->groups[i].state == GROUP_WAITING ||
            s->groups[i].state == GROUP_ABANDONED) {
            return true;
        }
    }
    return false;
}

/* The function is reset: indexes of partial groups are free (G16). */
void softpri_groups_reset(SoftPRI *s)
{
    unsigned int i;

    for (i = 0; i < SOFTPRI_GROUPS; i++) {
        if (s->groups[i].state == GROUP_PARTIAL) {
            s->groups[i].state = GROUP_FREE;
        }
    }
    softpri_kick_all(s);
}

/* The page request interface is reset: no response is expected (P9). */
void softpri_groups_forget(SoftPRI *s)
{
    unsigned int i;

    for (i = 0; i < SOFTPRI_GROUPS; i++) {
        if (s->groups[i].state == GROUP_WAITING) {
            group_answer(s, &s->groups[i], VTD_PAGE_RESP_SUCCESS);
        } else if (s->groups[i].state != GROUP_ANSWERED) {
            s->groups[i].state = GROUP_FREE;
        }
    }
    softpri_kick_all(s);
}

static void request_page(SoftPRI *s, hwaddr addr, int index,
                         IOMMUAccessFlags perm, bool last)
{
    bool overflow = s->overflow;

    s->overflow -= overflow;
    vtd_page_request(&s->ats, addr, index, perm & IOMMU_RO, perm & IOMMU_WO,
                     last, overflow);
}

/* The page that missed, and those after it in the operand that would too. */
static unsigned int group_fill(SoftPRIOp *op, hwaddr iova, hwaddr end,
                               IOMMUAccessFlags perm, hwaddr *pages)
{
    SoftPRI *s = op->q->dev;
    unsigned int max = SOFTDMA_F_GET_GROUP(op->desc.flags);
    hwaddr page = iova & SOFTPRI_PAGE_MASK, translated;
    unsigned int nr = 0;

    max = MIN(max, softpri_pri_allocation(s));
    max = MIN(max, SOFTDMA_MAX_GROUP_PAGES);
    for (; !nr || (nr < max && page < end); page += SOFTPRI_PAGE_SIZE) {
        if (!nr || !softpri_translates(s, page, perm, &translated)) {
            pages[nr++] = page;
        }
    }
    return nr;
}

/**
 * softpri_page_request: ask for a page that an access has missed
 * @iova: of the access
 * @end: of its operand
 * @perm: permissions it needs
 *
 * Returns 0: try the access again; or an error.
 */
int coroutine_fn softpri_page_request(SoftPRIOp *op, hwaddr iova, hwaddr end,
                                      IOMMUAccessFlags perm)
{
    SoftPRI *s = op->q->dev;
    hwaddr pages[SOFTDMA_MAX_GROUP_PAGES];
    unsigned int nr, i;
    int index, code;

    if (softpri_aborted(op)) {
        return -ECANCELED;
    }
    nr = group_fill(op, iova, end, perm, pages);
    if (op->desc.flags & SOFTDMA_F_WANT_WRITE) {
        perm |= IOMMU_WO;
    }
    index = group_await_index(op, nr);
    if (index < 0) {
        return index;
    }
    op->desc.faults++;
    for (i = 0; i < nr; i++) {
        request_page(s, pages[i], index, perm, i == nr - 1);
    }
    code = group_await_response(op, index);
    if (code <= VTD_PAGE_RESP_SUCCESS) {
        return code;
    }
    if (code != VTD_PAGE_RESP_INVALID) {
        return -EREMOTEIO;
    }
    return s->test & SOFTPRI_TEST_STUBBORN ? 0 : -EFAULT;
}

/**
 * struct RequestList: SOFTDMA_OP_REQUEST at work, in the queue's bounce page
 * @index: by number in the list, plus 1; 0: not begun
 * @ended: by number in the list
 */
typedef struct RequestList {
    uint16_t index[SOFTDMA_MAX_LIST_GROUPS];
    bool ended[SOFTDMA_MAX_LIST_GROUPS];
} RequestList;

QEMU_BUILD_BUG_ON(sizeof(RequestList) > SOFTPRI_PAGE_SIZE);

static int coroutine_fn list_request(SoftPRIOp *op, RequestList *list,
                                     const struct softdma_request *entry)
{
    bool last = entry->flags & SOFTDMA_RQ_LAST;
    IOMMUAccessFlags perm =
        IOMMU_ACCESS_FLAG(entry->flags & SOFTDMA_RQ_READ,
                          entry->flags & SOFTDMA_RQ_WRITE);
    int index;

    if ((entry->flags & ~SOFTDMA_RQ_ALL) || (last && perm == IOMMU_NONE) ||
        entry->group >= SOFTDMA_MAX_LIST_GROUPS || list->ended[entry->group]) {
        return -EINVAL;
    }
    if (!list->index[entry->group]) {
        index = group_await_index(op, 0);
        if (index < 0) {
            return index;
        }
        list->index[entry->group] = index + 1;
    }
    list->ended[entry->group] = last;
    op->desc.faults += last;
    request_page(op->q->dev, entry->addr, list->index[entry->group] - 1, perm,
                 last);
    return 0;
}

static int coroutine_fn list_make(SoftPRIOp *op, RequestList *list)
{
    struct softdma_request entry;
    uint64_t i;
    int ret;

    for (i = 0; i < op->desc.arg; i++) {
        ret = softpri_read(op, op->desc.src + i * sizeof(entry), &entry,
                           sizeof(entry),
                           (op->desc.arg - i - 1) * sizeof(entry));
        if (!ret) {
            ret = list_request(op, list, &entry);
        }
        if (ret) {
            return ret;
        }
    }
    return 0;
}

/* A group of the list has ended: wait for its response, and count it. */
static int coroutine_fn list_await(SoftPRIOp *op, int index)
{
    int code = group_await_response(op, index);

    if (code < 0) {
        return code;
    }
    op->desc.result++;
    op->desc.detail += code == VTD_PAGE_RESP_SUCCESS;
    return code > VTD_PAGE_RESP_INVALID ? -EREMOTEIO : 0;
}

/* SOFTDMA_OP_REQUEST */
int coroutine_fn softpri_op_request(SoftPRIOp *op)
{
    RequestList *list = (RequestList *)op->q->bounce;
    const struct softdma_desc *d = &op->desc;
    SoftPRI *s = op->q->dev;
    int ret, err;
    unsigned int i;

    if (!softpri_pri_enabled(s) || (d->src & 15) || d->dst || d->len ||
        d->arg > SOFTDMA_MAX_SG_ENTRIES) {
        return -EINVAL;
    }
    memset(list, 0, sizeof(*list));
    ret = list_make(op, list);
    for (i = 0; i < SOFTDMA_MAX_LIST_GROUPS; i++) {
        if (!list->index[i]) {
            continue;
        }
        if (!list->ended[i]) {
            s->groups[list->index[i] - 1].state = GROUP_PARTIAL;
            continue;
        }
        err = list_await(op, list->index[i] - 1);
        ret = ret ?: err;
    }
    return ret;
}
