"""What English needs: the article that fits a word, the number of a noun phrase, a capital."""

from __future__ import annotations

import re

# By sound, not by letter: "a uniform", "a one-piece", "an hour".
_CONSONANT_SOUND = re.compile(r'(?:uni|use|usu|eu|ewe|one\b|once|u\.)', re.IGNORECASE)
_VOWEL_SOUND = re.compile(r'(?:hour|honest|honou?r|heir)', re.IGNORECASE)
_ARTICLE = re.compile(r'^(?:an?|the) ')


def with_article(noun_phrase: str) -> str:
    """``a`` or ``an`` and the phrase: ``an orange skirt``, ``a uniform``."""
    if _VOWEL_SOUND.match(noun_phrase):
        return f'an {noun_phrase}'
    if noun_phrase[:1].lower() in 'aeiou' and not _CONSONANT_SOUND.match(noun_phrase):
        return f'an {noun_phrase}'
    return f'a {noun_phrase}'


def without_article(phrase: str) -> str:
    """``red skirt`` of ``a red skirt``."""
    return _ARTICLE.sub('', phrase)


def mend_article(phrase: str) -> str:
    """The phrase with the article that its next word needs, if it begins with ``a`` or ``an``."""
    return with_article(phrase.split(' ', 1)[1]) if phrase.startswith(('a ', 'an ')) else phrase


def capitalised(text: str) -> str:
    """The text with a capital letter at its beginning; ``str.capitalize`` would lower the others."""
    return text[:1].upper() + text[1:]
