"""An annotation file as the doctor reads it: to the end, whatever is wrong in between."""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mmt2ireid.datasets.annotations import GALLERY_SPLITS, Record, load_json_list, parse_record
from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.datasets.doctor.releases import Counts, Release
from mmt2ireid.datasets.doctor.repairs import repair_record
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.io.counts import counted

_FIELD = re.compile(r"\bfield '(\w+)'")
_REPAIRED = {  # what was mended -> what is wrong, and whether the loader takes it as it is
    'path-key': 'give the path of the image under the key of another release',
    'path-separator': 'write their path with backslashes, which only Windows understands',
    'bare-caption': 'give their caption as a text, not as a list; the loader reads it as one caption',
    'id-type': 'write their identity as text or with a point, not as an integer',
}
FIX_IT = '--fix writes a corrected copy beside the file'


@dataclass
class Annotation:
    """A JSON annotation, its records parsed one by one.

    Attributes:
        file: its path; the first one's, where there are several.
        release: what it should be.
        content: the records as in the file, with what could be mended mended.
        numbers: of the records that could be parsed, their place in ``content``.
        records: these records.
        repaired: what was mended -> numbers of the records.
        refused: field -> messages of the loader.
        has_split: whether the records say which split they belong to.
    """

    file: str
    release: Release
    content: list[Any] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    repaired: dict[str, list[int]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    has_split: bool = True

    @property
    def labelled(self) -> bool:
        """Whether there are identities and splits to check."""
        return self.release.loader.FORMAT.labelled and self.has_split

    def splits(self) -> dict[str, list[Record]]:
        """The records of every split; all under '' where there are no splits."""
        found: dict[str, list[Record]] = defaultdict(list)
        for record in self.records:
            found[record.split].append(record)
        return dict(found)

    def counts(self) -> dict[str, Counts]:
        """The size of every split; an image counts once, in however many records it is."""
        return {
            split: Counts(
                len({record.pid for record in records if record.pid >= 0}),
                len({record.path for record in records}),
                sum(len(record.captions) for record in records),
            )
            for split, records in self.splits().items()
        }


def parse_annotation(file: str, content: list[Any], release: Release) -> Annotation:
    """Parses all records, and keeps what the loader would say of those that it refuses.

    Args:
        file: where they are from.
        content: the list that the file holds.
        release: what it should be.
    """
    form = release.loader.FORMAT
    found = Annotation(file, release)
    wants_split = form.labelled and form.has_split
    found.has_split = not wants_split or any(isinstance(raw, dict) and 'split' in raw for raw in content)
    if not found.has_split:
        has_ids = any(isinstance(raw, dict) and 'id' in raw for raw in content)
        form = replace(form, labelled=has_ids, has_split=False)
    uncaptioned = GALLERY_SPLITS if release.is_own else ()
    junk_ids = _negative_ids(content) if release.is_own else frozenset()
    for number, raw in enumerate(content):
        record, codes = repair_record(raw, form)
        found.content.append(record)
        for code in codes:
            found.repaired.setdefault(code, []).append(number)
        try:
            parsed = parse_record(record, form, f'record {number}', uncaptioned=uncaptioned, junk_ids=junk_ids)
            found.records.append(parsed)
            found.numbers.append(number)
        except AnnotationError as error:
            name = _FIELD.search(str(error))
            found.refused.setdefault(name[1] if name else 'record', []).append(str(error))
    return found


def _negative_ids(content: list[Any]) -> frozenset[int]:
    pids = (raw.get('id') for raw in content if isinstance(raw, dict))
    return frozenset(pid for pid in pids if type(pid) is int and pid < 0)


def read_annotation(files: Sequence[str], release: Release) -> Annotation:
    """Reads the JSON lists of an annotation, one after the other; record numbers run through.

    Raises:
        AnnotationError: one of them is no list at all.
    """
    expected = f'the annotations of {release.name}, a list of records'
    content = [raw for file in files for raw in load_json_list(file, expected)]
    return parse_annotation(files[0], content, release)


def check_records(annotation: Annotation) -> list[Finding]:
    """What is wrong with single records."""
    findings = []
    for code, numbers in annotation.repaired.items():
        examples = listed(f'record {number}' for number in numbers)
        message = f'{len(numbers)} of {len(annotation.content)} records {_REPAIRED[code]}'
        findings.append(Finding(code, message, FIX_IT, len(numbers), examples, fixable=True))
    for name, messages in annotation.refused.items():
        what = 'are no objects' if name == 'record' else f'have a field {name!r} that is missing or wrong'
        advice = 'Download the annotation again; if it is your own, mend these records'
        message = f'{len(messages)} of {len(annotation.content)} records {what}'
        findings.append(Finding('bad-record', message, advice, len(messages), listed(messages)))
    return findings + _check_tokens(annotation) + _check_duplicates(annotation) + _check_split_field(annotation)


def _check_tokens(annotation: Annotation) -> list[Finding]:
    """Captions that CUHK-PEDES' ``processed_tokens``, a list of words per caption, has and ``captions`` has not."""
    lost = {}
    for number, record in zip(annotation.numbers, annotation.records, strict=True):
        raw = annotation.content[number] if annotation.content else {}
        tokens = raw.get('processed_tokens')
        if isinstance(tokens, list) and all(isinstance(words, list) for words in tokens):
            lost[record.path] = max(0, len(tokens) - len(record.captions))
    total = sum(lost.values())
    if not total:
        return []
    paths = [path for path, number in lost.items() if number]
    found = counted(len(paths), 'image lacks', 'images lack')
    message = f'{found} {counted(total, "caption")}, whose words are still there as processed_tokens'
    advice = (
        'Get the file whose captions are lists of all captions: the words alone have no punctuation and no capitals'
    )
    return [Finding('captions-in-tokens', message, advice, total, listed(paths))]


def _check_duplicates(annotation: Annotation) -> list[Finding]:
    repeated = [path for path, number in Counter(record.path for record in annotation.records).items() if number > 1]
    if not repeated:
        return []
    several = set(repeated)
    if all(len(record.captions) == 1 for record in annotation.records if record.path in several):
        found = counted(len(repeated), 'image has', 'images have')
        message = f'{found} a record per caption, {len(annotation.records)} records in all'
        advice = 'The loader joins them; for other programs every record is an image. Write one record per image'
        return [Finding('record-per-caption', message, advice, len(repeated), listed(repeated))]
    message = f'{counted(len(repeated), "image is", "images are")} named by more than one record'
    advice = 'The loader joins those of one split; elsewhere the image counts twice. Keep one record with all captions'
    return [Finding('duplicate-images', message, advice, len(repeated), listed(repeated))]


def _check_split_field(annotation: Annotation) -> list[Finding]:
    if annotation.has_split:
        return []
    name, hint = os.path.basename(annotation.file), annotation.release.loader.FORMAT.hints.get('split', '')
    message = f"no record of {name} has the field 'split'"
    if hint:
        return [Finding('caption-all', f'{message}: it is caption_all.json, by whatever name', hint)]
    return [Finding('no-split', message, f'Get the annotation of {annotation.release.name} from its authors')]
