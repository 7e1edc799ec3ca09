"""Compares the phrases chosen for images with the true ones, image by image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mmt2ireid.io.json_files import read_json
from mmt2ireid.pseudo_text.analysis.accuracy import OptionalScore, find_score, required_score
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue


class AccuracyTally:
    """Compares chosen phrases with true ones, image by image; keeps counts per pair of phrases.

    A true phrase may be the catalogue's own or what the catalogue says in sentences (its form ``say``). One that is
    neither stays as it is: no choice can be right, and it is listed as unknown.

    Args:
        catalogue: the attributes.
        truth: per image id its true phrase per attribute, None for what is not there.
    """

    def __init__(self, catalogue: Catalogue, truth: Mapping[str, Mapping[str, str | None]]) -> None:
        self.catalogue, self.truth = catalogue, truth
        self.pairs: dict[str, Counter[tuple[str | None, str | None]]] = {name: Counter() for name in catalogue}
        self.unknown: dict[str, Counter[str]] = {name: Counter() for name in catalogue}
        self.missing: Counter[str] = Counter()
        self.num_without_truth = 0
        self._names = {name: _spoken(attribute) for name, attribute in catalogue.items()}
        self._seen: set[str] = set()
        self._num_rows = 0

    def add(self, image_id: str, chosen: Mapping[str, str | None]) -> None:
        """Compares one image.

        Args:
            image_id: its key in the truth.
            chosen: phrase per attribute, None for what was not found; attributes that are left out are not compared.
        """
        truth = self.truth.get(image_id)
        if truth is None:
            self.num_without_truth += 1
            return
        self._num_rows += 1
        self._seen.add(image_id)
        for name in self.catalogue:
            if name not in chosen:
                continue
            if name not in truth or (truth[name] is None and self.catalogue[name].required):
                self.missing[name] += 1
                continue
            true = self.canonical(name, truth[name])
            if true is not None and true not in self._names[name]:
                self.unknown[name][true] += 1
            self.pairs[name][true, self.canonical(name, chosen[name])] += 1

    def canonical(self, name: str, phrase: str | None) -> str | None:
        """The catalogue's own phrase for a phrase or its spoken form, None for the negative one.

        What the catalogue does not know comes back as it is.
        """
        if phrase is None or phrase == self.catalogue[name].negative:
            return None
        return self._names[name].get(phrase, phrase)

    def report(self) -> dict[str, Any]:
        """All scores as plain numbers, texts and dicts, for JSON.

        Returns:
            ``rows`` compared, ``rows_without_truth``, ``truth_without_row``, ``required`` (per attribute the fields of
            :class:`RequiredScore`), ``optional`` (of :class:`OptionalScore`), ``unknown`` (true phrases that the
            catalogue lacks, with their counts) and ``missing`` (rows whose truth says nothing about an attribute).
        """
        compared = [name for name in self.catalogue if self.pairs[name]]
        required = [name for name in compared if self.catalogue[name].required]
        return dict(
            rows=self._num_rows,
            rows_without_truth=self.num_without_truth,
            truth_without_row=len(self.truth) - len(self._seen),
            required={name: asdict(required_score(self.pairs[name], self.catalogue[name])) for name in required},
            optional={
                name: asdict(
                    OptionalScore(
                        find_score(self.pairs[name], same_phrase=False), find_score(self.pairs[name], same_phrase=True)
                    )
                )
                for name in compared
                if name not in required
            },
            unknown={name: dict(counter.most_common()) for name, counter in self.unknown.items() if counter},
            missing=dict(self.missing),
        )


def _spoken(attribute: Attribute) -> dict[str, str]:
    """From what is said of a phrase to the phrase; only where it is one phrase's alone."""
    said = Counter(attribute.forms.get(phrase, {}).get('say', phrase) for phrase in attribute.phrases)
    spoken = {attribute.forms.get(phrase, {}).get('say', phrase): phrase for phrase in attribute.phrases}
    return {text: phrase for text, phrase in spoken.items() if said[text] == 1} | {
        phrase: phrase for phrase in attribute.phrases
    }


def load_truth(path: str | Path, key: str | None = None) -> dict[str, dict[str, str | None]]:
    """Reads true attributes.

    Args:
        path: a JSON file, ``{image id: {attribute: phrase or null}}``, possibly under keys such as ``pool``.
        key: which of them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is something else, or ``key`` is missing or none of its keys.
    """
    content = read_json(path, 'true attributes as JSON')
    if key is not None:
        if not isinstance(content, dict) or key not in content:
            known = sorted(content)[:10] if isinstance(content, dict) else type(content).__name__
            raise ValueError(f'{path}: the key of the truth must be one of {known}, but got {key!r}')
        content = content[key]
    check = _first_fault(content)
    if check is not None:
        raise ValueError(f'{path}: expected {{image id: {{attribute: phrase or null}}}}, but {check}')
    return content


def _first_fault(content: Any) -> str | None:
    if not isinstance(content, dict):
        return f'got a {type(content).__name__}'
    for image_id, phrases in content.items():
        if not isinstance(phrases, dict):
            return f'under {image_id!r} there is a {type(phrases).__name__}'
        for name, phrase in phrases.items():
            if isinstance(phrase, dict):
                return f'the keys {_listed(list(content))} hold one each: name one of them'
            if phrase is not None and not isinstance(phrase, str):
                return f'{image_id!r} has {phrase!r} as {name!r}'
    return None


def _listed(names: Sequence[str], most: int = 8) -> str:
    return ', '.join(names[:most]) + (' ...' if len(names) > most else '')
