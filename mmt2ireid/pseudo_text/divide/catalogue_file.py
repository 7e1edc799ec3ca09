"""From the content of a catalogue file to attributes; whatever is wrong with it is named."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Any

from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue, Persons
from mmt2ireid.pseudo_text.english import with_article

_TOP = {'language', 'plurals', 'attributes', 'persons'}
_FIELDS = {'required', 'prompts', 'phrases', 'compose', 'parts', 'negative', 'negative_prompts', 'sentences'}
_BLANK = re.compile(r'\{([^{}]*)\}')
_MARKS = re.compile(r'[{}<>\[\]|]')
_LANGUAGE = re.compile(r'[a-z]{2,3}(-[A-Za-z0-9]+)*')
_NAME = re.compile(r'[^\W\d_][\w -]*')


def parse_catalogue(content: Mapping[str, Any], path: str, digest: str) -> Catalogue:
    """The catalogue that a file holds.

    Args:
        content: what the file holds.
        path: the file, for messages.
        digest: SHA-256 of the content.

    Raises:
        ValueError: naming file, attribute and reason.
    """
    _check_keys(content, _TOP, path)
    language = content.get('language', 'en')
    if not isinstance(language, str) or not _LANGUAGE.fullmatch(language):
        raise ValueError(f'{path}: language must be a code such as en, but got {language!r}')
    plurals = frozenset(_texts(content.get('plurals', []), f'{path}: plurals', empty_allowed=True))
    entries = content.get('attributes')
    if not isinstance(entries, dict) or not entries:
        raise ValueError(f'{path}: attributes must be a mapping from names to attributes, but got {entries!r}')
    attributes = {
        name: _AttributeParser(name, entry, path, language, plurals).parse() for name, entry in entries.items()
    }
    _check_objects(attributes, path)
    persons = _parse_persons(content['persons'], attributes, path) if 'persons' in content else None
    return Catalogue(attributes, persons=persons, language=language, plurals=plurals, digest=digest, path=path)


class _AttributeParser:
    """Reads one attribute; every message begins with file and attribute."""

    def __init__(self, name: Any, entry: Any, path: str, language: str, plurals: frozenset[str]) -> None:
        self.where = f'{path}, attribute {name!r}'
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f'{self.where}: a name must be words of letters, but got {name!r} (quote it if need be)')
        if not isinstance(entry, dict):
            raise ValueError(f'{self.where}: must be a mapping, but got {entry!r}')
        _check_keys(entry, _FIELDS, self.where)
        self.name, self.entry, self.language, self.plurals = name, entry, language, plurals

    def parse(self) -> Attribute:
        """The attribute."""
        required, negative = self.entry.get('required'), self.entry.get('negative')
        if not isinstance(required, bool):
            raise ValueError(f'{self.where}: required must be true or false, but got {required!r}')
        if required and negative is not None:
            raise ValueError(f'{self.where}: negative must be left out of a required attribute, but got {negative!r}')
        if not required and not _is_text(negative):
            raise ValueError(
                f'{self.where}: negative must be the phrase for a person without it (the probability of the '
                f'others is measured against it), but got {negative!r}'
            )
        given: dict[str, Any] = {}
        for key in ('prompts', 'negative_prompts'):
            if key in self.entry:
                given[key] = self._prompts(key)
        sentences = tuple(_texts(self.entry.get('sentences', []), f'{self.where}: sentences', empty_allowed=True))
        phrases = self._composed() if 'compose' in self.entry or 'parts' in self.entry else self._plain()
        _check_marks(phrases['phrases'] if negative is None else [*phrases['phrases'], negative], self.where)
        repeated = {phrase for phrase in phrases['phrases'] if phrases['phrases'].count(phrase) > 1}
        if len(phrases['phrases']) < 2 and required:
            raise ValueError(f'{self.where}: phrases must be two or more to choose from, but got {phrases["phrases"]}')
        if repeated or negative in phrases['phrases']:
            raise ValueError(
                f'{self.where}: phrases must differ from each other and from negative, but '
                f'{sorted(repeated or {negative})} stand there twice'
            )
        return Attribute(
            name=self.name, required=required, negative=negative, sentences=sentences, **phrases, **given
        )  # fmt: skip

    def _prompts(self, key: str) -> tuple[str, ...]:
        prompts = _texts(self.entry[key], f'{self.where}: {key}')
        for prompt in prompts:
            rest = prompt.replace('{a} {}', '{}').replace('{}', '', 1)
            if '{}' not in prompt or '{' in rest or '}' in rest:
                raise ValueError(f'{self.where}: {key} must each have {{}} (or {{a}} {{}}) once, but got {prompt!r}')
        return tuple(prompts)

    def _plain(self) -> dict[str, Any]:
        entries = self.entry.get('phrases')
        if not isinstance(entries, list) or not entries:
            raise ValueError(f'{self.where}: phrases must be a list of texts, but got {entries!r}')
        phrases, forms, objects = [], {}, {}
        for entry in entries:
            phrase: Any = entry
            more: Any = {}
            if isinstance(entry, dict) and len(entry) == 1:
                ((phrase, more),) = entry.items()
            if not _is_text(phrase) or not isinstance(more, dict):
                raise ValueError(
                    f'{self.where}: phrases must be texts (quote yes, no, on, off and numbers) or a text with its '
                    f'forms, but got {entry!r}'
                )
            phrases.append(phrase)
            where = f'{self.where}, phrase {phrase!r}'
            together = more.get('with', {})
            if not isinstance(together, dict):
                raise ValueError(f'{where}: with must map attributes to forms, but got {together!r}')
            objects[phrase] = {other: _forms(value, f'{where}, with {other}') for other, value in together.items()}
            forms[phrase] = _forms({key: value for key, value in more.items() if key != 'with'}, where)
            _check_marks([text.removeprefix('{a} ') for text in forms[phrase].values()], where)
        return {'phrases': phrases, 'forms': forms, 'objects': objects}

    def _composed(self) -> dict[str, Any]:
        pattern, parts = self.entry.get('compose', ''), self.entry.get('parts')
        if 'phrases' in self.entry or not _is_text(pattern) or not isinstance(parts, dict):
            raise ValueError(
                f'{self.where}: must have either phrases or compose and parts, but got {sorted(self.entry)}'
            )
        words = {part: _texts(entries, f'{self.where}, part {part!r}') for part, entries in parts.items()}
        blanks = _BLANK.findall(pattern)
        if sorted(blank for blank in blanks if blank != 'a') != sorted(words):
            raise ValueError(f'{self.where}: compose must hold each of {list(words)} once, but got {pattern!r}')
        phrases, values = [], {}
        for chosen in itertools.product(*words.values()):
            value = dict(zip(words, chosen, strict=True))
            phrase = self._fill(pattern, value)
            phrases.append(phrase)
            values[phrase] = value
        return {'phrases': phrases, 'parts': words, 'compose': pattern, 'part_values': values}

    def _fill(self, pattern: str, value: Mapping[str, str]) -> str:
        text = _BLANK.sub(lambda blank: value.get(blank[1], blank[0]), pattern)
        if not text.startswith('{a} '):
            return text
        text = text.removeprefix('{a} ')
        plural = text.rsplit(' ', 1)[-1] in self.plurals
        return text if plural or self.language != 'en' else with_article(text)


def _check_objects(attributes: Mapping[str, Attribute], path: str) -> None:
    """Forms together with another attribute must name one, and have a place for its phrase."""
    for name, attribute in attributes.items():
        for phrase, objects in attribute.objects.items():
            for other, forms in objects.items():
                where = f'{path}, attribute {name!r}, phrase {phrase!r}'
                if other not in attributes or attributes[other].required:
                    raise ValueError(f'{where}: with must name an optional attribute, but got {other!r}')
                for form, text in forms.items():
                    if _BLANK.findall(text) != [other] or _MARKS.search(text.replace(f'{{{other}}}', '')):
                        raise ValueError(f'{where}: with {other}, {form} must hold {{{other}}} once, but got {text!r}')


def _parse_persons(entry: Any, attributes: Mapping[str, Attribute], path: str) -> Persons:
    where = f'{path}, persons'
    if 'age' not in attributes or 'gender' not in attributes:
        raise ValueError(f'{where}: needs the attributes age and gender, but there are {list(attributes)}')
    genders, ages = attributes['gender'].phrases, attributes['age'].phrases
    if not isinstance(entry, dict) or set(entry) != set(genders):
        found = sorted(map(str, entry)) if isinstance(entry, dict) else entry
        raise ValueError(f'{where}: must tell of each gender {genders}, but got {found}')
    persons = Persons({}, {}, {})
    for gender, table in entry.items():
        here = f'{where}, {gender!r}'
        _check_keys(table, {'pronouns', 'noun', 'ages'}, here)
        pronouns = _forms(table.get('pronouns', {}), f'{here}, pronouns')
        usual = _texts(table.get('noun', []), f'{here}, noun')
        by_age = table.get('ages')
        if not isinstance(by_age, dict) or set(by_age) != set(ages):
            raise ValueError(
                f'{here}: ages must tell how each of {ages} is called, but got '
                f'{sorted(map(str, by_age)) if isinstance(by_age, dict) else by_age}'
            )
        _check_marks(pronouns.values(), f'{here}, pronouns')
        persons.pronouns[gender] = pronouns  # type: ignore[index]
        for age, names in by_age.items():
            _check_keys(names, {'person', 'noun'}, f'{here}, {age!r}')
            persons.person[age, gender] = _texts(names.get('person', []), f'{here}, {age!r}, person')  # type: ignore[index]
            persons.noun[age, gender] = _texts(names.get('noun', usual), f'{here}, {age!r}, noun')  # type: ignore[index]
            _check_marks([*persons.person[age, gender], *persons.noun[age, gender]], f'{here}, {age!r}')
    if len({frozenset(table) for table in persons.pronouns.values()}) > 1:
        found = {gender: sorted(table) for gender, table in persons.pronouns.items()}
        raise ValueError(f'{where}: pronouns must be the same ones for each gender, but got {found}')
    return persons


def _check_marks(texts: Iterable[str], where: str) -> None:
    """Refuses what would stay in captions as markup."""
    for text in texts:
        if _MARKS.search(text):
            raise ValueError(
                f'{where}: texts must be without {{ }} < > [ ] |, the marks of templates, but got {text!r}'
            )


def _forms(entry: Any, where: str) -> dict[str, str]:
    if not isinstance(entry, dict) or not all(_is_text(key) and _is_text(value) for key, value in entry.items()):
        raise ValueError(f'{where}: forms must be texts by name, but got {entry!r}')
    return dict(entry)


def _texts(entry: Any, where: str, *, empty_allowed: bool = False) -> list[str]:
    if not isinstance(entry, list) or not (entry or empty_allowed):
        raise ValueError(f'{where} must be a list of texts, but got {entry!r}')
    for text in entry:
        if not _is_text(text):
            raise ValueError(f'{where} must be texts (quote yes, no, on, off and numbers), but got {text!r}')
    return list(entry)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value == ' '.join(value.split()) and bool(value)


def _check_keys(entry: Any, known: set[str], where: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f'{where}: must be a mapping, but got {entry!r}')
    unknown = [key for key in entry if key not in known]
    if unknown:
        raise ValueError(f'{where}: fields must be of {sorted(known)}, but got {unknown[0]!r}')
