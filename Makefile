# Two commands: `make demo` and `make test`. Each sets everything up first, and skips what is there.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all test-pythons search check coverage

UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
export UV_PYTHON_DOWNLOADS := never
export UV_HTTP_TIMEOUT := 300
export UV_LINK_MODE ?= hardlink
# Byte code is kept, whatever the surroundings say: without it each of a hundred programs that the tests start would
# compile Prefect and torch anew.
export PYTHONDONTWRITEBYTECODE :=
FETCH := $(UV) run --no-sync polydub models fetch --setup
VIDEO ?=
TO ?= es,fr
PROFILE ?= offline

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: ## Debian packages where missing, uv, the locked environment and its models
	@sh deployments/setup.sh
	@$(UV) sync --quiet --locked || $(UV) sync --locked
	@$(FETCH) || { command -v npm >/dev/null || $(UV) sync --quiet --locked --inexact --group npm; $(FETCH); } \
	  || echo "setup: without these models eSpeak NG speaks, PocketSphinx listens where Whisper is missing too, and without face-mesh no lips are drawn"

demo: setup ## dub the demo title, or VIDEO=my.mp4 TO=es,de
	$(UV) run --no-sync polydub demo $(if $(VIDEO),"$(VIDEO)") --to "$(TO)" --profile "$(PROFILE)"

# A process a core, a file at a time, the slow ones in tests/e2e early; torch gets one thread each, or they would fight
# over the cores.
PYTEST := OMP_NUM_THREADS=1 $(UV) run --no-sync pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# Property tests draw the same examples on every machine; `search` looks for new ones, ten times as many, another each night.
SEARCH := HYPOTHESIS_PROFILE=search

test: setup ## the test suite, without the slow checks; the same examples each time
	$(PYTEST)

search: setup ## property tests alone, with new random examples: for a nightly run
	$(SEARCH) $(PYTEST) -m hypothesis --timeout=1800

test-all: setup ## everything, slow checks and the random search included
	@sh deployments/setup.sh --grown
	@$(UV) sync --quiet --locked --group ui
	$(SEARCH) $(UV) run --no-sync pytest -m ""

test-pythons: ## the fast part of the suite on the other versions of Python that are supported, as a clone without media has it
	@for version in 3.12 3.13; do \
	  UV_PROJECT_ENVIRONMENT=.venv-$$version $(UV) sync --quiet --locked --python $$version && \
	  UV_PROJECT_ENVIRONMENT=.venv-$$version POLYDUB_MEDIA=none $(PYTEST) -m "not slow and not prefect" \
	    --ignore tests/e2e --ignore tests/faults --ignore tests/deployments || exit 1; done

coverage: setup ## the test suite with coverage of every package
	$(UV) run --no-sync pytest --cov --cov-report=term

check: setup ## format, lint, types, import rules, docstrings and licences
	$(UV) run --no-sync ruff format --check .
	$(UV) run --no-sync ruff check .
	$(UV) run --no-sync mypy
	$(UV) run --no-sync lint-imports
	$(UV) run --no-sync pytest -n 0 tests/test_plain_docs.py
	$(UV) run --no-sync polydub licences --json >/dev/null || $(UV) run --no-sync polydub licences
