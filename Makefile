# Two commands: `make demo` shows everything on this machine, `make test` proves it. Each sets up what it needs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test lint unit docs lock clean

help: ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/' | column -t -s:

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(f"Python {v.major}.{v.minor} was found. Readiness needs 3.11 or newer: make PYTHON=python3.12 ..." if v < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --quiet --progress-bar off --require-hashes -r requirements/runtime.txt
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m features.warm
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(PIP) install --quiet --progress-bar off --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(VENV)/.runtime ## Install what the program needs, pinned and hashed, into .venv
setup-dev: $(VENV)/.dev ## And what the tests need

demo: setup ## A market, a contest against its points, a trained champion, a served score
	$(BIN)/readiness demo

test: lint unit ## Style, types, room boundaries, and every test

lint: setup-dev ## Style, types and room boundaries alone
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup-dev ## The tests alone; WORKERS=1 runs them in one piece
	@# In their own order: the longest files have few tests, and reordering would run those last, one core idle.
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

docs: setup ## Write the pages that come from the code: contract, command line, HTTP API, features
	$(BIN)/python -m serving.documents

lock: ## Pin the requirements anew (needs uv on the PATH)
	uv pip compile pyproject.toml --extra dev --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file requirements/dev.txt
	uv pip compile pyproject.toml --extra build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt --output-file requirements/runtime.txt
	awk '/^[^ ]/ {wanted = /^psycopg(-binary)?==/} wanted' requirements/dev.txt > requirements/postgres.txt

clean: ## Remove the environment and what the program wrote here
	rm -rf $(VENV) .readiness .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
