"""Draws what a CMMT run clustered: sheets of clusters, paired and unpaired hits, and a map of both modalities.

    python tools/draw_clusters.py configs/cmmt/r50_cuhk.py work_dirs/r50_cuhk/epoch_50.pth --out pictures

DIR gets cluster_sheet.png (clusters before and after MPLR), paired_hits.png (ranked crops, as in Figure 5 of the
paper), map.png (pictures and captions, coloured by pseudo label) and clusters.json (all labels and figures). All is
drawn before anything is written.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from PIL import Image
from tqdm import tqdm

from mmt2ireid.apis import find_config, get_model
from mmt2ireid.apis.clusters import (
    check_vocabulary,
    cluster_figures,
    cluster_training_set,
    clustering_hook,
    picture_loader,
    split_features,
)
from mmt2ireid.apis.commands import run_command
from mmt2ireid.engine.config_file import ConfigOptions, read_config
from mmt2ireid.engine.report import write_json
from mmt2ireid.io.counts import counted
from mmt2ireid.visualization import cluster_map, paired_strip
from mmt2ireid.visualization.cluster_sheet import render_cluster_sheet
from mmt2ireid.visualization.clustered_pairs import CHOICES, MODALITIES, ClusteredPairs, choose_clusters, make_card
from mmt2ireid.visualization.picture_file import save_picture
from mmt2ireid.visualization.saved_features import SavedFeatures

NOTES = {
    'changed': 'drawn at random from those that MPLR added to',
    'largest': 'those that MPLR added most to',
    'random': 'drawn at random',
}


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='config file with a ClusteringHook')
    parser.add_argument('checkpoint', help='checkpoint file of a run of it')
    parser.add_argument('--out', required=True, metavar='DIR', help='where pictures and labels go')
    parser.add_argument('--clusters', type=int, default=6, help='on the sheet, half of them of captions (default: 6)')
    parser.add_argument(
        '--choose',
        choices=CHOICES,
        default='changed',
        help='which: a random draw of those that MPLR added to (default), those that it added most to, or a random '
        'draw of all',
    )
    parser.add_argument('--ids', nargs='+', type=cluster_id, metavar='img:N|txt:N', help='these clusters instead')
    parser.add_argument('--queries', type=int, default=6, help='captions whose crops are ranked (default: 6)')
    parser.add_argument('--topk', type=int, default=5, help='crops per caption (default: 5)')
    parser.add_argument(
        '--gallery',
        choices=('test', 'val', 'train'),
        default='test',
        help='split whose pictures are ranked (default: test, as in the paper); where persons of the training set are '
        'not known, its picture clusters say who is the same',
    )
    parser.add_argument('--map', choices=cluster_map.METHODS, default='tsne', help='layout of the map')
    parser.add_argument('--map-clusters', type=int, default=len(cluster_map.COLOURS), help='that get a colour')
    parser.add_argument('--map-points', type=int, default=5000, help='most pictures and captions on the map')
    parser.add_argument('--seed', type=int, default=0, help='of all random draws and of t-SNE')
    parser.add_argument('--format', choices=('png', 'jpg'), default='png', help='of the pictures with photographs')
    parser.add_argument('--max-kib', type=int, help='no picture gets larger: quality, then pixels are given up')
    parser.add_argument('--cfg-options', nargs='+', action=ConfigOptions, metavar='KEY=VALUE', help='override settings')
    args = parser.parse_args(argv)
    for name in ('clusters', 'queries', 'topk', 'map_points', 'max_kib'):
        value = getattr(args, name)
        if value is not None and value < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1, but got {value}')
    if args.seed < 0:
        parser.error(f'--seed must not be negative, but got {args.seed}')
    if not 1 <= args.map_clusters <= len(cluster_map.COLOURS):
        parser.error(f'--map-clusters must be from 1 to {len(cluster_map.COLOURS)}, but got {args.map_clusters}')
    return args


def cluster_id(text: str) -> tuple[str, int]:
    if not re.fullmatch(r'(img|txt):\d+', text):
        raise argparse.ArgumentTypeError(f'must be img:NUMBER or txt:NUMBER, but got {text!r}')
    modality, _, number = text.partition(':')
    return modality, int(number)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    if Path(args.out).exists() and not Path(args.out).is_dir():
        raise ValueError(f'--out must be a folder, but got {args.out}')
    cfg = read_config(find_config(args.config), args.cfg_options)
    if args.gallery != 'train' and not cfg.get(f'{args.gallery}_dataloader'):
        raise ValueError(f'--gallery must be a split that the config evaluates, but got {args.gallery}')
    hook = clustering_hook(cfg)
    model = get_model(cfg, args.checkpoint).to('cuda' if torch.cuda.is_available() else 'cpu')
    pairs, dataset = cluster_training_set(hook, model)
    check_vocabulary(dataset, args.checkpoint)
    figures = cluster_figures(pairs)
    with tqdm(total=3, desc='pictures', unit='picture', disable=None) as bar:
        sheet, shown = draw_sheet(args, pairs, picture_loader(dataset))
        bar.update()
        hits = draw_hits(args, cfg, model, pairs, dataset)
        bar.update()
        points = cluster_map.choose_points(
            pairs, num_clusters=args.map_clusters, max_points=args.map_points, seed=args.seed
        )
        plane = cluster_map.render_cluster_map(points, cluster_map.project(points.feats, args.map, seed=args.seed))
        plane = plane.quantize(256, dither=Image.Dither.NONE)  # a palette, as there are few colours
        bar.update()
    write(args, {f'cluster_sheet.{args.format}': sheet, f'paired_hits.{args.format}': hits, 'map.png': plane})
    labels = {
        modality: {
            when: found.tolist() for when, found in zip(('before', 'after'), pairs.labels(modality), strict=True)
        }
        for modality in MODALITIES
    }
    options = dict(config=args.config, checkpoint=args.checkpoint, seed=args.seed, map=args.map, gallery=args.gallery)
    shown_where = dict(on_sheet=shown, on_map=points.clusters)
    content = dict(**options, **shown_where, figures=figures, image_of=pairs.image_of.tolist(), labels=labels)
    write_json(Path(args.out, 'clusters.json'), content)
    print(table(figures))


def draw_sheet(
    args: argparse.Namespace, pairs: ClusteredPairs, load_image: Callable[[int], Image.Image]
) -> tuple[Image.Image, list[str]]:
    chosen, note = args.ids, ''
    if not chosen:
        found = {
            modality: choose_clusters(*pairs.labels(modality), args.clusters, args.choose, seed=args.seed)
            for modality in MODALITIES
        }
        captions = min(args.clusters // 2, len(found['txt']))
        images = found['img'][: args.clusters - captions]
        texts = found['txt'][: args.clusters - len(images)]
        chosen = [('img', label) for label in images] + [('txt', label) for label in texts]
        shown = ' and '.join(
            f'{len(labels)} of {counted(int(pairs.labels(modality)[1].max(initial=-1)) + 1, f"{name} cluster")}'
            for modality, name, labels in (('img', 'picture', images), ('txt', 'caption', texts))
        )
        note = f'{shown}, {NOTES[args.choose]} (seed {args.seed})' if chosen else ''
    cards = [make_card(pairs, modality, label, load_image) for modality, label in chosen]
    return render_cluster_sheet(cards, note=note), [f'{modality}:{label}' for modality, label in chosen]


def draw_hits(args: argparse.Namespace, cfg: Config, model: Any, pairs: ClusteredPairs, dataset: Any) -> Image.Image:
    legend, titles = paired_strip.LEGEND, ('Captions of one person', 'Captions of other persons')
    if args.gallery == 'train':
        split = SavedFeatures(pairs.img_feats, pairs.txt_feats, pairs.pids, pairs.image_of, [], pairs.captions)
        if (pairs.pids < 0).any():
            # Un-clustered images are each a class of their own.
            labels = pairs.after[0]
            split = replace(split, pids=np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels))
            legend = (legend[0], 'another picture of its cluster', 'a picture of another one')
            titles = ('Captions of one picture cluster', 'Captions of others')
    else:
        split, dataset = split_features(cfg[f'{args.gallery}_dataloader'], model)
    groups = paired_strip.choose_queries(split.pids, split.txt_image, args.queries, seed=args.seed)
    load_image = picture_loader(dataset)
    rows = [paired_strip.paired_rows(split, captions, topk=args.topk, load_image=load_image) for captions in groups]
    return paired_strip.render_paired_strips(
        [(title, part) for title, part in zip(titles, rows, strict=True) if part], legend=legend
    )


def write(args: argparse.Namespace, pictures: dict[str, Image.Image]) -> None:
    for name, picture in pictures.items():
        save_picture(picture, Path(args.out, name), max_bytes=args.max_kib and 1024 * args.max_kib)


def table(figures: dict[str, dict[str, dict[str, float | None]]]) -> str:
    """Figures before and after, as Markdown."""
    lines = ['| figure | pictures before | after MPLR | captions before | after MPLR |', f'| --- |{" ---: |" * 4}']
    columns = [figures[modality][when] for modality in MODALITIES for when in ('before', 'after')]
    for key in columns[0]:
        cells = ['' if column[key] is None else f'{column[key]:.4g}' for column in columns]
        if any(cells):
            lines.append(f'| {key} | {" | ".join(cells)} |')
    return '\n'.join(lines)


if __name__ == '__main__':
    run_command(main)
