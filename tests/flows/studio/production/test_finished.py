"""A finished episode that is edited: its contact sheet, and what is told of the film beside it."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.studio.commands import plan as command
from flows.studio.errors import StudioError
from flows.studio.filming import camera
from flows.studio.media import clips, ffmpeg
from flows.studio.picture import contact_sheet
from flows.studio.production import edit, run
from flows.studio.production.episode import Episode
from flows.studio.workspace import artifacts, manifest
from flows.studio.workspace.files import hash_if_present
from tests.flows.fish import FISH, fish_request, fish_story, make, nothing_to_do, plan_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, heard: Any, tiny_premise: str, tiny_script: str) -> Path:
    home = tmp_path_factory.mktemp("finished")
    (home / "fish.yaml").write_text(tiny_premise, "utf-8")
    script = home / "output" / FISH / "script.yaml"
    script.parent.mkdir(parents=True)
    script.write_text(tiny_script, "utf-8")
    assert fish_story(home, heard)[0].code == 0
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """A copy of the finished episode, to be edited."""
    return Path(shutil.copytree(made, tmp_path / "home"))


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), "utf-8")


def _lying(folder: Path, kind: str) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (folder / kind).iterdir()}


def _frames(folder: Path) -> list[Any]:
    """The frames on the contact sheet, from left to right."""
    with Image.open(folder / "contact_sheet.png") as picture:
        seen = np.asarray(picture.convert("RGB")).astype(int)
    top, step = 56 + contact_sheet.MARGIN, contact_sheet.CELL + contact_sheet.MARGIN
    lefts = range(contact_sheet.MARGIN, seen.shape[1] - contact_sheet.CELL, step)
    return [seen[top : top + 180, left : left + contact_sheet.CELL] for left in lefts]


# ---------------------------------------------------------------------------------------------- copies


def test_a_finished_episode_is_copied_by_the_next_run_if_its_copy_failed(
    home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = fish_request(home)
    place = home / "public"
    place.write_text("a file where a folder is wanted", "utf-8")
    monkeypatch.setenv("COLDOPEN_PUBLISH", f"file://{place}")
    outcome = make(request, heard())
    again = f"coldopen episode --premise {home}/fish.yaml --output {home}/output"
    assert outcome.code == 0
    assert outcome.lines[0].startswith("nothing to do")
    assert outcome.lines[-1].startswith(f"! not copied: COLDOPEN_PUBLISH=file://{place}: ")
    assert outcome.lines[-1].endswith(f"; to copy it later: {again}")
    assert f"to copy to file://{place}: {again}" in command.plan(request).lines

    place.unlink()
    assert make(request, heard()).lines[-1] == f"copied to file://{place}/{FISH}"
    assert (place / FISH / "episode.mp4").read_bytes() == (
        home / "output" / FISH / "episode.mp4"
    ).read_bytes()
    assert not any("copy" in line for line in command.plan(request).lines)
    shutil.rmtree(place)
    assert not any("copied" in line for line in make(request, heard()).lines)
    assert not place.exists()


# ------------------------------------------------------------------------------------- contact sheet


def test_a_moved_and_a_deleted_shot_are_so_on_the_contact_sheet_though_nothing_is_filmed(
    home: Path, heard: Any
) -> None:
    folder = home / "output" / FISH
    _edit(home / "fish.yaml", "{steps: 2}", "{steps: 2, lips: off}")  # else a shot moves with its lines
    fish_story(home, heard, until="clips")
    before, filmed = _frames(folder), _lying(folder, "clips")
    joe = '      - {size: medium, prompt: "Joe talking, the Don listening", who: joe}\n'
    don = '      - {size: close-up, prompt: "The Don talking", who: don}\n'
    _edit(folder / "script.yaml", joe + don, don + joe)
    assert nothing_to_do(fish_request(home, until="clips")) is None
    fish_story(home, heard, until="clips")
    assert all(np.array_equal(*both) for both in zip(_frames(folder), reversed(before), strict=True))
    assert nothing_to_do(fish_request(home, until="clips")) is not None
    _edit(folder / "script.yaml", joe, "")
    fish_story(home, heard, until="clips")
    assert len(_frames(folder)) == 1
    assert _lying(folder, "clips") == filmed


def test_the_manifest_knows_the_contact_sheet_with_the_edited_line(home: Path, heard: Any) -> None:
    folder = home / "output" / FISH
    before = (folder / "contact_sheet.png").read_bytes()
    _edit(folder / "script.yaml", "It blinked.", "It winked.")
    fish_story(home, heard)
    assert (folder / "contact_sheet.png").read_bytes() != before
    noted = json.loads((folder / "manifest.json").read_text("utf-8"))["files"]["contact_sheet.png"]
    assert noted == hash_if_present(folder / "contact_sheet.png")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A camera that takes ten seconds a shot by a clock of its own; the value is the time it has come to."""
    now = [0.0]

    def film(shot: Any, film: Any, model: Any, place: Path, **more: Any) -> camera.FilmedShot:
        now[0] += 10

        def write(path: Path) -> dict[str, int]:
            clips.write_clip(np.full((2, 16, 32, 3), 90, np.uint8), 8, path)
            return {"num_frames": 2}

        clip = artifacts.create(place, shot.label, shot.recipe, ".mp4", write=write)
        return camera.FilmedShot(shot, clip)

    monkeypatch.setattr(camera, "film_shot", film)
    monkeypatch.setattr(camera, "open_for", lambda film, models: None)
    monkeypatch.setattr(run, "_say_estimate", lambda run, steps, plan, num_shots: None)
    return now


