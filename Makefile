# What the README says and .ci/run calls. `make` alone says what there is.
PYTHON ?= python3
PORT ?= 4566
export PORT
# The stories that `make soak` tells of each law.
CASES ?= 100000
# The compilation target of `make package`; empty means this machine's own.
TARGET ?=

BOOTSTRAP = @command -v $(PYTHON) >/dev/null 2>&1 || { echo "\`$(PYTHON)\` is not on your PATH: install Python 3.11 or later, or run make PYTHON=/path/to/python3.11 …"; exit 1; }; $(PYTHON) tests/e2e/bootstrap.py
NEEDS_CARGO = @command -v cargo >/dev/null 2>&1 || { echo "\`cargo\` is not on your PATH: install Rust 1.95 or later from https://rustup.rs."; exit 1; }

.PHONY: help try up test soak bench check package

help: ## say this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

try: ## play the Redis scenario on this machine: the real template, the real binaries, five requests
	$(BOOTSTRAP) try

up: ## the same platform left standing at http://127.0.0.1:4566 (or PORT=…), for the plain `aws` command line
	$(BOOTSTRAP) up

test: ## every test, from a clean clone
	$(BOOTSTRAP) test

soak: ## the laws over 100,000 stories each (or CASES=…): SOAKTIME on two cores; prints the seed of any failure
	$(NEEDS_CARGO)
	PROPTEST_CASES=$(CASES) cargo test --locked --profile soak -p journeys --test laws -- --skip mutant

bench: ## the numbers, side by side (the first time builds an optimised SDK: some ten minutes)
	$(NEEDS_CARGO)
	cargo build --locked --release -p cli -p bench
	target/release/bench

check: ## formatting, lints with warnings denied, documentation
	$(NEEDS_CARGO)
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

package: ## release binaries and zips in target/lambda, ready for `sam deploy --template infra/template.yaml`
	$(NEEDS_CARGO)
	cargo build --locked --release -p approve -p audit -p notify $(if $(TARGET),--target $(TARGET))
	$(BOOTSTRAP) package $(if $(TARGET),target/$(TARGET)/release,target/release)
