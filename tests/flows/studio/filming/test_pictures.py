"""The pictures that a shot is filmed from, what of them is in its recipe, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.studio.cameras.film_model import RenderError
from flows.studio.commands import check
from flows.studio.errors import StudioError
from flows.studio.filming import pictures, shots
from flows.studio.filming.pictures import ShotPictures
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.media.clips import write_clip
from flows.studio.workspace import artifacts
from flows.studio.workspace.files import content_hash
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script

WAN = FilmSettings(
    model="wan",
    name="wan",
    title="Wan",
    weights="0123456789abcdef",
    height=32,
    width=64,
    num_frames=9,
    num_steps=2,
    guidance_scale=5.0,
    negative_prompt="",
    sampler=None,
    dialect="prose",
    pictures=("none", "first"),
)
VACE = replace(WAN, pictures=("none", "any"), references=2)
TOON = replace(WAN, dialect="toon", is_drawn=True, pictures=("none", "any"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a picture of everybody, of the shop, and one to begin with."""
    for number, name in enumerate(("joe", "don", "shop", "door")):
        Image.new("RGB", (60, 40), (50 * number, 20, 30)).save(tmp_path / f"{name}.png")
    return tmp_path


def premise(**more: Any) -> Premise:
    return Premise.model_validate(
        {
            "schema": 1,
            "show": "Fish",
            "logline": "A fish.",
            "characters": {
                "joe": {"look": "man, blue apron", "picture": "joe.png"},
                "don": {"look": "orange cat", "picture": "don.png"},
                "eve": {"look": "robot"},
            },
            "settings": {"shop": {"look": "fish shop", "picture": "shop.png"}},
            **more,
        }
    )


def script(*written: Mapping[str, Any]) -> Script:
    scene = {"id": "s01", "slugline": "INT. SHOP - DAY", "setting": "shop", "shots": list(written)}
    return Script.model_validate({"schema": 1, "title": "The Fish", "scenes": [scene]})


def plan(film: FilmSettings, home: Path, *written: Mapping[str, Any], **more: Any) -> tuple[PlannedShot, ...]:
    return shots.plan_shots(script(*written), premise(), film, seed=1, folders=(home,))


def test_a_model_that_takes_references_gets_those_of_the_shot_the_speakers_first(home: Path) -> None:
    both, place, nobody = plan(
        VACE,
        home,
        {"prompt": "Joe talks to Don", "who": "don"},
        {"prompt": "Eve dances"},
        {"prompt": "an empty street", "prompt_exact": "rain"},
    )
    assert [path.name for path in both.pictures.references] == ["don.png", "joe.png"]  # two at most
    assert both.recipe["references"] == [content_hash(home / "don.png"), content_hash(home / "joe.png")]
    assert [path.name for path in place.pictures.references] == ["shop.png"]
    assert [path.name for path in nobody.pictures.references] == ["shop.png"]
    (words_alone,) = plan(WAN, home, {"prompt": "Joe talks to Don"})
    assert words_alone.pictures == pictures.NONE
    assert not {"first", "references"} & words_alone.recipe.keys()


def test_a_changed_picture_is_another_clip_and_a_copy_is_kept(home: Path) -> None:
    (before,) = plan(VACE, home, {"prompt": "Joe talks"})
    given = pictures.read(before.pictures, VACE, home / "out" / "clips")
    assert given["references"][0].shape == (40, 60, 3)
    assert sorted(path.name[9:] for path in (home / "out" / "files").iterdir()) == ["joe.png", "shop.png"]
    Image.new("RGB", (60, 40), "white").save(home / "joe.png")
    assert plan(VACE, home, {"prompt": "Joe talks"})[0].digest != before.digest


def test_a_first_frame_fits_the_film_and_is_in_the_recipe(home: Path) -> None:
    (shot,) = plan(WAN, home, {"prompt": "Joe talks", "first": "door.png"})
    assert shot.recipe["first"] == content_hash(home / "door.png")
    held = pictures.read(shot.pictures, WAN, home / "clips")["hold"]
    assert held.keys() == {0}
    assert held[0].shape == (32, 64, 3)
    assert int(held[0][16, 32, 0]) == 150


