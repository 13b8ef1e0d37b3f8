"""The camera ladder: TOON films everything, the camera what is approved; a mark is one word in a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.cli.app import main
from flows.studio.commands.approve import approve
from flows.studio.commands.plan import plan as tell_plan
from flows.studio.errors import StudioError
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clips
from flows.studio.production import messages, records
from flows.studio.production.plan import Plan
from flows.studio.production.request import EpisodeRequest
from flows.studio.release import publish
from flows.studio.workspace import artifacts, manifest
from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_premise
from tests.flows.fish import FISH, fish_request, fish_story, plan_of


@pytest.fixture
def home(tiny: Path, tiny_script: str, saved_model: Callable[[str], Path]) -> Path:
    """The tiny show with its script and an expensive camera: a model with random weights."""
    camera = f"camera: {saved_model('modelscope')}, approve: true"
    ladder = f"video: {{steps: 1, frames: 2, size: 64x64, lips: off, {camera}}}"
    tiny.write_text(tiny.read_text("utf-8").replace("video: {steps: 2}", ladder), "utf-8")
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _request(home: Path, **more: Any) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", device="cpu", **more)


def _script(home: Path) -> Path:
    return home / "output" / FISH / "script.yaml"


def _plan(home: Path, **more: Any) -> Plan:
    plan = plan_of(_request(home, **more))
    assert plan is not None
    return plan


def test_only_approved_shots_are_the_cameras(home: Path) -> None:
    before = _plan(home)
    assert [before.film_of(shot).name for shot in before.shots] == ["toon", "toon"]
    assert [shot.recipe["model"] for shot in before.shots] == ["toon", "toon"]
    approve(_request(home), ["s01.2"], undo=False)
    after = _plan(home)
    assert after.shots[0].recipe == before.shots[0].recipe
    assert [after.film_of(shot).is_for_sale for shot in after.shots] == [True, False]
    assert after.shots[1].prompt != before.shots[1].prompt, "each model reads its own words"
    assert after.shots[1].seed == before.shots[1].seed


def test_an_approved_shot_is_filmed_again_by_the_camera_alone(home: Path, heard: Any) -> None:
    for shot in _plan(home).shots:
        _drafted(home, shot)
    assert not [one for one in _plan(home).missing if one.kind == "clip"]
    approve(_request(home), ["s01.1"], undo=False)
    (missing,) = [one for one in _plan(home).missing if one.kind == "clip"]
    assert str(missing) == "s01.1 clip: the film model is another one now"
    outcome, told = fish_story(home, heard, device="cpu", until="clips")
    assert outcome.code == 0
    assert "1 of 2 shots approved for" in told.text
    plan = _plan(home)
    assert [plan.clips[shot.digest].recipe["model"] for shot in plan.shots] == [plan.film.name, "toon"]
    assert [shot.source for shot in plan.shots] == ["model", None]
    assert plan.filmed_by == f"{plan.film.title} ({plan.film.licence}) and TOON"
    chapter = records.shots_chapter(plan)
    assert [row["film_model"] for row in chapter["shots"]] == [plan.film.name, "toon"]
    credit = publish.credit_lines(chapter, plan.premise)
    assert f"Filmed by {plan.film.title} ({plan.film.licence}) and TOON (" in credit
    assert "Not for commercial use" in credit

    approve(_request(home), ["all"], undo=True)
    assert not [one for one in _plan(home).missing if one.kind == "clip"], "back to the draft costs nothing"


def _drafted(home: Path, shot: PlannedShot) -> None:
    """The clip of a shot, as if TOON had filmed it."""

    def write(path: Path) -> dict[str, Any]:
        clips.write_clip(np.zeros((2, 64, 112, 3), np.uint8), 8, path)
        return {"num_frames": 2, "fps": 8, "seconds": 1.0}

    artifacts.create(_script(home).parent / "clips", shot.label, shot.recipe, ".mp4", write=write)


def test_a_mark_is_one_word_beside_its_shot_and_taken_back_by_another(home: Path, tiny_script: str) -> None:
    approve(_request(home), ["s01.2"], undo=False)
    marked = tiny_script.replace("who: don}", "who: don, approved: true}", 1)
    assert _script(home).read_text("utf-8") == marked
    approve(_request(home), ["s01"], undo=False)
    marked = marked.replace("who: joe}", "who: joe, approved: true}", 1)
    assert _script(home).read_text("utf-8") == marked
    approve(_request(home), ["s01.1", "s01.2"], undo=True)
    assert _script(home).read_text("utf-8") == marked.replace("approved: true", "approved: false")


def test_a_script_that_the_program_wrote_stays_its_own(tiny: Path, heard: Any) -> None:
    fish_story(tiny.parent, heard, device="cpu", until="script")
    approve(_request(tiny.parent), ["s01.1"], undo=False)
    memory = manifest.read_memory(_plan(tiny.parent).episode.folder)
    assert memory.program_script == records.hash_if_present(_script(tiny.parent))


def test_without_names_it_tells_and_writes_nothing(home: Path) -> None:
    before = sorted(home.rglob("*"))
    lines = approve(_request(home), [], undo=False).lines
    assert lines[1:3] == ("  approved: none", "  waiting: s01.1, s01.2")
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("s01.3", "wanted a shot like s04.2, a scene like s04, or all, got 's01.3', did you mean s01.2?"),
        ("kitchen", "got 'kitchen', there are s01, s01.1, s01.2"),
    ],
)
def test_a_name_that_is_nothing_marks_nothing(home: Path, name: str, message: str) -> None:
    before = _script(home).read_bytes()
    with pytest.raises(StudioError) as refused:
        approve(_request(home), ["s01.1", name], undo=False)
    assert message in str(refused.value)
    assert refused.value.code == 2
    assert _script(home).read_bytes() == before


def test_a_premise_that_waits_for_nobody_says_so(tiny: Path, tiny_script: str) -> None:
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    lines = approve(_request(tiny.parent), ["s01.1"], undo=False).lines
    assert any("does not wait for approvals, every shot is filmed by TOON" in line for line in lines)


def test_a_draft_of_the_episode_and_a_camera_on_the_command_line(home: Path, tmp_path: Path) -> None:
    assert _plan(home, draft=True).draft is None
    assert _plan(home, draft=True).film.name == "toon"
    assert _plan(home, video={"model": "toon"}).draft is None, "TOON waits for nobody"
    assert messages.describe_approvals(_plan(home, video={"model": "toon"})) == ()


def test_one_camera_has_one_name(tmp_path: Path, tiny_premise: str) -> None:
    path = tmp_path / "fish.yaml"
    path.write_text(tiny_premise.replace("{steps: 2}", "{model: toon, camera: toon}"), "utf-8")
    with pytest.raises(ScriptError, match="either model or camera"):
        read_premise(path)


def test_the_command_line_says_it_in_lines(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--premise", str(home / "fish.yaml"), "--output", str(home / "output")]
    with pytest.raises(SystemExit) as ended:
        main(["approve", "s01.2", *where])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert "s01.2: approved" in told
    assert "1 of 2 shots approved for" in told
    assert any("of 2 shots approved" in line for line in tell_plan(fish_request(home)).lines)
