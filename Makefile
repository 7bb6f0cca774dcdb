# Everything a person or a machine does with this repo. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3 || command -v python)
VENV := $(CURDIR)/.venv
RUN := $(VENV)/bin/python
RUFF := $(VENV)/bin/ruff
PYTHON_SOURCES := bindings-python examples tests bench
export TENANTRY_TEST_PYTHON := $(RUN)
# Builds, caches and downloads stay in ignored folders of this checkout.
export CARGO_TARGET_DIR ?= $(CURDIR)/target

.PHONY: help demo test lint format stubs bench dist clean need-rust need-python

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-8s %s\n", $$1, $$2 }'

need-rust:
	@command -v cargo >/dev/null 2>&1 || { echo "Rust is missing. Install it with rustup; the version is pinned in rust-toolchain.toml." >&2; exit 1; }
	@command -v cc >/dev/null 2>&1 || { echo "A C compiler (cc) is missing. On Debian: apt-get install build-essential" >&2; exit 1; }
	@cargo --version >/dev/null 2>&1 || { echo "cargo cannot run. rust-toolchain.toml pins the toolchain: run 'rustup toolchain install' here." >&2; exit 1; }

need-python:
	@test -n "$(PYTHON)" || { echo "Python is missing. Install Python 3.10 or newer." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed; $(PYTHON) is $$($(PYTHON) -V)." >&2; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv" >&2; exit 1; }

# The tools of the Python side, once per change of the list.
$(VENV)/.ready: bindings-python/requirements-dev.txt | need-python
	@test -x $(RUN) || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing Python tools into .venv ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
	@touch $@

# The extension is rebuilt by cargo only where something changed. It has the test hooks; `make dist` has not.
.PHONY: extension
extension: need-rust $(VENV)/.ready
	@echo "Building Tenantry for Python (the first time takes some minutes) ..."
	@cd bindings-python && VIRTUAL_ENV=$(VENV) $(VENV)/bin/maturin develop --skip-install --profile dev --features test-hooks
	@$(RUN) bindings-python/link.py

demo: extension ## two customers of one product, guarded differently, with a trail that shows tampering
	@$(RUN) examples/demo.py

test: extension lint ## lints, then every test in every language; ends with "N passed, 0 failed"
	@$(RUN) tests/run.py

lint: need-rust $(VENV)/.ready ## formatting, lints and types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(RUFF) format --check $(PYTHON_SOURCES)
	$(RUFF) check $(PYTHON_SOURCES)
	cd bindings-python && $(VENV)/bin/mypy
	$(RUN) bindings-python/stubs.py --check

format: need-rust $(VENV)/.ready ## rewrite sources in the house style
	cargo fmt --all
	$(RUFF) format $(PYTHON_SOURCES)

stubs: need-rust $(VENV)/.ready ## write the Python stubs anew after the binding's surface changed
	$(RUN) bindings-python/stubs.py

bench: need-rust $(VENV)/.ready ## what a guard call costs, in Rust and from Python, release build
	@echo "Building optimised (this takes some minutes) ..."
	@cargo build --release -p tenantry-bench
	@cd bindings-python && VIRTUAL_ENV=$(VENV) $(VENV)/bin/maturin build --quiet --release --out $(CURDIR)/dist
	@$(RUN) bench/bench.py

dist: need-rust $(VENV)/.ready ## the Python wheel, in dist/
	@cd bindings-python && VIRTUAL_ENV=$(VENV) $(VENV)/bin/maturin build --release --out $(CURDIR)/dist
	@ls -l dist

clean: ## remove everything that was built
	rm -rf target dist .venv .cache
