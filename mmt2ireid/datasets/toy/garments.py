"""What tells upper garments apart: collars, buttons, hoods, belts and ribbed hems."""

from __future__ import annotations

from collections.abc import Callable

from mmt2ireid.datasets.toy.attributes import COLOURS, RGB, SKINS, Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas, Fabric, Paint, Point, shade
from mmt2ireid.datasets.toy.pose import Pose

HEMS = {
    't-shirt': 0.465,
    'shirt': 0.455,
    'sweater': 0.455,
    'hoodie': 0.455,
    'jacket': 0.45,
    'wind coat': 0.27,
    'vest': 0.47,
    'suit': 0.43,
}


def along(p: Point, q: Point, part: float) -> Point:
    """The point at ``part`` (0 to 1) of the way from p to q."""
    return p[0] + (q[0] - p[0]) * part, p[1] + (q[1] - p[1]) * part


def hem_of(person: Person, pose: Pose) -> float:
    """Height of the lower end of the upper garment."""
    drop = pose.hips[0][1] - pose.body.hip
    return HEMS[person.upper.kind] * pose.body.height * (0.94 if pose.body.height < 0.9 else 1.0) + drop


def _levels(pose: Pose) -> tuple[float, float, float]:
    """Middle of the collar (x, y) and the size of the body."""
    drop = pose.hips[0][1] - pose.body.hip
    return pose.neck[0], pose.body.shoulder + drop + 0.03 * pose.body.height, pose.body.height


def main_colour(paint: Paint) -> RGB:
    """The colour of a plain paint, or the main one of a fabric."""
    return paint.colour if isinstance(paint, Fabric) else paint


def _neckline(canvas: Canvas, person: Person, pose: Pose, depth: float = 0.03) -> None:
    x, y, s = _levels(pose)
    canvas.polygon([(x - 0.036 * s, y + 0.012), (x, y - depth * s), (x + 0.036 * s, y + 0.012)], SKINS[person.skin], 0)


