"""What the doctor says, for people and for programs; and the corrected annotation."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from mmt2ireid.compat import write_atomically
from mmt2ireid.datasets.doctor.annotation import Annotation
from mmt2ireid.datasets.doctor.findings import ERROR, SEVERITIES, Finding
from mmt2ireid.datasets.doctor.releases import Counts, Release
from mmt2ireid.io.counts import counted


@dataclass
class Report:
    """Everything that was found.

    Attributes:
        release: what it should be.
        root: the folder.
        ann_files: annotation files that were read.
        counts: per split (or Arrow file) what there is.
        findings: in the order in which they were found.
        num_opened: images that were decoded.
        annotation: the corrected annotation; None without a JSON file.
    """

    release: Release
    root: str
    ann_files: list[str] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    num_opened: int = 0
    annotation: Annotation | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing was found that stops training."""
        return not any(finding.severity == ERROR for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(
            dataset=self.release.name,
            root=self.root,
            ann_files=self.ann_files,
            ok=self.ok,
            counts={split: size._asdict() for split, size in self.counts.items()},
            official={split: size._asdict() for split, size in self._official().items()},
            images_opened=self.num_opened,
            findings=[finding.to_dict() for finding in self.findings],
        )

    def _official(self) -> dict[str, Counts]:
        """Official counts per split, or under '' those of all splits together."""
        return dict(self.release.counts) if self.release.total is None else {'': self.release.total}

    def to_text(self) -> str:
        """For people."""
        files = ', '.join(os.path.basename(file) for file in self.ann_files) or 'no annotation'
        lines = [
            f'{self.release.name} in {self.root} ({files}), {counted(self.num_opened, "image")} opened',
            *self._table(),
        ]
        for severity in SEVERITIES:
            for finding in self.findings:
                if finding.severity == severity:
                    lines += _lines(finding)
        numbers = Counter(finding.severity for finding in self.findings)
        told = ', '.join(counted(numbers[severity], severity) for severity in SEVERITIES)
        lines.append(f'{"fine" if self.ok else "not fine"}: {told}')
        # JSON may hold halves of a letter, which no terminal takes.
        return '\n'.join(lines).encode(errors='backslashreplace').decode()

    def _table(self) -> list[str]:
        known = self._official()
        names = sorted({*self.counts, *known}, key=lambda name: ('train val test'.find(name), name))
        rows = []
        for name in names:
            found, official = self.counts.get(name), known.get(name)
            want = f'   official {_size(official)}' if official else ''
            rows.append(f'  {name or "all":6}{_size(found) if found else "nothing"}{want}')
        return rows

    def write_fixed(self) -> str | None:
        """Writes the corrected annotation beside the original, as ``NAME.fixed.json``, whole or not at all.

        Returns:
            Its path; None if there is nothing that can be mended.

        Raises:
            FileExistsError: there is such a file, and it holds something else.
        """
        if self.annotation is None or not self.annotation.content or len(self.ann_files) > 1:
            return None
        if not any(finding.fixable for finding in self.findings):
            return None
        path = f'{os.path.splitext(self.annotation.file)[0]}.fixed.json'
        content = json.dumps(self.annotation.content).encode()
        if os.path.exists(path):
            with open(path, 'rb') as file:
                if file.read() != content:
                    raise FileExistsError(f'{path} is there and holds something else: take it away first')
        else:
            write_atomically(path, content)
        return path


def _size(size: Counts) -> str:
    return f'{size.ids:>7,} identities {size.images:>9,} images {size.captions:>9,} captions'


def _lines(finding: Finding) -> list[str]:
    lines = [f'{finding.severity}: {finding.code}: {finding.message}']
    lines += [f'    such as {example[:200]}' for example in finding.examples[:3]]
    return [*lines, f'    -> {finding.advice}'] if finding.advice else lines
