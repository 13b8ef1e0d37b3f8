"""The edit knows where each clip comes from."""

from __future__ import annotations

from pathlib import Path

from flows.studio import editing
from flows.studio.recipes import Artefact
from flows.studio.wanted import WantedShot
from scripts_llm.screenplay import Premise, Scene, Script, Shot

MODELS = {"s01": "toon", "s02": "modelscope"}


def _material(folder: Path) -> tuple[Script, editing.Material]:
    scenes, shots = [], []
    for name in (*MODELS, "s03"):
        own = Shot(prompt="a cat", file=None if name in MODELS else "cat.png")
        scenes.append(Scene(id=name, slugline=f"INT. {name.upper()} - DAY", shots=(own,)))
        recipe = {"kind": "clip", "of": name} | ({"model": MODELS[name]} if name in MODELS else {})
        file = None if name in MODELS else folder / "cat.png"
        shots.append(WantedShot(f"{name}.1", scenes[-1], own, "a cat", "a cat", 0, recipe, file=file))
    clips = {}
    for shot in shots:
        path = folder / f"{shot.label}.mp4"
        path.write_bytes(shot.label.encode())
        clips[shot.digest] = Artefact(path, shot.recipe, {"num_frames": 8})
    return Script(title="One", scenes=tuple(scenes)), editing.Material(shots, (), clips, {})


def test_what_toon_drew_what_another_model_filmed_and_a_file_of_ones_own_are_told_apart(
    tmp_path: Path,
) -> None:
    script, material = _material(tmp_path)
    edit = editing.make_edit(Premise(show="A", logline="B."), script, material, written_by="hand", seed=1)
    sources = {cut.scene: cut.source for cut in edit.timeline.pictures if cut.clip}
    assert sources == {"s01": None, "s02": "model", "s03": "file"}
    told = {span.id: recipe["pictures"][0].get("source") for span, recipe in edit.segments}
    assert told == {"s01": None, "title": None, "s02": "model", "s03": "file", "credits": None}
