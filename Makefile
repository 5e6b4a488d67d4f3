# SPDX-License-Identifier: Apache-2.0
#
# One Makefile, no recursion; objects and binaries go to build/<mode>/.
#   make                 all binaries (MODE=release)
#   sudo make check      all tests (docs/TESTING.md has the parts)
#   sudo make acceptance the user's own acceptance suite
#   sudo make demo       the main job, end to end
#   sudo make vm-check   the tests on Debian 12 with its own kernel, in QEMU
#   make asan            unit and integration tests under ASan and UBSan
#   make format | format-check | tidy | cppcheck | tcb | bench | install | clean
# SANITIZE=1 is set by `make asan`; it selects build/asan.

MODE ?= release
BUILD_ROOT ?= build
B := $(BUILD_ROOT)/$(MODE)
DESTDIR ?=
PREFIX ?= /usr
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory

CC := gcc
CLANG ?= clang
PKG_CONFIG ?= pkg-config
# Debian's own interpreter: the one that a jail sees.
PYTHON := /usr/bin/python3

# ---- flags -------------------------------------------------------------

# Errors with the compiler this is written with; a newer one may warn anew.
WERROR := $(if $(filter 12,$(shell $(CC) -dumpversion 2>/dev/null)),-Werror)
WARN := $(WERROR) -Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wvla \
	-Wformat=2 -Wstrict-prototypes -Wmissing-prototypes \
	-Wimplicit-fallthrough -Wnull-dereference -Wundef -Wpointer-arith \
	-Wwrite-strings -Wcast-qual
WARN_GCC := -Wlogical-op -Wduplicated-cond -Wduplicated-branches
HARDEN := -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-fno-strict-overflow -fno-delete-null-pointer-checks
HARDEN_LD := -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code

# A flag that only some compilers take is used where it works.
cc-flag = $(shell $(CC) -Werror $(1) -c -x c /dev/null -o /dev/null \
	2>/dev/null && echo $(1))
HARDEN += $(call cc-flag,-ftrivial-auto-var-init=zero)

# What asset.c puts into the API; the same for every mode.
G := $(BUILD_ROOT)/assets
CPPFLAGS := -I. -I$(G) -D_GNU_SOURCE -DPROMPTCRAFT_VERSION='"3.0.0"'
STD := -std=gnu17 -g -MMD -MP -fPIE
ifeq ($(MODE),asan)
OPT := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
	-fno-sanitize-recover=all -DPROMPTCRAFT_ASAN=1
OPT_STATIC := -O1
SAN_LD := -fsanitize=address,undefined
else
OPT := -O2 -D_FORTIFY_SOURCE=3
OPT_STATIC := $(OPT)
SAN_LD :=
endif
CFLAGS := $(STD) $(OPT) $(WARN) $(WARN_GCC) $(HARDEN)
# jail-init and the compiled harnesses are static: no sanitizer runtime there.
CFLAGS_STATIC := $(STD) $(OPT_STATIC) $(WARN) $(WARN_GCC) $(HARDEN)
# jail-init is small and quick to start: tools/jail-cc says why.  The macros of
# musl's headers do not bear -Wsign-conversion; the unit tests' build has it.
JAIL_CC := tools/jail-cc
CFLAGS_JAIL := $(filter-out -D_FORTIFY_SOURCE=3,$(CFLAGS_STATIC)) -Os \
	-Wno-sign-conversion
LDFLAGS := -pie $(HARDEN_LD) $(SAN_LD)
LDFLAGS_STATIC := -static-pie $(HARDEN_LD)

API_LIBS := -lmicrohttpd -lcurl -ljansson -ljwt -lsqlite3 -lhiredis -lsodium \
	-lseccomp -lcap -lpthread
CLI_LIBS := -lcurl -ljansson -lsqlite3 -lhiredis -lsodium -lpthread
SUPERVISOR_LIBS := -lcap -lsodium
POLICYC_LIBS := -lseccomp -linih -lsodium

