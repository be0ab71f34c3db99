/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * softpri: the contract of a PCIe DMA engine in an emulated machine
 *
 * A softpri device is QEMU's, on a PCIe root port, behind the VT-d that QEMU
 * emulates: Linux drives both with its own drivers.  To its user it is a softdma
 * device: registers, ring, descriptors and operations are those of softdma.h, and
 * so are the guarantees there.  Below is what differs, and what there is beside.
 *
 * P1  Identity (in place of G1).  Vendor, device and class are softdma's, and so is
 *     the vendor-specific capability, where SOFTPRI_REG_ID reads as SOFTPRI_ID; a
 *     softdma device has 0 there.  The device is function 0 below a root port in
 *     PCI domain 0, and the only one behind that port.
 * P2  Capabilities (to G2).  A PCIe endpoint.  With the property pri=off it has
 *     neither ATS nor PRI.  None has PASID, and none stalls (no G15).
 * P3  Translation (in place of G7's last sentence and of G13).  With ATS enabled,
 *     each access is to an address that the IOMMU gave in answer to a translation
 *     request.  The answers are kept, one for each 4 KiB page and without limit, until
 *     the IOMMU invalidates them, ATS is disabled or the device is reset.  Where the
 *     answer does not lead to RAM, the operation ends with SOFTDMA_BUS_ERROR.  With
 *     ATS disabled and on a device without it each access goes through the IOMMU as it
 *     is; one that leads nowhere ends the operation with SOFTDMA_FAULT_INVALID.
 * P4  Delay.  Between the translation and the access SOFTPRI_REG_DELAY passes, of the
 *     machine's time, if ATS is enabled.  What was translated is accessed, whatever
 *     was invalidated meanwhile.
 * P5  Invalidation.  Once the device has been told, it uses what it had kept for no
 *     further access.  The IOMMU is told that the invalidation is complete when the
 *     accesses under way with what was invalidated have been made or aborted, and does
 *     not complete a later invalidation wait descriptor before.
 * P6  Page requests (to G8, G9).  They carry no PASID.  If there is no translation
 *     after the response SUCCESS, the device waits SOFTPRI_RETRY_NS before it asks
 *     again.  FAILURE is any code that is neither SUCCESS nor INVALID.  A response to
 *     a group that the device does not wait for, and has not abandoned, sets the PRI
 *     status bit "unexpected page request group index".
 * P7  Overflow.  Requests that find the IOMMU's queue full are lost, and all that
 *     follow until software has cleared the overflow; for the last one of a group the
 *     IOMMU answers SUCCESS by itself, as the VT-d specification says, so that the
 *     device asks again.  The device can't tell such a response from another.
 * P8  Reset (in place of G14's last sentence).  A function level reset disables ATS and
 *     PRI, clears the request allocation and the PRI status, as PCIe says (Linux
 *     restores the former), and gives the registers below the values of the device's
 *     properties.  No time to wait after it.
 * P9  PRI control.  The reset bit, written while PRI is disabled, makes the device
 *     forget all groups: an operation that waits for a response goes on as after
 *     SUCCESS, and all indexes may be used again.  "Stopped" is set while PRI is
 *     disabled and the device knows of no group whose response is to come.
 * P10 Stop markers (to G16).  A request for neither reading nor writing that ends its
 *     group would be a stop marker, to which there is no response: SOFTDMA_BAD_DESC.
 * P11 Test switches.  SOFTPRI_REG_TEST makes the device break the rules, from the next
 *     event on.  SOFTPRI_TEST_DEAF: it keeps its translations when it is told to
 *     invalidate them, and says that they are gone.  SOFTPRI_TEST_STUBBORN: INVALID
 *     does not end an operation; it asks again (P6), until it is aborted.
 * P12 Progress.  All devices are run by one thread, which also runs the machine's other
 *     devices: after SOFTPRI_TURN pages of a queue it is others' turn.
 *
 * Properties of the QEMU device: pri (default on), outstanding (the PRI capability's
 * "outstanding page request capacity", 1 to 512, default 512), and the initial values
 * of the registers below: delay-ns, deaf, stubborn.
 */
#ifndef SOFTPRI_H
#define SOFTPRI_H

/*
 * Registers, 32 bits wide, as byte offsets from the vendor-specific capability, in
 * addition to those of softdma.h.
 */
#define SOFTPRI_REG_ID		0x10	/* read-only: SOFTPRI_ID */
#define SOFTPRI_REG_TEST	0x14	/* SOFTPRI_TEST_*: P11 */
#define SOFTPRI_REG_DELAY	0x18	/* nanoseconds: P4 */
#define SOFTPRI_REG_OVERFLOW	0x1c	/* see below */

#define SOFTPRI_ID		0x69727073u	/* "spri" */

#define SOFTPRI_TEST_DEAF	0x1u
#define SOFTPRI_TEST_STUBBORN	0x2u
#define SOFTPRI_TEST_ALL	0x3u

/*
 * OVERFLOW: for so many of the device's next page requests the IOMMU acts as if its
 * queue were full (P7).  Counts down to 0.
 */

#define SOFTPRI_RETRY_NS	20000
#define SOFTPRI_TURN		256

#endif /* SOFTPRI_H */
