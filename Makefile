# Two commands: `make demo` shows what this is, `make test` shows that it works. Each sets itself up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

# The stamp is touched last, so an interrupted installation is done again.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev]
	touch $@

demo: .venv/installed
	$(BIN)/python tools/demo.py

test: .venv/installed
	$(BIN)/python -m pytest -n 2

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv runs cache data
