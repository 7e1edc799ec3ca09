#!/usr/bin/env bash
# Trains on several GPUs, or in several CPU processes where there is no GPU.
#   tools/dist_train.sh CONFIG PROCESSES [options of tools/train.py]
# On several machines, start it on each with NNODES, its own NODE_RANK, and the same PORT and MASTER_ADDR.
# PYTHON names the interpreter; by default it is that of .venv in the checkout, or else `python`.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 CONFIG PROCESSES [options of tools/train.py]" >&2
    exit 2
fi
CONFIG=$1
PROCESSES=$2
shift 2

source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
launch "$PROCESSES" "$CHECKOUT/tools/train.py" "$CONFIG" "$@"
