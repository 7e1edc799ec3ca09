"""Things listed without a comma: ``a white shirt black pants``."""

from __future__ import annotations

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText, Rule, is_modifier
from mmt2ireid.pseudo_text.defects.kinds import RUN_ON
from mmt2ireid.pseudo_text.defects.lexicon import ARTICLES, COLOURS, MODIFIERS, NUMBER, PERSON_NOUNS, words

# Nouns that describe others: "a short sleeve black shirt", "a one shoulder black dress".
_PARTS = words(
    """sleeve sleeves shoulder shoulders button buttons stripe stripes logo collar heel heels pocket pockets arm arms
    hand hands leg legs knee knees head foot feet hood case neckline shoelace shoelaces pack"""
)
_THINGS = NUMBER.keys() - PERSON_NOUNS - _PARTS - {'he', 'she', 'it', 'they', 'we'}
_BETWEEN = COLOURS | words('dark light bright pale long short')


def check_run_on(text: CaptionText, place: int) -> None:
    """Finds ``shirt black pants``: behind a thing a color, and another thing."""
    if not place or not _is_whole(text, place - 1, described=text.heads[place - 1] in MODIFIERS):
        return
    end = _next_thing(text, place)
    if end:
        text.report(RUN_ON, text.quote(place - 1, end))


def report_joined_things(text: CaptionText, start: int, end: int) -> bool:
    """Finds ``a hoodie jeans`` and ``a shirt black pants`` where the number of the phrase's last noun is wrong.

    Args:
        text: the caption.
        start: place of the phrase's determiner.
        end: place after its last noun.

    Returns:
        Whether a comma is missing, rather than the number wrong.
    """
    for place in range(start + 1, end - 1):
        if text.tokens[place + 1] in _BETWEEN:
            check_run_on(text, place + 1)
            found = _is_whole(text, place, described=text.heads[place] in MODIFIERS)
        else:
            following = text.heads[place + 1]
            found = text.heads[place] not in MODIFIERS and following in _THINGS and _is_whole(text, place)
            if found:
                text.report(RUN_ON, text.quote(place, place + 2))
        if found:
            return True
    return False


def _is_whole(text: CaptionText, place: int, described: bool = False) -> bool:
    """Whether a thing stands here that ends its phrase; with ``described``, only if a color stands right before it."""
    before = text.at(place - 1)
    return text.heads[place] in _THINGS and (before in COLOURS if described else before not in ('or', 'and'))


def _next_thing(text: CaptionText, place: int) -> int:
    """Place after the next thing that the adjectives from here on describe; 0 if they describe none."""
    while place < len(text.tokens) and text.heads[place] not in _THINGS:
        word, before = text.tokens[place], text.tokens[place - 1]
        joins = word in ('and', ',') and before in COLOURS and text.at(place + 1) in COLOURS
        if not joins and (not is_modifier(word) or word in ARTICLES):
            return 0
        place += 1
    return place + 1 if place < len(text.tokens) else 0


RULES: dict[str, Rule] = dict.fromkeys(_BETWEEN, check_run_on)
