# Needs only Python 3.11 or newer and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# PyTorch reads this when it loads: threads that spin while they wait slow down those that work.
export OMP_WAIT_POLICY := passive

# Slow tests that start no processes that fill the cores, so that two run at a time.
PAIRED := tests/kernels tests/models tests/text tests/classification tests/export tests/test_readme.py \
	tests/training/test_resume.py tests/studies/compare/test_kills.py

.PHONY: demo test slow check format reference bench clean

demo: $(VENV)/.installed
	@rm -rf demo
	$(BIN)/epigone compare english-small --corpus examples/songs.txt --recipe recipes/demo.toml --out demo

test: $(VENV)/.installed
	$(BIN)/pytest -q -n 2 -m "not slow"

slow: $(VENV)/.installed
	$(BIN)/pytest -q -n 2 -m slow --durations=10 $(PAIRED)
	$(BIN)/pytest -q -m slow --durations=10 $(addprefix --ignore=,$(PAIRED))

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
