# `make demo` and `make test` work as the first command on a fresh checkout; they need a Rust toolchain only.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check bless bench deny

CARGO ?= cargo

# Runs a command, and says how long it took.
define stage
	@start=$$SECONDS; printf '\n== %s\n' '$(1)'; $(2); printf '== %s: %s s\n' '$(1)' "$$((SECONDS - start))"
endef

help:
	@printf '%s\n' \
	  'make demo   search NAS-Bench-201, show what was found, draw it into out/' \
	  'make test   everything: format, clippy, unit, property, golden and integration tests, doc tests, docs' \
	  'make check  format and clippy only' \
	  'make bless  write golden files anew; read the diff before you commit it' \
	  'make bench  criterion benchmarks' \
	  'make deny   licences, advisories and bans (needs cargo-deny)'

demo:
	$(CARGO) run --locked -p lanista --bin lanista -- demo

check:
	$(call stage,format,$(CARGO) fmt --all --check)
	$(call stage,clippy,$(CARGO) clippy --locked --workspace --all-targets -- -D warnings)

test: check
	$(call stage,tests,$(CARGO) test --locked --workspace --lib --bins --tests --examples)
	$(call stage,doc tests,$(CARGO) test --locked --workspace --doc)
	$(call stage,docs,RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps)

bless:
	LANISTA_BLESS=1 $(CARGO) test --locked --workspace --tests
	git status --short

bench:
	$(CARGO) bench --locked -p lanista-benches

deny:
	cargo deny check
