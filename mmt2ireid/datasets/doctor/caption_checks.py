"""Captions against those of the release."""

from __future__ import annotations

import re
from collections import Counter

from mmt2ireid.datasets.doctor.annotation import Annotation
from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.io.counts import counted

# Ideographs, kana, hangul, their punctuation, and full-width forms.
_CJK = re.compile('[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uff00-\uffef]')
_CODE = re.compile(r'</?\w+[^<>]*>|&\w+;|\w+\(\)|[{}<>\\]|\\[nrt]|\b(?:null|undefined|NaN)\b|https?://')
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")
_SENTENCE = re.compile(r'[.!?\u3002]+')
_LEAVE = 'The official captions are so too: leave them, figures of others include them'


def check_captions(annotation: Annotation) -> list[Finding]:
    """What is odd about captions; nothing here stops training."""
    findings = _check_numbers(annotation) + _check_lengths(annotation)
    if annotation.labelled:
        findings += _check_shared(annotation)
    if annotation.release.noisy_captions:
        findings += _check_noise(annotation)
    return findings


def _check_numbers(annotation: Annotation) -> list[Finding]:
    numbers = Counter(len(record.captions) for record in annotation.records)
    release, findings = annotation.release, []
    if len(numbers) > 1:
        table = ', '.join(f'{images:,} have {captions}' for captions, images in sorted(numbers.items()))
        message = f'images do not have equally many captions: {table}'
        advice = 'All are used; a program that takes two, or one, per image leaves some out'
        findings.append(Finding('captions-per-image', message, advice))
    extra = [record.path for record in annotation.records if len(record.captions) > 2]
    if release.extra_captions > len(extra):
        found = counted(len(extra), 'image has', 'images have')
        message = f'{found} more than two captions; in {release.name} {release.extra_captions} have'
        advice = "Captions were cut off: use the authors' file, evaluation asks for every caption"
        findings.append(Finding('captions-cut', message, advice, release.extra_captions - len(extra)))
    return findings


def _check_lengths(annotation: Annotation) -> list[Finding]:
    if annotation.release.words is None:
        return []
    low, high = annotation.release.words
    odd = []
    for record in annotation.records:
        for caption in record.captions:
            number = len(_WORD.findall(caption))
            if not low <= number <= high:
                odd.append(f'{record.path}: {counted(number, "word")}')
    if not odd:
        return []
    message = f'{counted(len(odd), "caption has", "captions have")} fewer than {low} or more than {high} words'
    return [
        Finding('caption-length', message, 'Words are counted in several ways; look at some', len(odd), listed(odd))
    ]


def _check_shared(annotation: Annotation) -> list[Finding]:
    owners: dict[str, int] = {}
    shared: dict[str, None] = {}
    for record in annotation.records:
        for caption in record.captions:
            if owners.setdefault(caption, record.pid) != record.pid:
                shared[caption] = None
    if not shared:
        return []
    message = f'{counted(len(shared), "caption is", "captions are")} given to more than one person, word for word'
    advice = 'Official files have some: a query that is one of them counts one person as right only'
    return [Finding('shared-captions', message, advice, len(shared), listed(shared))]


def _check_noise(annotation: Annotation) -> list[Finding]:
    found: dict[str, list[str]] = {'cjk-marks': [], 'code-fragments': [], 'repeated-text': []}
    for record in annotation.records:
        for caption in record.captions:
            if _CJK.search(caption):
                found['cjk-marks'].append(record.path)
            if _CODE.search(caption):
                found['code-fragments'].append(record.path)
            if _repeats(caption):
                found['repeated-text'].append(record.path)
    what = {
        'cjk-marks': _forms('hold', 'Chinese, Japanese or Korean marks'),
        'code-fragments': _forms('hold', 'fragments of code'),
        'repeated-text': _forms('say', 'the same sentence twice'),
    }
    return [
        Finding(code, counted(len(paths), *what[code]), _LEAVE, len(paths), listed(paths))
        for code, paths in found.items()
        if paths
    ]


def _repeats(caption: str) -> bool:
    sentences = [' '.join(part.split()).lower() for part in _SENTENCE.split(caption)]
    said = [sentence for sentence in sentences if len(sentence.split()) > 2]
    return len(set(said)) < len(said)


def _forms(verb: str, rest: str) -> tuple[str, str]:
    """What one caption does, and what several do."""
    return f'caption {verb}s {rest}', f'captions {verb} {rest}'
