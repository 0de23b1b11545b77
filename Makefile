PYTHON ?= python3
BIN := .venv/bin
comma := ,

.DEFAULT_GOAL := help
.PHONY: help run test check format protos faults bench constraints clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
run: .venv/.services ## core, edge, the sandbox and its provider, on this machine; prints the page to open
	@$(BIN)/python -m sandbox.run
test: .venv/.dev ## every test that needs nothing but Python
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not faults" tests
check: .venv/.dev ## what CI checks: format, lint, types, contracts, then the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(MAKE) --no-print-directory test
format: .venv/.dev ## format, and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
protos: .venv/.dev ## generate anychannel/v1 from protos/
	$(BIN)/python protos/generate.py
faults: .venv/.dev ## kill every process at random moments under traffic; minutes
	$(BIN)/python -m pytest -m faults -s tests/faults
bench: .venv/.dev ## messages a second, and what one costs, on this machine
	@$(BIN)/python -m tests.benchmarks.throughput --seconds 20 --connections 128
constraints: ## pin the newest releases that fit; run make check afterwards
	@$(PYTHON) -m venv --clear .venv-pins && .venv-pins/bin/pip install -q '.[services,dev]'
	@.venv-pins/bin/pip freeze --exclude anychannel > constraints.txt && rm -rf .venv-pins
clean: ## forget the environment and the demo's data
	rm -rf .venv .anychannel

.venv/.services .venv/.dev: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "anychannel needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[services$(if $(findstring dev,$@),$(comma)dev)]'
	@touch $@
