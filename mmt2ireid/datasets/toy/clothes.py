"""Legs, shoes, lower clothes, upper clothes, arms and hands."""

from __future__ import annotations

from mmt2ireid.datasets.toy.attributes import COLOURS, SKINS, SKIRTS, Person, Shot
from mmt2ireid.datasets.toy.canvas import Canvas, Fabric, Paint, Point, shade
from mmt2ireid.datasets.toy.garments import FRONTS, along, draw_details, hem_of, main_colour
from mmt2ireid.datasets.toy.pose import Pose

LEG_WIDTHS = {
    'pants': (0.100, 0.082, 0.068),
    'jeans': (0.094, 0.074, 0.060),
    'sports pants': (0.104, 0.090, 0.058),
    'leggings': (0.084, 0.060, 0.040),
    'shorts': (0.112, 0.104, 0.100),
}
SKIRT_HEMS = {'skirt': 0.315, 'long skirt': 0.10}
DARKER = 0.86


def draw_legs(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    """Both legs with shoes and whatever covers them; the far or lifted leg is drawn first and darker."""
    order = (0, 1) if shot.view == 'side' or pose.ankles[0][1] >= pose.ankles[1][1] else (1, 0)
    for rank, leg in enumerate(order):
        factor = DARKER if rank == 0 and shot.action != 'standing' else 1.0
        _shoe(canvas, person, shot, pose, leg, factor)
        _leg(canvas, person, pose, leg, factor, side=shot.view == 'side')
    if person.lower.kind in SKIRTS:
        _skirt(canvas, person, shot, pose)


def _shoe(canvas: Canvas, person: Person, shot: Shot, pose: Pose, leg: int, factor: float) -> None:
    (x, y), s = pose.ankles[leg], pose.body.height
    colour = shade(COLOURS[person.shoes], factor)
    if shot.view == 'side':
        lift = 0.03 if y > 0.08 and shot.action == 'running' else 0.0
        canvas.limb([(x - 0.012 * s, y - 0.012), (x + 0.055 * s, y - 0.018 - lift)], (0.048 * s, 0.034 * s), colour)
        canvas.line([(x - 0.03 * s, y - 0.035), (x + 0.07 * s, y - 0.037 - lift)], shade(colour, 0.5), 0.008)
    else:
        out = 0.012 if x > 0 else -0.012
        drop = 0.012 if shot.view == 'front' else 0.004
        canvas.ellipse((x + out, y - drop), 0.034 * s, 0.026 * s, colour)


def _leg(canvas: Canvas, person: Person, pose: Pose, leg: int, factor: float, *, side: bool) -> None:
    body, lower = pose.body, person.lower
    thick = body.thick * (0.7 + 0.3 * body.height)
    hip, knee, ankle = pose.hips[leg], pose.knees[leg], pose.ankles[leg]
    skin = shade(SKINS[person.skin], factor)
    bare = lower.kind in ('shorts', *SKIRTS)
    if bare:
        canvas.limb([hip, knee, ankle], [w * thick for w in (0.085, 0.060, 0.042)], skin)
    if lower.kind in SKIRTS:
        return
    colour = shade(COLOURS[lower.colour], factor)
    widths = [w * thick for w in LEG_WIDTHS[lower.kind]]
    if lower.kind == 'shorts':
        canvas.limb([hip, along(hip, knee, 0.45), along(hip, knee, 0.9)], widths, colour)
        return
    canvas.limb([hip, knee, along(knee, ankle, 0.95)], widths, colour)
    if lower.kind == 'jeans':
        seam = shade(COLOURS[lower.colour], 1.9 if lower.colour != 'white' else 0.8)
        shift = 0.0 if side else (0.02 if hip[0] > 0 else -0.02)
        canvas.line([(p[0] + shift, p[1]) for p in (hip, knee, ankle)], seam, 0.007)
        canvas.limb([along(knee, ankle, 0.90), along(knee, ankle, 0.98)], [widths[2] * 1.1] * 2, seam, edge=0.004)
        canvas.ellipse(along(hip, knee, 0.6), 0.018, 0.04, shade(colour, 1.12), edge=0)
    elif lower.kind == 'sports pants':
        stripe = COLOURS['white' if lower.colour not in ('white', 'beige', 'yellow') else 'black']
        shift = 0.0 if side else (0.032 if hip[0] > 0 else -0.032) * thick
        canvas.line([(p[0] + shift * f, p[1]) for p, f in ((hip, 1.1), (knee, 0.9), (ankle, 0.6))], stripe, 0.017)


def _skirt(canvas: Canvas, person: Person, shot: Shot, pose: Pose) -> None:
    body, s = pose.body, pose.body.height
    hem = SKIRT_HEMS[person.lower.kind] * s
    top = body.waist - 0.02
    half, flare = body.waist_half, 0.13 * s if person.lower.kind == 'skirt' else 0.125 * s
    colour = COLOURS[person.lower.colour]
    hem_y = hem + (0.06 * s if shot.action == 'riding' else 0.0)
    ends = [knee[0] for knee in pose.knees] if person.lower.kind == 'skirt' else [a[0] * 0.8 for a in pose.ankles]
    left, right = min(-flare, *(e - 0.04 for e in ends)), max(flare, *(e + 0.04 for e in ends))
    canvas.polygon([(-half, top), (half, top), (right, hem_y), (0, hem_y - 0.012), (left, hem_y)], colour)
    for part in (0.3, 0.5, 0.7):
        low = along((left, hem_y), (right, hem_y), part)
        canvas.line([along((-half, top - 0.08), (half, top - 0.08), part), low], shade(colour, 0.75), 0.007)


def draw_torso(canvas: Canvas, person: Person, shot: Shot, pose: Pose, paint: Paint) -> None:
    """Neck and the trunk of the upper garment with its details."""
    skin = SKINS[person.skin]
    canvas.limb([(pose.neck[0], pose.neck[1] - 0.01), pose.head], [0.062 * pose.body.height] * 2, shade(skin, 0.9))
    outline = _trunk(person, shot, pose)
    canvas.polygon(outline, paint, edge=0.01)
    _shadow(canvas, shot, pose, paint)
    if shot.view == 'front':
        FRONTS[person.upper.kind](canvas, person, pose, paint)
    else:
        draw_details(canvas, person, shot, pose, paint)


def _trunk(person: Person, shot: Shot, pose: Pose) -> list[Point]:
    body = pose.body
    drop = pose.hips[0][1] - body.hip
    lean, hem = pose.neck[0], hem_of(person, pose)
    top, waist = body.shoulder + drop, body.waist + drop
    bulk = {'wind coat': 1.08, 'jacket': 1.06, 'hoodie': 1.07, 'sweater': 1.04}.get(person.upper.kind, 1.0)
    sh, wa, hi = body.shoulder_half * bulk, body.waist_half * bulk, body.hip_half * bulk
    if person.upper.kind == 'vest':
        sh *= 0.86
    flare = hi * (1.45 if person.upper.kind == 'wind coat' else 1.06)
    if shot.action == 'riding':
        hem, flare = max(hem, pose.hips[0][1] - 0.06), hi * 1.1
    neck = 0.042 * body.height
    left = [(lean - neck, top + 0.035), (lean - sh * 0.8, top + 0.012), (lean - sh, top - 0.03)]
    left += [(lean * 0.5 - wa, waist), (-hi, body.hip + drop + 0.02), (-flare, hem)]
    right = [(lean + neck, top + 0.035), (lean + sh * 0.8, top + 0.012), (lean + sh, top - 0.03)]
    right += [(lean * 0.5 + wa, waist), (hi, body.hip + drop + 0.02), (flare, hem)]
    return [*left, *right[::-1]]


def _shadow(canvas: Canvas, shot: Shot, pose: Pose, paint: Paint) -> None:
    """A fold at the waist: one thin line, the cheapest hint of volume."""
    colour = main_colour(paint)
    body, drop = pose.body, pose.hips[0][1] - pose.body.hip
    x, y = body.waist_half, body.waist + drop
    canvas.line([(x, y + 0.01), (x * 0.45, y - 0.025)], shade(colour, 0.7), 0.008)
    canvas.line([(-x, y - 0.02), (-x * 0.5, y - 0.05)], shade(colour, 0.7), 0.008)


def draw_arm(canvas: Canvas, person: Person, pose: Pose, arm: int, paint: Paint, factor: float = 1.0) -> None:
    """One arm: skin, sleeve, cuff, hand or glove."""
    body, kind = pose.body, person.upper.kind
    thick = body.thick * (0.65 + 0.35 * body.height)
    shoulder, elbow, wrist = pose.shoulders[arm], pose.elbows[arm], pose.wrists[arm]
    skin = shade(SKINS[person.skin], factor)
    hand = shade(COLOURS[person.gloves], factor) if person.gloves else skin
    canvas.ellipse(wrist, 0.025 * thick, 0.028 * thick, hand)
    if kind in ('t-shirt', 'vest'):
        canvas.limb([shoulder, elbow, wrist], [w * thick for w in (0.056, 0.046, 0.036)], skin)
    if kind == 'vest':
        return
    bulk = {'wind coat': 1.15, 'jacket': 1.15, 'hoodie': 1.2, 'sweater': 1.12}.get(kind, 1.0)
    widths = [w * thick * bulk for w in (0.068, 0.058, 0.050)]
    sleeve = [shoulder, elbow, along(elbow, wrist, 0.88)]
    if kind == 't-shirt':
        sleeve, widths = [shoulder, along(shoulder, elbow, 0.72)], [0.074 * thick, 0.072 * thick]
    canvas.limb(sleeve, widths, paint if factor == 1.0 or isinstance(paint, Fabric) else shade(paint, factor))
    if kind in ('sweater', 'hoodie', 'jacket'):
        colour = main_colour(paint)
        cuff = [along(elbow, wrist, 0.84), along(elbow, wrist, 0.92)]
        canvas.limb(cuff, [widths[2]] * 2, shade(colour, 0.75), 0.004)
    if person.gloves:
        canvas.limb([along(elbow, wrist, 0.82), wrist], [0.05 * thick, 0.054 * thick], hand)
