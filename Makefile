# Needs only Python 3.11 or newer and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Python compiles a module when it first imports it, and most are never imported.
export PIP_COMPILE := 0
# PyTorch reads this when it loads: threads that spin while they wait slow down those that work.
export OMP_WAIT_POLICY := passive

# Two tests at a time; those of a file one after the other, so that its fixtures are made once.
PYTEST := $(BIN)/pytest -q -n 2 --dist loadfile

.PHONY: demo test slow check format reference bench clean

demo: $(VENV)/.installed
	@rm -rf demo
	$(BIN)/epigone compare english-small --corpus examples/songs.txt --recipe recipes/demo.toml --out demo

test: $(VENV)/.installed
	$(PYTEST) -m "not slow"

slow: $(VENV)/.installed
	$(PYTEST) -m slow --durations=20

check: $(VENV)/.installed
	$(BIN)/ruff format --check src tests benchmarks tools
	$(BIN)/ruff check src tests benchmarks tools
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff format src tests benchmarks tools
	$(BIN)/ruff check --fix src tests benchmarks tools

reference: $(VENV)/.installed
	$(BIN)/python tools/reference.py

bench: $(VENV)/.installed
	$(BIN)/pip install -q -c constraints.txt -e ".[bench]"
	$(BIN)/python benchmarks/sampling.py
	$(BIN)/python benchmarks/training.py
	$(BIN)/python benchmarks/words.py
	$(BIN)/python benchmarks/selections.py
	$(BIN)/python benchmarks/dropconnect.py

$(VENV)/.installed: pyproject.toml setup.py constraints.txt $(wildcard src/epigone/kernels/*.?pp)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -e ".[dev]"
	@touch $@

clean:
	rm -rf $(VENV) demo build dist
