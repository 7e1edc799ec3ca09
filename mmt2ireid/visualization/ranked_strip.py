"""Ranked strips: a query text and the crops found for it, right ones framed green, wrong ones red."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from mmt2ireid.visualization.crops import Picture, opaque_crop
from mmt2ireid.visualization.lettering import SANS, SERIF, SERIF_BOLD, fit_quotation, load_font

# The longest that has room.
_TITLES = ('Found in the gallery, best first', 'Found', '')
_LEGEND = ('the same person', 'another person')
PAIRED_SIGN, UNPAIRED_SIGN = '★', '✓'


@dataclass(frozen=True)
class StripRow:
    """One query and what was found for it.

    Attributes:
        query_text: the caption.
        images: crops in the order of their ranks, PIL images or uint8 arrays (H, W, 3), of any size.
        scores: similarity of each crop.
        hits: whether each crop shows the person that is meant.
        query_image: the crop that the caption was written for.
        paired: whether each crop is the very one that the caption was written for. Where it is given, that crop is
            framed as :attr:`StripStyle.paired`, other right ones as :attr:`StripStyle.unpaired`, wrong ones thinly.
        query_note: a few letters below ``query_image``.
    """

    query_text: str
    images: Sequence[Picture]
    scores: Sequence[float]
    hits: Sequence[bool]
    query_image: Picture | None = None
    paired: Sequence[bool] | None = None
    query_note: str = ''

    def __post_init__(self) -> None:
        lengths = len(self.images), len(self.scores), len(self.hits)
        if len(set(lengths)) > 1 or not lengths[0]:
            raise ValueError(f'images, scores and hits must be equally many and not empty, but got {lengths}')
        if self.paired is not None and len(self.paired) != len(self.hits):
            raise ValueError(f'paired must have {len(self.hits)} entries, but got {len(self.paired)}')


@dataclass(frozen=True)
class StripStyle:
    """Sizes in pixels (drawn at ``dpi``) and colours."""

    crop_width: int = 128
    crop_height: int = 256
    frame: int = 7
    gap: int = 22
    text_width: int = 540
    margin: int = 36
    row_gap: int = 34
    text_sizes: tuple[int, int] = (34, 22)
    label_size: int = 25
    header_size: int = 31
    dpi: int = 200
    hit: str = '#1b9e4b'
    miss: str = '#d7301f'
    paired: str = '#d7301f'
    unpaired: str = '#2166ac'
    ink: str = '#1a1a1a'
    faint: str = '#6b6b6b'
    rule: str = '#c8c8c8'

    @property
    def cell_width(self) -> int:
        """A crop with its frame."""
        return self.crop_width + 2 * self.frame

    @property
    def cell_height(self) -> int:
        """A crop with its frame and the label below."""
        return self.crop_height + 2 * self.frame + round(1.5 * self.label_size)


def draw_ranked_strip(
    query_text: str,
    images: Sequence[Picture],
    scores: Sequence[float],
    hits: Sequence[bool],
    *,
    query_image: Picture | None = None,
    style: StripStyle | None = None,
) -> Image.Image:
    """Draws one query: its text at the left, then its own crop if given, then the crops found.

    All crops are brought to one size, as the models see them. Arguments as in :class:`StripRow`.

    Returns:
        An RGB picture on white.

    Raises:
        ValueError: images, scores and hits are not equally many, or none.
    """
    row = StripRow(query_text, images, scores, hits, query_image)
    return render_ranked_strips([row], style=style)


def draw_ranked_strips(
    rows: Sequence[StripRow], path: str | Path, *, style: StripStyle | None = None, header: bool = True
) -> Path:
    """Draws several queries below each other and writes the picture, whole or not at all.

    Args:
        rows: the queries.
        path: file to write; its ending says the format (.png, .jpg, .pdf).
        style: sizes and colours.
        header: whether a line at the top names the columns and the colours.

    Returns:
        ``path``.

    Raises:
        ValueError: no rows, or an ending that Pillow does not know.
    """
    if not rows:
        raise ValueError('rows must not be empty')
    path, style = Path(path), style or StripStyle()
    file_format = picture_format(path)
    picture = render_ranked_strips(rows, style=style, header=header)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}')
    try:
        picture.save(temporary, format=file_format, dpi=(style.dpi, style.dpi), resolution=style.dpi, quality=95)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def picture_format(path: str | Path) -> str:
    """Pillow's name of the format in which a picture is written.

    Args:
        path: file to write.

    Raises:
        ValueError: its ending is none that Pillow writes.
    """
    file_format = Image.registered_extensions().get(Path(path).suffix.lower())
    if file_format not in Image.SAVE:
        raise ValueError(f'path must end in the name of a picture format, such as .png, but got {path}')
    return file_format


@dataclass(frozen=True)
class _Columns:
    """Left edges of the columns, and the width of the picture."""

    text: int
    query: int | None
    found: int
    width: int


def _columns(rows: Sequence[StripRow], style: StripStyle) -> _Columns:
    left = style.margin + style.text_width + style.margin
    query = None
    if any(row.query_image is not None for row in rows):
        query, left = left, left + style.cell_width + 2 * style.gap
    most = max(len(row.images) for row in rows)
    width = left + most * (style.cell_width + style.gap) - style.gap + style.margin
    return _Columns(style.margin, query, left, width)


def render_ranked_strips(
    rows: Sequence[StripRow], *, style: StripStyle | None = None, header: bool = False
) -> Image.Image:
    """Draws several queries below each other.

    Args:
        rows: the queries, at least one.
        style: sizes and colours.
        header: whether a line at the top names the columns and the colours of right and wrong crops.

    Returns:
        An RGB picture on white.
    """
    style = style or StripStyle()
    columns = _columns(rows, style)
    top = style.margin + (round(2.4 * style.header_size) if header else 0)
    step = style.cell_height + style.row_gap
    picture = Image.new('RGB', (columns.width, top + step * len(rows) - style.row_gap + style.margin), 'white')
    canvas = ImageDraw.Draw(picture)
    if header:
        _draw_header(canvas, columns, style)
    for number, row in enumerate(rows):
        if number:
            line = top + number * step - style.row_gap // 2 - 2
            canvas.line((style.margin, line, columns.width - style.margin, line), fill=style.rule, width=2)
        _draw_row(picture, canvas, row, columns, top + number * step, style)
    return picture


def _draw_row(
    picture: Image.Image, canvas: ImageDraw.ImageDraw, row: StripRow, columns: _Columns, top: int, style: StripStyle
) -> None:
    height = style.crop_height + 2 * style.frame
    block = fit_quotation(row.query_text, style.text_width, height, sizes=style.text_sizes)
    block.draw(canvas, columns.text, top + (height - block.height) // 2, style.ink)
    if columns.query is not None and row.query_image is not None:
        _paste(picture, row.query_image, columns.query, top, style.ink, style, frame=2)
        note = columns.query + style.frame, top + height + round(1.15 * style.label_size)
        canvas.text(note, row.query_note, font=load_font(SERIF, style.label_size), fill=style.ink, anchor='ls')
    for rank, (image, score, hit) in enumerate(zip(row.images, row.scores, row.hits, strict=True), 1):
        left = columns.found + (rank - 1) * (style.cell_width + style.gap)
        mark = _mark(hit, row.paired[rank - 1] if row.paired is not None else None, style)
        _paste(picture, image, left, top, mark.colour, style, mark.frame)
        base = top + height + round(1.15 * style.label_size)
        _draw_label(canvas, rank, score, mark, (left, base), style)


@dataclass(frozen=True)
class _Mark:
    """How a crop is framed, and a sign beside its rank for those who do not see the colours."""

    colour: str
    frame: int
    sign: str


def _mark(hit: bool, paired: bool | None, style: StripStyle) -> _Mark:
    if paired is None:
        return _Mark(style.hit, style.frame, '✓') if hit else _Mark(style.miss, style.frame, '')
    if paired:
        return _Mark(style.paired, style.frame, PAIRED_SIGN)
    return _Mark(style.unpaired, style.frame, UNPAIRED_SIGN) if hit else _Mark(style.faint, 2, '')


def _draw_label(
    canvas: ImageDraw.ImageDraw, rank: int, score: float, mark: _Mark, corner: tuple[int, int], style: StripStyle
) -> None:
    left, base = corner
    bold, plain = load_font(SERIF_BOLD, style.label_size), load_font(SERIF, style.label_size)
    canvas.text((left, base), str(rank), font=bold, fill=mark.colour, anchor='ls')
    if mark.sign:
        place = left + bold.getlength(f'{rank} '), base
        canvas.text(place, mark.sign, font=load_font(SANS, style.label_size - 5), fill=mark.colour, anchor='ls')
    canvas.text((left + style.cell_width, base), f'{score:.2f}', font=plain, fill=style.faint, anchor='rs')


def _paste(
    picture: Image.Image, image: Picture, left: int, top: int, colour: str, style: StripStyle, frame: int | None = None
) -> None:
    """A crop inside its frame; a thin frame keeps the crop at its place."""
    frame = style.frame if frame is None else frame
    inset = style.frame - frame
    outer = (style.crop_width + 2 * frame, style.crop_height + 2 * frame)
    picture.paste(colour, (left + inset, top + inset, left + inset + outer[0], top + inset + outer[1]))
    crop = opaque_crop(image).resize((style.crop_width, style.crop_height), Image.Resampling.LANCZOS)
    picture.paste(crop, (left + style.frame, top + style.frame))


def _draw_header(canvas: ImageDraw.ImageDraw, columns: _Columns, style: StripStyle) -> None:
    bold, plain = load_font(SERIF_BOLD, style.header_size), load_font(SERIF, style.header_size - 4)
    base = style.margin + style.header_size
    canvas.text((columns.text, base), 'Query', font=bold, fill=style.ink, anchor='ls')
    if columns.query is not None:
        canvas.text((columns.query + style.frame, base), 'Target', font=bold, fill=style.ink, anchor='ls')
    right = columns.width - style.margin
    title = next(title for title in _TITLES if columns.found + bold.getlength(title) <= right or not title)
    canvas.text((columns.found, base), title, font=bold, fill=style.ink, anchor='ls')
    legend_left = right - sum(_legend_width(plain.getlength(words), style) for words in _LEGEND)
    if legend_left > columns.found + bold.getlength(title) + style.header_size:
        for words, colour in zip(_LEGEND, (style.hit, style.miss), strict=True):
            side = round(0.62 * style.header_size)
            left = legend_left + style.header_size
            canvas.rectangle((left, base - side, left + side, base), outline=colour, width=5)
            canvas.text((left + 1.5 * side, base), words, font=plain, fill=style.ink, anchor='ls')
            legend_left += _legend_width(plain.getlength(words), style)
    line = base + round(0.6 * style.header_size)
    canvas.line((style.margin, line, right, line), fill=style.ink, width=3)


def _legend_width(words: float, style: StripStyle) -> float:
    return style.header_size + 1.5 * round(0.62 * style.header_size) + words
