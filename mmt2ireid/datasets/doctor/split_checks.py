"""Splits and identities against the official ones."""

from __future__ import annotations

import os
from collections import Counter, defaultdict

import numpy as np

from mmt2ireid.datasets.annotations import Record
from mmt2ireid.datasets.doctor.annotation import Annotation
from mmt2ireid.datasets.doctor.findings import Finding, listed
from mmt2ireid.datasets.doctor.releases import RELEASES, Counts, Release
from mmt2ireid.io.counts import counted


def check_splits(annotation: Annotation) -> list[Finding]:
    """What is wrong with splits and identities."""
    overall = _check_total(annotation) + _check_rough_count(annotation)
    if not annotation.labelled or not annotation.records:
        return overall
    findings = overall + _check_one_identity(annotation) + (_explain_counts(annotation) or _check_counts(annotation))
    findings += _check_folders_as_splits(annotation) + _check_official_splits(annotation) + _check_mixed(annotation)
    return findings + _check_ids(annotation) + _check_images_per_id(annotation)


def _check_one_identity(annotation: Annotation) -> list[Finding]:
    alone = [split for split, size in sorted(annotation.counts().items()) if size.ids == 1]
    if not alone:
        return []
    message = f'{", ".join(alone)} has one identity only: there is no other person to take for it'
    advice = 'Every answer is right there, and R1 is always 100 %: put more persons into the split'
    return [Finding('one-identity', message, advice, len(alone))]


def _check_rough_count(annotation: Annotation) -> list[Finding]:
    return check_rough_count(annotation.release, len(annotation.records)) if annotation.records else []


def check_rough_count(release: Release, images: int) -> list[Finding]:
    """Whether the number of images is about that of the release, where only that is known."""
    rough = release.rough_images
    if not rough or abs(images - rough) <= 0.1 * rough:
        return []
    message = f'{counted(images, "image")}; {release.name} has about {rough:,}'
    return [Finding('rough-count', message, 'A part of it, or captions of your own? Then nothing is wrong', images)]


def _explain_counts(annotation: Annotation) -> list[Finding]:
    """Names a whole known mistake, where the counts are those of one."""
    release, counts = annotation.release, annotation.counts()
    for other in RELEASES.values():
        if other.name != release.name and release.counts and dict(other.counts) == counts:
            message = f'{os.path.basename(annotation.file)} has the counts of {other.name}, not of {release.name}'
            return [Finding('other-dataset', message, f'Check it as {other.name}, or get the right file')]
    withdrawn = {split for split, size in release.withdrawn.items() if split in counts and counts[split][:2] == size}
    if withdrawn:
        sizes = ', '.join(f'{split} {counts[split].ids:,}' for split in sorted(withdrawn))
        message = f'the identities per split ({sizes}) are those of a first split that the authors have replaced'
        advice = f'Get the current {release.loader.ANN_FILE}: results on this one cannot be compared'
        return [Finding('withdrawn-split', message, advice)]
    return []


def _check_folders_as_splits(annotation: Annotation) -> list[Finding]:
    release = annotation.release
    if release.folders_are_splits or any(_folder(record) != record.split for record in annotation.records):
        return []
    message = f"every record's split is the name of its folder; imgs/train and imgs/test are those of {release.source}"
    return [Finding('folders-as-splits', message, f'Take the splits from the {release.loader.ANN_FILE} of its authors')]


def _folder(record: Record) -> str:
    # Whatever stands before: a prefix of the paths is another finding.
    return record.path.rsplit('imgs/', 1)[-1].partition('/')[0]


def _check_counts(annotation: Annotation) -> list[Finding]:
    counts = annotation.counts()
    return [
        finding
        for split, official in annotation.release.counts.items()
        for finding in _compare(split, counts.get(split, Counts(0, 0, 0)), official)
    ]


def _check_total(annotation: Annotation) -> list[Finding]:
    total = annotation.release.total
    if total is None or not annotation.has_split:
        return []
    sizes = annotation.counts().values()
    return _compare('the annotation', Counts(*np.sum([Counts(0, 0, 0), *sizes], axis=0).tolist()), total)


