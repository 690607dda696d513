# The front door. `make` builds build/duress; meson and ninja do the work and do none of it twice.
#
#   make            build the program                  make install PREFIX=/usr/local
#   make test       build, run all tests               make sanitize   all tests under ASan and UBSan
#   make demo       build, run the reference case      make fuzz       feed the parser for ten minutes
#   make test-kills 200 kills at random moments, and what the store then holds
#   make bench      build, run the benchmarks          make test-clang all tests, built by the other compiler
#   make bench-large a game of 10^8 states: some four minutes, 21 GiB
#   make test-agree exact and sampled answers of every scenario
#   make test-elements  the reference case, element by element
#   make clean      remove what was built
#
# `test` and `demo` install the Debian packages that are missing, or print the line that does.

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

BUILD  = build
PREFIX = /usr/local

# the demo's case, and what a run of it leaves
CASE    = scenarios/us-mexico/core.duress
PAGE    = $(BUILD)/demo/core.html
SUMMARY = $(BUILD)/demo/core.txt

# the case that speed is measured on
BENCH_CASE = scenarios/us-mexico/us-mexico.duress

FUZZ_SECONDS ?= 600
BENCHES      = solve_bench sim_bench by_hand_bench scale_bench

# with nothing to do there is nothing to say
NINJA = ninja --quiet -C
CALM  = | { grep -v '^ninja: no work to do' || true; }

# meson's setup, told only where it fails: a folder, and options. A folder that is set up already is set up again, and
# ninja is asked once so that it takes note and does not do the same over.
define setup
@mkdir -p $(1)
@{ meson setup $(1) $(if $(wildcard $(1)/build.ninja),--reconfigure) $(2) && ninja -C $(1) build.ninja; } \
    >$(1)/setup.log 2>&1 || { cat $(1)/setup.log; exit 1; }
endef

.PHONY: all bench-large test test-agree test-kills test-clang test-elements demo install fuzz sanitize bench clean FORCE
all: $(BUILD)/duress

# ninja knows whether there is anything to do. Make looks at the program's own time afterwards, so that what is made
# with it (the demo's page) is made anew only when the program really changed.
$(BUILD)/duress: $(BUILD)/build.ninja FORCE
	@$(NINJA) $(BUILD) program $(CALM)

$(BUILD)/build.ninja:
	@tools/install-deps --check build
	$(call setup,$(BUILD),--buildtype=release)

# a build folder that was made before the test packages were there looks for them again
$(BUILD)/.tests:
	$(call setup,$(BUILD),--buildtype=release -Dtests=enabled)
	@touch $@

test:
	@tools/install-deps test
	@$(MAKE) --no-print-directory $(BUILD)/.tests
	@$(NINJA) $(BUILD) $(CALM)
	@tools/run-tests $(BUILD)

# the loop of kills of `make test`, at more moments
test-kills:
	@tools/install-deps test
	@$(MAKE) --no-print-directory $(BUILD)/.tests
	@$(NINJA) $(BUILD) program $(CALM)
	@DURESS_TEST_KILLS=200 /usr/bin/python3 test/cli/store_test.py $(BUILD)/duress only=killed

demo:
	@tools/install-deps build
	@$(MAKE) --no-print-directory $(PAGE)
	@sed 's|^  page  .*|  page  $(abspath $(PAGE))|' $(SUMMARY)

$(PAGE) $(SUMMARY) &: $(BUILD)/duress $(wildcard $(dir $(CASE))*.duress)
	@mkdir -p $(dir $(PAGE))
	@rm -f $(SUMMARY)
	@DURESS_STORE= $(BUILD)/duress run $(CASE) --html $(PAGE) >$(SUMMARY).part
	@mv $(SUMMARY).part $(SUMMARY)

install: $(BUILD)/duress
	$(call setup,$(BUILD),-Dprefix=$(abspath $(PREFIX)))
	@meson install -C $(BUILD) --no-rebuild --quiet

# every element of the reference case, on all of its parts: minutes, where `make test` looks at the core alone
test-elements: $(BUILD)/duress
	@test/scenarios/elements $(BUILD)/duress scenarios/us-mexico

# two roads to one number on every shipped scenario, the whole case on its smallest lattice: minutes, where `make test` takes those that are quick
test-agree: $(BUILD)/duress
	@test/scenarios/agree $(BUILD)/duress $$(grep -l '^scenario' scenarios/*/*.duress)

sanitize:
	@tools/install-deps test
	@test -f $(BUILD)-sanitize/build.ninja || $(MAKE) --no-print-directory $(BUILD)-sanitize/build.ninja
	@$(NINJA) $(BUILD)-sanitize $(CALM)
	@UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 tools/run-tests $(BUILD)-sanitize

$(BUILD)-sanitize/build.ninja:
	$(call setup,$(BUILD)-sanitize,--buildtype=debugoptimized -Db_sanitize=address$(,)undefined -Dtests=enabled)

# the same bits from another compiler: golden hashes in the tests of eval, game and sim say whether they are
test-clang:
	@tools/install-deps test
	@test -f $(BUILD)-clang/build.ninja || CC=clang $(MAKE) --no-print-directory $(BUILD)-clang/build.ninja
	@$(NINJA) $(BUILD)-clang $(CALM)
	@tools/run-tests $(BUILD)-clang

$(BUILD)-clang/build.ninja:
	$(call setup,$(BUILD)-clang,--buildtype=release -Dtests=enabled)

fuzz:
	@tools/install-deps fuzz
	@test -f $(BUILD)-fuzz/build.ninja || CC=clang $(MAKE) --no-print-directory $(BUILD)-fuzz/build.ninja
	@FUZZ_SECONDS=$(FUZZ_SECONDS) ninja -C $(BUILD)-fuzz fuzz_parse

$(BUILD)-fuzz/build.ninja:
	$(call setup,$(BUILD)-fuzz,--buildtype=debugoptimized -Dfuzz=enabled)

bench: $(BUILD)/build.ninja
	@$(NINJA) $(BUILD) $(BENCHES:%=bench/%) bench/epidemic_bench $(CALM)
	@for bench in $(BENCHES); do $(BUILD)/bench/$$bench $(BENCH_CASE) || exit 1; done
	@$(BUILD)/bench/epidemic_bench bench/epidemic.duress

clean:
	rm -rf $(BUILD) $(BUILD)-clang $(BUILD)-sanitize $(BUILD)-fuzz

# a comma inside an argument of call
, = ,

# a hundred million states
bench-large: $(BUILD)/build.ninja
	@$(NINJA) $(BUILD) bench/scale_bench $(CALM)
	@$(BUILD)/bench/scale_bench 71
