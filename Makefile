# Two commands matter on a new machine: `make demo` and `make test`. Both build all they need inside this folder.
# Needed beforehand: Python 3.11 or newer, Node with npm, make, git.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OPENCODE_DIR := tools/opencode
OPENCODE := $(OPENCODE_DIR)/node_modules/.bin/opencode
WORKERS ?= 4

export OPENCODE_BINARY ?= $(CURDIR)/$(OPENCODE)

.DEFAULT_GOAL := help
.PHONY: help demo test faults check format lint types imports build pictures clean

help: ## Show what make can do
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.ready $(OPENCODE_DIR)/.opencode-ready ## Set up, then watch three real agents at work (no account, no network)
	$(BIN)/octui demo

test: $(VENV)/.ready $(OPENCODE_DIR)/.opencode-ready ## Set up, then run all tests, those on the real opencode too
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

faults: $(VENV)/.ready $(OPENCODE_DIR)/.opencode-ready ## Do to octui all that may go wrong, at full size, and print what it did about it
	OCTUI_FULL_FAULTS=1 $(BIN)/pytest -q -n $(WORKERS) --dist worksteal -m fault

check: format lint types imports test ## Format, lint, types, import rules, tests

format: $(VENV)/.ready
	$(BIN)/ruff format .

lint: $(VENV)/.ready
	$(BIN)/ruff check .

types: $(VENV)/.ready
	$(BIN)/mypy

imports: $(VENV)/.ready
	$(BIN)/lint-imports

build: $(VENV)/.ready ## Build the wheel and the source archive into dist/
	$(BIN)/python -m build --no-isolation

pictures: $(VENV)/.ready ## Take the pictures of docs/images anew from the running app
	$(BIN)/python tools/pictures.py

clean: ## Remove what the targets above have made
	rm -rf $(VENV) $(OPENCODE_DIR)/node_modules $(OPENCODE_DIR)/.opencode-ready dist build

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "octui needs Python 3.11 or newer: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable . --group dev
	@touch $@

# npm 11 may leave install scripts out; the script puts the platform's binary in its place and can be run again.
$(OPENCODE_DIR)/.opencode-ready: $(OPENCODE_DIR)/package.json
	@command -v npm >/dev/null || { echo "opencode comes from npm: install Node.js with npm first"; exit 1; }
	cd $(OPENCODE_DIR) && npm install --no-package-lock --loglevel=error && node node_modules/opencode-ai/postinstall.mjs
	$(OPENCODE) --version
	@touch $@
