#!/usr/bin/env bash
# Evaluates on several GPUs, or in several CPU processes where there is no GPU.
#   tools/dist_test.sh CONFIG CHECKPOINT PROCESSES [options of tools/test.py]
# On several machines, start it on each with NNODES, its own NODE_RANK, and the same PORT and MASTER_ADDR.
# PYTHON names the interpreter; by default it is that of .venv in the checkout, or else `python`.
set -euo pipefail

if [ $# -lt 3 ]; then
    echo "usage: $0 CONFIG CHECKPOINT PROCESSES [options of tools/test.py]" >&2
    exit 2
fi
CONFIG=$1
CHECKPOINT=$2
PROCESSES=$3
shift 3

source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
launch "$PROCESSES" "$CHECKOUT/tools/test.py" "$CONFIG" "$CHECKPOINT" "$@"
