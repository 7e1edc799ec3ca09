"""Finds persons in a folder of crops by words.

    python tools/search.py "a woman in a red coat" --gallery DIR --out strip.png
    python tools/search.py "a man" "a woman" --gallery DIR --where camera=c1,c2 floor!=3 --top-k 5
    python tools/search.py --image person.jpg --gallery DIR --config CONFIG --checkpoint CHECKPOINT
    python tools/search.py --queries queries.txt --gallery DIR --model EXPORTED_DIR --json found.json

The first call encodes the crops and keeps their features below DIR; later calls encode what is new or has changed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.search import BadPictureError, Encoder, PersonSearcher, TextWarning, load_encoder, read_picture
from mmt2ireid.apis.search.encoder import clean_text
from mmt2ireid.apis.search.index_place import default_place
from mmt2ireid.apis.search.searcher import parse_filter
from mmt2ireid.apis.search.stored_pictures import HIDDEN
from mmt2ireid.compat import write_atomically
from mmt2ireid.gallery import Gallery, GalleryError, open_gallery
from mmt2ireid.gallery.base import check_top_k
from mmt2ireid.io.counts import counted
from mmt2ireid.io.text_files import numbered_lines

QUICKSTART = 'unipt_vit_toy_pseudo'
QUICKSTART_RUN = Path('work_dirs/quickstart/seed0') / QUICKSTART
MEMORY = 'memory'


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('text', nargs='*', help='what to look for; each text is a query')
    parser.add_argument('--gallery', metavar='DIR', required=True, help='folder of crops, with folders in it')
    parser.add_argument('--queries', metavar='FILE', help='more texts, one a line')
    parser.add_argument('--image', metavar='FILE', help='a picture of the person; beside a text both count')
    parser.add_argument('--text-weight', type=float, default=0.5, help='of the text beside a picture (%(default)s)')
    parser.add_argument('--where', nargs='+', action='extend', default=[], metavar='CONDITION',
                        help="only crops whose metadata fit, such as camera=c1,c2 or 'time>=2026-01-01' "
                        '(quoted, or the shell takes > for a file to write)')  # fmt: skip
    parser.add_argument('--top-k', type=int, default=10, help='crops per query (%(default)s)')
    model = parser.add_argument_group('the model (by default the one of tools/quickstart.sh)')
    model.add_argument('--config', help='config file or name')
    model.add_argument('--checkpoint', help='checkpoint file')
    model.add_argument('--model', metavar='DIR', help='an exported model')
    model.add_argument('--device', help='where to compute (default: a GPU, if there is one)')
    crops = parser.add_argument_group('the crops')
    crops.add_argument('--metadata', metavar='FILE',
                       help='CSV or JSONL with a column path (default: metadata.csv, metadata.jsonl or crops.jsonl of '
                       'the folder)')  # fmt: skip
    crops.add_argument('--pattern', metavar='REGEX',
                       help='metadata from paths, such as (?P<camera>cam_[a-z])/')  # fmt: skip
    crops.add_argument('--index', metavar='PLACE',
                       help=f"folder, .db file or Milvus server for the features, or '{MEMORY}' (default: DIR/{HIDDEN}/"
                       'FINGERPRINT OF THE MODEL)')  # fmt: skip
    crops.add_argument('--prune', action='store_true',
                       help='take the crops of folders without any image left out of the features, too (default: they '
                       'stay, since the folder may only not be mounted)')  # fmt: skip
    results = parser.add_argument_group('the results')
    results.add_argument('--out', metavar='PNG', help='draw the crops found to this file')
    results.add_argument('--json', metavar='FILE', help="write them to this file; '-' prints them instead of the table")
    results.add_argument('--no-progress', action='store_true', help='show no progress bar')
    args = parser.parse_args(argv)
    if args.model and (args.config or args.checkpoint):
        parser.error('--model must be given without --config and --checkpoint')
    if bool(args.config) != bool(args.checkpoint):
        parser.error('--config and --checkpoint must be given together')
    return args


def load_model(args: argparse.Namespace) -> Any:
    """The encoder that the options name.

    Raises:
        FileNotFoundError: none is named, and the quickstart has not been run.
    """
    if args.model:
        return load_encoder(args.model)
    config, checkpoint = args.config, args.checkpoint
    if config is None:
        config = f'toy/{QUICKSTART}'
        found = sorted(QUICKSTART_RUN.glob('best_*.pth'), key=lambda path: path.stat().st_mtime)
        if not found:
            raise FileNotFoundError(
                f'no model is named, and the one of the quickstart is not at {QUICKSTART_RUN}: give --config CONFIG '
                '--checkpoint CHECKPOINT, or --model DIR of tools/export.py, or run bash tools/quickstart.sh'
            )
        checkpoint = found[-1]
        tell(f'model: {checkpoint}')
    from mmt2ireid.apis.search import TorchEncoder

    return TorchEncoder(config, checkpoint, device=args.device)


def read_queries(args: argparse.Namespace) -> list[str]:
    """The texts of the command line and of the file."""
    texts = list(args.text)
    if args.queries:
        texts += [line.strip() for _, line in numbered_lines(args.queries) if line.strip()]
    if not texts and args.image is None:
        raise ValueError('there must be a text, --queries or --image to search with, but there is none')
    return texts


def check_query(args: argparse.Namespace, texts: Sequence[str]) -> None:
    """Whether the question can be asked, which is better told before a folder is encoded than after it."""
    for text in texts:
        clean_text(text)
    parse_filter(args.where)
    check_top_k(args.top_k)
    if not 0 <= args.text_weight <= 1:
        raise ValueError(f'--text-weight must be from 0 to 1, but got {args.text_weight}')


def index_place(args: argparse.Namespace, fingerprint: str) -> str | Path | None:
    """Where the features are kept: where the user says, else below the crops; nowhere if that cannot be written."""
    if args.index:
        return None if args.index == MEMORY else args.index
    place = Path(args.gallery, HIDDEN, fingerprint)
    return place if place.exists() else default_place(Path(args.gallery), fingerprint, tell)


def open_index(args: argparse.Namespace, encoder: Encoder) -> tuple[Gallery, bool]:
    """The gallery of the crops, and whether crops can be added to it.

    One that cannot be written to, or that another program has open for writing, such as the page, is searched as it is.
    """
    place = index_place(args, encoder.fingerprint)
    known = dict(model=encoder.fingerprint, dim=encoder.dim)
    try:
        return open_gallery(place, **known), True  # type: ignore[arg-type]
    except (GalleryError, OSError) as error:
        try:
            gallery = open_gallery(place, **known, read_only=True)  # type: ignore[arg-type]
        except (GalleryError, OSError):
            raise error from None
        tell(f'searched as it is, with its {counted(len(gallery), "crop")}, new ones are not added: {error}')
        return gallery, False


def check_fields_of(searcher: PersonSearcher, conditions: Sequence[str]) -> None:
    """Tell of conditions on what no crop has, which a wrong letter or a forgotten --pattern makes.

    Raises:
        ValueError: a condition can hold for no crop, such as ``floor>=two`` where floors are numbers.
    """
    where, fields = parse_filter(conditions), searcher.fields()
    for condition in where.conditions if where else ():
        reason = condition.why_never(fields.get(condition.field, ()))
        if reason:
            raise ValueError(f'--where {reason}')
    for name in dict.fromkeys(condition.field for condition in (where.conditions if where else ())):
        if name not in fields:
            has = f'the crops have {", ".join(sorted(fields))}' if fields else 'no metadata are known of the crops'
            tell(f'no crop has {name!r}: {has} (see --metadata and --pattern)')


def check_results(*paths: str | None) -> None:
    """Whether the results can be written, which is better told before the search than after it."""
    for path in (Path(name) for name in paths if name):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() or not os.access(path.parent, os.W_OK):
            raise ValueError(f'the results must go to a file that can be written, but {path} cannot')


def search(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Brings the gallery up to date and answers the queries.

    Returns:
        Per query its ``text``, ``image`` and ``hits``: rank, score, id, path and metadata of each crop.
    """
    texts = read_queries(args)
    check_query(args, texts)
    image = None if args.image is None else read_picture(args.image)
    root = Path(args.gallery)
    if not root.is_dir():
        raise FileNotFoundError(f'--gallery must be a folder of crops, but there is no folder {root}')
    encoder = load_model(args)
    gallery, can_add = open_index(args, encoder)
    with gallery, PersonSearcher(encoder, gallery, image_root=root) as searcher:
        if can_add:
            report = searcher.add_folder(
                root,
                metadata=args.metadata,
                pattern=args.pattern,
                progress=not args.no_progress,
                remove_missing=True,
                prune=args.prune,
            )
            tell(f'{root}: {report}')
        check_fields_of(searcher, args.where)
        if not len(searcher):
            reason = f'{root} has none that can be read' if can_add else 'the other program has added none yet'
            raise ValueError(f'--gallery must hold pictures of persons, but {reason}')
        for text in texts:
            for note in searcher.notes(text):
                tell(f'note on {text[:60]!r}: {note}')
        hits = searcher.search_batch(
            texts or None,
            None if image is None else [image] * max(1, len(texts)),
            top_k=args.top_k,
            where=args.where,
            text_weight=args.text_weight,
        )
        found = [
            dict(
                text=texts[number] if texts else None,
                image=args.image,
                hits=[
                    dict(
                        rank=rank, score=hit.score, id=hit.crop.id, path=hit.crop.path, metadata=dict(hit.crop.metadata)
                    )
                    for rank, hit in enumerate(row, start=1)
                ],
            )
            for number, row in enumerate(hits)
        ]
        if args.out:
            draw(searcher, found, image, args.out)
    return found


