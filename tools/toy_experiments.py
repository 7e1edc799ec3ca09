"""Trains the toy twins of the papers' tables over several seeds and prints one table.

    python tools/toy_experiments.py                         the rows of the quickstart, seed 0
    python tools/toy_experiments.py --rows all --seeds 0 1 2

Each run is `tools/train.py` on data/toy_pedes with the model selected on val, then `tools/test.py` on test. What is
there already is reused, what was killed is resumed; --fresh starts over.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.engine.report import mean_and_spread

ROOT = Path(__file__).resolve().parent.parent
METRICS = ('t2i/R1', 't2i/R5', 't2i/R10', 't2i/mAP', 't2i/mINP')
MARK = 'toy_experiments'


@dataclass(frozen=True)
class Row:
    """A line of the table: what it is called, its config, and the config whose final weights it starts from."""

    label: str
    config: str
    start: str | None = None
    weights_option: str = 'load_from'  # the setting that takes these weights
    test_only: bool = False  # evaluates the weights of `start` on other data
    templates: int = 0  # it reads pseudo-texts that were made from so many templates


ROWS = {
    row.config: row
    for row in (
        Row('pre-trained on pseudo-texts, not fine-tuned', 'unipt_vit_pseudo', templates=456),
        Row('fine-tuned from scratch', 'unipt_vit_toy_scratch'),
        Row('fine-tuned after pre-training on pseudo-texts', 'unipt_vit_toy_pseudo', 'unipt_vit_pseudo'),
        Row('pre-trained on true captions, not fine-tuned', 'unipt_vit_pool'),
        Row('fine-tuned after pre-training on true captions', 'unipt_vit_toy', 'unipt_vit_pool'),
        Row('fine-tuned from scratch, as many steps as both', 'unipt_vit_toy_scratch_long'),
        Row(
            'image encoder pre-trained, text encoder from scratch',
            'unipt_vit_toy_img-only',
            'unipt_vit_pool',
            weights_option='model.image_encoder.init_cfg.checkpoint',
        ),
        Row('pre-trained without MLM, not fine-tuned', 'unipt_vit_pool_wo-mlm'),
        Row('after pre-training without MLM', 'unipt_vit_toy_wo-mlm', 'unipt_vit_pool_wo-mlm'),
        Row('from scratch, without PGU', 'unipt_vit_toy_scratch_wo-pgu'),
        Row('after pre-training, without PGU', 'unipt_vit_toy_wo-pgu', 'unipt_vit_pool'),
        Row('pre-trained with scale fixed at 1, not fine-tuned', 'unipt_vit_pool_fixed-scale'),
        Row('after pre-training with scale fixed at 1', 'unipt_vit_toy_fixed-scale', 'unipt_vit_pool_fixed-scale'),
        Row('pre-trained on half of the pool, not fine-tuned', 'unipt_vit_pool_half'),
        Row('after pre-training on half of the pool', 'unipt_vit_toy_half', 'unipt_vit_pool_half'),
        Row(
            'pre-trained on pseudo-texts of 228 templates, not fine-tuned',
            'unipt_vit_pseudo_228-templates',
            templates=228,
        ),
        Row(
            'after pre-training on pseudo-texts of 228 templates',
            'unipt_vit_toy_228-templates',
            'unipt_vit_pseudo_228-templates',
        ),
        Row('Swin pre-trained on the pool, not fine-tuned', 'unipt_swin_pool'),
        Row(
            'to the second set: from scratch',
            'unipt_vit_toy_scratch_to-second',
            'unipt_vit_toy_scratch',
            test_only=True,
        ),
        Row('to the second set: after pre-training', 'unipt_vit_toy_to-second', 'unipt_vit_toy', test_only=True),
        Row('no identities: baseline, CPM and SpCL', 'cmmt_vit_toy_baseline', 'unipt_vit_pseudo'),
        Row('no identities: CPM and MMT', 'cmmt_vit_toy_cmpm-mmt', 'unipt_vit_pseudo'),
        Row('no identities: + MPLR', 'cmmt_vit_toy_baseline_mplr', 'unipt_vit_pseudo'),
        Row('no identities: + Text-IoU CPM', 'cmmt_vit_toy_wo-hsm', 'unipt_vit_pseudo'),
        Row('no identities: + Text-IoU HSM (CMMT)', 'cmmt_vit_toy', 'unipt_vit_pseudo'),
        Row('no identities: CMMT without MPLR', 'cmmt_vit_toy_wo-mplr', 'unipt_vit_pseudo'),
        Row('no identities: CMMT without Text-IoU CPM', 'cmmt_vit_toy_wo-iou', 'unipt_vit_pseudo'),
        Row('no identities: CMMT, Text-IoU over all phrases', 'cmmt_vit_toy_all-phrases', 'unipt_vit_pseudo'),
        Row('no identities: CMMT without MPLR v->t', 'cmmt_vit_toy_wo-v2t', 'unipt_vit_pseudo'),
        Row('no identities: CMMT without MPLR t->v', 'cmmt_vit_toy_wo-t2v', 'unipt_vit_pseudo'),
        Row('no identities: CMMT, soft labels of text embeddings', 'cmmt_vit_toy_te-cpm', 'unipt_vit_pseudo'),
        Row('no identities: CMMT, soft labels of image embeddings', 'cmmt_vit_toy_ve-cpm', 'unipt_vit_pseudo'),
        Row('no identities: CMMT, mining within modalities only', 'cmmt_vit_toy_wo-chsm', 'unipt_vit_pseudo'),
        Row('no identities: CMMT, mining across modalities only', 'cmmt_vit_toy_wo-ihsm', 'unipt_vit_pseudo'),
        Row('no identities: CMMT on the toy CLIP', 'cmmt_clip_toy'),
        Row('no identities: MM-TIM', 'cmmt_vit_toy_mm-tim', 'unipt_vit_pseudo'),
        Row('with identities: CMPM and CMPC', 'cmmt_vit_toy_cmpm-cmpc', 'unipt_vit_pseudo'),
        Row("the toy's CLIP, fine-tuned by ITC", 'clip_toy_itc'),
        Row("the toy's CLIP, fine-tuned by ITC through LoRA", 'clip_toy_itc_lora'),
        Row("the toy's CLIP, fine-tuned by ITC, half of the pairs wrong", 'clip_toy_itc_noise50'),
        Row("IRRA on the toy's CLIP", 'irra_clip_toy'),
        Row('IRRA after pre-training on true captions', 'irra_vit_toy', 'unipt_vit_pool'),
        Row("TBPS-CLIP's losses on the toy's CLIP", 'tbps_clip_toy'),
        Row("TBPS-CLIP's losses and views on the toy's CLIP", 'tbps_clip_toy_full'),
        Row("RDE's loss on the toy's CLIP", 'rde_clip_toy_tal'),
        Row("RDE's loss on the toy's CLIP, half of the pairs wrong", 'rde_clip_toy_tal_noise50'),
        Row("UniPT's fine-tuning from the toy's CLIP", 'unipt_clip_toy'),
    )
}
STRIP_ROWS = ('unipt_vit_toy_pseudo', 'unipt_vit_toy')  # the first of them that is run
QUICKSTART = ('unipt_vit_pseudo', 'unipt_vit_toy_scratch', 'unipt_vit_toy_pseudo')


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        '--rows',
        nargs='+',
        default=['quickstart'],
        help=f"'quickstart', 'all', or configs of configs/toy: {', '.join(ROWS)}",
    )
    parser.add_argument('--seeds', nargs='+', type=int, default=[0])
    parser.add_argument('--out', type=Path, default=Path('work_dirs/toy'))
    parser.add_argument('--strip', type=Path, help='draw ranked strips of the first seed, fine-tuned, here')
    parser.add_argument('--fresh', action='store_true', help='remove what earlier calls left in --out')
    args = parser.parse_args()
    rows = select_rows(args.rows)
    strip_row = next((ROWS[config] for config in STRIP_ROWS if ROWS[config] in rows), None)
    if args.strip and strip_row is None:
        raise ValueError(f'--strip must be given with one of the rows {STRIP_ROWS}, but got {args.rows}')
    check_pseudo_texts(rows)
    if args.fresh:
        remove_runs(args.out)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / MARK).touch()
    results = {row.config: [] for row in rows}
    for seed in args.seeds:
        for row in rows:
            wanted = row is strip_row and seed == args.seeds[0]
            strip = args.strip if wanted else None
            results[row.config].append(evaluate(row, args.out / f'seed{seed}', seed, strip))
    text = table(rows, results, args.seeds)
    write_atomically(args.out / 'table.md', f'{text}\n'.encode())
    print(f'\n{text}\n')


def select_rows(names: list[str]) -> list[Row]:
    """The rows of the names, each start before what starts from it."""
    wanted = {'quickstart': QUICKSTART, 'all': tuple(ROWS)}
    chosen = [config for name in names for config in wanted.get(name, (name,))]
    unknown = [config for config in chosen if config not in ROWS]
    if unknown:
        raise ValueError(f"rows must be 'quickstart', 'all' or of {tuple(ROWS)}, but got {unknown[0]!r}")
    return [row for config, row in ROWS.items() if config in chosen]


def check_pseudo_texts(rows: list[Row]) -> None:
    """Raises FileNotFoundError, with the command that makes them, where pseudo-texts of a row are missing."""
    for row in [*rows, *(ROWS[row.start] for row in rows if row.start)]:
        name = f'toy_pseudo_texts{"" if row.templates == 456 else f"_{row.templates}-templates"}'
        if row.templates and not Path('data', name, 'captions.json').exists():
            raise FileNotFoundError(
                f'data/{name} is missing, which {row.config} reads; after tools/train_toy_clip.py it is made by\n'
                f'  python tools/generate_pseudo_texts.py data/toy_pedes/pool/imgs --out data/{name} '
                '--model local-dir:data/toy_clip --catalogue mmt2ireid/pseudo_text/data/toy_catalogue.yaml '
                f'--templates {row.templates}'
            )


def remove_runs(out: Path) -> None:
    """Removes the runs of earlier calls, and nothing that they did not make."""
    folders = list(out.glob('seed*'))
    if folders and not (out / MARK).exists():
        raise ValueError(f'out must be a folder of this tool for --fresh, but {out} has no file {MARK}')
    for folder in folders:
        shutil.rmtree(folder)


def evaluate(row: Row, folder: Path, seed: int, strip: Path | None = None) -> dict:
    """Metrics of a row on the test split, and ranked strips if wanted; trains what has not been trained."""
    target = folder / row.config / 'metrics.json'
    if not target.exists() or (strip is not None and not strip.exists()):
        source = train(ROWS[row.start] if row.test_only else row, folder, seed)
        outputs = ['--out', target] if strip is None else ['--out', target, '--strip', strip]
        tool('test.py', row, best_checkpoint(source), '--work-dir', folder / row.config, *outputs)
    return json.loads(target.read_text())['metrics']


def train(row: Row, folder: Path, seed: int) -> Path:
    """Trains a row, and before it what it starts from; returns its working directory."""
    work_dir = folder / row.config
    if (work_dir / 'trained').exists():
        return work_dir
    options = []
    if row.start:
        weights = last_checkpoint(train(ROWS[row.start], folder, seed))
        options.append(f'{row.weights_option}={weights}')
    print(f'\n== seed {seed}: {row.label} (configs/toy/{row.config}.py)', flush=True)
    tool('train.py', row, '--work-dir', work_dir, '--seed', seed, '--resume', 'auto', options=options)
    (work_dir / 'trained').touch()
    return work_dir


def best_checkpoint(work_dir: Path) -> Path:
    """The checkpoint that was best on val."""
    return max(work_dir.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)


def last_checkpoint(work_dir: Path) -> Path:
    """The checkpoint of the last epoch."""
    return max(work_dir.glob('epoch_*.pth'), key=lambda path: int(path.stem.split('_')[1]))


def tool(name: str, row: Row, *arguments: object, options: Sequence[str] = ()) -> None:
    """Runs a tool of the toolbox on the config of a row."""
    command = [sys.executable, ROOT / 'tools' / name, ROOT / 'configs' / 'toy' / f'{row.config}.py', *arguments]
    # Warnings and progress only: of many short runs, MMEngine's full log would fill the screen.
    command += ['--cfg-options', 'log_level=WARNING', *options]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])}
    status = subprocess.run(list(map(str, command)), env=environment).returncode
    if status:
        sys.exit(status)  # the tool has said why


def table(rows: list[Row], results: dict[str, list[dict]], seeds: list[int]) -> str:
    """The results as Markdown: mean and, of several seeds, standard deviation; then R1 of each seed."""
    head = ['', *(metric.split('/')[1] for metric in METRICS)]
    if len(seeds) > 1:
        head.append(f'R1 of seeds {", ".join(map(str, seeds))}')
    lines = [head, ['---'] * len(head)]
    for row in rows:
        metrics = results[row.config]
        cells = [mean_and_spread([result[metric] for result in metrics]) for metric in METRICS]
        if len(seeds) > 1:
            cells.append(', '.join(f'{result["t2i/R1"]:.1f}' for result in metrics))
        lines.append([row.label, *cells])
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)


if __name__ == '__main__':
    run_command(main)
