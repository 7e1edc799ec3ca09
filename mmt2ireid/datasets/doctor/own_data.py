"""Data of one's own in the layout of CUHK-PEDES: nothing official to compare with, and nobody's authors to ask."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mmt2ireid.datasets.annotations import SPLITS
from mmt2ireid.datasets.doctor.annotation import Annotation
from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.io.counts import counted

_ADVICE = {  # in place of what is said of a release
    'no-root': 'Give the folder of your data: imgs/, and reid_raw.json beside it (docs/your_own_data.md)',
    'no-annotation': 'Write reid_raw.json (docs/your_own_data.md), or name the file with --ann-file',
    'encoding': 'Save it as UTF-8',
    'broken-annotation': 'Was it written to its end? Write it again, as docs/your_own_data.md has it',
    'no-split': "Give every record a field 'split': train, val or test",
    'bad-record': 'Correct these records (docs/your_own_data.md)',
    'mixed-splits': 'Put all images of an identity into one split',
    'no-image-folder': 'Put the images there, or name their folder with --images',
    'missing-folders': 'Put or link them into the image folder, or correct the paths',
    'missing-images': 'Copy these images there, or leave their records out',
    'other-extension': 'Correct the paths',
    'shared-captions': 'Write what tells them apart: a query that is one of them counts one person as right only',
    'captions-in-tokens': "Put all captions into the list 'captions'",
    'record-per-caption': 'Write one record per image, with all of its captions in a list',
    'unreadable-images': "Copy them again; on_bad_image='skip' trains without them, tests do not",
}


def check_own_splits(annotation: Annotation) -> list[Finding]:
    """Splits that have no record, gallery images without captions, and junk.

    Args:
        annotation: of one's own data.
    """
    if not annotation.has_split:
        return []
    findings = []
    missing = [split for split in SPLITS if split not in annotation.splits()]
    if missing:
        message = f'no record is of {" or ".join(missing)}'
        advice = 'Models are trained on train, chosen on val and measured on test; configs name all three'
        findings.append(Finding('empty-split', message, advice, len(missing)))
    bare = [record.path for record in annotation.records if not record.captions and record.pid >= 0]
    if bare:
        advice = 'They are in the gallery only: set allow_uncaptioned=True in the dataset of all three loaders'
        message = f'{counted(len(bare), "image")} of val and test without captions'
        findings.append(Finding('uncaptioned', message, advice, len(bare), listed(bare)))
    junk = [record.path for record in annotation.records if record.pid < 0]
    if junk:
        pids = sorted({record.pid for record in annotation.records if record.pid < 0})
        advice = f'They are to be ignored: set junk_ids={pids} in the dataset of all three loaders'
        message = f'{len(junk)} images have negative identities ({", ".join(map(str, pids))})'
        findings.append(Finding('junk-ids', message, advice, len(junk), listed(junk)))
    return findings


def advise_owner(findings: Iterable[Finding]) -> list[Finding]:
    """Findings with advice for who made the data, not for who downloaded it.

    Args:
        findings: of one's own data.
    """
    return [replace(finding, advice=_ADVICE.get(finding.code, finding.advice)) for finding in findings]
