"""All the ways to say an attribute of a catalogue in a blank of a template."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from mmt2ireid.pseudo_text.combine.synonyms import Synonyms
from mmt2ireid.pseudo_text.combine.template_syntax import Blank
from mmt2ireid.pseudo_text.divide.catalogue import Attribute, Catalogue
from mmt2ireid.pseudo_text.english import mend_article, with_article, without_article

PERSON_BLANKS = ('person', 'noun')
Key = str | tuple[str, ...]


class Wording:
    """Says phrases.

    Args:
        catalogue: the attributes.
        synonyms: other ways to say the same.

    Raises:
        ValueError: a phrase has synonyms in the singular and in the plural.
    """

    def __init__(self, catalogue: Catalogue, synonyms: Synonyms) -> None:
        self.catalogue = catalogue
        self.synonyms = synonyms
        self.english = catalogue.language == 'en'
        persons = catalogue.persons
        self.pronouns = {word for table in persons.pronouns.values() for word in table} if persons else set()
        for name, attribute in catalogue.items():
            for phrase in attribute.phrases:
                self._check_number(name, phrase, self._texts(name, phrase, ''))

    def is_about_person(self, blank: Blank) -> bool:
        """Whether age and gender decide what stands in a blank."""
        return self.catalogue.persons is not None and (blank.name in PERSON_BLANKS or blank.name in self.pronouns)

    def check(self, blank: Blank) -> None:
        """Whether each phrase can be said in a blank.

        Raises:
            ValueError: the blank is unknown or has no forms, or a phrase lacks the form that it asks for.
        """
        name = blank.name
        if self.is_about_person(blank) or (name in self.synonyms.classes and name not in self.catalogue):
            if blank.form or blank.singular:
                raise ValueError(f'{{{name}}} must be without .form and :one|other, which attributes have')
            return
        if name not in self.catalogue:
            known = [*self.catalogue, *PERSON_BLANKS, *sorted(self.pronouns), *self.synonyms.classes]
            raise ValueError(f'{{{name}}} must be one of {known}')
        attribute = self.catalogue[name]
        for phrase in attribute.phrases if blank.form else ():
            if blank.form not in attribute.forms.get(phrase, {}):
                raise ValueError(
                    f'{{{name}.{blank.form}}}: the phrase {phrase!r} of {name!r} must have a form '
                    f'{blank.form!r} in {self.catalogue.path or "the catalogue"}'
                )

    def ways(self, blank: Blank, key: Key) -> list[str]:
        """All texts that may stand in a blank.

        Args:
            blank: the blank.
            key: the phrase of its attribute, with the other attribute's phrase if the two are said together; for
                persons (age, gender); of no meaning for a class of synonyms.

        Raises:
            KeyError: the attribute has no such phrase.
        """
        if self.is_about_person(blank):
            texts = self._person(blank, key)
        elif blank.name not in self.catalogue:
            return list(self.synonyms.classes[blank.name])
        elif blank.singular:
            phrase = key if isinstance(key, str) else key[0]
            plural = self.catalogue.is_plural(self._texts(blank.name, phrase, '')[0])
            return [blank.plural if plural else blank.singular]
        else:
            texts = self._said(blank, key)
        if blank.article == 'bare':
            texts = [without_article(text) for text in texts]
        elif blank.article == 'a' and self.english:
            texts = [with_article(text) for text in texts]
        return list(dict.fromkeys(texts))

    def _person(self, blank: Blank, key: Key) -> list[str]:
        persons = self.catalogue.persons
        assert persons is not None and not isinstance(key, str)
        age, gender = key
        if blank.name in PERSON_BLANKS:
            return (persons.person if blank.name == 'person' else persons.noun)[age, gender]
        return [persons.pronouns[gender][blank.name]]

    def _said(self, blank: Blank, key: Key) -> list[str]:
        if isinstance(key, str):
            return self._texts(blank.name, key, blank.form)
        phrase, other, other_phrase = key
        pattern = self.catalogue[blank.name].objects[phrase][other][blank.form or 'say']
        objects = self._texts(other, other_phrase, '')
        return [text.replace(f'{{{other}}}', thing) for text in self.synonyms.substitutes(pattern) for thing in objects]

    def _texts(self, name: str, phrase: str, form: str) -> list[str]:
        attribute = self.catalogue[name]
        if phrase not in attribute.phrases:
            raise KeyError(phrase)
        forms = attribute.forms.get(phrase, {})
        if form:
            patterns: Sequence[str] = [forms[form]]
        elif attribute.parts:
            patterns = self._compositions(attribute, phrase)
        else:
            patterns = [forms.get('say', phrase)]
        texts = list(itertools.chain.from_iterable(map(self.synonyms.substitutes, patterns)))
        return [self._with_marked_article(text) for text in texts]

    def _compositions(self, attribute: Attribute, phrase: str) -> list[str]:
        values = attribute.split(phrase)
        table = self.synonyms.compositions.get(attribute.name, {})
        patterns = next((table[value] for value in values.values() if value in table), [attribute.compose])
        return [_fill(pattern, values) for pattern in patterns]

    def _with_marked_article(self, text: str) -> str:
        if text.startswith('{a} '):
            text = text.removeprefix('{a} ')
            return with_article(text) if self.english and not self.catalogue.is_plural(text) else text
        return mend_article(text) if self.english else text

    def _check_number(self, name: str, phrase: str, texts: Sequence[str]) -> None:
        plurals = {self.catalogue.is_plural(text) for text in texts}
        if len(plurals) > 1:
            raise ValueError(
                f'{self.synonyms.path or "synonyms"}: the synonyms of {phrase!r} of {name!r} must be all singular or '
                f'all plural (see plurals in {self.catalogue.path or "the catalogue"}), but got {sorted(set(texts))}'
            )


def _fill(pattern: str, values: dict[str, str]) -> str:
    for part, value in values.items():
        pattern = pattern.replace(f'{{{part}}}', value)
    return pattern
