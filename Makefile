# make demo and make test are all the set-up: they install what is missing, say what they did, and do nothing twice.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# cmake is for the bundled HDF5 alone; where the system's is too old, scripts/setup puts one into .tools/bin.
export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin
TARGET_FOLDER := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help demo test build install check test-rust test-python bench validate clean

help: ## Name the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: build ## Install what is missing, build, run two scenarios, leave trajectories and pictures in demo/
	@CARGO_TARGET_DIR="$(TARGET_FOLDER)" scripts/demo

test: check test-rust test-python ## Install what is missing, check format, lints and docs, run all tests

build: ## Install what is missing to build, and build
	@scripts/setup build
	cargo build --release --locked

install: ## Build, and put ottoflow into cargo's folder of programs
	@scripts/setup build
	cargo install --path . --locked

check: ## Format, lints, documentation: any warning is an error
	@scripts/setup build lint
	cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps

test-rust: ## The tests in Rust
	@scripts/setup build gpu
	cargo test --release --locked

# The files come from the tests in Rust; without them these fail.
test-python: test-rust ## Open the files that the tests left with h5py, xarray and VTK
	@scripts/setup readers
	OTTOFLOW="$(TARGET_FOLDER)/release/ottoflow" OTTOFLOW_TRAJECTORIES="$(TARGET_FOLDER)/test-trajectories" \
		.tools/python -m pytest -q -p no:cacheprovider tests/python

bench: ## Measure the speed, beside what the machine can do
	@scripts/setup build
	cargo bench --locked

validate: ## Check the theory numerically: one line a claim
	@scripts/setup build
	cargo run --release --locked --quiet -- validate

clean: ## Remove all that make made
	rm -rf demo .tools "$(TARGET_FOLDER)"
