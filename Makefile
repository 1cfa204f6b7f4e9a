# The only entrance: what a user types (demo, up, down), what a developer types (test, check, fmt, …), and beneath them
# the environments that those need, each made once from a file of pinned hashes.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# CPython 3.11 or 3.12, as TensorFlow's wheels and multi-model-server need; the first that runs.
PYTHON ?= $(shell for name in python3.12 python3.11 python3; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null \
	&& command -v "$$name" && exit; done; echo python3)

UV := $(CURDIR)/.venvs/uv/bin/uv
BIN := .venvs/dev/bin

export UV_PYTHON_DOWNLOADS := never
export UV_NO_CONFIG := 1
export SAM_CLI_TELEMETRY := 0
# Read by what runs in another environment than its own: the tests, the demo, sam build.
export UV
export DORMOUSE_SAM := $(CURDIR)/.venvs/sam/bin/sam

.PHONY: help demo up down test check fmt lint type build image image-tools push deploy models tiny-models envs \
	bench-container bench-policy bench-proxy bench-reconcile bench-wake chaos fit-policy soak lock clean preflight

help: ## List what can be typed.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ----------------------------------------------------------------------------------------------------- what a user types

RUN_ENVS := .venvs/local/.ready .venvs/container/.ready .venvs/sam/.ready

demo: preflight $(RUN_ENVS) models ## Watch the whole story on a local AWS, with real models (about 4 minutes).
	@.venvs/local/bin/python -m local.demo

up: preflight $(RUN_ENVS) models ## Start the local AWS, deploy to it and leave it running.
	@.venvs/local/bin/python -m local.up

down: ## End what `make up` started.
	@if [ -x .venvs/local/bin/python ]; then .venvs/local/bin/python -m local.down; else echo "Nothing is running."; fi

image: preflight .venvs/sam/.ready ## Build the model container's image with docker, podman or buildah.
	@.venvs/sam/bin/python -m deploy.image build

push: preflight .venvs/sam/.ready ## Push the image to your own Amazon ECR and print its URI.
	@.venvs/sam/bin/python -m deploy.image push

# What builds and runs the image where no docker daemon answers; debootstrap makes the base that no registry has to serve,
# from packages that the keyring vouches for (Ubuntu has it in a package of its own).
IMAGE_TOOLS := podman runc debootstrap

image-tools: ## Install podman, runc and debootstrap, for tests of the image without docker (Debian, Ubuntu; as root).
	@echo "Installing with apt-get: $(IMAGE_TOOLS) …"
	@apt-get update -qq
	@DEBIAN_FRONTEND=noninteractive apt-get install --yes -qq --no-install-recommends $(IMAGE_TOOLS) debian-archive-keyring >/dev/null
	@for tool in $(IMAGE_TOOLS); do command -v "$$tool" >/dev/null || { echo "dormouse: $$tool is still not on PATH" >&2; exit 1; }; done

deploy: preflight .venvs/sam/.ready build ## Deploy to your own AWS account; asks for the parameters.
	.venvs/sam/bin/sam deploy --guided

# ------------------------------------------------------------------------------------------------ what a developer types

# Those that a machine may run two of at a time; who deploys to a local AWS, or builds an image, runs alone.
ALONE := tests/container tests/image tests/local tests/e2e
SIDE_BY_SIDE := --numprocesses auto --maxprocesses 4 --dist loadfile

test: envs models tiny-models ## Run every test, the real model server's included (about 60 minutes), or those in TEST.
	export PATH="$$(.venvs/local/bin/python -m local.java)"; \
	if [ -n "$(TEST)" ]; then $(BIN)/pytest $(TEST); exit; fi; \
	status=0; \
	$(BIN)/pytest $(SIDE_BY_SIDE) $(addprefix --ignore=,$(ALONE)) tests || status=$$?; \
	$(BIN)/pytest $(ALONE) || status=$$?; \
	exit $$status

check: .venvs/dev/.ready .venvs/sam/.ready ## Everything that needs neither a model server nor a local AWS.
	$(MAKE) --no-print-directory lint type
	$(BIN)/pytest $(SIDE_BY_SIDE) \
		tests/unit tests/adapters tests/handlers tests/template tests/client tests/deploy tests/docs tests/scenarios

