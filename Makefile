# A machine with make, git and Python 3.11 or newer needs nothing else: every target sets up .venv first.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := libs services tests
DISK_KB := 2000000
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup run test check fmt lint bench drill lock up down e2e clean

help:
	@echo "make run      start Mist here: Kafka, the services, an example job (ARGS=--once: exit after it)"
	@echo "make test     every test that needs no Docker"
	@echo "make check    format, lint, types, import rules, tests"
	@echo "make bench    measure round trips and throughput"
	@echo "make drill    kill everything, again and again, and count what was lost (JOBS=20000)"
	@echo "make up/down  the same in containers (needs Docker); make e2e: a job through them"
	@echo "make fmt/lint/lock/clean"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Mist needs Python 3.11 or newer: install it, or say where it is with make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -d $(VENV) || test "$$(df -Pk . | awk 'NR == 2 {print $$4}')" -gt $(DISK_KB) || { echo "Mist needs 2 GB of disk here for its virtual environment: make room first" >&2; exit 1; }
	@echo "Setting up $(VENV) (once; about a minute, mostly the download of Spark, 450 MB)"
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make virtual environments: install its venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: $(READY)
	@exec $(BIN)/python -m mist_run $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

check: lint test

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(READY)
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(READY)
	@PYTHONPATH=tests $(BIN)/python tests/bench/run.py $(ARGS)

drill: $(READY)
	@JOBS=$(JOBS) PYTHONPATH=tests exec $(BIN)/python tests/drill/run.py $(ARGS)

up down e2e:
	@docker compose version >/dev/null 2>&1 || { echo "make $@ needs Docker with its compose plugin, which this machine lacks; make run needs neither" >&2; exit 1; }
	@$(MAKE) --no-print-directory $@-docker

.PHONY: up-docker down-docker e2e-docker
up-docker:
	docker compose up --build --detach --wait

down-docker:
	docker compose down --volumes --remove-orphans

e2e-docker: up-docker
	curl --fail --silent --show-error -X POST 'http://127.0.0.1:2004/v2/api/endpoints/simple-context?force=true' \
		-d '{"numbers": [1, 2, 3]}' | grep '"success":true'; status=$$?; \
		$(MAKE) --no-print-directory down-docker; exit $$status

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-header --quiet --output-file requirements.lock

clean:
	rm -rf $(VENV) .mist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
