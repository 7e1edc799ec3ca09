"""The page's own HTML. Whatever comes from files, metadata or visitors goes through :func:`html.escape`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from mmt2ireid.apis.web.filters import spelled
from mmt2ireid.gallery import Crop, Hit, Value
from mmt2ireid.io.counts import counted

Thumbnail = Callable[[Crop], str]

SCORE = (
    'Score: the cosine similarity of what you search for and the crop, as the model sees both. 1 is the same, 0 has '
    'nothing in common. Compare scores within one search only.'
)
_SHOWN_FIELDS = 3
_TIME = re.compile(r'^(\d{4}-\d\d-\d\d)T(?=\d\d)')


def header(title: str, model: str, crops: int, notes: Sequence[str] = ()) -> str:
    """The top of the page.

    Args:
        title: of the page.
        model: name of the model.
        crops: in the gallery.
        notes: further short facts.
    """
    facts = [f'<b>{crops:,}</b> {"crop" if crops == 1 else "crops"}', f'model <b>{escape(model)}</b>']
    facts += [escape(note) for note in notes]
    chips = ''.join(f'<span class="chip">{fact}</span>' for fact in facts)
    return f'<header class="top"><h1>{escape(title)}</h1><div class="facts">{chips}</div></header>'


def message(kind: str, lines: Sequence[str]) -> str:
    """Words to the visitor.

    Args:
        kind: ``'error'``, ``'note'`` or ``'done'``.
        lines: sentences; none makes no message.
    """
    if not lines:
        return ''
    role = 'alert' if kind == 'error' else 'status'
    if len(lines) == 1:
        return f'<div class="message {kind}" role="{role}">{escape(lines[0])}</div>'
    items = ''.join(f'<li>{escape(line)}</li>' for line in lines)
    return f'<div class="message {kind}" role="{role}"><ul>{items}</ul></div>'


def samples(crops: Sequence[Crop], total: int, thumbnail: Thumbnail) -> str:
    """What is shown before the first search.

    Args:
        crops: some of the gallery's.
        total: how many there are.
        thumbnail: picture of a crop.
    """
    cards = ''.join(_card(crop, '', None, thumbnail) for crop in crops)
    line = f'{len(crops)} of {total:,} crops' if len(crops) < total else f'All {counted(total, "crop")}'
    return (
        f'<section><div class="heading"><h2>The gallery</h2><p>{line}. Describe a person to search them all, or pick a '
        f'crop to see the ones most like it.</p></div><div class="cards">{cards}</div></section>'
    )


def added(crops: Sequence[Crop], total: int, thumbnail: Thumbnail) -> str:
    """Crops that somebody has just added.

    Args:
        crops: the new ones.
        total: how many there are in the gallery now.
        thumbnail: picture of a crop.
    """
    cards = ''.join(_card(crop, '', None, thumbnail) for crop in crops)
    return (
        f'<section><div class="heading"><h2>Added</h2><p>{len(crops)} of now {counted(total, "crop")}. Pick one to see '
        f'the ones most like it.</p></div><div class="cards">{cards}</div></section>'
    )


def results(asked: str, hits: Sequence[Hit], total: int, restricted: str, thumbnail: Thumbnail) -> str:
    """Ranked crops.

    Args:
        asked: what was searched for, in words.
        hits: best first.
        total: crops in the gallery.
        restricted: the filter in words; '' for none.
        thumbnail: picture of a crop.
    """
    kept = f' with <b>{escape(restricted)}</b>' if restricted else ''
    if not hits:
        return (
            f'<section><div class="heading"><h2>{_shortened(asked)}</h2><p>No crop{kept}. '
            'Take a filter away, or widen its range.</p></div></section>'
        )
    line = f'The best {len(hits):,} of {counted(total, "crop")}{kept}. Pick one to see its neighbours.'
    return (
        f'<section><div class="heading"><h2>{_shortened(asked)}</h2><p>{line}</p></div>'
        f'{_grid(hits, thumbnail)}<p class="fine">{SCORE}</p></section>'
    )


def neighbours(crop: Crop, hits: Sequence[Hit], restricted: str, thumbnail: Thumbnail) -> str:
    """A crop and those most like it.

    Args:
        crop: the crop.
        hits: best first.
        restricted: the filter in words; '' for none.
        thumbnail: picture of a crop.
    """
    kept = f' with <b>{escape(restricted)}</b>' if restricted else ''
    facts = [('file', crop.path or crop.id), *((name, _readable(value)) for name, value in crop.metadata.items())]
    rows = ''.join(f'<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>' for name, value in facts)
    found = _grid(hits, thumbnail) if hits else f'<p>No other crop{kept}.</p>'
    return (
        '<section><button type="button" class="back" data-back="1">&larr; Back</button>'
        f'<div class="chosen"><div class="photo large">{_picture(crop, thumbnail)}</div><div><h2>Neighbours</h2>'
        f'<p>The crops{kept} that the model finds most like this one.</p><dl>{rows}</dl></div></div>'
        f'{found}<p class="fine">{SCORE}</p></section>'
    )


def query_picture(address: str, name: str) -> str:
    """The picture that is searched with.

    Args:
        address: of :func:`~mmt2ireid.apis.web.service.picture_address`.
        name: of the file.
    """
    return (
        f'<div class="query"><div class="photo small"><img src="{escape(address)}" alt="picture to search with"></div>'
        f'<span>{escape(name)}</span></div>'
    )


def _grid(hits: Sequence[Hit], thumbnail: Thumbnail) -> str:
    cards = ''.join(_card(hit.crop, str(rank), hit.score, thumbnail) for rank, hit in enumerate(hits, start=1))
    return f'<div class="cards">{cards}</div>'


def _card(crop: Crop, rank: str, score: float | None, thumbnail: Thumbnail) -> str:
    name = (crop.path or crop.id).rsplit('/', 1)[-1]
    known = list(crop.metadata.items())[:_SHOWN_FIELDS]
    tags = ''.join(
        f'<span class="tag" title="{escape(field)}">{escape(_tag(field, value))}</span>' for field, value in known
    )
    told, line = 'crop', ''
    if score is not None:
        told = f'Rank {rank}, score {score:.2f}'
        width = 100 * min(1.0, max(0.0, score))
        line = (
            f'<span class="line"><b>{rank}</b><span class="bar"><i style="width:{width:.1f}%"></i></span>'
            f'<span class="score" title="cosine similarity {score:.4f}">{score:.2f}</span></span>'
        )
    label = f'{told}: {crop.path or crop.id}. Show its neighbours.'
    return (
        f'<button type="button" class="card" data-crop="{escape(crop.id)}" aria-label="{escape(label)}">'
        f'<span class="photo">{_picture(crop, thumbnail)}</span>{line}'
        f'<span class="name" title="{escape(crop.path or crop.id)}">{escape(name)}</span>'
        f'<span class="tags">{tags}</span></button>'
    )


def _tag(field: str, value: Value) -> str:
    """Texts speak for themselves; a number needs its name."""
    return _readable(value) if isinstance(value, str) else f'{field} {spelled(value)}'


def _readable(value: Value) -> str:
    """An ISO time may break between date and time."""
    return _TIME.sub(r'\1 ', spelled(value))


def _picture(crop: Crop, thumbnail: Thumbnail) -> str:
    address = thumbnail(crop)
    return f'<img src="{address}" alt="" loading="lazy">' if address else '<span class="gone">no picture</span>'


def _shortened(text: str, most: int = 160) -> str:
    text = ' '.join(text.split())
    if len(text) <= most:
        return escape(text)
    head = text[: most + 1]
    return escape(f'{head.rpartition(" ")[0].rstrip() or head[:most]} …')
