/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated IOMMU groups, and the pages that their drivers pin. Part of viopf.h, which
 * includes it.
 */
#ifndef VIOPF_EMULATED_H
#define VIOPF_EMULATED_H

/* external.c */
unsigned long viopf_external_count(const struct viopf_segment *segment,
				   unsigned long first, unsigned long nr_pages);
bool viopf_external_trim(const struct viopf_segment *segment,
			 unsigned long page, unsigned long *stop);
int viopf_external_pin(struct viopf_mapping *mapping, unsigned long iova,
		       struct page **page);
void viopf_external_unpin(struct viopf_mapping *mapping, unsigned long iova);
void viopf_external_release(struct viopf_mapping *mapping, bool in_use);
void viopf_externals_install(struct viopf_container *container);
void viopf_external_report(struct viopf_mapping *mapping,
			   const struct viopf_bitmap *bitmap, u64 bit);

/**
 * struct viopf_settle - how far drivers have been asked to give up a range
 * @next: from where on they are to be asked; 0: from its beginning
 * @rounds: how often all of it has been gone through
 */
struct viopf_settle {
	unsigned long	next;
	unsigned int	rounds;
};

/* emulated.c */
bool viopf_emulated_has(struct viopf_container *container,
			const struct iommu_group *group);
bool viopf_emulated_any(struct viopf_container *container);
int viopf_emulated_attach(struct viopf_container *container,
			  struct iommu_group *group);
bool viopf_emulated_detach(struct viopf_container *container,
			   const struct iommu_group *group);
void viopf_emulated_open(void *iommu_data, struct vfio_device *device);
void viopf_emulated_close(void *iommu_data, struct vfio_device *device);
int viopf_emulated_settle(struct viopf_container *container,
			  unsigned long first, unsigned long last,
			  struct viopf_settle *settle);
int viopf_emulated_pin(void *iommu_data, struct iommu_group *group,
		       dma_addr_t user_iova, int npage, int prot,
		       struct page **pages);
void viopf_emulated_unpin(void *iommu_data, dma_addr_t user_iova, int npage);
int viopf_emulated_rw(void *iommu_data, dma_addr_t user_iova, void *data,
		      size_t count, bool write);

#endif /* VIOPF_EMULATED_H */
