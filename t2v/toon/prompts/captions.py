"""Captions of stagings: the camera's own dialect, and many other ways of saying the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from t2v.toon.world import Described, Figure, Staging

WORDS_FILE = Path(__file__).parent.parent.parent / "weights" / "toon_words.json"
NEW_WORDS_FILE = Path(__file__).parent.parent.parent / "weights" / "toon_new_words.json"
PREPOSITIONS = {"stage": "on the", "street": "on the", "beach": "at the", "spaceship": "aboard the"}

Words = Mapping[str, Mapping[str, list[str]]]


@cache
def word_table() -> Words:
    """The one table of synonyms: category, meaning, words."""
    table: dict[str, Mapping[str, list[str]]] = json.loads(WORDS_FILE.read_text(encoding="utf-8"))
    return {category: meanings for category, meanings in table.items() if category != "understand"}


@cache
def new_words() -> Words:
    """The words of the actions and props that only a TOON that takes directions knows."""
    table: Words = json.loads(NEW_WORDS_FILE.read_text(encoding="utf-8"))
    return table


@cache
def caption_words() -> Words:
    """The table with the new words: what captions are written in."""
    return {
        category: {**meanings, **new_words().get(category, {})} for category, meanings in word_table().items()
    }


def figure_phrase(figure: Figure | Described, *, placed: bool, direction: str = "") -> str:
    """A figure in the camera's dialect: "large orange cat with hat standing on the right", and directed."""
    words = [] if figure.build == "normal" else [figure.build]
    words += [figure.kind] if figure.colour is None else [figure.colour, figure.kind]
    if figure.accessories:
        words.append("with " + " and ".join(figure.accessories))
    if figure.prop is not None:
        words.append(f"holding a {figure.prop}")
    words.append(figure.action)
    if placed and figure.place != "centre":
        words.append(f"on the {figure.place}")
    return " ".join([*words, direction]).rstrip()


def _figures(staging: Staging, directions: Sequence[str], *, placed: bool = True) -> str:
    """All figures in the camera's dialect."""
    said = zip(staging.figures, directions or [""] * len(staging.figures), strict=True)
    return " and ".join(figure_phrase(f, placed=placed, direction=direction) for f, direction in said)


def canonical(staging: Staging, directions: Sequence[str] = ()) -> str:
    """The caption in the dialect of the camera; nothing is left out but the seed and a still camera.

    `directions`: the words after each figure's phrase, of `describe_direction` or a mark.
    """
    figures = _figures(staging, directions)
    where = f"in the {staging.set}, {staging.time}"
    camera = "" if staging.camera == "still" else f", {staging.camera}"
    if not figures:
        return f"{staging.size} shot, empty {staging.set}, {staging.time}{camera}"
    if staging.size == "close-up":
        return f"close-up of {figures}, {where}{camera}"
    return f"{staging.size} shot, {figures}, {where}{camera}"


def caption(staging: Staging, rng: np.random.Generator, directions: Sequence[str] = ()) -> str:
    """One of many captions, lower case: half in the canonical dialect with small losses, half free.

    `directions` as in `canonical`.
    """
    if rng.random() < 0.5:
        if rng.random() < 0.7:
            return canonical(staging, directions)
        return _thinned(staging, rng, directions)
    return _free(staging, rng, directions)


def _thinned(staging: Staging, rng: np.random.Generator, directions: Sequence[str]) -> str:
    """The canonical dialect with the size, the time, the set or the places left out."""
    keep_set = rng.random() < 0.85 or not staging.figures
    placed = rng.random() < 0.6
    parts = [f"{staging.size} shot"] if rng.random() < 0.7 else []
    figures = _figures(staging, directions, placed=placed)
    if staging.figures:
        if parts and staging.size == "close-up":
            parts = [f"close-up of {figures}"]
        else:
            parts.append(figures)
    if keep_set:
        parts.append(f"in the {staging.set}" if staging.figures else f"empty {staging.set}")
    if rng.random() < 0.7:
        parts.append(staging.time)
    if staging.camera != "still" and rng.random() < 0.7:
        parts.append(staging.camera)
    return ", ".join(parts)


def _word(rng: np.random.Generator, category: str, meaning: str) -> str:
    """The word itself half of the time, else one of its synonyms."""
    options = caption_words()[category][meaning]
    if rng.random() < 0.45 or not options:
        return meaning
    return options[int(rng.integers(len(options)))]


