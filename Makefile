# Every command sets up what it needs, from a bare python3 with venv.
PYTHON ?= python3
VENVS  := .venv
SERVICE := $(VENVS)/service/bin/python
TRAINING := $(VENVS)/training/bin/python
BULK := $(VENVS)/bulk/bin/python
DEV := $(VENVS)/dev/bin/python
LINT := $(VENVS)/lint/bin/python

PEERS := litserve mlserver bentoml ray keras

COST_dev := 3.7 GB, some minutes
COST_lint := 0.5 GB, one or two minutes

.DEFAULT_GOAL := help

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

serve: $(VENVS)/service/.installed ## Serve the released bundle on port 8000 (settings: NEWSWIRE_... variables)
	exec $(SERVICE) -m service

train: $(VENVS)/training/.installed ## Train a candidate bundle; pass options with ARGS="--seed 0 --out DIR"
	$(TRAINING) -m training train $(ARGS)

evaluate: $(VENVS)/training/.installed ## Measure the released bundles again, or ARGS="BUNDLE..."
	$(TRAINING) -m training evaluate $(or $(ARGS),$(wildcard models/reuters/[0-9]*))

promote: $(VENVS)/training/.installed ## Release a candidate, if it is fit to be served: ARGS="models/candidates/1"
	$(TRAINING) -m training promote $(ARGS)

classify-archive: $(VENVS)/bulk/.installed ## Classify an archive of Parquet or JSON lines with Ray: ARGS="INPUT OUTPUT"
	$(BULK) -m deploy.batch $(ARGS)

command: $(VENVS)/command/bin/newswire ## Install the command newswire into .venv/command/bin

fuzz: $(VENVS)/dev/.installed $(VENVS)/interface/.installed ## Send the service 10,000 requests made up from its description
	$(DEV) -m tests.end_to_end.fuzzing $(or $(ARGS),--requests 10000)

fuzz-coverage: $(VENVS)/fuzzing/.installed ## Fuzz encoder, bodies and bundles for ten minutes each, guided by coverage
	$(VENVS)/fuzzing/bin/python -m tests.fuzzing $(ARGS)

hostile: $(VENVS)/dev/.installed ## Send the service what is made to do harm, again and again, and watch its memory
	$(DEV) -m tests.reliability.hostile_input $(ARGS)

reliability: $(VENVS)/dev/.installed ## Test it to the limit: CASE=adversarial, overload, slow-clients, ... ARGS="--minutes 5"
	$(DEV) -m tests.reliability.$(subst -,_,$(CASE)) $(ARGS)

bench: $(VENVS)/dev/.installed ## Measure the service beside a no-op and the framework itself
	$(DEV) -m tests.benchmarks.bench $(ARGS)

bench-peers: $(VENVS)/dev/.installed $(PEERS:%=$(VENVS)/peers-%/.installed) ## Measure it beside other model servers
	$(DEV) -m tests.benchmarks.bench --peers $(ARGS)

bench-micro: $(VENVS)/dev/.installed ## Measure the steps of an answer in process, by texts and by words
	$(DEV) -m pytest tests/benchmarks/micro.py --benchmark-columns=min,median,ops --benchmark-sort=name $(ARGS)

bench-memory: $(VENVS)/dev/.installed ## Watch a worker's memory over 100,000 requests
	$(DEV) -m tests.benchmarks.memory $(ARGS)

bench-health: $(VENVS)/dev/.installed ## Time health checks while long texts and batches are answered
	$(DEV) -m tests.benchmarks.health $(ARGS)

try-overload: $(VENVS)/dev/.installed ## Send four times the load that a worker can answer; needs h2load
	$(DEV) -m tests.reliability.overload $(ARGS)

try-slow-clients: $(VENVS)/dev/.installed ## Have 200 slow clients beside a normal load; needs wrk
	$(DEV) -m tests.reliability.slow_clients $(ARGS)

data: $(VENVS)/training/.installed ## Download both data sets to data/, where the tests find them
	$(TRAINING) -m training download data

test: $(VENVS)/dev/.installed ## Run every test, with coverage; or some without: ARGS="tests/service/model"
ifeq ($(strip $(ARGS)),)
	$(DEV) -m pytest --cov --cov-report=term-missing:skip-covered
	$(DEV) -m coverage report --include='service/*' --fail-under=95 --format=total
else
	$(DEV) -m pytest $(ARGS)
endif

test-compose: $(VENVS)/dev/.installed ## Bring the stack up in containers and test it; needs a container engine
	$(DEV) -m pytest tests/compose -m compose --no-cov $(ARGS)

