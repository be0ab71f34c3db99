/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * softpri's own objects
 *
 * Everything here is done by the main loop's thread or by a virtual CPU's in a
 * config space access, with the big lock (BQL) held, so nothing else is
 * locked.  Each queue has a coroutine while it has something to do.  Whatever
 * it waits for, it yields, and looks again when it is kicked; a kick is never
 * lost and may be spurious.  Config writes never enter a coroutine.
 *
 * What stops a queue changes its epoch.  The coroutine took the epoch together
 * with the descriptor, and after it has yielded it makes no access and changes
 * no register if the two differ.
 */
#ifndef HW_MISC_SOFTPRI_PRIV_H
#define HW_MISC_SOFTPRI_PRIV_H

#include "qemu/coroutine.h"
#include "qemu/timer.h"
#include "exec/memory.h"
#include "hw/i386/intel_iommu.h"
#include "hw/pci/pci.h"
#include "qom/object.h"
#include "softdma.h"
#include "softpri.h"

#define TYPE_SOFTPRI "softpri"
OBJECT_DECLARE_SIMPLE_TYPE(SoftPRI, SOFTPRI)

#define SOFTPRI_PAGE_BITS       12
#define SOFTPRI_PAGE_SIZE       (1u << SOFTPRI_PAGE_BITS)
#define SOFTPRI_PAGE_MASK       (~(hwaddr)(SOFTPRI_PAGE_SIZE - 1))
#define SOFTPRI_GROUPS          512     /* page request group indexes */

/* Where the capabilities are */
#define SOFTPRI_CAP_EXP         0x40
#define SOFTPRI_CAP_VENDOR      0x80
#define SOFTPRI_CAP_ATS         0x100
#define SOFTPRI_CAP_PRI         0x110

/**
 * struct SoftPRIFlight: an access under way: translated and not yet made
 * @active: there is one
 * @lost: ATS was disabled meanwhile: it is to be translated again
 * @invalidated: an invalidation waits for it
 * @page: IOVA of its page
 */
typedef struct SoftPRIFlight {
    bool active;
    bool lost;
    bool invalidated;
    hwaddr page;
} SoftPRIFlight;

/**
 * struct SoftPRIQueue: a queue
 * @dev: the device
 * @co: its coroutine, while there is one
 * @bh: enters the coroutine
 * @timer: kicks it, at a time of the machine's clock
 * @rest: kicks it, when the main loop has had time for others (P12)
 * @turn: pages left of the turn
 * @flight: of the coroutine
 * @bounce: a page for data on the way, the coroutine's
 * @epoch: see above
 * @ring: SOFTDMA_Q_RING_LO and HI
 * @ctrl: SOFTDMA_Q_CTRL
 * @tail: SOFTDMA_Q_TAIL
 * @head: SOFTDMA_Q_HEAD
 * @error: enum softdma_status that stopped it, or 0
 */
typedef struct SoftPRIQueue {
    SoftPRI *dev;
    Coroutine *co;
    QEMUBH *bh;
    QEMUTimer *timer;
    QEMUTimer *rest;
    unsigned int turn;
    SoftPRIFlight flight;
    uint64_t bounce[SOFTPRI_PAGE_SIZE / sizeof(uint64_t)];

    uint32_t epoch;
    uint64_t ring;
    uint32_t ctrl;
    uint32_t tail;
    uint32_t head;
    uint32_t error;
} SoftPRIQueue;

/**
 * enum SoftPRIGroupState: of a page request group index
 * @GROUP_FREE: not in use
 * @GROUP_WAITING: a coroutine waits for the response
 * @GROUP_ANSWERED: it came
 * @GROUP_ABANDONED: nobody waits, and it has not come
 * @GROUP_PARTIAL: the group was never ended, and none will come
 */
typedef enum SoftPRIGroupState {
    GROUP_FREE,
    GROUP_WAITING,
    GROUP_ANSWERED,
    GROUP_ABANDONED,
    GROUP_PARTIAL,
} SoftPRIGroupState;

/**
 * struct SoftPRIGroup: a page request group
 * @state: see above
 * @code: the response
 * @requests: how many of its requests count as outstanding
 */
typedef struct SoftPRIGroup {
    SoftPRIGroupState state;
    unsigned int code;
    unsigned int requests;
} SoftPRIGroup;

