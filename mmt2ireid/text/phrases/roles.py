"""What a tagged word can be in a noun phrase."""

from __future__ import annotations

from collections.abc import Sequence

from mmt2ireid.text.phrases.lexicon import Lexicon

MODIFIER, NOUN, AND, COMMA, OTHER = 'M', 'N', '&', ',', ' '
_NOUNS = frozenset(('NN', 'NNS', 'NNP', 'NNPS'))
_ADJECTIVES = frozenset(('JJ', 'JJR', 'JJS', 'CD'))
_PARTICIPLES = frozenset(('VBN', 'VBD'))
_DETERMINERS = frozenset(('DT', 'PRP$', 'POS', 'PDT', 'WP$'))
_BEFORE_NOUN = _DETERMINERS | _ADJECTIVES | _PARTICIPLES
_VERBS = ('VB', 'RB')


def roles_of(words: Sequence[str], tags: Sequence[str], lexicon: Lexicon) -> str:
    """One letter for each word, ``M``, ``N``, ``&``, ``,`` or a blank.

    Args:
        words: lower-case words and marks of a sentence.
        tags: one for each word.
        lexicon: of this domain.
    """
    roles = [OTHER] * len(words)
    after = beyond = OTHER
    belongs = False  # whether the word belongs to the part right after it, "short" to "sleeve"
    owners = lexicon.words['possessives']
    # From the right, as a word's role depends on what follows.
    for i in range(len(words) - 1, -1, -1):
        # Taggers take the "her" of "on her back" for a pronoun, and a color for a noun.
        previous = words[i - 1] if i else ''
        before = tags[i - 1] if i else ''
        if previous in owners:
            before = 'DT'
        elif previous in lexicon.sure_modifiers:
            before = 'JJ'
        role = _role(words[i], tags[i], before, after, beyond, lexicon)
        if _is_adverbial(words[i], previous, tags[i - 1] if i else '', after, lexicon):
            role = OTHER
        elif role == NOUN and (belongs or _describes_what_follows(words, i, after, beyond, lexicon)):
            role = MODIFIER
        belongs = role == MODIFIER and words[i] in lexicon.words['parts']
        roles[i] = role
        # Through a conjunction or a comma one sees what follows it: "black and white striped shirt".
        if not (role == AND and beyond == MODIFIER) and role != COMMA:
            beyond = role
        after = role
    return ''.join(roles)


def _role(word: str, tag: str, before: str, after: str, beyond: str, lexicon: Lexicon) -> str:
    """``before`` is the tag of the word before, ``after`` the next role, ``beyond`` the one past an "and" or comma."""
    if tag == 'CC':
        return AND
    if word == ',' and (after == NOUN or (beyond == MODIFIER and after in (MODIFIER, AND))):
        return COMMA
    if word in lexicon.sure_others or not word[0].isalnum():
        return OTHER
    describes = beyond in (MODIFIER, NOUN)
    if word in lexicon.sure_modifiers:
        return MODIFIER if describes else OTHER
    if word in lexicon.sure_nouns or tag in _NOUNS:
        return NOUN
    # "a white top and blue jeans", "on her back": nothing follows that it could describe.
    if word in lexicon.words['nouns'] and after not in (MODIFIER, NOUN) and before in _BEFORE_NOUN:
        return NOUN
    # "a crop-top, ripped jeans": taggers take any word with a hyphen for an adjective.
    if after not in (MODIFIER, NOUN) and word not in lexicon and _ends_with_thing(word, lexicon):
        return NOUN
    if tag in _ADJECTIVES:
        return MODIFIER
    if tag in _PARTICIPLES:
        return MODIFIER if describes else OTHER
    if tag == 'VBG' and describes and before in _BEFORE_NOUN:
        return MODIFIER
    return OTHER


def _ends_with_thing(word: str, lexicon: Lexicon) -> bool:
    first, _, last = word.rpartition('-')
    return bool(first) and last in lexicon.words['nouns'] and last not in lexicon.words['parts']


def _is_adverbial(word: str, previous: str, tag: str, after: str, lexicon: Lexicon) -> bool:
    """``on top``, ``in front``, ``pulled back``: no thing, unless it describes one."""
    if word not in lexicon.adverbials or after in (MODIFIER, NOUN):
        return False
    moved = tag.startswith(_VERBS) or previous in lexicon.words['describing_participles']
    moved = moved and word == 'back' and previous not in lexicon.words['modifiers']
    return moved or previous in lexicon.adverbials[word]


def _describes_what_follows(words: Sequence[str], i: int, after: str, beyond: str, lexicon: Lexicon) -> bool:
    """Whether a noun before a modifier is one itself: ``short sleeve black``, ``salmon colored``, ``royal blue``."""
    known = lexicon.words
    if after == COMMA and beyond == MODIFIER:  # "a long sleeve, white top", but "with long sleeves, white pants"
        return i > 1 and words[i] in known['parts'] and words[i - 2] in known['determiners'] | known['possessives']
    if after != MODIFIER:
        return False
    if words[i] in known['parts']:
        return i > 0 and words[i - 1] not in known['determiners'] and words[i - 1] not in lexicon.sure_others
    following = words[i + 1]
    if following in known['after_nouns']:
        return True
    return following in known['colors'] and (words[i] not in lexicon or words[i] in known['shades'])
