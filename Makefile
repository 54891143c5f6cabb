# make report [STUDY=nir-rls] [CORES=all]   everything: environment, pipeline, report
# make test                                 the whole default test suite
# make help                                 the other targets
PYTHON ?= python3
CORES  ?= all
STUDY  ?=
TESTS  ?= tests
export OMP_NUM_THREADS = 1
export OPENBLAS_NUM_THREADS = 1

bin       := .venv/bin
snakemake := $(bin)/snakemake --workflow-profile workflow/profiles/default --cores $(CORES) $(if $(STUDY),--config study=$(STUDY))
.DEFAULT_GOAL := help
.PHONY: help report html test test-slow benchmark lint lock schemas check

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

.venv/.made: requirements.lock workflow/uv.lock.txt workflow/bootstrap.py pyproject.toml
	@$(PYTHON) workflow/bootstrap.py
	@touch $@

report: .venv/.made ## run the pipeline of the study and say where its report is
	@$(snakemake)
	@$(bin)/python -m nirls where $(STUDY)

html: .venv/.made ## Snakemake's own report of the run (results/<study>/report/snakemake.html)
	@$(snakemake) --report results/$(or $(STUDY),nir-rls)/report/snakemake.html

check: .venv/.made ## check the configuration and the raw files, run nothing
	@$(bin)/python -m nirls check $(STUDY)

test: .venv/.made ## the whole default test suite
	@$(bin)/python -m pytest -n auto --dist loadgroup $(TESTS)

test-slow: .venv/.made ## the long simulations as well
	@$(bin)/python -m pytest -n auto --dist loadgroup -m "slow or not slow" $(TESTS)

benchmark: .venv/.made ## speed, memory and agreement of the mixed models (QUICK=1: small sizes) to benchmarks/results/
	@$(bin)/python -m benchmarks.run $(if $(QUICK),--quick)

lint: .venv/.made ## formatting and static checks
	@$(bin)/ruff check src tests workflow benchmarks && $(bin)/ruff format --check src tests workflow benchmarks && $(bin)/snakefmt --check Snakefile workflow/rules && $(bin)/mypy src/nirls/stats src/nirls/models src/nirls/ard src/nirls/plan src/nirls/methods src/nirls/*.py

schemas: .venv/.made ## rewrite workflow/schemas and config/README.md from the models
	@$(bin)/python -m nirls schemas

lock: .venv/.made ## resolve pyproject.toml anew into the hashed locks and environment.yml
	@$(bin)/uv pip compile pyproject.toml --group dev --extra pilot --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet -o requirements.lock
	@echo "uv==0.13.9" | $(bin)/uv pip compile - --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --quiet -o workflow/uv.lock.txt
	@$(bin)/python -m nirls environment
