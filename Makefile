# What the README says and .ci/run calls. `make` alone says what there is.
PYTHON ?= python3
PORT ?= 4566
export PORT
# Of `make package` and `sam build`: the compilation target, and cargo's profile: `deploy`, or `dev` for a look at once. That one builds
# everything, as `make test` does: other packages would be other features, and another SDK.
TARGET ?= $(shell rustc --print host-tuple 2>/dev/null)
PROFILE ?= deploy
BINARIES = target/$(if $(filter dev,$(PROFILE)),debug,$(TARGET)/$(PROFILE))
# How many forged events `make fuzz` delivers.
EVENTS ?= 1000000
# Of `make load`: requests per second, for how many seconds; and whether EC2 throttles as it documents.
RATE ?= 50
SECONDS ?= 600
THROTTLE ?=
# The stories that `make soak` tells of each law.
CASES ?= 100000

BOOTSTRAP = @command -v $(PYTHON) >/dev/null 2>&1 || { echo "\`$(PYTHON)\` is not on your PATH: install Python 3.11 or later, or run make PYTHON=/path/to/python3.11 …"; exit 1; }; $(PYTHON) tests/e2e/bootstrap.py
NEEDS_CARGO = @command -v cargo >/dev/null 2>&1 || { echo "\`cargo\` is not on your PATH: install Rust 1.95 or later from https://rustup.rs."; exit 1; }

.PHONY: help try up test soak fuzz mutants load bench check package binaries build-Approve build-Audit build-Notify

help: ## say this
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

try: ## play the Redis scenario on this machine: the real template, the real binaries, five requests
	$(BOOTSTRAP) try

up: ## the same platform left standing at http://127.0.0.1:4566 (or PORT=…), for the plain `aws` command line
	$(BOOTSTRAP) up

test: ## every test, from a clean clone
	$(BOOTSTRAP) test

soak: ## the laws over 100,000 stories each (or CASES=…): some 45 minutes on two cores; prints the seed of any failure
	$(NEEDS_CARGO)
	PROPTEST_CASES=$(CASES) cargo test --locked --profile soak -p journeys --test laws -- --skip mutant

fuzz: ## a million forged events, or EVENTS=…, of which none may panic the functions or let anybody in
	$(NEEDS_CARGO)
	EVENTS=$(EVENTS) cargo test --locked --profile soak -p journeys --test hostile -- --nocapture

mutants: ## what decides, names and tells, broken in some 200 ways, of which the tests must notice each (an hour); FILE=… for one file
	$(BOOTSTRAP) mutants "$(FILE)"

load: ## 50 requests a second for ten minutes through the deployed stack, or RATE=… SECONDS=…; THROTTLE=1 with EC2's documented throttling
	$(NEEDS_CARGO)
	cargo build --locked --release -p cli -p bench -p approve
	$(BOOTSTRAP) load "$(RATE)" "$(SECONDS)" "$(THROTTLE)"

bench: ## the numbers, side by side (the first time builds an optimised SDK: some ten minutes)
	$(NEEDS_CARGO)
	cargo build --locked --release -p cli -p bench -p approve
	$(BOOTSTRAP) bench

check: ## formatting, lints with warnings denied, documentation, dependencies, templates
	$(NEEDS_CARGO)
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	$(BOOTSTRAP) check

package: binaries ## what is deployed: zips of the functions in target/lambda, their hashes, parts and licences; then `sam deploy`
	$(BOOTSTRAP) package $(BINARIES)

# What `sam build` calls, with ARTIFACTS_DIR (Metadata in infra/template.yaml).
build-Approve build-Audit build-Notify: build-%: binaries
	$(BOOTSTRAP) folder $* $(BINARIES) "$(ARTIFACTS_DIR)"

# All three at once, whoever asks, so that each comes to the same bytes. Where this machine keeps things must not show in them, and nothing
# unwinds where a panic aborts, so nobody needs the tables for it. RUSTFLAGS stands here and in no file, because a file cannot say where
# cargo's home is; and the profile is one of its own, because `make bench`, which has no such flags, would else build the SDK anew each
# time, and this would after it. --target, so that the flags are not for cargo's own macros and build scripts.
CARGO_HOME ?= $(HOME)/.cargo
ifneq ($(PROFILE),dev)
binaries: export RUSTFLAGS = -Cforce-unwind-tables=no --remap-path-prefix=$(CURDIR)=/warden --remap-path-prefix=$(CARGO_HOME)=/cargo
binaries: export CFLAGS = -ffile-prefix-map=$(CURDIR)=/warden -ffile-prefix-map=$(CARGO_HOME)=/cargo
endif
binaries:
	$(NEEDS_CARGO)
	cargo build --locked --profile $(PROFILE) $(if $(filter dev,$(PROFILE)),--workspace --all-targets,-p approve -p audit -p notify --target $(TARGET))
