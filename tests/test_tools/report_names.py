"""What the tests of reports call their configs and checkpoints."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONFIG = str(ROOT / 'configs/toy/unipt_vit_toy.py')
SECOND = str(ROOT / 'configs/toy/unipt_vit_toy_to-second.py')
CHECKPOINTS = ('seed0/epoch_1', 'seed0/epoch_2', 'seed1/epoch_1', 'seed1/epoch_2')


def paths(*names):
    return [f'{name}.pth' for name in names]
