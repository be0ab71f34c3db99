// SPDX-License-Identifier: GPL-2.0-only
/*
 * softiommu: the IOMMUs, and the devices behind them.
 *
 * Each IOMMU is registered with a firmware node of its own, so that the iommu core
 * finds it only for devices that name it.  A device names it by the "fwspec" that
 * softiommu_endpoint_claim() gives it before the core gets to see the device.  It is
 * made by hand: iommu_fwspec_init() has to be called under a lock that modules cannot
 * take.
 *
 * A device starts in, and returns to, a static blocked domain, which is also its
 * default domain: there is no kernel DMA API for these devices.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "iommu_priv.h"
#include "compat/iommu_ops.h"

static unsigned int iommus = 1;
module_param(iommus, uint, 0444);
MODULE_PARM_DESC(iommus, "number of IOMMUs, 1 to 16 (default 1)");

static unsigned long reserved[2];
static int nr_reserved;
module_param_array(reserved, ulong, &nr_reserved, 0444);
MODULE_PARM_DESC(reserved, "first,last address of a range that may not be mapped (default none)");

static bool iopf_takes_all;
module_param(iopf_takes_all, bool, 0444);
MODULE_PARM_DESC(iopf_takes_all, "page requests are on in every domain, not in those with a handler alone (default no; without effect on Linux 6.12)");

static struct soft_iommu *soft_iommus[SOFT_MAX_IOMMUS];

static DEFINE_MUTEX(soft_endpoints_lock);
static LIST_HEAD(soft_endpoints);

static const struct iommu_domain_ops soft_blocked_ops = {
	.attach_dev = compat_attach_dev,
};

static struct iommu_domain soft_blocked_domain = {
	.type = IOMMU_DOMAIN_BLOCKED,
	.ops = &soft_blocked_ops,
};

static bool soft_capable(struct device *dev, enum iommu_cap cap)
{
	return cap == IOMMU_CAP_CACHE_COHERENCY ||
	       cap == IOMMU_CAP_ENFORCE_CACHE_COHERENCY;
}

/* The core calls this for devices that have been claimed, and maybe for others. */
static struct iommu_device *soft_probe_device(struct device *dev)
{
	struct soft_endpoint *ep;

	guard(mutex)(&soft_endpoints_lock);
	list_for_each_entry(ep, &soft_endpoints, node) {
		if (ep->dev == dev) {
			dev_iommu_priv_set(dev, ep);
			return &ep->iommu->iommu;
		}
	}
	return ERR_PTR(-ENODEV);
}

static void soft_release_device(struct device *dev)
{
	struct soft_endpoint *ep = dev_iommu_priv_get(dev);

	if (ep->iopf)
		soft_iopf_disable(ep);
	soft_attach_dev(&soft_blocked_domain, dev, NULL);
	guard(mutex)(&soft_endpoints_lock);
	ep->dev = NULL;
}

/* The module parameter is only reported: keeping out of there is the core's user's job. */
static void soft_get_resv_regions(struct device *dev, struct list_head *head)
{
	struct iommu_resv_region *region;

	if (!nr_reserved)
		return;
	region = iommu_alloc_resv_region(reserved[0],
					 reserved[1] - reserved[0] + 1, 0,
					 IOMMU_RESV_RESERVED, GFP_KERNEL);
	if (region)
		list_add_tail(&region->list, head);
}

/* Move the lanes; on return none uses the old domain, and no page request of it comes. */
static void soft_switch_domain(struct soft_endpoint *ep,
			       struct soft_domain *domain, bool iopf)
{
	struct soft_attachment *old = &ep->attachments[ep->attachment];
	struct soft_attachment *new = &ep->attachments[!ep->attachment];
	unsigned int i;

	lockdep_assert_held(&ep->report_lock);
	if (domain)
		soft_domain_link(domain, new);
	for (i = 0; i < ep->nr_lanes; i++)
		soft_lane_set_domain(&ep->lanes[i], domain);
	if (ep->domain)
		soft_domain_unlink(ep->domain, old);
	ep->attachment = !ep->attachment;
	ep->domain = domain;
	ep->iopf = iopf;
	soft_prq_changed(ep);
}

/**
 * soft_attach_dev() - the iommu core's attach_dev, for all domains
 * @iommu_domain: a domain of ours
 * @dev: a device of ours
 * @before: the domain it leaves; not used
 *
 * A domain with a handler turns page requests on. Fails only if that can't be, for a
 * domain of another IOMMU, and if the device's module is about to go.
 *
 * Return: 0, -EINVAL, -ENODEV or -ENOMEM
 */
