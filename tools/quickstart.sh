#!/usr/bin/env bash
# From a fresh checkout to a ranked gallery on ToyPEDES, on two CPU cores within minutes:
# installs into .venv, draws the toy world, pre-trains, fine-tunes with and without the pre-training, evaluates on the
# test split, prints one table and draws a picture of ranked crops.
#   bash tools/quickstart.sh [--fresh]        --fresh: draw and train anew what an earlier call left
FRESH=
if [ "${1:-}" = --fresh ]; then FRESH=--fresh; shift; fi
[ $# -eq 0 ] || { echo "usage: $0 [--fresh]" >&2; exit 2; }

# An empty argument of its own: `source` without any would pass on this script's.
source "$(dirname "$0")/setup_env.sh" ''

OUT=work_dirs/quickstart
STRIP=$OUT/ranked_strip.png
started=$SECONDS
"$PYTHON" tools/dataset_converters/make_toy_pedes.py data/toy_pedes $FRESH
"$PYTHON" tools/toy_experiments.py --rows quickstart --seeds 0 --out "$OUT" --strip "$STRIP" $FRESH
echo "table: $OUT/table.md    picture: $STRIP    ($((SECONDS - started)) s after installation)"
