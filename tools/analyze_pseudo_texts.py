"""Says what a caption file holds, in figures and pictures.

    python tools/analyze_pseudo_texts.py INPUT --out DIR

INPUT is a folder that generate_pseudo_texts.py wrote, or one .json, .arrow or .parquet file of captions, also a
foreign one. DIR gets summary.md, summary.json, length_distribution.png, word_cloud.png, attribute_frequency.png (where
the input tells of attributes) and contact_sheet.jpg (where images are embedded or --images says where they are). With
the true attributes (--truth), also accuracy.md and accuracy.json.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.io.images import read_image as decode_image
from mmt2ireid.pseudo_text.analysis import analysis_text
from mmt2ireid.pseudo_text.analysis.accuracy_tally import AccuracyTally, load_truth
from mmt2ireid.pseudo_text.analysis.caption_rows import (
    SHARDS,
    CaptionRow,
    attribute_names,
    caption_files,
    count_rows,
    read_image,
    read_rows,
)
from mmt2ireid.pseudo_text.analysis.row_sample import RowSample
from mmt2ireid.pseudo_text.analysis.statistics import CaptionStatistics
from mmt2ireid.pseudo_text.divide.catalogue import Catalogue, load_catalogue
from mmt2ireid.visualization import caption_plots
from mmt2ireid.visualization.caption_sheet import SheetCell, SheetPhrase, draw_caption_sheet


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Analyze a caption file.')
    parser.add_argument('input', help='folder of the generator, or a .json, .arrow or .parquet file of captions')
    parser.add_argument('--out', required=True, metavar='DIR', help='where figures and pictures go')
    parser.add_argument('--images', metavar='ROOT', help='folder that image paths start from, for the contact sheet')
    parser.add_argument('--truth', metavar='JSON', help='true attributes: {image id: {attribute: phrase or null}}')
    parser.add_argument('--truth-key', metavar='KEY', help='key of the JSON file that the truth stands under')
    parser.add_argument('--catalogue', metavar='YAML', help='that the captions were made with (default: LUPerson-T)')
    parser.add_argument('--samples', type=int, default=12, help='images on the contact sheet')
    parser.add_argument('--seed', type=int, default=0, help='of the choice of these images and of the word cloud')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    args = parse_args(argv)
    caption_plots.check_word_cloud()
    if args.samples < 1:
        raise ValueError(f'--samples must be at least 1, but got {args.samples}')
    if Path(args.out).resolve() == Path(args.input).resolve():
        raise ValueError(f'--out must be another folder than the input, which has its own summary, but got {args.out}')
    files = caption_files(args.input)
    names = {name: None for file in files for name in attribute_names(file)}
    catalogue = load_catalogue(args.catalogue)
    check_attributes(list(names), catalogue, args)
    tally = AccuracyTally(catalogue, load_truth(args.truth, args.truth_key)) if args.truth else None
    optional = [name for name in names if not catalogue[name].required]
    statistics, sample = CaptionStatistics(optional), RowSample(args.samples, args.seed)
    for row in tqdm(read_rows(files), total=count_rows(files), unit='image', unit_scale=True, smoothing=0.1):
        statistics.add(row.image_id, row.captions, row.attributes)
        sample.add(row)
        if tally:
            tally.add(row.image_id, row.attributes)
    if not statistics.lengths:
        raise ValueError(f'{args.input} must hold captions, but there are none')
    write_results(args, statistics, sample, tally)


def check_attributes(names: Sequence[str], catalogue: Catalogue, args: argparse.Namespace) -> None:
    unknown = [name for name in names if name not in catalogue]
    if unknown:
        raise ValueError(f'--catalogue must be the one of {args.input}, which has {unknown}; it has {list(catalogue)}')
    if args.truth and not names:
        raise ValueError(f'--truth needs chosen attributes, as shards of the generator have them; not {args.input}')


def write_results(
    args: argparse.Namespace, statistics: CaptionStatistics, sample: RowSample, tally: AccuracyTally | None
) -> None:
    out, summary, pictures = Path(args.out), statistics.summary(), {}
    summary |= read_run(Path(args.input))
    out.mkdir(parents=True, exist_ok=True)
    caption_plots.draw_length_distribution(statistics.lengths, out / 'length_distribution.png')
    pictures['Words per caption'] = 'length_distribution.png'
    words = dict(statistics.content_words())
    if words:
        caption_plots.draw_word_cloud(words, out / 'word_cloud.png', seed=args.seed)
        pictures['Most frequent words'] = 'word_cloud.png'
    optional = (summary['optional'] or {}).get('attributes')
    if optional:
        counts = {name: item['count'] for name, item in optional.items()}
        rows = summary['attributes']['rows']
        caption_plots.draw_attribute_frequency(counts, rows, out / 'attribute_frequency.png')
        pictures['Frequency of the optional attributes'] = 'attribute_frequency.png'
    missing = draw_sheet(args, sample.rows(), tally, out / 'contact_sheet.jpg')
    if missing is None:
        pictures['Images and their captions'] = 'contact_sheet.jpg'
    text = analysis_text.statistics_markdown(summary, title=f'Captions of {Path(args.input).name}', pictures=pictures)
    text = text.encode(errors='backslashreplace').decode()  # JSON may hold halves of a letter
    write_atomically(out / 'summary.md', text.encode())
    write_json(out / 'summary.json', summary)
    if tally:
        report = tally.report()
        told = analysis_text.accuracy_markdown(report)
        write_atomically(out / 'accuracy.md', told.encode())
        write_json(out / 'accuracy.json', report)
        text += f'\n{told}'
    print(text.partition('\n![')[0] if not tally else text)
    if missing:
        print(f'No contact sheet: {missing}')


def read_run(folder: Path) -> dict[str, Any]:
    """What the generator says of its folder; nothing where there are no shards of it."""
    if not any(folder.glob(f'{SHARDS}.*')):
        return {}
    complete = (folder / 'summary.json').is_file()  # it writes this file last
    if not complete:
        print(f'{folder}: the run that writes it is not finished, or its summary.json was removed')
    unreadable = folder / 'unreadable.jsonl'
    if not unreadable.is_file():
        return dict(complete=complete)
    with open(unreadable, 'rb') as stream:
        return dict(complete=complete, unreadable=sum(1 for _ in stream))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    write_atomically(path, f'{json.dumps(content, indent=1, ensure_ascii=False)}\n'.encode(errors='backslashreplace'))


def draw_sheet(
    args: argparse.Namespace, rows: Sequence[CaptionRow], tally: AccuracyTally | None, path: Path
) -> str | None:
    """Draws the contact sheet, or says why there is none."""
    images = [find_image(row, args.images) for row in rows]
    if not any(images):
        return 'no image is embedded or below --images'
    cells = [
        SheetCell(row.captions[0] if row.captions else '', image, list_phrases(row, tally), row.image_id)
        for row, image in zip(rows, images, strict=True)
    ]
    draw_caption_sheet(cells, path)
    absent = sum(image is None for image in images)
    if absent:
        print(f'{path.name}: {absent} of {len(images)} images were not found or could not be read')
    return None


def find_image(row: CaptionRow, root: str | None) -> Image.Image | None:
    try:
        data = read_image(row)
        if data is None and root is not None:
            data = find_file(row.image_id, root).read_bytes()
        return None if data is None else Image.fromarray(decode_image(data))
    except (OSError, ValueError):
        return None


def find_file(image_id: str, root: str) -> Path:
    """The file of an image id below a folder; ids of foreign files may not lead out of it."""
    folder = os.path.abspath(root)
    path = os.path.abspath(os.path.join(folder, image_id))
    if os.path.commonpath([folder, path]) != folder:
        raise ValueError(f'{image_id!r} must be below {root}')
    return Path(path)


def list_phrases(row: CaptionRow, tally: AccuracyTally | None) -> list[SheetPhrase]:
    truth = (tally.truth.get(row.image_id) if tally else None) or {}
    phrases = []
    for name, chosen in row.attributes.items():
        if tally is None or name not in truth:
            phrases += [SheetPhrase(chosen)] if chosen else []
            continue
        true = tally.canonical(name, truth[name])
        if chosen == true:
            phrases += [SheetPhrase(chosen, True)] if chosen else []
        else:
            phrases.append(SheetPhrase(chosen or f'no {name}', False, true or f'no {name}'))
    return phrases


if __name__ == '__main__':
    run_command(main)
