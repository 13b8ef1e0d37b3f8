"""Every family through one door: text and pictures in, uint8 frames out, and what is refused in a line."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2v.errors import RenderError, SettingsError

pytest.importorskip("diffusers")

from t2v.guests.guest import Guest, load

Tiny = Callable[[str], Path]
QUICK = ["wan", "wan22-5b", "wan-vace", "ltx", "cog"]
HEAVY = [
    "wan22",
    "wan-i2v",
    "wan-flf2v",
    "wan22-i2v",
    "ltx-condition",
    "ltx2",
    "cog-i2v",
    "hunyuan15",
    "mochi",
]
ALL = [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in HEAVY)]
ONE_SQUARE = {"wan22-5b", "ltx", "ltx-condition", "ltx2", "cog-i2v"}  # sizes in steps of 32, or one size
PROMPT = "a cat dances in the kitchen"


class Stop(Exception):
    """What a caller raises to end the filming."""


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


def settings_for(guest: Guest, name: str) -> dict[str, Any]:
    """The smallest clip that a guest films, with the pictures that it cannot do without."""
    own = guest.preset
    step = own.size_step
    side = own.height if own.has_one_size else step if name in ONE_SQUARE else 2 * step
    num_frames = 7 if own.family.frame_step == 6 else 9
    settings: dict[str, Any] = {"num_frames": num_frames, "height": side, "width": side, "num_steps": 2}
    kind = own.family.pictures[0]
    if kind in ("first", "both"):
        settings["hold"] = {0: picture(side, side)}
    if kind == "both":
        settings["hold"][-1] = picture(side, side, 1)
    return settings


@pytest.fixture(scope="module")
def guests(tiny_guest: Tiny) -> Iterator[Callable[[str], Guest]]:
    """Loaded guests by their names."""
    loaded: dict[str, Guest] = {}

    def get(name: str) -> Guest:
        if name not in loaded:
            loaded[name] = load(str(tiny_guest(name)), device="cpu")
        return loaded[name]

    yield get
    for guest in loaded.values():
        guest.close()


@pytest.mark.parametrize("name", ALL)
def test_a_family_films_what_its_seed_says(guests: Callable[[str], Guest], name: str) -> None:
    guest = guests(name)
    clip = settings_for(guest, name)
    steps: list[tuple[int, int]] = []
    film = guest.generate(PROMPT, seed=7, callback=lambda step, total: steps.append((step, total)), **clip)
    assert film.frames.shape == (clip["num_frames"], clip["height"], clip["width"], 3)
    assert film.frames.dtype == np.uint8
    assert film.fps == guest.preset.family.fps
    assert steps == [(1, 2), (2, 2)]

    def stop(step: int, total: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        guest.generate(PROMPT, seed=1, callback=stop, **clip)
    again = guest.generate(PROMPT, seed=7, **clip)
    assert np.array_equal(again.frames, film.frames)  # also after a film that was stopped
    assert not np.array_equal(guest.generate(PROMPT, seed=8, **clip).frames, film.frames)
    assert film.settings["prompt"] == PROMPT


@pytest.mark.parametrize("name", ["wan", pytest.param("hunyuan15", marks=pytest.mark.slow)])
def test_a_negative_prompt_and_guidance_are_heard(guests: Callable[[str], Guest], name: str) -> None:
    guest = guests(name)
    clip = settings_for(guest, name)
    film = guest.generate(PROMPT, seed=7, negative_prompt="robot", **clip).frames
    assert not np.array_equal(guest.generate(PROMPT, seed=7, negative_prompt="blue dog", **clip).frames, film)
    strong = guest.generate(PROMPT, seed=7, negative_prompt="robot", guidance_scale=9.0, **clip)
    assert not np.array_equal(strong.frames, film)


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("wan22-5b", (0,)),
        ("wan-vace", (0, 4)),
        ("wan-vace", (-1,)),
        ("ltx", (0, -1)),
        pytest.param("ltx2", (0,), marks=pytest.mark.slow),
        pytest.param("wan22-i2v", (0, -1), marks=pytest.mark.slow),
    ],
)
def test_pictures_are_filmed_from(
    guests: Callable[[str], Guest], name: str, numbers: tuple[int, ...]
) -> None:
    guest = guests(name)
    clip = settings_for(guest, name)
    clip.pop("hold", None)
    side = clip["height"]
    free = guest.generate(PROMPT, seed=7, hold={n: picture(side, side, 5) for n in numbers}, **clip)
    other = guest.generate(PROMPT, seed=7, hold={n: picture(side, side, 6) for n in numbers}, **clip)
    assert not np.array_equal(free.frames, other.frames)
    assert free.settings["hold"] == sorted(n % 9 for n in numbers)


def test_references_are_seen(guests: Callable[[str], Guest]) -> None:
    guest = guests("wan-vace")
    clip = settings_for(guest, "wan-vace")
    alone = guest.generate(PROMPT, seed=7, **clip)
    with_two = guest.generate(PROMPT, seed=7, references=[picture(40, 30), picture(20, 60, 1)], **clip)
    assert with_two.frames.shape == alone.frames.shape
    assert not np.array_equal(with_two.frames, alone.frames)
    with pytest.raises(SettingsError, match="at most 3 reference pictures, got 4"):
        guest.generate(PROMPT, references=[picture(8, 8)] * 4, **clip)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"num_frames": 10}, "wan wants a multiple of 4 and one more frames, got 10, try 9"),
        ({"height": 35}, "a height in steps of 16, got 35, try 32"),
        ({"hold": {0: picture(32, 32)}}, "wan wants no picture, got a picture for its first frame"),
        ({"hold": {4: picture(32, 32)}}, "no picture, got pictures for frames 4"),
        ({"references": [picture(8, 8)]}, "wan wants no reference pictures, got 1"),
        ({"num_steps": -1}, "steps, got -1"),
        ({"seed": -1}, "a seed from 0"),
    ],
)
def test_what_a_guest_cannot_film_is_told_before_it_films(
    guests: Callable[[str], Guest], wrong: dict[str, Any], told: str
) -> None:
    guest = guests("wan")
    with pytest.raises(SettingsError) as refused:
        guest.generate(PROMPT, **{**settings_for(guest, "wan"), **wrong})
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "numbers", "told"),
    [
        ("wan-i2v", (), "wants a picture for its first frame, got no picture"),
        (
            "wan-i2v",
            (0, -1),
            "wants a picture for its first frame, got pictures for",
        ),
        ("wan-flf2v", (0,), "wants pictures for its first and last frame, got a picture for"),
    ],
)
def test_the_wrong_number_of_pictures_is_told(
    guests: Callable[[str], Guest], name: str, numbers: tuple[int, ...], told: str
) -> None:
    guest = guests(name)
    clip = settings_for(guest, name) | {"hold": {n: picture(32, 32) for n in numbers}}
    with pytest.raises(SettingsError, match=told):
        guest.generate(PROMPT, **clip)


def test_an_unknown_setting_is_a_type_error(guests: Callable[[str], Guest]) -> None:
    with pytest.raises(TypeError, match="'motion'"):
        guests("wan").generate(PROMPT, motion=1)  # type: ignore[call-arg]


def test_a_prompt_whose_end_is_not_seen_is_told(guests: Callable[[str], Guest]) -> None:
    guest = guests("cog")
    clip = settings_for(guest, "cog") | {"num_steps": 1}
    with pytest.warns(RuntimeWarning, match="cog reads 226 tokens of a prompt, got [0-9]+"):
        guest.generate("a cat dances " * 200, seed=1, **clip)
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        guest.generate(PROMPT, seed=1, **clip)


def test_a_closed_guest_films_no_more(tiny_guest: Tiny) -> None:
    guest = load(str(tiny_guest("wan")), device="cpu")
    guest.close()
    guest.close()
    with pytest.raises(RuntimeError, match="closed"):
        guest.generate(PROMPT, num_frames=5, height=32, width=32, num_steps=1)


def test_what_a_pipeline_fails_at_is_one_line_and_what_a_caller_raises_is_its_own(
    guests: Callable[[str], Guest],
) -> None:
    guest = guests("wan")
    clip = settings_for(guest, "wan")
    with pytest.raises(RenderError, match="wan: diffusers cannot film this: ") as refused:
        guest.generate(PROMPT, **{**clip, "width": 1040})  # beyond the places that this tiny one knows
    assert "\n" not in str(refused.value)

    def stop(step: int, total: int) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        guest.generate(PROMPT, callback=stop, **clip)
