"""Contact sheets: images beside their captions and what was found in them (Figure 5 of UniPT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mmt2ireid.visualization.crops import opaque_crop
from mmt2ireid.visualization.lettering import SERIF, SERIF_BOLD, fit_quotation, load_font
from mmt2ireid.visualization.picture_file import save_picture

MAX_BYTES = 390 * 1024
"""Of a sheet as a file: a README loads it at once."""


@dataclass(frozen=True)
class SheetPhrase:
    """A phrase that is listed below a caption.

    Attributes:
        text: what was found.
        right: whether it is true; None where that is not known.
        true_text: what is true instead.
    """

    text: str
    right: bool | None = None
    true_text: str = ''


@dataclass(frozen=True)
class SheetCell:
    """One image of a sheet.

    Attributes:
        caption: its text.
        image: of any size; None leaves an empty frame.
        phrases: what was found in it.
        name: written into the empty frame's place, to say which image is missing.
    """

    caption: str
    image: Image.Image | None = None
    phrases: Sequence[SheetPhrase] = ()
    name: str = ''


@dataclass(frozen=True)
class SheetStyle:
    """Sizes in pixels and colours. Drawn at twice the width of a README."""

    columns: int = 2
    image_width: int = 170
    image_height: int = 340
    text_width: int = 650
    gap: int = 28
    margin: int = 36
    row_gap: int = 36
    text_sizes: tuple[int, int] = (32, 20)
    phrase_size: int = 25
    dpi: int = 200
    ink: str = '#1a1a1a'
    faint: str = '#6b6b6b'
    hit: str = '#1b7f45'
    miss: str = '#c02a1c'
    rule: str = '#c8c8c8'
    back: str = '#f1f1ef'

    @property
    def cell_width(self) -> int:
        """An image and the text beside it."""
        return self.image_width + self.gap + self.text_width


def draw_caption_sheet(
    cells: Sequence[SheetCell], path: str | Path, *, style: SheetStyle | None = None, max_bytes: int | None = MAX_BYTES
) -> Path:
    """Draws a sheet and writes it, whole or not at all.

    Images keep their proportions; small ones are enlarged to the same frame.

    Args:
        cells: what to show, row by row.
        path: picture to write; its ending says the format.
        style: sizes and colours.
        max_bytes: of the file, see :func:`~mmt2ireid.visualization.picture_file.save_picture`.

    Returns:
        ``path``.

    Raises:
        ValueError: no cells, or an ending that Pillow does not know.
    """
    if not cells:
        raise ValueError('cells must not be empty')
    style = style or SheetStyle()
    columns = min(style.columns, len(cells))
    rows = -(-len(cells) // columns)
    width = 2 * style.margin + columns * style.cell_width + (columns - 1) * 2 * style.gap
    height = 2 * style.margin + rows * style.image_height + (rows - 1) * style.row_gap
    picture = Image.new('RGB', (width, height), 'white')
    canvas = ImageDraw.Draw(picture)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top = style.margin + row * (style.image_height + style.row_gap)
        left = style.margin + column * (style.cell_width + 2 * style.gap)
        if row and not column:
            line = top - style.row_gap // 2
            canvas.line((style.margin, line, width - style.margin - 1, line), fill=style.rule, width=2)
        _draw_cell(picture, canvas, cell, left, top, style)
    return save_picture(picture, path, dpi=style.dpi, max_bytes=max_bytes)


def _draw_cell(
    picture: Image.Image, canvas: ImageDraw.ImageDraw, cell: SheetCell, left: int, top: int, style: SheetStyle
) -> None:
    _draw_image(picture, canvas, cell, left, top, style)
    left += style.image_width + style.gap
    lines = _flow(cell.phrases, style)
    step = round(1.3 * style.phrase_size)
    room = style.image_height // 2
    if len(lines) * step > room:
        lines = lines[: room // step]
        lines[-1] = [*lines[-1][:-1], _Piece('…', style.faint, lines[-1][-1].left)]
    bottom = style.image_height - len(lines) * step - (step // 2 if lines else 0)
    block = fit_quotation(cell.caption, style.text_width, bottom, sizes=style.text_sizes)
    total = block.height + (step // 2 + len(lines) * step if lines else 0)
    start = top + (style.image_height - total) // 2
    block.draw(canvas, left, start, style.ink)
    start += block.height + step // 2
    for number, line in enumerate(lines):
        for piece in line:
            place = left + piece.left, start + number * step
            canvas.text(place, piece.text, font=_piece_font(piece, style), fill=piece.colour)


def _draw_image(
    picture: Image.Image, canvas: ImageDraw.ImageDraw, cell: SheetCell, left: int, top: int, style: SheetStyle
) -> None:
    box = (left, top, left + style.image_width, top + style.image_height)
    picture.paste(style.back, box)
    if cell.image is None:
        room = style.image_width - 16, style.image_height - 16
        block = fit_quotation(f'{cell.name} is not there', *room, sizes=(style.phrase_size - 3, 12))
        block.draw(canvas, left + 8, top + (style.image_height - block.height) // 2, style.faint)
        return
    scale = min(style.image_width / cell.image.width, style.image_height / cell.image.height)
    size = max(1, round(scale * cell.image.width)), max(1, round(scale * cell.image.height))
    image = opaque_crop(cell.image).resize(size, Image.Resampling.LANCZOS)
    picture.paste(image, (left + (style.image_width - size[0]) // 2, top + (style.image_height - size[1]) // 2))


@dataclass(frozen=True)
class _Piece:
    text: str
    colour: str
    left: float
    bold: bool = False


def _piece_font(piece: _Piece, style: SheetStyle) -> ImageFont.FreeTypeFont:
    return load_font(SERIF_BOLD if piece.bold else SERIF, style.phrase_size)


def _flow(phrases: Sequence[SheetPhrase], style: SheetStyle) -> list[list[_Piece]]:
    """Puts phrases, parted by dots, into lines; a phrase is broken only if it is wider than a line."""
    plain = load_font(SERIF, style.phrase_size)
    dot = plain.getlength('  ·  ')
    lines: list[list[_Piece]] = []
    left = 0.0
    for phrase in phrases:
        for number, piece in enumerate(_pieces(phrase, style)):
            width = _piece_font(piece, style).getlength(piece.text)
            space = (plain.getlength(' ') if number else dot) if lines and left else 0.0
            if not lines or left + space + width > style.text_width:
                lines.append([])
                left = 0.0
            elif not number:
                lines[-1].append(_Piece('  ·  ', style.faint, left))
                left += dot
            else:
                left += space
            lines[-1].append(_Piece(piece.text, piece.colour, left, piece.bold))
            left += width
    return lines


def _pieces(phrase: SheetPhrase, style: SheetStyle) -> list[_Piece]:
    """A phrase, and in brackets what is true instead, word by word where it is longer than half a line."""
    text, font = phrase.text, load_font(SERIF, style.phrase_size)
    wrong = phrase.right is False
    colour = style.miss if wrong else style.hit if phrase.right else style.faint
    pieces = [(text, colour, wrong)]
    if phrase.true_text:
        pieces.append((f'({phrase.true_text})', style.faint, False))
    return [
        _Piece(word, colour, 0.0, bold)
        for text, colour, bold in pieces
        for word in (text.split() if font.getlength(text) > style.text_width / 2 else [text])
    ]
