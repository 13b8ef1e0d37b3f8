"""The facts of film models: sizes by the picture's shape, and the frames that a model films from."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flows.studio.cameras.facts import ModelFacts, Pictures, Sampling, frames_named

WAN = ModelFacts(
    source="wan",
    name="wan",
    licence="Apache-2.0",
    sizes={"16:9": (480, 832), "1:1": (624, 624), "9:16": (832, 480)},
    size_step=16,
    num_frames=81,
    fps=16,
    speed="exact",
    sampling={"exact": Sampling(50)},
    guidance_scale=5.0,
    motion_guidance=0.0,
    negative_prompt="",
    frame_step=4,
    pictures=("none", "first"),
)


def test_a_picture_of_any_shape_has_a_size_to_film() -> None:
    assert [WAN.size_of(aspect) for aspect in WAN.sizes] == list(WAN.sizes.values())
    toon = replace(WAN, sizes={"16:9": (64, 112), "1:1": (80, 80)})
    assert (toon.size_of("9:16"), toon.size_of("16:9")) == ((80, 80), (64, 112))
    square = replace(WAN, sizes={"1:1": (256, 256)})
    assert square.size_of("16:9") == square.default_size == (256, 256)


@pytest.mark.parametrize(
    ("numbers", "name"), [((), "none"), ((0,), "first"), ((-1,), "last"), ((0, 80), "both"), ((3,), "any")]
)
def test_frames_that_are_given_have_a_name(numbers: tuple[int, ...], name: Pictures) -> None:
    assert frames_named(numbers, 81) == name


def test_a_model_takes_the_frames_that_its_facts_name_and_no_others() -> None:
    assert WAN.title == "wan"
    assert WAN.takes_first_frame
    assert not WAN.needs_pictures
    assert WAN.takes_frames((), 81)
    assert WAN.takes_frames((0,), 81)
    assert not WAN.takes_frames((0, -1), 81)
    assert replace(WAN, pictures=("any",)).takes_frames((5, 9), 81)
    assert replace(WAN, pictures=("both",)).needs_pictures
