"""Blanks and capitals: slips that people make, and that joined and exported files have by the thousand."""

from __future__ import annotations

import re

from mmt2ireid.pseudo_text.defects.caption_text import CaptionText
from mmt2ireid.pseudo_text.defects.kinds import CAPITAL, SPACING
from mmt2ireid.pseudo_text.defects.surface import ABBREVIATED

_SUSPECT = re.compile(r'\s[\s,.;!?]|[,.;!?][^\W\d_]')
_DOUBLE_BLANK = re.compile(r'(\S+)[ \t\xa0]{2,}(?=\S)')
_APART = re.compile(r'(?<=[^\s.])\s+([,.;!?])(?![.\d])')
_ATTACHED = re.compile(r'[^\s.,;!?][,.;!?](?=\s|$|[^\W\d_])')
# Two letters before the mark, so that initials pass ("U.S.A.", "J.Crew"); addresses pass too.
_NO_BLANK = re.compile(
    r'(?<=[^\W_]{2})(?<!www)[,.;!?](?![a-z]\.)(?!(?:com|org|net|edu|gov|co|io|tv|jpe?g|png)\b)[^\W\d_][\w-]*', re.I
)
_LOWER_AFTER_STOP = re.compile(r"""(?<!\.)[.!?]\s+["'(]?([a-z](?![A-Z])[\w'-]*)""")


def check_spacing(text: CaptionText) -> None:
    """Finds two blanks, a blank before a mark and none after one: ``a  hat``, ``a hat , and``, ``a hat.He``.

    Where every mark of a caption stands apart, as in releases that were cut into tokens, that is its manner and sound.
    """
    raw = text.raw.strip()
    if _SUSPECT.search(raw) is None:
        return
    for match in _DOUBLE_BLANK.finditer(raw):
        text.report(SPACING, f'two blanks after {match.group(1)!r}')
    apart = _APART.search(raw)
    if apart and _ATTACHED.search(raw):
        text.report(SPACING, f'a blank before {apart.group(1)!r}')
    for match in _NO_BLANK.finditer(raw):
        text.report(SPACING, f'no blank before {match.group()[1:]!r}')


def check_capitals(text: CaptionText) -> None:
    """Finds ``A man walks. he has a bag.``; a caption that begins in lower case is written so throughout."""
    first = next((letter for letter in text.raw if letter.isalpha()), '')
    if not first.isupper():
        return
    for match in _LOWER_AFTER_STOP.finditer(text.raw):
        if not ABBREVIATED.search(text.raw[: match.start() + 1]):
            text.report(CAPITAL, f'{match.group(1)!r} after a stop')
