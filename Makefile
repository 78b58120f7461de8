# Everything that is done to this repository. ARGS is handed on: make test ARGS="tests/web -k csrf"

PYTHON ?= python3
ARGS ?=

BIN := .venv/bin
READY := .venv/.ready
CONSTRAINTS := $(wildcard constraints.txt)
PROJECTS := pyproject.toml $(wildcard providers/*/pyproject.toml)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help services catalogues messages demo test check conformance docs bench screenshots clean
.DELETE_ON_ERROR:

help: ## Say what there is
	@sed -n 's/^\([.a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.venv: $(READY) ## Make or renew the environment with the core, all adapters and all tools

$(READY): providers/requirements.txt $(PROJECTS) $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and \
		f"Python 3.11 or newer is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=/path/to/python3.11")'
	@echo "Installing the core, the adapters and the tools into .venv; this takes about a minute."
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@# pip knows dependency groups from 25.1 on
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet -r providers/requirements.txt $(CONSTRAINTS:%=-c %) \
		--group test --group check --group docs
	@touch $@

services: $(READY) ## Install the servers the tests need, or say what is missing
	@PYTHON=$(BIN)/python .ci/services.sh

catalogues: $(READY) ## Compile the translations
	@$(BIN)/python .ci/messages.py compile

messages: $(READY) ## Write new texts into the catalogues, and say what is not translated
	@$(BIN)/python .ci/messages.py update
	@$(BIN)/python .ci/messages.py missing

demo: catalogues ## Serve a small application with all ways to log in
	@$(BIN)/onegov-auth demo $(ARGS)

test: services catalogues ## Run all tests and print what they cover
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist worksteal $(ARGS)
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report $(if $(ARGS),--fail-under=0)

check: $(READY) ## Check format, style, types, layers and docstrings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/interrogate --quiet --ignore-module --whitelist-regex '^test_' tests providers/*/tests
	$(BIN)/interrogate --quiet onegov_auth/testing/contracts onegov_auth/settings $(wildcard onegov_auth/*/contract.py)

conformance: $(READY) ## Print for each module of the OpenID conformance suite whether the relying party passes it
	@$(BIN)/pytest -q --no-header --tb=short -p no:cacheprovider tests/conformance --conformance $(ARGS)

docs: $(READY) ## Build the documentation into docs/_build/html; a warning is an error
	$(BIN)/sphinx-build -W -n -q docs docs/_build/html

bench: $(READY) ## Measure requests and logins beside their baselines
	$(BIN)/python -m benchmarks.run $(ARGS)

screenshots: services catalogues ## Take pictures of the demo's and all of our own pages into screenshots/
	$(BIN)/python docs/screenshots.py $(ARGS)
	ONEGOV_AUTH_SCREENSHOTS=$(CURDIR)/screenshots $(BIN)/pytest -q tests/end_to_end/accounts/test_every_page.py \
		tests/end_to_end/accounts/test_admin_pages.py

clean: ## Remove everything that was made here
	rm -rf .venv var dist docs/_build screenshots .coverage .coverage.* .*_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
