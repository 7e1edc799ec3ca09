"""Cuts the people out of images and videos, as a folder of crops that can be searched.

    python tools/crop_people.py video.mp4 photos/ --out crops/
    python tools/search.py "a woman in a red coat" --gallery crops/ --out strip.png

The table crops.jsonl beside the crops has source, camera, time and box of each; tools/search.py reads it. What was
killed is completed by the same call. Exit status 1: something could not be read; 2: nothing was done.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.people import AUTO, HOG, TORCHVISION, crop_people
from mmt2ireid.apis.people.cropping import FORMATS


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('sources', nargs='+', metavar='SOURCE', help='images, videos, folders of such')
    parser.add_argument('--out', required=True, metavar='DIR', help='folder of the crops')
    parser.add_argument(
        '--detector', default=AUTO,
        help=f"'{HOG}' (OpenCV's own), or a detection model of torchvision by name; default: {TORCHVISION}, and {HOG} "
        'where its weights are not to be had')  # fmt: skip
    parser.add_argument('--weights', metavar='FILE', help="the torchvision model's weights (default: fetched once)")
    parser.add_argument('--device', help='where to compute (default: a GPU, if there is one)')
    parser.add_argument(
        '--every', type=float, default=1.0, metavar='S', help='seconds of a video between pictures (%(default)s)'
    )
    parser.add_argument(
        '--min-score',
        type=float,
        help=f'of a person (default: 0.7 of torchvision, 1.2 of {HOG}, which below that often finds what is no person)',
    )
    parser.add_argument('--min-height', type=int, default=48, help='of a person in pixels (%(default)s)')
    parser.add_argument('--min-width', type=int, default=16, help='of a person in pixels (%(default)s)')
    parser.add_argument('--padding', type=float, default=0.05, help='on each side, share of the box (%(default)s)')
    parser.add_argument(
        '--format', choices=FORMATS, default='png', dest='file_format', help='of the crops (%(default)s)'
    )
    parser.add_argument('--no-progress', action='store_false', dest='progress', help='show no progress bar')
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    options = vars(parse_args(argv))
    try:
        report = crop_people(options.pop('sources'), options.pop('out'), **options)
    except (ValueError, OSError, ImportError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    print(str(report).encode(errors='backslashreplace').decode())
    return int(bool(report.refused))


if __name__ == '__main__':
    run_command(main)
