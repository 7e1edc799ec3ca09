"""What is known of the words of this domain."""

from __future__ import annotations

import functools
from typing import Any

from mmt2ireid.text.phrases.data_folder import DATA
from mmt2ireid.text.yaml_files import digest_of, read_yaml

_KINDS = (
    'determiners', 'pronouns', 'possessives', 'relatives', 'conjunctions', 'prepositions', 'adverbs', 'auxiliaries',
    'numbers', 'partitives', 'measures', 'verbs', 'verb_forms', 'describing_participles', 'modifiers', 'colors',
    'shades', 'after_nouns', 'parts', 'nouns',
)  # fmt: skip
_OUTSIDE = (
    'determiners', 'pronouns', 'possessives', 'relatives', 'prepositions', 'adverbs', 'auxiliaries',
)  # fmt: skip
_VOWELS = frozenset('aeiou')
_NEVER_DOUBLED = frozenset('wxyh')
_STRESSED_EARLY = ('appear', 'cover', 'listen', 'travel', 'enter', 'consist', 'lower')


class Lexicon:
    """The word lists of ``data/lexicon.yaml``.

    Attributes:
        digest: identifies the word lists.
        version: of the file.
        spellings: words of another spelling to the right one, as ``('tee', 'shirt') -> 't-shirt'``.
        adverbials: words to those after which they are no thing: ``top`` to ``on``.
        words: by the name of the list, such as ``nouns`` (with plurals); ``verbs`` has base and -s forms,
            ``participles`` and ``gerunds`` are derived of them.
        sure_nouns: what can be nothing but a noun here.
        sure_modifiers: what can do nothing but describe a noun here.
        sure_others: what can be no part of a noun phrase here.
    """

    def __init__(self) -> None:
        content = read_yaml(DATA / 'lexicon.yaml')
        self.digest = digest_of(content)
        self.version: int = content['version']
        self.words: dict[str, frozenset[str]] = {kind: frozenset(content[kind].split()) for kind in _KINDS}
        self.adverbials = {word: frozenset(before.split()) for word, before in content['adverbials'].items()}
        plurals = {_with_s(noun) for noun in self.words['nouns'] if not noun.endswith('s')}
        self.words['nouns'] |= plurals - self.words['verb_forms']
        base = self.words['verbs']
        self.words['verbs'] = base | {_with_s(verb) for verb in base}
        self.words['gerunds'] = frozenset(_inflected(verb, 'ing') for verb in base)
        self.words['participles'] = frozenset(_inflected(verb, 'ed') for verb in base)
        describing = self._any_of('modifiers', 'describing_participles')
        acting = self._any_of('verbs', 'verb_forms', 'gerunds', 'participles')
        self.sure_nouns = self.words['nouns'] - describing - acting
        self.sure_modifiers = (describing | self.words['numbers']) - self.words['nouns']
        self.sure_others = self._any_of(*_OUTSIDE) | (acting - describing - self.words['nouns'])
        self.spellings = _spellings(content['spellings'])
        self._all = self._any_of(*self.words)

    def __contains__(self, word: str) -> bool:
        return word in self._all

    def _any_of(self, *kinds: str) -> frozenset[str]:
        return frozenset().union(*(self.words[kind] for kind in kinds))


@functools.cache
def shared_lexicon() -> Lexicon:
    """The lexicon of this process, read once."""
    return Lexicon()


def _spellings(content: dict[str, Any]) -> dict[tuple[str, ...], str]:
    return {tuple(other.split()): right for right, others in content.items() for other in others}


def _with_s(verb: str) -> str:
    """The third person of a verb, or the plural of a noun: both have the same rule."""
    if verb.endswith(('s', 'sh', 'ch', 'x', 'z', 'o')):
        return f'{verb}es'
    if verb.endswith('y') and verb[-2] not in _VOWELS:
        return f'{verb[:-1]}ies'
    return f'{verb}s'


def _inflected(verb: str, ending: str) -> str:
    """``carry`` -> ``carried``, ``make`` -> ``making``, ``jog`` -> ``jogging``."""
    if verb.endswith('e') and not (verb.endswith('ee') and ending == 'ing'):
        return verb[:-1] + ending
    if ending == 'ed' and verb.endswith('y') and verb[-2] not in _VOWELS:
        return f'{verb[:-1]}ied'
    doubled = (
        len(verb) > 2
        and verb[-1] not in _VOWELS | _NEVER_DOUBLED
        and verb[-2] in _VOWELS
        and verb[-3] not in _VOWELS
        and verb not in _STRESSED_EARLY
    )
    return verb + verb[-1] + ending if doubled else verb + ending
