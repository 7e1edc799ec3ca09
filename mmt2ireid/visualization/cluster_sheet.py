"""Sheets of clusters: their members before and after the mutual refinement of pseudo labels (MPLR of CMMT)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from mmt2ireid.visualization.crops import Picture, opaque_crop
from mmt2ireid.visualization.lettering import SERIF, SERIF_BOLD, fit_quotation, load_font

_KINDS = {'img': ('Picture', 'picture'), 'txt': ('Caption', 'caption')}
_NONE = 'No cluster was found: every picture and every caption is un-clustered.'


@dataclass(frozen=True)
class ClusterMember:
    """A picture and a caption, of which one is in the cluster.

    Attributes:
        caption: its text; '' where there is none.
        image: of any size; None leaves an empty frame.
        added: whether the refinement put it into the cluster.
        right: whether it is of the cluster's most frequent person; None where that is not known.
    """

    caption: str
    image: Picture | None = None
    added: bool = False
    right: bool | None = None


@dataclass(frozen=True)
class ClusterCard:
    """One cluster.

    Attributes:
        modality: 'img' for a cluster of pictures, 'txt' for one of captions.
        number: its label.
        num_before: members before the refinement, 0 if it opened the cluster.
        num_after: members thereafter.
        members: those that are shown, the ones that it had before first.
        most_of_one: how many members are of its most frequent person; None where no identity is known.
    """

    modality: str
    number: int
    num_before: int
    num_after: int
    members: Sequence[ClusterMember]
    most_of_one: int | None = None

    def __post_init__(self) -> None:
        if self.modality not in _KINDS:
            raise ValueError(f"modality must be 'img' or 'txt', but got {self.modality!r}")
        if not self.members or len(self.members) > self.num_after:
            raise ValueError(f'members must be 1 to {self.num_after} of the cluster, but got {len(self.members)}')


@dataclass(frozen=True)
class ClusterStyle:
    """Sizes in pixels and colours. Drawn at twice the width of a README."""

    crop_width: int = 110
    crop_height: int = 220
    caption_width: int = 204
    frame: int = 6
    pad: int = 10
    gap: int = 14
    text_width: int = 264
    margin: int = 36
    row_gap: int = 32
    caption_sizes: tuple[int, int] = (26, 21)
    title_size: int = 32
    line_size: int = 28
    ink: str = '#1a1a1a'
    faint: str = '#6b6b6b'
    hit: str = '#1b9e4b'
    miss: str = '#d7301f'
    unknown: str = '#3b6ea5'
    rule: str = '#c8c8c8'
    added: str = '#ffedc2'
    back: str = '#f1f1ef'

    @property
    def cell_width(self) -> int:
        """A picture and its caption, each with room for a frame, on their background."""
        return self.crop_width + self.caption_width + 4 * self.frame + 3 * self.pad

    @property
    def cell_height(self) -> int:
        """A picture with its frame, on its background."""
        return self.crop_height + 2 * (self.frame + self.pad)


def render_cluster_sheet(
    cards: Sequence[ClusterCard], *, note: str = '', style: ClusterStyle | None = None
) -> Image.Image:
    """Draws clusters below each other, their members side by side.

    What is in the cluster (a picture or a caption) has a broad frame: green where it is of the cluster's most frequent
    person, red where it is of another one, blue where that is not known. Members that the refinement added stand on
    yellow, with a plus sign.

    Args:
        cards: the clusters; without any the sheet says that there is none.
        note: a line below, such as how the clusters were chosen.
        style: sizes and colours.

    Returns:
        An RGB picture on white.
    """
    style = style or ClusterStyle()
    most = max([len(card.members) for card in cards], default=0)
    left = 2 * style.margin + style.text_width
    note_font = load_font(SERIF, style.line_size - 2)
    width = max(
        left + most * (style.cell_width + style.gap) - style.gap + style.margin,
        _header_width(cards, style),
        2 * style.margin + round(note_font.getlength(note)),
    )
    top = style.margin + 2 * style.title_size
    step = style.cell_height + style.row_gap
    body = len(cards) * step if cards else 2 * style.title_size
    foot = style.margin + (round(1.4 * style.line_size) if note else 0)
    picture = Image.new('RGB', (width, top + body + foot), 'white')
    canvas = ImageDraw.Draw(picture)
    _draw_header(canvas, cards, width, style)
    for number, card in enumerate(cards):
        row = top + number * step
        if number:
            line = row - style.row_gap // 2
            canvas.line((style.margin, line, width - style.margin - 1, line), fill=style.rule, width=2)
        _draw_card(picture, canvas, card, row, left, style)
    if not cards:
        canvas.text((style.margin, top), _NONE, font=load_font(SERIF, style.line_size), fill=style.ink)
    place = style.margin, picture.height - style.margin
    canvas.text(place, note, font=note_font, fill=style.faint, anchor='ls')
    return picture


def _draw_card(
    picture: Image.Image, canvas: ImageDraw.ImageDraw, card: ClusterCard, top: int, left: int, style: ClusterStyle
) -> None:
    lines = _lines(card)
    step = round(1.35 * style.line_size)
    base = top + (style.cell_height - len(lines) * step) // 2
    title = f'{_KINDS[card.modality][0]} cluster {card.number}'
    canvas.text((style.margin, base), title, font=load_font(SERIF_BOLD, style.title_size), fill=style.ink, anchor='ls')
    for number, line in enumerate(lines, 1):
        place = style.margin, base + number * step
        canvas.text(place, line, font=load_font(SERIF, style.line_size), fill=style.ink, anchor='ls')
    for member in card.members:
        _draw_member(picture, canvas, member, card.modality, (left, top), style)
        left += style.cell_width + style.gap


def _lines(card: ClusterCard) -> list[str]:
    noun = _KINDS[card.modality][1]
    opened = 'opened by MPLR' if not card.num_before else f'{_count(card.num_before, noun)} before MPLR'
    lines = [opened, f'{card.num_after} after MPLR']
    if card.most_of_one is not None:
        alike = card.most_of_one > 1 or card.num_after == 1
        lines.append(f'{card.most_of_one} of one person' if alike else 'no two of one person')
    if len(card.members) < card.num_after:
        lines.append(f'({len(card.members)} of {card.num_after} shown)')
    return lines


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}{"" if number == 1 else "s"}'


def _draw_member(
    picture: Image.Image,
    canvas: ImageDraw.ImageDraw,
    member: ClusterMember,
    modality: str,
    corner: tuple[int, int],
    style: ClusterStyle,
) -> None:
    left, top = corner
    if member.added:
        picture.paste(style.added, (left, top, left + style.cell_width, top + style.cell_height))
    colour = {True: style.hit, False: style.miss, None: style.unknown}[member.right]
    left, top = left + style.pad + style.frame, top + style.pad + style.frame
    _draw_crop(picture, member.image, left, top, colour if modality == 'img' else '', style)
    if member.added:
        _draw_plus(canvas, left + style.crop_width, top, style)
    left += style.crop_width + 2 * style.frame + style.pad
    _draw_caption(picture, canvas, member.caption, left, top, colour if modality == 'txt' else '', style)


def _draw_crop(
    picture: Image.Image, image: Picture | None, left: int, top: int, colour: str, style: ClusterStyle
) -> None:
    box = left, top, left + style.crop_width, top + style.crop_height
    frame = style.frame if colour else 1
    picture.paste(colour or style.faint, (box[0] - frame, box[1] - frame, box[2] + frame, box[3] + frame))
    if image is None:
        picture.paste(style.back, box)
        return
    size = style.crop_width, style.crop_height
    picture.paste(opaque_crop(image).resize(size, Image.Resampling.LANCZOS), box)


def _draw_plus(canvas: ImageDraw.ImageDraw, right: int, top: int, style: ClusterStyle) -> None:
    """For those who do not see the colours, and where the picture is looked at closely."""
    side = style.line_size
    canvas.rectangle((right - side, top, right - 1, top + side - 1), fill=style.added)
    middle, half = (right - side / 2 - 0.5, top + side / 2 - 0.5), side / 4
    canvas.line((middle[0] - half, middle[1], middle[0] + half, middle[1]), fill=style.ink, width=4)
    canvas.line((middle[0], middle[1] - half, middle[0], middle[1] + half), fill=style.ink, width=4)


def _draw_caption(
    picture: Image.Image,
    canvas: ImageDraw.ImageDraw,
    caption: str,
    left: int,
    top: int,
    colour: str,
    style: ClusterStyle,
) -> None:
    inset = 0
    if colour:
        inset, right, bottom = 8, left + style.caption_width, top + style.crop_height
        picture.paste(colour, (left - style.frame, top - style.frame, right + style.frame, bottom + style.frame))
        picture.paste('white', (left, top, right, bottom))
    width, height = style.caption_width - 2 * inset, style.crop_height - inset
    if not caption.strip():
        font = load_font(SERIF, style.caption_sizes[0])
        canvas.text((left + inset, top + inset // 2), 'no caption', font=font, fill=style.faint)
        return
    block = fit_quotation(caption, width, height, sizes=style.caption_sizes)
    block.draw(canvas, left + inset, top + inset // 2, style.ink if colour else style.faint)


def _legend(cards: Sequence[ClusterCard], style: ClusterStyle) -> list[tuple[str, str, str]]:
    """Words, frame and filling of what the cards have."""
    members = [member for card in cards for member in card.members]
    possible = {
        True: ('the most frequent person of the cluster', style.hit, 'white'),
        False: ('another person', style.miss, 'white'),
        None: ('person unknown', style.unknown, 'white'),
    }
    legend = [entry for right, entry in possible.items() if any(member.right is right for member in members)]
    if any(member.added for member in members):
        legend.append(('added by MPLR (+)', style.rule, style.added))
    return legend


def _header_width(cards: Sequence[ClusterCard], style: ClusterStyle) -> int:
    plain = load_font(SERIF, style.line_size)
    words = [words for words, _, _ in _legend(cards, style)] or [_NONE]
    return round(2 * style.margin + sum(plain.getlength(part) + 2.4 * style.line_size for part in words))


def _draw_header(canvas: ImageDraw.ImageDraw, cards: Sequence[ClusterCard], width: int, style: ClusterStyle) -> None:
    base, side = style.margin + style.title_size, round(0.72 * style.line_size)
    plain, left = load_font(SERIF, style.line_size), float(style.margin)
    for words, frame, filling in _legend(cards, style):
        canvas.rectangle((left, base - side, left + side, base), outline=frame, fill=filling, width=5)
        canvas.text((left + 1.4 * side, base), words, font=plain, fill=style.ink, anchor='ls')
        left += plain.getlength(words) + 2.4 * style.line_size
    line = base + round(0.45 * style.title_size)
    canvas.line((style.margin, line, width - style.margin - 1, line), fill=style.ink, width=3)
