"""Backgrounds: a wall above a ground, with things that stand about."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw

from mmt2ireid.datasets.toy.attributes import RGB
from mmt2ireid.datasets.toy.canvas import shade

Part = Callable[['Backdrop', Random], None]


class Backdrop:
    """A picture of a place, drawn in fractions of its width and height (y points down here).

    Args:
        size: (width, height) in pixels.
        horizon: where the wall meets the ground, a fraction of the height.
        wall, ground: their colours.
    """

    def __init__(self, size: tuple[int, int], *, horizon: float, wall: RGB, ground: RGB) -> None:
        self.image = Image.new('RGB', size, wall)
        self.horizon = horizon
        self.wall = wall
        self.ground = ground
        self._draw = ImageDraw.Draw(self.image)
        self.box(0.0, horizon, 1.0, 1.0, ground)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: RGB) -> None:
        """Fill a rectangle."""
        width, height = self.image.size
        self._draw.rectangle((x0 * width, y0 * height, x1 * width, y1 * height), fill=colour)

    def line(self, x0: float, y0: float, x1: float, y1: float, colour: RGB, width: float = 0.012) -> None:
        """Draw a line; its width is a fraction of the picture's height."""
        w, h = self.image.size
        self._draw.line((x0 * w, y0 * h, x1 * w, y1 * h), fill=colour, width=max(1, round(width * h)))

    def disc(self, x: float, y: float, rx: float, ry: float, colour: RGB) -> None:
        """Fill an ellipse; both radii are fractions of the picture's height."""
        w, h = self.image.size
        self._draw.ellipse((x * w - rx * h, y * h - ry * h, x * w + rx * h, y * h + ry * h), fill=colour)


def bricks(drop: Backdrop, rng: Random) -> None:
    """Courses of bricks on the wall."""
    joint, rows = shade(drop.wall, 0.8), 12
    for row in range(rows):
        y = drop.horizon * row / rows
        drop.line(0, y, 1, y, joint, 0.006)
        start = rng.random() * 0.3 if row == 0 else (0.14 if row % 2 else 0.0)
        for column in range(5):
            x = start + column * 0.28
            drop.line(x, y, x, y + drop.horizon / rows, joint, 0.006)


def windows(drop: Backdrop, rng: Random) -> None:
    """Two rows of windows with frames."""
    glass = shade(drop.wall, 0.55)
    start, step = rng.uniform(-0.3, 0.1), rng.uniform(0.36, 0.5)
    for row in range(2):
        y0 = drop.horizon * (0.06 + 0.5 * row)
        for column in range(4):
            x0 = start + column * step
            drop.box(x0 - 0.02, y0 - 0.01, x0 + 0.24, y0 + drop.horizon * 0.36 + 0.01, shade(drop.wall, 1.4))
            drop.box(x0, y0, x0 + 0.22, y0 + drop.horizon * 0.36, glass)
            drop.line(x0 + 0.11, y0, x0 + 0.11, y0 + drop.horizon * 0.36, shade(drop.wall, 1.4), 0.008)


def shop(drop: Backdrop, rng: Random) -> None:
    """A shop window with a striped awning."""
    drop.box(-0.05, drop.horizon * 0.34, 1.05, drop.horizon * 0.94, shade(drop.wall, 0.5))
    shift = rng.uniform(-0.3, 0.0)
    for part in range(4):
        x = shift + part * 0.4
        drop.box(x, drop.horizon * 0.38, x + 0.34, drop.horizon * 0.92, (176, 190, 196))
        drop.line(x + 0.05, drop.horizon * 0.85, x + 0.25, drop.horizon * 0.5, (206, 216, 220), 0.02)
    for part in range(9):
        colour = (206, 204, 198) if part % 2 else (150, 62, 60)
        drop.box(shift + part * 0.16, drop.horizon * 0.2, shift + (part + 1) * 0.16, drop.horizon * 0.34, colour)


def trees(drop: Backdrop, rng: Random) -> None:
    """Trunks with crowns."""
    for _ in range(3):
        x, top = rng.uniform(0, 1), rng.uniform(0.02, 0.2)
        drop.box(x - 0.04, top, x + 0.04, drop.horizon + 0.02, (92, 70, 50))
        green = rng.choice([(62, 104, 58), (82, 120, 62), (50, 90, 60)])
        for _ in range(4):
            drop.disc(x + rng.uniform(-0.2, 0.2), top + rng.uniform(-0.04, 0.12), 0.11, 0.09, green)


def pillars(drop: Backdrop, rng: Random) -> None:
    """Round pillars of a hall with light between them."""
    shift = rng.uniform(-0.2, 0.2)
    for part in range(3):
        x = shift + part * 0.5
        drop.box(x, 0, x + 0.14, drop.horizon + 0.03, shade(drop.wall, 1.5))
        drop.box(x + 0.1, 0, x + 0.14, drop.horizon + 0.03, shade(drop.wall, 0.8))
    drop.box(0, 0.02, 1, 0.06, (238, 236, 220))


