# make demo | make test | make coverage | make fuzz | make soak | make faults | make lint | make docs | make bench
# PYTHON chooses the interpreter, else the newest of 3.13, 3.12 and 3.11 that is there; PIP_FLAGS are added to every pip
# install; TORCH_INDEX names an index of PyTorch's CPU builds other than PyTorch's own, or none when it is empty.
SHELL := /bin/bash
PYTHON ?= $(shell .ci/newest-python)
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt
# Test processes: one more than two cores have work for, since many tests wait for a board, a phone or a time limit.
JOBS ?= 3
# For example BENCH_FLAGS="--build-only --jobs 2", "--budget 30 --resume", "mobilenet_v3 --format tflite"; --help lists all.
BENCH_FLAGS ?=

.PHONY: demo test coverage lint docs bench soak faults wheel lock release-check audit clean system-packages fuzz
.DEFAULT_GOAL := test

$(BIN)/python:
	@[ -n "$(PYTHON)" ] && $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "edgekit needs Python 3.11, 3.12 or 3.13 with its venv module: make PYTHON=/path/to/python3.13"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The stamps make a second run quick: pip is asked again only when what is to be installed has changed.
$(VENV)/.stamp-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing edgekit[export,run,report] into $(VENV) (some minutes the first time)"
	$(BIN)/python .ci/cpu_torch.py constraints.txt torch
	$(PIP) -e '.[export,run,report]'
	touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing edgekit[export,run,report,dev] into $(VENV) (some minutes the first time)"
	$(BIN)/python .ci/cpu_torch.py constraints.txt torch torchvision
	$(PIP) -e '.[export,run,report,dev]'
	touch $@ $(VENV)/.stamp-demo

$(VENV)/.stamp-docs: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[docs]'
	touch $@

$(VENV)/.stamp-release: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) -e '.[release]'
	touch $@

# A network of ImageNet's size, with random weights: no trained ones may be passed on. Then a small trained one, whose
# accuracy can be shown.
SMALL := mobilenet_v3_fashion
SMALL_CARD := benchmarks/accuracy/cards/$(SMALL).toml
SMALL_WEIGHTS := benchmarks/accuracy/checkpoints/$(SMALL).pt
IMAGES := examples/fashion/fashion.npz
demo: $(VENV)/.stamp-demo
	$(BIN)/edgekit export mobilenet_v3 --format tflite --int8
	$(BIN)/edgekit export $(SMALL_CARD) --weights $(SMALL_WEIGHTS) --calibration $(IMAGES) --format tflite --int8
	$(BIN)/edgekit evaluate artifacts/$(SMALL)/tflite-int8 --data $(IMAGES) --against float --weights $(SMALL_WEIGHTS)
	$(BIN)/edgekit profile --device local
	$(BIN)/edgekit report
	@echo
	@echo "artifacts:    $(CURDIR)/artifacts"
	@echo "measurements: $(CURDIR)/device_reports"
	@find device_reports -maxdepth 1 -name 'report.*' -printf 'report:       $(CURDIR)/%p\n'

system-packages:
	@.ci/system-packages

test: $(VENV)/.stamp-dev system-packages
	$(BIN)/python -m pytest -n $(JOBS) --durations=15 -rs $(PYTEST_FLAGS)

# New inputs for every parser for FUZZ_S seconds; what is found belongs into tests/fuzz/corpus. Then new examples, and more
# than the suite has, for every property; what is found becomes an @example of its test.
FUZZ_S ?= 300
fuzz: $(VENV)/.stamp-dev
	EDGEKIT_FUZZ_S=$(FUZZ_S) $(BIN)/python -m pytest -n $(JOBS) tests/fuzz
	$(BIN)/python -m pytest -n $(JOBS) -m hypothesis --hypothesis-profile=far --ignore=tests/fuzz tests

# The tests, and the share of lines that they run, children included. From Python 3.12 on, sys.monitoring tells the lines
# for some percent more CPU time; on 3.11 a trace function does, which takes two thirds more.
CORE = $(shell $(BIN)/python -c 'import sys; print("sysmon" if sys.version_info >= (3, 12) else "ctrace")')
coverage: $(VENV)/.stamp-dev system-packages
	mkdir -p build/coverage
	$(BIN)/python -m coverage erase
	COVERAGE_CORE=$(CORE) $(BIN)/python -m coverage run -m pytest -n $(JOBS) --durations=15 -rs $(PYTEST_FLAGS)
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report > build/coverage/lines.txt
	@echo "line coverage: $$($(BIN)/python -m coverage report --format=total) % (by file: build/coverage/lines.txt)"

bench: $(VENV)/.stamp-demo
	$(BIN)/python -m benchmarks.bench $(BENCH_FLAGS)

# For example SOAK_FLAGS="--minutes 3 --device local".
soak: $(VENV)/.stamp-demo
	$(BIN)/python -m tools.soak $(SOAK_FLAGS)

# Everything fails in turn; for example FAULTS_FLAGS="--only report", "--every 5". Some of it only root can bring about.
faults: $(VENV)/.stamp-dev system-packages
	$(BIN)/python -m tools.faults $(FAULTS_FLAGS)

lint: $(VENV)/.stamp-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Warnings are errors, and so is a script, a style or a picture that a page would load from elsewhere.
docs: $(VENV)/.stamp-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@if grep -rnoE --include='*.html' '<(script|link|img)[^>]+(src|href)="(https?:)?//[^"]*"' build/site; then \
	    echo "the site would load these from elsewhere"; exit 1; fi
	@echo "site: $(CURDIR)/build/site/index.html (searching it needs a server: $(BIN)/mkdocs serve)"

# locked/: what pip installs with constraints.txt, dependencies of dependencies too, each file by its SHA-256.
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
    -c constraints.txt --custom-compile-command "make lock"
lock: $(VENV)/.stamp-release
	$(LOCK) -o locked/core.txt
	$(LOCK) --extra run --extra report -o locked/run.txt
	$(LOCK) --extra export --extra run --extra report -o locked/export.txt

# Without isolation: the tools are those of constraints.txt, so that the same bytes come out every time.
wheel: $(VENV)/.stamp-release
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist .
	$(BIN)/python .ci/sbom.py locked/export.txt dist

# Wheel and sdist, installed and tried in fresh environments of every Python that is here.
release-check: wheel
	.ci/release-check dist

audit: $(VENV)/.stamp-release
	$(BIN)/python .ci/audit.py locked/export.txt

clean:
	rm -rf $(VENV) dist build artifacts .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
