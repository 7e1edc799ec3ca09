"""Combine: the templates, sentences with blanks (UniPT, section 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmt2ireid.pseudo_text.combine.template_syntax import parse_template
from mmt2ireid.pseudo_text.data_folder import DATA
from mmt2ireid.text.yaml_files import read_yaml


class Templates(Sequence[str]):
    """The texts of templates, and what goes for all of them.

    Args:
        texts: the templates.
        lengths: fewest and most words of a caption.
        separator, last_separator: of lists.
        path: the file they were read from, for messages.
    """

    def __init__(
        self,
        texts: Sequence[str],
        *,
        lengths: tuple[int, int] = (13, 39),
        separator: str = ', ',
        last_separator: str = ' and ',
        path: str = '',
    ) -> None:
        self.texts = tuple(texts)
        self.lengths, self.separator, self.last_separator, self.path = lengths, separator, last_separator, path

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index):  # type: ignore[no-untyped-def, override]
        return self.first(range(len(self))[index]) if isinstance(index, slice) else self.texts[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Templates) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash(self.texts)

    def first(self, numbers: Sequence[int] | int) -> Templates:
        """Some of the templates: the first so many, or those of the numbers.

        Raises:
            ValueError: there are not so many, or none are wanted.
        """
        if isinstance(numbers, int):
            if not 1 <= numbers <= len(self):
                raise ValueError(f'templates must be 1 to {len(self)}, but got {numbers}')
            numbers = range(numbers)
        return Templates(
            [self.texts[number] for number in numbers],
            lengths=self.lengths, separator=self.separator, last_separator=self.last_separator, path=self.path,
        )  # fmt: skip


def load_templates(path: str | Path | None = None) -> Templates:
    """The templates of a file.

    Args:
        path: a YAML file; None for the 456 of this project. ``load_templates()[:228]`` are half of them, with their
            share of each pattern of sentences (UniPT, Figure 6).

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is bad; the message names file, template and reason.
    """
    path = DATA / 'templates.yaml' if path is None else Path(path)
    content = read_yaml(path)
    texts = content.get('templates')
    known = {'templates', 'lengths', 'separator', 'last_separator'}
    if unknown := sorted(map(str, set(content) - known)):
        raise ValueError(f'{path}: fields must be of {sorted(known)}, but got {unknown[0]!r}')
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError(f'{path}: templates must be a list of texts')
    repeated = [text for number, text in enumerate(texts) if text in texts[:number]]
    if repeated:
        raise ValueError(f'{path}: templates must differ, but {repeated[0]!r} stands there twice')
    for number, text in enumerate(texts, 1):
        try:
            parse_template(text)
        except ValueError as error:
            raise ValueError(f'{path}, template {number}: {error}') from error
    lengths = content.get('lengths', [1, 1000])
    if not (isinstance(lengths, list) and len(lengths) == 2 and all(type(n) is int for n in lengths)) or not (
        1 <= lengths[0] <= lengths[1]
    ):
        raise ValueError(f'{path}: lengths must be two whole numbers, fewest and most words, but got {lengths!r}')
    separators = {key: content.get(key, default) for key, default in (('separator', ', '), ('last_separator', ' and '))}
    for key, value in separators.items():
        if not isinstance(value, str):
            raise ValueError(f'{path}: {key} must be a text, but got {value!r}')
    return Templates(texts, lengths=(lengths[0], lengths[1]), path=str(path), **separators)
