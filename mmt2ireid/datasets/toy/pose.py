"""Where the joints of a body are, by age, gender, action and view. Coordinates: see ``canvas``."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from random import Random

from mmt2ireid.datasets.toy.attributes import Person, Shot
from mmt2ireid.datasets.toy.canvas import Point


@dataclass(frozen=True)
class Body:
    """Lengths of a body in body units.

    Attributes:
        height: of the top of the head.
        head: half the height of the head.
        shoulder, waist, hip: heights of these lines.
        shoulder_half, waist_half, hip_half: half widths there.
        arm, leg: lengths of a whole arm and leg.
        thick: factor on the widths of limbs.
    """

    height: float
    head: float
    shoulder: float
    waist: float
    hip: float
    shoulder_half: float
    waist_half: float
    hip_half: float
    arm: float
    leg: float
    thick: float


@dataclass(frozen=True)
class Pose:
    """Joints of a figure; pairs are (far, near) in a side view and (left, right) in the picture otherwise."""

    body: Body
    head: Point
    neck: Point
    shoulders: tuple[Point, Point]
    elbows: tuple[Point, Point]
    wrists: tuple[Point, Point]
    hips: tuple[Point, Point]
    knees: tuple[Point, Point]
    ankles: tuple[Point, Point]


def body_of(person: Person, view: str) -> Body:
    """Proportions of a person: children are small with a big head, the elderly stoop, hips and shoulders differ."""
    man, build = person.gender == 'man', person.build
    shoulder, waist, hip = (0.118, 0.092, 0.090) if man else (0.100, 0.074, 0.094)
    if person.age == 'middle-aged':
        waist += 0.014
    body = Body(
        height=1.0, head=0.074, shoulder=0.805, waist=0.60, hip=0.50, shoulder_half=shoulder * build,
        waist_half=waist * build, hip_half=hip * build, arm=0.325, leg=0.475, thick=build * (1.06 if man else 0.92),
    )  # fmt: skip
    if person.age == 'child':
        body = Body(
            height=0.72, head=0.074, shoulder=0.555, waist=0.42, hip=0.335, shoulder_half=0.084 * build,
            waist_half=0.072 * build, hip_half=0.074 * build, arm=0.225, leg=0.32, thick=0.86 * build,
        )  # fmt: skip
    elif person.age == 'elderly':
        body = replace(body, height=0.955, shoulder=0.772, arm=0.315)
    if view == 'side':
        body = replace(
            body, shoulder_half=body.shoulder_half * 0.66, waist_half=body.waist_half * 0.78,
            hip_half=body.hip_half * 0.82,
        )  # fmt: skip
    return body


def bend(start: Point, end: Point, length: float, side: float) -> tuple[Point, Point]:
    """Joint in the middle of a limb of two equal parts, and the end of the limb as far as it reaches.

    Args:
        start: shoulder or hip.
        end: where the hand or foot should be; pulled in when it is out of reach.
        length: of the whole limb.
        side: +1 bends the joint towards +x, -1 towards -x; a part of one bends it less.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    distance = math.hypot(dx, dy) or 1e-6
    if distance > length:
        dx, dy, distance = dx * length / distance, dy * length / distance, length
    end = (start[0] + dx, start[1] + dy)
    rise = math.copysign(side, side * -dy) * math.sqrt(max(0.0, (length / 2) ** 2 - (distance / 2) ** 2))
    middle = (start[0] + dx / 2, start[1] + dy / 2)
    return (middle[0] - dy / distance * rise, middle[1] + dx / distance * rise), end


def pose_of(person: Person, shot: Shot, rng: Random) -> Pose:
    """Joints of a person in a shot.

    Args:
        person: decides the proportions and what the hands hold.
        shot: decides action and view.
        rng: the picture's own generator, for the phase of a step.
    """
    body = body_of(person, shot.view)
    side = shot.view == 'side'
    lean = {'running': 0.07, 'walking': 0.012, 'riding': 0.09}.get(shot.action, 0.0) if side else 0.0
    lean += 0.045 if person.age == 'elderly' and side else 0.0
    scale = body.height
    hip_y = body.hip + _seat(person, shot)
    drop = hip_y - body.hip
    neck = (lean, body.shoulder + 0.03 * scale + drop)
    nod = 0.02 if side else 0.0
    head = (lean * 1.25 + nod, body.height - body.head + drop)
    # A joint of a sleeve sits inside the shoulder line by half its width, so that the outline stays smooth.
    arm_x = 0.0 if side else body.shoulder_half - 0.012 * scale
    shoulders = ((lean - arm_x, body.shoulder - 0.02 + drop), (lean + arm_x, body.shoulder - 0.02 + drop))
    hip_x = 0.0 if side else body.hip_half * 0.5
    hips = ((-hip_x, hip_y), (hip_x, hip_y))
    ankles = _feet(shot, body, rng, hip_x)
    wrists = _hands(person, shot, body, rng, lean, drop)
    knees, ankles = _joints(hips, ankles, body.leg, (1, 1) if side else (-0.3, 0.3))
    # Seen from the front, much of an elbow's bend points towards the camera.
    flat = 0.35 if shot.action == 'running' or person.umbrella else 1.0
    elbows, wrists = _joints(shoulders, wrists, body.arm, (-1, -1) if side else (-flat, flat))
    if person.cellphone:
        x, y = shoulders[1]
        elbows = (elbows[0], (x + (0.10 if side else 0.055) * scale, y - (0.06 if side else 0.10) * scale))
    return Pose(body, head, neck, shoulders, elbows, wrists, hips, knees, ankles)