def test_a_keyframe_is_the_first_frame_of_models_that_do_not_draw(home: Path) -> None:
    (plain,) = plan(TOON, home, {"prompt": "Joe talks"})
    assert plain.seeds is not None
    recipe = pictures.keyframe_recipe(plain.seeds.of(1), (64, 32), {"by": "toon"})
    for colour in ("red", "blue"):
        drawn = {**recipe, "prompt": colour}
        artifacts.create(
            home / "keyframes",
            "s01.1",
            drawn,
            ".png",
            write=lambda path, colour=colour: Image.new("RGB", (64, 32), colour).save(path, "PNG") or {},
        )
    (shot,) = plan(WAN, home, {"prompt": "Joe talks"})
    assert shot.pictures.first is not None
    assert Image.open(shot.pictures.first).getpixel((5, 5)) == (0, 0, 255)  # the newest
    assert plan(TOON, home, {"prompt": "Joe talks"})[0].digest == plain.digest
    (own,) = plan(WAN, home, {"prompt": "Joe talks", "first": "door.png"})
    assert own.pictures.first == home / "door.png"


def test_previous_begins_with_the_last_frame_of_the_shot_before(home: Path) -> None:
    first, second = plan(WAN, home, {"prompt": "Joe talks"}, {"prompt": "Joe nods", "first": "previous"})
    assert second.recipe["first"] == ["previous", first.digest]
    folder = home / "clips"
    folder.mkdir()
    with pytest.raises(RenderError, match="the shot before it has no clip"):
        pictures.read(second.pictures, WAN, folder)
    frames = np.zeros((3, 32, 64, 3), np.uint8)
    frames[-1] = 200
    write_clip(frames, 8, folder / f"s01.1-{first.digest}.mp4")
    assert int(pictures.read(second.pictures, WAN, folder)["hold"][0].min()) == 200
    other, later = plan(WAN, home, {"prompt": "Joe sings"}, {"prompt": "Joe nods", "first": "previous"})
    assert (other.digest, later.digest) != (first.digest, second.digest)
    assert later.digest != second.digest


@pytest.mark.parametrize(
    ("film", "written", "told"),
    [
        (WAN, {"first": "previous"}, "s01.1: first: previous: there is no filmed shot before it"),
        (WAN, {"first": "gone.png"}, "s01.1: first: wanted the file gone.png"),
        (replace(WAN, pictures=("none",)), {"first": "door.png"}, "s01.1: first: Wan takes no first frame"),
        (replace(WAN, pictures=("first",)), {}, "s01.1: Wan films from a first frame alone: `coldopen key"),
        (replace(WAN, pictures=("both",)), {}, "s01.1: Wan films between two pictures"),
    ],
)
def test_what_cannot_be_filmed_from_is_told_before(
    home: Path, film: FilmSettings, written: dict[str, Any], told: str
) -> None:
    with pytest.raises(StudioError) as refused:
        plan(film, home, {"prompt": "Joe talks", **written})
    assert told in str(refused.value)
    assert refused.value.code == 2


def test_check_says_what_becomes_of_the_pictures(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def told(model: str) -> str:
        return "".join(check.describe_pictures(premise(video={"model": model})))

    monkeypatch.setenv("HF_HUB_CACHE", str(home))
    assert told("wan-vace-1.3b").endswith(
        "Wan VACE 1.3B films with at most 3 of them as references in a shot"
    )
    assert "a first frame: `coldopen keyframes`" in told("wan2.2-5b")
    assert told("wan2.1-14b") == (
        "pictures of joe, don, shop: Wan 2.1 14B takes no pictures of people: looks are words alone"
    )
    assert told("toon").endswith("TOON takes no pictures of people: looks are words alone")
    found = list(check.of_premise(premise(), (home / "nowhere",)))
    assert [one.way for one in found if one.is_error] == [
        ("characters", "joe", "picture"),
        ("characters", "don", "picture"),
        ("settings", "shop", "picture"),
    ]
    assert not [one for one in check.of_premise(premise(), (home,)) if one.is_error]


def test_nothing_of_pictures_is_in_the_recipe_of_a_shot_without() -> None:
    assert ShotPictures().recipe == {}


def test_a_trial_of_a_model_that_needs_pictures_gets_grey_ones() -> None:
    assert pictures.grey(WAN) == {}
    assert pictures.grey(replace(WAN, pictures=("first", "both")))["hold"].keys() == {0}
    assert pictures.grey(replace(WAN, pictures=("both",)))["hold"].keys() == {0, -1}
