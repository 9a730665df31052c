# The Python to make .venv with: the first of these that is 3.11 or later.
PYTHON ?= $(shell for python in python3 python3.12 python3.13 python3.11 python3.14; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; done; echo python3)
INSTALL = $(PYTHON) -I energyopti/onemachine/install.py
BIN = .venv/bin
# Processes that share the tests; 0 with servers of one's own (DATABASE_URL, REDIS_URL).
WORKERS = auto
# What the checks look at: settings as in production, on a data folder that nobody uses.
DEPLOYED = DATABASE_URL= REDIS_URL= ENERGYOPTI_HOME=var/lint DEBUG=false SANDBOX=off ALLOWED_HOSTS=energyopti.example.com \
	SECRET_KEY=a-key-for-this-check-alone-of-at-least-fifty-characters-0123456789

.PHONY: run test bench lint clean

run:
	@$(INSTALL) .venv requirements.txt
	@exec $(BIN)/python -m energyopti.onemachine --until-parent-dies

test:
	@$(INSTALL) .venv requirements.txt requirements-dev.txt
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

bench:
	@$(INSTALL) .venv-bench requirements-bench.txt
	@.venv-bench/bin/python -m tests.benchmarks

lint:
	@$(INSTALL) .venv requirements.txt requirements-dev.txt
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(DEPLOYED) $(BIN)/mypy energyopti markets recs manage.py
	$(BIN)/lint-imports
	$(DEPLOYED) $(BIN)/python manage.py makemigrations --check --dry-run
	$(DEPLOYED) $(BIN)/python manage.py check --deploy --fail-level WARNING

clean:
	rm -rf .venv .venv-bench .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@echo "The data folder (./var) is still there; remove it by hand to start anew."
