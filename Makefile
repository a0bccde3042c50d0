# SPDX-License-Identifier: GPL-2.0-or-later
# mxtrap: everything, without recursion.  V=1 shows the commands, SAN=1 builds with
# AddressSanitizer and UBSan into build-san/.

PREFIX	?= /usr/local
DESTDIR	?=
CC	?= gcc
AR	?= ar
PKG	?= pkg-config
VERSION	:= 0.1

O	= build$(if $(SAN),-san)
Q	= $(if $(V),,@)
SHOW	= $(if $(V),@:,@echo)

CFLAGS	?= -O2 -g
WARN	= -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wvla -Wswitch-enum $(if $(CI),-Werror)
comma	:= ,
SANFLAGS = $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
HARDEN	= -fPIE -fstack-protector-strong -fcf-protection $(if $(SAN)$(FUZZING)$(COVERAGE),,-D_FORTIFY_SOURCE=2)
LIBS	= libpcap libmicrohttpd sqlite3 ldns libnftables zlib libmaxminddb
CPPFLAGS += -D_GNU_SOURCE -DMXTRAP_VERSION='"$(VERSION)"' -Iinclude
COMPILE	= $(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(WARN) $(CFLAGS) $(HARDEN) $(SANFLAGS) -MMD -MP
LINK	= $(CC) $(CFLAGS) $(SANFLAGS) -pie -Wl,-z,relro,-z,now $(LDFLAGS)
PKG_CFLAGS = $(shell $(PKG) --cflags $(LIBS) 2>/dev/null)
PKG_LIBS   = $(shell $(PKG) --libs $(LIBS))

# One library a room, so that who may use whom is also what is linked.
ROOMS	= core base watch store decoy export lookup firewall
SRC_core := $(sort $(wildcard daemon/core/*.c))
SRC_base := $(sort $(wildcard daemon/base/*.c))
SRC_watch := $(sort $(wildcard daemon/watch/*.c))
SRC_store := $(sort $(wildcard daemon/store/*.c))
SRC_decoy := $(sort $(wildcard daemon/decoy/*.c))
SRC_export := $(sort $(wildcard daemon/export/*.c))
SRC_lookup := $(sort $(wildcard daemon/lookup/*.c))
SRC_firewall := $(sort $(wildcard daemon/firewall/*.c))
SRC_web	:= $(filter-out web/embed.c,$(sort $(wildcard web/*.c)))
SRC_cli	:= $(sort $(wildcard daemon/cli/*.c))
SRC_mxtrapd := $(sort $(wildcard daemon/*.c))
PAGE	:= $(sort $(wildcard web/page/* web/page/*/*) $(wildcard docs/consumers/*.md)) web/bundle.mjs
MIGRATIONS := $(sort $(wildcard sql/[0-9]*.sql))

define room
$(O)/$(1).a: $(SRC_$(1):%.c=$(O)/%.o) $(2)
	$(SHOW) "  AR    $$@"
	$(Q)rm -f $$@ && $(AR) rcs $$@ $$^
endef

all: deps-build
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap

deps-build:
	@deploy/deps.sh build

$(foreach r,$(filter-out store,$(ROOMS)),$(eval $(call room,$(r),)))
$(eval $(call room,store,$(O)/gen/migrations.o))
$(eval $(call room,web,$(O)/gen/assets.o))
$(eval $(call room,cli,))

GROUP = -Wl,--start-group $(1) -Wl,--end-group
ALL_A = $(ROOMS:%=$(O)/%.a) $(O)/web.a

$(O)/mxtrapd: $(SRC_mxtrapd:%.c=$(O)/%.o) $(ALL_A)
	$(SHOW) "  LINK  $@"
	$(Q)$(LINK) $(LTO) -o $@ $(SRC_mxtrapd:%.c=$(O)/%.o) $(call GROUP,$(ALL_A)) $(PKG_LIBS) -lm -lpthread

CLI_A = $(O)/export.a $(O)/store.a $(O)/base.a $(O)/core.a
$(O)/mxtrap: $(O)/cli.a $(CLI_A)
	$(SHOW) "  LINK  $@"
	$(Q)$(LINK) -o $@ -Wl,--whole-archive $(O)/cli.a -Wl,--no-whole-archive $(call GROUP,$(CLI_A)) \
	    $$($(PKG) --libs sqlite3) -lm -lpthread

# Nobody in the programs may call what banned.h names.
# The packet path runs through two rooms: only with both before it can the compiler inline it, which is
# a tenth of its instructions.  Objects hold plain code as well, for whoever links them without.
LTO	= $(if $(SAN)$(FUZZING)$(COVERAGE)$(findstring clang,$(CC)),,-flto=auto)
# The test programs, a hundred of them, are such: each would be compiled as a whole whenever anything moves.
PLAIN	= $(if $(LTO),-fno-lto)
$(O)/daemon/core/%.o $(O)/daemon/watch/%.o $(O)/daemon/store/report%.o $(O)/daemon/export/%.o $(O)/daemon/lookup/%.o: HOT = $(if $(LTO),-O3 $(LTO) -ffat-lto-objects)
$(O)/daemon/%.o $(O)/web/%.o: BANNED = -include mxtrap/banned.h
$(O)/%.o: %.c
	@mkdir -p $(@D)
	$(SHOW) "  CC    $<"
	$(Q)$(COMPILE) $(HOT) $(BANNED) -c -o $@ $<

$(O)/gen/%.o: $(O)/gen/%.c
	$(SHOW) "  CC    $<"
	$(Q)$(COMPILE) -c -o $@ $<

$(O)/embed: web/embed.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(WARN) -O1 -o $@ $<

# The page, bundled; one for all builds.  npm is asked only when the lock file is another.
BUNDLE	= build/gen/page
NPM_CI	= npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
%/node_modules/.ready: %/package.json %/package-lock.json
	$(SHOW) "  NPM   $*"
	$(Q)cd $* && $(NPM_CI) >/dev/null && touch node_modules/.ready

$(BUNDLE)/.ready: $(PAGE) web/node_modules/.ready
	$(SHOW) "  PAGE  $(BUNDLE)"
	$(Q)node web/bundle.mjs $(BUNDLE) && touch $@

$(O)/gen/assets.c: $(O)/embed $(BUNDLE)/.ready
	@mkdir -p $(@D)
	$(Q)$(O)/embed assets $$(ls $(BUNDLE)/* | grep -v '\.gz$$') > $@.new && mv $@.new $@

$(O)/gen/migrations.c: $(O)/embed $(MIGRATIONS)
	@mkdir -p $(@D)
	$(Q)$(O)/embed migrations $(MIGRATIONS) > $@.new && mv $@.new $@

# --- tests ---------------------------------------------------------------------

UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT	= $(UNIT_SRC:%.c=$(O)/%)
TEST_A	= $(O)/cli-nomain.a $(ALL_A)

$(O)/cli-nomain.a: $(filter-out $(O)/daemon/cli/main.o,$(SRC_cli:%.c=$(O)/%.o))
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(O)/supervisor.a: $(filter-out $(O)/daemon/main.o,$(SRC_mxtrapd:%.c=$(O)/%.o))
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(O)/tests/unit/test_%: $(O)/tests/unit/test_%.o $(TEST_A) $(O)/supervisor.a
	$(SHOW) "  LINK  $@"
	$(Q)$(LINK) $(PLAIN) -o $@ $(filter %.o,$^) $(call GROUP,$(TEST_A) $(O)/supervisor.a) $(PKG_LIBS) -lcmocka -lm -lpthread

# Random towns are played in the scenarios' world.
PROPERTY_SRC := $(sort $(wildcard tests/property/*.c))
$(O)/tests/unit/test_property: $(PROPERTY_SRC:%.c=$(O)/%.o) $(O)/tests/scenario/world.o
# So are outages in which watch begins again.
$(O)/tests/unit/test_restart: $(O)/tests/scenario/world.o
# And what one stranger may make us keep.
$(O)/tests/unit/test_share: $(O)/tests/scenario/world.o

# Scenarios link the core and the pipeline, and nothing else.
TRAP_O	= $(patsubst %.c,$(O)/%.o,$(sort $(wildcard daemon/watch/trap*.c)))
SCENARIO_SRC := $(sort $(wildcard tests/scenario/*.c))
$(O)/tests/scenario/run: $(SCENARIO_SRC:%.c=$(O)/%.o) $(TRAP_O) $(O)/core.a
	$(SHOW) "  LINK  $@"
	$(Q)$(LINK) $(PLAIN) -o $@ $^ -lm

FUZZ_SRC := $(filter-out tests/fuzz/replay_main.c,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FUZZ	= $(FUZZ_SRC:%.c=$(O)/%)
# FUZZING=1 (tests/fuzz/fuzz.sh, clang): libFuzzer has the main program.
FUZZ_MAIN = $(if $(FUZZING),,$(O)/tests/fuzz/replay_main.o)
$(O)/tests/fuzz/fuzz_%: $(O)/tests/fuzz/fuzz_%.o $(FUZZ_MAIN) $(TEST_A) $(O)/supervisor.a
	$(SHOW) "  LINK  $@"
	$(Q)$(LINK) $(PLAIN) $(if $(FUZZING),-fsanitize=fuzzer) -o $@ $(filter %.o,$^) $(call GROUP,$(TEST_A) $(O)/supervisor.a) \
	    $(PKG_LIBS) -lm -lpthread

check-build: $(O)/mxtrapd $(O)/mxtrap $(UNIT) $(FUZZ) $(if $(SCENARIO_SRC),$(O)/tests/scenario/run)

check:
	@deploy/deps.sh check mtas
	@$(MAKE) --no-print-directory check-build tests/browser/node_modules/.ready
	@tests/check.sh $(O) all

check-fast:
	@deploy/deps.sh check
	@$(MAKE) --no-print-directory check-build
	@tests/check.sh $(O) fast

# Each folder of tests/cases, a line for each: tests/cases/README.md.
check-cases:
	@deploy/deps.sh check mtas
	@$(MAKE) --no-print-directory check-build
	@tests/cases/check.sh $(O)

# What a newcomer types first, in two fresh Debians: `make demo`, and `make check`.  By hand: docs/first.md.
check-first:
	@tests/first/first.sh $(O)

# At other dates: DAYS=400 for one of them; else 60 and 400 days ahead, and near 2^31 s.
check-calendar:
	@deploy/deps.sh check
	@$(MAKE) --no-print-directory check-build tests/browser/node_modules/.ready
	@tests/calendar.sh $(O) $(if $(DAYS),+$(DAYS)d)

# All of `make check`, three times, beside six processes that only spin.  By hand; its log is $(O)/check-busy.log.
check-busy:
	@deploy/deps.sh check mtas
	@$(MAKE) --no-print-directory check-build tests/browser/node_modules/.ready
	@tests/busy.sh $(O)

# Long ones, by hand; each test adds itself as a prerequisite.
check-attack: check-mtas check-forged

# Ten million forged SYNs, a million guessed ACKs: tests/attack/README.md.
check-forged:
	@deploy/deps.sh check
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@tests/attack/flood.sh $(O) 10000000 1000000 50000
	@tests/attack/forged.sh $(O) 1000000

# Real mail servers for a quarter of an hour, and two days of a queue: tests/mtas/README.md.
check-mtas:
	@deploy/deps.sh mtas
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@tests/mtas/foreign.sh $(O)
	@tests/mtas/run.sh $(O) full

# README and the guides, typed literally in a Debian 12 of its own: docs/followed.md.
check-readme:
	@deploy/deps.sh build readme
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@tests/readme/readme.sh $(O)

demo:
	@deploy/deps.sh demo
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@deploy/demo/demo.sh $(O) $(SECONDS)

bench:
	@deploy/deps.sh bench check
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap $(ALL_A)
	@tests/bench/run.sh $(O)

# Ten minutes of handshakes: what they cost in memory and on the disk.
soak:
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@tests/bench/soak.sh $(O)

# The pictures of docs/dashboard.md.
docs-pictures:
	@deploy/deps.sh check pictures
	@$(MAKE) --no-print-directory $(O)/mxtrapd $(O)/mxtrap
	@docs/pictures.sh $(O)

lint:
	@deploy/deps.sh check
	@tests/lint.sh

fuzz:
	@deploy/deps.sh check
	@tests/fuzz/fuzz.sh $(or $(SECONDS),60)

# Line coverage of daemon/core by its unit tests and the scenarios.
coverage:
	@deploy/deps.sh check
	@$(MAKE) --no-print-directory O=build-cov COVERAGE=1 CFLAGS="-O0 -g --coverage" check-build
	@tests/coverage.sh build-cov

DOCDIR	= $(DESTDIR)$(PREFIX)/share/doc/mxtrap
install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
	    $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/man/man8 \
	    $(DESTDIR)$(PREFIX)/share/doc/mxtrap
	install -m 755 $(O)/mxtrapd $(DESTDIR)$(PREFIX)/sbin/mxtrapd
	install -m 755 $(O)/mxtrap $(DESTDIR)$(PREFIX)/bin/mxtrap
	install -m 755 deploy/mxtrap-fetch.sh $(DESTDIR)$(PREFIX)/sbin/mxtrap-fetch
	for m in 1 5 8; do for f in docs/*.$$m; do [ ! -e "$$f" ] || \
	    install -m 644 "$$f" $(DESTDIR)$(PREFIX)/share/man/man$$m/; done; done
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install -m 644 deploy/bash-completion/mxtrap $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mxtrap
	install -d $(DOCDIR)/fail2ban $(DOCDIR)/consumers $(DOCDIR)/pictures
	install -m 644 deploy/mxtrap.conf.example deploy/allow-providers.conf LICENSE docs/openapi.yaml $(DOCDIR)/
	install -m 644 deploy/fail2ban/mxtrap.conf deploy/fail2ban/mxtrap-nft.conf $(DOCDIR)/fail2ban/
	install -m 644 docs/pictures/*.png $(DOCDIR)/pictures/
# README's links begin with docs/, which is here; a path of the sources, or of PREFIX=/usr, becomes the installed one.
	for f in README.md docs/*.md docs/consumers/*.md; do \
	    sed -e 's|](docs/|](|g' -e 's|](../README|](README|g' -e 's|/usr/share/doc/mxtrap|$(PREFIX)/share/doc/mxtrap|g' -e 's|/usr/sbin/mxtrap|$(PREFIX)/sbin/mxtrap|g' \
	    "$$f" > "$(DOCDIR)/$${f#docs/}" && chmod 644 "$(DOCDIR)/$${f#docs/}" || exit 1; done
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed 's|@PREFIX@|$(PREFIX)|' deploy/mxtrapd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/mxtrapd.service
	install -m 644 deploy/mxtrap.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/mxtrap.conf

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/mxtrapd $(DESTDIR)$(PREFIX)/sbin/mxtrap-fetch $(DESTDIR)$(PREFIX)/bin/mxtrap
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/mxtrap.1 $(DESTDIR)$(PREFIX)/share/man/man5/mxtrap.conf.5 \
	    $(DESTDIR)$(PREFIX)/share/man/man8/mxtrapd.8 \
	    $(DESTDIR)$(PREFIX)/share/man/man8/mxtrap-fetch.8
	rm -f $(DESTDIR)$(PREFIX)/lib/systemd/system/mxtrapd.service $(DESTDIR)$(PREFIX)/lib/sysusers.d/mxtrap.conf
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mxtrap
	rm -rf $(DESTDIR)$(PREFIX)/share/doc/mxtrap

clean:
	rm -rf build build-san build-cov build-fuzz

.PHONY: all deps-build check check-readme check-fast check-cases check-first check-calendar check-busy check-build check-attack check-forged check-mtas demo bench soak docs-pictures lint fuzz coverage install uninstall clean
.SECONDARY:
-include $(shell find $(O) -name root -prune -o -type f -name '*.d' -print 2>/dev/null)
