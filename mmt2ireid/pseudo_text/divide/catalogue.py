"""Divide: the catalogue of attributes that a person may have, and the phrases for them (UniPT, section 3.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mmt2ireid.pseudo_text.data_folder import DATA
from mmt2ireid.pseudo_text.english import with_article
from mmt2ireid.text.yaml_files import digest_of, read_yaml


@dataclass(frozen=True)
class Attribute:
    """Something that can be said about a person.

    Attributes:
        name: such as ``upper clothes``.
        required: whether every person has it. An optional one is kept where it is found with confidence.
        phrases: the ways it can be, such as ``a blue striped shirt``.
        negative: of an optional attribute, the phrase for a person who has none of it: ``a person without a bag``.
        prompts: what the image is compared with, patterns with one ``{}`` for a phrase, ``{a} {}`` with its
            article; their embeddings are averaged.
        negative_prompts: the same for the negative phrase.
        parts: of an attribute that is composed, such as colour x pattern x garment: the words of each part.
        compose: how its parts are put together, such as ``{a} {colour} {pattern} {garment}``.
        forms: per phrase, what it is called in other places of a sentence: ``{'walking': {'finite': 'walks'}}``.
        objects: per phrase, the forms it takes together with another attribute:
            ``{'riding': {'vehicle': {'say': 'riding {vehicle}', 'finite': 'rides {vehicle}'}}}``.
        sentences: ways to say it where a template has no blank for it.
        part_values: per composed phrase, its parts.
    """

    name: str
    required: bool
    phrases: list[str]
    negative: str | None = None
    prompts: tuple[str, ...] = ('A photo of a person {}',)
    negative_prompts: tuple[str, ...] = ('A photo of {}',)
    parts: Mapping[str, list[str]] = field(default_factory=dict)
    forms: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    objects: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()
    compose: str = ''
    part_values: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)

    @property
    def choices(self) -> list[str]:
        """What a scorer chooses from: the phrases, then the negative one of an optional attribute."""
        return self.phrases if self.negative is None else [*self.phrases, self.negative]

    def prompt_texts(self) -> list[tuple[str, ...]]:
        """For each choice, its prompts in full."""
        texts = [_prompts(self.prompts, phrase) for phrase in self.phrases]
        return texts if self.negative is None else [*texts, _prompts(self.negative_prompts, self.negative)]

    def split(self, phrase: str) -> dict[str, str]:
        """The parts of a composed phrase: ``{'colour': 'blue', 'pattern': 'striped', 'garment': 'shirt'}``.

        Raises:
            KeyError: the attribute is not composed, or the phrase is not one of its.
        """
        return dict(self.part_values[phrase])


@dataclass(frozen=True)
class Persons:
    """How a person is called, by age and gender together: nobody is a middle-aged kid.

    Attributes:
        pronouns: per gender, the pronouns that templates use: ``{'man': {'he': 'he', 'his': 'his', 'him': 'him'}}``.
        person: per (age, gender), names that tell the age: ``['young man']``.
        noun: per (age, gender), names that need not: ``['man']``.
    """

    pronouns: Mapping[str, Mapping[str, str]]
    person: Mapping[tuple[str, str], list[str]]
    noun: Mapping[tuple[str, str], list[str]]


class Catalogue(Mapping[str, Attribute]):
    """The attributes by name, in the order of their file.

    Args:
        attributes: what can be said.
        persons: how persons are called; None where the catalogue has no table for it.
        language: code of the language, such as ``en``: which rules of grammar hold.
        plurals: nouns that take no ``a`` and a verb in the plural.
        digest: SHA-256 of the content.
        path: the file it was read from, for messages.
    """

    def __init__(
        self,
        attributes: Mapping[str, Attribute],
        *,
        persons: Persons | None = None,
        language: str = 'en',
        plurals: frozenset[str] = frozenset(),
        digest: str = '',
        path: str = '',
    ) -> None:
        self._attributes = MappingProxyType(dict(attributes))
        self.persons = persons
        self.language = language
        self.plurals = plurals
        self.digest = digest
        self.path = path

    def __getitem__(self, name: str) -> Attribute:
        return self._attributes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes)

    def __len__(self) -> int:
        return len(self._attributes)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, '_attributes': dict(self._attributes)}

    @property
    def required(self) -> list[str]:
        """Names of the attributes that every person has."""
        return [name for name, attribute in self.items() if attribute.required]

    @property
    def optional(self) -> list[str]:
        """Names of the others."""
        return [name for name, attribute in self.items() if not attribute.required]

    def is_plural(self, phrase: str) -> bool:
        """Whether a phrase names a plural, such as ``black jeans``: its last word decides."""
        return phrase.rsplit(' ', 1)[-1] in self.plurals


def _prompts(patterns: tuple[str, ...], phrase: str) -> tuple[str, ...]:
    return tuple(pattern.replace('{a} {}', with_article(phrase)).replace('{}', phrase) for pattern in patterns)


def load_catalogue(path: str | Path | None = None) -> Catalogue:
    """The attributes of a catalogue file.

    Args:
        path: a YAML file; None for the 14 attributes of LUPerson-T. The format is told at the head of
            ``pseudo_text/data/catalogue.yaml``.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is bad; the message names file, attribute and reason.
    """
    from mmt2ireid.pseudo_text.divide.catalogue_file import parse_catalogue

    path = DATA / 'catalogue.yaml' if path is None else Path(path)
    content = read_yaml(path)
    return parse_catalogue(content, str(path), digest_of(content))
