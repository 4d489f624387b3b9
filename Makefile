# The commands of README and CI. `make` alone lists them.
PYTHON ?= python3
PORT ?= 4566
export PORT
# For `make package` and `sam build`: the compilation target, and cargo's profile: `deploy`, or `dev` for a quick look.
TARGET ?= $(shell rustc --print host-tuple 2>/dev/null)
PROFILE ?= deploy
BINARIES = target/$(if $(filter dev,$(PROFILE)),debug,$(TARGET)/$(PROFILE))
# For `make package` and `sam build`: the directory of your policy set, which `warden init DIR` makes. Without it, the stack needs `PolicyUri`.
POLICIES ?=
# For `make up`: a file with the services and connections of an account without a warden (local/src/load.rs has its form).
WORLD ?=
export WORLD
# The number of forged events of `make fuzz`.
EVENTS ?= 1000000
# For `make load`: requests per second, seconds, and any value for EC2's documented throttling.
RATE ?= 50
SECONDS ?= 600
THROTTLE ?=
# The number of cases of each law in `make soak`.
CASES ?= 100000

RUN = @command -v $(PYTHON) >/dev/null 2>&1 || { echo "\`$(PYTHON)\` is not on your PATH: install Python 3.11 or later, or run make PYTHON=/path/to/python3.11 …"; exit 1; }; $(PYTHON) packaging/bootstrap.py
NEEDS_CARGO = @command -v cargo >/dev/null 2>&1 || { echo "\`cargo\` is not on your PATH: install Rust 1.95 or later from https://rustup.rs."; exit 1; }
# All builds in the dev profile select the whole workspace with its tests' features: other features would build the AWS SDK again.
DEV_BUILD = cargo build --locked --workspace --examples

.PHONY: help try up test cli soak fuzz mutants load bench check package set binaries build-Approve build-Audit build-Notify

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1: \2/p' $(MAKEFILE_LIST)

try: ## run the Redis scenario on this machine: the real template, the real binaries, five requests, an audit
	$(RUN) try

up: ## keep the same platform running at http://127.0.0.1:4566 (or PORT=…), for the plain `aws` command line
	$(RUN) up

test: ## run every test, from a clean clone; install what some tests need, or name the tests that are skipped
	$(RUN) test

cli: ## build the command line, target/debug/warden
	$(NEEDS_CARGO)
	$(DEV_BUILD) --bin warden

soak: ## check the laws with 100,000 cases each (or CASES=…), and all small worlds: some 45 minutes on two cores; prints the seed of a failure
	$(NEEDS_CARGO)
	SMALL_WORLDS=full PROPTEST_CASES=$(CASES) cargo test --locked --profile soak -p properties -- --skip mutant

fuzz: ## deliver a million forged events (or EVENTS=…): none may panic a function or be accepted
	$(NEEDS_CARGO)
	EVENTS=$(EVENTS) cargo test --locked --profile soak -p fuzz -- --nocapture

mutants: ## check that the tests notice each mutant of the deciding code (an hour); FILE=… for one file
	$(RUN) mutants "$(FILE)"

load: ## send 50 requests a second for ten minutes through the deployed stack (or RATE=… SECONDS=…); THROTTLE=1 with EC2's throttling
	$(NEEDS_CARGO)
	cargo build --locked --release -p cli -p bench -p approve
	$(RUN) load "$(RATE)" "$(SECONDS)" "$(THROTTLE)"

bench: ## run the benchmarks (the first time builds an optimised SDK: some ten minutes)
	$(NEEDS_CARGO)
	cargo build --locked --release -p cli -p bench -p approve
	$(RUN) bench

check: ## check formatting, lints, prose, documentation, dependencies and templates
	$(NEEDS_CARGO)
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	$(RUN) check

package: set binaries ## build the release with your policy set (POLICIES=DIR): the functions' zips in target/lambda, with hashes, bills of materials and licences
	$(RUN) package $(BINARIES) "$(POLICIES)"

set:
	$(RUN) set "$(POLICIES)"

# `sam build` calls these with ARTIFACTS_DIR (Metadata in infra/template.yaml).
build-Approve build-Audit build-Notify: build-%: binaries
	$(RUN) folder $* $(BINARIES) "$(ARTIFACTS_DIR)" "$(POLICIES)"

# One build for all three, so that each caller gets the same bytes. The flags remove this machine's paths, and the unwind tables that an
# aborting panic does not need. RUSTFLAGS is set here because a cargo configuration file cannot name cargo's home. The profile is separate
# from `release`, which has no such flags: otherwise each of the two would build the SDK again after the other. With --target, the flags do
# not apply to procedural macros and build scripts.
CARGO_HOME ?= $(HOME)/.cargo
ifneq ($(PROFILE),dev)
binaries: export RUSTFLAGS = -Cforce-unwind-tables=no --remap-path-prefix=$(CURDIR)=/warden --remap-path-prefix=$(CARGO_HOME)=/cargo
binaries: export CFLAGS = -ffile-prefix-map=$(CURDIR)=/warden -ffile-prefix-map=$(CARGO_HOME)=/cargo
endif
binaries:
	$(NEEDS_CARGO)
	$(if $(filter dev,$(PROFILE)),$(DEV_BUILD) --bin approve --bin audit --bin notify,cargo build --locked --profile $(PROFILE) -p approve -p audit -p notify --target $(TARGET))
