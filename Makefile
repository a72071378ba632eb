# Thin: every target is one or two commands that can be typed by hand.
#
# One build profile (--release) for everything. The default comparison is built without Burn,
# which takes most of a build and which only the engines burn-flex and burn-ndarray use.

CARGO ?= cargo
ARGS ?=
PREFIX ?= /usr/local
SECONDS ?= 60
TRIES ?= 200
BIN = target/release/bakeoff
NO_BURN = --no-default-features

.PHONY: compare quick engines serve own-pictures load check test test-integrations wheel test-python lint docs browser audit bench bench-peers bench-auto fuzz crash miri bless install dist

## The full comparison on MNIST: builds, trains, prints the leaderboard, writes the report.
compare:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	$(BIN) run experiments/default.toml $(ARGS)

## A first impression in seconds.
quick:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	$(BIN) run experiments/quick.toml $(ARGS)

## Every library of every family for the same answer; builds all of them (some minutes).
engines:
	$(CARGO) build --release --bin bakeoff
	$(BIN) run experiments/engines.toml $(ARGS)

## The page for your own digits, at http://127.0.0.1:8000/.
serve:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	$(BIN) serve $(ARGS)

## Saved models on folders of your own images: make own-pictures DIR=my-scans MODELS="mnist/cnn mnist/knn"
own-pictures:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	$(BIN) evaluate $(DIR)/*/ $(if $(MODELS),$(addprefix --model ,$(MODELS)),--all) $(ARGS)

## Format, lints and tests of one crate, in seconds: make check CRATE=knn
check:
	$(CARGO) fmt --package bakeoff-$(CRATE) --check
	$(CARGO) clippy --release --package bakeoff-$(CRATE) --all-targets -- -D warnings
	$(CARGO) test --release --package bakeoff-$(CRATE) $(ARGS)

## Everything that must hold: format, lints, documentation, tests (with a browser). The tests that make up
## their own inputs make up the same ones every time; PROPTEST_RNG_SEED=2 PROPTEST_CASES=5000 tries others.
test: export PROPTEST_RNG_SEED ?= 1
test: lint docs browser
	$(CARGO) build --release --bin bakeoff
	$(CARGO) test --release --workspace

## Trials on Slurm, HyperQueue, Ray, Snakemake and an S3 server on this machine, with nodes that are killed,
## Kubernetes' jobs against its schema, ONNX files in ONNX Runtime, scikit-learn as a model, MLflow and parquet files; installs what is missing and says so.
test-integrations:
	$(CARGO) build --release --bin bakeoff $(NO_BURN) --features parquet
	./integrations/test

## The Python package with the program in it, into target/wheels.
wheel:
	./integrations/python/wheel

## The same, installed into a fresh virtual environment and tested there, with scikit-learn's checks of estimators and mypy.
test-python:
	./integrations/python/wheel test

## Format and lints; those of the scripts where node is there.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	./tests/lint-scripts

## Documentation without warnings.
docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --document-private-items

## A headless browser for the page test. It says what it installs before it does;
## BAKEOFF_INSTALL=no forbids it.
browser:
	./tests/install-browser

## 200 predictions a second for half a minute, with their latencies; on a quiet machine.
load:
	$(CARGO) build --release --bin bakeoff
	$(CARGO) test --release --package bakeoff-tests --test e2e -- --ignored --nocapture two_hundred

## Licences, bans, sources and (where the database can be reached) advisories.
audit:
	@$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny
	$(CARGO) deny check licenses bans sources
	$(CARGO) deny check advisories || \
		echo "advisories: not checked or not clean, see above (the database needs the internet)"

## Criterion benches of the kernels, of whole fits on reduced data and of the report.
bench:
	$(CARGO) bench $(addprefix -p bakeoff-,kernels knn logistic metrics zoo report) --benches

## Beside scikit-learn, FAISS, PyTorch and Keras, into docs/peers.md; ARGS=--quick to try it.
bench-peers:
	$(CARGO) build --release --bin bakeoff
	./peers/environment
	peers/.venv/bin/python peers/bench_peers.py $(ARGS)

## `bakeoff run auto` beside AutoGluon, twenty minutes; ARGS="--budget 60 --data DIR" for less, or other images.
bench-auto:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	./peers/environment auto
	peers/.venv-auto/bin/python peers/auto_peers.py $(ARGS)

## Every reader under a fuzzer for SECONDS each, on stable Rust with a C++ compiler; TARGET=csv for
## one. What fails is left in tests/fuzz/corpus, where `make test` replays it.
fuzz:
	./tests/fuzz/run $(SECONDS) $(TARGET)

## Kills run, trial, report, export and serve TRIES times at random moments; nothing may be lost.
crash:
	$(CARGO) build --release --bin bakeoff $(NO_BURN)
	$(CARGO) run --release --package bakeoff-tests --example crash -- $(BIN) $(TRIES)

## The portable paths of the kernels under Miri; needs `rustup component add miri rust-src --toolchain nightly`.
miri:
	MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows" PROPTEST_CASES=1 \
		$(CARGO) +nightly miri test --package bakeoff-kernels --lib

## Accept the generated files as they are now: golden files of the report, tables in documents.
bless:
	BLESS=1 $(CARGO) test --release -p bakeoff-report -p bakeoff-bench

## The program, its manual pages and completions, below PREFIX (and DESTDIR).
install:
	./tests/package install "$(DESTDIR)$(PREFIX)"

## An archive of the same with a checksum, in target/dist.
dist:
	./tests/package dist