def _joints(
    starts: tuple[Point, Point], ends: tuple[Point, Point], length: float, sides: tuple[float, float]
) -> tuple[tuple[Point, Point], tuple[Point, Point]]:
    (a, end_a), (b, end_b) = (bend(s, e, length, side) for s, e, side in zip(starts, ends, sides, strict=True))
    return (a, b), (end_a, end_b)


def _seat(person: Person, shot: Shot) -> float:
    """How far the hips are above their height when standing."""
    if person.vehicle:
        if person.vehicle.kind == 'scooter':
            return -0.06
        return 0.08 if person.age == 'child' else 0.02
    return -0.012 if shot.action in ('walking', 'running') else 0.0


def _feet(shot: Shot, body: Body, rng: Random, hip_x: float) -> tuple[Point, Point]:
    s, swing = body.height, rng.choice((1, -1))
    low, jitter = 0.035, rng.uniform(0.9, 1.15)
    if shot.action == 'riding':
        return (0.03, 0.20), (0.05, 0.115)
    if shot.view == 'side':
        far, near = {
            'walking': ((0.135 * s, low), (-0.15 * s, low + 0.03)),
            'running': ((0.15 * s, 0.13 * s), (-0.24 * s, 0.20 * s)),
        }.get(shot.action, ((-0.02 * s, low), (0.02 * s, low)))
        pair = ((far[0] * jitter, far[1]), (near[0] * jitter, near[1]))
        return pair if swing > 0 else pair[::-1]
    spread = {'walking': 0.045, 'running': 0.06}.get(shot.action, 0.062 * rng.uniform(0.8, 1.5)) * s
    lift = {'walking': 0.055, 'running': 0.20}.get(shot.action, 0.0) * s * jitter
    left, right = (lift, 0.0) if swing > 0 else (0.0, lift)
    return (-max(spread, hip_x), low + left), (max(spread, hip_x), low + right)


def _hands(person: Person, shot: Shot, body: Body, rng: Random, lean: float, drop: float) -> tuple[Point, Point]:
    s, side = body.height, shot.view == 'side'
    top, swing = body.shoulder - 0.02 + drop, rng.choice((1, -1))
    low = top - body.arm
    if shot.action == 'riding':
        reach = (lean + 0.17 * s, top - 0.20 * s)
        return reach, reach
    if side:
        far, near = {
            'walking': ((lean - 0.13 * s, low + 0.04), (lean + 0.13 * s, low + 0.045)),
            'running': ((lean - 0.10 * s, top - 0.15 * s), (lean + 0.19 * s, top - 0.09 * s)),
        }.get(shot.action, ((lean + 0.03 * s, low), (lean + 0.0 * s, low)))
        hands = (far, near) if swing > 0 else (near, far)
    else:
        out = body.shoulder_half + 0.035 * s
        hands = ((-out, low + 0.01), (out, low + 0.01))
        if shot.action == 'walking':
            a, b = (0.045, 0.0) if swing > 0 else (0.0, 0.045)
            hands = ((-out, low + a), (out, low + b))
        elif shot.action == 'running':
            hands = ((-out, top - 0.22 * s), (out - 0.03, top - 0.13 * s))
        elif shot.action == 'standing' and not person.bag and rng.random() < 0.25:
            hands = ((-body.waist_half - 0.01, body.waist - 0.02), (body.waist_half + 0.01, body.waist - 0.02))
    return hands[0], _right_hand(person, shot, body, hands[1], lean)


def _right_hand(person: Person, shot: Shot, body: Body, usual: Point, lean: float) -> Point:
    """The right (near) hand holds a phone or an umbrella, or waves."""
    s, side = body.height, shot.view == 'side'
    if person.cellphone:
        return (lean + 0.0, body.height - 1.15 * body.head) if side else (0.085, body.height - 1.2 * body.head)
    if person.umbrella:
        return (lean + 0.13 * s, body.waist + 0.09 * s) if side else (body.shoulder_half + 0.02, body.waist + 0.07 * s)
    if shot.action == 'waving':
        return (lean + 0.17 * s, body.height + 0.0) if side else (body.shoulder_half + 0.08 * s, body.height + 0.01)
    return usual
