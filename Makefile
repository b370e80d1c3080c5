# Everything a newcomer needs; Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := envs/pruning.txt
FIGURE := figures/performance_comparison_vgg16.png

.PHONY: demo test lint lock docs clean

demo: $(VENV)/installed  ## The figure of the default study's VGG16.
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores all $(FIGURE)
	@echo "The figure is $(CURDIR)/$(FIGURE)"

test: $(VENV)/installed  ## All tests: unit tests, then the smoke study through the whole workflow.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest

lint: $(VENV)/installed  ## Formatting, types, imports and workflow style.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/rules
	$(BIN)/mypy
	cd workflow && ../$(BIN)/lint-imports --config ../pyproject.toml
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint

docs: $(VENV)/installed  ## Write docs/documents.md from the schemas.
	PYTHONPATH=workflow $(BIN)/python -m filterbench.documents.reference > docs/documents.md

lock:  ## Pin the newest allowed versions of pyproject.toml's packages, for pip and for conda.
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate --no-header --quiet \
	  --upgrade --group dev --output-file $(LOCK) pyproject.toml
	{ printf '%s\n' '# The pins of pruning.txt for conda; written by `make lock`.' \
	    'channels: [conda-forge]' 'dependencies:' '  - python=3.11' '  - pip' '  - pip:'; \
	  sed 's/.*/      - "&"/' $(LOCK); } > envs/pruning.yaml

# pip, because other installers download torch's 3 GB of CUDA libraries anew for every environment.
$(VENV)/installed: $(LOCK)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FilterBench needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement $(LOCK)
	@touch $@

clean:  ## Remove everything that the workflow made; the environment stays.
	rm -rf results/*/ figures/*.png figures/*.svg logs data .snakemake