# V=1 shows the commands whole.
ifeq ($(V),1)
say =
Q :=
else
say = @printf '  %-5s %s\n' $(1) $(patsubst $(B)/%,%,$@)
Q := @
endif

# ---- sources: everything in a folder belongs to its program ------------

BASE_SRC := $(wildcard supervisor/base/*.c)
WIRE_SRC := $(wildcard supervisor/wire/*.c)
POLICY_SRC := $(wildcard policy/*.c)
JAIL_SRC := $(wildcard jail/*.c)
SUPERVISOR_SRC := $(wildcard supervisor/*.c)
API_SRC := $(wildcard api/*.c api/*/*.c)
CLI_SRC := $(wildcard tools/promptcraft/*.c)
# Shared by supervisor and jail-init: checks of the compiled structs.
POLICY_CHECK_SRC := policy/check.c
# Shared by jail-init and clients.
BUNDLE_SRC := jail/bundle.c
# What of the API the CLI uses: store and where it is, passwords, bundles,
# results.
CLI_API_SRC := $(wildcard api/store/*.c api/jobs/*.c) api/auth/password.c \
	api/config.c api/cost/money.c
# doctor probes with the supervisor's own code.
CLI_SUPERVISOR_SRC := supervisor/root.c supervisor/gate_filter.c \
	$(wildcard supervisor/cgroup*.c)
# Runs in the supervisor's process, before the exec of jail-init.
SPAWN_SRC := jail/spawn.c jail/stage.c jail/root.c jail/kernel.c
JAIL_INIT_SRC := $(filter-out jail/spawn.c,$(JAIL_SRC)) $(POLICY_CHECK_SRC) \
	supervisor/base/err.c supervisor/base/fd.c supervisor/base/str.c

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
sobj = $(patsubst %.c,$(B)/sobj/%.o,$(1))
jobj = $(patsubst %.c,$(B)/jobj/%.o,$(1))

RUNTIMES := $(patsubst jail/runtimes/%/runtime.ini,%,\
	$(wildcard jail/runtimes/*/runtime.ini))
