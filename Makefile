# The verbs of the project. Everything is made inside .venv/ and build/, nothing needs root; `make help` lists the verbs.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 3000
ARGS ?=
SECONDS ?= 60

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
PINS := -c tools/constraints.txt
CORE := $(wildcard kito/_core/*.pyx kito/_core/*.pxd)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-core develop lint types cov asan debug bench bench-micro fuzz abuse annotate wheels sdist docs clean

help: ## list the verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 14

run: $(VENV)/.built $(VENV)/.package ## serve the examples on http://127.0.0.1:3000 (HOST=, PORT=)
	$(BIN)/python -m examples --host $(HOST) --port $(PORT)

test: develop ## run the whole suite, static checks included (ARGS= goes to pytest)
	$(BIN)/python -m pytest $(ARGS)

test-core: develop ## run the fast part of the suite
	$(BIN)/python -m pytest tests/unit tests/core $(ARGS)

develop: $(VENV)/.built $(VENV)/.package $(VENV)/.dev ## make .venv with everything, and build the core in place

lint: develop ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: develop ## check types: the facade, the stubs of the core, the public API as users see it
	$(BIN)/python -m pytest tests/checks/test_typing.py tests/checks/test_stubs.py $(ARGS)

cov: develop ## measure line coverage of the facade and of the core
	$(BIN)/python tools/variant.py coverage $(ARGS)

asan: develop ## run the core's tests under AddressSanitizer and UndefinedBehaviorSanitizer
	$(BIN)/python tools/variant.py sanitize $(ARGS)

debug: develop ## run the core's tests with bounds checks, assertions and live-object counters
	$(BIN)/python tools/variant.py debug $(ARGS)

bench: develop ## measure the server against its yardsticks
	$(BIN)/python -m benchmarks $(ARGS)

bench-micro: develop ## measure the parts of the core without a network
	$(BIN)/python -m benchmarks.micro $(ARGS)

fuzz: develop ## feed both targets what a fuzzer makes of their corpus, each for a minute (SECONDS=)
	$(BIN)/python -m tests.fuzz adapter --seconds $(SECONDS)
	$(BIN)/python -m tests.fuzz encoder --seconds $(SECONDS)

abuse: develop ## attack a running server, and show what that cost it and others
	$(BIN)/python -m tests.abuse $(ARGS)

annotate: develop ## show in build/annotate/ which lines of the core touch Python
	$(BIN)/python tools/variant.py annotate

sdist: $(VENV)/.dev ## make the source distribution in dist/
	$(BIN)/python -m build --sdist --no-isolation

wheels: $(VENV)/.dev ## make, repair and test a wheel for every CPython here (PYTHONS= overrides)
	$(BIN)/python tools/wheels.py $(PYTHONS)

docs: develop ## check that every example in the documentation runs
	$(BIN)/python -m pytest tests/docs $(ARGS)

clean: ## remove everything that was made, .venv included
	rm -rf $(VENV) build dist wheelhouse *.egg-info .coverage* htmlcov kito/_core/*.so kito/_core/*.c kito/_core/*.html
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find kito tests tools examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# Stamps. Each says what it stands for; make compares its time with the files it was made from.

$(VENV)/.base: tools/preflight.py tools/constraints.txt # an environment with the build tools
	@$(PYTHON) tools/preflight.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) install $(PINS) --upgrade pip
	$(PIP) install $(PINS) --group build
	@touch $@

$(VENV)/.recipe: $(VENV)/.base setup.py # what the core is built with: when it changes, everything is built anew
	rm -rf build/cython* build/inplace build/temp* kito/_core/*.so
	@touch $@

$(VENV)/.built: $(VENV)/.recipe $(CORE) # the core, as it is in the tree now, in place
	$(BIN)/python setup.py -q build_ext --inplace
	@touch $@

$(VENV)/.package: $(VENV)/.base pyproject.toml kito/_version.py | $(VENV)/.built # the package, editable, on its dependencies
	$(PIP) install $(PINS) --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.base pyproject.toml # the tools of the suite
	$(PIP) install $(PINS) --group dev
	@touch $@
