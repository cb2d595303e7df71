# make up       the whole life of a real model on this machine, then serves it on http://127.0.0.1:8642
# make test     every test this machine can run (extras that are missing are skipped, and said)
# make test-all every extra but vllm installed; a skip that is not about hardware or shared data is a failure
# make check    format, lint, types (which need the extras), import contracts, docs
# make lock     resolve the locks anew; make docs: regenerate docs/reference

SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
CORE := $(VENV)/.installed-core
TEST := $(VENV)/.installed-test
ALL := $(VENV)/.installed-all
UP ?=

.PHONY: up test test-all check lock docs clean

up: $(CORE)
	@$(BIN)/mythos up $(UP)

test: $(TEST)
	@$(BIN)/python -m pytest $(PYTEST)

test-all: $(ALL)
	@MYTHOS_TEST_ALL=1 $(BIN)/python -m pytest $(PYTEST)

check: $(ALL)
	@$(BIN)/ruff format --check src tests bench examples
	@$(BIN)/ruff check src tests bench examples
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python docs/generate.py --check

docs: $(TEST)
	@$(BIN)/python docs/generate.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mythos needs Python 3.11 or newer; found " + sys.version.split()[0] + ". Run: make PYTHON=python3.12 up")'
	@$(PYTHON) -m venv $(VENV)

# The locks are complete, so pip resolves nothing: with a resolver, a newer release of a package that is asked for
# with an extra ends the installation.
$(CORE): lock/core.txt lock/build.txt pyproject.toml | $(BIN)/python
	@echo "Installing Mythos into $(VENV) (once) ..."
	@$(PIP) install --quiet --no-deps --require-hashes -r lock/build.txt -r lock/core.txt
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(TEST): $(CORE) lock/test.txt
	@$(PIP) install --quiet --no-deps --require-hashes -r lock/test.txt
	@touch $@

# torch and what builds on it differ by platform (CPU, CUDA), so they are pinned by version, not by hash.
$(ALL): $(TEST) lock/extras.txt
	@$(PIP) install --quiet -r lock/extras.txt
	@touch $@

lock: $(TEST)
	@$(BIN)/python lock/resolve.py

clean:
	@rm -rf $(VENV) build dist
