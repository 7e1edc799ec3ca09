"""Text in pictures, in the fonts that come with matplotlib: the same letters on every machine."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

SERIF, SERIF_BOLD, SANS = 'STIXGeneral', 'STIXGeneralBol', 'DejaVuSans-Bold'
_LINE_HEIGHT = 1.22


@lru_cache(maxsize=64)
def load_font(name: str, size: int) -> ImageFont.FreeTypeFont:
    """A font of matplotlib's own data folder.

    Args:
        name: file name without ending.
        size: height in pixels.
    """
    import matplotlib  # late: it is not needed where nothing is drawn

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), 'fonts', 'ttf', f'{name}.ttf')), size)


@dataclass(frozen=True)
class TextBlock:
    """Lines that fit into a box.

    Attributes:
        lines: from top to bottom.
        font: the font they were measured in.
        line_height: distance of two lines in pixels.
    """

    lines: tuple[str, ...]
    font: ImageFont.FreeTypeFont
    line_height: int

    @property
    def height(self) -> int:
        """Pixels from the top of the first line to the bottom of the last."""
        return self.line_height * len(self.lines)

    def draw(self, canvas: ImageDraw.ImageDraw, left: int, top: int, colour: str) -> None:
        """Writes the lines, flush left."""
        for number, line in enumerate(self.lines):
            canvas.text((left, top + number * self.line_height), line, font=self.font, fill=colour)


def fit_quotation(
    text: str, width: int, height: int, *, name: str = SERIF, sizes: tuple[int, int] = (34, 22)
) -> TextBlock:
    """Breaks a quotation into lines in the largest size that fits a box.

    What fits in no size ends in an ellipsis behind a whole word.

    Args:
        text: any text; white space is collapsed, wide forms (as in Chinese punctuation) become plain ones.
        width: of the box in pixels.
        height: of the box in pixels.
        name: the font.
        sizes: largest and smallest size in pixels.
    """
    plain = ' '.join(unicodedata.normalize('NFKC', text).split())
    words = f'“{plain}”'.split(' ')
    for size in range(sizes[0], sizes[1] - 1, -1):
        font, line_height = load_font(name, size), round(size * _LINE_HEIGHT)
        lines = _wrap(words, font, width)
        if line_height * len(lines) <= height:
            return TextBlock(tuple(lines), font, line_height)
    lines = _shorten(lines[: max(1, height // line_height)], set(words), font, width)
    return TextBlock(tuple(lines), font, line_height)


def _shorten(lines: list[str], words: set[str], font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """End lines in an ellipsis, behind a whole word; only what is written without blanks is cut anywhere."""
    while lines[-1] and font.getlength(f'{lines[-1]} …”') > width:
        if ' ' in lines[-1]:
            lines[-1] = lines[-1].rpartition(' ')[0]
        elif lines[-1] in words and len(lines) > 1:
            lines.pop()
        else:
            lines[-1] = lines[-1][:-1]
    return [*lines[:-1], f'{lines[-1]} …”']


def _wrap(words: list[str], font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines = ['']
    for word in words:
        longer = f'{lines[-1]} {word}'.lstrip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append('')
        for letter in word:  # breaks a word only if it is wider than the whole box
            if lines[-1] and font.getlength(lines[-1] + letter) > width:
                lines.append('')
            lines[-1] += letter
    return lines
