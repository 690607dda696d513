# The front door. `make` builds build/duress; meson and ninja do the work and do none of it twice.
#
#   make            build the program                  make install PREFIX=/usr/local
#   make test       build, run all tests               make sanitize   all tests under ASan and UBSan
#   make demo       build, run the reference case      make fuzz       feed the parser for ten minutes
#   make bench      build, run the benchmarks          make clean      remove what was built
#
# `test` and `demo` install the Debian packages that are missing, or print the line that does.

BUILD  = build
PREFIX = /usr/local

# the demo's case, and what a run of it leaves
CASE    = scenarios/us-mexico/us-mexico.duress
PAGE    = $(BUILD)/demo/us-mexico.html
SUMMARY = $(BUILD)/demo/us-mexico.txt

FUZZ_SECONDS = 600

.PHONY: all test demo install man fuzz sanitize bench clean FORCE
all: $(BUILD)/duress

# ninja knows whether there is anything to do. Make looks at the program's own time afterwards, so that what is made with
# it (the demo's page) is made anew only when the program really changed.
$(BUILD)/duress: $(BUILD)/build.ninja FORCE
	@ninja -C $(BUILD) --quiet duress

$(BUILD)/build.ninja:
	@tools/install-deps --check build
	@meson setup $(BUILD) --buildtype=release >$(BUILD).log 2>&1 || { cat $(BUILD).log; rm -rf $(BUILD) $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

# a build folder that was made before the test packages were there looks for them again
test:
	@tools/install-deps test
	@$(MAKE) --no-print-directory $(BUILD)/build.ninja
	@test -f $(BUILD)/.tests || { meson configure $(BUILD) -Dtests=enabled && touch $(BUILD)/.tests; }
	@ninja -C $(BUILD) --quiet
	@tools/run-tests $(BUILD)

demo:
	@tools/install-deps build
	@$(MAKE) --no-print-directory $(PAGE)
	@cat $(SUMMARY)
	@echo
	@echo "The page: $(abspath $(PAGE))"

$(PAGE) $(SUMMARY) &: $(BUILD)/duress $(wildcard $(dir $(CASE))*.duress)
	@mkdir -p $(dir $(PAGE))
	@rm -f $(SUMMARY)
	@$(BUILD)/duress run $(CASE) --html $(PAGE) >$(SUMMARY).part
	@mv $(SUMMARY).part $(SUMMARY)

install: $(BUILD)/duress
	@meson configure $(BUILD) -Dprefix=$(abspath $(PREFIX))
	@ninja -C $(BUILD) --quiet
	@meson install -C $(BUILD) --no-rebuild --quiet

man: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet man/duress.1

sanitize:
	@tools/install-deps test
	@test -f $(BUILD)-sanitize/build.ninja || meson setup $(BUILD)-sanitize --buildtype=debugoptimized \
	    -Db_sanitize=address,undefined -Dtests=enabled
	@ninja -C $(BUILD)-sanitize --quiet
	@tools/run-tests $(BUILD)-sanitize

fuzz:
	@tools/install-deps fuzz
	@tools/fuzz $(BUILD)-fuzz $(FUZZ_SECONDS)

bench: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet
	@meson test -C $(BUILD) --benchmark --no-rebuild --verbose

clean:
	rm -rf $(BUILD) $(BUILD)-sanitize $(BUILD)-fuzz
