# `make help` lists what there is. Nothing here is needed to use Ally: `python3 main.py` sets itself up.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup run check lint types imports architecture test rigs bench peers docs netns lock hooks clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

setup: ## Make .venv with everything development needs
	@$(PYTHON) bootstrap.py --dev

run: ## Start Ally from this checkout
	@$(PYTHON) main.py

check: lint types imports architecture ## Everything but the tests of behaviour: style, types, import directions, architecture

lint: setup ## Style and format (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Types, strict on ally/ (pyright)
	$(BIN)/pyright

imports: setup ## Which room may import which (import-linter)
	$(BIN)/lint-imports --no-logo

architecture: setup ## Sizes, start-up weight, public names, boundaries
	$(BIN)/python -m pytest tests/architecture

test: ## The whole test suite; ARGS="tests/unit -k retry" narrows it
	@$(PYTHON) -m tests $(ARGS)

rigs: setup ## Kill and interrupt Ally 200 times each, at every moment (half an hour; RIG_ROUNDS=20 is shorter)
	RIG_ROUNDS=$${RIG_ROUNDS:-200} $(BIN)/python -m pytest -s tests/e2e/test_kills.py tests/e2e/test_interrupts.py

bench: setup ## What Ally costs, beside bare Python, llm and itself; writes benchmarks/results/
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.tui
	$(BIN)/python -m benchmarks.tui_use
	$(BIN)/python -m benchmarks.tool_choice
	$(BIN)/python -m benchmarks.warm
	$(BIN)/python -m benchmarks.warm_long

peers: setup ## Install the agents that bench compares Ally with, if npm and the package index are there
	$(BIN)/python -m benchmarks.peers

docs: setup ## Write the pages again that are made from the code
	@for page in scripts/docs_*.py; do $(BIN)/python "$$page" || exit 1; done

netns: setup ## Prove that a local session reaches nothing beyond this machine (Linux)
	$(BIN)/python scripts/netns_rig.py

lock: ## Resolve the lock files again (needs uv); ARGS=--upgrade moves the versions
	scripts/lock $(ARGS)

hooks: setup ## Run the quick checks before every commit
	$(BIN)/pre-commit install

clean: ## Remove everything that was made here
	rm -rf .venv .venv.lock .venv-bench build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
