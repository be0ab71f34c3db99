/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * softdma: the contract of a DMA engine that is not there
 *
 * A softdma device is a real pci_dev on a PCI root bus that softdma.ko makes up,
 * behind an IOMMU (softiommu.ko) that is software too.  It has no BAR and no
 * interrupt: all of its registers are in a vendor-specific capability of its
 * config space, where the stock vfio-pci driver lets its user read and write
 * them.  Everything else that it does, it does by DMA: it fetches 64-byte
 * descriptors from a ring in memory, moves the data and writes the outcome back
 * into the descriptor.  Each of these accesses is translated page by page by the
 * IOMMU, and an access that finds no translation becomes a PCI page request
 * (PRI) if the device can make one.
 *
 * This header is shared by the module and by whoever drives the device.  What
 * it promises:
 *
 * G1  Identity.  Vendor 0x1234, device 0x5d4a, class "system peripheral, other",
 *     on bus 0 of PCI domain 0x5d4a (module parameter "domain", below 0x10000).
 *     Device i (of up to 256) is function (i / 32) of PCI device number
 *     (i modulo 32), and an IOMMU group of its own, behind IOMMU (i modulo the
 *     number of IOMMUs).  A domain made for one IOMMU cannot be attached to a
 *     device behind another (-EINVAL).
 * G2  Capabilities.  PCIe (with function level reset, no time to wait after it)
 *     and one vendor-specific capability (id 0x09) below 0x100; ATS and PRI as
 *     extended capabilities.  A device in the "nofault" mask has neither ATS nor
 *     PRI, and IOMMU_DEV_FEAT_IOPF is refused for it with -ENODEV; about one in the
 *     "stall" mask see G15.
 * G3  Queues.  Each device has SOFTDMA_QUEUES queues, which run in parallel, each
 *     in the order of its ring.  Two queues share no register that user space
 *     writes.  Registers are 32 bits wide, aligned; other access sizes to the
 *     queue registers are ignored when written.
 * G4  Ring.  The producer index (TAIL) and the consumer index (HEAD) run freely
 *     modulo 2^32; a descriptor's place is the index modulo the number of entries.
 *     Writing TAIL makes the device run every descriptor up to it.  HEAD moves on
 *     only after the descriptor's status has been written to memory.
 * G5  Completion.  Of a descriptor the device writes only the last 24 bytes:
 *     result, detail, faults, and at the very end, with release order, status.
 *     Whoever reads a non-zero status with acquire order sees the results and all
 *     the data that the operation wrote.
 * G6  The ring is memory like any other: fetching a descriptor and completing it
 *     go through the IOMMU and may raise page requests.  They are not counted in
 *     the descriptor's faults, except those of the fetch of the very same
 *     descriptor.  If a descriptor cannot be fetched or completed, the queue stops:
 *     STATUS has SOFTDMA_QS_ERROR and a code.
 * G7  Access.  Each access is made with the permission it needs, no other: source,
 *     list and descriptor read, destination and completion write, atomic
 *     operations both.  No access crosses a page.  An aligned 64-bit word is read or
 *     written at once, not byte by byte.  A page that was translated is remembered
 *     (IOTLB) until the IOMMU is told to flush it: see softiommu.h.
 * G8  Page requests.  They have the address of the page, the permissions of the
 *     access and a group index; the last one of a group has the last-page flag.
 *     At most as many requests as the PRI capability's allocation register allows
 *     are outstanding for a device; operations that need more wait for their turn.
 *     An operation has one group outstanding at a time.  A group asks for the page
 *     that missed and, if SOFTDMA_F_GROUP() says more than one, for those of the
 *     pages after it in the same operand that have no translation either.
 * G9  Responses.  SUCCESS: the access is tried again, and asks again if there is
 *     still no translation, without limit.  INVALID: the operation ends with
 *     SOFTDMA_FAULT_INVALID, the address in detail; the queue goes on with the next
 *     descriptor.  FAILURE: the operation ends with SOFTDMA_FAULT_FAILURE (written
 *     to memory only if no further page request is needed for that), every queue
 *     stops, the "response failure" bit of the PRI status register is set, and
 *     nothing runs until a function level reset.  A device that cannot make page
 *     requests behaves as if the answer were INVALID.
 * G10 Abort.  Function level reset, switching bus mastering off, resetting and
 *     disabling a queue abort what is running: when the config write returns, the
 *     device makes no further access to memory for it, not even to complete the
 *     descriptor.  An abort waits for no page response; a response that comes for
 *     an abandoned group is dropped and counted (resp_late).  The index of a group
 *     that was abandoned is not used again before its response came.
 * G11 Bus mastering.  While it is off the device makes no access to memory, and a
 *     queue that is enabled or rung then stops with SOFTDMA_ABORTED.  vfio-pci
 *     switches it off when a device is opened and closed: its user has to switch
 *     it on.
 * G12 Alignment.  COPY and SG take any address and length.  FILL, CHECK, CHECKSUM
 *     and CRYPT want addresses and lengths that are multiples of 8, ATOMIC_ADD an
 *     address that is; a list of SG is aligned to 16, a ring to 64.  Otherwise, and
 *     for unknown opcodes, flags or a range that wraps around: SOFTDMA_BAD_DESC,
 *     with no access made.
 * G13 Memory.  The device reaches ordinary RAM only.  A translation that leads
 *     anywhere else ends the operation with SOFTDMA_BUS_ERROR.
 * G14 A function level reset and a queue reset give the queue registers their
 *     initial value, 0.  A function level reset keeps the PRI and ATS enable bits
 *     and the request allocation, which belong to the IOMMU driver, and clears the
 *     PRI status.
 *
 * G15 Stall.  A device in the "stall" mask of the module has neither ATS nor PRI, and
 *     yet can fault: an access that finds no translation is held by the IOMMU, one page
 *     at a time, until it is resumed or aborted (softiommu.h, I9).  Each such access
 *     counts as a group in the descriptor's faults; SOFTDMA_F_GROUP() and
 *     SOFTDMA_F_WANT_WRITE make no difference; as many can be held as there are tags
 *     (512).  An access that is aborted ends its operation with SOFTDMA_FAULT_INVALID,
 *     and the queue goes on: there is no FAILURE that stops the device.
 *
 * G16 Requests for their own sake.  SOFTDMA_OP_REQUEST makes the page requests of a list,
 *     in its order, each going to the IOMMU by itself, whatever they ask for: the same
 *     page twice, addresses that nobody mapped, groups entangled with each other.  The
 *     request allocation does not limit it, but the device has 512 group indexes, and
 *     waits for one.  The list ends a group by SOFTDMA_RQ_LAST; nothing of that group may
 *     follow (SOFTDMA_BAD_DESC).  The operation ends when all groups that the list ended
 *     have been answered.  A group that it did not end stays so: its index is not used
 *     again before a function level reset, and the IOMMU core, which has its requests,
 *     is told nothing; it adds them to a later group with that index, unless a reset
 *     makes it forget them (not in 6.12).  INVALID is no error for the operation;
 *     FAILURE is, as in G9.  Without PRI enabled, on a device without it, or if the list
 *     is not aligned to 16: SOFTDMA_BAD_DESC.
 *
 * Numbers in memory and registers are little-endian (x86 only).
 */
