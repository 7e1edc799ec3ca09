"""Brings the checkpoint of CMMT's authors into this toolbox's names.

    python tools/model_converters/cmmt.py 45.pth.tar checkpoints/cmmt_cuhk.pth --words word_to_index.pkl

The words are those of the authors' preprocessing, the file that their captions were numbered with; they travel in the
output. Nothing in the files is run. What they hold and the config's model must agree in every entry; how to test the
result is in docs/published_checkpoints.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.apis.commands import run_command
from mmt2ireid.apis.converters import CMMT, convert_command


def main(argv: Sequence[str] | None = None) -> None:
    convert_command(CMMT, __doc__, argv)


if __name__ == '__main__':
    run_command(main)
