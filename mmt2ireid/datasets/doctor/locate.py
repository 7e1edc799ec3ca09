"""Where the annotation is, or why it is not found."""

from __future__ import annotations

import os

from mmt2ireid.datasets.ann_files import annotation_files
from mmt2ireid.datasets.doctor.findings import Finding
from mmt2ireid.datasets.doctor.releases import Release
from mmt2ireid.datasets.several_files import SeveralFilesDataset


def find_annotation(release: Release, root: str, ann_file: str = '') -> tuple[list[str], list[Finding]]:
    """Looks for the annotation files.

    Args:
        release: what they belong to.
        root: folder of the data set.
        ann_file: name relative to ``root``; '' for the release's.

    Returns:
        Their paths, none where one is not there; and the findings.
    """
    try:
        data = release.loader(data_root=root, ann_file=ann_file or _usual_name(release, root), lazy_init=True)
        several = isinstance(data, SeveralFilesDataset)
        files = data.find_ann_files() if several else [data.find_ann_file()]
    except FileNotFoundError as error:
        return [], [_no_annotation(release, root, str(error))]
    found, usual = os.path.basename(files[0]), os.path.basename(data.ann_file)
    if found == usual or found.replace('-', '_') != usual.replace('-', '_'):
        return files, []
    advice = f'The loader takes both; other programs look for {usual} only'
    return files, [Finding('spelling', f'the annotation is called {found}', advice)]


def _usual_name(release: Release, root: str) -> str:
    """The release's own, '', but for LUPerson-T: all Arrow files that are there, or its source JSON."""
    if not release.arrow_parts:
        return ''
    names = annotation_files(root)
    if any(name.startswith('LUPerson_') and name.endswith('.arrow') for name in names):
        return 'LUPerson_*.arrow'
    return names[0] if len(names) == 1 and names[0].endswith('.json') else ''


def _no_annotation(release: Release, root: str, message: str) -> Finding:
    hint = release.loader.FORMAT.hints.get('split', '')
    if hint and os.path.isfile(os.path.join(root, 'caption_all.json')):
        return Finding('caption-all', f'{root} has caption_all.json, but no {release.loader.ANN_FILE}', hint)
    wanted = {release.loader.ANN_FILE, *release.arrow_parts}
    below = sorted(entry.path for entry in os.scandir(root) if entry.is_dir() and wanted & set(_names_in(entry.path)))
    above = os.path.dirname(os.path.abspath(root))
    if below:
        return Finding(
            'no-annotation', message, f'It is one folder further down: give {below[0]} as ROOT and data_root'
        )
    if wanted & set(_names_in(above)):
        return Finding('no-annotation', message, f'It is one folder further up: give {above} as ROOT and data_root')
    return Finding('no-annotation', message, f'Ask the authors of {release.name} for it, or name it with --ann-file')


def _names_in(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