#ifndef SOFTDMA_H
#define SOFTDMA_H

#include <linux/types.h>

#define SOFTDMA_VENDOR_ID	0x1234
#define SOFTDMA_DEVICE_ID	0x5d4a
#define SOFTDMA_CLASS		0x088000
#define SOFTDMA_PCI_DOMAIN	0x5d4a
#define SOFTDMA_CAP_ID		0x09
#define SOFTDMA_CAP_BYTES	0x80
#define SOFTDMA_VERSION		1

#define SOFTDMA_QUEUES		4
#define SOFTDMA_MAX_RING_LOG2	16
#define SOFTDMA_MAX_GROUP_PAGES	32
#define SOFTDMA_MAX_SG_ENTRIES	65536

/*
 * Registers, as byte offsets from the vendor-specific capability.  Byte 2 of the
 * capability is its length, SOFTDMA_CAP_BYTES, byte 3 SOFTDMA_VERSION.
 */
#define SOFTDMA_REG_CAPS	0x04	/* read-only: SOFTDMA_CAPS_* */
#define SOFTDMA_REG_DEVICE	0x08	/* read-only: SOFTDMA_DEV_* */
#define SOFTDMA_REG_RESETS	0x0c	/* read-only: function level resets so far */
#define SOFTDMA_REG_QUEUE(q)	(0x20 + 0x18 * (q))

/* Registers of a queue, from SOFTDMA_REG_QUEUE(). */
#define SOFTDMA_Q_RING_LO	0x00	/* IOVA of the ring, bits 31:0; while disabled */
#define SOFTDMA_Q_RING_HI	0x04	/* IOVA of the ring, bits 63:32; while disabled */
#define SOFTDMA_Q_CTRL		0x08	/* SOFTDMA_QC_* */
#define SOFTDMA_Q_TAIL		0x0c	/* producer index; writing it is the doorbell */
#define SOFTDMA_Q_HEAD		0x10	/* read-only: consumer index */
#define SOFTDMA_Q_STATUS	0x14	/* read-only: SOFTDMA_QS_* */

