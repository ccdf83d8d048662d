# SPDX-License-Identifier: Apache-2.0
# The only build file. `make help` lists what a person would type.
#   build/lib   release objects and libraries      build/asan  the same under ASAN and UBSAN, for the unit tests
SHELL      := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

B          := build
CC         ?= gcc
CLANG      ?= clang
VERSION    := 0.1.0
comma      := ,
PREFIX     ?= /usr

# Cases of others, which tests take where they are and skip by name where they are not.
ifneq ($(wildcard ../shared),)
export HOLDFAST_SHARED ?= $(abspath ../shared)
endif

WARN       := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wvla
DEFS       := -D_GNU_SOURCE -DHOLDFAST_VERSION='"$(VERSION)"'
CFLAGS     ?= -O2 -g
HARDEN     := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CSTD       := -std=gnu17 $(WARN) $(DEFS) -I$(B)/gen -I.
SAN        := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

PKGS       := libbpf libelf libseccomp libcap libxxhash libfyaml json-c lmdb libcrypto libsystemd smartcols
LIBS        = $(shell pkg-config --libs $(PKGS)) -lpthread

IMAGEDB    := $(wildcard imagedb/*.c)
POLICIES   := $(wildcard policies/*.c policies/rules/*.c)
ENFORCER   := $(wildcard enforcer/*.c)
CLI        := $(wildcard tools/holdfast/*.c)
HOOK       := $(wildcard tools/hook/*.c)
UNIT       := $(wildcard tests/unit/test_*.c)
VECTORS    := $(filter-out %.bpf.c %/run_bpf.c,$(wildcard tests/vectors/*.c))
ARCH       := $(shell uname -m)
BPF_ARCH   := $(if $(filter aarch64,$(ARCH)),arm64,x86)
SKEL       := $(B)/gen/holdfast.skel.h $(B)/gen/detect.skel.h

obj  = $(patsubst %.c,$(B)/lib/%.o,$(1))
aobj = $(patsubst %.c,$(B)/asan/%.o,$(1))

.PHONY: all help unit lint clean bootstrap install check demo test-vm next test-programs kill-points load-starts
all: $(B)/holdfastd $(B)/holdfast $(B)/holdfast-hook ## build everything

help: ## this list
	@grep -hE '^[a-zA-Z_-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

# --- the kernel half --------------------------------------------------------------------------------------------------
BPF_CFLAGS := -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-declarations \
	-D__TARGET_ARCH_$(BPF_ARCH) -I$(B)/gen -I. -I/usr/include/$(ARCH)-linux-gnu

$(B)/bpf/%.bpf.o: bpf-lsm/%.bpf.c $(wildcard bpf-lsm/*.h) Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp
	llvm-strip -g $@.tmp -o $@

$(B)/gen/%.skel.h: $(B)/bpf/%.bpf.o
	@mkdir -p $(@D)
	bpftool gen skeleton $< name $*_bpf > $@

# --- user space -------------------------------------------------------------------------------------------------------
$(B)/lib/%.o: %.c Makefile | $(SKEL)
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(CFLAGS) $(HARDEN) -MMD -MP -c $< -o $@
$(B)/asan/%.o: %.c Makefile | $(SKEL)
	@mkdir -p $(@D)
	$(CC) $(CSTD) $(SAN) -MMD -MP -c $< -o $@

$(B)/lib/libimagedb.a: $(call obj,$(IMAGEDB))
$(B)/lib/libpolicies.a: $(call obj,$(POLICIES))
$(B)/asan/libimagedb.a: $(call aobj,$(IMAGEDB))
$(B)/asan/libpolicies.a: $(call aobj,$(POLICIES))
$(B)/lib/libenforcer.a: $(call obj,$(filter-out enforcer/main.c,$(ENFORCER)))
$(B)/asan/libenforcer.a: $(call aobj,$(filter-out enforcer/main.c,$(ENFORCER)))
$(B)/lib/libcli.a: $(call obj,$(filter-out tools/holdfast/main.c,$(CLI)))
$(B)/asan/libcli.a: $(call aobj,$(filter-out tools/holdfast/main.c,$(CLI)))
$(B)/asan/libhook.a: $(call aobj,$(filter-out tools/hook/main.c,$(HOOK)))
%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/holdfastd: $(call obj,enforcer/main.c) $(B)/lib/libenforcer.a $(B)/lib/libpolicies.a $(B)/lib/libimagedb.a
	$(CC) -pie -Wl,-z,relro,-z,now -o $@ $^ $(LIBS)
$(B)/holdfast: $(call obj,tools/holdfast/main.c enforcer/wire.c) $(B)/lib/libcli.a $(B)/lib/libenforcer.a $(B)/lib/libpolicies.a $(B)/lib/libimagedb.a
	$(CC) -pie -Wl,-z,relro,-z,now -Wl,--as-needed -o $@ $^ $(LIBS)
# Static: it runs in the host's namespaces before every container start and must not depend on any library's state.
$(B)/holdfast-hook: $(call obj,$(HOOK) enforcer/wire.c)
	$(CC) -static -o $@ $^ -ljson-c

# --- tests ------------------------------------------------------------------------------------------------------------
UNIT_BIN   := $(patsubst tests/unit/%.c,$(B)/tests/unit/%,$(UNIT))
ASAN_LIBS  := $(B)/asan/libvectors.a $(B)/asan/libcli.a $(B)/asan/libhook.a $(B)/asan/libenforcer.a $(B)/asan/libpolicies.a $(B)/asan/libimagedb.a
$(B)/tests/unit/%: $(B)/asan/tests/unit/%.o $(ASAN_LIBS)
	@mkdir -p $(@D)
	$(CC) $(SAN) -o $@ $< -Wl,--start-group $(ASAN_LIBS) -Wl,--end-group -lcmocka $(LIBS)


# The decide vectors as a program of the kernel, compared with the native answers.
$(B)/asan/libvectors.a: $(call aobj,$(VECTORS))
$(B)/bpf/decide.bpf.o: tests/vectors/decide.bpf.c tests/vectors/slot.h bpf-lsm/decide.h bpf-lsm/abi.h bpf-lsm/abi_writes.h Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp
	llvm-strip -g $@.tmp -o $@
$(B)/asan/tests/vectors/run_bpf.o: $(B)/gen/decide.skel.h
$(B)/tests/vectors/run_bpf: $(B)/asan/tests/vectors/run_bpf.o $(B)/asan/libvectors.a
	@mkdir -p $(@D)
	$(CC) $(SAN) -o $@ $^ -lcmocka $(LIBS)

# The next version of the kernel half, for tests of upgrades: another number, and records that do not lie where ours do.
$(B)/next/gen/bpf-lsm/abi.h: bpf-lsm/abi.h Makefile
	@mkdir -p $(@D)
	awk '/^#define HF_ABI_VERSION/ { $$3++ } { print } /^struct hf_(container|policy) {/ { print "\t__u64 of_the_next_version[8];" }' $< | \
		sed -E 's/(sizeof\(struct hf_container\) ==) 64/\1 128/' >$@
next: $(B)/next/gen/bpf-lsm/abi.h
	+@$(MAKE) --no-print-directory -s B=$(B)/next $(B)/next/holdfastd $(B)/next/tests/pins

# Programs that the tests in VMs run in containers, and beside them.
test-programs: next $(B)/tests/vectors/run_bpf $(B)/tests/again $(B)/tests/killat $(B)/tests/write $(B)/tests/pins $(B)/attacks/bin/tamper $(B)/attacks/bin/reach
$(B)/tests/again: tests/drift/again.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -static -o $@ $<
$(B)/tests/killat: tests/drift/killat.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -static -o $@ $<
$(B)/tests/write: tests/drift/write.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -static -o $@ $<
$(B)/tests/pins: tests/drift/pins.c bpf-lsm/abi.h bpf-lsm/abi_writes.h
	@mkdir -p $(@D)
	$(CC) $(CSTD) -O1 -o $@ $<

# Attacks: programs of one action each, static; victims without any library, of which every row has some of its own.
ATTACKS    := $(patsubst tests/attacks/programs/%.c,$(B)/attacks/bin/%,$(wildcard tests/attacks/programs/*.c))
$(B)/attacks/bin/%: tests/attacks/programs/%.c tests/attacks/programs/attack.h
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -I. -O1 -s -static -o $@ $< -lpthread
VICTIM     := $(CC) -O2 $(WARN) -nostdlib -Wl,--build-id=none -s
VICTIMS    := $(addprefix $(B)/attacks/victims/,prog failing lib.so dyn dyn-own-loader)
$(B)/attacks/victims/prog $(B)/attacks/victims/failing: tests/attacks/victims/prog.c Makefile
	@mkdir -p $(@D)
	$(VICTIM) -static -fno-pie -no-pie -Wl,-z,noseparate-code $(if $(filter %failing,$@),-DVICTIM_STATUS=7) -o $@ $<
$(B)/attacks/victims/lib.so: tests/attacks/victims/lib.c Makefile
	@mkdir -p $(@D)
	$(VICTIM) -shared -fPIC -Wl,-soname,lib.so -o $@ $<
$(B)/attacks/victims/dyn $(B)/attacks/victims/dyn-own-loader: tests/attacks/victims/dyn.c $(B)/attacks/victims/lib.so
	$(VICTIM) -fPIE -pie -Wl,-rpath,'$$ORIGIN/plugins:$$ORIGIN',--dynamic-linker=$(if $(filter %loader,$@),./ld.so,/lib64/ld-linux-x86-64.so.2) -o $@ $^
attack-programs: test-programs $(ATTACKS) $(VICTIMS)

# Rules: the program of their triggers, and the one that watches on a machine that loads no enforcer.
$(B)/rules/act: tests/rules/act.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(WARN) -D_GNU_SOURCE -O1 -s -static -o $@ $<
$(B)/rules/watch: $(call obj,tests/rules/watch.c) $(B)/lib/libenforcer.a $(B)/lib/libpolicies.a $(B)/lib/libimagedb.a
	@mkdir -p $(@D)
	$(CC) -pie -o $@ $^ $(LIBS)
rules-programs: $(B)/rules/act $(B)/rules/watch

UNIT_PY    := $(wildcard tests/*/test_*.py)
unit: $(UNIT_BIN) $(B)/tests/vectors/run_bpf all ## unit tests under ASAN and UBSAN, and the decide vectors
	tests/run-unit $(B) $(UNIT_BIN) $(UNIT_PY) $(B)/tests/vectors/run_bpf