def _compare(what: str, found: Counts, official: Counts) -> list[Finding]:
    wrong = ', '.join(
        f'{have:,} {name} (official: {want:,}, {abs(have - want):,} {"fewer" if have < want else "more"})'
        for name, have, want in zip(('identities', 'images', 'captions'), found, official, strict=True)
        if have != want
    )
    advice = 'Download the annotation again, or say that results are on a part of the data set'
    return [Finding('counts', f'{what} has {wrong}', advice, abs(found.images - official.images))] if wrong else []


def _check_official_splits(annotation: Annotation) -> list[Finding]:
    release, counts = annotation.release, annotation.counts()
    if not release.counts:
        return []
    findings = []
    for split in sorted(set(counts) - set(release.counts)):
        message = (
            f'{counted(counts[split].images, "record says", "records say")} {split!r}; {release.name} has no such split'
        )
        advice = "The loader would leave them out: get the authors' file, which has them in another split"
        findings.append(Finding('unofficial-split', message, advice, counts[split].images))
    if 'val' not in release.counts:
        advice = 'The loader holds identities out of train (holdout_ids=200) to select the model by'
        findings.append(Finding('no-val', f'{release.name} has no validation split', advice))
    return findings


def _check_mixed(annotation: Annotation) -> list[Finding]:
    if not annotation.release.disjoint:
        return []
    splits = defaultdict(set)
    for record in annotation.records:
        if record.captions and record.pid >= 0:  # distractors and junk may be in every gallery
            splits[record.pid].add(record.split)
    mixed = sorted(pid for pid, names in splits.items() if len(names) > 1)
    if not mixed:
        return []
    found = counted(len(mixed), 'identity is', 'identities are')
    message = f'{found} in more than one split: what is tested has been trained on'
    return [Finding('mixed-splits', message, 'Get the annotation of the authors', len(mixed), listed(mixed))]


def _check_ids(annotation: Annotation) -> list[Finding]:
    first = annotation.release.first_id
    pids = sorted({record.pid for record in annotation.records if record.split == 'train'})
    if first is None or not pids:
        return []
    findings = []
    if pids[0] != first:
        message = f'the identities of train begin at {pids[0]}, those of {annotation.release.name} at {first}'
        advice = (
            'The loader renumbers them and trains; programs that subtract 1, or do not, take one person for another. '
            "Files by the authors' numbers (lists of identities) do not fit"
        )
        findings.append(Finding('id-base', message, advice))
    gaps = pids[-1] - pids[0] + 1 - len(pids)
    if gaps:
        message = f'{gaps:,} numbers between {pids[0]} and {pids[-1]} are no identity of train'
        advice = 'The loader renumbers them; a classifier sized by the highest number would have idle classes'
        findings.append(Finding('id-gaps', message, advice, gaps))
    return findings


def _check_images_per_id(annotation: Annotation) -> list[Finding]:
    release, findings = annotation.release, []
    images = Counter((record.split, record.pid) for record in annotation.records)
    single = [pid for (_, pid), number in images.items() if number == 1]
    if single:
        advice = 'A sampler that draws several images of an identity has to draw it again; ours does'
        message = f'{counted(len(single), "identity has", "identities have")} a single image'
        findings.append(Finding('single-images', message, advice, len(single), listed(single)))
    odd = [f'{pid} ({number})' for (_, pid), number in images.items() if number != release.images_per_id]
    if release.images_per_id and odd:
        found = counted(len(odd), 'identity has', 'identities have')
        message = f'{found} not {release.images_per_id} images each, as in {release.name}'
        findings.append(Finding('images-per-id', message, 'Get the annotation again', len(odd), listed(odd)))
    return findings + _check_names(annotation)


def _check_names(annotation: Annotation) -> list[Finding]:
    if not annotation.release.id_in_name:
        return []
    prefixes: dict[str, int] = {}
    odd = []
    for record in annotation.records:
        prefix = record.path.rsplit('/', 1)[-1].partition('_')[0]
        if prefixes.setdefault(prefix, record.pid) != record.pid:
            odd.append(f'{record.path} is {record.pid}, others of {prefix} are {prefixes[prefix]}')
    if not odd:
        return []
    found = counted(len(odd), 'image has', 'images have')
    message = f'{found} another identity than others whose name begins alike (PID_cCAM_IDX.jpg)'
    return [Finding('id-in-name', message, 'Get the annotation again', len(odd), listed(odd))]
