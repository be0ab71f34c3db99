# SPDX-License-Identifier: GPL-2.0-only
#
# The project's entry points. Everything built goes to out/; what is slow to get and the
# same for every clone (packages, kernels) goes to $VIOPF_CACHE, ~/.cache/vfio-iopf by
# default. `make help` lists the targets.

LANE ?= stock
OUT := $(abspath out)
SHELL := /bin/bash

.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# sub <folder>, <output folder>, [target]: runs a folder's own makefile, if it has one.
sub = if [ -e $(1)/Makefile ]; then \
		$(MAKE) --no-print-directory -C $(1) OUT=$(2) $(3); \
	else echo "$(1): nothing to build"; fi

.PHONY: all help setup modules lib tests tools unit examples style abi check-fast \
	check check-clients assure demo demo-intel bench bench-quick bench-build deb install \
	uninstall clean

all: modules lib examples tools tests ## modules for LANE (stock), library, examples, tools, tests

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 16

setup: ## install Debian's packages and get the stock kernel
	@mk/setup

modules: setup ## build the kernel modules: make modules LANE=stock|next|debug|uml|uml-debug|kcsan
	@mk/modules $(LANE)

lib: setup ## build libviopf
	+@$(call sub,lib,$(OUT)/lib)

examples: lib ## build the examples
	+@$(call sub,examples,$(OUT)/examples)

tools: lib ## build iopf
	+@$(call sub,tools,$(OUT)/tools)

tests: lib ## build the kernel tests
	+@$(call sub,tests/kernel,$(OUT)/tests)

unit: setup ## build and run the unit tests
	+@$(call sub,tests/unit,$(OUT)/unit,check)

style: setup ## the style checkers alone
	@mk/check style

abi: setup ## check the restated kernel structures
	@mk/check abi

check-fast: setup ## all but the kernel tests on other kernels than Debian's 6.12
	@mk/check unit style verify bench abi vm tools stock

check: setup ## all tests; builds a kernel with checkers and QEMU the first time
	@mk/check unit style bench verify abi vm tools packaging stock next intel first-stage uml-debug

check-clients: setup ## unmodified QEMU and DPDK on this; installs what they need
	@mk/setup clients
	@mk/check clients

assure: setup ## gather the long evidence: mutants, soaks; in pieces, resumable
	@verify/assure

demo: modules lib ## show the main job on a software device, in under three minutes
	+@$(call sub,demo,$(OUT)/demo)
	@demo/run

demo-intel: lib ## the same on Linux's own Intel driver; builds a QEMU the first time
	+@$(MAKE) --no-print-directory modules LANE=next
	@vm/qemu
	+@$(call sub,demo,$(OUT)/demo)
	@demo/run --intel

bench: bench-build ## measure everything against pinned type1, in under 30 minutes
	@bench/run

bench-quick: bench-build ## the same with smaller sizes and fewer runs, in under five
	@bench/run --quick

bench-build: modules lib
	@mk/setup bench
	+@$(MAKE) --no-print-directory modules LANE=next
	@vm/qemu
	+@$(call sub,bench,$(OUT)/bench)

deb: setup ## build the Debian packages into out/deb
	@mk/setup deb
	@packaging/build

# On any distribution, so nothing is set up here.
install uninstall: ## install without packages: make install [DESTDIR=] [PREFIX=/usr/local]
	+@$(MAKE) --no-print-directory -C packaging $@ OUT=$(OUT)

clean: ## remove out/ (the cache stays)
	rm -rf out
