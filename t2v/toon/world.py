"""The words of the drawn world and one drawn moment of it: sets, figures, stagings, all seeded values."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

SETS = (
    "kitchen",
    "living room",
    "office",
    "bar",
    "park",
    "street",
    "classroom",
    "stage",
    "beach",
    "fish shop",
    "spaceship",
    "bedroom",
)
KINDS = (
    "man",
    "woman",
    "old man",
    "child",
    "robot",
    "cat",
    "dog",
    "fish",
    "ghost",
    "alien",
    "monster",
    "toaster",
)
PEOPLE = ("man", "woman", "old man", "child")
COLOURS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "white", "black", "brown")
ACTIONS = (
    "standing",
    "talking",
    "walking",
    "jumping",
    "waving",
    "dancing",
    "sleeping",
    "flying",
    "laughing",
    "arguing",
)
NEW_ACTIONS = (  # known to a TOON that takes directions
    "pointing",
    "shrugging",
    "sitting",
    "carrying",
    "entering",
    "leaving",
    "falling over",
    "hugging",
    "looking aside",
    "double take",
)
EVERY_ACTION = (*ACTIONS, *NEW_ACTIONS)
SIZES = ("establishing", "medium", "close-up")
TIMES = ("day", "night")
CAMERAS = ("still", "pan", "push-in")
ACCESSORIES = ("hat", "glasses", "moustache", "cigar", "apron")
PROPS = ("phone", "fish", "cup", "ufo")
NEW_PROPS = ("box",)
PLACES = ("left", "centre", "right")
BUILDS = ("small", "normal", "large")

_PLACES_OF = {2: ("left", "right"), 3: ("left", "centre", "right")}
_SIZE_SHARES = (0.22, 0.5, 0.28)
_CAMERA_SHARES = (0.7, 0.15, 0.15)
_CLOSE_UP_SHARES = (0.2, 0.4, 0.01, 0.01, 0.02, 0.02, 0.06, 0.02, 0.18, 0.08)


@dataclass(frozen=True)
class Figure:
    kind: str
    colour: str
    action: str = "standing"
    accessories: tuple[str, ...] = ()
    prop: str | None = None
    place: str = "centre"
    build: str = "normal"


@dataclass(frozen=True)
class Described:
    """A figure as words describe it: a colour that was not said is not made up."""

    kind: str
    colour: str | None
    action: str
    accessories: tuple[str, ...]
    prop: str | None
    place: str
    build: str


@dataclass(frozen=True)
class Staging:
    """One moment to draw; `seed` decides only the small variations (jitter, phase, skin)."""

    set: str
    time: str
    size: str
    camera: str
    figures: tuple[Figure, ...]
    seed: int


def is_held_out(staging: Staging) -> bool:
    """Whether somebody in it is of a kind, a colour and a set that training never sees together: one in ten.

    Training draws none of these (`t2v.training.toon_dataset`, `t2v.training.toon_scenes`); what TOON makes of
    them is measured.
    """
    triples = (f"{f.kind} {f.colour} {staging.set}" for f in staging.figures)
    return any(zlib.crc32(triple.encode()) % 10 == 0 for triple in triples)


def _pick(rng: np.random.Generator, words: tuple[str, ...], shares: tuple[float, ...] | None = None) -> str:
    return words[int(rng.choice(len(words), p=shares))]


def sample_figure(rng: np.random.Generator, *, place: str, size: str) -> Figure:
    """A random figure for a shot size: in close-ups mostly faces that speak, laugh or look."""
    close = size == "close-up"
    worn = rng.permutation(len(ACCESSORIES))[: int(rng.choice(3, p=(0.55, 0.33, 0.12)))]
    return Figure(
        kind=_pick(rng, KINDS),
        colour=_pick(rng, COLOURS),
        action=_pick(rng, ACTIONS, _CLOSE_UP_SHARES if close else None),
        accessories=tuple(ACCESSORIES[i] for i in sorted(worn)),
        prop=_pick(rng, PROPS) if rng.random() < (0.05 if close else 0.15) else None,
        place=place,
        build=_pick(rng, BUILDS, (0.12, 0.76, 0.12)),
    )


def sample_staging(rng: np.random.Generator) -> Staging:
    """A random moment of the world; every combination of its words can occur."""
    size = _pick(rng, SIZES, _SIZE_SHARES)
    if size == "close-up":
        count = 1
    elif size == "medium":
        count = 1 + int(rng.choice(3, p=(0.52, 0.43, 0.05)))
    else:
        count = int(rng.choice(4, p=(0.25, 0.37, 0.32, 0.06)))
    if count == 1:
        places: tuple[str, ...] = (_pick(rng, PLACES, (0.15, 0.7, 0.15)) if size != "close-up" else "centre",)
    else:
        places = _PLACES_OF.get(count, ())
    return Staging(
        set=_pick(rng, SETS),
        time=_pick(rng, TIMES, (0.6, 0.4)),
        size=size,
        camera=_pick(rng, CAMERAS, _CAMERA_SHARES),
        figures=tuple(sample_figure(rng, place=place, size=size) for place in places),
        seed=int(rng.integers(2**31)),
    )