def test_while_it_is_filmed_the_contact_sheet_is_drawn_every_thirty_seconds_and_at_the_end(
    home: Path, heard: Any, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "output" / FISH
    more = "".join(f'      - {{size: medium, prompt: "Joe with {n} fish"}}\n' for n in range(2, 6))
    _edit(folder / "script.yaml", "    dialogue:\n", f"{more}    dialogue:\n")
    drawn: list[tuple[float, int]] = []
    real = contact_sheet.draw_contact_sheet

    def counted(rows: Any, out: Path, **more: Any) -> None:
        drawn.append((quick[0], sum(row.path is not None for row in rows)))
        real(rows, out, **more)

    monkeypatch.setattr(contact_sheet, "draw_contact_sheet", counted)
    request = fish_request(home, until="clips")
    assert make(request, heard(), clock=lambda: quick[0]).code == 0
    assert drawn == [(10, 3), (40, 6)]
    shutil.rmtree(folder / "clips")
    drawn.clear()
    assert make(request, heard(), clock=lambda: quick[0]).code == 0
    assert drawn == [(50, 1), (80, 4), (100, 6)]


def test_when_the_time_is_up_the_contact_sheet_shows_all_that_was_filmed(
    home: Path, heard: Any, quick: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / "output" / FISH
    more = '      - {size: medium, prompt: "Joe with a fish"}\n'
    _edit(folder / "script.yaml", "    dialogue:\n", f"{more}    dialogue:\n")
    shutil.rmtree(folder / "clips")
    monkeypatch.setattr(run, "time_is_up", lambda stop_at: quick[0] == 20)
    with pytest.raises(StudioError, match="2 of 3 shots"):
        make(fish_request(home), heard(), clock=lambda: quick[0])
    empty = [(frame == contact_sheet.FAINT).all(axis=2).mean() > 0.5 for frame in _frames(folder)]
    assert empty == [False, False, True]


# --------------------------------------------------------------------------------- what is told of it


def test_other_tags_a_logline_and_a_name_are_told_anew_and_no_segment_is_encoded(
    home: Path, heard: Any
) -> None:
    folder, premise = home / "output" / FISH, home / "fish.yaml"
    segments = {name: time for name, time in _lying(folder, "segments").items() if "master" not in name}
    drawn = (folder / "contact_sheet.png").stat().st_mtime_ns
    premise.write_text(premise.read_text("utf-8") + "publish: {tags: [haddock]}\n", "utf-8")
    assert nothing_to_do(fish_request(home)) is None
    _edit(folder / "script.yaml", "title: The Fish\n", "title: The Fish\nlogline: A fish looks back.\n")
    _edit(premise, "name: Joe,", "name: Joey,")
    assert fish_story(home, heard)[0].code == 0
    text = (folder / "publish.txt").read_text("utf-8")
    assert "A fish looks back." in text
    assert "#haddock" in text
    assert "<v Joey>" in (folder / "episode.vtt").read_text("utf-8")
    tags = ffmpeg.run(["-i", str(folder / "episode.mp4"), "-f", "ffmetadata", "-"], doing="reading").decode()
    assert "description=A fish looks back." in tags
    now = {name: time for name, time in _lying(folder, "segments").items() if "master" not in name}
    assert now == segments
    assert (folder / "contact_sheet.png").stat().st_mtime_ns == drawn
    assert nothing_to_do(fish_request(home)) is not None


def test_a_publish_txt_that_was_deleted_is_written_again(home: Path, heard: Any) -> None:
    path = home / "output" / FISH / "publish.txt"
    text = path.read_text("utf-8")
    path.unlink()
    assert nothing_to_do(fish_request(home)) is None
    fish_story(home, heard)
    assert path.read_text("utf-8") == text


def test_a_film_and_a_sheet_from_before_these_were_noted_are_finished(home: Path) -> None:
    work = Episode.open(fish_request(home))
    plan = plan_of(fish_request(home))
    assert plan is not None
    before = artifacts.digest(edit.recipe_without_description(plan.film_recipe()))
    assert before != work.memory.film_recipe
    manifest.write(work.folder, replace(work.memory, film_recipe=before))
    with Image.open(work.folder.contact_sheet) as picture:
        contact_sheet.write_png(np.asarray(picture), work.folder.contact_sheet)
    assert nothing_to_do(fish_request(home)) is not None
