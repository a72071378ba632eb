# Thin: every target is one or two commands that can be typed by hand.
#
# One build profile (--release) for everything, so that Burn is compiled once.

CARGO ?= cargo
BAKEOFF = $(CARGO) run --release --quiet --bin bakeoff --

.PHONY: compare quick serve load test lint docs browser audit bench bench-peers bless

## The full comparison on MNIST: builds, trains, prints the leaderboard, writes the report.
compare:
	$(CARGO) build --release --bin bakeoff
	$(BAKEOFF) run experiments/default.toml

## A first impression in seconds.
quick:
	$(CARGO) build --release --bin bakeoff
	$(BAKEOFF) run experiments/quick.toml

## The page for your own digits, at http://127.0.0.1:8000/.
serve:
	$(CARGO) build --release --bin bakeoff
	$(BAKEOFF) serve

## 200 predictions a second for half a minute, with their latencies; on a quiet machine.
load:
	$(CARGO) build --release --bin bakeoff
	$(CARGO) test --release --package bakeoff-tests --test e2e -- --ignored --nocapture two_hundred

## Everything that must hold: format, lints, documentation, tests (with a browser).
test: lint docs browser
	$(CARGO) build --release --bin bakeoff
	$(CARGO) test --release --workspace

## Format and lints; those of the report's scripts where node is there.
lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --workspace --all-targets -- -D warnings
	./tests/lint-scripts

## Documentation without warnings.
docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --workspace --no-deps --document-private-items

## A headless browser for the page test, where it is missing and may be installed.
browser:
	./tests/install-browser

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
	./benches/environment
	benches/.venv/bin/python benches/bench_peers.py $(ARGS)

## Accept the report's golden files as they are now.
bless:
	BLESS=1 $(CARGO) test --release -p bakeoff-report
