"""What the documents tell users to write works as written."""

from __future__ import annotations

import re
from pathlib import Path

from mmt2ireid.pseudo_text import CaptionComposer, find_defects, load_catalogue, load_templates

DOCS = Path(__file__).parents[1] / 'docs'


def blocks(document: str, language: str) -> list[str]:
    """Code blocks of a document."""
    return re.findall(rf'```{language}\n(.*?)```', (DOCS / document).read_text(), re.DOTALL)


def test_the_attribute_of_the_page_can_be_added(tmp_path):
    (attribute,) = blocks('pseudo_texts.md', 'yaml')
    standard = Path(load_catalogue().path).read_text()
    path = tmp_path / 'my_catalogue.yaml'
    path.write_text(standard.replace('\npersons:', f'\n{attribute}\npersons:'))
    catalogue = load_catalogue(path)
    assert len(catalogue) == 15
    composer = CaptionComposer(catalogue, load_templates())
    required = {name: catalogue[name].phrases[0] for name in catalogue.required}
    for number, shoes in enumerate(catalogue['shoes'].phrases * 20):
        caption = composer.compose(str(number), {**required, 'shoes': shoes})
        assert shoes in caption and not find_defects(caption)


def test_the_python_of_the_page_runs():
    scope: dict = {}
    exec(blocks('pseudo_texts.md', 'python')[-1], scope)
    assert 'hair' in scope['caption']