#define SOFTDMA_CAPS_QUEUES(v)		((v) & 0xff)
#define SOFTDMA_CAPS_RING_LOG2(v)	(((v) >> 8) & 0xff)
#define SOFTDMA_CAPS_PRI		0x10000u	/* the device has PRI */
#define SOFTDMA_CAPS_STALL		0x20000u	/* its accesses stall (G15) */

#define SOFTDMA_DEV_BUS_MASTER		0x1u
#define SOFTDMA_DEV_PRI_ENABLED		0x2u
#define SOFTDMA_DEV_FAILED		0x4u	/* stopped by FAILURE (G9) */

/*
 * CTRL.  Setting ENABLE starts the queue with HEAD = TAIL = 0; clearing it aborts
 * (G10) and keeps HEAD and TAIL to be read.  RESET aborts, clears all registers
 * of the queue and reads as 0.
 */
#define SOFTDMA_QC_ENABLE		0x1u
#define SOFTDMA_QC_RESET		0x2u
#define SOFTDMA_QC_RING_LOG2(n)		(((n) & 0x1fu) << 8)
#define SOFTDMA_QC_GET_RING_LOG2(v)	(((v) >> 8) & 0x1f)

#define SOFTDMA_QS_ENABLED		0x1u
#define SOFTDMA_QS_BUSY			0x2u	/* HEAD is not TAIL */
#define SOFTDMA_QS_ERROR		0x4u	/* stopped, see the code */
#define SOFTDMA_QS_CODE(v)		(((v) >> 8) & 0xff)	/* enum softdma_status */

/**
 * enum softdma_op - what a descriptor asks for
 * @SOFTDMA_OP_NOP: nothing but the completion
 * @SOFTDMA_OP_COPY: copy @len bytes from @src to @dst; overlapping ranges have an
 *	undefined outcome
 * @SOFTDMA_OP_FILL: write @len bytes of the pattern with seed @arg to @dst; @src is
 *	the offset within the pattern of the first byte, a multiple of 8
 * @SOFTDMA_OP_CHECK: compare @len bytes at @src with the pattern with seed @arg;
 *	@dst is the offset within the pattern of the first byte.  result: the number
 *	of bytes that differ; detail: offset from @src of the first of them, or ~0
 * @SOFTDMA_OP_CHECKSUM: result: softdma_checksum() over @len bytes at @src, starting
 *	with @arg
 * @SOFTDMA_OP_ATOMIC_ADD: add @arg to the 64-bit word at @dst, atomically towards
 *	CPUs and other devices.  result: the value before.  @len must be 8
 * @SOFTDMA_OP_SG: @src is the IOVA of a list of @arg struct softdma_sg: copy their
 *	bytes one after the other to @dst.  @len is the sum of their lengths; another
 *	sum is SOFTDMA_BAD_DESC (found when the list is read, after some copying).
 * @SOFTDMA_OP_CRYPT: like COPY, each 64-bit word at offset o changed by exclusive or
 *	with softdma_pattern(SOFTDMA_CRYPT_SEED, o).  @arg: bytes per second, at most;
 *	0: as fast as possible.  Time spent waiting for responses to page requests is
 *	not made up for by going faster afterwards
 * @SOFTDMA_OP_REQUEST: @src is the IOVA of a list of @arg struct softdma_request: make
 *	these page requests and access nothing (G16).  result: responses that came;
 *	detail: how many of them were SUCCESS.  @dst and @len must be 0
 * @SOFTDMA_OP_COUNT: number of operations
 *
 * Where nothing is said of it, result is the number of bytes moved.
 */
enum softdma_op {
	SOFTDMA_OP_NOP = 0,
	SOFTDMA_OP_COPY,
	SOFTDMA_OP_FILL,
	SOFTDMA_OP_CHECK,
	SOFTDMA_OP_CHECKSUM,
	SOFTDMA_OP_ATOMIC_ADD,
	SOFTDMA_OP_SG,
	SOFTDMA_OP_CRYPT,
	SOFTDMA_OP_REQUEST,
	SOFTDMA_OP_COUNT
};

#define SOFTDMA_CRYPT_SEED	0x6b65797374726561ull

/*
 * Flags of a descriptor.
 *
 * SOFTDMA_F_GROUP(n): up to n pages (1 to SOFTDMA_MAX_GROUP_PAGES) in a page
 * request group (G8).  0 means 1.
 *
 * SOFTDMA_F_WANT_WRITE: read accesses ask for permission to write, too, if they
 * have to make a page request (the access itself needs read permission only).
 *
 * SOFTDMA_F_SPARSE: CRYPT alone: of each page only the first 8 bytes are read, changed
 * and written, and the others taken as done: for rates that a CPU can't move data at.
 * @src, @dst and @len must be multiples of the page size.
 */