def _t_shirt(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    _neckline(canvas, person, pose, 0.022)


def _vest(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    _neckline(canvas, person, pose, 0.055)


def _shirt(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    main = main_colour(paint)
    _neckline(canvas, person, pose, 0.035)
    for sign in (-1, 1):
        tips = [(x + sign * 0.04 * s, y + 0.012), (x + sign * 0.062 * s, y - 0.028 * s), (x, y - 0.04 * s)]
        canvas.polygon(tips, shade(main, 1.35), 0.006)
    line = shade(main, 0.6 if sum(main) > 240 else 2.2)
    canvas.line([(x, y - 0.04 * s), (0, hem_of(person, pose))], line, 0.008)
    for step in range(1, 6):
        canvas.ellipse(along((x, y - 0.03 * s), (0, hem_of(person, pose)), step / 6), 0.008, 0.008, line, 0)


def _sweater(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    dark, hem = shade(main_colour(paint), 0.72), hem_of(person, pose)
    canvas.limb([(x - 0.04 * s, y), (x, y - 0.018 * s), (x + 0.04 * s, y)], [0.024 * s] * 3, dark, 0.004)
    half = pose.body.hip_half * 1.06
    canvas.polygon([(-half, hem + 0.035), (half, hem + 0.035), (half, hem), (-half, hem)], dark, 0.004)


def _hoodie(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    main = main_colour(paint)
    hood = [(x - 0.075 * s, y + 0.004), (x - 0.05 * s, y - 0.025 * s), (x, y - 0.04 * s)]
    hood += [(2 * x - px, py) for px, py in hood[1::-1]]
    canvas.limb(hood, [0.036 * s] * 5, shade(main, 0.85))
    string = COLOURS['white'] if sum(main) < 600 else COLOURS['gray']
    for sign in (-1, 1):
        canvas.line([(x + sign * 0.02 * s, y - 0.045 * s), (x + sign * 0.024 * s, y - 0.12 * s)], string, 0.01)
    low = hem_of(person, pose) + 0.02
    half = pose.body.waist_half * 0.7
    pouch = [(-half * 0.7, low + 0.075 * s), (half * 0.7, low + 0.075 * s), (half, low), (-half, low)]
    canvas.polygon(pouch, shade(main, 0.85), 0.007)


def _jacket(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    hem, main = hem_of(person, pose), main_colour(paint)
    inner = COLOURS['white'] if sum(main) < 560 else COLOURS['gray']
    canvas.polygon([(x - 0.035 * s, y + 0.012), (x + 0.035 * s, y + 0.012), (0.02 * s, hem), (-0.02 * s, hem)], inner)
    for sign in (-1, 1):
        collar = [(x + sign * 0.05 * s, y + 0.015), (x + sign * 0.035 * s, y - 0.03)]
        canvas.limb(collar, [0.03 * s] * 2, shade(main, 0.7))
        canvas.line([(sign * 0.07 * s, hem + 0.10 * s), (sign * 0.055 * s, hem + 0.05 * s)], shade(main, 0.5), 0.01)


def _wind_coat(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    hem, main = hem_of(person, pose), main_colour(paint)
    drop, half = pose.hips[0][1] - pose.body.hip, pose.body.waist_half * 1.12
    _neckline(canvas, person, pose, 0.045)
    for sign in (-1, 1):
        lapel = [(x + sign * 0.04 * s, y + 0.015), (x + sign * 0.085 * s, y - 0.055 * s), (x, y - 0.10 * s)]
        canvas.polygon(lapel, shade(main, 0.82), 0.006)
    canvas.line([(x, y - 0.10 * s), (0, hem)], shade(main, 0.5), 0.01)
    waist = pose.body.waist + drop - 0.03
    canvas.polygon([(-half, waist + 0.02), (half, waist + 0.02), (half, waist - 0.015), (-half, waist - 0.015)],
                   shade(main, 0.62), 0)  # fmt: skip


def _suit(canvas: Canvas, person: Person, pose: Pose, paint: Paint) -> None:
    x, y, s = _levels(pose)
    hem, main = hem_of(person, pose), main_colour(paint)
    white = COLOURS['white'] if sum(main) < 600 else COLOURS['blue']
    canvas.polygon([(x - 0.045 * s, y + 0.012), (x + 0.045 * s, y + 0.012), (x, y - 0.17 * s)], white, 0.004)
    if person.gender == 'man':
        canvas.polygon([(x, y - 0.002), (x - 0.016, y - 0.06), (x, y - 0.14), (x + 0.016, y - 0.06)], (150, 26, 34), 0)
    for sign in (-1, 1):
        lapel = [(x + sign * 0.045 * s, y + 0.014), (x + sign * 0.085 * s, y - 0.05 * s), (x, y - 0.17 * s)]
        canvas.polygon(lapel, shade(main, 1.2 if sum(main) < 200 else 0.8), 0.006)
    canvas.line([(x, y - 0.17 * s), (0, hem)], shade(main, 0.45), 0.01)


def draw_details(canvas: Canvas, person: Person, shot: Shot, pose: Pose, paint: Paint) -> None:
    """What tells garments apart from behind and from the side: hood, collar, belt, ribbed hem."""
    x, y, s = _levels(pose)
    kind, main = person.upper.kind, main_colour(paint)
    back = shot.view == 'back'
    half = pose.body.shoulder_half
    if kind == 'hoodie':
        centre = (x, y - 0.03 * s) if back else (x - half * 0.75, y - 0.015 * s)
        canvas.ellipse(centre, 0.062 * s, 0.05 * s, shade(main, 0.82))
    elif kind in ('shirt', 'suit', 'jacket', 'wind coat'):
        collar = [(x - 0.036 * s, y + 0.012), (x + 0.036 * s, y + 0.012)]
        canvas.limb(collar, [0.032 * s] * 2, shade(main, 0.78), 0.005)
    if kind == 'wind coat':
        drop, wide = pose.hips[0][1] - pose.body.hip, pose.body.waist_half * 1.12
        waist = pose.body.waist + drop - 0.03
        canvas.line([(x * 0.5 - wide, waist), (x * 0.5 + wide, waist)], shade(main, 0.62), 0.03)
    elif kind in ('sweater', 'hoodie', 'jacket'):
        hem, wide = hem_of(person, pose), pose.body.hip_half * 1.06
        canvas.line([(-wide, hem + 0.015), (wide, hem + 0.015)], shade(main, 0.72), 0.03)


FRONTS: dict[str, Callable[[Canvas, Person, Pose, Paint], None]] = {
    't-shirt': _t_shirt,
    'vest': _vest,
    'shirt': _shirt,
    'sweater': _sweater,
    'hoodie': _hoodie,
    'jacket': _jacket,
    'wind coat': _wind_coat,
    'suit': _suit,
}
