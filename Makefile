# make install   .venv with dlm-fill in it
# make demo      … and fill a gap in a shipped file, showing the diff
# make check     … and what tests need; then ruff, mypy and the fast tests: a minute, for before a commit
# make test      … and what tests need; then ruff, stylua, luacheck, the docs, mypy, pytest, and the VS Code extension's tests
# make test-ray  a fleet on Ray (half a gigabyte, in .venv-ray): replicas killed, added, taken away and replaced under load
# make docs      the site of docs/ in dist/site; a link or an anchor that leads nowhere is an error
# make vscode    the VS Code extension, as editors/vscode/dist/dlm-fill.vsix; BUNDLE=1: with the server in it, for machines without network
#                (dlm-fill-bundled.vsix); make test-vscode BUNDLE=1 installs that in VS Code without a network, too
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PIP_INSTALL := $(PIP) install --quiet --constraint constraints.txt
DEMO ?= fixtures/demo/inventory.py:37

VSCODE := editors/vscode
NEOVIM := editors/neovim

.PHONY: help install demo check test tools lint docs types unit wheel vscode test-vscode test-page test-ray ray clean
.DEFAULT_GOAL := help

help:
	@sed -n 's/^# //p' $(firstword $(MAKEFILE_LIST))

# pip hides what a build says unless it fails, so what became of the kernel is said here; newer sources are compiled.
install: $(VENV)/.installed
	@$(BIN)/python -m model.backends.builtin.kernel.build >/dev/null || [ "$${DLM_FILL_REQUIRE_KERNEL:-0}" = 0 ]

demo: install
	@$(BIN)/dlm-fill $(DEMO)

test: lint docs types unit test-vscode test-page

# The fast tests: layers, pages, decoding, what of a text is shown, positions and trees; no editor, no server, no weights.
FAST := tests/test_layers.py tests/test_docs.py tests/model/infill tests/model/test_canvas.py tests/model/test_text.py \
        tests/lsp_server/postprocess tests/lsp_server/code/text tests/lsp_server/code/syntax

check: tools
	$(BIN)/ruff check
	$(BIN)/ruff format --check --quiet
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadfile $(FAST)

lint: tools $(NEOVIM)/node_modules/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@$(NODE) && cd $(NEOVIM) && npm run --silent check
	@if command -v luacheck >/dev/null; then cd $(NEOVIM) && luacheck --quiet . ; \
	  else echo "no luacheck: the Lua of editors/neovim is not checked" >&2; [ -z "$$CI" ]; fi

# The variable silences an advertisement of the theme for its successor.
docs: $(VENV)/.docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

types: tools
	$(BIN)/mypy

unit: tools $(VSCODE)/node_modules/.installed  # judges of refactorings are ESLint's
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

# A virtual environment of its own: what Ray needs would pull other versions into the one that everything else is tested with.
test-ray:
	@$(MAKE) --no-print-directory VENV=$(VENV)-ray ray

ray: install
	@$(PIP_INSTALL) --editable '.[ray]' pytest pytest-asyncio hypothesis
	$(BIN)/python -m pytest -q -W ignore tests/lsp_server/serve/fleet/on_ray.py

tools: install $(VENV)/.tools

wheel: install $(VENV)/.tools
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	$(BIN)/python data_wheels.py dist

# Node.js is looked for, or installed, when a target first needs it. It trusts the certificates that the machine trusts.
NODE = export NODE_USE_SYSTEM_CA=1 PATH="$$($(VSCODE)/scripts/node.sh):$$PATH"

vscode: $(VSCODE)/node_modules/.installed $(if $(BUNDLE),dist/wheels)
	@$(NODE) && cd $(VSCODE) && node scripts/package.mjs $(if $(BUNDLE),--wheels ../../dist/wheels)

# The server's wheel, those of the built-in model's weights (none while the checkout has not all of them: the server's wheel then
# requires none), and those of what it needs, for this platform and Python.
.PHONY: dist/wheels
dist/wheels: install
	@rm -rf $@
	@$(PIP_INSTALL) hatchling
	@$(BIN)/python data_wheels.py $@ >/dev/null
	@$(PIP) wheel --quiet --constraint constraints.txt --find-links $@ --wheel-dir $@ .

# The real editor is VS Code in Chromium; where there is no chromium, CI's job fails and a developer is told.
test-vscode: install vscode
	@$(NODE) && cd $(VSCODE) && npm run --silent lint && npm run --silent test
	@command -v chromium >/dev/null || { echo "the tests in VS Code itself need chromium on the PATH" >&2; [ -z "$$CI" ]; }
	@! command -v chromium >/dev/null || { $(NODE) && cd $(VSCODE) && scripts/tools.sh && \
	  node --test --test-concurrency=1 --test-reporter=spec e2e/*.test.mjs $(if $(BUNDLE),e2e/bundled.mjs); }

# The page of `dlm-fill serve` in Chromium, by what drives the browser for VS Code.
test-page: tools
	@command -v chromium >/dev/null || { echo "the tests of the server's page need chromium on the PATH" >&2; [ -z "$$CI" ]; }
	@! command -v chromium >/dev/null || { $(NODE) && $(VSCODE)/scripts/tools.sh && \
	  node --test --test-reporter=spec tests/lsp_server/serve/page/*.test.mjs; }

editors/%/node_modules/.installed: editors/%/package-lock.json
	@$(NODE) && cd editors/$* && npm ci --no-audit --no-fund --silent
	@touch $@

clean:
	rm -rf $(NEOVIM)/node_modules $(VSCODE)/node_modules $(VSCODE)/dist $(VSCODE)/.node $(VSCODE)/.tools
	rm -rf $(VENV) $(VENV)-ray dist model/backends/builtin/kernel/kernel.so .pytest_cache .mypy_cache .ruff_cache .hypothesis

# Debian keeps ensurepip in a package of its own: without it, the machine's pip puts pip into the new environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "dlm-fill needs Python 3.11 or newer; name one: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || \
	  { rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	    $(PYTHON) -m pip --python $(BIN)/python install --quiet pip; } || \
	  { rm -rf $(VENV); echo "no virtual environment: install python3-venv, or pip 22.3 or newer" >&2; exit 1; }

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing dlm-fill into $(VENV) …" >&2
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.docs: $(VENV)/.installed
	@$(PIP_INSTALL) --editable '.[docs]'
	@touch $@

# torch first and alone: the big wheel fails early, and nothing else can pull a different one in.
$(VENV)/.tools: $(VENV)/.installed
	@$(PIP_INSTALL) "$$(grep '^torch==' constraints.txt)"
	@$(PIP_INSTALL) --editable '.[dev]'
	@.ci/neovim $(VENV)/neovim-0.12
	@touch $@
