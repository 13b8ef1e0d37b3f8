"""An episode by a camera that can act: voices first, lips by them, and which changes film anything again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from flows.studio.commands.check import check
from flows.studio.commands.plan import plan as describe
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.production import run
from flows.studio.production.episode import Episode
from flows.studio.production.messages import describe_plan as describe_missing
from flows.studio.production.plan import IF_LIPS_DIFFER, UNSPOKEN, Plan, make_plan
from flows.studio.production.request import EpisodeRequest
from flows.studio.production.script import read_script
from flows.studio.production.steps import LocalSteps
from flows.studio.voice.lines import premise_voices
from flows.studio.workspace import artifacts
from t2v.checkpoints.fingerprint import weight_file
from t2v.configs import TOON, TOON_112

PREMISE = """\
schema: 1
show: Fish
logline: A fish blinks.
seed: 7
characters:
  joe: {look: a blue man with an apron}
  don: {look: an orange cat with a hat}
video: {model: acting, steps: 1, size: 32x16}
"""
SCRIPT = """\
schema: 1
title: The Fish
scenes:
  - id: s01
    slugline: INT. BAR - DAY
    action: Joe sits on a chair, the Don stands.
    shots:
      - {size: medium, prompt: "Joe talking and the Don standing, bar", who: joe}
      - {size: close-up, prompt: "the Don talking, bar", who: don}
    dialogue:
      - joe: I have two.
      - don: I want to see them, all of them, now.
"""


def write_show(home: Path) -> EpisodeRequest:
    """A show whose film model knows directions; its file has the settings of one and no networks."""
    (home / "acting").mkdir()
    preset = json.dumps({"unet": asdict(TOON.unet)})
    save_file({"none": np.zeros(1, np.float32)}, home / "acting/toon.safetensors", {"preset": preset})
    (home / "fish.yaml").write_text(PREMISE)
    write_script(home, SCRIPT)
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", episode="s01e01")


def write_script(home: Path, text: str) -> None:
    path = home / "output/fish/s01e01/script.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def plan_of(request: EpisodeRequest) -> Plan:
    return make_plan(read_script(Episode.open(request)))


def speak(request: EpisodeRequest) -> Plan:
    """The plan with every line spoken, by the embedded speaker."""
    plan = plan_of(request)
    steps = LocalSteps(LoadedModels())
    folder = plan.episode.folder.voices
    list(steps.speak_lines(plan.missing_lines, premise_voices(plan.premise), folder))
    return plan_of(request)


def film(plan: Plan) -> None:
    """Stores a file as the clip of every shot, with its recipe; what is in it is nobody's matter here."""

    def write(path: Path) -> dict[str, Any]:
        path.write_bytes(b"clip")
        return {"num_frames": 16, "seconds": 1.0}

    for shot in plan.missing_shots:
        artifacts.create(plan.episode.folder.clips, shot.label, shot.recipe, ".mp4", write=write)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, EpisodeRequest]:
    home = tmp_path_factory.mktemp("lips")
    request = write_show(home)
    film(speak(request))
    return home, request


@pytest.fixture
def show(filmed: tuple[Path, EpisodeRequest]) -> Iterator[tuple[Path, EpisodeRequest]]:
    yield filmed
    write_script(filmed[0], SCRIPT)


def test_before_anything_is_spoken_every_shot_is_new(tmp_path: Path):
    request = write_show(tmp_path)
    plan = plan_of(request)
    assert plan.moves_lips
    assert [shot.unspoken for shot in plan.shots] == [True, True]
    assert {one.why for one in plan.missing} == {"new"}
    assert "every clip and voice: new" in "\n".join(describe(request).lines)


def test_everything_is_there_once_it_is_spoken_and_filmed(show: tuple[Path, EpisodeRequest]):
    plan = plan_of(show[1])
    assert plan.missing == ()
    first = plan.shots[0]
    mouths = [frame[0].split()[0] for frame in first.directions]
    assert len(set(mouths)) > 1
    assert all(frame[1].startswith("mouth-shut") for frame in first.directions)
    assert mouths[-1] == "mouth-shut"


def test_a_changed_line_asks_for_its_own_shots_alone_and_says_so(show: tuple[Path, EpisodeRequest]):
    home, request = show
    write_script(home, SCRIPT.replace("I have two.", "Nobody blows bubbles."))
    told = {f"{one.label} {one.kind}": one.why for one in plan_of(request).missing}
    assert told == {"s01.1 clip": IF_LIPS_DIFFER, "s01-01 voice": "words changed"}
    assert f"s01.1 clip: {IF_LIPS_DIFFER}" in "\n".join(describe(request).lines)
    spoken = speak(request)
    assert [f"{one}" for one in spoken.missing] == [
        "s01.1 clip: what its people do changed: their lips, looks or poses"
    ]


