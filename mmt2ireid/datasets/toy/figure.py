"""A whole person, drawn part by part from the back to the front."""

from __future__ import annotations

from random import Random

from mmt2ireid.datasets.toy.attributes import Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas
from mmt2ireid.datasets.toy.clothes import DARKER, draw_arm, draw_legs, draw_torso
from mmt2ireid.datasets.toy.head import draw_back_hair, draw_hat, draw_head
from mmt2ireid.datasets.toy.pose import pose_of
from mmt2ireid.datasets.toy.things import draw_behind, draw_held, draw_straps, draw_umbrella, draw_vehicle


def draw_figure(canvas: Canvas, person: Person, shot: Shot, rng: Random) -> None:
    """Draw a person on a canvas.

    Args:
        canvas: where the person stands; its unit is the height of a grown-up.
        person: who.
        shot: how.
        rng: the picture's own generator, for the phase of a step and the like.
    """
    pose = pose_of(person, shot, rng)
    paint = canvas.weave(person.upper)
    side, back = shot.view == 'side', shot.view == 'back'
    draw_vehicle(canvas, person, near=False)
    draw_behind(canvas, person, shot, pose)
    if not back:
        draw_back_hair(canvas, person, shot, pose)
    if side:
        draw_arm(canvas, person, pose, 0, paint, DARKER)
    draw_legs(canvas, person, shot, pose)
    draw_vehicle(canvas, person, near=True)
    draw_torso(canvas, person, shot, pose, paint)
    draw_straps(canvas, person, shot, pose)
    if not side:
        draw_arm(canvas, person, pose, 0, paint)
    raised = person.cellphone or shot.action == 'waving'
    if not raised:
        draw_arm(canvas, person, pose, 1, paint)
    draw_head(canvas, person, shot, pose)
    draw_hat(canvas, person, shot, pose)
    if raised:
        draw_arm(canvas, person, pose, 1, paint)
    draw_held(canvas, person, shot, pose)
    draw_umbrella(canvas, person, shot, pose)


def height_of(person: Person) -> float:
    """Height in body units of all that belongs to a person, umbrella and hat included."""
    if person.umbrella:
        return 1.23
    return 1.06
