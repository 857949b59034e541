# Everything sets itself up: `make demo` and `make test` need Python >= 3.11, a Rust toolchain and make.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --retries 10 --timeout 60
DEPENDENCIES := .venv/.dependencies
NATIVE := .venv/.native
# The extension is built, linted and tested against the same interpreter.
export PYO3_PYTHON := $(CURDIR)/$(BIN)/python

SOURCES := $(wildcard alservice tests tools bench examples)
RUST := $(shell find rust_core -name '*.rs' 2> /dev/null) $(wildcard rust_core/Cargo.toml rust_core/build.rs)
# What `buf breaking` compares with: the main that others have, if this clone knows one.
BASE := $(shell git rev-parse --verify --quiet origin/main 2> /dev/null || git rev-parse --verify --quiet main 2> /dev/null)

ARGS ?=
DATA ?= ./data
CASE ?=
SOAK_KILLS ?= 500
CHAOS_SECONDS ?= 600
CHAOS_CLIENTS ?= 30
CHAOS_PAUSES ?= 0
CHAOS_STORMS ?= 0
CHAOS_REPORT ?= .venv/chaos.json
PYTEST_ARGS ?= -n 2 --dist loadfile

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(NATIVE) ## watch the service learn handwritten digits (ARGS="--data FILE" for your own)
	$(BIN)/alservice demo $(ARGS)

.PHONY: serve
serve: $(NATIVE) ## run the server on loopback, state in ./data (DATA=folder, ARGS=more flags)
	$(BIN)/alservice serve --data $(DATA) $(ARGS)

.PHONY: test
test: check ## everything that CI runs: check, then every test
	$(BIN)/python -m pytest $(PYTEST_ARGS)

.PHONY: check
check: lint check-proto check-rust stubtest doctest ## all that needs no server: lint, types, contracts, generated code, Rust

.PHONY: bench
bench: $(NATIVE) ## measure against the peers, in one run (CASE=name for one case)
	$(BIN)/python bench/run.py $(CASE) $(ARGS)

.PHONY: label-efficiency
label-efficiency: $(NATIVE) ## regenerate docs/label-efficiency.md (hours; it goes on where it was)
	$(BIN)/python bench/label_efficiency.py $(ARGS)

.PHONY: soak
soak: $(NATIVE) ## kill the server 500 times and check that nothing was lost (SOAK_KILLS=n)
	SOAK_KILLS=$(SOAK_KILLS) $(BIN)/python -m pytest tests/e2e -k kill --timeout 0 $(PYTEST_ARGS)

.PHONY: chaos
chaos: $(NATIVE) ## ten minutes in which replicas and the database die: nothing may be lost (CHAOS_SECONDS=n, CHAOS_CLIENTS=n)
	CHAOS_SECONDS=$(CHAOS_SECONDS) CHAOS_CLIENTS=$(CHAOS_CLIENTS) CHAOS_KILL_EVERY_S=20 CHAOS_RESTARTS=2 \
	CHAOS_PAUSES=$(CHAOS_PAUSES) CHAOS_STORMS=$(CHAOS_STORMS) CHAOS_REPORT=$(CHAOS_REPORT) \
		$(BIN)/python -m pytest tests/chaos -k nothing_is_lost --timeout 0

.PHONY: proto
proto: $(DEPENDENCIES) ## generate alservice/api from proto/
	$(BIN)/python tools/generate_protos.py

.PHONY: fmt
fmt: $(DEPENDENCIES) cargo ## format Python and Rust
	$(BIN)/ruff check --fix --quiet $(SOURCES) || true
	$(BIN)/ruff format $(SOURCES)
	cargo fmt --all

.PHONY: lock
lock: $(BIN)/python ## upgrade requirements-dev.lock to the newest versions that pyproject.toml allows
	$(BIN)/python tools/lock.py > .venv/lock
	mv .venv/lock requirements-dev.lock

.PHONY: clean
clean: ## remove everything that was built, and .venv
	rm -rf .venv target .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find alservice tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f alservice/core/_native*.so

# -- the parts of check, in the order in which they run ------------------------------------------

.PHONY: lint
lint: $(DEPENDENCIES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports

.PHONY: check-proto
check-proto: $(DEPENDENCIES) | lint
	$(BIN)/buf lint
	@tools/breaking.sh $(BIN)/buf "$(BASE)"
	$(BIN)/python tools/generate_protos.py --check

.PHONY: check-rust
check-rust: $(DEPENDENCIES) cargo | check-proto
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo test --workspace --quiet

.PHONY: stubtest
stubtest: $(NATIVE) | check-rust
	$(BIN)/python -m mypy.stubtest alservice.core._native

.PHONY: doctest
doctest: $(NATIVE) | stubtest
	$(BIN)/python -m pytest --doctest-modules --ignore=alservice/api --ignore=alservice/storage/catalog/migrations alservice

# -- set-up --------------------------------------------------------------------------------------

.PHONY: cargo
cargo:
	@command -v cargo > /dev/null || { echo 'No Rust toolchain: install one (rustup or your distribution), so that `cargo` is on the PATH.' >&2; exit 1; }

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { echo 'No $(PYTHON) on the PATH: install Python 3.11 or newer, or say make PYTHON=...' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) -V). Say make PYTHON=python3.12, for example." >&2; exit 1; }
	$(PYTHON) -m venv .venv

$(DEPENDENCIES): requirements-dev.lock | $(BIN)/python
	$(PIP) install --quiet --requirement requirements-dev.lock
	@touch $@

$(NATIVE): $(RUST) $(wildcard Cargo.toml Cargo.lock) pyproject.toml $(DEPENDENCIES) | cargo
	VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/maturin develop --release --quiet > /dev/null
	@touch $@
