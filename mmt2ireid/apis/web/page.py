"""What calls what on the page. Imports Gradio; the answers are in ``handlers.py``, the parts in ``layout.py``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import gradio as gr

from mmt2ireid.apis.web import cards, layout, style
from mmt2ireid.apis.web.blocks import Blocks
from mmt2ireid.apis.web.filters import filters_of
from mmt2ireid.apis.web.handlers import Answer, Handlers
from mmt2ireid.apis.web.service import SearchService
from mmt2ireid.gallery import Hit, Where

TITLE = 'Find a person'
EXAMPLES = (
    'A woman in a red coat and black trousers',
    'A man with a backpack and blue jeans',
    'Somebody in yellow, riding a bicycle',
    'A girl with long blonde hair in a white dress',
)
# Programs have their own calls (_offer_calls); answers of both share one bounded queue.
_EVENT: dict[str, Any] = dict(api_visibility='private', concurrency_id='answers', show_progress='minimal')
# One at a time, and apart from the others: a picture that takes long to decode holds no search up.
_PICTURE: dict[str, Any] = {**_EVENT, 'concurrency_id': 'pictures', 'concurrency_limit': 1}
_QUIET: dict[str, Any] = dict(api_visibility='private', concurrency_id='quiet', show_progress='hidden')
_Value = TypeVar('_Value')


def build_page(
    service: SearchService,
    *,
    model: str,
    title: str = TITLE,
    examples: Sequence[str] = EXAMPLES,
    notes: Sequence[str] = (),
) -> gr.Blocks:
    """Builds the page.

    Args:
        service: what it can do.
        model: name of the model, for the header.
        title: of the page.
        examples: descriptions to try.
        notes: further facts for the header.

    Returns:
        The page; :func:`~mmt2ireid.apis.web.serving.serve` shows it.
    """
    filters = filters_of(service.searcher.fields())
    handlers = Handlers(service, filters)

    def top() -> str:
        return cards.header(title, model, len(service), notes)

    with Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=(600, 3600)) as page:
        _offer_calls(service)  # first: names of calls are given once, and these are for programs
        header = gr.HTML(top())
        with gr.Row(elem_id='layout'):
            with gr.Column(elem_id='panel'):
                query = layout.query(examples, service.limits)
                form = layout.form(filters, service.limits)
                adding = layout.adding(service.limits) if service.allow_add else None
            with gr.Column(elem_id='found'):
                found = layout.found(handlers.start(), service.limits)
        _connect_search(handlers, query, form, found)
        _connect_picture(handlers, query, form, found)
        _connect_results(handlers, form, found)
        for button, example in zip(query.tries, examples, strict=True):
            _connect_example(handlers, query, form, found, button, example)
        if adding is not None:
            _connect_adding(handlers, adding, found, header, top)
        page.load(lambda: [top(), handlers.start()], None, [header, found.results], **_QUIET)
        if form.opened is not None:  # on a narrow window it would stand between the query and the results
            page.load(lambda wide: gr.Accordion(open=bool(wide)), form.is_wide, form.opened, js=style.IS_WIDE, **_QUIET)
    page.queue(max_size=service.limits.max_waiting, default_concurrency_limit=2, api_open=False)
    return page


def _connect_search(handlers: Handlers, query: layout.Query, form: layout.Form, found: layout.Found) -> None:
    for ask in (query.text.submit, query.button.click):
        ask(_shown(handlers.search), _asked(query, form), found.all, **_EVENT).then(None, js=style.TO_RESULTS)


def _connect_example(
    handlers: Handlers, query: layout.Query, form: layout.Form, found: layout.Found, button: gr.Button, example: str
) -> None:
    filled = button.click(lambda: example, None, query.text, **_QUIET)
    searched = filled.then(_shown(handlers.search), _asked(query, form), found.all, **_EVENT)
    searched.then(None, js=style.TO_RESULTS)


def _connect_picture(handlers: Handlers, query: layout.Query, form: layout.Form, found: layout.Found) -> None:
    parts = [query.picture, query.shown, query.remove, query.weight, query.file, found.message]

    def take(path: str | None) -> list[Any]:
        taken, html, words = handlers.take_picture(path)
        there = taken is not None
        switched = [gr.HTML(html, visible=there), gr.Button(visible=there), gr.Slider(visible=there)]
        return [taken, *switched, gr.File(None, visible=not there), words]

    def search(text: str, picture: Any, *values: Any) -> list[Any]:
        # What was wrong with the picture stands there already.
        return [gr.skip()] * 3 if picture is None else _shown(handlers.search)(text, picture, *values)

    taken = query.file.upload(take, query.file, parts, **_PICTURE)
    taken.then(search, _asked(query, form), found.all, **_EVENT).then(None, js=style.TO_RESULTS)
    query.remove.click(lambda: take(None), None, parts, **_QUIET)


def _connect_results(handlers: Handlers, form: layout.Form, found: layout.Found) -> None:
    def pick(event: gr.EventData, *values: Any) -> list[Any]:
        return _shown(handlers.neighbours)(event._data.get('crop', ''), *values)

    for part in (found.results, found.chosen):
        part.select(pick, [form.top_k, *form.entries], found.all, **_EVENT).then(None, js=style.TO_RESULTS)
    found.chosen.click(lambda: ['', gr.HTML(visible=True), gr.HTML(visible=False)], None, found.all, **_QUIET)


def _connect_adding(
    handlers: Handlers, adding: layout.Adding, found: layout.Found, header: gr.HTML, top: Callable[[], str]
) -> None:
    def add(paths: list[str] | None) -> list[Any]:
        return [*_shown(handlers.add)(paths), gr.File(None), top()]

    added = adding.button.click(add, adding.files, [*found.all, adding.files, header], **_PICTURE)
    added.then(None, js=style.TO_RESULTS)


def _asked(query: layout.Query, form: layout.Form) -> list[Any]:
    return [query.text, query.picture, query.weight, form.top_k, *form.entries]


def _shown(answers: Callable[..., Answer]) -> Callable[..., list[Any]]:
    """An answer as updates of :class:`~mmt2ireid.apis.web.layout.Found`; neighbours take the place of the results."""

    def shown(*values: Any) -> list[Any]:
        answer = answers(*values)
        if answer.results is None and answer.chosen is None:
            return [answer.message, gr.skip(), gr.skip()]
        if answer.chosen is not None:
            return [answer.message, gr.HTML(visible=False), gr.HTML(answer.chosen, visible=True)]
        return [answer.message, gr.HTML(answer.results, visible=True), gr.HTML('', visible=False)]

    return shown


def _offer_calls(service: SearchService) -> None:
    """The same for programs: ``gradio_client.Client(address).predict(text, api_name='/search')``."""

    def crops(hits: Sequence[Hit]) -> list[dict[str, Any]]:
        return [dict(id=hit.crop.id, score=hit.score, metadata=dict(hit.crop.metadata)) for hit in hits]

    def search(text: str, top_k: int = layout.RESULTS, where: list[str] | None = None) -> list[dict[str, Any]]:
        """Finds crops by a description; ``where`` has conditions such as camera=c1,c2."""
        return _answered(lambda: crops(service.search(text, top_k=top_k, where=Where.parse(where or []))))

    def neighbours(crop: str, top_k: int = layout.RESULTS) -> list[dict[str, Any]]:
        """Finds the crops that are most like one of the gallery."""
        return _answered(lambda: crops(service.neighbours(crop, top_k)[1]))

    gr.api(search, api_name='search', concurrency_id='answers')
    gr.api(neighbours, api_name='neighbours', concurrency_id='answers')


def _answered(answer: Callable[[], _Value]) -> _Value:
    try:
        return answer()
    except (ValueError, TypeError) as error:
        raise gr.Error(str(error), print_exception=False) from error
