# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export PATH := $(CURDIR)/.tools/bin:$(PATH):$(HOME)/.cargo/bin:$(HOME)/go/bin
export PYTHON
export MAKECMDGOALS

BIN := .venv/bin
RUN := $(BIN)/python -m
CODE := benchgate tests scripts
CORE := benchgate/errors.py,benchgate/units.py,benchgate/model.py,benchgate/stats/*.py
CORE := $(CORE),benchgate/compare/*,benchgate/judge.py,benchgate/injected.py
CORE := $(CORE),benchgate/report.py,benchgate/doctor.py,benchgate/clearing.py
CORE := $(CORE),benchgate/witness.py,benchgate/luck.py,benchgate/acceptance.py
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes \
  --no-emit-index-url --no-annotate --no-header --python-version 3.11 pyproject.toml

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	  | awk -F'\t' '{ printf "  make %-10s %s\n", $$1, $$2 }'

.PHONY: setup
setup: ## Make .venv with everything that is locked (all targets do so themselves)
	@scripts/setup.sh

.PHONY: demo
demo: setup ## Plant a regression in the example service and catch it (PATCH=name, ROUNDS=n)
	@$(RUN) scripts.demo $(if $(PATCH),--patch $(PATCH)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(REPLAY),--replay)

.PHONY: test
test: setup ## Run the tests; those that need cargo-criterion or k6 say so when skipped
	@scripts/test.sh

.PHONY: check
check: lint types imports docs workflows coverage package ## Everything that must be green besides the tests

.PHONY: lint
lint: setup ## Check style and formatting
	$(RUN) ruff check $(CODE)
	$(RUN) ruff format --check $(CODE)

.PHONY: types
types: setup ## Check types, strictly
	$(RUN) mypy

.PHONY: imports
imports: setup ## Check that nobody imports from a room further down
	@$(BIN)/lint-imports --no-cache

.PHONY: docs
docs: setup ## Check that the documentation says what the code does
	$(RUN) pytest -q tests/docs

.PHONY: workflows
workflows: setup ## Check the workflows, the examples of them, and the action
	@scripts/workflows.sh

.PHONY: coverage
coverage: setup ## Check that the unit tests take every branch of the core
	@mkdir -p build
	$(RUN) coverage run --data-file=build/coverage -m pytest -q tests/unit
	$(RUN) coverage report --data-file=build/coverage --include='$(CORE)' --fail-under=100

.PHONY: package
package: setup ## Build the wheel and use it outside of the checkout
	@scripts/check-wheel.sh

.PHONY: golden
golden: setup ## Rewrite the golden files and the schemas; look at their diff
	BENCHGATE_GOLDEN=1 $(RUN) pytest -q tests/unit/render tests/unit/commands
	$(RUN) scripts.schemas

.PHONY: look
look: setup ## Draw the golden comments as on a phone and a desktop (ONLY=name, FLAGS=--unfolded)
	@$(RUN) scripts.look $(ONLY) $(FLAGS)

.PHONY: bench
bench: setup ## Measure our own speed
	$(RUN) pytest -q tests/benchmarks --benchmark-only --benchmark-columns=min,median,rounds

.PHONY: act
act: setup ## Play the workflows with act (QUICK=1 leaves out what measures for half an hour)
	@$(if $(QUICK),,BENCHGATE_ACT=1) $(RUN) pytest -q -s tests/action

.PHONY: dogfood
dogfood: setup ## Have benchgate judge its own speed (BASE=commit, ROUNDS=n)
	@BASE="$(BASE)" ROUNDS="$(ROUNDS)" scripts/dogfood.sh

.PHONY: trust
trust: setup ## Recompute docs/trust.md (HISTORIES=folder, PULL_REQUESTS=folder)
	@$(RUN) scripts.trust $(if $(HISTORIES),--histories $(HISTORIES)) \
	  $(if $(PULL_REQUESTS),--pull-requests $(PULL_REQUESTS))

.PHONY: wild
wild: setup ## Compare commits of other people's repositories (REPOS=folder, ONLY=name, FLAGS=more)
	@$(RUN) scripts.wild $(if $(REPOS),--repos $(REPOS)) $(if $(ONLY),--only $(ONLY)) \
	  $(if $(FLAGS),--flags="$(FLAGS)")

.PHONY: layouts
layouts: setup ## Measure how ways to draw layouts spread times (PROJECT=folder, FLAGS=more)
	@$(RUN) scripts.layouts $(if $(PROJECT),--project $(PROJECT)) $(FLAGS)

.PHONY: pictures
pictures: setup ## Draw docs/pictures anew (HISTORIES=folder for the stored runs)
	@$(RUN) scripts.pictures $(if $(HISTORIES),--histories $(HISTORIES))

.PHONY: tools
tools: ## Bring cargo-criterion, k6 and GitHub's description into .tools where missing
	@scripts/tools.sh
	@scripts/contracts.sh

.PHONY: lock
lock: setup ## Make both lock files anew from pyproject.toml
	$(LOCK) --output-file requirements.lock
	$(LOCK) --group dev --output-file requirements-dev.lock

.PHONY: clean
clean: ## Remove what was built; .venv and .tools stay
	rm -rf build dist .benchmarks .hypothesis .mypy_cache .ruff_cache .coverage
	find benchgate tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
