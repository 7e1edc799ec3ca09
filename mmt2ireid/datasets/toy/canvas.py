"""A supersampled picture that is drawn on in body coordinates.

Body coordinates: the unit is the height of a grown-up, x = 0 is the middle of the body (a person in a side view looks
towards +x), y = 0 is the ground and y points up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from mmt2ireid.datasets.toy.attributes import COLOURS, RGB, Garment

Point = tuple[float, float]


def shade(colour: RGB, factor: float) -> RGB:
    """A darker (factor < 1) or lighter (factor > 1) colour."""
    if factor <= 1:
        return tuple(int(c * factor) for c in colour)  # type: ignore[return-value]
    return tuple(int(255 - (255 - c) / factor) for c in colour)  # type: ignore[return-value]


@dataclass(frozen=True)
class Fabric:
    """A pattern that covers the whole canvas, to be cut out by a shape.

    Attributes:
        colour: the main colour, from which edges are darkened.
        texture: RGB picture of the canvas's size.
    """

    colour: RGB
    texture: Image.Image


Paint = RGB | Fabric


class Canvas:
    """Draws shapes given in body coordinates.

    Args:
        image: RGB picture to draw on.
        unit: pixels per body unit.
        origin: pixel where the ground meets the middle of the body.
        flip: mirror what is drawn, so that a side view looks to the left.
    """

    def __init__(self, image: Image.Image, *, unit: float, origin: Point, flip: bool = False) -> None:
        self.image = image
        self.unit = unit
        self._origin = origin
        self._sign = -1 if flip else 1
        self._draw = ImageDraw.Draw(image)

    def at(self, point: Point) -> Point:
        """Pixel of a point."""
        return self._origin[0] + self._sign * point[0] * self.unit, self._origin[1] - point[1] * self.unit

    def polygon(self, points: Sequence[Point], paint: Paint, edge: float = 0.008) -> None:
        """Fill a polygon; ``edge`` is the width of its dark outline."""
        self._shape([[self.at(p) for p in points]], [], paint, edge)

    def limb(self, points: Sequence[Point], widths: Sequence[float], paint: Paint, edge: float = 0.008) -> None:
        """Fill a bent, tapered tube through ``points`` with a width at each of them."""
        pixels = [self.at(p) for p in points]
        radii = [width * self.unit / 2 for width in widths]
        quads = [_quad(pixels[i], pixels[i + 1], radii[i], radii[i + 1]) for i in range(len(pixels) - 1)]
        self._shape(quads, [(p, r, r) for p, r in zip(pixels, radii, strict=True)], paint, edge)

    def ellipse(self, centre: Point, rx: float, ry: float, paint: Paint, edge: float = 0.008) -> None:
        """Fill an upright ellipse."""
        self._shape([], [(self.at(centre), rx * self.unit, ry * self.unit)], paint, edge)

    def ring(self, centre: Point, rx: float, ry: float, colour: RGB, width: float) -> None:
        """Draw the outline of an ellipse, such as a tyre."""
        x, y = self.at(centre)
        box = (x - rx * self.unit, y - ry * self.unit, x + rx * self.unit, y + ry * self.unit)
        self._draw.ellipse(box, outline=colour, width=max(1, round(width * self.unit)))

    def line(self, points: Sequence[Point], colour: RGB, width: float) -> None:
        """Draw an open line."""
        pixels = [self.at(p) for p in points]
        self._draw.line(pixels, fill=colour, width=max(1, round(width * self.unit)), joint='curve')

    def pie(self, centre: Point, rx: float, ry: float, colour: RGB, edge: float = 0.008) -> None:
        """Fill the upper half of an ellipse, such as the crown of a hat."""
        x, y = self.at(centre)
        grow = edge * self.unit
        for factor, extra in ((0.6, grow), (1.0, 0.0)):
            box = (
                x - rx * self.unit - extra, y - ry * self.unit - extra,
                x + rx * self.unit + extra, y + ry * self.unit + extra,
            )  # fmt: skip
            self._draw.pieslice(box, 180, 360, fill=shade(colour, factor))

    def weave(self, garment: Garment) -> Paint:
        """What a garment is to be filled with: its plain colour, or a fabric with its pattern."""
        base = COLOURS[garment.colour]
        if garment.second is None:
            return base
        texture = Image.new('RGB', self.image.size, base)
        _PATTERNS[garment.pattern](self, ImageDraw.Draw(texture), base, COLOURS[garment.second], garment.kind)
        return Fabric(base, texture)

    def _shape(
        self, polygons: list[list[Point]], ellipses: list[tuple[Point, float, float]], paint: Paint, edge: float
    ) -> None:
        colour = paint.colour if isinstance(paint, Fabric) else paint
        if edge:
            _fill(self._draw, polygons, ellipses, shade(colour, 0.62), grow=edge * self.unit)
        if not isinstance(paint, Fabric):
            _fill(self._draw, polygons, ellipses, colour)
            return
        mask = Image.new('L', self.image.size)
        _fill(ImageDraw.Draw(mask), polygons, ellipses, 255)
        box = mask.getbbox()
        if box:
            self.image.paste(paint.texture.crop(box), box, mask.crop(box))


def _fill(
    draw: ImageDraw.ImageDraw, polygons: list[list[Point]], ellipses: list[tuple[Point, float, float]],
    colour: RGB | int, grow: float = 0.0,
) -> None:  # fmt: skip
    for points in polygons:
        draw.polygon(points, fill=colour)
        if grow:
            draw.line([*points, points[0], points[1]], fill=colour, width=max(1, round(2 * grow)), joint='curve')
    for (x, y), rx, ry in ellipses:
        draw.ellipse((x - rx - grow, y - ry - grow, x + rx + grow, y + ry + grow), fill=colour)


def _quad(p: Point, q: Point, r: float, s: float) -> list[Point]:
    dx, dy = q[0] - p[0], q[1] - p[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    nx, ny = -dy / length, dx / length
    return [
        (p[0] + nx * r, p[1] + ny * r), (q[0] + nx * s, q[1] + ny * s),
        (q[0] - nx * s, q[1] - ny * s), (p[0] - nx * r, p[1] - ny * r),
    ]  # fmt: skip


def _steps(start: float, stop: float, step: float) -> list[float]:
    return [start + i * step for i in range(int((stop - start) / step) + 1)]


def _striped(canvas: Canvas, draw: ImageDraw.ImageDraw, base: RGB, second: RGB, kind: str) -> None:
    if kind in ('shirt', 'suit'):
        for x in _steps(-0.3, 0.3, 0.04):
            draw.line([canvas.at((x, 0.2)), canvas.at((x, 0.9))], fill=second, width=round(0.015 * canvas.unit))
        return
    for y in _steps(0.15, 0.9, 0.07):
        draw.line([canvas.at((-0.6, y)), canvas.at((0.6, y))], fill=second, width=round(0.03 * canvas.unit))


def _plaid(canvas: Canvas, draw: ImageDraw.ImageDraw, base: RGB, second: RGB, kind: str) -> None:
    mixed: RGB = tuple((2 * b + 3 * s) // 5 for b, s in zip(base, second, strict=True))  # type: ignore[assignment]
    width = 0.026
    rows, columns = _steps(0.15, 0.9, 0.075), _steps(-0.6, 0.6, 0.075)
    for y in rows:
        draw.line([canvas.at((-0.6, y)), canvas.at((0.6, y))], fill=mixed, width=round(width * canvas.unit))
    for x in columns:
        draw.line([canvas.at((x, 0.1)), canvas.at((x, 0.95))], fill=mixed, width=round(width * canvas.unit))
    for y in rows:
        for x in columns:
            (px, py), half = canvas.at((x, y)), width * canvas.unit / 2
            draw.rectangle((px - half, py - half, px + half, py + half), fill=second)


def _dotted(canvas: Canvas, draw: ImageDraw.ImageDraw, base: RGB, second: RGB, kind: str) -> None:
    radius = 0.0145 * canvas.unit
    for row, y in enumerate(_steps(0.15, 0.9, 0.045)):
        for x in _steps(-0.6 + 0.032 * (row % 2), 0.6, 0.064):
            px, py = canvas.at((x, y))
            draw.ellipse((px - radius, py - radius, px + radius, py + radius), fill=second)


def _colour_block(canvas: Canvas, draw: ImageDraw.ImageDraw, base: RGB, second: RGB, kind: str) -> None:
    (left, top), (right, bottom) = canvas.at((-1, 0.95)), canvas.at((1, 0.675))
    draw.rectangle((min(left, right), top, max(left, right), bottom), fill=second)


_PATTERNS = {'striped': _striped, 'plaid': _plaid, 'dotted': _dotted, 'color block': _colour_block}