RUNTIME_FILES := $(foreach r,$(RUNTIMES),$(patsubst jail/%,$(B)/%,\
	$(filter-out %.c %.h,$(wildcard jail/runtimes/$(r)/*))))
RUNTIME_BINS := $(patsubst jail/runtimes/%/harness.c,$(B)/runtimes/%/harness,\
	$(wildcard jail/runtimes/*/harness.c))
# All but what Python itself starts.
RUNTIME_PYCS := $(patsubst jail/runtimes/%.py,$(B)/runtimes/%.pyc,\
	$(filter-out %/harness.py,$(wildcard jail/runtimes/*/*.py)))
RUNTIME_COMMON := $(wildcard jail/runtimes/common/*.c)
# An analyzer is a runtime, too: its folder, one harness for all (whose source
# is beside the folders).
ANALYZER_DIR := api/analysis/analyzers
ANALYZERS := $(patsubst $(ANALYZER_DIR)/%/runtime.ini,%,\
	$(wildcard $(ANALYZER_DIR)/*/runtime.ini))
ANALYZER_FILES := $(foreach a,$(ANALYZERS),$(patsubst $(ANALYZER_DIR)/%,\
	$(B)/runtimes/analyze-%,$(wildcard $(ANALYZER_DIR)/$(a)/*)))
# What ours in Python share stands beside each one's analyze.py.
ANALYZER_COMMON := $(foreach a,$(patsubst $(ANALYZER_DIR)/%/analyze.py,%,\
	$(wildcard $(ANALYZER_DIR)/*/analyze.py)),$(patsubst \
	$(ANALYZER_DIR)/common/%,$(B)/runtimes/analyze-$(a)/%,\
	$(wildcard $(ANALYZER_DIR)/common/*.py)))
ANALYZER_BINS := $(ANALYZERS:%=$(B)/runtimes/analyze-%/harness)
# All but what Python itself starts.
ANALYZER_PYCS := $(patsubst %.py,%.pyc,$(filter-out %/analyze.py,\
	$(filter %.py,$(ANALYZER_FILES) $(ANALYZER_COMMON))))
RULE_FILES := $(patsubst api/analysis/%,$(B)/%,\
	$(wildcard api/analysis/rules/*/*.rule))
AGENT_FILES := $(patsubst api/agents/%,$(B)/%,\
	$(wildcard api/agents/agents/*.agent))
COOKBOOK_FILES := $(patsubst api/cookbook/recipes/%,$(B)/cookbook/%,\
	$(wildcard api/cookbook/recipes/*/*))
POLICY_FILES := $(patsubst policy/%,$(B)/policy/%,\
	$(wildcard policy/profiles/*.policy policy/sets/*))

BINS := $(B)/promptcraft-supervisor $(B)/jail-init $(B)/promptcraft-policyc \
	$(B)/promptcraft-api $(B)/promptcraft

.PHONY: all check check-unit check-policy check-integration demo bench format \
	format-check tidy cppcheck asan tcb install clean bootstrap runtimes \
	policies agents cookbook rules unit-bins vm-check check-escape check-faults \
	escape-lists fault-bins fuzz fuzz-bins check-fuzz bench-peers \
	bench-floor bench-gateway bench-waiting bench-analyze check-openapi \
	check-analysis check-scenarios acceptance check-acceptance
all: $(BINS) runtimes policies agents cookbook rules
runtimes: $(RUNTIME_FILES) $(RUNTIME_BINS) $(RUNTIME_PYCS) $(ANALYZER_FILES) \
	$(ANALYZER_COMMON) $(ANALYZER_BINS) $(ANALYZER_PYCS)
policies: $(POLICY_FILES)
agents: $(AGENT_FILES)
cookbook: $(COOKBOOK_FILES)
rules: $(RULE_FILES)
	@mkdir -p $(B)/rules

# The OpenAPI document and the page that shows it (api/http/openapi/README.md).
ASSETS := $(G)/openapi.json $(G)/docs.html $(G)/style.css $(G)/script.js
$(G)/openapi.json: tools/openapi/compose.py $(wildcard api/http/openapi/*.json \
		api/http/openapi/examples/*.json)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) $< api/http/openapi >$@
$(G)/docs.html: tools/openapi/render.py $(G)/openapi.json
	$(Q)$(PYTHON) $^ >$@
$(G)/style.css $(G)/script.js: $(G)/%: api/http/docs/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@
$(B)/obj/api/http/asset.o $(BUILD_ROOT)/fuzz/obj/api/http/asset.o: $(ASSETS)

$(B)/obj/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@
$(B)/sobj/%.o: %.c
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS_STATIC) -c $< -o $@
$(B)/jobj/%.o: %.c tools/jail-cc
	$(call say,CC)
	@mkdir -p $(@D)
	$(Q)$(JAIL_CC) $(CPPFLAGS) $(CFLAGS_JAIL) -c $< -o $@

SUPERVISOR_OBJ := $(call obj,$(SUPERVISOR_SRC) $(BASE_SRC) \
	supervisor/wire/wire.c $(SPAWN_SRC) $(POLICY_CHECK_SRC))
JAIL_INIT_OBJ := $(call jobj,$(JAIL_INIT_SRC))
$(B)/promptcraft-supervisor: $(SUPERVISOR_OBJ)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(SUPERVISOR_LIBS) -o $@
$(B)/jail-init: $(JAIL_INIT_OBJ)
	$(call say,LD)
	$(Q)$(JAIL_CC) $(HARDEN_LD) $^ -o $@
$(B)/promptcraft-policyc: $(call obj,$(POLICY_SRC) $(BASE_SRC))
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(POLICYC_LIBS) -o $@
$(B)/promptcraft-api: $(call obj,$(API_SRC) $(BASE_SRC) $(WIRE_SRC) \
		$(BUNDLE_SRC))
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(API_LIBS) -o $@
$(B)/promptcraft: $(call obj,$(CLI_SRC) $(CLI_API_SRC) $(CLI_SUPERVISOR_SRC) \
		$(BASE_SRC) $(WIRE_SRC) $(BUNDLE_SRC))
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(CLI_LIBS) -o $@

# A runtime is a folder: its files as they are, and harness.c (if it has one)
# compiled statically with jail/runtimes/common.
$(B)/runtimes/%/harness: $(B)/sobj/jail/runtimes/%/harness.o \
		$(call sobj,$(RUNTIME_COMMON) supervisor/base/err.c \
		supervisor/base/fd.c supervisor/base/str.c \
		supervisor/base/clock.c)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS_STATIC) $^ -o $@
$(RUNTIME_FILES): $(B)/runtimes/%: jail/runtimes/%
	@mkdir -p $(@D)
	$(Q)install -m $(if $(shell test -x $< && echo x),755,644) $< $@
$(RUNTIME_PYCS): $(B)/runtimes/%.pyc: jail/runtimes/%.py tools/compile-python
	@mkdir -p $(@D)
	$(Q)tools/compile-python $< $@
$(ANALYZER_BINS): $(B)/runtimes/%/harness: \
		$(B)/sobj/$(ANALYZER_DIR)/harness.o \
		$(call sobj,$(RUNTIME_COMMON) supervisor/base/err.c \
		supervisor/base/fd.c supervisor/base/str.c \
		supervisor/base/clock.c)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS_STATIC) $^ -o $@
$(ANALYZER_FILES): $(B)/runtimes/analyze-%: $(ANALYZER_DIR)/%
	@mkdir -p $(@D)
	$(Q)install -m $(if $(shell test -x $< && echo x),755,644) $< $@
$(ANALYZER_COMMON): $(wildcard $(ANALYZER_DIR)/common/*.py)
	@mkdir -p $(@D)
	$(Q)install -m 644 $(ANALYZER_DIR)/common/$(@F) $@
$(ANALYZER_PYCS): %.pyc: %.py tools/compile-python
	@mkdir -p $(@D)
	$(Q)tools/compile-python $< $@
$(RULE_FILES): $(B)/rules/%: api/analysis/rules/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@
$(AGENT_FILES): $(B)/agents/%: api/agents/agents/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@
$(COOKBOOK_FILES): $(B)/cookbook/%: api/cookbook/recipes/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@
$(POLICY_FILES): $(B)/policy/%: policy/%
	@mkdir -p $(@D)
	$(Q)install -m 644 $< $@

# ---- tests -------------------------------------------------------------

# A unit test is one tests/unit/test_*.c; it links against everything but the
# main()s, taken from archives so that only what it uses comes in.  A .wrap of
# the same name lists the functions that it puts itself in front of.
, := ,
UNIT_BINS := $(patsubst tests/unit/%.c,$(B)/unit/%,\
	$(wildcard tests/unit/test_*.c))
ALL_LIB_SRC := $(filter-out %/main.c,$(SUPERVISOR_SRC) $(POLICY_SRC) \
	$(API_SRC) $(CLI_SRC) $(BASE_SRC) $(WIRE_SRC) \
	$(filter-out jail/init.c,$(JAIL_SRC)) $(RUNTIME_COMMON))
$(B)/libtest.a: $(call obj,$(ALL_LIB_SRC))
	$(call say,AR)
	@rm -f $@
	$(Q)ar rcs $@ $^
$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/libtest.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $(addprefix -Wl$(,)@,$(wildcard \
		tests/unit/$*.wrap)) $< $(B)/libtest.a $(API_LIBS) \
		$(CLI_LIBS) -linih -lcmocka -o $@

# The packages come first, compiler included: hence a make of its own, in which
# the compiler's flags are probed anew.  One suite that fails does not hide what
# the others say.
JOBS := $(shell nproc 2>/dev/null || echo 1)
check:
	@tools/need-root check
	@tools/bootstrap
	$(MAKE) -j$(JOBS) all $(UNIT_BINS) $(FUZZ_REPLAYS)
	$(MAKE) -k check-openapi check-unit check-fuzz check-analysis check-policy \
		check-integration check-scenarios check-acceptance \
		check-faults check-escape
unit-bins: $(UNIT_BINS)
check-unit: $(UNIT_BINS)
	@for t in $^; do printf '%-32s ' "$${t##*/}"; \
		$$t >$$t.log 2>&1 || { cat $$t.log; exit 1; }; \
		sed -n '/test(s) run/,$$p' $$t.log | \
			grep -aE '^\[ +(PASSED|SKIPPED) +\]'; done
# The document as such; the unit and integration tests hold the program to it.
check-openapi: $(ASSETS)
	$(PYTHON) tools/openapi/lint.py $(G)/openapi.json
# Every rule's own two examples, and small functions and scripts, by the
# analyzers as built, without a jail.
check-analysis: runtimes
	@for t in rules c python shell; do \
		PROMPTCRAFT_BUILD=$(abspath $(B)) $(PYTHON) -B \
			tests/analysis/test_$$t.py || exit 1; done
check-policy: all
	@tools/need-root check-policy
	cd tests/policy && PROMPTCRAFT_BUILD=$(abspath $(B)) \
		$(PYTHON) -m pytest -q -p no:cacheprovider .
check-integration: all fault-bins
	@tools/need-root check-integration
	@rm -f $(B)/openapi-seen
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/integration/run \
		$(if $(NOT_INTEGRATION),but $(NOT_INTEGRATION))
	@$(if $(NOT_INTEGRATION),,$(PYTHON) tools/openapi/coverage.py \
		$(G)/openapi.json $(B)/openapi-seen)
# The user's own suite, as it is, on port 8000; for make check in a network
# namespace of its own, where nobody else has that port.
acceptance: all
	@tools/need-root acceptance
	@tools/bootstrap
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/spec/run
check-acceptance: all
	@tools/need-root check-acceptance
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/spec/run --own-network -q
# Goals of many kinds, a scripted model, and how each must end.
check-scenarios: all
	@tools/need-root check-scenarios
	cd tests/scenarios && PROMPTCRAFT_BUILD=$(abspath $(B)) \
		$(PYTHON) -m pytest -q -p no:cacheprovider .
# kill -9 of everything, full disks, a store that forgets.
check-faults: all
	@tools/need-root check-faults
	cd tests/faults && PROMPTCRAFT_BUILD=$(abspath $(B)) \
		$(PYTHON) -m pytest -q -p no:cacheprovider .
# jail-init and the supervisor with a fault of choice (tests/faults-jail/fault.h).
FAULT_BINS := $(B)/faults/jail-init $(B)/faults/promptcraft-supervisor
$(B)/faults/jail-init: tests/faults-jail/jail.wrap $(JAIL_INIT_OBJ) \
		$(B)/jobj/tests/faults-jail/jail.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(JAIL_CC) $(HARDEN_LD) -Wl,@$< $(filter %.o,$^) -o $@
$(B)/faults/promptcraft-supervisor: tests/faults-jail/supervisor.wrap \
		$(SUPERVISOR_OBJ) $(B)/obj/tests/faults-jail/supervisor.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) -Wl,@$< $(filter %.o,$^) $(SUPERVISOR_LIBS) -o $@
fault-bins: $(FAULT_BINS)
# Attacks, contained by the product and not by the product less one control:
# such variants are linked from the product's own objects (tests/escape).
$(B)/escape/supervisor.objs: $(B)/promptcraft-supervisor
	@mkdir -p $(@D)
	@printf '%s\n' $(abspath $(SUPERVISOR_OBJ)) >$@
$(B)/escape/init.objs: $(B)/jail-init
	@mkdir -p $(@D)
	@printf '%s\n' $(abspath $(JAIL_INIT_OBJ)) >$@
$(B)/escape/policyc.objs: $(B)/promptcraft-policyc
	@mkdir -p $(@D)
	@printf '%s\n' $(abspath $(call obj,$(POLICY_SRC) $(BASE_SRC))) >$@
escape-lists: $(patsubst %,$(B)/escape/%.objs,supervisor init policyc)
check-escape: all escape-lists
	@tools/need-root check-escape
	cd tests/escape && PROMPTCRAFT_BUILD=$(abspath $(B)) \
		$(PYTHON) -m pytest -q -p no:cacheprovider .

# On a Debian 12 of its own, kernel and all, in QEMU (tests/vm/README.md).
vm-check:
	@tools/need-root vm-check
	tests/vm/run

bootstrap:
	@tools/bootstrap

demo:
	@tools/need-root demo
	@tools/bootstrap
	$(MAKE) -j$(JOBS) all
	$(B)/promptcraft demo

# ---- fuzzing (tests/fuzz/README.md) ------------------------------------

# The same targets twice: built by clang to search (make fuzz), and by gcc with
# a main() that replays their corpus (check-fuzz).
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,\
	$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 600
F := $(BUILD_ROOT)/fuzz
FUZZ_CFLAGS := -std=gnu17 -g -O1 -MMD -MP -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_LIBS := $(API_LIBS) -lcurl -linih
FUZZ_BINS := $(FUZZ_TARGETS:%=$(F)/fuzz_%)
FUZZ_REPLAYS := $(FUZZ_TARGETS:%=$(B)/fuzz/%)
$(F)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(FUZZ_CFLAGS) -c $< -o $@
$(F)/libfuzz.a: $(ALL_LIB_SRC:%.c=$(F)/obj/%.o)
	@rm -f $@
	$(Q)ar rcs $@ $^
$(F)/fuzz_%: $(F)/obj/tests/fuzz/fuzz_%.o $(F)/libfuzz.a
	@printf '  LD    %s\n' $(@F)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined $^ $(FUZZ_LIBS) -o $@
$(B)/fuzz/%: $(B)/obj/tests/fuzz/fuzz_%.o $(B)/obj/tests/fuzz/replay.o \
		$(B)/libtest.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $^ $(FUZZ_LIBS) -o $@
fuzz-bins: $(FUZZ_BINS)
fuzz: $(FUZZ_BINS)
	FUZZ_BUILD=$(abspath $(F)) tests/fuzz/run $(FUZZ_SECONDS) \
		$(FUZZ_TARGETS)
check-fuzz: $(FUZZ_REPLAYS)
	@for t in $(FUZZ_TARGETS); do printf 'fuzz %-27s ' "$$t"; \
		$(B)/fuzz/$$t tests/fuzz/corpus/$$t 2>$(B)/fuzz/$$t.log || \
		{ cat $(B)/fuzz/$$t.log; exit 1; }; done

BENCH_BINS := $(patsubst tests/bench/%.c,$(B)/bench/%,\
	$(wildcard tests/bench/*.c))
$(B)/bench/%: $(B)/obj/tests/bench/%.o $(B)/libtest.a
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(LDFLAGS) $< $(B)/libtest.a $(API_LIBS) $(CLI_LIBS) -o $@
PEERS_BINS := $(B)/bench/peers/peers $(B)/bench/peers/cgrun
# The same namespaces, mounts and limits without any of our code.
$(B)/bench/floor: $(B)/jobj/tests/bench/floor/floor.o $(B)/jobj/jail/kernel.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(JAIL_CC) $(HARDEN_LD) $^ -o $@
bench-floor: $(B)/bench/floor $(B)/promptcraft-policyc
	@tools/need-root bench-floor
	@$(B)/promptcraft-policyc policy --sets policy/sets \
		policy/profiles/standard.policy >$(B)/bench/standard.bin
	$(B)/bench/floor $(B)/bench/standard.bin 100 0
	$(B)/bench/floor $(B)/bench/standard.bin 40 300
# Other sandboxes, as many as are installed (tests/bench/peers/README.md).
bench-peers: all $(PEERS_BINS)
	@tools/need-root bench-peers
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/bench/peers/run
# The status endpoint beside a FastAPI gateway; workflows that wait.
bench-gateway: all
	@tools/need-root bench-gateway
	@tools/bootstrap --bench
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/bench/gateway/run
# A file of 300 lines through POST /api/v3/analyze.
bench-analyze: all
	@tools/need-root bench-analyze
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/bench/analyze/run
bench-waiting: all
	@tools/need-root bench-waiting
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/bench/waiting/run
bench: all $(BENCH_BINS)
	@tools/need-root bench
	PROMPTCRAFT_BUILD=$(abspath $(B)) tests/bench/run

# Not what tries mostly the runtimes and jail-init, which have no sanitizer.
asan: NOT_INTEGRATION = forging gate_faults harness styles releases doctor
asan:
	$(MAKE) -j$(JOBS) MODE=asan all
	$(MAKE) MODE=asan NOT_INTEGRATION='$(NOT_INTEGRATION)' check-unit \
		check-fuzz check-integration

# ---- what keeps the code in shape --------------------------------------

C_FILES := $(shell git ls-files -co --exclude-standard '*.[ch]' 2>/dev/null \
	| grep -v '^api/cookbook/recipes/\|^tests/\(corpus\|forging\|styles\)/')
# Attacks do what a linter is there to forbid.
C_UNITS := $(filter-out tests/escape/programs/% tests/policy/sweep.c,$(filter \
	%.c,$(C_FILES)))

format:
	@clang-format -i $(C_FILES)
format-check:
	@clang-format --dry-run -Werror $(C_FILES)
# One file at a time: clang-tidy 14 reports false va_list errors otherwise.
tidy:
	@printf "%s\n" $(C_UNITS) | xargs -P "$$(nproc)" -n 1 tools/check-tidy
cppcheck:
	@cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr -I. \
		--enable=warning,performance,portability \
		--suppress=missingIncludeSystem -D_GNU_SOURCE -j "$$(nproc)" \
		$(C_UNITS)
# The trusted base: what runs as root or decides what a jail may do.
TCB_FILES := $(filter supervisor/% jail/% policy/%,$(filter-out \
	jail/runtimes/%,$(C_FILES)))
tcb:
	@tools/count-tcb $(TCB_FILES)

# ---- install -----------------------------------------------------------

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(PREFIX)/lib/promptcraft \
		$(DESTDIR)/etc/promptcraft/policy
	install -m 755 $(B)/promptcraft-supervisor $(B)/promptcraft-api \
		$(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(B)/promptcraft $(DESTDIR)$(PREFIX)/bin/
	install -m 755 $(B)/jail-init $(B)/promptcraft-policyc \
		$(DESTDIR)$(PREFIX)/lib/promptcraft/
	cp -R --no-preserve=ownership $(B)/runtimes $(B)/agents $(B)/rules \
		$(B)/cookbook \
		$(DESTDIR)$(PREFIX)/lib/promptcraft/
	cp -R --no-preserve=ownership $(B)/policy/. \
		$(DESTDIR)/etc/promptcraft/policy/
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	install -m 644 systemd/*.service systemd/*.socket systemd/*.slice \
		$(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -m 644 systemd/promptcraft.sysusers \
		$(DESTDIR)$(PREFIX)/lib/sysusers.d/promptcraft.conf
	install -m 644 systemd/promptcraft.tmpfiles \
		$(DESTDIR)$(PREFIX)/lib/tmpfiles.d/promptcraft.conf
	install -m 644 systemd/promptcraft.env.example api/cost/prices.ini \
		$(DESTDIR)/etc/promptcraft/

clean:
	rm -rf $(BUILD_ROOT)

-include $(shell find $(B) $(F)/obj -name '*.d' 2>/dev/null)