fmt: .venvs/dev/.ready ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: .venvs/dev/.ready .venvs/sam/.ready ## Style, layers, template, Dockerfile.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	PYTHONPATH=functions:client:. $(BIN)/lint-imports
	$(BIN)/cfn-lint template.yaml
	.venvs/sam/bin/sam validate --lint --region us-east-1
	$(BIN)/hadolint container/Dockerfile

type: .venvs/dev/.ready ## Check the types, strictly.
	$(BIN)/mypy functions client container local deploy tests benchmarks

# Their interpreter is the container's: it needs no other environment than what is measured.
BENCH := PATH="$$(.venvs/local/bin/python -m local.java)" .venvs/container/bin/python

bench-container: preflight .venvs/local/.ready .venvs/container/.ready .venvs/models/.ready ## Measure the container against the stock set-up (about 20 minutes).
	@$(BENCH) -m benchmarks.container

# Their callers, and what they start, need the local AWS's environment.
bench-wake: preflight $(RUN_ENVS) tiny-models ## Measure from InService to the first parked request's InvokeEndpoint (about 15 minutes).
	@.venvs/local/bin/python -m benchmarks.wake --json

bench-proxy: preflight .venvs/lambda/.ready .venvs/sam/.ready ## Measure what the proxy costs a warm request, and a cold start (2 minutes).
	@.venvs/lambda/bin/python -m benchmarks.proxy --json

bench-reconcile: preflight .venvs/lambda/.ready ## Measure what it takes to watch 10 to 5,000 endpoints, FORECAST=100 (percent) by the forecast (3 minutes).
	@.venvs/lambda/bin/python -m benchmarks.reconcile --json --forecast "$(or $(FORECAST),0)"

bench-policy: preflight ## Measure what each idle policy would have cost on the traces in TRACES=dir (3 minutes).
	@test -n "$(TRACES)" || { echo "dormouse: TRACES names the folder of the traces: make bench-policy TRACES=../traces" >&2; exit 1; }
	@"$(PYTHON)" -m benchmarks.policy --traces "$(TRACES)" --json

fit-policy: preflight .venvs/dev/.ready ## Fit the law of the forecast to the traces in TRACES=dir, and cross-validate it (3 minutes).
	@test -n "$(TRACES)" || { echo "dormouse: TRACES names the folder of the traces: make fit-policy TRACES=../traces" >&2; exit 1; }
	@PYTHONPATH=functions:. $(BIN)/python -m benchmarks.policy.fit --traces "$(TRACES)" --write
	@$(BIN)/ruff format --quiet functions/dormouse_policy/law.py

chaos: preflight $(RUN_ENVS) ## 500 requests across five sleeps while processes are killed: nothing lost, nothing answered twice.
	@.venvs/local/bin/python -m benchmarks.chaos

CYCLES ?= 1000

soak: preflight .venvs/local/.ready .venvs/container/.ready tiny-models ## Load and unload models in the container 1000 times and look for leaks.
	@$(BENCH) -m benchmarks.soak --cycles $(CYCLES)

build: .venvs/uv/.ready .venvs/sam/.ready ## Build the functions as `sam deploy` takes them.
	PATH="$(dir $(UV)):$$PATH" .venvs/sam/bin/sam build

# ------------------------------------------------------------------------------------------------------- the environments

envs: preflight $(RUN_ENVS) .venvs/models/.ready .venvs/dev/.ready .venvs/sagemaker/.ready

preflight:
	@command -v "$(PYTHON)" >/dev/null || { echo "dormouse: there is no $(PYTHON); CPython 3.11 or 3.12 is needed" >&2; exit 1; }
	@"$(PYTHON)" local/preflight.py

# For people: classifiers whose answers mean something (about a minute, once).
models: .venvs/models/.ready
	@PYTHONPATH=client:. .venvs/models/bin/python -m container.models.real --out .build/models/real

# For tests: built in seconds, and loaded in less.
tiny-models: .venvs/models/.ready
	@PYTHONPATH=client:. .venvs/models/bin/python -m container.models.tiny --out .build/models/tiny