/**
 * struct SoftPRI: a device
 * @has_pri: property: it has ATS and PRI
 * @capacity: property "outstanding"
 * @init_test: SOFTPRI_REG_TEST after a reset, from the properties
 * @init_delay_ns: property: SOFTPRI_REG_DELAY after a reset
 * @test: SOFTPRI_REG_TEST
 * @delay_ns: SOFTPRI_REG_DELAY
 * @overflow: SOFTPRI_REG_OVERFLOW
 * @failed: stopped by a FAILURE response
 * @resets: SOFTDMA_REG_RESETS
 * @ats: its place behind the IOMMU
 * @atc: address translation cache: page number to translated address, with the
 *       permissions (IOMMU_RW) in the low bits
 * @invalidated: accesses under way that an invalidation waits for
 * @outstanding: page requests that coroutines wait for
 * @next_group: where to look for a free index
 * @groups: by index
 * @queues: the queues
 */
struct SoftPRI {
    PCIDevice pdev;

    bool has_pri;
    uint32_t capacity;
    uint32_t init_test;
    uint32_t init_delay_ns;

    uint32_t test;
    uint32_t delay_ns;
    uint32_t overflow;
    bool failed;
    uint32_t resets;

    VTDATSDevice ats;
    GHashTable *atc;
    unsigned int invalidated;

    uint32_t outstanding;
    unsigned int next_group;
    SoftPRIGroup groups[SOFTPRI_GROUPS];

    SoftPRIQueue queues[SOFTDMA_QUEUES];
};

/**
 * struct SoftPRIOp: a descriptor being worked on, by a queue's coroutine
 * @q: the queue
 * @epoch: the queue's when it was taken
 * @iova: of the descriptor
 * @desc: copy of the descriptor
 * @no_faults: make no more page requests
 * @waited_ns: time spent on page requests
 */
typedef struct SoftPRIOp {
    SoftPRIQueue *q;
    uint32_t epoch;
    uint64_t iova;
    struct softdma_desc desc;
    bool no_faults;
    uint64_t waited_ns;
} SoftPRIOp;

/* Makes an access: @host is where the bytes are. */
typedef void SoftPRIAccess(void *host, size_t bytes, void *opaque);

/* softpri.c */
bool softpri_bus_master(SoftPRI *s);
bool softpri_ats_enabled(SoftPRI *s);
bool softpri_pri_enabled(SoftPRI *s);
uint32_t softpri_pri_allocation(SoftPRI *s);
void softpri_pri_status(SoftPRI *s, uint16_t set);

/* softpri-queue.c */
void softpri_queue_init(SoftPRIQueue *q, SoftPRI *s);
uint32_t softpri_queue_read(SoftPRIQueue *q, unsigned int reg);
void softpri_queue_write(SoftPRIQueue *q, unsigned int reg, uint32_t value);
void softpri_queue_stop(SoftPRIQueue *q, uint32_t error);
void softpri_queue_reset(SoftPRIQueue *q);
void softpri_kick_all(SoftPRI *s);
bool softpri_aborted(const SoftPRIOp *op);
int64_t softpri_now(void);
void coroutine_fn softpri_sleep_until(SoftPRIOp *op, int64_t due);
void coroutine_fn softpri_take_turn(SoftPRIOp *op);

/* softpri-op.c */
int coroutine_fn softpri_op_run(SoftPRIOp *op);

/* softpri-access.c */
void softpri_atc_clear(SoftPRI *s);
bool softpri_invalidate(VTDATSDevice *ats, hwaddr addr, hwaddr mask);
void softpri_flight_end(SoftPRIQueue *q);
int coroutine_fn softpri_access(SoftPRIOp *op, hwaddr iova, size_t bytes,
                                uint64_t more, IOMMUAccessFlags perm,
                                SoftPRIAccess *fn, void *opaque);
int coroutine_fn softpri_read(SoftPRIOp *op, hwaddr iova, void *to,
                              size_t bytes, uint64_t more);
int coroutine_fn softpri_write(SoftPRIOp *op, hwaddr iova, void *from,
                               size_t bytes, uint64_t more);
bool softpri_translates(SoftPRI *s, hwaddr iova, IOMMUAccessFlags perm,
                        hwaddr *translated);

/* softpri-request.c */
int coroutine_fn softpri_page_request(SoftPRIOp *op, hwaddr iova, hwaddr end,
                                      IOMMUAccessFlags perm);
int coroutine_fn softpri_op_request(SoftPRIOp *op);
void softpri_page_response(VTDATSDevice *ats, uint16_t prgi,
                           unsigned int code);
void softpri_groups_reset(SoftPRI *s);
void softpri_groups_forget(SoftPRI *s);
bool softpri_groups_pending(SoftPRI *s);

#endif /* HW_MISC_SOFTPRI_PRIV_H */