# Cases of the rule language in files, of CASES=DIR, or of the project where that is not there.
CASES      ?= $(or $(HOLDFAST_SHARED),../shared)/falco
.PHONY: rules-acceptance
rules-acceptance: $(B)/tests/rules/acceptance ## cases of Falco's language, CASES=DIR (default ../shared/falco): passed of total for each kind
	@test -d "$(CASES)" || echo "$(CASES) is not here: the project's own cases"
	@$< "$$(test -d "$(CASES)" && echo "$(CASES)" || echo tests/rules/cases)"
$(B)/tests/rules/acceptance: $(call aobj,$(addprefix tests/rules/,acceptance.c parsing.c evaluation.c output.c facts.c loading.c)) $(B)/asan/libpolicies.a
	@mkdir -p $(@D)
	$(CC) $(SAN) -o $@ $^ $(LIBS)

# What is measured runs without sanitizers, static where a container of the VM runs it; it brings its own loader and libc.
$(B)/bpf/judge.bpf.o: tests/bench/judge.bpf.c tests/bench/judge.h $(wildcard bpf-lsm/*.h) Makefile
	@mkdir -p $(@D)
	$(CLANG) $(BPF_CFLAGS) -c $< -o $@.tmp
	llvm-strip -g $@.tmp -o $@
$(B)/lib/tests/bench/judge.o: $(B)/gen/judge.skel.h
$(B)/bench/judge: $(call obj,tests/bench/judge.c)
	@mkdir -p $(@D)
	$(CC) -pie -o $@ $^ $(LIBS)
$(B)/bench/rules: $(call obj,tests/bench/rules.c) $(B)/lib/libpolicies.a
	@mkdir -p $(@D)
	$(CC) -pie -o $@ $^ $(LIBS)
$(B)/bench/detect: $(call obj,tests/bench/detect.c) $(B)/lib/libenforcer.a $(B)/lib/libpolicies.a $(B)/lib/libimagedb.a
	@mkdir -p $(@D)
	$(CC) -pie -o $@ $^ $(LIBS)
.PHONY: bench-rules
bench-rules: $(B)/bench/rules ## ns for an event through the detection rules of RULES=FILES (default: the shipped ones), native
	@$< $(or $(RULES),policies/rules/holdfast_rules.yaml)
BENCH      := $(B)/bench/programs
$(BENCH)/ops: $(call obj,tests/bench/ops.c)
	@mkdir -p $(@D)
	$(CC) -static -o $@ $^
$(BENCH)/tiny: tests/bench/tiny.c
	@mkdir -p $(@D)
	$(CC) -O2 $(WARN) -nostdlib -static -fno-pie -no-pie -Wl,-z,noseparate-code,--build-id=none -s -o $@ $<
	truncate -s 4096 $@
$(BENCH)/dynamic: tests/bench/dynamic.c
	@mkdir -p $(@D)
	$(CC) -O2 $(WARN) -Wl,--dynamic-linker=/bench/ld.so,-rpath,/bench -o $@ $<
$(BENCH)/complete: $(BENCH)/ops $(BENCH)/tiny $(BENCH)/dynamic
	cp $(BENCH)/tiny $(BENCH)/code
	echo text >$(BENCH)/text
	cp "$$($(CC) -print-file-name=libc.so.6)" $(BENCH)/libc.so.6
	cp "$$(realpath "$$(ldd $(B)/holdfastd | grep -o '/[^ ]*ld-linux[^ ]*')")" $(BENCH)/ld.so
	touch $@

.PHONY: bench
bench: bootstrap ## what it costs, against the budgets, KERNEL=6.1|6.12|7 (default 6.1); JSON=1: machine readable
	+@$(MAKE) --no-print-directory -s all $(B)/bench/judge $(B)/bench/detect $(BENCH)/complete
	tests/bench/run $(B) --kernel $(or $(KERNEL),6.1) $(if $(JSON),--json)

# Fuzzers have objects of their own, with coverage. Warnings are the other builds' affair: this compiler is another one.
FUZZ       := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SAN   := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
fobj        = $(patsubst %.c,$(B)/fuzz/%.o,$(1))
FUZZ_TOO   := $(call fobj,tests/fuzz/budget.c tests/fuzz/facts.c)
FUZZ_LIBS  := $(B)/fuzz/libhook.a $(B)/fuzz/libenforcer.a $(B)/fuzz/libpolicies.a $(B)/fuzz/libimagedb.a
$(B)/fuzz/%.o: %.c Makefile | $(SKEL)
	@mkdir -p $(@D)
	$(CLANG) -std=gnu17 -w $(DEFS) -I$(B)/gen -I. $(FUZZ_SAN) -MMD -MP -c $< -o $@
$(B)/fuzz/libimagedb.a: $(call fobj,$(IMAGEDB))
$(B)/fuzz/libpolicies.a: $(call fobj,$(POLICIES))
$(B)/fuzz/libenforcer.a: $(call fobj,$(filter-out enforcer/main.c,$(ENFORCER)))
$(B)/fuzz/libhook.a: $(call fobj,$(filter-out tools/hook/main.c,$(HOOK)))
$(addprefix $(B)/fuzz/bin/,$(FUZZ)): $(B)/fuzz/bin/%: $(B)/fuzz/tests/fuzz/fuzz_%.o $(FUZZ_TOO) $(FUZZ_LIBS)
	@mkdir -p $(@D)
	$(CLANG) -fsanitize=fuzzer,address,undefined -Wl,--wrap=LLVMFuzzerTestOneInput -o $@ $< $(FUZZ_TOO) \
		-Wl,--start-group $(FUZZ_LIBS) -Wl,--end-group $(LIBS)

.PHONY: fuzz
fuzz: bootstrap ## readers of input that others control, SECONDS=60 each, NAME=conditions,elf: crash, 100 ms or 64 MiB an input
	+@$(MAKE) --no-print-directory -s $(addprefix $(B)/fuzz/bin/,$(or $(subst $(comma), ,$(NAME)),$(FUZZ)))
	tests/fuzz/run $(B) $(or $(SECONDS),60) $(or $(subst $(comma), ,$(NAME)),$(FUZZ))

.PHONY: soak
soak: bootstrap ## churn for MINUTES=15 in a VM (KERNEL=6.12) with canaries; slopes of memory, descriptors, map entries
	+@$(MAKE) --no-print-directory -s all
	tests/soak/run --minutes $(or $(MINUTES),15) --kernel $(or $(KERNEL),6.12)

lint: $(SKEL) $(B)/gen/decide.skel.h $(B)/gen/judge.skel.h ## include directions, warnings, headers that compile alone, file and function sizes
	tests/lint/run $(B)

bootstrap: ## install what building and testing needs (apt), fetch the kernels
	tools/bootstrap

# --- installing -------------------------------------------------------------------------------------------------------
HOOKS_DIR  ?= /usr/share/containers/oci/hooks.d

install: all ## install into $(DESTDIR); settings in /etc/holdfast are left alone
	install -Dm755 -t $(DESTDIR)$(PREFIX)/sbin $(B)/holdfastd
	install -Dm755 -t $(DESTDIR)$(PREFIX)/bin $(B)/holdfast
	install -Dm755 -t $(DESTDIR)$(PREFIX)/libexec/holdfast $(B)/holdfast-hook
	for page in tools/man/*.[158]; do install -Dm644 -t $(DESTDIR)$(PREFIX)/share/man/man$${page##*.} $$page; done
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/holdfast/policies policies/*.yaml
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/holdfast/rules policies/rules/*.yaml
	install -dm755 $(DESTDIR)/etc/holdfast/policies
	test -e $(DESTDIR)/etc/holdfast/hook.conf || install -m644 -t $(DESTDIR)/etc/holdfast tools/packaging/hook.conf
	sed 's|=/usr/|=$(PREFIX)/|' tools/packaging/holdfastd.service | \
		install -Dm644 /dev/stdin $(DESTDIR)$(PREFIX)/lib/systemd/system/holdfastd.service
	sed 's|"/usr/|"$(PREFIX)/|' tools/packaging/holdfast.json | \
		install -Dm644 /dev/stdin $(DESTDIR)$(HOOKS_DIR)/holdfast.json

# These two and check do all their own set-up, so that they are the first thing that one can type on a fresh machine.
demo: bootstrap ## show what it does, right here or in a VM (KERNEL=6.1|6.12|7)
	+@$(MAKE) --no-print-directory -s all
	KERNEL=$(KERNEL) tests/demo/run

test-vm: bootstrap ## tests in a VM with KERNEL=6.1|6.12|7 (default 6.12); QUICK=1: fewer container starts
	+@$(MAKE) --no-print-directory -s all test-programs
	KERNEL=$(or $(KERNEL),6.12) HOLDFAST_QUICK=$(QUICK) tests/drift/run

# Libraries and programs of the workloads' images, for the C library of Debian 12.
WORK       := $(B)/workloads
workload-programs: $(WORK)/tool $(WORK)/linked $(WORK)/dual
$(WORK)/libwork.so: tests/workloads/native/work.c
	@mkdir -p $(@D)
	$(CC) -O1 $(WARN) -shared -fPIC -Wl,-soname,libwork.so -o $@ $<
$(WORK)/linked: tests/workloads/native/tool.c $(WORK)/libwork.so
	$(CC) -O1 $(WARN) -DWITH_LIBRARY -o $@ $^
$(WORK)/dual: tests/workloads/native/dual.c
	@mkdir -p $(@D)
	$(CC) -O1 $(WARN) -o $@ $<
$(WORK)/tool: tests/workloads/native/tool.c
	@mkdir -p $(@D)
	$(CC) -O1 $(WARN) -static -o $@ $<

.PHONY: workloads workload-programs
workloads: bootstrap ## real programs at work under the shipped policies, NAME=nginx,redis KERNEL=6.1|6.12|7: no false alarm
	+@$(MAKE) --no-print-directory -s all workload-programs
	KERNEL=$(or $(KERNEL),6.12) tests/workloads/run $(NAME)

# Separate, since they take long: what the topics kill and load do a few times in make test-vm.
COUNT ?= 200
SEED  ?= 1
kill-points: bootstrap ## kill -9 of the daemon at COUNT=200 points, SEED=1 chooses them; KERNEL=
	+@$(MAKE) --no-print-directory -s all test-programs
	KERNEL=$(or $(KERNEL),6.12) DRIFT_TIMEOUT=14400 DRIFT_SET='KILLS=$(COUNT) KILL_SEED=$(SEED) KILL_COUNT=1' tests/drift/run kill
load-starts: bootstrap ## COUNT=200 drifted starts on a loaded machine, against the daemon's log; KERNEL=
	+@$(MAKE) --no-print-directory -s all test-programs
	KERNEL=$(or $(KERNEL),6.12) DRIFT_TIMEOUT=14400 DRIFT_SET='LOAD_STARTS=$(COUNT)' tests/drift/run load

.PHONY: rules-live rules-programs
rules-live: bootstrap ## shipped and stable upstream rules fired live: RULE=PART-OF-A-NAME KERNEL=6.1|6.12|7|native (default 6.12)
	RULE="$(RULE)" KERNEL=$(or $(KERNEL),6.12) tests/rules/run

.PHONY: attacks attack-programs
attacks: bootstrap ## ways around the allow-list in a VM: ID=A15,B01 MODE=enforce|audit KERNEL=6.1|6.12|7 (default 6.12)
	+@$(MAKE) --no-print-directory -s all attack-programs
	ID=$(ID) MODE=$(MODE) KERNEL=$(or $(KERNEL),6.12) tests/attacks/run

check: bootstrap ## all tests: lint, units, real containers on three kernels; the last line is the sum
	+@$(MAKE) --no-print-directory -s -j$$(nproc) all attack-programs
	tests/run-check $(B)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)
