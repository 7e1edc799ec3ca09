"""Templates made ready to be filled: what vanishes has vanished, lists are joined, capitals are set."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from mmt2ireid.pseudo_text.combine.template_syntax import Blank, Bracket, Listing, Node, blanks_in, parse_template
from mmt2ireid.pseudo_text.combine.templates import Templates
from mmt2ireid.pseudo_text.combine.wording import Key, Wording
from mmt2ireid.pseudo_text.english import capitalised

logger = logging.getLogger(__name__)

PERSON = ''  # the key under which age and gender stand together


@dataclass
class Slot:
    """A blank to be filled.

    Attributes:
        attribute: whose phrase fills it; ``PERSON`` for age and gender together.
        blank: the blank.
        capital: whether it begins a sentence.
        ways: per phrase, the texts that may stand here; filled when a phrase is first met, shared by equal blanks.
    """

    attribute: str
    blank: Blank
    capital: bool
    ways: dict[Key, list[str]] = field(default_factory=dict)


Piece = str | list[str] | Slot  # text, synonyms to choose from, or a blank
Skeleton = list[Piece]


class TemplateCompiler:
    """Checks templates against a catalogue, and makes skeletons of them.

    Args:
        templates: their texts.
        wording: what can be said.

    Raises:
        ValueError: naming template and reason.
    """

    def __init__(self, templates: Templates, wording: Wording) -> None:
        self._templates, self._wording = templates, wording
        self._required = frozenset(wording.catalogue.required)
        self._parsed: list[tuple[Node, ...]] = []
        for number, text in enumerate(templates, 1):
            try:
                nodes = parse_template(text)
                self._check(nodes)
            except ValueError as error:
                where = f'{templates.path}, template' if templates.path else 'template'
                raise ValueError(f'{where} {number}: {error}, in {text!r}') from error
            self._parsed.append(nodes)
        self._add_sentences()
        self._said = [frozenset(self._attributes(nodes)) for nodes in self._parsed]
        self._skeletons: dict[tuple[int, frozenset[str]], Skeleton] = {}
        self._most_telling: dict[frozenset[str], list[int]] = {}
        self._slots: dict[tuple[Blank, bool], Slot] = {}

    def __len__(self) -> int:
        return len(self._parsed)

    def skeleton(self, number: int, present: frozenset[str]) -> Skeleton:
        """A template for a person who has some of the optional attributes.

        Args:
            number: of the template, from 0.
            present: names of the optional attributes that the person has.
        """
        key = (number, present & self._said[number])
        skeleton = self._skeletons.get(key)
        if skeleton is None:
            nodes = self._flatten(self._parsed[number], set(self._required | present))
            skeleton = self._skeletons[key] = self._finish(nodes or [])
        return skeleton

    def most_telling(self, present: frozenset[str]) -> list[int]:
        """Numbers of the templates that say as many of the optional attributes as any template does."""
        if present not in self._most_telling:
            said = [len(present & names) for names in self._said]
            self._most_telling[present] = [number for number, count in enumerate(said) if count == max(said)]
        return self._most_telling[present]

    def _attributes(self, nodes: Sequence[Node]) -> list[str]:
        """Attributes that are said; the number of a phrase (``{bag:is|are}``) says nothing."""
        return [blank.name for blank in blanks_in(nodes) if self._says(blank)]

    def _says(self, blank: Blank) -> bool:
        return blank.name in self._wording.catalogue and not blank.singular

    def _check(self, nodes: Sequence[Node]) -> None:
        for blank in blanks_in(nodes):
            self._wording.check(blank)
        said = self._attributes(nodes)
        blanks = {blank.name for blank in blanks_in(nodes)}
        if blanks & {'person', 'noun'} and self._wording.catalogue.persons is not None:
            said += ['age', 'gender']
        for name in self._required:
            catalogued = self._wording.catalogue[name]
            if said.count(name) != 1 and not catalogued.sentences:
                raise ValueError(f'must say the required attribute {name!r} once, but says it {said.count(name)} times')
        self._check_optional(nodes)

    def _check_optional(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if isinstance(node, Blank) and node.name in self._wording.catalogue and node.name not in self._required:
                raise ValueError(f'{{{node.name}}} must stand in brackets or in a list, for it may be absent')
            if isinstance(node, Listing) and not any(self._is_certain(item) for item in node.items):
                raise ValueError('a list outside of brackets must have an item that every person has')

    def _is_certain(self, item: Sequence[Node]) -> bool:
        for node in item:
            if isinstance(node, Blank) and node.name in self._wording.catalogue and node.name not in self._required:
                return False
            if isinstance(node, Listing) and not any(map(self._is_certain, node.items)):
                return False
        return True

    def _add_sentences(self) -> None:
        """To each template, a sentence for each attribute that no template has a blank for."""
        said = {name for nodes in self._parsed for name in self._attributes(nodes)}
        if self._wording.catalogue.persons is not None:
            said |= {'age', 'gender'}
        unsaid = []
        for name, attribute in self._wording.catalogue.items():
            if name in said:
                continue
            if not attribute.sentences:
                unsaid.append(name)
                continue
            parsed = []
            for text in attribute.sentences:
                nodes = parse_template(text)
                for blank in blanks_in(nodes):
                    self._wording.check(blank)
                if name not in self._attributes(nodes):
                    raise ValueError(f'attribute {name!r}: sentences must each hold {{{name}}}, but got {text!r}')
                parsed.append(Bracket((' ', *nodes)))
            for number, nodes in enumerate(self._parsed):
                self._parsed[number] = (*nodes, parsed[number % len(parsed)])
        if unsaid:
            logger.warning('no template has a blank for %s, and no sentences: captions will not say them', unsaid)

    def _flatten(self, nodes: Sequence[Node], left: set[str]) -> list[str | Blank] | None:
        """Text and blanks; None if something directly in it can't be said. What is said is taken out of ``left``."""
        for node in nodes:
            if isinstance(node, Blank) and node.name in self._wording.catalogue and node.name not in left:
                if node.singular and node.name in self._required:
                    continue
                return None
        flat: list[str | Blank] = []
        for node in nodes:
            if isinstance(node, Bracket):
                flat += self._flatten(node.nodes, left) or []
            elif isinstance(node, Listing):
                items = [item for item in (self._flatten(nodes, left) for nodes in node.items) if item]
                if not items:
                    return None
                flat += self._joined(items)
            else:
                flat.append(node)
                if isinstance(node, Blank) and self._says(node):
                    left.discard(node.name)
        return flat

    def _joined(self, items: list[list[str | Blank]]) -> list[str | Blank]:
        flat = list(items[0])
        for position, item in enumerate(items[1:], 2):
            flat.append(self._templates.last_separator if position == len(items) else self._templates.separator)
            flat += item
        return flat

    def _finish(self, nodes: list[str | Blank]) -> Skeleton:
        """Texts joined, capitals at the beginnings of sentences, tables of ways attached."""
        pieces: Skeleton = []
        before = '. '
        for node in nodes:
            capital = before.endswith('. ')
            if isinstance(node, str):
                node = capitalised(node) if capital else node
                if pieces and isinstance(pieces[-1], str):
                    pieces[-1] += node
                else:
                    pieces.append(node)
                before += node
            else:
                pieces.append(self._piece(node, capital))
                before = ''
        if pieces and isinstance(pieces[-1], str):
            pieces[-1] = pieces[-1].rstrip()
        return pieces

    def _piece(self, blank: Blank, capital: bool) -> Piece:
        wording = self._wording
        if blank.name not in wording.catalogue and not wording.is_about_person(blank):
            return [capitalised(way) if capital else way for way in wording.ways(blank, '')]
        attribute = PERSON if wording.is_about_person(blank) else blank.name
        return self._slots.setdefault((blank, capital), Slot(attribute, blank, capital))