def test_a_changed_line_with_the_same_mouths_films_nothing(show: tuple[Path, EpisodeRequest]):
    home, request = show
    write_script(home, SCRIPT.replace("I have two.", "I have too."))
    assert [one.kind for one in plan_of(request).missing] == ["clip", "voice"]
    spoken = speak(request)
    assert spoken.lines[0].line.line == "I have too."
    assert spoken.missing == ()


def test_a_new_shot_of_an_unspoken_line_waits_for_it(show: tuple[Path, EpisodeRequest]):
    home, request = show
    more = SCRIPT + "      - joe: Then look at my fish here.\n"
    write_script(
        home, more.replace("    dialogue:", "      - {prompt: Joe laughing, who: joe}\n    dialogue:")
    )
    told = {f"{one.label} {one.kind}": one.why for one in plan_of(request).missing}
    assert told["s01.3 clip"] == UNSPOKEN


def test_with_lips_off_no_voice_is_needed_and_none_changes_a_shot(show: tuple[Path, EpisodeRequest]):
    home, request = show
    (home / "fish.yaml").write_text(PREMISE.replace("steps: 1", "steps: 1, lips: off"))
    try:
        before = plan_of(request)
        write_script(home, SCRIPT.replace("I have two.", "Nobody blows bubbles."))
        after = plan_of(request)
        assert not before.moves_lips
        assert [shot.recipe for shot in before.shots] == [shot.recipe for shot in after.shots]
        assert not any(shot.unspoken for shot in after.shots)
    finally:
        (home / "fish.yaml").write_text(PREMISE)


@pytest.mark.slow
def test_an_acted_episode_speaks_first_and_keeps_the_directions(
    tmp_path: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
):
    request = write_show(tmp_path)
    shutil.copy(weight_file("toon"), tmp_path / "acting")
    with LoadedModels() as models:
        steps = LocalSteps(models)
        order: list[str] = []
        for name in ("speak_lines", "film_shots"):
            work = getattr(steps, name)

            def noted(*args: Any, _name: str = name, _work: Any = work, **more: Any) -> Any:
                order.append(_name)
                return _work(*args, **more)

            monkeypatch.setattr(steps, name, noted)
        outcome = run.make_episode(Episode.open(request), heard(), steps)
    assert outcome.code == 0
    assert order[0] == "speak_lines"
    manifest = json.loads((tmp_path / "output/fish/s01e01/manifest.json").read_text())
    assert all(len(shot["directions"]) == 16 for shot in manifest["shots"])
    assert plan_of(request).is_done(None)


def by_hand(direct: str) -> str:
    return SCRIPT.replace("who: don}", f"who: don, direct: {direct}}}")


def test_check_finds_what_is_wrong_by_hand_with_its_place(show: tuple[Path, EpisodeRequest]):
    home, request = show
    write_script(home, by_hand("{0: 'don: arms owt'}"))
    (fault, *_), code = check(request, None).lines, check(request, None).code
    assert code == 2
    assert "script.yaml:9:" in fault
    assert "s01.2 direct 0: wanted a direction, got 'arms owt' in 'don: arms owt'" in fault
    with pytest.raises(StudioError, match="arms owt"):
        plan_of(request)


def test_a_camera_that_takes_no_directions_leaves_them_out_and_says_so(show: tuple[Path, EpisodeRequest]):
    home, request = show
    write_script(home, by_hand("{0: 'don: arms out'}"))
    assert check(request, None).code == 0
    (home / "mute").mkdir(exist_ok=True)
    preset = json.dumps({"unet": asdict(TOON_112.unet)})
    save_file({"none": np.zeros(1, np.float32)}, home / "mute/toon.safetensors", {"preset": preset})
    (home / "fish.yaml").write_text(PREMISE.replace("model: acting", "model: mute"))
    told = "TOON takes no directions"
    try:
        assert told in "\n".join(check(request, None).lines)
        assert f"{told}: `direct:` of s01.2 is left out" in describe_missing(plan_of(request))
        assert not plan_of(request).moves_lips
    finally:
        (home / "fish.yaml").write_text(PREMISE)
