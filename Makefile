# Needs Python >= 3.11 and make; everything else goes into .venv, built on first use.
#
#   make study [STUDY=default] [SET='convex.lam=0.1 seed=range(0,10)'] [DATA=folder] [CORES=2]
#   make study PROFILE=workflow/profiles/slurm
#   make study ACCEPT_ENVIRONMENT=1     # keep what other library versions computed; tables say so
#   make paper [STUDY=default]          # its manuscript as PDF, where TeX is installed
#   make all [DATA=folder]              # every study that can run here, then the paper; results/index.html
#   make docs                           # the documentation as a site: build/docs/html/index.html
#   make test | test-all | faults | smoke | lint | fuzz | mutants | slurm | coverage | audit | lock | clean
#
# On a machine with network access a CPU build of torch saves gigabytes:
#   make study TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"
PYTHON     ?= python3
CORES      ?= 2
TORCH_ARGS ?=
PYTEST_ARGS ?=
BENCH_ARGS ?=
FUZZ_SECONDS ?= 600
VENV       := .venv
BIN        := $(VENV)/bin
INSTALLED  := $(VENV)/.installed
PIP        := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# Values that a user types reach the program through the environment, unexpanded: neither make
# nor a shell ever interprets them.
STUDY      ?= default
SET        ?=
DATA       ?=
PROFILE    ?=
unexport STUDY SET DATA PROFILE
export RELU_OPTIMA_STUDY := $(value STUDY)
export RELU_OPTIMA_SET   := $(value SET)
ifneq ($(value PROFILE),)
export RELU_OPTIMA_PROFILE := $(value PROFILE)
endif
ifneq ($(value DATA),)
export RELU_OPTIMA_DATA  := $(value DATA)
endif
# One BLAS thread per process and fixed hashing: the same config gives the same bits.
export OMP_NUM_THREADS := 1
export OPENBLAS_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PYTHONHASHSEED := 0
export MPLBACKEND := Agg
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: study paper all docs smoke test test-all faults coverage lint fuzz mutants slurm audit lock clean

study: $(INSTALLED)
	@python -m relu_optima study "$$RELU_OPTIMA_STUDY" --cores $(CORES) --set-env RELU_OPTIMA_SET \
	  $(if $(ACCEPT_ENVIRONMENT),--accept-environment)

paper: $(INSTALLED)
	@python -m relu_optima paper "$$RELU_OPTIMA_STUDY" --cores $(CORES) --set-env RELU_OPTIMA_SET

all: $(INSTALLED)
	@python -m relu_optima all --cores $(CORES)

docs: $(INSTALLED)
	python -m sphinx -W --keep-going -q -b html -d build/docs/doctrees docs build/docs/html
	@echo "build/docs/html/index.html"

smoke: $(INSTALLED)
	@python -m relu_optima study smoke --cores $(CORES)

test: $(INSTALLED)
	python -m pytest -n $(CORES) $(PYTEST_ARGS)

# The default tests, and the share of lines they run.
coverage: $(INSTALLED)
	python -m pytest -n $(CORES) --cov --cov-report=term $(PYTEST_ARGS)

test-all: $(INSTALLED)
	python -m pytest -n $(CORES) -m "slow or not slow" --timeout 3600 $(PYTEST_ARGS)

# Kills, damage, full disks, clocks, hangs: seeds FAULT_SEED, FAULT_SEED+1, ... are printed.
FAULT_SEED  ?= 0
FAULT_COUNT ?= 20
faults: export FAULT_SEED := $(FAULT_SEED)
faults: export FAULT_COUNT := $(FAULT_COUNT)
faults: $(INSTALLED)
	@echo "FAULT_SEED=$(FAULT_SEED) FAULT_COUNT=$(FAULT_COUNT)"
	python -m pytest -n $(CORES) -rs -m "slow or not slow" $(PYTEST_ARGS) tests/test_supervise.py \
	  tests/workflow/test_faults_kill.py tests/workflow/test_faults_runs.py \
	  tests/workflow/test_faults_damage.py tests/workflow/test_faults_disk.py

lint: $(INSTALLED)
	ruff check src tests benchmarks docs
	ruff format --check src tests benchmarks docs/*.py docs/gallery
	snakefmt --check Snakefile workflow
	snakemake --lint --config study=smoke
	mypy
	lint-imports
	codespell src tests docs conf workflow README.md CHANGELOG.md Makefile

# Hostile files for every reader; the seed is printed, crashing inputs are kept in build/fuzz.
fuzz: $(INSTALLED)
	python -m tests.fuzz all --seconds $(FUZZ_SECONDS)

# Change one line after the other of the checker of existence certificates and of the formulas of
# all other stages: a test must notice.
mutants: $(INSTALLED)
	python -m tests.mutants existence
	python -m tests.mutants formulas

# The smoke study through a SLURM that is started on this machine; needs root, slurm-wlm, munge.
slurm: $(INSTALLED)
	python -m pytest -m slow -rs tests/slurm

# Known vulnerabilities of the locked dependencies; says "skipped" where no database answers.
audit: $(INSTALLED)
	python -m tests.security.audit || test $$? -eq 75

# Torch first, so that nothing else can choose another build of it.
$(INSTALLED): pyproject.toml requirements.lock
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH_ARGS) -c requirements.lock torch
	$(PIP) -c requirements.lock -e ".[dev]"
	@touch $@

# Pin what a clean environment really gets; local version tags and the project itself left out.
lock:
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PIP) $(TORCH_ARGS) $$(sed -n 's/^  "\(torch==[^"]*\)",$$/\1/p' pyproject.toml)
	$(PIP) -e ".[dev]"
	$(BIN)/python -m pip freeze --exclude-editable | sed -E 's/\+[a-z0-9.]+$$//' > requirements.lock
	@touch $(INSTALLED)

# Keeps results/store, which is hours of work; remove results/ by hand to start from nothing.
clean:
	rm -rf .snakemake .mypy_cache .ruff_cache .pytest_cache .hypothesis build
	find results -mindepth 1 -maxdepth 1 ! -name store ! -name README.md -exec rm -rf {} +

.PHONY: bench-convex bench-existence bench-training bench-pruning bench-pipeline

# The convex solver's peers live in an environment of their own.
PEERS := benchmarks/.venv-peers
bench-convex: $(PEERS)/.installed
$(PEERS)/.installed: $(wildcard benchmarks/convex/requirements-peers*.txt)
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet $(TORCH_ARGS) $$(grep '^torch' benchmarks/convex/requirements-peers.txt)
	$(PEERS)/bin/python -m pip install --quiet -r benchmarks/convex/requirements-peers.txt
	$(PEERS)/bin/python -m pip install --quiet --no-deps -r benchmarks/convex/requirements-peers-nodeps.txt
	@touch $@

# So does the solver beside which existence is decided.
SMT := benchmarks/.venv-smt
bench-existence: $(SMT)/.installed
$(SMT)/.installed: benchmarks/existence/requirements-peers.txt
	test -x $(SMT)/bin/python || $(PYTHON) -m venv $(SMT)
	$(SMT)/bin/python -m pip install --quiet -r $<
	@touch $@

# Each times the peers beside this package in the same run and prints ratios and accuracies.
bench-convex bench-existence bench-training bench-pruning bench-pipeline: bench-%: $(INSTALLED)
	python -m benchmarks.$* $(BENCH_ARGS)
