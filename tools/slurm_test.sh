#!/usr/bin/env bash
# Evaluates as a Slurm job.
#   tools/slurm_test.sh PARTITION JOB_NAME CONFIG CHECKPOINT [options of tools/test.py]
# GPUS (8) in all, GPUS_PER_NODE (8, or GPUS where that is less), CPUS_PER_TASK (5), SRUN_ARGS: further options of srun.
# PYTHON names the interpreter; by default it is that of .venv in the checkout, or else `python`.
set -euo pipefail

if [ $# -lt 4 ]; then
    echo "usage: $0 PARTITION JOB_NAME CONFIG CHECKPOINT [options of tools/test.py]" >&2
    exit 2
fi
PARTITION=$1
JOB_NAME=$2
CONFIG=$3
CHECKPOINT=$4
shift 4

source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
slurm "$PARTITION" "$JOB_NAME" "$CHECKOUT/tools/test.py" "$CONFIG" "$CHECKPOINT" "$@"
