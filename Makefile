# Every target sets up what it needs by itself.
.PHONY: help setup setup-test demo test test-slow lint format lock bench clean
.DEFAULT_GOAL := help
BIN := .venv/bin
# Threads of linear algebra stand in each other's way where there is a process for every core.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup:
	@deploy/setup.sh run

setup-test:
	@deploy/setup.sh test

demo: setup ## the survey's log and a real cube in an archive, served at http://127.0.0.1:8000 (DEMO_EXIT=1: check and exit)
	@$(BIN)/musevault demo $(if $(DEMO_EXIT),--exit)

test: setup-test ## all tests but the slow ones
	$(ONE_THREAD) $(BIN)/pytest -n 2 --cov --cov-report=term:skip-covered -m "not slow" $(TESTS)

test-slow: setup-test ## the slow tests
	$(ONE_THREAD) $(BIN)/pytest -m slow $(TESTS)

lint: setup-test ## ruff, mypy strict, import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup-test ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: setup-test ## write requirements.lock anew from pyproject.toml
	$(BIN)/pip-compile --quiet --strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --allow-unsafe --extra analysis --extra dev --output-file requirements.lock pyproject.toml

bench: setup-test ## benchmarks as ratios (ONLY=bands for a part)
	$(BIN)/python -m benchmarks $(ONLY)

clean: ## remove what set-up and tests made, but no archive
	rm -rf .venv data .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage* *.egg-info
