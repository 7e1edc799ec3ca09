"""Draw ToyPEDES: ``python tools/dataset_converters/make_toy_pedes.py [OUT] [options]``."""

from __future__ import annotations

import argparse
import logging

from mmt2ireid.apis.commands import run_command
from mmt2ireid.datasets.toy import ToyOptions, make_contact_sheet, make_toy_pedes


def parse_args() -> argparse.Namespace:
    default = ToyOptions()
    parser = argparse.ArgumentParser(
        description='Draw ToyPEDES, a small world of pedestrians with captions.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument('out', nargs='?', default='data/toy_pedes', help='folder to make')
    parser.add_argument('--seed', type=int, default=default.seed, help='the same seed gives the same bytes')
    parser.add_argument('--train-ids', type=int, default=default.train_ids, help='train identities')
    parser.add_argument('--val-ids', type=int, default=default.val_ids, help='val identities')
    parser.add_argument('--test-ids', type=int, default=default.test_ids, help='test identities')
    parser.add_argument('--images-per-id', type=int, default=default.images_per_id, help='pictures of an identity')
    parser.add_argument('--captions-per-image', type=int, default=default.captions_per_image, help='of labelled sets')
    parser.add_argument('--pool', type=int, default=default.pool, help='unlabelled persons for pre-training')
    parser.add_argument('--pool-captions', type=int, default=default.pool_captions, help='captions of a pool picture')
    parser.add_argument('--second-ids', type=int, default=default.second_ids,
                        help='train identities, and as many test identities, of the second labelled set')  # fmt: skip
    parser.add_argument('--size', type=int, nargs=2, metavar=('H', 'W'), default=default.size, help='of a picture')
    parser.add_argument('--workers', type=int, default=2, help='processes; their number does not change a byte')
    parser.add_argument('--fresh', action='store_true', help='draw again what is there already')
    parser.add_argument('--contact-sheet', metavar='PNG', help='also write a picture of some persons')
    return parser.parse_args()


def main() -> None:
    args = vars(parse_args())
    out, sheet = args.pop('out'), args.pop('contact_sheet')
    how = {name: args.pop(name) for name in ('workers', 'fresh')}
    logging.basicConfig(level=logging.INFO, format='%(message)s')
    make_toy_pedes(out, ToyOptions(**{**args, 'size': tuple(args['size'])}), **how)
    if sheet:
        make_contact_sheet(out, sheet)


if __name__ == '__main__':
    run_command(main)