def fence(drop: Backdrop, rng: Random) -> None:
    """Bars before the sky."""
    metal = shade(drop.wall, 0.55)
    shift = rng.uniform(0, 0.1)
    for part in range(10):
        drop.line(shift + part * 0.11, drop.horizon * 0.45, shift + part * 0.11, drop.horizon, metal, 0.01)
    for y in (0.5, 0.92):
        drop.line(0, drop.horizon * y, 1, drop.horizon * y, metal, 0.014)


def doors(drop: Backdrop, rng: Random) -> None:
    """Doors of a corridor and a rail."""
    shift = rng.uniform(-0.4, 0.1)
    for part in range(3):
        x = shift + part * 0.62
        drop.box(x, drop.horizon * 0.14, x + 0.36, drop.horizon, shade(drop.wall, 0.7))
        drop.box(x + 0.06, drop.horizon * 0.22, x + 0.30, drop.horizon * 0.5, shade(drop.wall, 0.88))
        drop.disc(x + 0.31, drop.horizon * 0.62, 0.01, 0.01, (226, 210, 130))
    drop.box(0, drop.horizon * 0.97, 1, drop.horizon, shade(drop.wall, 0.55))


def car(drop: Backdrop, rng: Random) -> None:
    """A parked car."""
    x, y = rng.choice((rng.uniform(-0.3, 0.0), rng.uniform(0.85, 1.2))), drop.horizon + 0.02
    colour = rng.choice([(120, 34, 38), (52, 66, 96), (186, 188, 190), (58, 60, 62)])
    drop.disc(x, y - 0.12, 0.16, 0.10, shade(colour, 0.8))
    drop.disc(x, y - 0.13, 0.12, 0.07, (150, 170, 182))
    drop.box(x - 0.55, y - 0.12, x + 0.55, y, colour)
    for wheel in (-0.34, 0.34):
        drop.disc(x + wheel, y, 0.045, 0.045, (26, 26, 28))


def tiles(drop: Backdrop, rng: Random) -> None:
    """Slabs on the ground, in perspective."""
    joint, vanish = shade(drop.ground, 0.85), rng.uniform(0.2, 0.8)
    for part in range(5):
        y = drop.horizon + (1 - drop.horizon) * (part / 5) ** 1.5
        drop.line(0, y, 1, y, joint, 0.006)
    for part in range(-4, 6):
        drop.line(vanish + part * 0.12, drop.horizon, vanish + part * 0.45, 1.0, joint, 0.006)


def crossing(drop: Backdrop, rng: Random) -> None:
    """White bars of a pedestrian crossing."""
    shift = rng.uniform(-0.3, 0.0)
    for part in range(5):
        x, y = shift + part * 0.34, drop.horizon + (1 - drop.horizon) * 0.3
        drop.line(x + 0.1, y, x, 1.02, (206, 206, 200), 0.07)


def kerb(drop: Backdrop, rng: Random) -> None:
    """A pavement and its edge."""
    y = drop.horizon + rng.uniform(0.04, 0.1)
    drop.box(0, drop.horizon, 1, y, shade(drop.ground, 1.3))
    drop.line(0, y, 1, y, shade(drop.ground, 0.7), 0.014)


def grass(drop: Backdrop, rng: Random) -> None:
    """Blades and a path."""
    for _ in range(36):
        x, y = rng.random(), rng.uniform(drop.horizon, 1.0)
        drop.line(x, y, x + rng.uniform(-0.03, 0.03), y - 0.02, shade(drop.ground, rng.choice((0.75, 1.3))), 0.006)


def clutter(drop: Backdrop, rng: Random) -> None:
    """A bin, a post or a passer-by in the distance: nothing that belongs to the person."""
    kind, x = rng.choice(('bin', 'post', 'walker', 'nothing')), rng.choice((rng.uniform(0, 0.2), rng.uniform(0.8, 1)))
    colour = rng.choice([(70, 84, 76), (96, 92, 88), (128, 120, 112), (84, 78, 96)])
    if kind == 'bin':
        drop.box(x - 0.08, drop.horizon - 0.08, x + 0.08, drop.horizon + 0.06, colour)
        drop.box(x - 0.1, drop.horizon - 0.1, x + 0.1, drop.horizon - 0.07, shade(colour, 0.7))
    elif kind == 'post':
        drop.box(x - 0.02, 0, x + 0.02, drop.horizon + 0.05, colour)
    elif kind == 'walker':
        drop.disc(x, drop.horizon - 0.2, 0.018, 0.022, (176, 140, 116))
        drop.box(x - 0.045, drop.horizon - 0.18, x + 0.045, drop.horizon - 0.07, colour)
        drop.box(x - 0.035, drop.horizon - 0.07, x + 0.035, drop.horizon + 0.03, shade(colour, 0.6))


PARTS: dict[str, Part] = {
    part.__name__: part
    for part in (bricks, windows, shop, trees, pillars, fence, doors, car, tiles, crossing, kerb, grass, clutter)
}
