"""Combine: from the attributes of a person to a caption (UniPT, section 3.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from mmt2ireid.pseudo_text.combine.skeleton import PERSON, Skeleton, Slot, TemplateCompiler
from mmt2ireid.pseudo_text.combine.synonyms import Synonyms, load_synonyms
from mmt2ireid.pseudo_text.combine.templates import Templates
from mmt2ireid.pseudo_text.combine.wording import Key, Wording
from mmt2ireid.pseudo_text.divide.catalogue import Catalogue
from mmt2ireid.pseudo_text.english import capitalised
from mmt2ireid.text.yaml_files import digest_of

_DRAWS = 32  # templates tried for a caption of the wanted length


class CaptionComposer:
    """Writes captions: draws a template, fills its blanks, substitutes synonyms.

    What is drawn depends on (seed, image id, index) only, so a caption is the same in whatever order, shard or process
    it is written. Age and gender are said together, by the catalogue's table of persons.

    Args:
        catalogue: the attributes.
        templates: texts of templates, see :mod:`mmt2ireid.pseudo_text.combine.template_syntax`.
        seed: of all draws.
        synonyms: None for the table of this project.
        say_most: draw among the templates that say most of the optional attributes that a person has. By default it is
            drawn among all, as in the paper, and what the template has no blank for is not said.

    Raises:
        ValueError: there are no templates; one does not say a required attribute exactly once, asks for what there is
            not, or has an optional attribute outside of brackets; an attribute can't be said; the message names it.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        templates: Sequence[str],
        seed: int = 0,
        *,
        synonyms: Synonyms | None = None,
        say_most: bool = False,
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise ValueError(f'seed must be a whole number, but got {seed!r}')
        self.catalogue = catalogue
        self.templates = templates if isinstance(templates, Templates) else Templates(templates)
        if not self.templates:
            raise ValueError('templates must hold at least one, but got none')
        self.seed = seed
        self.say_most = say_most
        self.synonyms = load_synonyms() if synonyms is None else synonyms
        self._wording = Wording(catalogue, self.synonyms)
        self._compiler = TemplateCompiler(self.templates, self._wording)
        self._all = range(len(self.templates))
        self._joint = {
            name: attribute.objects
            for name, attribute in catalogue.items()
            if any(attribute.objects.get(phrase) for phrase in attribute.phrases)
        }
        self._required = frozenset(catalogue.required)
        self._phrases = {name: frozenset(attribute.phrases) for name, attribute in catalogue.items()}

    @property
    def digest(self) -> str:
        """SHA-256 of templates, synonyms and options: with the catalogue's and the seed, it tells composers apart."""
        templates, table = self.templates, self.synonyms
        return digest_of([
            list(templates), list(templates.lengths), templates.separator, templates.last_separator,
            table.words, table.compositions, table.classes, self.say_most,
        ])  # fmt: skip

    def compose(self, image_id: str, attributes: Mapping[str, str | None], index: int = 0) -> str:
        """A caption.

        Args:
            image_id: whatever names the image.
            attributes: a phrase of the catalogue for each required attribute, and for any of the others; an optional
                one that is None is absent.
            index: number of the caption among those of the image.

        Raises:
            ValueError: a required attribute is missing, or an attribute or phrase is not in the catalogue.
        """
        keys, present = self._read(attributes)
        shortest, longest = self.templates.lengths
        candidates = self._compiler.most_telling(present) if self.say_most else self._all
        best, distance = '', 0
        for draw in range(_DRAWS):
            number = self._number(f'{self.seed}/{index}/{draw}/{image_id}')
            number, chosen = divmod(number, len(candidates))
            text = self._fill(self._compiler.skeleton(candidates[chosen], present), keys, number)
            words = text.count(' ') + 1
            if shortest <= words <= longest:
                return text
            away = max(shortest - words, words - longest)
            if not best or away < distance:
                best, distance = text, away
        return best

    def compose_all(self, image_id: str, attributes: Mapping[str, str | None], count: int) -> list[str]:
        """Several captions of an image, all different as far as there are so many.

        Raises:
            ValueError: as :meth:`compose`; or ``count`` is not positive.
        """
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f'count must be a whole number of at least 1, but got {count!r}')
        if count == 1:
            return [self.compose(image_id, attributes)]
        captions: dict[str, None] = {}
        for index in range(count + _DRAWS):
            captions[self.compose(image_id, attributes, index)] = None
            if len(captions) == count:
                return list(captions)
        repeated = [self.compose(image_id, attributes, index) for index in range(count - len(captions))]
        return [*captions, *repeated]

    @staticmethod
    def _number(key: str) -> int:
        """512 random bits, which choices are taken from: several times faster than a seeded generator."""
        return int.from_bytes(hashlib.blake2b(key.encode('utf-8', 'surrogatepass')).digest(), 'little')

    def _read(self, attributes: Mapping[str, str | None]) -> tuple[dict[str, Key], frozenset[str]]:
        """What fills the blanks of each attribute, and which optional attributes are there to be said."""
        keys: dict[str, Key] = {name: phrase for name, phrase in attributes.items() if phrase is not None}
        missing = self._required - keys.keys()
        unknown = keys.keys() - self.catalogue.keys()
        if missing or unknown:
            raise ValueError(
                f'attributes must hold a phrase for each of {sorted(self._required)} and for others of the catalogue '
                f'only, but {sorted(missing)} are missing and {sorted(unknown, key=str)} unknown'
            )
        for name, phrase in keys.items():
            if not isinstance(phrase, str) or phrase not in self._phrases[name]:
                raise ValueError(f'{name} must be one of the phrases of the catalogue, but got {phrase!r}')
        present = keys.keys() - self._required
        for name, objects in self._joint.items():
            phrase = attributes.get(name) or ''
            other = next((other for other in objects.get(phrase, ()) if other in present), None)
            if other is not None:
                keys[name] = (phrase, other, attributes[other] or '')
                present.discard(other)
        if self.catalogue.persons is not None:
            keys[PERSON] = (attributes['age'] or '', attributes['gender'] or '')
        return keys, frozenset(present)

    def _fill(self, skeleton: Skeleton, keys: Mapping[str, Key], number: int) -> str:
        pieces = []
        for piece in skeleton:
            if isinstance(piece, str):
                pieces.append(piece)
                continue
            if isinstance(piece, Slot):
                key = keys[piece.attribute]
                ways = piece.ways.get(key) or self._remember(piece, key)
            else:
                ways = piece
            number, way = divmod(number, len(ways))
            pieces.append(ways[way])
        return ''.join(pieces)

    def _remember(self, slot: Slot, key: Key) -> list[str]:
        """The texts for a phrase in a blank, made when they are first needed."""
        ways = self._wording.ways(slot.blank, key)
        slot.ways[key] = [capitalised(way) for way in ways] if slot.capital else ways
        return slot.ways[key]
