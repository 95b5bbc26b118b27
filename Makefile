# `make demo` and `make test` work as the first command on a fresh checkout. A Rust toolchain is all that the demo needs;
# the tests also set libtorch up, see scripts/setup-torch.sh.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup-torch demo demo-train demo-oneshot test test-default soak check check-default bless bench bench-peers bench-repro deny

CARGO ?= cargo
# All of Lanista, in the one profile that check, tests and demos share: another would build libtorch's bindings again.
# Always the whole workspace: what is built alone gets its dependencies with other features, a second time.
ALL := --locked --workspace --features torch
BIN := $${CARGO_TARGET_DIR:-target}/debug

# Runs a command, and says how long it took.
define stage
	@start=$$SECONDS; printf '\n== %s\n' '$(1)'; $(2); printf '== %s: %s s\n' '$(1)' "$$((SECONDS - start))"
endef

help:
	@printf '%s\n' \
	  'make demo         search NAS-Bench-201, show what was found, draw it into out/' \
	  'make demo-train   train a network that was found on the embedded digits, and export it' \
	  'make demo-oneshot search by DARTS on the digits with shared weights, draw, derive and train what was found' \
	  'make test         everything: format, clippy, unit, property, golden and integration tests, doc tests, docs' \
	  'make soak         random attacks at length: kills, damaged files, runs side by side, bombs; SOAK=50 SOAK_SEED=1' \
  'make check        format and clippy only' \
	  'make setup-torch  libtorch, from $$LIBTORCH, an installed PyTorch or a new .venv; the targets that need it call it' \
	  'make bless        write golden files anew; read the diff before you commit it' \
	  'make bench        criterion benchmarks' \
	  'make bench-peers  the same work in PyTorch, side by side' \
	  'make bench-repro  the tables of benches/repro from its logs' \
	  'make deny         licences, advisories and bans (needs cargo-deny)'

setup-torch:
	$(call stage,libtorch,scripts/setup-torch.sh)

demo:
	$(CARGO) run --locked -p lanista --bin lanista -- demo

demo-train: setup-torch
	$(CARGO) build $(ALL) --bins
	$(BIN)/lanista demo-train

demo-oneshot: setup-torch
	$(CARGO) build $(ALL) --bins
	$(BIN)/lanista demo-oneshot

check: setup-torch
	$(call stage,format,$(CARGO) fmt --all --check)
	$(call stage,clippy,$(CARGO) clippy $(ALL) --all-targets -- -D warnings)

# What a table search is built from holds no libtorch: it compiles without, and the command line runs.
check-default:
	$(call stage,default build,$(CARGO) clippy --locked -p lanista --bins --tests -- -D warnings)
	@! $(CARGO) tree --locked -p lanista -e normal,build | grep -E '(torch-sys|tch) v'

test-default:
	$(call stage,tests of the default build,$(CARGO) test --locked -p lanista --bins --test cli)

test: check check-default test-default
	$(call stage,tests,$(CARGO) test $(ALL) --lib --bins --tests --examples)
	$(call stage,doc tests,$(CARGO) test $(ALL) --doc)
	$(call stage,docs,RUSTDOCFLAGS='-D warnings' $(CARGO) doc $(ALL) --no-deps)

# Each attack is SOAK times as long as among the tests: 1,000 damaged journals and more than 500 kills at 50.
SOAK ?= 50
SOAK_SEED ?= 1
soak: setup-torch
	LANISTA_SOAK=$(SOAK) LANISTA_SOAK_SEED=$(SOAK_SEED) $(CARGO) test $(ALL) --tests soak -- --nocapture

bless: setup-torch
	env -u LANISTA_REQUIRE_ALL LANISTA_BLESS=1 $(CARGO) test $(ALL) --tests
	git status --short

bench:
	$(CARGO) bench --locked -p lanista-benches

bench-peers: setup-torch
	$(CARGO) build $(ALL) --bins
	LANISTA_STEP=$(BIN)/darts-step benches/peers/run.sh

bench-repro: setup-torch
	$(CARGO) build $(ALL) --bins
	@for log in benches/repro/logs/*.json; do \
	  name="$$(basename "$$log" .json)"; printf '\n== %s\n' "$$log"; $(BIN)/repro "$${name%%-*}" --from "$$log"; done

deny:
	cargo deny check
