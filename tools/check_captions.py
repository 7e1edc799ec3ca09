"""Reads caption files and reports what is broken in them.

Blanks left, doubled words, agreement, contradictions, missing commas, blanks and capitals at the wrong place.

    python tools/check_captions.py captions.json more.arrow --json report.json

Reads JSON (list of records, or path -> caption), JSON lines, CSV, Arrow and Parquet, and text with one caption a line.
Exit status: 0 all sound, 1 a defect was found, 2 a file could not be read to its end.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mmt2ireid.apis.commands import run_command
from mmt2ireid.compat import write_atomically
from mmt2ireid.io.counts import counted
from mmt2ireid.pseudo_text.analysis.caption_files import CaptionFileError, read_captions
from mmt2ireid.pseudo_text.defects import DEFECT_KINDS, defect_kind, find_defects


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('files', nargs='+', help='caption files')
    parser.add_argument('--json', type=Path, help='write the counts and all defects here')
    parser.add_argument('--max-words', type=int, default=100, help='a longer caption is over-long (%(default)s)')
    parser.add_argument('--show', type=int, default=5, help='examples shown per kind (%(default)s)')
    args = parser.parse_args(argv)
    if args.max_words < 1 or args.show < 0:
        parser.error(f'--max-words must be >= 1 and --show >= 0, but got {args.max_words} and {args.show}')
    return args


def check_file(path: str, max_words: int) -> dict[str, Any]:
    """Counts and lists the defects of a file; ``error`` tells why it could not be read to its end, else None."""
    counts: Counter[str] = Counter()
    report: dict[str, Any] = dict(file=path, captions=0, defective=0, kinds={}, defects=[], error=None)
    try:
        for name, caption in tqdm(read_captions(path), desc=Path(path).name, unit=' captions', mininterval=0.5):
            report['captions'] += 1
            defects = find_defects(caption, max_words)
            if defects:
                report['defective'] += 1
                report['defects'].append(dict(record=name, caption=caption, defects=defects))
                counts.update({defect_kind(defect) for defect in defects})
    except (CaptionFileError, OSError) as error:
        report['error'] = str(error)
    report['kinds'] = {kind: counts[kind] for kind in DEFECT_KINDS if counts[kind]}
    return report


def print_report(report: dict[str, Any], show: int) -> None:
    captions, defective = report['captions'], report['defective']
    print(
        f'{report["file"]}: {counted(captions, "caption")}, {defective} defective ({defective / max(captions, 1):.2%})'
    )
    for kind, count in report['kinds'].items():
        print(f'  {kind}: {count}')
        entries = [entry for entry in report['defects'] if kind in map(defect_kind, entry['defects'])]
        for entry in entries[:show]:
            what = next(defect for defect in entry['defects'] if defect_kind(defect) == kind)
            told = f'    {entry["record"]}: {what.partition(": ")[2]}\n      {entry["caption"]}'
            print(told.encode(errors='backslashreplace').decode())  # JSON may hold halves of a letter


def main(argv: Sequence[str] | None = None) -> int:
    args = parse_args(argv)
    reports = [check_file(path, args.max_words) for path in args.files]
    for report in reports:
        print_report(report, args.show)
        if report['error']:
            print(f'error: {report["error"]}', file=sys.stderr)
    if args.json:
        write_atomically(args.json, json.dumps(reports, indent=2, ensure_ascii=False).encode(errors='backslashreplace'))
    if any(report['error'] for report in reports):
        return 2
    return int(any(report['defective'] for report in reports))


if __name__ == '__main__':
    run_command(main)
