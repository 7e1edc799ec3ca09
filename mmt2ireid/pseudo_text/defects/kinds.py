"""The kinds of defects and how a defect is written down."""

from __future__ import annotations

EMPTY, OVER_LONG, MARKUP = 'empty', 'over-long', 'markup'
DOUBLED, REPEATED, PUNCTUATION, DANGLING = 'doubled words', 'repeated sentence', 'punctuation', 'dangling'
ARTICLE, NUMBER, AGREEMENT, PRONOUN = 'article', 'number', 'agreement', 'pronoun'
GENDER, AGE, ATTRIBUTES = 'gender', 'age', 'attributes'
RUN_ON, SPACING, CAPITAL = 'run-on', 'spacing', 'capital'

DEFECT_KINDS = (
    EMPTY, OVER_LONG, MARKUP, DOUBLED, REPEATED, PUNCTUATION, DANGLING, ARTICLE, NUMBER, AGREEMENT, PRONOUN, GENDER,
    AGE, ATTRIBUTES, RUN_ON, SPACING, CAPITAL,
)  # fmt: skip


def defect_kind(text: str) -> str:
    """The kind of a defect.

    Args:
        text: one that :func:`find_defects` returned, ``'kind: what'``.

    Returns:
        One of :data:`DEFECT_KINDS`.

    Raises:
        ValueError: it is no such text.
    """
    kind = text.partition(': ')[0]
    if kind not in DEFECT_KINDS:
        raise ValueError(f"a defect must be 'kind: what' with a kind of {DEFECT_KINDS}, but got {text!r}")
    return kind
