"""`plan`: what the next run would make, with its reasons and costs; nothing is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.studio.commands import plan as plan_command
from flows.studio.errors import StudioError
from flows.studio.filming import models
from flows.studio.production import messages, writer
from flows.studio.production.request import EpisodeRequest
from flows.studio.workspace import artifacts
from scripts_llm.llm.client import Call
from tests.flows.fish import plan_of

FISH = "fish-chips/s01e01"


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script, all of it made."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    plan = plan_of(_options(tiny.parent))
    for line in plan.lines:
        _made(plan.episode.folder.voices, line.label, line.recipe, ".wav", 0.5)
    for shot in plan_of(_options(tiny.parent)).shots:
        _made(plan.episode.folder.clips, shot.label, shot.recipe, ".mp4", 2.0)
    return tiny.parent


def _made(place: Path, label: str, recipe: Any, suffix: str, seconds: float) -> None:
    """An artifact as the plan sees it: a file and its note."""

    def write(path: Path) -> dict[str, Any]:
        path.write_bytes(b"x")
        return {
            "seconds": seconds,
            "num_frames": 16,
            "num_samples": 48_000,
            "murmured": False,
            "mouths": "12300000",
        }

    artifacts.create(place, label, recipe, suffix, write=write)


def _options(home: Path) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output")


def _plan(home: Path) -> list[str]:
    before = sorted(home.rglob("*"))
    lines = list(plan_command.plan(_options(home)).lines)
    assert sorted(home.rglob("*")) == before, "nothing is written"
    return lines


def _edited(home: Path, old: str, new: str) -> None:
    path = home / "output" / FISH / "script.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_each_item_stands_with_its_reason_and_the_rest_is_kept(home: Path) -> None:
    _edited(home, "The Don talking", "The Don dancing")
    _edited(home, "It blinked.", "It winked.")
    lines = _plan(home)
    assert lines[1] == "  s01.1 clip: filmed again if its new lines move the lips otherwise"
    assert "  s01.2 clip: prompt changed" in lines[2]
    assert lines[3] == "  s01-01 voice: words changed"
    assert lines[4] == "  s01 cut: its shots or lines change"
    assert lines[-2] == "to make: 2 shots, 1 voice line; 1 kept"
    assert lines[-1] == "about 4 s of filming, about 1 s of speaking, no tokens, no money"


def test_clips_of_an_earlier_toon_stay_and_it_is_said_how_to_film_them_anew(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "fingerprint", lambda source, loras=(): "another")
    lines = _plan(home)
    assert not any(" clip: " in line for line in lines)
    (told,) = [line for line in lines if "earlier TOON" in line]
    assert told.startswith("2 clips of an earlier TOON stay; ")
    assert "coldopen retake s01.1 " in told


def test_another_voice_and_another_take_are_reasons(home: Path) -> None:
    premise = home / "fish.yaml"
    premise.write_text(
        premise.read_text("utf-8").replace("speech: slow", "speech: slow, voice: gus"), "utf-8"
    )
    _edited(home, "who: don}", "who: don, takes: 2}")
    told = "\n".join(_plan(home))
    assert "s01.2 take 2 clip: " in told
    assert "s01-02 voice: voice changed" in told


def test_a_scene_typed_without_id_and_shots_gets_them_in_the_plan_alone(home: Path) -> None:
    path = home / "output" / FISH / "script.yaml"
    path.write_text(
        path.read_text("utf-8") + "  - slugline: INT. BAR - NIGHT\n    dialogue: [{joe: Hm.}]\n", "utf-8"
    )
    told = _plan(home)
    assert told[1].startswith("  s02 script: its id and ")
    assert any(line.startswith("  s02.1 clip: new") for line in told)


def test_a_locked_scene_is_left_as_it_is(home: Path) -> None:
    path = home / "output" / FISH / "script.yaml"
    scene = "  - id: mine\n    lock: true\n    slugline: INT. BAR - NIGHT\n    dialogue: [{joe: Hm.}]\n"
    path.write_text(path.read_text("utf-8") + scene, "utf-8")
    told = "\n".join(_plan(home))
    assert "to be written in" not in told
    assert "mine.1 clip: new" in told


def _call(asked: int | None, answered: int | None, dollars: float | None) -> Call:
    return Call("script", "m", 1.0, asked, answered, "stop", "json_schema", 7, cost_usd=dollars)


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        (
            [_call(900, 300, 0.02), _call(100, 200, 0.01)],
            "tokens: about 1,500, going by earlier episodes; money: about $0.0300",
        ),
        (
            [_call(900, 300, 0.02), _call(100, 200, None)],
            "tokens: about 1,500, going by earlier episodes; money: n/a",
        ),
        (
            [_call(None, None, 0.02), _call(100, 200, 0.0)],
            "tokens: not known, no earlier episode tells them; money: about $0.0200",
        ),
        ([_call(None, None, None)], "tokens: not known, no earlier episode tells them; money: n/a"),
        ([], "tokens: not known, no earlier episode tells them; money: n/a"),
    ],
)
def test_a_show_without_a_script_is_told_what_its_writer_took_before(
    home: Path, monkeypatch: pytest.MonkeyPatch, calls: list[Call], told: str
) -> None:
    manifest = home / "output" / FISH / "manifest.json"
    manifest.write_text(json.dumps({"writer_calls": writer.call_rows(calls)}), "utf-8")
    options = _options(home).model_copy(update={"episode": "next"})
    assert plan_command.plan(options).lines[-1] == "no tokens, no money"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert plan_command.plan(options).lines[-1] == told


def test_when_everything_is_new_it_is_said_once(tiny: Path, tiny_script: str) -> None:
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    assert _plan(tiny.parent)[1:] == [
        "  every clip and voice: new",
        "to make: 2 shots, 2 voice lines",
        "the time that filming takes is not known yet, no tokens, no money",
    ]


def test_a_caption_style_that_there_is_not_is_told_before_anything_is_filmed(home: Path) -> None:
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8") + "captions: {style: clasic}\n", "utf-8")
    with pytest.raises(StudioError, match="got 'clasic'; did you mean 'classic'") as caught:
        plan_command.plan(_options(home))
    assert caught.value.code == 2


def test_one_shot_is_one_shot(home: Path) -> None:
    script = home / "output" / FISH / "script.yaml"
    script.write_text(script.read_text("utf-8").replace("Joe talking", "Joe jumping"), "utf-8")
    assert any("to make: 1 shot, 0 voice lines; " in line for line in plan_command.plan(_options(home)).lines)


def test_what_a_film_model_needs_of_this_machine_is_told_where_something_is_filmed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "describe_memory", lambda source, memory: f"{source} takes 24 GB")
    assert not any("24 GB" in line for line in _plan(home)), "nothing is filmed"
    for clip in (home / "output" / FISH / "clips").iterdir():
        clip.unlink()
    assert "toon takes 24 GB" in _plan(home)
    current = plan_of(_options(home))
    assert current is not None
    told = messages.describe_plan(current, elsewhere=True)
    assert not any("24 GB" in line for line in told), "a farm films it"
