# SPDX-License-Identifier: GPL-2.0
# ruring: io_uring's networking paths in Rust. "make help" lists what there is.

# Kbuild reads the file of that name; this one is for people.
ROOT	:= $(CURDIR)
KERNEL	?= release

ifneq ($(filter-out release debug,$(KERNEL)),)
$(error KERNEL is "release" or "debug", not "$(KERNEL)")
endif

ifneq ($(shell uname -m),x86_64)
ifeq ($(filter clean help doc check,$(MAKECMDGOALS)),)
$(error ruring is for x86_64: this machine is $(shell uname -m))
endif
endif

# Of which kernel: 7.2, or 7.3 (default). The kernel's own makefiles have a variable of that name.
ifeq ($(origin VERSION),command line)
MAKEOVERRIDES := $(filter-out VERSION=%,$(MAKEOVERRIDES))
export RURING_SERIES := $(VERSION)
unexport VERSION
endif

all: modules

# Not KERNEL's own build but a kernel of the user's: all variables (LLVM=, RUSTC=, BINDGEN=…) as usual.
ifdef KDIR
modules:
	$(MAKE) -C $(KDIR) M=$(ROOT) MO=$(ROOT)/build/custom modules
	cp build/custom/ruring.ko ruring.ko
else
modules:
	@qemu/build $(KERNEL) module
	@[ $(KERNEL) = debug ] || cp build/release/ruring.ko ruring.ko
endif

setup:
	@qemu/setup release debug

tools selftests:
	@qemu/build $(KERNEL) $@

demo-env = TOOLS=$(ROOT)/build/$(KERNEL)/tools \
	$(foreach v,CLIENTS MESSAGES SIZE BUFS,$(if $($(v)),$(v)=$($(v))))

ifeq ($(MODE),zc)
# On one emulated processor, whose clock counts instructions.
zc-env = TOOLS=$(ROOT)/build/$(KERNEL)/tools CLOCK='in instructions' \
	$(foreach v,CLIENTS CHUNKS SIZE TURNS,$(if $($(v)),$(v)=$($(v))))

run: modules
	@qemu/build $(KERNEL) tools
	@CPUS=1 VM_ACCEL=tcg VM_QEMU='-icount shift=0,sleep=on,align=off' \
		qemu/vm $(KERNEL) "$(zc-env) tools/demo-zc.sh"
else ifneq ($(MODE),)
$(error MODE is "zc", or not given)
else
run: modules
	@qemu/build $(KERNEL) tools
	@terminal=; [ ! -t 1 ] || terminal=TERMINAL=1; \
	qemu/vm $(KERNEL) "$(demo-env) $$terminal tools/demo.sh"
endif

test:
	@selftests/run

# SEED=1 PROGRAMS=5000 KERNEL=debug: which random programs, how many, where
differential:
	@KERNEL=$(KERNEL) selftests/differential/run

# TESTS="recv-multishot accept" runs some of liburing's programs only.
liburing:
	@selftests/liburing/run

# ROWS="nop/* recv/*" measures some rows only, and saves nothing; with METERS=1 by all meters.
bench bench-check:
	@bench/run $(if $(filter %-check,$@),--check,$(if $(METERS),--meters)) $(foreach row,$(ROWS),'$(row)')

vm: modules
	@qemu/vm $(KERNEL) $(if $(value CMD),'$(subst ','\'',$(value CMD))')

check:
	@.ci/check

doc:
	@.ci/doc

# DESTDIR=, PREFIX=, LIBDIR=; SIGN_KEY=, SIGN_CERT= and SIGN_FILE= sign the module.
install uninstall deb:
	@packaging/install $@

clean:
	$(RM) -r build ruring.ko
	@echo 'The cache of tools and kernels is not part of the tree and stays.'

help:
	@echo 'make              builds ruring.ko for ruring'\''s own release kernel'
	@echo '                  KDIR=DIR builds it for any other Rust-enabled kernel'
	@echo 'make run          boots a VM, serves TCP traffic on ruring and on io_uring, shows both'
	@echo '                  CLIENTS=100 MESSAGES=1000 SIZE=16-112 BUFS=1024 (buffers of all clients) scale it'
	@echo 'make run MODE=zc  zero-copy sends over virtio-net, with two completions each and with one'
	@echo '                  CLIENTS=4 CHUNKS=250 SIZE=16384 scale it'
	@echo 'make tools        builds ruring-run, and the servers and the load generator of make run'
	@echo 'make selftests    builds the kselftests only'
	@echo 'make test         the tests, on the debug kernel and on the release kernel; TESTS="a b" picks some,'
	@echo '                  TESTS=attacks and TESTS=long are groups'
	@echo 'make liburing     liburing'\''s own tests on io_uring and on ruring; TESTS="a b" picks some, KERNEL=debug'
	@echo 'make differential random programs on ruring and on io_uring, compared; SEED=1 PROGRAMS=5000, KERNEL=debug'
	@echo 'make bench        ruring beside io_uring and epoll in instructions, locked ones, cache lines;'
	@echo '                  ROWS="nop/* recv/*" picks some rows, with METERS=1 by all meters'
	@echo 'make bench-check  fails if a row got more than 2% worse than bench/baseline.json'
	@echo 'make vm           a shell in the VM with the module loaded; CMD='\''…'\'' runs one command'
	@echo '                  KERNEL=debug, CPUS=2, VM_MEMORY=2G, VM_TIMEOUT=1800; make makes 2 of any failure,'
	@echo '                  "qemu/vm release COMMAND" gives the exact exit status'
	@echo 'make install      what was built by make and make tools, its source for DKMS, manual pages; DESTDIR=DIR'
	@echo 'make uninstall    takes all of that away'
	@echo 'make deb          a package of the same in build/'
	@echo 'make check        formatting, lints, documentation, the unsafe inventory; ALL=1 also checks'
	@echo '                  how the selftests are written, which takes minutes more'
	@echo 'make doc          documentation as HTML in build/doc'
	@echo 'make setup        only brings the tools and both kernels up to date'
	@echo 'make clean        removes what was built in the tree'
	@echo
	@echo 'VERSION=7.2 with any of these takes the newest kernel 7.2 that there is, in place of 7.3.'
	@echo 'Tools, kernel source and kernels are kept in RURING_CACHE (now: $(or $(RURING_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ruring)).'

.PHONY: all modules setup tools selftests run test differential liburing bench bench-check vm install uninstall deb check doc clean help
