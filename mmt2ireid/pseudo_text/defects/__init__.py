"""The checker: reads a caption and names what is wrong with it (part of UniPT's "combine", section 3.1).

The rules know English, not the templates: they read any caption, and are made to keep silent on sound ones that people
wrote. What they know is data, in :mod:`.lexicon`; each rule is a function of one of the modules :mod:`.surface`,
:mod:`.spacing`, :mod:`.nouns`, :mod:`.run_ons`, :mod:`.agreement`, :mod:`.subjects`, :mod:`.persons` and
:mod:`.attributes`. A rule of grammar is called
only where one of its words stands, so a sound caption costs little more than its tokens.
"""

from __future__ import annotations

from collections import defaultdict

from mmt2ireid.io.counts import counted
from mmt2ireid.pseudo_text.defects import agreement, nouns, run_ons, subjects, surface
from mmt2ireid.pseudo_text.defects.attributes import check_attributes
from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule
from mmt2ireid.pseudo_text.defects.kinds import DEFECT_KINDS, EMPTY, OVER_LONG, defect_kind
from mmt2ireid.pseudo_text.defects.persons import check_persons
from mmt2ireid.pseudo_text.defects.spacing import check_capitals, check_spacing

__all__ = ['DEFECT_KINDS', 'defect_kind', 'find_defects']


def _rules_by_word() -> dict[str, tuple[Rule, ...]]:
    found: dict[str, list[Rule]] = defaultdict(list)
    for table in (surface.RULES, nouns.RULES, run_ons.RULES, *agreement.RULES, *subjects.RULES):
        for word, rule in table.items():
            found[word].append(rule)
    return {word: tuple(rules) for word, rules in found.items()}


_RULES = _rules_by_word()


def find_defects(caption: str, max_words: int = 100) -> list[str]:
    """Names what is wrong with a caption.

    Args:
        caption: English text about a person.
        max_words: a caption of more words (between blanks) is over-long.

    Returns:
        Defects as ``'kind: what'``, with a kind of :data:`DEFECT_KINDS`; empty for a sound caption.

    Raises:
        TypeError: the caption is no text.
        ValueError: ``max_words`` is less than 1.

    Examples:
        >>> find_defects('The man is walking, wearing a blue shirt and black jeans.')
        []
        >>> find_defects('The man has short hair hair.')
        ['doubled words: "hair" twice']
    """
    if not isinstance(caption, str):
        raise TypeError(f'caption must be a text, but got {caption!r}')
    if max_words < 1:
        raise ValueError(f'max_words must be at least 1, but got {max_words}')
    text = CaptionText(caption)
    if not any(map(str.isalnum, caption)) and '_' not in caption:
        return [f'{EMPTY}: {caption.strip()!r}']
    num_words = len(caption.split())
    if num_words > max_words:
        text.report(OVER_LONG, f'{counted(num_words, "word")}, more than {max_words}')
    surface.check_markup(text)
    surface.check_punctuation(text)
    check_spacing(text)
    check_capitals(text)
    surface.check_doubled(text)
    surface.check_repeated(text)
    rules = _RULES
    for place, word in enumerate(text.tokens):
        if word in rules:
            for rule in rules[word]:
                rule(text, place)
    check_persons(text)
    check_attributes(text)
    return text.defects