int soft_attach_dev(struct iommu_domain *iommu_domain, struct device *dev,
		    struct iommu_domain *before)
{
	struct soft_endpoint *ep = dev_iommu_priv_get(dev);
	struct soft_domain *domain = NULL, *old;
	bool iopf, had_iopf = ep->iopf;
	int ret;

	if (iommu_domain != &soft_blocked_domain)
		domain = to_soft_domain(iommu_domain);
	if (domain && domain->iommu != ep->iommu)
		return -EINVAL;

	/* The core calls with the group's mutex held: ep->domain is stable. */
	old = ep->domain;
	if (old == domain)
		return 0;
	if (!old && !try_module_get(ep->client->owner))
		return -ENODEV;

	iopf = compat_wants_iopf(iommu_domain, had_iopf, domain && iopf_takes_all);
	ret = iopf && !had_iopf ? soft_iopf_enable(ep) : 0;
	if (ret)
		goto out_put_module;
	mutex_lock(&ep->report_lock);
	soft_switch_domain(ep, domain, iopf && ep->iopf);
	mutex_unlock(&ep->report_lock);
	if (had_iopf && !iopf)
		soft_iopf_disable(ep);
	if (!domain)
		module_put(ep->client->owner);
	return 0;

out_put_module:
	if (!old)
		module_put(ep->client->owner);
	return ret;
}

static const struct iommu_ops soft_iommu_ops = {
	.owner = THIS_MODULE,
	.capable = soft_capable,
	.domain_alloc_paging = soft_domain_alloc,
	.probe_device = soft_probe_device,
	.release_device = soft_release_device,
	.get_resv_regions = soft_get_resv_regions,
	.device_group = generic_device_group,
	COMPAT_FEATURE_OPS
	.page_response = soft_page_response,
	.blocked_domain = &soft_blocked_domain,
	.default_domain = &soft_blocked_domain,
};

/**
 * softiommu_count() - how many IOMMUs there are
 *
 * Return: at least 1
 */
unsigned int softiommu_count(void)
{
	return iommus;
}
EXPORT_SYMBOL_GPL(softiommu_count);

/**
 * softiommu_lane() - a lane of an endpoint
 * @ep: the endpoint
 * @lane: below the number of lanes
 *
 * Return: the lane
 */
struct soft_lane *softiommu_lane(struct soft_endpoint *ep, unsigned int lane)
{
	return &ep->lanes[lane];
}
EXPORT_SYMBOL_GPL(softiommu_lane);

static void soft_endpoint_free(struct soft_endpoint *ep)
{
	unsigned int i;

	for (i = 0; i < ep->nr_lanes; i++)
		soft_lane_deinit(&ep->lanes[i]);
	soft_groups_deinit(ep);
	mutex_destroy(&ep->report_lock);
	kfree(ep);
}

static int soft_endpoint_init(struct soft_endpoint *ep)
{
	unsigned int i;
	int ret;

	mutex_init(&ep->report_lock);
	raw_spin_lock_init(&ep->pri_lock);
	for (i = 0; i < ARRAY_SIZE(ep->attachments); i++)
		ep->attachments[i].ep = ep;
	for (i = 0; i < ep->nr_lanes; i++) {
		ret = soft_lane_init(&ep->lanes[i]);
		if (ret)
			return ret;
	}
	return soft_groups_init(ep);
}

/**
 * softiommu_endpoint_create() - make a place behind an IOMMU
 * @iommu: which one, below softiommu_count()
 * @nr_lanes: number of lanes
 * @faults: what an access without a translation leads to
 * @client: the device module's side
 * @priv: for @client
 *
 * Return: the endpoint or an ERR_PTR: -ENODEV, -ENOMEM
 */
struct soft_endpoint *softiommu_endpoint_create(unsigned int iommu,
						unsigned int nr_lanes,
						enum soft_fault_kind faults,
						const struct soft_client *client,
						void *priv)
{
	struct soft_endpoint *ep;
	int ret;

	if (iommu >= iommus)
		return ERR_PTR(-ENODEV);
	ep = kzalloc(struct_size(ep, lanes, nr_lanes), GFP_KERNEL);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->nr_lanes = nr_lanes;
	ep->iommu = soft_iommus[iommu];
	ep->faults = faults;
	ep->client = client;
	ep->priv = priv;
	ret = soft_endpoint_init(ep);
	if (ret) {
		soft_endpoint_free(ep);
		return ERR_PTR(ret);
	}
	guard(mutex)(&soft_endpoints_lock);
	list_add_tail(&ep->node, &soft_endpoints);
	return ep;
}
EXPORT_SYMBOL_GPL(softiommu_endpoint_create);

/**
 * softiommu_endpoint_destroy() - undo softiommu_endpoint_create()
 * @ep: the device is gone, and no thread uses a lane
 */