# An environment is ready when its stamp is newer than its pins; one that was interrupted has none and is made anew.
.venvs/uv/.ready: local/requirements-uv.txt | preflight
	@echo "Setting up uv, which makes the other environments …"
	@rm -rf .venvs/uv && "$(PYTHON)" -m venv .venvs/uv
	@.venvs/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# A person sees the downloads go on; a log needs no line for each package.
QUIET := $(shell [ -t 2 ] || echo --quiet)

define install
@echo "Setting up $(@D): $(1) …"
@"$(UV)" venv --quiet --clear --python "$(PYTHON)" $(@D)
@"$(UV)" pip sync $(QUIET) --python $(@D) --require-hashes --compile-bytecode $(2)
endef

.venvs/dev/.ready: requirements.txt | .venvs/uv/.ready
	$(call install,what developing needs,requirements.txt)
	@touch $@

.venvs/local/.ready: local/requirements.txt | .venvs/uv/.ready
	$(call install,the local AWS,local/requirements.txt)
	@touch $@

.venvs/sam/.ready: local/requirements-sam.txt | .venvs/uv/.ready
	$(call install,the sam CLI,local/requirements-sam.txt)
	@touch $@

# Lambda's own Python, where it is installed, and what Lambda has beside a function.
LAMBDA_PYTHON ?= $(firstword $(shell for python in python3.13 "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13; do \
	"$$python" -c '' 2>/dev/null && command -v "$$python"; done) $(PYTHON))

.venvs/lambda/.ready: benchmarks/requirements.txt | .venvs/uv/.ready
	@echo "Setting up $(@D): what Lambda's runtime has …"
	@"$(UV)" venv --quiet --clear --python "$(LAMBDA_PYTHON)" $(@D)
	@"$(UV)" pip sync $(QUIET) --python $(@D) --require-hashes --compile-bytecode benchmarks/requirements.txt
	@touch $@

.venvs/container/.ready: container/requirements.txt | .venvs/uv/.ready
	$(call install,multi-model-server and TensorFlow (about 1.5 GB$(comma) once),container/requirements.txt)
	@touch $@

# Building a model needs what runs it and a little more, which would pull in what must not be there: hence --no-deps.
.venvs/models/.ready: container/requirements.txt container/requirements-build.txt | .venvs/uv/.ready
	$(call install,what builds models,container/requirements.txt)
	@"$(UV)" pip install $(QUIET) --python $(@D) --require-hashes --no-deps --compile-bytecode \
		-r container/requirements-build.txt
	@touch $@

.venvs/sagemaker/.ready: tests/requirements-sagemaker.txt | .venvs/uv/.ready
	$(call install,the SageMaker SDK (0.4 GB),tests/requirements-sagemaker.txt)
	@touch $@

comma := ,

# ---------------------------------------------------------------------------------------------------------------- upkeep

# Pins with hashes, and no address that anything was downloaded from.
LOCK = "$(UV)" pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--custom-compile-command "make lock"

lock: .venvs/uv/.ready ## Pin all requirements anew (add UPGRADE=--upgrade for newer ones).
	$(LOCK) $(UPGRADE) --universal --python-version 3.13 functions/requirements.in -o functions/requirements.txt
	$(LOCK) $(UPGRADE) --python-platform x86_64-unknown-linux-gnu --python-version 3.11 \
		container/requirements.in -o container/requirements.txt
	$(LOCK) $(UPGRADE) --no-deps --python-platform x86_64-unknown-linux-gnu --python-version 3.11 \
		container/requirements-build.in -o container/requirements-build.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 local/requirements.in -o local/requirements.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 local/requirements-sam.in -o local/requirements-sam.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 local/requirements-uv.in -o local/requirements-uv.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 --excludes tests/requirements-sagemaker-excludes.txt \
		tests/requirements-sagemaker.in -o tests/requirements-sagemaker.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 requirements.in -o requirements.txt
	$(LOCK) $(UPGRADE) --universal --python-version 3.11 -c requirements.txt benchmarks/requirements.in -o benchmarks/requirements.txt

clean: down ## Remove everything that make has made.
	rm -rf .venvs .build .local .aws-sam
