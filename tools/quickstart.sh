#!/usr/bin/env bash
# From a fresh checkout to a ranked gallery on ToyPEDES, on two CPU cores within minutes: installs into .venv, draws the
# toy world, trains a toy CLIP, captions the unlabelled pool with it, pre-trains on these pseudo-texts, fine-tunes with
# and without the pre-training, evaluates on the test split, prints tables and draws pictures.
#   bash tools/quickstart.sh [--fresh]        --fresh: draw and train anew what an earlier call left
FRESH=
if [ "${1:-}" = --fresh ]; then FRESH=--fresh; shift; fi
[ $# -eq 0 ] || { echo "usage: $0 [--fresh]" >&2; exit 2; }

source "$(dirname "$0")/setup_env.sh" clip,analysis

OUT=work_dirs/quickstart
STRIP=$OUT/ranked_strip.png
CATALOGUE=mmt2ireid/pseudo_text/data/toy_catalogue.yaml
POOL=data/toy_pedes/pool/imgs
TEXTS=data/toy_pseudo_texts
started=$SECONDS
"$PYTHON" tools/dataset_converters/make_toy_pedes.py data/toy_pedes $FRESH
"$PYTHON" tools/train_toy_clip.py data/toy_clip $FRESH
"$PYTHON" tools/generate_pseudo_texts.py $POOL --out $TEXTS --model local-dir:data/toy_clip --catalogue $CATALOGUE $FRESH
"$PYTHON" tools/analyze_pseudo_texts.py $TEXTS --out $OUT/pseudo_texts --images $POOL --catalogue $CATALOGUE \
  --truth data/toy_pedes/attributes.json --truth-key pool
"$PYTHON" tools/toy_experiments.py --rows quickstart --seeds 0 --out "$OUT" --strip "$STRIP" $FRESH
echo "table: $OUT/table.md    picture: $STRIP    pseudo-texts: $OUT/pseudo_texts/"
echo "search it: ${PYTHON#"$PWD"/} tools/search.py 'a woman in a red coat' --gallery data/toy_pedes/imgs --out found.png"
echo "($((SECONDS - started)) s after installation)"