test-bulk: $(VENVS)/dev/.installed ## Classify a million short rows with Ray, and see that memory stays flat
	BULK_ROWS=1000000 $(DEV) -m pytest -s tests/deploy/test_batch_memory.py $(ARGS)

try-reload: $(VENVS)/dev/.installed ## Replace the model 100 times under load, half of the times by a bad one
	$(DEV) -m tests.reliability.reload $(ARGS)

try-flips: $(VENVS)/dev/.installed ## Flip bits of the released bundles, one at a time: each must be refused
	$(DEV) -m tests.reliability.corruption $(ARGS)

try-stops: $(VENVS)/dev/.installed ## Replace workers under load, 50 times by SIGTERM: no request may fail
	$(DEV) -m tests.reliability.rolling_restart $(ARGS)

try-kills: $(VENVS)/dev/.installed ## Kill a worker under load, ten times: it must be serving again within 2 s
	$(DEV) -m tests.reliability.crash $(ARGS)

try-faults: $(VENVS)/dev/.installed ## Fill the disk, move the clock, stop reading the log: it must serve on
	$(DEV) -m tests.reliability.faults $(ARGS)

try-soak: $(VENVS)/dev/.installed ## Load a worker with mixed requests for half an hour: it must stay as it is
	$(DEV) -m tests.reliability.soak $(ARGS)

screenshots: $(VENVS)/dev/.installed ## Take the pictures of the page in docs/screenshots; needs Chromium
	$(DEV) -m tests.end_to_end.screenshots

audit: $(VENVS)/audit/.installed ## Look up every pinned dependency among the known vulnerabilities; needs pypi.org
	$(VENVS)/audit/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner=off \
		$(foreach file,$(or $(ARGS),$(wildcard requirements/*.txt)),--requirement $(file))

lint: $(VENVS)/lint/.installed ## Check format, lint, types and import rules
	$(LINT) -m ruff format --check .
	$(LINT) -m ruff check .
	$(LINT) -m mypy
	$(VENVS)/lint/bin/lint-imports

format: $(VENVS)/lint/.installed ## Format the code and fix what ruff can fix
	$(LINT) -m ruff check --fix .
	$(LINT) -m ruff format .

lock: $(VENVS)/dev/.installed ## Pin the dependencies of pyproject.toml again, with hashes
	$(call compile,service)
	$(call compile,training,--extra training)
	$(call compile,bulk,--extra bulk)
	$(call compile,command,--extra command)
	$(call compile,dev,--extra bulk --extra command --extra training --group dev)
	$(call compile,lint,--extra command --group lint --constraints requirements/dev.txt)
	$(call compile-group,interface)
	$(call compile-group,audit)
	$(call compile,fuzzing,--group fuzzing --constraints requirements/service.txt)

lock-peers: $(VENVS)/dev/.installed ## Pin what the other model servers need, with hashes
	$(foreach peer,$(PEERS),$(call compile-peer,$(peer)))

clean: ## Remove the environments and caches
	rm -rf $(VENVS) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage .fuzzing

$(VENVS)/command/bin/newswire: $(VENVS)/command/.installed pyproject.toml
	$(VENVS)/command/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

define compile-peer
$(VENVS)/dev/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras --python-version 3.11 \
	--custom-compile-command 'make lock-peers' requirements/peers/$(1).in --output-file requirements/peers/$(1).txt

endef

compile = $(VENVS)/dev/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras \
	--custom-compile-command 'make lock' $(2) pyproject.toml --output-file requirements/$(1).txt

compile-group = $(VENVS)/dev/bin/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-strip-extras \
	--python-version 3.11 --custom-compile-command 'make lock' --group $(1) --output-file requirements/$(1).txt

$(VENVS)/peers-%/.installed: requirements/peers/%.txt
	$(PYTHON) -m venv --clear $(VENVS)/peers-$*
	$(VENVS)/peers-$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(VENVS)/%/.installed: requirements/%.txt
	@echo "Installing $$(grep -c '^[a-z].*==' $<) packages of $< into $(VENVS)/$*, once$(if $(COST_$*),: $(COST_$*))" >&2
	$(PYTHON) -m venv --clear $(VENVS)/$*
	$(VENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

.PHONY: help serve train evaluate promote classify-archive command fuzz fuzz-coverage hostile bench bench-peers \
	bench-micro bench-memory bench-health data test test-bulk test-compose try-flips try-reload try-stops try-kills \
	try-faults try-soak try-overload try-slow-clients screenshots audit lint format lock lock-peers clean
