"""What people carry and ride: bags, phone, umbrella, bicycle, scooter."""

from __future__ import annotations

from mmt2ireid.datasets.toy.attributes import COLOURS, RGB, Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas, Point, shade
from mmt2ireid.datasets.toy.pose import Pose

TYRE: RGB = (28, 28, 30)
STEEL: RGB = (150, 152, 158)


def bag_hand(person: Person, shot: Shot) -> int:
    """Which hand (index into ``Pose.wrists``) carries a handbag or suitcase."""
    return 1 if shot.view == 'side' and not (person.cellphone or person.umbrella) else 0


def draw_behind(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """What stands behind the body: a backpack seen from the front or side, a suitcase."""
    if person.bag is None:
        return
    body, colour = pose.body, COLOURS[person.bag.colour]
    top, low = _pack_ends(pose)
    if person.bag.kind == 'backpack' and shot.view == 'front':
        half = body.shoulder_half * 0.95 + 0.028
        canvas.polygon(_rounded(pose.neck[0], half, low + 0.02, top + 0.035), shade(colour, 0.8))
    elif person.bag.kind == 'backpack' and shot.view == 'side':
        x = pose.neck[0] * 0.7 - body.shoulder_half - 0.045 * body.height
        canvas.polygon(_rounded(x, 0.07 * body.height, low, top), colour, 0.01)
        canvas.polygon(_rounded(x - 0.025, 0.045 * body.height, low + 0.01, (low + top) / 2), shade(colour, 0.8))
    elif person.bag.kind == 'suitcase':
        hand = pose.wrists[bag_hand(person, shot)]
        x = hand[0] + (0.0 if shot.view == 'side' else -0.075)
        for dx in (-0.03, 0.03):
            canvas.line([(x + dx, 0.25 * body.height), (x + dx, hand[1])], STEEL, 0.012)
        canvas.line([(x - 0.035, hand[1]), (x + 0.035, hand[1])], TYRE, 0.018)
        canvas.polygon(_rounded(x, 0.085 * body.height, 0.02, 0.29 * body.height), colour, 0.01)
        for dx in (-0.04, 0.0, 0.04):
            canvas.line([(x + dx, 0.05), (x + dx, 0.26 * body.height)], shade(colour, 0.75), 0.01)
        for dx in (-0.06, 0.06):
            canvas.ellipse((x + dx * body.height, 0.014), 0.018, 0.018, TYRE, 0)


def draw_straps(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """What lies on the trunk but under the arms: straps, and the backpack itself in a back view."""
    if person.bag is None:
        return
    body, colour, x = pose.body, COLOURS[person.bag.colour], pose.neck[0]
    top, low = _pack_ends(pose)
    if person.bag.kind == 'backpack':
        if shot.view == 'front':
            for sign in (-1, 1):
                half = sign * body.shoulder_half
                canvas.limb([(x + 0.6 * half, top + 0.03), (x + 0.68 * half, low + 0.05)], [0.03] * 2, colour, 0.006)
        elif shot.view == 'back':
            half = body.shoulder_half * 0.88
            canvas.polygon(_rounded(x, half, low, top + 0.01), colour, 0.012)
            canvas.polygon(_rounded(x, half * 0.72, low + 0.02, low + 0.45 * (top - low)), shade(colour, 0.78), 0.008)
            canvas.line([(x - half * 0.5, top - 0.03), (x + half * 0.5, top - 0.03)], shade(colour, 0.6), 0.012)
        else:
            points = [(x * 0.9, top + 0.02), (x + 0.03, (top + low) / 2), (x * 0.7 - body.shoulder_half, low + 0.04)]
            canvas.limb(points, [0.024] * 3, shade(colour, 0.8), 0.005)
    elif person.bag.kind == 'shoulder bag':
        end = (body.hip_half + 0.015, pose.hips[1][1] + 0.0)
        canvas.limb([(x - 0.6 * body.shoulder_half, top + 0.035), end], [0.022] * 2, shade(colour, 0.8), 0.006)


def draw_held(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """What is drawn over the arms: bags in the hand or at the hip, the phone."""
    s = pose.body.height
    if person.bag and person.bag.kind == 'shoulder bag':
        centre = (pose.body.hip_half + 0.025, pose.hips[1][1] - 0.045)
        x, y, colour = *centre, COLOURS[person.bag.colour]
        canvas.polygon(_rounded(x, 0.065, y - 0.045, y + 0.045), colour, 0.01)
        canvas.line([(x - 0.06, y + 0.012), (x + 0.06, y + 0.012)], shade(colour, 0.6), 0.01)
    elif person.bag and person.bag.kind == 'handbag':
        x, y = pose.wrists[bag_hand(person, shot)]
        colour = COLOURS[person.bag.colour]
        canvas.ring((x, y - 0.025 * s), 0.036 * s, 0.05 * s, shade(colour, 0.6), 0.014)
        bag = [(x - 0.055 * s, y - 0.045 * s), (x + 0.055 * s, y - 0.045 * s), (x + 0.08 * s, y - 0.155 * s),
               (x - 0.08 * s, y - 0.155 * s)]  # fmt: skip
        canvas.polygon(bag, colour, 0.01)
        canvas.ellipse((x, y - 0.07 * s), 0.012, 0.012, (232, 200, 90), 0)
    if person.cellphone:
        x, y = pose.wrists[1]
        canvas.limb([(x - 0.006, y - 0.02), (x + 0.006, y + 0.045)], [0.032] * 2, TYRE, 0.004)


def draw_umbrella(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """Shaft and canopy, over the head."""
    if person.umbrella is None:
        return
    colour = COLOURS[person.umbrella]
    hand, top = pose.wrists[1], pose.body.height + 0.13
    centre = (hand[0] * 0.45 + pose.head[0] * 0.3, top - 0.085)
    canvas.line([hand, (centre[0] + 0.02, top)], STEEL, 0.014)
    canvas.pie(centre, 0.27, 0.14, colour)
    for part in (-0.55, -0.18, 0.18, 0.55):
        rib = [(centre[0] + part * 0.06, top + 0.05), (centre[0] + part * 0.27, centre[1])]
        canvas.line(rib, shade(colour, 0.7), 0.008)
    for index in range(4):
        canvas.ellipse((centre[0] + (index - 1.5) * 0.135, centre[1] - 0.001), 0.066, 0.014, shade(colour, 0.75), 0)
    canvas.line([(centre[0], top + 0.055), (centre[0], top + 0.085)], STEEL, 0.014)


def draw_vehicle(canvas: Canvas, person: Person, *, near: bool) -> None:
    """Bicycle or scooter; ``near`` draws the part before the rider's legs."""
    if person.vehicle is None:
        return
    colour = COLOURS[person.vehicle.colour]
    if person.vehicle.kind == 'bicycle':
        _bicycle(canvas, colour, near)
    else:
        _scooter(canvas, colour, near)


def _bicycle(canvas: Canvas, colour: RGB, near: bool) -> None:
    back, front, crank, seat, bars = (-0.20, 0.15), (0.22, 0.15), (0.0, 0.15), (-0.075, 0.44), (0.17, 0.50)
    if near:
        canvas.ellipse(crank, 0.03, 0.03, STEEL, 0.005)
        return
    for wheel in (back, front):
        canvas.ring(wheel, 0.135, 0.15, TYRE, 0.028)
        for dx, dy in ((0.12, 0.05), (0.05, 0.13), (-0.05, 0.13), (-0.12, 0.05)):
            canvas.line([(wheel[0] - dx, wheel[1] - dy), (wheel[0] + dx, wheel[1] + dy)], STEEL, 0.006)
        canvas.ellipse(wheel, 0.02, 0.02, STEEL, 0)
    frame: list[list[Point]] = [
        [back, crank, (0.15, 0.40), (-0.06, 0.40), back],
        [crank, seat],
        [front, (0.15, 0.40), bars],
    ]
    for line in frame:
        canvas.line(line, shade(colour, 0.6), 0.036)
    for line in frame:
        canvas.line(line, colour, 0.024)
    canvas.limb([(-0.13, 0.455), (-0.03, 0.455)], (0.04, 0.022), TYRE)
    canvas.line([bars, (0.22, 0.535)], TYRE, 0.026)


def _scooter(canvas: Canvas, colour: RGB, near: bool) -> None:
    dark = shade(colour, 0.75)
    if near:
        body = [(-0.30, 0.30), (-0.26, 0.16), (0.10, 0.075), (0.13, 0.11), (-0.02, 0.17), (-0.06, 0.34), (-0.26, 0.36)]
        canvas.polygon(body, colour, 0.01)
        canvas.limb([(-0.26, 0.385), (-0.04, 0.385)], (0.05, 0.05), TYRE)
        return
    for x in (-0.21, 0.24):
        canvas.ellipse((x, 0.085), 0.085, 0.085, TYRE, 0)
        canvas.ellipse((x, 0.085), 0.04, 0.04, STEEL, 0)
    canvas.line([(0.24, 0.085), (0.17, 0.52)], STEEL, 0.03)
    canvas.polygon([(0.09, 0.09), (0.20, 0.11), (0.24, 0.22), (0.19, 0.50), (0.14, 0.50), (0.15, 0.22)], dark, 0.01)
    canvas.polygon([(0.15, 0.16), (0.33, 0.16), (0.30, 0.22), (0.20, 0.24)], colour, 0.01)
    canvas.line([(0.12, 0.555), (0.19, 0.53)], TYRE, 0.03)
    canvas.ellipse((0.205, 0.47), 0.028, 0.03, (252, 244, 190))


def _pack_ends(pose: Pose) -> tuple[float, float]:
    """Heights of the upper and lower end of a backpack."""
    drop = pose.hips[0][1] - pose.body.hip
    return pose.body.shoulder + drop, pose.body.waist + drop - 0.06


def _rounded(x: float, half: float, low: float, top: float) -> list[Point]:
    cut = min(0.03, half * 0.5)
    return [
        (x - half, low + cut), (x - half, top - cut), (x - half + cut, top), (x + half - cut, top),
        (x + half, top - cut), (x + half, low + cut), (x + half - cut, low), (x - half + cut, low),
    ]  # fmt: skip
