# Two commands are all the set-up there is: `make` (the main job) and `make test`.
VENV := .venv
PYTHON ?= python3
READY := $(VENV)/ready
CLUSTER := $(VENV)/cluster
SEARCH := fashion-mnist-search
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: main test test-long test-cluster lint bench bench-cluster ui gallery clean

main: $(READY)
	mlflow run . -e main --env-manager local --experiment-name $(SEARCH)

test: $(READY) $(CLUSTER) lint
	python -m pytest -m "not slow and not cluster" -n 2 --dist loadfile

test-long: $(READY) $(CLUSTER)
	python -m pytest -m "not cluster" -n 2 --dist loadfile

test-cluster: $(READY) $(CLUSTER)
	python -m pytest tests/cluster

lint: $(READY)
	ruff check .
	ruff format --check .
	mypy
	lint-imports

bench: $(READY)
	@mkdir -p build
	python -m bench.sorting --json build/sorting.json
	python -m bench.pi --json build/pi.json
	python -m bench.overhead --json build/overhead.json
	python -m bench.trust --json build/trust.json
	python -m bench.search --json build/search.json

bench-cluster: $(READY) $(CLUSTER)
	@mkdir -p build
	python -m bench.scale --json build/scale.json --plot build/scale.png

ui: $(READY)
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui

gallery: $(READY)
	python -m docs.gallery

# A half-made environment is no environment: `ready` is written last.
$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ecotrack needs Python 3.11 or later; name one: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV) || \
		{ echo "this Python cannot make environments; on Debian: apt install python3-venv" >&2; exit 2; }
	@echo "Installing packages, once: this takes some minutes."
	$(VENV)/bin/pip install --quiet -r requirements.txt
	@touch $@

# Only `--storage` and `--workers` need these, and the tests of them.
$(CLUSTER): requirements-cluster.txt $(READY)
	$(VENV)/bin/pip install --quiet -r requirements-cluster.txt
	@touch $@

clean:
	rm -rf $(VENV)
