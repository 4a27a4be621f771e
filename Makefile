# Every command sets up what it needs first (tools/setup.py: .venv, packages, Debian packages
# for the tests) and is quick the second time. Another Python: make PYTHON=python3.12 test.
# More options for a command: make test ARGS="-k siting".

PYTHON ?= python3
ARGS ?=
SETUP = "$(PYTHON)" tools/setup.py
RUN = .venv/bin/python

.PHONY: help demo test test-all lint bench notebooks notebook lab pins

help:
	@echo "make demo       plan the demo town and print where its report is"
	@echo "make test       run the tests (make test-all: the slow ones too)"
	@echo "make lint       check style and types"
	@echo "make bench      seconds per step and peak memory; ARGS=access: beside other tools"
	@echo "make notebooks  execute the notebooks into .build/notebooks"
	@echo "make notebook   execute one of them, e.g. NAME=04_activity_rooms"
	@echo "make lab        open the notebooks in JupyterLab"
	@echo "make pins       renew constraints.txt after a change in pyproject.toml"

demo:
	@$(SETUP) core
	@$(RUN) -m gridplan demo --out runs/demo --replace $(ARGS)

test:
	@$(SETUP) test
	@$(RUN) tools/share_tests.py $(ARGS)

test-all:
	@$(SETUP) test
	@$(RUN) tools/share_tests.py --run-slow $(ARGS)

lint:
	@$(SETUP) test
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m mypy

bench:
	@$(SETUP) bench
	@$(RUN) benchmarks/run.py $(ARGS)

notebooks:
	@$(SETUP) lab
	@$(RUN) -m nbconvert --to notebook --execute --output-dir .build/notebooks \
		$(ARGS) notebooks/*.ipynb

notebook:
	@test -f "notebooks/$(NAME).ipynb" || { echo "There is no notebook \"$(NAME)\". Give one:"; \
		for one in notebooks/*.ipynb; do echo "  make notebook NAME=$$(basename $$one .ipynb)"; \
		done; exit 2; }
	@$(SETUP) lab
	@$(RUN) -m nbconvert --to notebook --execute --output-dir .build/notebooks \
		$(ARGS) "notebooks/$(NAME).ipynb"

# JupyterLab refuses to run as root unless told.
lab:
	@$(SETUP) lab
	@$(RUN) -m jupyterlab $$(test "$$(id -u)" != 0 || echo --allow-root) $(ARGS) notebooks

# The comment at the head of the file stays; hatchling builds the package, uv installs it.
pins:
	@$(SETUP) core
	@{ grep '^#' constraints.txt; printf 'hatchling\nuv\n' | .venv/bin/uv pip compile \
		--quiet --upgrade --all-extras --no-header --no-annotate \
		--python-version 3.11 --python-platform x86_64-manylinux_2_28 pyproject.toml -; \
		} > .build/constraints.txt
	@mv .build/constraints.txt constraints.txt
