# Two commands: `make demo` shows what this is, `make test` shows that it works. Each sets itself up.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint clean

# The stamp is touched last, so an interrupted installation is done again.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .[dev]
	touch $@

DEMO := runs/demo/video_vae/seed_0

# Draws nine people doing ten things, trains VideoVAE on them for a few minutes, asks it for videos, judges them.
demo: .venv/installed
	$(BIN)/python tools/prepare.py data=actors
	$(BIN)/python tools/train.py experiment=demo/video_vae
	$(BIN)/python tools/generate.py run=$(DEMO) identity=[ada,ben,eve,hugo] frames=30
	$(BIN)/python tools/evaluate.py run=$(DEMO) samples=5 per_clip=1
	@echo "The videos: $(DEMO)/generated/grid.gif and sheet.png; the table: $(DEMO)/metrics.json"

test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv runs cache data
