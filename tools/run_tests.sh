#!/usr/bin/env bash
# Lint, types and tests. Makes .venv in the checkout and installs into it on the first run (or give PYTHON=...).
#   bash tools/run_tests.sh [--all] [pytest arguments]      --all: the slow tests too
source "$(dirname "$0")/setup_env.sh" tests

chosen='not slow'
if [ "${1:-}" = --all ]; then chosen=; shift; fi
"$PYTHON" -m ruff check mmt2ireid tools tests setup.py
"$PYTHON" -m ruff format --check mmt2ireid tools tests setup.py
"$PYTHON" -m mypy
# Two workers (-n 0: none) of one thread each: the tests are many and small, and some start processes of their own.
OMP_NUM_THREADS=${OMP_NUM_THREADS:-1} "$PYTHON" -m pytest -m "$chosen" -n 2 --dist loadfile "$@"
