# Everything a newcomer needs; Python 3.11+ and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LOCK := envs/pruning.txt
SLURM_PACKAGES := slurm-wlm slurmdbd mariadb-server munge iproute2
SLURM_TESTS := tests/slurm
# A process more than cores: tests also wait, for the disk and for processes that end.
SIDE_BY_SIDE = --numprocesses $(shell expr $$(nproc) + 1) --dist worksteal
FIGURE := figures/performance_comparison_vgg16.png

.PHONY: demo test test-slow test-slurm torture lint lock docs kept site clean

demo: $(VENV)/installed  ## The figure of the default study's VGG16.
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores all --quiet progress rules reason host -- $(FIGURE)
	@echo "The figure is $(CURDIR)/$(FIGURE)"
	@echo 'Next, after `export PATH="$(CURDIR)/$(BIN):$$PATH"`:'
	@echo "  snakemake --cores 1 so_far                           # a page of what is there, with its table and verdicts"
	@echo "  snakemake --cores 1 recommend                        # which pruner to take"
	@echo "  snakemake --cores 1 validate --config partial=true   # whether every number holds together"
	@echo "  snakemake --cores all all page                       # the rest of the study, and its page"

# One session, for importing torch takes each process seconds; neighbours share what a module trains once.
test: $(VENV)/installed  ## All quick tests: unit tests, the smoke study through the whole workflow, its page.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest tests/unit tests/workflow tests/browser -m "not slow" $(SIDE_BY_SIDE)

test-slow: $(VENV)/installed  ## The other tests: the kept studies as a whole; the smoke study killed, on a full disk, without hooks.
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest tests/unit tests/workflow tests/torture -m slow $(SIDE_BY_SIDE)

torture: $(VENV)/installed  ## The smoke study killed 200 times, on a full disk, with a clock that jumps, every file edited; hours.
	PATH="$(CURDIR)/$(BIN):$$PATH" FILTERBENCH_KILLS=200 FILTERBENCH_EDITS=1000000 pytest tests/torture tests/workflow/test_integrity.py -s

# RUNLEVEL=1 keeps apt from starting the services: the tests start and end their own.
test-slurm: $(VENV)/installed  ## The smoke study and the faults of a cluster on a private SLURM; root, Debian.
	@test "$$(id -u)" = 0 || { echo "make test-slurm starts SLURM's daemons: run it as root" >&2; exit 1; }
	@command -v apt-get >/dev/null || { echo "make test-slurm installs Debian's packages: no apt-get here" >&2; exit 1; }
	command -v slurmdbd mariadbd munged slurmctld slurmd ip >/dev/null || { apt-get update -qq && \
	  RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SLURM_PACKAGES) >/dev/null; }
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest $(SLURM_TESTS) --numprocesses 5 --dist worksteal

lint: $(VENV)/installed  ## Formatting, types, imports and workflow style.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow/Snakefile workflow/rules
	$(BIN)/mypy
	cd workflow && ../$(BIN)/lint-imports --config ../pyproject.toml
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --lint
	PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --snakefile workflow/Snakefile --lint

docs: $(VENV)/installed  ## Write the pages that are made from schemas, registries and the kept studies.
	PYTHONPATH=workflow $(BIN)/python -m filterbench.documents.reference > docs/documents.md
	PYTHONPATH=workflow $(BIN)/python -m filterbench.study.registered > docs/registered.md
	PYTHONPATH=workflow $(BIN)/python -m filterbench.audit.literature
	PYTHONPATH=workflow $(BIN)/python docs/fair-comparison/write_page.py
	PYTHONPATH=workflow $(BIN)/python docs/decomposition/write_page.py
	PYTHONPATH=workflow $(BIN)/python docs/criteria/write_page.py
	PYTHONPATH=workflow $(BIN)/python docs/deployment/write_page.py

kept: $(VENV)/installed  ## Unpack a kept study's documents and tables, such as fair: make kept STUDY=fair
	PYTHONPATH=workflow $(BIN)/python docs/kept.py unpack $(STUDY)

site: .venv-site/installed  ## The pages of docs/ as a website, in site/; a warning is an error.
	.venv-site/bin/mkdocs build --strict --quiet

lock:  ## Pin the newest allowed versions of pyproject.toml's packages, for pip and for conda.
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate --no-header --quiet \
	  --upgrade --group dev --output-file $(LOCK) pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-annotate --no-header --quiet \
	  --upgrade --only-group site --output-file envs/site.txt
	{ printf '%s\n' '# The pins of pruning.txt for conda; written by `make lock`.' \
	    'channels: [conda-forge]' 'dependencies:' '  - python=3.11' '  - pip' '  - pip:'; \
	  sed 's/.*/      - "&"/' $(LOCK); } > envs/pruning.yaml

# pip, because other installers download torch's 3 GB of CUDA libraries anew for every environment.
# The package itself is taken from this folder, so that scripts import it and the command `filterbench` is there.
$(VENV)/installed: $(LOCK) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FilterBench needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --requirement $(LOCK)
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv-site/installed: envs/site.txt
	$(PYTHON) -m venv .venv-site
	.venv-site/bin/pip install --quiet --requirement envs/site.txt
	@touch $@

clean:  ## Remove everything that the workflow made; the environment stays.
	rm -rf results/*/ results/.shared figures/*.png figures/*.svg figures/*.pdf logs data .snakemake