def _free_figure(figure: Figure, direction: str, rng: np.random.Generator, *, alone: bool) -> str:
    words = [] if rng.random() < 0.5 else ["a"]
    if figure.build != "normal":
        words.append(_word(rng, "builds", figure.build))
    if rng.random() < 0.93:
        words.append(_word(rng, "colours", figure.colour))
    words.append(_word(rng, "kinds", figure.kind))
    kept = [_word(rng, "accessories", worn) for worn in figure.accessories if rng.random() < 0.85]
    joint = ("with", "wearing", "with a")[int(rng.integers(3))]
    dressed = [joint + " " + " and ".join(kept)] if kept else []
    if figure.prop is not None and rng.random() < 0.85:
        hold = ("holding a", "with a", "carrying a")[int(rng.integers(3))]
        dressed.append(f"{hold} {_word(rng, 'props', figure.prop)}")
    action = [_word(rng, "actions", figure.action)] if rng.random() < 0.9 else []
    if action and action[0].split()[0].endswith("ing") and rng.random() < 0.25:
        action[0] = f"is {action[0]}"
    words += dressed + action if rng.random() < 0.6 else action + dressed
    if figure.place != "centre" and rng.random() < (0.75 if alone else 0.5):
        words.append(f"on the {figure.place}" if rng.random() < 0.7 else f"at {figure.place}")
    if words[0] == "a" and words[1][0] in "aeiou":
        words[0] = "an"
    return " ".join([*words, direction]).rstrip()


def _free(staging: Staging, rng: np.random.Generator, directions: Sequence[str]) -> str:
    """A loose wording with synonyms; the set or the figures are always there."""
    place = _word(rng, "sets", staging.set)
    at = ("in the", "in a", PREPOSITIONS.get(staging.set, "in the"))[int(rng.integers(3))]
    parts: list[str] = []
    keep_set = rng.random() < 0.85 or not staging.figures
    if staging.figures:
        said_of = directions or [""] * len(staging.figures)
        order = list(zip(staging.figures, said_of, strict=True))
        order = order if rng.random() < 0.8 else order[::-1]
        joint = (" and ", ", ", " next to ")[int(rng.choice(3, p=(0.6, 0.2, 0.2)))]
        said = joint.join(_free_figure(*figure, rng, alone=len(order) == 1) for figure in order)
        if keep_set and rng.random() < 0.5:
            parts.append(f"{said} {at} {place}")
        else:
            parts += [said, place if rng.random() < 0.4 else f"{at} {place}"] if keep_set else [said]
    else:
        parts.append(f"{('empty', 'an empty', 'nobody in the')[int(rng.integers(3))]} {place}")
    if rng.random() < 0.55:
        time = _word(rng, "times", staging.time)
        parts.append(time if rng.random() < 0.7 else f"at {time}")
    if rng.random() < 0.65:
        size = _word(rng, "sizes", staging.size)
        said_size = size if size in ("close-up", "closeup") and rng.random() < 0.5 else f"{size} shot"
        parts.insert(0 if rng.random() < 0.7 else len(parts), said_size)
    if staging.camera != "still" and rng.random() < 0.6:
        parts.append(_word(rng, "cameras", staging.camera))
    elif rng.random() < 0.05 and staging.camera == "still":
        parts.append(_word(rng, "cameras", "still"))
    return ", ".join(parts).lower()


# -------------------------------------------------------------- wordings that are never trained on

_UNHEARD = (
    "in the {set} by {time} one sees {who}, {size} shot",
    "{size} shot: it is {time} in the {set}, and there is {who}",
    "there is {who}; the scene is the {set}, {time}; {size} shot",
    "the {set}, {time}; the camera, in a {size} shot, finds {who}",
)
_UNHEARD_FIGURES = (
    "the {colour} {kind} that is {action}",
    "a {kind} in {colour}, {action}",
    "one {colour} {kind} busy {action}",
)


def unheard_caption(staging: Staging, rng: np.random.Generator) -> str:
    """A caption in a wording that `caption` never uses, everything said; for measuring, not for training."""
    who = []
    for figure in staging.figures:
        form = _UNHEARD_FIGURES[int(rng.integers(len(_UNHEARD_FIGURES)))]
        said = form.format(colour=figure.colour, kind=figure.kind, action=figure.action)
        said = re.sub(r"\ba (?=[aeiou])", "an ", said)
        who.append(said if figure.place == "centre" else f"{said}, to the {figure.place}")
    joint = (" and ", ", beside ")[int(rng.integers(2))]
    form = _UNHEARD[int(rng.integers(len(_UNHEARD)))]
    return form.format(
        set=staging.set, time=staging.time, size=staging.size, who=joint.join(who) or "nobody at all"
    )
