# make app: the page at http://127.0.0.1:7860; make test: every kind of check, a real browser included
# make test-all: the same, and the long ways, in a browser and in repetitions
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.PHONY: app test test-all clean

app: .venv/app
	$(BIN)/python app.py $(ARGS)

test: LENGTH := -m "not long"
test test-all: .venv/test
	$(BIN)/python tests/browser/find_browser.py --install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	HF_HUB_OFFLINE=1 GRADIO_ANALYTICS_ENABLED=False $(BIN)/python -m pytest -n 2 --no-loadscope-reorder $(LENGTH) $(ARGS)

.venv/app: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("genlab needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=…") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/test: .venv/app requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
