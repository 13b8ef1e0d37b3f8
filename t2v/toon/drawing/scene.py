"""Draws a staging: clips or single frames of the cartoon world, with a mask of the figures.

Scene units are heights of the picture, x from -aspect/2 to aspect/2, y from 0 (top) to 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from t2v.toon.drawing.anatomy import ANATOMY, PAINT, Anatomy
from t2v.toon.drawing.faces import draw_face
from t2v.toon.drawing.figures import BODIES, HEADS, Look
from t2v.toon.drawing.pen import INK, Affine, Colour, Pen, Point, mix, moonlit, placed
from t2v.toon.drawing.poses import PERIOD, Pose, pose_at
from t2v.toon.drawing.sets import FLOORS, SCENERY
from t2v.toon.drawing.wardrobe import (
    draw_apron,
    draw_cigar,
    draw_glasses,
    draw_hat,
    draw_moustache,
    draw_prop,
)
from t2v.toon.world import PEOPLE, Figure, Staging

SUPERSAMPLING = 3
MARGIN = 0.1  # of the width, drawn on both sides for a panning camera
SKINS: tuple[Colour, ...] = ((255, 216, 178), (255, 216, 178), (196, 134, 92))
HAIRS: tuple[Colour, ...] = ((92, 54, 34), (58, 44, 52))
WOMEN_HAIRS: tuple[Colour, ...] = ((150, 74, 36), (88, 50, 36))
BODY = 0.5  # of the mask, where a head is 1
SET_ZOOM = {"establishing": 1.0, "medium": 1.06, "close-up": 1.2}

Frames = NDArray[np.uint8]
Mask = NDArray[np.float32]


@dataclass(frozen=True)
class _Actor:
    """A figure with its place in the scene, fixed for the clip."""

    figure: Figure
    anatomy: Anatomy
    x: float
    feet: float
    height: float
    wide: float
    facing: float
    phase: int
    skin: Colour
    hair: Colour
    close: bool


def draw(
    staging: Staging, *, num_frames: int = 16, height: int = 64, width: int = 112, fps: int = 8
) -> Frames:
    """The clip as uint8 RGB, (f, h, w, 3); one frame is taken from a phase that the seed decides."""
    frames, _ = draw_with_figures(staging, num_frames=num_frames, height=height, width=width, fps=fps)
    return frames


def draw_with_figures(
    staging: Staging, *, num_frames: int = 16, height: int = 64, width: int = 112, fps: int = 8
) -> tuple[Frames, Mask]:
    """The clip and a mask (f, h, w): 1 on heads, a half on the rest of the figures, 0 elsewhere."""
    rng = np.random.default_rng(staging.seed)
    aspect = width / height
    shift = float(rng.uniform(-0.03, 0.03))
    start = int(rng.integers(PERIOD)) if num_frames == 1 else 0
    pan = 1.0 if rng.random() < 0.5 else -1.0
    actors = _cast(staging, aspect, rng)
    scenery = _scenery(staging, height, width, shift)
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    mask = np.zeros((num_frames, height, width), np.float32)
    still: Image.Image | None = None
    for i in range(num_frames):
        tick = start + round(i * 8 / fps)
        share = ((tick % PERIOD) if num_frames == 1 else i) / max(num_frames - 1, PERIOD - 1)
        zoom, dx = _camera(staging.camera, min(share, 1.0), pan)
        if still is None or staging.camera != "still":
            still = _seen(scenery, height, width, zoom, dx)
            empty = np.asarray(still.reduce(SUPERSAMPLING))
        image = still.copy()
        unit = height * SUPERSAMPLING
        base: Affine = (zoom * unit, 0, unit * (aspect / 2 - dx), 0, zoom * unit, unit * (0.5 - 0.5 * zoom))
        heads = _draw_actors(image, base, actors, staging, tick, line=SUPERSAMPLING * height / 64 * 1.15)
        frames[i] = np.asarray(image.reduce(SUPERSAMPLING))
        mask[i] = np.maximum(_heads(heads, height, width), BODY * (frames[i] != empty).any(-1))
    return frames, mask


def _camera(camera: str, share: float, pan: float) -> tuple[float, float]:
    """Zoom and sideways shift at a share of the clip."""
    if camera == "pan":
        return 1.0, pan * 0.18 * (share - 0.5)
    if camera == "push-in":
        return 1.0 + 0.16 * share, 0.0
    return 1.0, 0.0


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


def _seen(scenery: Image.Image, height: int, width: int, zoom: float, dx: float) -> Image.Image:
    """What the camera sees of the set; it shifts a little less than the figures do."""
    w, h = width * SUPERSAMPLING, height * SUPERSAMPLING
    x = scenery.width / 2 + 0.8 * dx * h
    if zoom == 1.0:
        left = round(x - w / 2)
        return scenery.crop((left, 0, left + w, h))
    half_w, half_h = w / 2 / zoom, h / 2 / zoom
    region = (x - half_w, h / 2 - half_h, x + half_w, h / 2 + half_h)
    return scenery.resize((w, h), Image.Resampling.NEAREST, box=region)


def _cast(staging: Staging, aspect: float, rng: np.random.Generator) -> list[_Actor]:
    """Every figure's place: side by side, heads inside the picture."""
    count = len(staging.figures)
    offsets = {"left": -1.0, "centre": 0.0, "right": 1.0}
    reach = aspect * {1: 0.2, 2: 0.235, 3: 0.33}.get(count, 0.0)
    slot = aspect / max(count, 1)
    actors = []
    for figure in staging.figures:
        anatomy = ANATOMY[figure.kind]
        jitter_x, jitter_y, jitter_h = rng.uniform(-1, 1, 3)
        facing = {"left": 1.0, "right": -1.0, "centre": 1.0 if rng.random() < 0.5 else -1.0}[figure.place]
        tint = int(rng.integers(6))
        close = staging.size == "close-up"
        build = {"small": 0.78, "normal": 1.0, "large": 1.08}[figure.build]
        if close:
            person = figure.kind in PEOPLE
            size = min(
                (0.62 if person else 0.68) / (2 * anatomy.head_ry), 0.72 * aspect / (2 * anatomy.head_rx)
            )
            size *= {"small": 0.88, "normal": 1.0, "large": 1.06}[figure.build]
            feet, x = (0.47 if person else 0.53) - anatomy.head_y * size + 0.012 * jitter_y, 0.03 * jitter_x
        else:
            medium = staging.size == "medium"
            size = min(0.77 if medium else 0.55, slot / (0.74 if count > 1 else 0.7))
            size *= anatomy.tall * build * (1 + 0.03 * jitter_h)
            if medium and figure.action in ("jumping", "flying"):
                size *= 0.92  # room above
            feet = (0.955 if medium else 0.9) + 0.01 * jitter_y
            x = offsets[figure.place] * reach + 0.025 * jitter_x * min(aspect / count, 1)
        hairs = WOMEN_HAIRS if figure.kind == "woman" else HAIRS
        wide = 1.16 if figure.build == "large" else 1.0
        actors.append(
            _Actor(
                figure,
                anatomy,
                x,
                feet,
                size,
                wide,
                facing,
                tint * 2,
                SKINS[tint % 3],
                hairs[tint // 3],
                close,
            )
        )
    return actors


def _draw_actors(
    image: Image.Image, base: Affine, actors: list[_Actor], staging: Staging, tick: int, *, line: float
) -> list[list[Point]]:
    """Draws the figures and returns the outlines of their heads in pixels of the film."""
    night = staging.time == "night"
    pen = Pen(image, base, line=line)
    poses = [_pose(actor, tick) for actor in actors]
    floor = mix(FLOORS[staging.set], (20, 16, 50), 0.32)
    shadow = moonlit(floor) if night else floor
    for actor, pose in zip(actors, poses, strict=True):
        if not actor.close:
            r = 0.24 * actor.height * (0.75 if pose.afloat else 1.0)
            pen.affine = base
            pen.oval(actor.x + pose.dx * actor.height, actor.feet, r, r * 0.2, shadow, outline=False)
    heads = []
    for actor, pose in zip(actors, poses, strict=True):
        body = _body_affine(base, actor, pose)
        pen.halo = (168, 182, 226) if night else (255, 252, 240)
        _draw_figure(pen, body, actor, pose, tick)
        pen.halo = None
        _draw_figure(pen, body, actor, pose, tick)
        heads.append(_head_outline(body, actor, pose))
    return heads


def _pose(actor: _Actor, tick: int) -> Pose:
    """The pose of this frame; each figure speaks and moves with a phase of its own."""
    return pose_at(actor.figure.action, tick + actor.phase, facing=actor.facing)


def _body_affine(base: Affine, actor: _Actor, pose: Pose) -> Affine:
    h = actor.height
    damp = 0.35 if actor.close else 1.0
    back = (0.8 if actor.close else 0.5) * math.sin(pose.lean) * actor.anatomy.head_y * h
    x = actor.x + pose.dx * h * damp + back
    y = actor.feet + pose.dy * h * damp
    return placed(base, x, y, sx=h * pose.sx * actor.wide, sy=h * pose.sy, lean=pose.lean)


def _draw_figure(pen: Pen, body: Affine, actor: _Actor, pose: Pose, tick: int) -> None:
    figure, a = actor.figure, actor.anatomy
    phase = 2 * math.pi * ((tick + actor.phase) % PERIOD) / PERIOD
    worn = figure.accessories
    look = Look(PAINT[figure.colour], actor.skin, actor.hair, phase, "apron" in worn, "hat" in worn)
    pen.affine = body
    BODIES[figure.kind](pen, a, pose, look)
    if look.apron:
        draw_apron(pen, figure.kind, a, look)
    if figure.kind == "old man" and not pose.afloat:
        pen.limb([(-0.33, -0.26), (-0.35, -0.01)], (150, 98, 56), 0.055)
    head = placed(body, pose.head_dx, pose.head_dy)
    pen.affine = head
    HEADS[figure.kind](pen, a, pose, look)
    draw_face(pen, figure.kind, a, pose, look)
    if "moustache" in worn:
        draw_moustache(pen, figure.kind, a, look)
    if "cigar" in worn:
        draw_cigar(pen, a, look)
    if "glasses" in worn:
        draw_glasses(pen, figure.kind, a, look)
    if look.hat:
        draw_hat(pen, figure.colour, a, look)
    if pose.dozing is not None:
        _draw_zs(pen, pose.dozing, actor.facing)
    pen.affine = body
    _draw_arms(pen, actor, pose, look)


def _draw_arms(pen: Pen, actor: _Actor, pose: Pose, look: Look) -> None:
    figure, a = actor.figure, actor.anatomy
    person = figure.kind in PEOPLE
    sleeve: Colour = look.main
    if figure.kind == "robot" or figure.kind == "toaster":
        sleeve = (196, 204, 214)
    elif person and look.apron:
        sleeve = (252, 252, 250)
    hand = look.skin if person else look.main
    holding = -actor.facing  # the other arm is the one that waves
    for side, angle in ((-1.0, pose.left_arm), (1.0, pose.right_arm)):
        held = figure.prop is not None and side == holding
        degrees = max(angle, 75.0 if actor.close is False else 130.0) if held else angle
        theta = math.radians(degrees)
        x = side * (a.shoulder_x + a.arm * math.sin(theta))
        y = a.shoulder_y + a.arm * math.cos(theta)
        pen.limb([(side * a.shoulder_x, a.shoulder_y), (x, y)], sleeve, a.arm_width)
        if held and figure.prop is not None:
            draw_prop(pen, figure.prop, (x, y))
        pen.oval(x, y, a.arm_width * 0.72, a.arm_width * 0.72, hand)


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


def _head_outline(body: Affine, actor: _Actor, pose: Pose) -> list[Point]:
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
