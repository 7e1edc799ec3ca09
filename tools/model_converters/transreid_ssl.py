"""Bring weights of TransReID-SSL to mmpretrain's names: ``python tools/model_converters/transreid_ssl.py IN OUT``.

IN is a file as the authors publish it (ViT-S, ViT-S + ICS, ViT-B + ICS), OUT a .pth with the backbone alone, for
``init_cfg=dict(type='mmt2ireid.BackbonePretrained', checkpoint=OUT)``. Student, optimizer and heads stay behind.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import torch

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import load_from_local, write_atomically
from mmt2ireid.models.weights import convert_transreid_ssl


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', metavar='IN', help='what the authors publish')
    parser.add_argument('out', metavar='OUT', help='file to write, .pth')
    parser.add_argument('--entry', default='teacher', choices=('teacher', 'student'), help="which of DINO's networks")
    parser.add_argument(
        '--grid', type=int, nargs=2, metavar=('ROWS', 'COLUMNS'), help='of patches; 16 8 for pictures of 256x128'
    )
    parser.add_argument('--force', action='store_true', help='write over OUT')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    if Path(args.out).exists() and not args.force:
        raise ValueError(f'{args.out} must not be there yet, or --force be given')
    checkpoint = load_from_local(args.checkpoint, map_location='cpu')
    found = convert_transreid_ssl(checkpoint, args.checkpoint, entry=args.entry, grid=args.grid)
    buffer = io.BytesIO()
    torch.save(found.checkpoint(), buffer)
    write_atomically(args.out, buffer.getbuffer())
    meta = found.meta
    print(f'{args.out}: {len(found.state_dict)} weights, {meta["arch"]}, {meta["grid"][0]} x {meta["grid"][1]} patches')
    for part, number in sorted(found.left.items()):
        print(f'left out: {part} ({number} entries)')
    stem = ", patch_cfg=dict(conv_type='mmt2ireid.ConvStem')" * meta['conv_stem']
    print(
        f"image_encoder=dict(type='mmpretrain.VisionTransformer', arch='{meta['arch']}', "
        f"patch_size={meta['patch_size']}{stem}, out_type='raw', img_size=(384, 128),\n"
        f"    init_cfg=dict(type='mmt2ireid.BackbonePretrained', checkpoint='{args.out}'))"
    )


if __name__ == '__main__':
    run_command(main)
