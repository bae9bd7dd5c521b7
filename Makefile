# A machine with make, git and Python 3.11 or newer needs nothing else: every target sets up .venv first.

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := libs services tests
FAST := tests/unit tests/contract
SLOW := tests/model tests/integration tests/compat tests/e2e
# Threads that these tests interrupt and the tracer of coverage.py block each other (Python 3.11, coverage 7.17).
UNTRACED := tests/unit/driver/test_pool.py tests/contract/test_patches.py
DISK_KB := 2000000
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup run unit cov slow test pythons check fmt lint docs lock bench drill up down e2e clean

help:
	@echo "make run      start Mist here: Kafka, the services, an example job (ARGS=--once: exit after it)"
	@echo "make unit     the tests that need neither broker nor Spark (under a minute)"
	@echo "make test     every test that needs no Docker"
	@echo "make cov      the fast tests with the branches they take; fails below 95 % of the pure packages"
	@echo "make pythons  try each supported Python that is on this machine (ARGS=--install: with the fast tests)"
	@echo "make check    what CI runs: lint, pythons, cov and every other test that needs no Docker"
	@echo "make bench    measure round trips and throughput"
	@echo "make drill    kill everything, again and again, and count what was lost (JOBS=20000)"
	@echo "make up/down  the same in containers (needs Docker)"
	@echo "make e2e      jobs through the images by testcontainers, which are killed meanwhile (needs Docker)"
	@echo "make docs     write the generated parts of docs/ anew"
	@echo "make fmt      format the sources; make lint: format, lint, types, import rules"
	@echo "make lock     pin the dependencies anew after a change in pyproject.toml; make clean: remove what make made"

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
	@exec $(BIN)/python -m mist_tools.run $(ARGS)

unit: $(READY)
	$(BIN)/python -m pytest $(FAST) $(ARGS)

cov: $(READY)
	@mkdir -p .mist
	$(BIN)/python -m pytest $(FAST) $(UNTRACED:%=--ignore=%) --cov --cov-report= --cov-report=json:.mist/coverage.json $(ARGS)
	@$(BIN)/python tests/checks/branches.py .mist/coverage.json

slow: $(READY)
	$(BIN)/python -m pytest $(UNTRACED) $(SLOW) $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest $(ARGS)

pythons: $(READY)
	@$(BIN)/python tests/checks/pythons.py $(ARGS)

check: lint pythons cov slow

lint: $(READY)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(READY)
	$(BIN)/python tests/checks/sync_client.py
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

docs: $(READY)
	$(BIN)/python -m mist_tools.run.reference

lock: $(READY)
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--no-header --quiet --output-file requirements.lock

bench: $(READY)
	@PYTHONPATH=tests $(BIN)/python tests/bench/run.py $(ARGS)

drill: $(READY)
	@JOBS=$(JOBS) PYTHONPATH=tests exec $(BIN)/python tests/drill/run.py $(ARGS)

DOCKER_NEEDED = docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1 || { \
	echo "make $@ needs a running Docker engine with its compose plugin, and there is none here: install Docker (Debian: \
apt-get install docker.io docker-compose-v2), start it, and run this again. make run needs neither." >&2; exit 1; }

up:
	@$(DOCKER_NEEDED)
	@docker compose up --build --detach --wait
	@echo "Mist is up: the API on 127.0.0.1:$${HTTP_PORT:-2004}, Kafka on 127.0.0.1:$${KAFKA_PORT:-9092}, MQTT on 127.0.0.1:$${MQTT_PORT:-1883}"

down:
	@$(DOCKER_NEEDED)
	@docker compose --profile spark down --volumes --remove-orphans

e2e: $(READY)
	@$(DOCKER_NEEDED)
	docker compose build topics gateway-1 scheduler-1 host-1
	$(BIN)/python -m pytest tests/containers $(ARGS)

clean:
	rm -rf $(VENV) .mist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
