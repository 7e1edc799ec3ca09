"""What stands where on the page. Imports Gradio; the looks are in ``style.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from mmt2ireid.apis.web import style
from mmt2ireid.apis.web.filters import Filter
from mmt2ireid.apis.web.limits import PageLimits

RESULTS = 12
"""Crops that a search shows at first."""


@dataclass(frozen=True)
class Query:
    """What is searched for.

    Attributes:
        text: a description.
        button: searches.
        tries: one per example.
        picture: state, a :class:`~mmt2ireid.apis.web.handlers.QueryPicture` or None.
        file: takes a picture.
        shown: the picture taken.
        remove: takes it away.
        weight: of the text beside the picture.
    """

    text: gr.Textbox
    button: gr.Button
    tries: list[gr.Button]
    picture: gr.State
    file: gr.File
    shown: gr.HTML
    remove: gr.Button
    weight: gr.Slider


@dataclass(frozen=True)
class Form:
    """What searches are restricted by.

    Attributes:
        entries: of the filters, in the order of :func:`~mmt2ireid.apis.web.filters.where_of`.
        opened: holds them; None where there are none.
        is_wide: filled in by the browser.
        top_k: how many crops.
    """

    entries: list[Any]
    opened: gr.Accordion | None
    is_wide: gr.Checkbox
    top_k: gr.Slider


@dataclass(frozen=True)
class Found:
    """What a search gives.

    Attributes:
        message: words.
        results: ranked crops.
        chosen: a crop with its neighbours.
    """

    message: gr.HTML
    results: gr.HTML
    chosen: gr.HTML

    @property
    def all(self) -> list[gr.HTML]:
        """All of them."""
        return [self.message, self.results, self.chosen]


@dataclass(frozen=True)
class Adding:
    """What adds crops.

    Attributes:
        files: takes pictures.
        button: adds them.
    """

    files: gr.File
    button: gr.Button


def query(examples: Sequence[str], limits: PageLimits) -> Query:
    """The part that says what is searched for.

    Args:
        examples: descriptions to try.
        limits: of the page.
    """
    text = gr.Textbox(
        label='Describe the person',
        placeholder='a woman in a red coat …',
        lines=1,  # then Enter searches
        max_lines=6,
        elem_id='description',
        autofocus=True,
    )
    button = gr.Button('Search', variant='primary', elem_id='search')
    with gr.Row(elem_id='examples'):
        tries = [gr.Button(example, size='sm') for example in examples]
    return Query(
        text=text,
        button=button,
        tries=tries,
        picture=gr.State(None, time_to_live=limits.kept_s),
        file=gr.File(label='and / or a picture of the person', elem_id='picture_file', height=96),
        shown=gr.HTML(visible=False, elem_id='picture'),
        remove=gr.Button('Remove the picture', size='sm', visible=False, elem_id='remove_picture'),
        weight=gr.Slider(0, 1, value=0.5, step=0.05, label='Weight of the words', visible=False, elem_id='weight'),
    )


def form(filters: Sequence[Filter], limits: PageLimits) -> Form:
    """The part that says what searches are restricted by.

    Args:
        filters: of the gallery's metadata.
        limits: of the page.
    """
    opened, entries = None, []
    is_wide = gr.Checkbox(visible=False)
    if filters:
        names = ', '.join(entry.name for entry in filters[:3]) + (' …' if len(filters) > 3 else '')
        with gr.Accordion(f'Filter by {names}', open=False, elem_id='filters') as opened:
            entries = [component for entry in filters for component in _entries(entry)]
    top_k = gr.Slider(
        1, limits.max_results, value=min(RESULTS, limits.max_results), step=1, label='Results', elem_id='top_k'
    )
    return Form(entries, opened, is_wide, top_k)


def adding(limits: PageLimits) -> Adding:
    """The part that adds crops.

    Args:
        limits: of the page.
    """
    with gr.Accordion('Add crops to the gallery', open=False, elem_id='adding'):
        gr.HTML(
            f'<p>Pictures of one person each, at most {limits.max_uploads} at once and {limits.max_upload_mb:g} MiB '
            'each. They are kept in the gallery, and everybody who uses this page finds them.</p>',
            elem_classes='hint',
        )
        files = gr.File(label='Crops', file_count='multiple', elem_id='add_files', height=120)
        return Adding(files, gr.Button('Add to the gallery', elem_id='add'))


def found(start: str, limits: PageLimits) -> Found:
    """The part that shows crops.

    Args:
        start: what is shown before the first search.
        limits: of the page.
    """
    return Found(
        gr.HTML(elem_id='message', js_on_load=style.too_large(limits.max_upload_bytes)),
        gr.HTML(start, elem_id='results', js_on_load=style.PICK),
        gr.HTML(visible=False, elem_id='neighbours', js_on_load=style.PICK),
    )


def _entries(entry: Filter) -> list[Any]:
    if entry.kind == 'few':
        return [gr.CheckboxGroup(entry.choices, label=entry.name)]
    if entry.kind == 'many':
        return [gr.Dropdown(entry.choices, label=entry.name, multiselect=True, value=[])]
    with gr.Row():
        return [
            gr.Textbox(label=f'{entry.name} {side}', placeholder=str(end), max_lines=1, min_width=120)
            for side, end in zip(('from', 'to'), entry.values, strict=True)
        ]
