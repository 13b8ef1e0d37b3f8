"""Draws a staging: clips or single frames of the cartoon world, with a mask of the figures.

Scene units are heights of the picture, x from -aspect/2 to aspect/2, y from 0 (top) to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from t2v.toon.drawing.anatomy import PAINT, Anatomy
from t2v.toon.drawing.blocking import (
    Actor,
    View,
    arms_of,
    block,
    body_affine,
    ground_x,
    together,
    view_at,
)
from t2v.toon.drawing.faces import draw_brows, draw_face, turned_face
from t2v.toon.drawing.figures import BODIES, HEADS, Look, draw_back, draw_chair
from t2v.toon.drawing.pen import INK, Affine, Colour, Pen, Point, mix, moonlit, placed
from t2v.toon.drawing.poses import PERIOD, Pose
from t2v.toon.drawing.sets import FLOORS, SCENERY
from t2v.toon.drawing.wardrobe import (
    draw_apron,
    draw_apron_strings,
    draw_cigar,
    draw_glasses,
    draw_hat,
    draw_moustache,
    draw_prop,
)
from t2v.toon.world import PEOPLE, Staging

SUPERSAMPLING = 3
MARGIN = 0.1  # of the width, drawn on both sides for a panning camera
BODY = 0.5  # of the mask, where a head is 1
SET_ZOOM = {"establishing": 1.0, "medium": 1.06, "close-up": 1.2}

Frames = NDArray[np.uint8]
Mask = NDArray[np.float32]


def draw(
    staging: Staging, *, num_frames: int = 16, height: int = 64, width: int = 112, fps: int = 8
) -> Frames:
    """The clip as uint8 RGB, (f, h, w, 3); one frame is taken from a phase that the seed decides."""
    frames, _ = draw_with_figures(staging, num_frames=num_frames, height=height, width=width, fps=fps)
    return frames


def draw_with_figures(
    staging: Staging,
    *,
    num_frames: int = 16,
    height: int = 64,
    width: int = 112,
    fps: int = 8,
    poses: Sequence[Sequence[Pose]] | None = None,
    only: Sequence[int] | None = None,
) -> tuple[Frames, Mask]:
    """The clip and a mask (f, h, w): 1 on heads, a half on the rest of the figures, 0 elsewhere.

    `poses`: of every frame the pose of every figure, instead of their actions'. `only`: the frames of the
    clip that are drawn, instead of all `num_frames`.
    """
    aspect = width / height
    blocking = block(staging, aspect, num_frames)
    scenery = _scenery(staging, height, width, blocking.shift)
    wanted = range(num_frames) if only is None else only
    frames = np.empty((len(wanted), height, width, 3), np.uint8)
    mask = np.zeros((len(wanted), height, width), np.float32)
    still: Image.Image | None = None
    for k, i in enumerate(wanted):
        tick = blocking.start + round(i * 8 / fps)
        view = view_at(staging, blocking, i, num_frames, tick)
        if still is None or staging.camera != "still":
            still = _seen(scenery, height, width, view)
            empty = np.asarray(still.reduce(SUPERSAMPLING))
        image = still.copy()
        base = view.affine(aspect, height * SUPERSAMPLING)
        line = SUPERSAMPLING * height / 64 * 1.15
        shown = blocking.poses_at(tick) if poses is None else poses[i]
        heads = _draw_actors(image, base, blocking.actors, staging, tick, shown, line=line)
        frames[k] = np.asarray(image.reduce(SUPERSAMPLING))
        mask[k] = np.maximum(_heads(heads, height, width), BODY * (frames[k] != empty).any(-1))
    return frames, mask


def _scenery(staging: Staging, height: int, width: int, shift: float) -> Image.Image:
    """The set without figures, wider than the picture by the margin on both sides."""
    unit = height * SUPERSAMPLING
    size = (round(width * SUPERSAMPLING * (1 + 2 * MARGIN)), unit)
    zoom = SET_ZOOM[staging.size]
    image = Image.new("RGB", size)
    line = SUPERSAMPLING * height / 64
    affine: Affine = (zoom * unit, 0, size[0] / 2 + shift * unit, 0, zoom * unit, unit * 0.45 * (1 - zoom))
    pen = Pen(image, affine, line=line, night=staging.time == "night")
    SCENERY[staging.set](pen, width / height / 2)
    return image


def _seen(scenery: Image.Image, height: int, width: int, view: View) -> Image.Image:
    """What the camera sees of the set; it shifts a little less than the figures do."""
    w, h = width * SUPERSAMPLING, height * SUPERSAMPLING
    x = scenery.width / 2 + 0.8 * view.dx * h
    if view.zoom == 1.0:
        left = round(x - w / 2)
        return scenery.crop((left, 0, left + w, h))
    half_w, half_h = w / 2 / view.zoom, h / 2 / view.zoom
    region = (x - half_w, h / 2 - half_h, x + half_w, h / 2 + half_h)
    return scenery.resize((w, h), Image.Resampling.NEAREST, box=region)


def _draw_actors(
    image: Image.Image,
    base: Affine,
    actors: Sequence[Actor],
    staging: Staging,
    tick: int,
    poses: Sequence[Pose],
    *,
    line: float,
) -> list[list[Point]]:
    """Draws the figures and returns the outlines of their heads in pixels of the film."""
    night = staging.time == "night"
    pen = Pen(image, base, line=line)
    actors = together(actors, poses)
    floor = mix(FLOORS[staging.set], (20, 16, 50), 0.32)
    shadow = moonlit(floor) if night else floor
    for actor, pose in zip(actors, poses, strict=True):
        if not actor.close:
            r = 0.24 * actor.height * (0.75 if pose.afloat else 1.0)
            pen.affine = base
            pen.oval(ground_x(actor, pose), actor.feet, r, r * 0.2, shadow, outline=False)
    heads = []
    for actor, pose in zip(actors, poses, strict=True):
        body = body_affine(base, actor, pose)
        pen.halo = (168, 182, 226) if night else (255, 252, 240)
        _draw_figure(pen, body, actor, pose, tick)
        pen.halo = None
        _draw_figure(pen, body, actor, pose, tick)
        heads.append(_head_outline(body, actor, pose))
    for actor, pose in zip(actors, poses, strict=True):  # an arm round another lies over both
        pen.affine = body_affine(base, actor, pose)
        _draw_arms(pen, actor, pose, _look(actor, 0.0), only="round")
    return heads


def _look(actor: Actor, phase: float) -> Look:
    worn = actor.figure.accessories
    return Look(PAINT[actor.figure.colour], actor.skin, actor.hair, phase, "apron" in worn, "hat" in worn)


def _draw_figure(pen: Pen, body: Affine, actor: Actor, pose: Pose, tick: int) -> None:
    figure, a = actor.figure, actor.anatomy
    phase = 2 * math.pi * ((tick + actor.phase) % PERIOD) / PERIOD
    look = _look(actor, phase)
    pen.affine = body
    if pose.seated:
        draw_chair(pen, a)
    plain = pose.turned and figure.kind not in PEOPLE  # nothing on its front
    BODIES[figure.kind](pen, a, pose, replace(look, apron=True) if plain else look)
    if look.apron:
        (draw_apron_strings if pose.turned else draw_apron)(pen, figure.kind, a, look)
    if figure.kind == "old man" and not pose.afloat:
        pen.limb([(-0.33, -0.26), (-0.35, -0.01)], (150, 98, 56), 0.055)
    pen.affine = placed(body, pose.head_dx, pose.head_dy)
    _draw_head(pen, actor, pose, look)
    pen.affine = body
    _draw_arms(pen, actor, pose, look)


def _draw_head(pen: Pen, actor: Actor, pose: Pose, look: Look) -> None:
    kind, a, worn = actor.figure.kind, actor.anatomy, actor.figure.accessories
    head = pen.affine
    if pose.turned:
        draw_back(pen, kind, a, pose, look)
        if look.hat:
            draw_hat(pen, actor.figure.colour, a, look)
        return
    HEADS[kind](pen, a, pose, look)
    pen.affine = turned_face(head, pose)
    draw_face(pen, kind, a, pose, look)
    _draw_on_face(pen, kind, a, worn, look)
    pen.affine = head
    if look.hat:
        draw_hat(pen, actor.figure.colour, a, look)
    pen.affine = turned_face(head, pose)
    draw_brows(pen, kind, a, pose, look)
    pen.affine = head
    if pose.dozing is not None:
        _draw_zs(pen, pose.dozing, actor.facing)
    if pose.startled:
        _draw_start(pen, a, look)


def _draw_on_face(pen: Pen, kind: str, a: Anatomy, worn: Sequence[str], look: Look) -> None:
    if "moustache" in worn:
        draw_moustache(pen, kind, a, look)
    if "cigar" in worn:
        draw_cigar(pen, a, look)
    if "glasses" in worn:
        draw_glasses(pen, kind, a, look)


def _draw_arms(pen: Pen, actor: Actor, pose: Pose, look: Look, *, only: str = "") -> None:
    """Both arms, but for those around another figure; or `only` the arms whose hands are there."""
    figure, a = actor.figure, actor.anatomy
    person = figure.kind in PEOPLE
    sleeve: Colour = look.main
    if figure.kind == "robot" or figure.kind == "toaster":
        sleeve = (196, 204, 214)
    elif person and look.apron:
        sleeve = (252, 252, 250)
    hand = look.skin if person else look.main
    prop = figure.prop if pose.held != "none" else None
    if prop is not None and pose.held == "both" and not only:
        draw_prop(pen, prop, (0.0, a.shoulder_y + 0.21), size=1.9)
    for arm in arms_of(actor, pose):
        if (arm.hand == "round") != (only == "round"):
            continue
        pen.limb(arm.points, sleeve, a.arm_width)
        x, y = arm.points[-1]
        if arm.holds and prop is not None:
            draw_prop(pen, prop, (x, y))
        if arm.hand == "point":
            pen.limb([(x, y), (x + arm.side * 0.14, y - 0.01)], hand, a.arm_width * 0.5)
        pen.oval(x, y, a.arm_width * 0.72, a.arm_width * 0.72, hand)


def _draw_start(pen: Pen, a: Anatomy, look: Look) -> None:
    """Short lines that fly off the head of one who has just seen something."""
    if pen.halo is not None:
        return
    top = -1.34 if look.hat else -1.18
    for i in range(-2, 3):
        t = 0.42 * i
        x, y = math.sin(t), -math.cos(t)
        inner, outer = (0.46 + 0.02 * (i % 2), 0.6 + 0.06 * (i % 2 == 0))
        middle = top + 0.46
        points = [(inner * x, middle + inner * y), (outer * x, middle + outer * y)]
        pen.stroke(points, INK, 0.07)
        pen.stroke(points, (255, 236, 110), 0.036)


def _draw_zs(pen: Pen, phase: float, facing: float) -> None:
    """Two z's that rise from the sleeper."""
    for i in range(2):
        share = (phase + 0.5 * i) % 1.0
        s = 0.055 + 0.035 * share
        x, y = facing * (0.3 + 0.16 * share), -0.78 - 0.3 * share
        points = [(x - s, y - s), (x + s, y - s), (x - s, y + s), (x + s, y + s)]
        if pen.halo is None:
            pen.stroke(points, INK, 0.07)
            pen.stroke(points, (255, 255, 255), 0.035)


def _head_outline(body: Affine, actor: Actor, pose: Pose) -> list[Point]:
    a = actor.anatomy
    m = placed(body, pose.head_dx, pose.head_dy + a.head_y, sx=a.head_rx, sy=a.head_ry)
    turns = [2 * math.pi * i / 16 for i in range(16)]
    return [
        (
            (m[0] * math.cos(t) + m[1] * math.sin(t) + m[2]) / SUPERSAMPLING,
            (m[3] * math.cos(t) + m[4] * math.sin(t) + m[5]) / SUPERSAMPLING,
        )
        for t in turns
    ]


def _heads(heads: list[list[Point]], height: int, width: int) -> Mask:
    image = Image.new("L", (width, height))
    pen = ImageDraw.Draw(image)
    for outline in heads:
        pen.polygon(outline, fill=1)
    return np.asarray(image, np.float32)
