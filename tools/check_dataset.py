"""Compares a download with the official counts, or checks data of your own, and reports what is wrong and what to do.

    python tools/check_dataset.py CUHK-PEDES data/CUHK-PEDES
    python tools/check_dataset.py RSTPReid data/RSTPReid --no-images --json report.json
    python tools/check_dataset.py own data/mine

Exit status: 0 fine (there may be warnings and notes), 1 something was found that stops training or spoils its figures,
2 the call was wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.datasets.doctor import KINDS, RELEASES, check_dataset


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', nargs='?', help=f'one of {", ".join(RELEASES)}; own is data of your own')
    parser.add_argument('root', nargs='?', help="folder of the data set, as a config's data_root")
    parser.add_argument('--ann-file', default='', help="annotation relative to ROOT (default: the release's)")
    parser.add_argument('--images', help="image folder relative to ROOT (default: the release's)")
    parser.add_argument('--no-images', action='store_true', help='open no image, only look whether they are there')
    parser.add_argument('--workers', type=int, default=4, help='threads that decode images')
    parser.add_argument('--json', metavar='FILE', help='write the report to this file; - prints it, and nothing else')
    parser.add_argument(
        '--fix', action='store_true', help='write a corrected annotation beside the original, where that is safe'
    )
    parser.add_argument('--list', action='store_true', help='print everything that can be found, and stop')
    args = parser.parse_args(argv)
    if not args.list and args.root is None:
        parser.error('NAME and ROOT are needed')
    return args


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    if args.list:
        print('\n'.join(f'{severity:8}{code:20}{meaning}' for code, (severity, meaning) in KINDS.items()))
        return 0
    talk = sys.stderr if args.json == '-' else sys.stdout
    try:
        report = check_dataset(
            args.name,
            args.root,
            ann_file=args.ann_file,
            images=args.images,
            open_images=not args.no_images,
            workers=args.workers,
            progress=True,
        )
        fixed = report.write_fixed() if args.fix else None
    except (ValueError, FileExistsError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    print(report.to_text(), file=talk)
    if args.fix:
        mended = ', '.join(sorted(finding.code for finding in report.findings if finding.fixable))
        told = f'{fixed} mends {mended}: check it with --ann-file, then use it as ann_file'
        print(told if fixed else 'nothing here can be mended safely', file=talk)
    if args.json:
        content = json.dumps({**report.to_dict(), 'fixed': fixed}, indent=2)
        if args.json == '-':
            print(content)
        else:
            write_atomically(args.json, content.encode())
    return int(not report.ok)


if __name__ == '__main__':
    run_command(main)
