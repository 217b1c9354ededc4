# The commands of a newcomer. `make help` lists them.
PREFIX ?= /usr/local
BUILD ?= build
JOBS ?= $(shell nproc)
SHELL := bash
.SHELLFLAGS := -o pipefail -c
NINJA = ninja -C $(BUILD) -j $(JOBS) --quiet

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup:
	@scripts/setup build

build: setup ## install what is missing and build build/touchline
	@[ -f $(BUILD)/build.ninja ] || cmake -S . -B $(BUILD) -G Ninja -DTL_TESTS=OFF >/dev/null
	@touch $(BUILD)/.begun; $(NINJA) | sed '/no work to do/d' && \
	{ [ ! $(BUILD)/touchline -nt $(BUILD)/.begun ] || echo "built $(BUILD)/touchline"; }

demo: build ## a synthetic match through the whole program: records, overlay video, pitch map
	@scripts/demo $(BUILD)/touchline demo

test: ## install what is missing, build every way and run every test
	@scripts/setup test
	@scripts/test

bench: build ## measure this machine: seconds per clip and per kernel
	@$(NINJA) bench_kernels | sed '/no work to do/d'
	@bench/run $(BUILD)

install: build ## install command, library, header, man page, models (PREFIX=/usr/local)
	@cmake -S . -B $(BUILD) -DCMAKE_INSTALL_PREFIX=$(PREFIX) >/dev/null && $(NINJA) | sed '/no work to do/d' && \
	DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || /sbin/ldconfig # so that programs find libtouchline at once

models: build ## make both networks again from the data folder (DATA=… WORK=…): hours on a CPU
	@models/training/make_models "$(DATA)" "$(WORK)"

clean: ## remove what was built (not .deps)
	rm -rf build build-* demo

.PHONY: help setup build demo test bench install models clean
.DEFAULT_GOAL := help
