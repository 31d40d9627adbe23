# Two commands for a newcomer: `make demo` and `make test`. Everything is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := body metrics datamodules lightning_modules zoo benchmarks tests

.PHONY: demo test attack lint package bench docs clean

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("the zoo needs Python 3.11 or newer; call make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime
	$(BIN)/zoo demo

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# one thread per worker: two workers on two cores would otherwise fight over them; each has half of the files, in order, and
# at the end takes from the other: what a file's tests share is made once
test: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# hostile inputs by class, then predictions without end, then commands killed at random moments; half an hour
attack: $(VENV)/.dev
	OPENCV_LOG_LEVEL=SILENT $(BIN)/python -m tests.attack 1000
	$(BIN)/python -m tests.attack.soak 2000 8
	$(BIN)/python -m tests.attack.kill 50

docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

# sdist, and the wheel that it builds, as PyPI would take them
package: $(VENV)/.dev
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist
	$(BIN)/twine check --strict build/dist/*

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist outputs demo