void softiommu_endpoint_destroy(struct soft_endpoint *ep)
{
	mutex_lock(&soft_endpoints_lock);
	WARN_ON(ep->dev);
	list_del(&ep->node);
	mutex_unlock(&soft_endpoints_lock);
	soft_prq_forget(ep);
	soft_endpoint_free(ep);
}
EXPORT_SYMBOL_GPL(softiommu_endpoint_destroy);

/**
 * softiommu_endpoint_claim() - put a device behind its IOMMU
 * @ep: the endpoint
 * @dev: a device that the iommu core has not seen yet
 *
 * To be called from a bus notifier that precedes the core's.
 *
 * Return: 0, -EBUSY or -ENOMEM
 */
int softiommu_endpoint_claim(struct soft_endpoint *ep, struct device *dev)
{
	struct iommu_fwspec *fwspec;
	struct dev_iommu *param;

	if (dev->iommu)
		return -EBUSY;
	param = kzalloc(sizeof(*param), GFP_KERNEL);
	fwspec = kzalloc(struct_size(fwspec, ids, 1), GFP_KERNEL);
	if (!param || !fwspec) {
		kfree(param);
		kfree(fwspec);
		return -ENOMEM;
	}
	mutex_init(&param->lock);
	fwspec->iommu_fwnode = fwnode_handle_get(ep->iommu->fwnode);
	param->fwspec = fwspec;

	guard(mutex)(&soft_endpoints_lock);
	ep->dev = dev;
	dev->iommu = param;
	return 0;
}
EXPORT_SYMBOL_GPL(softiommu_endpoint_claim);

static struct soft_iommu *soft_iommu_create(unsigned int index)
{
	struct soft_iommu *iommu;
	int ret = -ENOMEM;

	iommu = kvzalloc(sizeof(*iommu), GFP_KERNEL);
	if (!iommu)
		return ERR_PTR(-ENOMEM);
	iommu->iopf_queue = iopf_queue_alloc("softiommu");
	if (!iommu->iopf_queue)
		goto out_free;
	ret = soft_prq_init(&iommu->prq, index);
	if (ret)
		goto out_free_iopf_queue;
	iommu->fwnode = fwnode_create_software_node(NULL, NULL);
	ret = PTR_ERR_OR_ZERO(iommu->fwnode);
	if (ret)
		goto out_deinit_prq;
	ret = iommu_device_sysfs_add(&iommu->iommu, NULL, NULL, "softiommu%u",
				     index);
	if (ret)
		goto out_remove_fwnode;
	iommu->iommu.fwnode = iommu->fwnode;
	ret = iommu_device_register(&iommu->iommu, &soft_iommu_ops, NULL);
	if (ret)
		goto out_remove_sysfs;
	return iommu;

out_remove_sysfs:
	iommu_device_sysfs_remove(&iommu->iommu);
out_remove_fwnode:
	fwnode_remove_software_node(iommu->fwnode);
out_deinit_prq:
	soft_prq_deinit(&iommu->prq);
out_free_iopf_queue:
	iopf_queue_free(iommu->iopf_queue);
out_free:
	kvfree(iommu);
	return ERR_PTR(ret);
}

static void soft_iommu_destroy(struct soft_iommu *iommu)
{
	iommu_device_unregister(&iommu->iommu);
	iommu_device_sysfs_remove(&iommu->iommu);
	fwnode_remove_software_node(iommu->fwnode);
	soft_prq_deinit(&iommu->prq);
	iopf_queue_free(iommu->iopf_queue);
	kvfree(iommu);
}

static void soft_iommus_destroy(unsigned int nr)
{
	while (nr--)
		soft_iommu_destroy(soft_iommus[nr]);
}

static int __init softiommu_init(void)
{
	unsigned int i;

	if (!iommus || iommus > SOFT_MAX_IOMMUS || soft_iotlb_check())
		return -EINVAL;
	if (nr_reserved && (nr_reserved != 2 || reserved[0] > reserved[1]))
		return -EINVAL;
	for (i = 0; i < iommus; i++) {
		soft_iommus[i] = soft_iommu_create(i);
		if (IS_ERR(soft_iommus[i])) {
			soft_iommus_destroy(i);
			return PTR_ERR(soft_iommus[i]);
		}
	}
	soft_inject_init();
	return 0;
}
module_init(softiommu_init);

static void __exit softiommu_exit(void)
{
	soft_inject_deinit();
	soft_iommus_destroy(iommus);
	/* Or somebody has not freed a domain. */
	WARN_ON(soft_counted(SOFT_TABLE_PAGES));
}
module_exit(softiommu_exit);

MODULE_DESCRIPTION("Software IOMMU with page requests, for testing");
MODULE_AUTHOR("The vfio-iopf authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(VIOPF_VERSION);
