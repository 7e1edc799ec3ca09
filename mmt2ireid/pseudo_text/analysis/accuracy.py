"""How often chosen phrases are right: scores from counts of (true phrase, chosen phrase)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from mmt2ireid.pseudo_text.divide.catalogue import Attribute

Pairs = Mapping[tuple[str | None, str | None], int]
"""Images per (true phrase, chosen phrase); None stands for: it is not there, it was not found."""


@dataclass(frozen=True)
class ChoiceScore:
    """How well one of several phrases was chosen.

    Attributes:
        support: images with a true phrase.
        correct: images whose chosen phrase is the true one.
        accuracy: their share; None without support.
        majority: the commonest true phrase.
        majority_share: accuracy of always guessing it.
    """

    support: int
    correct: int
    accuracy: float | None
    majority: str | None
    majority_share: float | None


@dataclass(frozen=True)
class FindScore:
    """How well something was found that not everybody has.

    Attributes:
        support: images that have it.
        found: images in which it was found.
        right: finds that are right.
        precision: ``right / found``; None if it was never found.
        recall: ``right / support``; None if nobody has it.
        f1: ``2 right / (found + support)``; None if neither.
    """

    support: int
    found: int
    right: int
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class RequiredScore:
    """A required attribute: the whole phrase, each of its parts, and what was taken for what.

    Attributes:
        phrase: of the whole phrase.
        parts: of each part of a composed phrase, over the true phrases that the catalogue can take apart.
        confusions: (true, chosen, images) that differ, most frequent first; of each part where there are parts.
    """

    phrase: ChoiceScore
    parts: dict[str, ChoiceScore] = field(default_factory=dict)
    confusions: dict[str, list[tuple[str, str | None, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class OptionalScore:
    """An optional attribute: found at all, and found with the right phrase."""

    at_all: FindScore
    phrase: FindScore


def choice_score(pairs: Pairs) -> ChoiceScore:
    """Accuracy beside the share of the commonest truth. Images without a true phrase do not count.

    Args:
        pairs: images per (true, chosen).
    """
    truths = _truths(pairs)
    support = truths.total()
    correct = sum(count for (true, chosen), count in pairs.items() if true is not None and true == chosen)
    if not support:
        return ChoiceScore(0, 0, None, None, None)
    majority = min(truths, key=lambda phrase: (-truths[phrase], phrase))
    return ChoiceScore(support, correct, correct / support, majority, truths[majority] / support)


def find_score(pairs: Pairs, *, same_phrase: bool) -> FindScore:
    """Precision, recall and F1 of finding something.

    Args:
        pairs: images per (true, chosen).
        same_phrase: whether a find is right only with the true phrase; else it is with any, if there is something.
    """
    support = sum(count for (true, _), count in pairs.items() if true is not None)
    found = sum(count for (_, chosen), count in pairs.items() if chosen is not None)
    right = sum(
        count
        for (true, chosen), count in pairs.items()
        if true is not None and chosen is not None and (true == chosen or not same_phrase)
    )
    return FindScore(
        support, found, right, _ratio(right, found), _ratio(right, support), _ratio(2 * right, found + support)
    )


def required_score(pairs: Pairs, attribute: Attribute, *, num_confusions: int = 8) -> RequiredScore:
    """Scores a required attribute.

    Args:
        pairs: images per (true, chosen).
        attribute: what its phrases are made of.
        num_confusions: how many to list, at most, of the phrase or of each part.
    """
    phrase = choice_score(pairs)
    if not attribute.parts:
        return RequiredScore(phrase, confusions={'': _confusions(pairs, num_confusions)})
    by_part = {part: _part_pairs(pairs, attribute, part) for part in attribute.parts}
    return RequiredScore(
        phrase,
        {part: choice_score(counts) for part, counts in by_part.items()},
        {part: _confusions(counts, num_confusions) for part, counts in by_part.items()},
    )


def _part_pairs(pairs: Pairs, attribute: Attribute, part: str) -> Pairs:
    found: Counter[tuple[str | None, str | None]] = Counter()
    for (true, chosen), count in pairs.items():
        found[_part_of(true, attribute, part), _part_of(chosen, attribute, part)] += count
    return found


def _part_of(phrase: str | None, attribute: Attribute, part: str) -> str | None:
    try:
        return None if phrase is None else attribute.split(phrase).get(part)
    except KeyError:  # not a phrase of this catalogue
        return None


def _confusions(pairs: Pairs, number: int) -> list[tuple[str, str | None, int]]:
    wrong = [(true, chosen, count) for (true, chosen), count in pairs.items() if true is not None and true != chosen]
    return sorted(wrong, key=lambda item: (-item[2], item[0], item[1] or ''))[:number]


def _truths(pairs: Pairs) -> Counter[str]:
    truths: Counter[str] = Counter()
    for (true, _), count in pairs.items():
        if true is not None:
            truths[true] += count
    return truths


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
