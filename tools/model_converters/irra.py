"""Brings a checkpoint that IRRA's authors published into this toolbox's names.

    python tools/model_converters/irra.py best.pth checkpoints/irra_cuhk.pth
    python tools/test.py configs/irra/vitb16_cuhk_irra.py checkpoints/irra_cuhk.pth

Nothing in the file is run. What it holds and the config's model must agree in every entry; what to do where they do not
is in docs/published_checkpoints.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.converters import IRRA, convert_command


def main(argv: Sequence[str] | None = None) -> None:
    convert_command(IRRA, __doc__, argv)


if __name__ == '__main__':
    run_command(main)
