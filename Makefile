# Tools of the active environment, else of .venv.
BIN := $(if $(VIRTUAL_ENV),$(VIRTUAL_ENV)/bin/,$(if $(wildcard .venv/bin),.venv/bin/,))
PYTHON := $(BIN)python
.DEFAULT_GOAL := help
.PHONY: help check format lint types imports test soak evals bench snapshot embedder

help:  ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

check: lint types imports test evals  ## what CI runs

format:  ## format and fix what can be fixed by itself
	$(BIN)ruff format .
	$(BIN)ruff check --fix .

lint:  ## formatting and lint
	$(BIN)ruff format --check .
	$(BIN)ruff check .

types:  ## strict types
	$(BIN)pyright --pythonpath $(PYTHON)

imports:  ## import rules (pyproject.toml)
	$(BIN)lint-imports

test:  ## tests, offline
	$(PYTHON) -m pytest

soak:  ## what is too long for CI: fuzz, mutations, random bundles, loads with kills (CI runs a slice of each)
	$(PYTHON) -m evals.fuzz --count 20000
	$(PYTHON) -m evals.mutate --count 150
	ASK_SOAK=1 $(PYTHON) -m pytest tests/tools/codegen/test_random_plans.py
	$(PYTHON) -m benchmarks.slack_load
	$(PYTHON) -m benchmarks.web_load
	$(PYTHON) -m benchmarks.team_load

evals:  ## questions with known answers, against the bars of evals/thresholds.toml
	$(BIN)ask eval --split dev

bench:  ## benchmarks, beside their bars
	$(PYTHON) -m benchmarks.cli
	$(PYTHON) -m benchmarks.planner
	$(PYTHON) -m benchmarks.parts
	$(PYTHON) -m benchmarks.sizing
	$(PYTHON) -m benchmarks.codegen

snapshot:  ## rebuild the packaged instance types from a moto server
	$(PYTHON) -m knowledge.ec2.rebuild

embedder:  ## train the packaged embedder anew (seeded; the same bytes for the same packages) and report
	$(PYTHON) -m knowledge.embedder.train
	$(PYTHON) -m knowledge.glossary_index
	$(PYTHON) -m knowledge.glossary_vectors
	$(PYTHON) -m benchmarks.retrieval --report knowledge/embedder/REPORT.md
