"""The edit knows where each clip comes from, and what the film is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from flows.studio.filming.shots import PlannedShot
from flows.studio.production import edit as edits
from flows.studio.voice.lines import PlannedLine
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Script, Shot

MODELS = {"s01": "toon", "s02": "modelscope"}


@dataclass(frozen=True)
class FilmedMaterial:
    """Shots and lines with the artifacts that are stored for them."""

    all_shots: tuple[PlannedShot, ...]
    lines: tuple[PlannedLine, ...]
    clips: dict[str, Artifact]
    voices: dict[str, Artifact]
    sounds: dict[str, Any] = field(default_factory=dict)
    filmed_by: str = "TOON"
    intro: PlannedShot | None = None


def _material(folder: Path) -> tuple[Script, edits.Material]:
    scenes, shots = [], []
    for name in (*MODELS, "s03"):
        own = Shot(prompt="a cat", file=None if name in MODELS else "cat.png")
        scenes.append(Scene(id=name, slugline=f"INT. {name.upper()} - DAY", shots=(own,)))
        recipe = {"kind": "clip", "of": name} | ({"model": MODELS[name]} if name in MODELS else {})
        file = None if name in MODELS else folder / "cat.png"
        drawn = MODELS.get(name) == "toon"
        shot = PlannedShot(
            f"{name}.1", scenes[-1], own, "a cat", "a cat", 0, recipe, file=file, is_drawn=drawn
        )
        shots.append(shot)
    clips = {}
    for shot in shots:
        path = folder / f"{shot.label}.mp4"
        path.write_bytes(shot.label.encode())
        clips[shot.digest] = Artifact(path, shot.recipe, {"num_frames": 8})
    return Script(title="One", scenes=tuple(scenes)), FilmedMaterial(tuple(shots), (), clips, {})


def test_what_toon_drew_what_another_model_filmed_and_a_file_of_ones_own_are_told_apart(
    tmp_path: Path,
) -> None:
    script, material = _material(tmp_path)
    edit = edits.make_edit(Premise(show="A", logline="B."), script, material, written_by="hand", seed=1)
    sources = {cut.scene: cut.source for cut in edit.timeline.pictures if cut.clip}
    assert sources == {"s01": None, "s02": "model", "s03": "file"}
    told = {span.id: recipe["pictures"][0].get("source") for span, recipe in edit.segments}
    assert told == {"s01": None, "title": None, "s02": "model", "s03": "file", "credits": None}


def _told(folder: Path, premise: dict[str, Any], script: dict[str, Any]) -> str:
    """The digest of a film of one line, whose cast is Joe."""
    line = {"who": "joe", "line": "It blinked."}
    scene = {"id": "s01", "slugline": "INT. SHOP - DAY", "shots": [{"prompt": "a cat"}], "dialogue": [line]}
    told = Script.model_validate({"title": "One", "scenes": [scene], **script})
    plain = {"show": "A", "logline": "B.", "characters": {"joe": {}}, "titles": {"outro_credits": False}}
    show = Premise.model_validate({**plain, **premise})
    only = told.scenes[0]
    assert only.shots
    shot = PlannedShot("s01.1", only, only.shots[0], "a cat", "a cat", 0, {"kind": "clip"})
    words = only.dialogue[0]
    assert isinstance(words, Line)
    spoken = PlannedLine("s01-01", only, 0, words, {"kind": "voice"})
    clip, wav = folder / "a.mp4", folder / "a-1234.wav"
    clip.write_bytes(b"")
    voice = Artifact(wav, spoken.recipe, {"num_samples": 48_000, "murmured": False})
    filmed = {shot.digest: Artifact(clip, shot.recipe, {"num_frames": 8})}
    material = FilmedMaterial((shot,), (spoken,), filmed, {spoken.digest: voice})
    return artifacts.digest(edits.make_edit(show, told, material, written_by="hand", seed=1).recipe)


SOFT = {"captions": {"mode": "soft"}}


@pytest.mark.parametrize(
    ("before", "after", "script"),
    [
        ({}, {"publish": {"tags": ["cats"]}}, {}),
        ({}, {"publish": {"description": "Cats."}}, {}),
        ({}, {"publish": {"title": "{show}!"}}, {}),
        ({}, {"characters": {"joe": {"name": "Joey"}}}, {}),
        ({}, {}, {"logline": "A cat looks back."}),
        ({"publish": {"description": "C."}}, {"publish": {"description": "C."}, "logline": "D."}, {}),
        (SOFT, {**SOFT, "language": "de"}, {}),
        (SOFT, {"captions": {"mode": "soft", "style": "sitcom_90s"}}, {}),
        (SOFT, {**SOFT, "characters": {"joe": {"caption_color": "#102030"}}}, {}),
    ],
)
def test_what_is_told_of_a_film_is_in_its_recipe(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], script: dict[str, Any]
) -> None:
    assert _told(tmp_path, before, {}) == _told(tmp_path, before, {})
    assert _told(tmp_path, after, script) != _told(tmp_path, before, {})


def test_a_language_that_is_nowhere_to_be_read_leaves_the_film_as_it_is(tmp_path: Path) -> None:
    assert _told(tmp_path, {"language": "de"}, {}) == _told(tmp_path, {}, {})
