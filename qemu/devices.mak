# SPDX-License-Identifier: GPL-2.0-only
#
# What QEMU is built with: the devices that vm/run puts into the VM, edu, which tests ask
# for, and softpri.
CONFIG_Q35=y
CONFIG_VTD=y
CONFIG_PCIE_PORT=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_9P=y
CONFIG_VIRTIO_SERIAL=y
CONFIG_EDU=y
CONFIG_SOFTPRI=y
