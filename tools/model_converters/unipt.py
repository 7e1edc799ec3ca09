"""Brings a checkpoint of UniPT's pre-training, as its authors' code writes it, into this toolbox's names.

    python tools/model_converters/unipt.py last.ckpt checkpoints/unipt_lupt.pth

Nothing in the file is run. What it holds and the config's model must agree in every entry; what to do where they do
not, and how to fine-tune from the result, is in docs/published_checkpoints.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.converters import UNIPT, convert_command


def main(argv: Sequence[str] | None = None) -> None:
    convert_command(UNIPT, __doc__, argv)


if __name__ == '__main__':
    run_command(main)
