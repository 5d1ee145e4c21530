# What one does with this repository. `make help` lists it.
#
# Everything runs in .venv: made once with the newest Python 3.11+ of this machine and the locked requirements, and again
# only when those change. `make PYTHON=/path/to/python3 ...` chooses another.

BIN := .venv/bin
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test test-faults lint format bench reference clean

help:  ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## */\1\t/p' Makefile | expand -t 14

demo: $(STAMP)  ## Optimise a bundled sample repository, offline
	@$(BIN)/autotune-tui demo --into .demo/$$(date +%Y%m%d-%H%M%S)

test: lint  ## Lint, then run all tests
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile --no-loadscope-reorder

test-faults: $(STAMP)  ## Kill, starve and stop the engine at 300 moments (FAULTS=n for others); ten minutes to an hour
	@AUTOTUNE_FAULTS=$(or $(FAULTS),300) AUTOTUNE_STOPPED=90 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist load tests/test_faults.py

lint: $(STAMP)  ## Style, types and import contracts
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check || { $(BIN)/ruff format --diff; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$out"; exit 1; }

format: $(STAMP)  ## Mend what ruff can mend
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

bench: $(STAMP)  ## Print the figures that the design promises
	@for file in benchmarks/[a-z]*.py; do \
	  echo "== $$file"; $(BIN)/python -m benchmarks.$$(basename "$$file" .py) || exit 1; \
	done

reference: $(STAMP)  ## Write the configuration reference into README.md anew
	@$(BIN)/python -m autotune_tui.config README.md

clean:  ## Remove everything that make has made
	@rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv that works is kept and brought up to date; one that does not (another machine, Python gone) is made anew.
$(STAMP): requirements.lock pyproject.toml
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  for python in $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3; do \
	    "$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && break; \
	    python=; \
	  done; \
	  [ -n "$$python" ] || { echo "Python 3.11 or newer with venv is needed; on Debian: apt-get install python3-venv" >&2; exit 1; }; \
	  echo "Making .venv with $$("$$python" --version)" >&2; \
	  "$$python" -m venv --clear .venv; \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