#define SOFTDMA_F_GROUP(n)		((n) & 0x3fu)
#define SOFTDMA_F_GET_GROUP(f)		((f) & 0x3fu)
#define SOFTDMA_F_WANT_WRITE		0x100u
#define SOFTDMA_F_SPARSE		0x200u
#define SOFTDMA_F_ALL			(0x3fu | SOFTDMA_F_WANT_WRITE | SOFTDMA_F_SPARSE)

/**
 * enum softdma_status - how an operation or a queue ended
 * @SOFTDMA_PENDING: in a descriptor, by the producer: not done yet.  The device
 *	does not read the field
 * @SOFTDMA_OK: done.  What CHECK found wrong is in result, not here
 * @SOFTDMA_BAD_DESC: descriptor or list not valid (G12)
 * @SOFTDMA_FAULT_INVALID: no access at the address in detail (G9)
 * @SOFTDMA_FAULT_FAILURE: the IOMMU told the device to stop (G9)
 * @SOFTDMA_ABORTED: only as a queue's code: bus mastering off (G10, G11)
 * @SOFTDMA_BUS_ERROR: not RAM at the address in detail (G13)
 * @SOFTDMA_BAD_RING: only as a queue's code: ring not aligned, too big, or TAIL
 *	more than the number of entries ahead of HEAD
 */
enum softdma_status {
	SOFTDMA_PENDING = 0,
	SOFTDMA_OK,
	SOFTDMA_BAD_DESC,
	SOFTDMA_FAULT_INVALID,
	SOFTDMA_FAULT_FAILURE,
	SOFTDMA_ABORTED,
	SOFTDMA_BUS_ERROR,
	SOFTDMA_BAD_RING,
};

/**
 * struct softdma_desc - a descriptor: 64 bytes, in a ring aligned to 64
 * @opcode: enum softdma_op
 * @flags: SOFTDMA_F_*
 * @src: IOVA to read from
 * @dst: IOVA to write to
 * @len: length in bytes
 * @arg: see enum softdma_op
 * @result: written by the device, see enum softdma_op
 * @detail: written by the device: the faulting IOVA if status is an error, else see
 *	enum softdma_op
 * @faults: written by the device: number of page request groups raised for it
 * @status: written by the device, last: enum softdma_status
 */
struct softdma_desc {
	__u32 opcode;
	__u32 flags;
	__u64 src;
	__u64 dst;
	__u64 len;
	__u64 arg;
	__u64 result;
	__u64 detail;
	__u32 faults;
	__u32 status;
};

/**
 * struct softdma_sg - an entry of the list of SOFTDMA_OP_SG (16 bytes)
 * @addr: IOVA
 * @len: length in bytes, may be 0
 */
struct softdma_sg {
	__u64 addr;
	__u64 len;
};

#define SOFTDMA_RQ_READ			0x1u
#define SOFTDMA_RQ_WRITE		0x2u
#define SOFTDMA_RQ_LAST			0x4u	/* the group ends here */
#define SOFTDMA_RQ_ALL			0x7u
#define SOFTDMA_MAX_LIST_GROUPS		512

/**
 * struct softdma_request - an entry of the list of SOFTDMA_OP_REQUEST (16 bytes)
 * @addr: any address; the page that it is in is requested
 * @flags: SOFTDMA_RQ_*
 * @group: which group it belongs to, below SOFTDMA_MAX_LIST_GROUPS; a number has no
 *	meaning outside of the list
 */
struct softdma_request {
	__u64 addr;
	__u32 flags;
	__u32 group;
};

/**
 * softdma_pattern() - the 64-bit word at an offset of the test pattern
 * @seed: names the pattern
 * @offset: in bytes, a multiple of 8
 *
 * Every bit depends on every bit of both arguments, so that data of another
 * buffer, another place or a poisoned page is told apart.
 *
 * Return: the word
 */
static inline __u64 softdma_pattern(__u64 seed, __u64 offset)
{
	__u64 x = seed * 0x9e3779b97f4a7c15ull + offset + 0x632be59bd9b4e019ull;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/**
 * softdma_checksum() - one step of the checksum of SOFTDMA_OP_CHECKSUM
 * @sum: the sum so far
 * @word: the next 64-bit word
 *
 * Return: the new sum
 */
static inline __u64 softdma_checksum(__u64 sum, __u64 word)
{
	sum = (sum ^ word) * 0x100000001b3ull;
	return sum ^ (sum >> 29);
}

#endif /* SOFTDMA_H */
