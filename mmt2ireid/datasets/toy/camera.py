"""Cameras: where they stand and what they do to a picture. Each domain has its own."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from PIL import Image, ImageFilter

from mmt2ireid.datasets.toy.attributes import RGB, Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas, shade
from mmt2ireid.datasets.toy.figure import draw_figure, height_of
from mmt2ireid.datasets.toy.scenes import PARTS, Backdrop

Range = tuple[float, float]


@dataclass(frozen=True)
class Camera:
    """A camera and the place it watches.

    Attributes:
        name: folder of its pictures.
        parts: what its place consists of, keys of ``scenes.PARTS`` from the back to the front.
        wall, ground: colours of the place.
        horizon: where the wall meets the ground, as a fraction of the picture's height.
        cast: factors on red, green and blue: the colour of the light.
        gain: factor on all of them: how light it is.
        contrast: factor on the distance to mid-gray.
        blur: sigma in pixels of a picture 96 pixels high.
        noise: standard deviation, of 255.
        fill: height of the person as a fraction of the picture's.
        tilt: largest turn, degrees.
        hide_feet: probability that something stands before the feet.
        pixelate: factor by which the picture is shrunk and blown up again (a person far away); 1 is sharp.
    """

    name: str
    parts: tuple[str, ...]
    wall: RGB
    ground: RGB
    horizon: Range = (0.55, 0.68)
    cast: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gain: Range = (0.9, 1.1)
    contrast: Range = (0.85, 1.05)
    blur: Range = (0.2, 0.6)
    noise: Range = (2.0, 6.0)
    fill: Range = (0.84, 0.94)
    tilt: float = 2.0
    hide_feet: float = 0.05
    pixelate: float = 1.0


POOL_CAMERAS = (
    Camera('p1', ('windows', 'kerb', 'clutter'), (172, 158, 140), (116, 116, 120), cast=(1.03, 1.0, 0.95)),
    Camera('p2', ('bricks', 'tiles', 'clutter'), (150, 92, 76), (150, 146, 140), gain=(0.75, 0.95), noise=(4, 9)),
    Camera('p3', ('trees', 'grass', 'clutter'), (186, 204, 222), (110, 138, 84), cast=(0.97, 1.05, 0.94)),
    Camera('p4', ('pillars', 'tiles'), (150, 148, 136), (186, 178, 160), cast=(1.08, 1.0, 0.84), blur=(0.4, 0.9)),
    Camera('p5', ('windows', 'car', 'crossing'), (130, 140, 152), (84, 86, 92), cast=(0.92, 0.98, 1.1), pixelate=0.8),
    Camera('p6', ('fence', 'kerb', 'clutter'), (198, 204, 206), (138, 134, 126), gain=(1.0, 1.25),
           contrast=(0.7, 0.9)),
)  # fmt: skip
MAIN_CAMERAS = (
    Camera('cam_a', ('shop', 'tiles', 'clutter'), (142, 112, 92), (146, 134, 124), (0.6, 0.72), (1.08, 0.98, 0.84),
           (0.8, 1.05), noise=(4, 9), hide_feet=0.1),
    Camera('cam_b', ('doors', 'tiles'), (176, 186, 176), (104, 118, 112), (0.5, 0.6), (0.90, 1.05, 0.96), (0.75, 1.0),
           blur=(0.5, 1.0), noise=(5, 11), fill=(0.76, 0.9), tilt=4),
    Camera('cam_c', ('trees', 'fence', 'tiles'), (170, 190, 206), (166, 158, 148), (0.48, 0.58), (0.90, 0.98, 1.14),
           (0.9, 1.2), (0.7, 0.9), noise=(3, 8), fill=(0.8, 0.96), hide_feet=0.15),
    Camera('cam_d', ('bricks', 'car', 'kerb', 'clutter'), (122, 110, 118), (92, 88, 96), (0.56, 0.68),
           (1.0, 0.94, 1.06), (0.6, 0.85), noise=(7, 14), pixelate=0.7, tilt=3),
)  # fmt: skip
SECOND_CAMERAS = (
    Camera('cam_x', ('pillars', 'crossing'), (112, 122, 138), (128, 128, 132), (0.5, 0.62), (0.94, 1.0, 1.1),
           (0.85, 1.1), blur=(0.4, 0.8), tilt=5, hide_feet=0.1),
    Camera('cam_y', ('windows', 'trees', 'grass'), (206, 190, 166), (124, 132, 92), (0.6, 0.72), (1.12, 1.0, 0.82),
           (0.85, 1.15), (0.75, 1.0), fill=(0.78, 0.9)),
    Camera('cam_z', ('shop', 'kerb', 'car'), (96, 98, 116), (76, 76, 84), (0.56, 0.66), (0.96, 0.94, 1.1),
           (0.55, 0.8), noise=(6, 13), pixelate=0.75),
)  # fmt: skip
# A model that is to see for other cameras learns from many places in all kinds of light: hence the wide ranges.
CLIP_CAMERAS = (
    Camera('k1', ('doors', 'kerb', 'clutter'), (204, 188, 176), (96, 104, 100), (0.5, 0.66), (1.05, 1.0, 0.9),
           (0.75, 1.15), (0.75, 1.0), tilt=3),
    Camera('k2', ('shop', 'crossing'), (120, 132, 118), (122, 120, 112), (0.56, 0.72), (0.93, 1.02, 1.06),
           (0.75, 1.2), (0.75, 1.05), noise=(2, 9), fill=(0.78, 0.92)),
    Camera('k3', ('fence', 'grass', 'clutter'), (214, 220, 214), (124, 146, 96), (0.48, 0.64), (1.0, 1.04, 0.95),
           (0.85, 1.25), (0.7, 1.0), fill=(0.8, 0.96)),
    Camera('k4', ('bricks', 'car', 'tiles'), (168, 118, 92), (108, 106, 110), (0.55, 0.7), (1.07, 0.98, 0.88),
           (0.7, 1.05), (0.8, 1.05), blur=(0.3, 1.0), noise=(3, 10)),
    Camera('k5', ('pillars', 'kerb'), (104, 114, 130), (150, 148, 150), (0.52, 0.66), (0.9, 0.98, 1.12),
           (0.8, 1.2), (0.7, 1.0), tilt=4, pixelate=0.75),
    Camera('k6', ('trees', 'crossing', 'clutter'), (176, 192, 196), (140, 132, 118), (0.5, 0.66), (0.98, 1.0, 1.02),
           (0.75, 1.2), (0.75, 1.05), hide_feet=0.12),
    Camera('k7', ('windows', 'tiles', 'clutter'), (138, 120, 128), (172, 164, 156), (0.54, 0.7), (1.04, 0.96, 1.02),
           (0.7, 1.1), (0.75, 1.05), noise=(4, 10), pixelate=0.85),
    Camera('k8', ('trees', 'car', 'grass'), (190, 182, 160), (100, 124, 76), (0.55, 0.68), (1.02, 1.02, 0.9),
           (0.85, 1.2), (0.8, 1.0), blur=(0.2, 0.8), tilt=3),
)  # fmt: skip
CAMERAS = {'pool': POOL_CAMERAS, 'main': MAIN_CAMERAS, 'second': SECOND_CAMERAS, 'clip': CLIP_CAMERAS}


def draw_person(
    person: Person, shot: Shot, camera: Camera, rng: Random, *, size: tuple[int, int] = (96, 48)
) -> Image.Image:
    """Draw a person as a camera sees it.

    Args:
        person: who.
        shot: what the picture shows of the person.
        camera: where, and in which light.
        rng: the picture's own generator; the same state gives the same pixels.
        size: (height, width) in pixels.

    Returns:
        RGB picture.
    """
    height, width = size
    factor = max(2, round(320 / height))
    big = (width * factor, height * factor)
    drop = Backdrop(big, horizon=rng.uniform(*camera.horizon), wall=camera.wall, ground=camera.ground)
    for part in camera.parts:
        PARTS[part](drop, rng)
    canvas = _stand(drop, person, shot, camera, rng)
    draw_figure(canvas, person, shot, rng)
    if shot.feet_hidden:
        _hide_feet(drop, rng)
    image = drop.image
    if camera.tilt:
        image = image.rotate(rng.uniform(-camera.tilt, camera.tilt), fillcolor=camera.wall)
    image = image.resize((width, height), Image.Resampling.BOX)
    return _develop(image, camera, rng)


def _stand(drop: Backdrop, person: Person, shot: Shot, camera: Camera, rng: Random) -> Canvas:
    """Where the person stands, with a shadow on the ground."""
    width, height = drop.image.size
    # A detector's box fits its person, so children fill more of the picture than they would beside a grown-up.
    tall = height_of(person) * (0.86 if person.age == 'child' and not person.umbrella else 1.0)
    unit = min(rng.uniform(*camera.fill) * height / tall, width / (0.78 if person.vehicle else 0.5))
    x = width * (0.5 + rng.uniform(-0.05, 0.05))
    y = height * rng.uniform(0.955, 0.985)
    part = unit / height
    drop.disc(x / width, y / height - 0.01 * part, 0.2 * part, 0.03 * part, shade(drop.ground, 0.72))
    return Canvas(drop.image, unit=unit, origin=(x, y), flip=shot.facing_left)


def _hide_feet(drop: Backdrop, rng: Random) -> None:
    """A bench, a hedge or a bonnet before the feet."""
    top, colour = rng.uniform(0.80, 0.86), rng.choice([(88, 70, 52), (60, 86, 56), (70, 72, 80)])
    drop.box(0.0, top, 1.0, 1.0, colour)
    drop.line(0.0, top, 1.0, top, shade(colour, 1.4), 0.02)
    drop.line(0.0, (top + 1) / 2, 1.0, (top + 1) / 2, shade(colour, 0.6), 0.015)


def _develop(image: Image.Image, camera: Camera, rng: Random) -> Image.Image:
    """Sharpness, light and noise."""
    width, height = image.size
    if camera.pixelate < 1:
        small = (round(width * camera.pixelate), round(height * camera.pixelate))
        image = image.resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BILINEAR)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(*camera.blur) * height / 96))
    pixels = np.asarray(image, dtype=np.float32)
    light = np.float32(rng.uniform(*camera.gain)) * np.asarray(camera.cast, dtype=np.float32)
    pixels = (pixels * light - 128) * np.float32(rng.uniform(*camera.contrast)) + 128
    noise = np.random.Generator(np.random.PCG64(rng.getrandbits(64)))
    pixels += noise.standard_normal(pixels.shape, dtype=np.float32) * np.float32(rng.uniform(*camera.noise))
    return Image.fromarray(pixels.clip(0, 255).round().astype(np.uint8))