def draw(searcher: PersonSearcher, found: list[dict[str, Any]], image: np.ndarray | None, path: str) -> None:
    """Draws the crops; nobody knows which are right, so all frames are alike."""
    from mmt2ireid.visualization import StripRow, draw_ranked_strips

    def picture(name: str) -> np.ndarray:
        try:
            return searcher.picture(name)
        except BadPictureError as error:
            tell(f'not drawn: {error}')
            return np.full((2, 1, 3), 220, np.uint8)

    rows = [
        StripRow(
            query_text=query['text'] or Path(query['image']).name,
            images=[picture(hit['id']) for hit in query['hits']],
            scores=[hit['score'] for hit in query['hits']],
            hits=[False] * len(query['hits']),
            paired=[False] * len(query['hits']),
            query_image=image,
        )
        for query in found
        if query['hits']
    ]
    if rows:
        draw_ranked_strips(rows, path, header=False)
        tell(f'picture: {path}')
    else:
        tell('no picture is drawn, since no crop fits')


def print_table(found: list[dict[str, Any]]) -> None:
    """Prints the crops of each query, best first."""
    for query in found:
        told = ' and '.join(part for part in (query['text'] and f'"{query["text"]}"', query['image']) if part)
        print(f'{told}:' if query['hits'] else f'{told}: no crop fits the conditions')
        for hit in query['hits']:
            known = ', '.join(f'{name}={value}' for name, value in hit['metadata'].items())
            print(f'{hit["rank"]:5}  {hit["score"]:.4f}  {hit["path"]}{f"  ({known})" if known else ""}')


def tell(text: str) -> None:
    """What is not the result goes to stderr."""
    print(text.encode(errors='backslashreplace').decode(), file=sys.stderr)


def run(args: argparse.Namespace) -> None:
    if args.out:
        from mmt2ireid.visualization import picture_format

        picture_format(args.out)
        try:
            import matplotlib  # noqa: F401
        except ImportError as error:  # where an exported model is searched with, little is installed
            raise ImportError(f'--out needs matplotlib: pip install matplotlib ({error})') from error
    check_results(args.out, None if args.json == '-' else args.json)
    warnings.simplefilter('ignore', TextWarning)  # the notes say it for each text
    found = search(args)
    content = json.dumps(found, indent=2, ensure_ascii=False)
    if args.json == '-':
        print(content)
        return
    if args.json:
        write_atomically(args.json, f'{content}\n'.encode(errors='backslashreplace'))
    print_table(found)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    try:
        run(args)
    except BrokenPipeError:
        raise
    except (ValueError, OSError, ImportError) as error:
        tell(f'error: {error}')
        return 2
    return 0


if __name__ == '__main__':
    run_command(main)
