# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel has, for the headers here to ask: what C itself can't find out.
#
# $(call has,NAME,PATTERN,HEADER): defines HAVE_NAME where a line of the kernel's
# include/linux/HEADER matches PATTERN.
has = $(if $(shell grep -E '$(2)' $(srctree)/include/linux/$(3)),-DHAVE_$(1))

ccflags-y += $(call has,ATTACH_HANDLES,struct iommu_attach_handle [{],iommu.h)
ccflags-y += $(call has,IOMMU_DEV_FEAT_IOPF,IOMMU_DEV_FEAT_IOPF,iommu.h)
ccflags-y += $(call has,ATTACH_DEV_OF_TWO,attach_dev.*dev.;,iommu.h)
ccflags-y += $(call has,HRTIMER_SETUP,hrtimer_setup,hrtimer.h)
ccflags-y += $(call has,SYSTEM_DFL_WQ,system_dfl_wq,workqueue.h)
ccflags-y += $(call has,FUTEX_SCHED_DATA,futex_sched_data,sched.h)
