"""Head, hair, face, glasses, cigarette and hat."""

from __future__ import annotations

from mmt2ireid.datasets.toy.attributes import COLOURS, HAIR_COLOURS, RGB, SKINS, Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas, shade
from mmt2ireid.datasets.toy.pose import Pose

INK: RGB = (30, 24, 26)


def draw_back_hair(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """Hair that falls behind the shoulders: drawn before the trunk, except in a back view."""
    reach = {'medium': 1.55, 'long': 3.2}.get(person.hair_length)
    if reach is None:
        return
    (x, y), r = pose.head, pose.body.head
    colour = HAIR_COLOURS[person.hair_colour]
    if shot.view == 'side':
        shift = -0.55 * r - (0.5 * r if shot.action == 'running' else 0.0)
        points = [(x - 0.25 * r, y + 0.2 * r), (x - 0.55 * r, y - 0.7 * r), (x + shift, y - reach * r)]
        canvas.limb(points, (1.3 * r, 1.0 * r, 0.5 * r), colour)
        return
    wide = 0.92 if person.hair_length == 'medium' else 1.0
    left = [(x - 0.8 * r, y + 0.4 * r), (x - wide * r, y - 0.8 * r), (x - (wide - 0.12) * r, y - reach * r)]
    canvas.polygon([*left, (x, y - (reach + 0.18) * r), *[(2 * x - px, py) for px, py in left[::-1]]], colour, 0.009)


def draw_head(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """Skull, ears, face and the hair on top."""
    (x, y), r = pose.head, pose.body.head
    skin = SKINS[person.skin]
    if shot.view == 'back':
        canvas.ellipse((x, y), 0.78 * r, r, skin if person.hair_length == 'bald' else HAIR_COLOURS[person.hair_colour])
        _back_of_head(canvas, person, pose)
        return
    if shot.view == 'side':
        canvas.ellipse((x, y), 0.80 * r, r, skin)
        nose = [(x + 0.70 * r, y + 0.12 * r), (x + 1.02 * r, y - 0.18 * r), (x + 0.70 * r, y - 0.28 * r)]
        canvas.polygon(nose, skin, 0.003)
    else:
        for sign in (-1, 1):
            canvas.ellipse((x + sign * 0.76 * r, y - 0.08 * r), 0.14 * r, 0.22 * r, shade(skin, 0.92), 0.004)
        canvas.ellipse((x, y), 0.76 * r, r, skin)
    _face(canvas, person, shot, pose)
    _top_hair(canvas, person, shot, pose)
    if shot.view == 'front' and person.hair_length in ('medium', 'long'):
        _locks(canvas, person, pose)
    _glasses(canvas, person, shot, pose)
    if person.smoke:
        _cigarette(canvas, shot, pose)


def _face(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    (x, y), r = pose.head, pose.body.head
    woman, side = person.gender == 'woman', shot.view == 'side'
    eyes = (0.42,) if side else (-0.32, 0.32)
    for eye in eyes:
        canvas.ellipse((x + eye * r, y - 0.02 * r), 0.11 * r, 0.13 * r, INK, 0)
        brow = 0.2 if not woman else 0.16
        canvas.line([(x + (eye - brow) * r, y + 0.26 * r), (x + (eye + brow) * r, y + 0.26 * r)],
                    shade(HAIR_COLOURS[person.hair_colour], 0.8), 0.008)  # fmt: skip
    centre = 0.45 if side else 0.0
    lips: RGB = (196, 44, 62) if woman else shade(SKINS[person.skin], 0.62)
    canvas.ellipse((x + centre * r, y - 0.56 * r), 0.22 * r, 0.09 * r, lips, 0)
    if person.gender == 'man' and person.age in ('middle-aged', 'elderly') and person.skin % 2 == 0:
        hair = HAIR_COLOURS[person.hair_colour]
        half = 0.18 if side else 0.3
        canvas.line([(x + (centre - half) * r, y - 0.42 * r), (x + (centre + half) * r, y - 0.42 * r)], hair, 0.012)
    if person.age == 'elderly':
        for eye in eyes:
            canvas.line([(x + (eye - 0.12) * r, y - 0.26 * r), (x + (eye + 0.14) * r, y - 0.24 * r)],
                        shade(SKINS[person.skin], 0.75), 0.006)  # fmt: skip
    if woman and not person.glasses:
        for eye in eyes:
            out = 0.2 if eye >= 0 else -0.2
            canvas.line([(x + eye * r, y + 0.05 * r), (x + (eye + out) * r, y + 0.12 * r)], INK, 0.006)


def _top_hair(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    (x, y), r = pose.head, pose.body.head
    colour = HAIR_COLOURS[person.hair_colour]
    if person.hair_length == 'bald':
        shift = -0.5 if shot.view == 'side' else 0.0
        for sign in (-1, 1) if shot.view == 'front' else (1,):
            canvas.ellipse((x + (sign * 0.72 + shift * 2.2) * r, y), 0.13 * r, 0.26 * r, colour, 0)
        return
    volume = 1.0 if person.gender == 'man' else 1.06
    if shot.view == 'side':
        cap = [(0.62, 0.55), (0.45, 0.95), (0.0, 1.14), (-0.5, 1.0), (-0.9, 0.5), (-0.92, -0.1), (-0.7, -0.45)]
        cap += [(-0.35, -0.1), (-0.1, 0.25), (0.3, 0.5)]
        if person.gender == 'woman' or person.hair_length != 'short':
            cap[6:8] = [(-0.85, -0.8), (-0.2, -0.7), (-0.12, 0.0)]
    else:
        cap = [(-0.84, -0.12), (-0.9, 0.45), (-0.6, 0.98), (0.0, 1.15), (0.6, 0.98), (0.9, 0.45), (0.84, -0.12)]
        cap += [(0.66, 0.3), (0.42, 0.58), (-0.1, 0.44), (-0.5, 0.62), (-0.68, 0.3)]
        if person.gender == 'woman' and person.hair_length == 'short':
            cap[0], cap[6] = (-0.98, -0.55), (0.98, -0.55)
            cap[7], cap[-1] = (0.7, 0.2), (-0.7, 0.2)
    canvas.polygon([(x + px * r * volume, y + py * r * volume) for px, py in cap], colour, 0.006)
    shine = [(x - 0.35 * r, y + 0.86 * r), (x + 0.1 * r, y + 0.95 * r)]
    canvas.line(shine, shade(colour, 1.3), 0.01)


def _locks(canvas: Canvas, person: Person, pose: Pose) -> None:
    """Hair that frames the face and lies over the shoulders."""
    (x, y), r = pose.head, pose.body.head
    colour = HAIR_COLOURS[person.hair_colour]
    length = 1.45 if person.hair_length == 'medium' else 2.7
    for sign in (-1, 1):
        points = [(x + sign * 0.74 * r, y + 0.35 * r), (x + sign * 0.9 * r, y - 0.6 * r)]
        points += [(x + sign * 0.95 * r, y - length * r)]
        canvas.limb(points, (0.34 * r, 0.42 * r, 0.26 * r), colour, 0.005)


def _back_of_head(canvas: Canvas, person: Person, pose: Pose) -> None:
    (x, y), r = pose.head, pose.body.head
    colour = HAIR_COLOURS[person.hair_colour]
    if person.hair_length == 'bald':
        canvas.limb([(x - 0.45 * r, y - 0.42 * r), (x + 0.45 * r, y - 0.42 * r)], [0.62 * r] * 2, colour, 0)
    elif person.hair_length == 'short':
        wide = 0.86 if person.gender == 'man' else 1.0
        low = -0.55 if person.gender == 'man' else -0.85
        canvas.ellipse((x, y + 0.12 * r), wide * r, 1.0 * r, colour)
        if person.gender == 'woman':
            canvas.limb([(x - 0.5 * r, y + low * r), (x + 0.5 * r, y + low * r)], [0.9 * r] * 2, colour, 0)
    else:
        canvas.ellipse((x, y + 0.06 * r), 0.95 * r, 1.08 * r, colour)
        draw_back_hair(canvas, person, Shot('standing', 'back'), pose)
        for part in (-0.4, 0.0, 0.4):
            low = 1.2 if person.hair_length == 'medium' else 2.8
            canvas.line([(x + part * r, y + 0.3 * r), (x + part * 1.2 * r, y - low * r)], shade(colour, 0.7), 0.007)


def _glasses(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    if person.glasses is None:
        return
    (x, y), r = pose.head, pose.body.head
    eyes = (0.45,) if shot.view == 'side' else (-0.34, 0.34)
    for eye in eyes:
        if person.glasses == 'sunglasses':
            canvas.ellipse((x + eye * r, y - 0.03 * r), 0.31 * r, 0.27 * r, (16, 16, 20), 0)
        else:
            canvas.ring((x + eye * r, y - 0.03 * r), 0.30 * r, 0.27 * r, INK, 0.011)
    ends = (-0.6, 0.3) if shot.view == 'side' else (-0.78, 0.78)
    canvas.line([(x + ends[0] * r, y + 0.06 * r), (x + ends[1] * r, y + 0.06 * r)], INK, 0.010)


def _cigarette(canvas: Canvas, shot: Shot, pose: Pose) -> None:
    (x, y), r = pose.head, pose.body.head
    start = (x + (0.55 if shot.view == 'side' else 0.1) * r, y - 0.56 * r)
    end = (start[0] + 0.85 * r, start[1] - 0.18 * r)
    canvas.line([start, end], (250, 250, 246), 0.018)
    canvas.ellipse(end, 0.013, 0.013, (236, 92, 24), 0)
    for dx, dy, size in ((0.25, 0.45, 0.014), (0.15, 0.9, 0.019), (0.4, 1.35, 0.024)):
        canvas.ellipse((end[0] + dx * r, end[1] + dy * r), size, size, (214, 214, 216), 0)


def draw_hat(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """Cap, brimmed hat, beanie or helmet."""
    if person.hat is None:
        return
    (x, y), r = pose.head, pose.body.head
    colour = COLOURS[person.hat.colour]
    dark = shade(colour, 0.7)
    brow = (x, y + 0.42 * r)
    if person.hat.kind == 'cap':
        canvas.pie(brow, 0.92 * r, 0.82 * r, colour)
        if shot.view == 'side':
            canvas.limb([(x + 0.5 * r, y + 0.45 * r), (x + 1.35 * r, y + 0.38 * r)], (0.22 * r, 0.12 * r), dark, 0.005)
        elif shot.view == 'front':
            canvas.ellipse((x, y + 0.42 * r), 0.78 * r, 0.17 * r, dark, 0.005)
        else:
            canvas.line([(x - 0.9 * r, y + 0.45 * r), (x + 0.9 * r, y + 0.45 * r)], dark, 0.014)
    elif person.hat.kind == 'hat':
        canvas.ellipse((x, y + 0.48 * r), 1.55 * r, 0.26 * r, colour)
        canvas.polygon([(x - 0.8 * r, y + 0.5 * r), (x - 0.62 * r, y + 1.35 * r), (x + 0.62 * r, y + 1.35 * r),
                        (x + 0.8 * r, y + 0.5 * r)], colour)  # fmt: skip
        canvas.line([(x - 0.78 * r, y + 0.62 * r), (x + 0.78 * r, y + 0.62 * r)], dark, 0.022)
    elif person.hat.kind == 'beanie':
        canvas.pie((x, y + 0.3 * r), 0.94 * r, 1.0 * r, colour)
        canvas.limb([(x - 0.82 * r, y + 0.36 * r), (x + 0.82 * r, y + 0.36 * r)], [0.30 * r] * 2, dark, 0.004)
        canvas.ellipse((x, y + 1.32 * r), 0.24 * r, 0.24 * r, shade(colour, 1.6), 0.005)
    else:
        canvas.pie((x, y + 0.1 * r), 1.12 * r, 1.22 * r, colour)
        canvas.line([(x - 0.7 * r, y + 0.1 * r), (x - 0.3 * r, y - 0.95 * r)], INK, 0.012)
        for part in (-0.35, 0.25):
            canvas.line([(x + part * r, y + 0.6 * r), (x + part * r, y + 1.1 * r)], dark, 0.018)
