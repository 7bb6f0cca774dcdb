# Everything a person or a machine does with this repo. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3 || command -v python)
VENV := $(CURDIR)/.venv
RUN := $(VENV)/bin/python
RUFF := $(VENV)/bin/ruff
NODE_MODULES := bindings-node/node_modules
PYTHON_SOURCES := bindings-python bindings-go examples tests bench
# The languages `make demo` speaks: python, or all.
LANGS ?= python
export TENANTRY_TEST_PYTHON := $(RUN)
# Builds, caches and downloads stay in ignored folders of this checkout.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Go neither downloads another toolchain behind our back, nor mixes its build cache with other projects'.
export GOTOOLCHAIN := local
export GOCACHE ?= $(CURDIR)/.cache/go-build

.PHONY: help demo test fuzz soak lint format generate stubs bench bench-http bench-scale timing dist clean
.PHONY: need-rust need-python need-node need-go libraries extension addon archive runners everything

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

need-node:
	@command -v node >/dev/null 2>&1 || { echo "Node.js is missing. Install Node.js 20 or newer." >&2; exit 1; }
	@node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "Node.js 20 or newer is needed; this is $$(node --version)." >&2; exit 1; }
	@command -v npm >/dev/null 2>&1 || { echo "npm is missing. It comes with Node.js; on Debian: apt-get install npm" >&2; exit 1; }

need-go:
	@command -v go >/dev/null 2>&1 || { echo "Go is missing. Install Go 1.25 or newer." >&2; exit 1; }
	@go version | awk '{ split(substr($$3, 3), v, "."); exit !(v[1] > 1 || v[2] >= 25) }' || { echo "Go 1.25 or newer is needed; this is $$(go version)." >&2; exit 1; }

# The tools of the Python side, once per change of the list.
$(VENV)/.ready: bindings-python/requirements-dev.txt | need-python
	@test -x $(RUN) || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing Python tools into .venv ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r bindings-python/requirements-dev.txt
	@touch $@

# The compiler of the TypeScript side, once per change of the lock file.
$(NODE_MODULES)/.ready: bindings-node/package-lock.json | need-node
	@echo "Installing TypeScript tools into bindings-node/node_modules ..."
	@cd bindings-node && npm ci --silent --no-audit --no-fund
	@touch $@

# The libraries are rebuilt by cargo only where something changed. They have the test hooks; those of `make dist` have not.
HOOKS := tenantry-python/test-hooks,tenantry-node/test-hooks,tenantry-go/test-hooks

extension: need-rust $(VENV)/.ready
	@echo "Building Tenantry for Python (the first time takes some minutes) ..."
	@cd bindings-python && VIRTUAL_ENV=$(VENV) $(VENV)/bin/maturin develop --skip-install --profile dev --features test-hooks
	@$(RUN) bindings-python/link.py

addon: need-rust $(NODE_MODULES)/.ready
	@echo "Building Tenantry for Node.js ..."
	@cd bindings-node && node scripts/native.mjs --hooks && npm run --silent build

archive: need-rust need-go $(VENV)/.ready
	@echo "Building Tenantry for Go ..."
	@$(RUN) bindings-go/build.py --hooks

runners: archive
	@cargo build --quiet -p tenantry-conformance
	@cd tests/conformance/runners/go && go build -tags tenantry_test_hooks -o $(CARGO_TARGET_DIR)/tenantry-conformance-go .

# All that the targets above take from cargo, in one go; they then find it built.
libraries: need-rust
	@echo "Building Tenantry for Python, Node.js and Go (the first time takes some minutes) ..."
	@cargo build --workspace --exclude tenantry-bench --features $(HOOKS)

everything: need-rust need-python need-node need-go $(VENV)/.ready $(NODE_MODULES)/.ready libraries extension addon archive runners

ifeq ($(LANGS),all)
demo: everything
	@$(RUN) examples/demo.py
	@$(RUN) examples/languages.py
