/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * softdma's own objects.
 *
 *	sd_device	a PCI device: its config space, its view of its page requests
 *	sd_queue	a queue of it, with the thread that works it
 *	sd_op		the descriptor that a queue's thread is working on
 *
 * Two sides meet in a queue: config space accesses, which come with the PCI core's raw
 * spinlock held and interrupts off and must not wait, and the queue's thread.  The
 * queue's epoch ties them together: whatever stops a queue changes it, in the queue and
 * in its lane, under the queue's lock; the thread took it with the descriptor, and from
 * then on neither an access to memory nor a change of HEAD or the error code goes
 * through for the old one.
 *
 * Locks, outer to inner: (the PCI core's) -> sd_queue.lock -> the lane's.
 * sd_device.pri_lock is taken by itself.
 */
#ifndef SOFT_DMA_PRIV_H
#define SOFT_DMA_PRIV_H

#include <linux/kthread.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "iommu/pgtable.h"
#include "softdma.h"
#include "softiommu.h"

#define SD_MAX_DEVICES		256
/* Device numbers on a bus; the devices after those are functions (G1). */
#define SD_SLOTS		32
#define SD_CONFIG_BYTES		4096

/* Where the capabilities are. */
#define SD_CAP_EXP		0x40
#define SD_CAP_VENDOR		0x80
#define SD_CAP_ATS		0x100
#define SD_CAP_PRI		0x110

/**
 * struct sd_queue - a queue
 * @dev: the device
 * @lane: its way to memory
 * @thread: works it
 * @bounce: a page for data on the way, the thread's own
 * @lock: guards the following
 * @epoch: changes when what runs is aborted; the lane has the same
 * @ring: SOFTDMA_Q_RING_LO and HI
 * @ctrl: SOFTDMA_Q_CTRL
 * @tail: SOFTDMA_Q_TAIL
 * @head: SOFTDMA_Q_HEAD
 * @error: enum softdma_status that stopped it, or 0
 */
struct sd_queue {
	struct sd_device *dev;
	struct soft_lane *lane;
	struct task_struct *thread;
	void *bounce;

	raw_spinlock_t lock;
	u32 epoch;
	u64 ring;
	u32 ctrl;
	u32 tail;
	u32 head;
	u32 error;
};

/**
 * enum sd_group_state - of a page request group index, for the device
 * @SD_GROUP_FREE: not in use
 * @SD_GROUP_WAITING: a thread waits for the response
 * @SD_GROUP_ANSWERED: it came
 * @SD_GROUP_ABANDONED: nobody waits, and it has not come
 * @SD_GROUP_PARTIAL: it was never ended, and none will come
 */
enum sd_group_state {
	SD_GROUP_FREE,
	SD_GROUP_WAITING,
	SD_GROUP_ANSWERED,
	SD_GROUP_ABANDONED,
	SD_GROUP_PARTIAL,
};

/**
 * struct sd_group - a page request group index
 * @state: see above
 * @code: the response
 * @nr_requests: requests of the group
 */
struct sd_group {
	enum sd_group_state state;
	enum iommu_page_response_code code;
	unsigned int nr_requests;
};

/**
 * struct sd_device - a device
 * @index: which of the devices, G1
 * @faults: SOFT_FAULT_PRI: has ATS and PRI
 * @ep: its place behind the IOMMU
 * @wait: for responses, and for room to make requests
 * @pri_lock: guards the following; a queue's lock nests in it
 * @failed: stopped by a FAILURE response
 * @response_failure: PRI status bit; unlike @failed it can be cleared by writing
 * @resets: SOFTDMA_REG_RESETS
 * @outstanding: requests
 * @next_group: where to look for a free index
 * @groups: by index
 * @queues: the queues
 * @config: config space, as far as it is plain memory (the PCI core's lock)
 * @writable: bits of @config that a write changes
 */
struct sd_device {
	unsigned int index;
	enum soft_fault_kind faults;
	struct soft_endpoint *ep;

	wait_queue_head_t wait;
	raw_spinlock_t pri_lock;
	bool failed;
	bool response_failure;
	u32 resets;
	u32 outstanding;
	u32 next_group;
	struct sd_group groups[SOFT_GROUP_INDEXES];

	struct sd_queue queues[SOFTDMA_QUEUES];
	u8 config[SD_CONFIG_BYTES];
	u8 writable[SD_CONFIG_BYTES];
};

/**
 * struct sd_op - a descriptor being worked on
 * @q: the queue
 * @epoch: the queue's when it was taken
 * @resets: the device's then
 * @iova: of the descriptor
 * @desc: copy of the descriptor
 * @no_faults: make no more page requests
 * @waited_ns: time spent on page requests, their responses included
 */
struct sd_op {
	struct sd_queue *q;
	u32 epoch;
	u32 resets;
	u64 iova;
	struct softdma_desc desc;
	bool no_faults;
	u64 waited_ns;
};

/* devices.c */
extern struct sd_device *sd_devices[];
struct sd_device *sd_device_at(unsigned int devfn);

/* pci_bus.c */
int sd_bus_create(int domain);
void sd_bus_destroy(void);

/* config.c */
extern struct pci_ops sd_pci_ops;
void sd_config_init(struct sd_device *dev, u32 max_requests, bool multifunction);

static inline u16 sd_config_word(const struct sd_device *dev, unsigned int where)
{
	return READ_ONCE(*(const u16 *)&dev->config[where]);
}

static inline u32 sd_config_dword(const struct sd_device *dev, unsigned int where)
{
	return READ_ONCE(*(const u32 *)&dev->config[where]);
}

static inline bool sd_bus_master(const struct sd_device *dev)
{
	return sd_config_word(dev, PCI_COMMAND) & PCI_COMMAND_MASTER;
}

static inline bool sd_has_pri(const struct sd_device *dev)
{
	return dev->faults == SOFT_FAULT_PRI;
}

static inline bool sd_pri_enabled(const struct sd_device *dev)
{
	return sd_has_pri(dev) && (sd_config_word(dev, SD_CAP_PRI + PCI_PRI_CTRL) &
				   PCI_PRI_CTRL_ENABLE);
}

static inline bool sd_stalls(const struct sd_device *dev)
{
	return dev->faults == SOFT_FAULT_STALL;
}

/* How many requests may be outstanding; a stalled access needs a tag only. */
static inline u32 sd_request_limit(const struct sd_device *dev)
{
	return sd_stalls(dev) ? SOFT_GROUP_INDEXES :
				sd_config_dword(dev, SD_CAP_PRI + PCI_PRI_ALLOC_REQ);
}

/* ring.c */
int sd_queue_init(struct sd_queue *q, struct sd_device *dev, unsigned int index);
void sd_queue_deinit(struct sd_queue *q);
u32 sd_queue_read(struct sd_queue *q, unsigned int reg);
void sd_queue_write(struct sd_queue *q, unsigned int reg, u32 value);
void sd_queue_stop(struct sd_queue *q, u32 error);
void sd_queue_reset(struct sd_queue *q);

/* Has the queue been stopped, so that the operation is to be given up? */
static inline bool sd_op_aborted(const struct sd_op *op)
{
	return READ_ONCE(op->q->epoch) != op->epoch || kthread_should_stop();
}

/* engine.c */
int sd_op_run(struct sd_op *op);

/* access.c */
int sd_access(struct sd_op *op, u64 iova, size_t bytes, u64 more,
	      unsigned int prot, soft_access_fn fn, void *ctx);
int sd_read(struct sd_op *op, u64 iova, void *to, size_t bytes, u64 more);
int sd_write(struct sd_op *op, u64 iova, void *from, size_t bytes, u64 more);
int sd_overflow_wait(void);

/* groups.c */
bool sd_group_take(struct sd_device *dev, unsigned int nr, int *index);
bool sd_group_answered(struct sd_device *dev, int index);
void sd_group_drop(struct sd_device *dev, int index, bool requested);
void sd_group_lose(struct sd_device *dev, int index);
void sd_pri_reset(struct sd_device *dev);
bool sd_respond(void *priv, unsigned int group,
		enum iommu_page_response_code code);

/* request.c */
int sd_op_request(struct sd_op *op);

#endif /* SOFT_DMA_PRIV_H */
