"""Permutations of noisy pairs (RDE, Qin et al., CVPR 2024) beside an annotation."""

from __future__ import annotations

import glob
import os

from mmt2ireid.datasets.doctor.annotation import Annotation
from mmt2ireid.datasets.doctor.findings import Finding
from mmt2ireid.datasets.errors import AnnotationError
from mmt2ireid.datasets.noisy_pairs import read_order


def check_noise_files(annotation: Annotation, root: str) -> list[Finding]:
    """Whether ``{DATASET}_{RATE}.npy`` are permutations of the training pairs, as many as the annotation has."""
    train = annotation.counts().get('train')
    if train is None:
        return []
    findings = []
    for file in sorted(glob.glob(os.path.join(glob.escape(root), f'{annotation.release.name}_*.npy'))):
        try:
            read_order(file, train.captions)
        except AnnotationError as error:
            advice = 'Get the file that was made for this annotation: pairs are counted in the order of the JSON file'
            findings.append(Finding('noise-file', str(error), advice))
    return findings