else
demo: extension ## two customers of one product, guarded differently, with a trail that shows tampering (LANGS=all: in four languages)
	@$(RUN) examples/demo.py
endif

test: need-rust need-python need-node need-go everything lint ## lints, then every test in every language; ends with "N passed, 0 failed"
	@$(RUN) tests/run.py

lint: need-rust need-go $(VENV)/.ready $(NODE_MODULES)/.ready archive ## formatting, lints and types
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(RUFF) format --check $(PYTHON_SOURCES)
	$(RUFF) check $(PYTHON_SOURCES)
	cd bindings-python && $(VENV)/bin/mypy
	cargo run -q -p tenantry-gen --features tenantry/test-hooks -- --check
	$(RUN) bindings-python/stubs.py --check
	cd bindings-node && npm run --silent check
	$(RUN) bindings-go/build.py --hooks --check

format: need-rust need-go $(VENV)/.ready ## rewrite sources in the house style
	cargo fmt --all
	$(RUFF) format $(PYTHON_SOURCES)
	gofmt -w bindings-go bench/go tests/conformance/runners/go

generate: need-rust ## write the files that are made of the table of operations
	cargo run -q -p tenantry-gen --features tenantry/test-hooks

stubs: need-rust $(VENV)/.ready ## write the Python stubs anew after the binding's surface changed
	$(RUN) bindings-python/stubs.py

soak: need-rust $(VENV)/.ready ## a million hostile requests of each kind, and a minute beside an attacker, release build
	@cargo build --release -p tenantry-server
	@TENANTRY_SOAK=1 cargo test --release -p tenantry --test memory -- --nocapture
	@TENANTRY_SOAK=1 TENANTRY_BINARY=$(CARGO_TARGET_DIR)/release/tenantry $(RUN) -m pytest -q -s -p no:cacheprovider tests/server/test_noisy.py

fuzz: need-rust ## policy texts and planted values at random for some minutes: nothing ends the process, nothing planted is handed on
	PROPTEST_CASES=20000 cargo test -p tenantry --test policy_bounds any_text
	PROPTEST_CASES=100000 cargo test -p tenantry --test redaction nothing_planted

bench: dist ## what a guard call costs in every language, and what knowing a caller costs, release build
	@cargo build --release -p tenantry-bench
	@$(RUN) bench/bench.py
	@$(CARGO_TARGET_DIR)/release/identity

bench-http: need-rust $(VENV)/.ready ## what a guard call costs over HTTP beside a bare echo, and from the public client; needs wrk
	@command -v wrk >/dev/null 2>&1 || { echo "wrk is missing. On Debian: apt-get install wrk" >&2; exit 1; }
	@cargo build --release -p tenantry-server -p tenantry-bench
	@$(RUN) bench/over_http.py

bench-scale: need-rust ## `required` calls from 1, 8 and 64 callers, and what a tenant costs among 100,000, release build
	@cargo build --release -p tenantry-bench --bin scale
	@$(CARGO_TARGET_DIR)/release/scale

timing: need-rust ## whether the time of a refused key tells an unknown id from a wrong secret
	@cargo build --release -p tenantry-bench --bin timing
	@$(CARGO_TARGET_DIR)/release/timing

$(VENV)/.ready-dist: bindings-python/requirements-dist.txt $(VENV)/.ready
	@echo "Installing a linker for older systems into .venv ..."
	@$(RUN) -m pip install --quiet --disable-pip-version-check -r bindings-python/requirements-dist.txt
	@touch $@

dist: need-rust need-go $(VENV)/.ready-dist $(NODE_MODULES)/.ready ## the wheel, the npm tarball and the Go module, each installed and run alone
	@$(RUN) tests/dist.py

clean: ## remove everything that was built
	rm -rf target dist .venv .cache bindings-node/node_modules bindings-go/lib/*/*.a
