# Every command sets up what it needs, from a bare python3 with venv.
PYTHON ?= python3
VENVS  := .venv
SERVICE := $(VENVS)/service/bin/python
TRAINING := $(VENVS)/training/bin/python
DEV := $(VENVS)/dev/bin/python

.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

serve: $(VENVS)/service/.installed ## Serve the released bundle on port 8000 (settings: NEWSWIRE_... variables)
	exec $(SERVICE) -m service

train: $(VENVS)/training/.installed ## Train a candidate bundle; pass options with ARGS="--seed 0 --out DIR"
	$(TRAINING) -m training train $(ARGS)

evaluate: $(VENVS)/training/.installed ## Measure the released bundles again, or ARGS="BUNDLE..."
	$(TRAINING) -m training evaluate $(or $(ARGS),$(wildcard models/reuters/[0-9]*))

promote: $(VENVS)/training/.installed ## Release a candidate, if it is fit to be served: ARGS="candidates/1"
	$(TRAINING) -m training promote $(ARGS)

data: $(VENVS)/training/.installed ## Download both data sets to data/, where the tests find them
	$(TRAINING) -m training download data

test: $(VENVS)/dev/.installed ## Run every test, with coverage
	$(DEV) -m pytest --cov --cov-report=term-missing:skip-covered $(ARGS)
	$(DEV) -m coverage report --include='service/*' --fail-under=95 --format=total

lint: $(VENVS)/dev/.installed ## Check format, lint, types and import rules
	$(DEV) -m ruff format --check .
	$(DEV) -m ruff check .
	$(DEV) -m mypy
	$(VENVS)/dev/bin/lint-imports

format: $(VENVS)/dev/.installed ## Format the code and fix what ruff can fix
	$(DEV) -m ruff check --fix .
	$(DEV) -m ruff format .

lock: $(VENVS)/dev/.installed ## Pin the dependencies of pyproject.toml again, with hashes
	$(call compile,service)
	$(call compile,training,--extra training)
	$(call compile,dev,--extra training --group dev)

clean: ## Remove the environments and caches
	rm -rf $(VENVS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage

compile = $(VENVS)/dev/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' $(2) pyproject.toml --output-file requirements/$(1).txt

$(VENVS)/%/.installed: requirements/%.txt
	$(PYTHON) -m venv --clear $(VENVS)/$*
	$(VENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: help serve train evaluate promote data test lint format lock clean
