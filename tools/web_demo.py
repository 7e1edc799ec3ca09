"""Shows a web page that finds persons in a folder of crops by words and pictures.

    python tools/web_demo.py CONFIG CHECKPOINT --gallery DIR
    python tools/web_demo.py --model EXPORTED_DIR --gallery DIR --allow-add
    python tools/web_demo.py CONFIG CHECKPOINT --gallery DIR --pattern '(?P<camera>cam_[a-z])/' --port 8000

The first call encodes the crops and keeps their features below DIR; later calls encode what is new or has changed. The
page is reached from this machine only, unless --host or --share say otherwise.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.search import TextWarning
from mmt2ireid.apis.web import Address, PageLimits, SearchService, open_searcher, serve
from mmt2ireid.apis.web.serving import check_gradio


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    limits = PageLimits()
    parser.add_argument('config', nargs='?', help='config file or name')
    parser.add_argument('checkpoint', nargs='?', help='checkpoint file')
    parser.add_argument('--model', metavar='DIR', help='an exported model, in place of config and checkpoint')
    parser.add_argument('--device', help='where to compute (default: a GPU, if there is one)')
    crops = parser.add_argument_group('the crops')
    crops.add_argument('--gallery', metavar='DIR', required=True, help='folder of crops, with folders in it')
    crops.add_argument(
        '--index',
        metavar='PLACE',
        help="folder, .db file or Milvus server for the features, or 'memory' (default: below DIR)",
    )
    crops.add_argument(
        '--metadata',
        metavar='FILE',
        help='CSV or JSONL with a column path (default: metadata.csv, metadata.jsonl or crops.jsonl of the folder)',
    )
    crops.add_argument('--pattern', metavar='REGEX', help='metadata from paths, such as (?P<camera>cam_[a-z])/')
    crops.add_argument(
        '--prune',
        action='store_true',
        help='take the crops of folders without any image left out of the features, too (default: they stay, since the '
        'folder may only not be mounted)',
    )
    page = parser.add_argument_group('the page')
    page.add_argument('--host', default='127.0.0.1', help='address to listen on (%(default)s: from this machine only)')
    page.add_argument('--port', type=int, default=7860, help='(%(default)s; 0: any that is free)')
    page.add_argument(
        '--share',
        action='store_true',
        help='also through a public address of gradio.live: everybody who has it sees the crops',
    )
    page.add_argument(
        '--allow-host',
        action='append',
        default=[],
        metavar='NAME',
        help='a name that the page may be asked for by, such as that of a proxy; may be repeated (default: localhost, '
        'addresses in numbers, --host and, if others reach the page, the name of this machine)',
    )
    page.add_argument(
        '--root-path',
        default='',
        metavar='PATH',
        help='where a proxy shows the page: /find, or https://example.org/find, whose name is allowed then',
    )
    page.add_argument('--example', action='append', metavar='TEXT', help='a description to try; may be repeated')
    adding = page.add_mutually_exclusive_group()
    adding.add_argument(
        '--allow-add',
        dest='add',
        action='store_true',
        default=False,
        help='visitors may add crops (default: they may not)',
    )
    adding.add_argument('--no-add', dest='add', action='store_false', help='they may not, as by default')
    page.add_argument('--max-upload-mb', type=float, default=limits.max_upload_mb, help='of one file (%(default)s)')
    page.add_argument('--max-uploads', type=int, default=limits.max_uploads, help='files at once (%(default)s)')
    page.add_argument(
        '--max-added', type=int, default=limits.max_added, help='crops that visitors may add in all (%(default)s)'
    )
    args = parser.parse_args(argv)
    if args.model and args.config:
        parser.error('--model must be given without CONFIG and CHECKPOINT')
    if not args.model and not (args.config and args.checkpoint):
        parser.error('a model must be given: CONFIG CHECKPOINT, or --model DIR')
    return args


def show(args: argparse.Namespace) -> None:
    """Opens the gallery and shows the page until it is interrupted."""
    address = Address(args.host, args.port, args.share, tuple(args.allow_host), args.root_path)
    limits = PageLimits(max_upload_mb=args.max_upload_mb, max_uploads=args.max_uploads, max_added=args.max_added)
    check_gradio()
    address.check()  # before the crops are encoded, which can take long
    if not address.is_local:
        whom = 'everybody who has the address of gradio.live' if args.share else 'everybody who reaches this machine'
        tell(f'warning: {whom} can see the crops{" and add some" if args.add else ""}; there is no password')
    if args.model:
        model, name = args.model, Path(args.model).resolve().name
    else:
        from mmt2ireid.apis.search import TorchEncoder

        if not Path(args.checkpoint).is_file():
            raise FileNotFoundError(f'checkpoint must be a file, but there is none at {args.checkpoint}')
        model, name = TorchEncoder(args.config, args.checkpoint, device=args.device), Path(args.config).stem
    searcher = open_searcher(
        model,
        args.gallery,
        index=args.index,
        metadata=args.metadata,
        pattern=args.pattern,
        prune=args.prune,
        tell=tell,
    )
    with searcher:
        service = SearchService(searcher, limits=limits, allow_add=args.add)
        fingerprint = searcher.encoder.fingerprint
        serve(service, model=name, address=address, examples=args.example, notes=[f'weights {fingerprint[:8]}'])
    tell('the page is closed')


def tell(text: str) -> None:
    """What is not the address goes to stderr."""
    print(text.encode(errors='backslashreplace').decode(), file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format='%(asctime)s %(name)s: %(message)s')
    warnings.simplefilter('ignore', TextWarning)  # the page says it to whom it concerns
    try:
        show(args)
    except KeyboardInterrupt:
        tell('interrupted: what is encoded is kept, the same call goes on')
        return 130
    except (ValueError, OSError, ImportError) as error:
        tell(f'error: {error}')
        return 2
    return 0


if __name__ == '__main__':
    run_command(main)
