"""Takes: filmed beside each other, picked, and picked back; the script keeps all its other bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from flows.cli.app import main
from flows.studio.commands import retake
from flows.studio.errors import StudioError
from flows.studio.filming import camera, takes
from flows.studio.production import script as scripts
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, MemeText
from flows.studio.workspace import artifacts, manifest
from tests.flows.fish import plan_of

FISH = "fish-chips/s01e01"


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script, typed by a person."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _options(home: Path, **more: Any) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", device="cpu", **more)


def _script(home: Path) -> Path:
    return home / "output" / FISH / "script.yaml"


def test_a_retake_is_filmed_beside_the_old_take_and_picked(home: Path, heard: Any, tiny_script: str) -> None:
    options = _options(home, video={"memory": "6GB", "lips": "off"})  # else its lines are spoken first
    outcome = retake.retake(options, "s01.2", pick=None, console=heard())
    assert outcome.code == 0
    assert Episode.open(_options(home)).video.memory == "6GB"  # said once, and no part of any recipe
    typed = 'prompt: "The Don talking", who: don}'
    picked = 'prompt: "The Don talking", who: don, pick: 2}'
    assert _script(home).read_text("utf-8") == tiny_script.replace(typed, picked)
    plan = plan_of(_options(home))
    assert plan is not None
    clips = artifacts.stored(plan.episode.folder.clips, ".mp4")
    assert [take.take for take in takes.stored_takes(plan.shots[1], clips)] == [1, 2]
    assert plan.shots[1].digest in clips
    with Image.open(plan.episode.folder.root / "takes" / "s01.2.png") as sheet:
        assert sheet.width > 2 * 320

    back = retake.retake(_options(home), "s01.2", pick=1, console=heard())
    assert back.code == 0
    assert _script(home).read_text("utf-8") == tiny_script.replace(typed, picked.replace("2}", "1}"))
    plan = plan_of(_options(home))
    assert plan is not None
    assert not [todo for todo in plan.missing if "s01.2" in todo.label], "going back films nothing"


def test_every_take_that_a_shot_asks_for_is_wanted_and_only_the_pick_is_cut(home: Path) -> None:
    script = _script(home)
    script.write_text(script.read_text("utf-8").replace("who: don}", "who: don, takes: 3, pick: 2}"), "utf-8")
    plan = plan_of(_options(home))
    assert plan is not None
    assert [todo.label for todo in plan.missing if todo.kind == "clip"] == [
        "s01.1",
        "s01.2",
        "s01.2 take 1",
        "s01.2 take 3",
    ]
    seeds = [plan.shots[1].seed, *(take.seed for take in plan.shots[1].others)]
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(
    ("label", "more", "message"),
    [
        ("s01.3", "", "wanted a shot like s04.2, got 's01.3', did you mean s01.2"),
        ("kitchen", "", "there are s01.1, s01.2"),
        ("s01.1", "    lock: true\n", "s01 is locked; to retake s01.1, take its `lock: true` out"),
    ],
)
def test_what_cannot_be_retaken_is_said_in_a_line(
    home: Path, heard: Any, label: str, more: str, message: str
) -> None:
    script = _script(home)
    script.write_text(script.read_text("utf-8") + more, "utf-8")
    before = script.read_bytes()
    with pytest.raises(StudioError, match=message.replace("?", ".")) as refused:
        retake.retake(_options(home), label, pick=None, console=heard())
    assert refused.value.code == 2
    assert script.read_bytes() == before


def test_memory_that_is_none_is_told_before_anything_is_filmed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = str(home / "output")
    with pytest.raises(SystemExit) as caught:
        main(
            [
                "retake",
                "s01.2",
                "--premise",
                str(home / "fish.yaml"),
                "--output",
                output,
                "--memory",
                "much",
            ]
        )
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith('--memory: wanted "auto" or gigabytes like 8GB')


@pytest.mark.parametrize("pick", ["0", "100", "500"])
def test_a_pick_that_no_shot_may_have_is_told_in_a_line(
    home: Path, capsys: pytest.CaptureFixture[str], pick: str
) -> None:
    before = _script(home).read_bytes()
    show = ["--premise", str(home / "fish.yaml"), "--output", str(home / "output")]
    with pytest.raises(SystemExit) as caught:
        main(["retake", "s01.2", "--pick", pick, *show])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f'Invalid value "{pick}" for --pick. Must be ')
    assert _script(home).read_bytes() == before


@pytest.mark.parametrize("pick", [0, 4, 500])
def test_a_pick_of_a_take_that_is_not_there_says_which_are_and_writes_nothing(
    home: Path, heard: Any, pick: int
) -> None:
    script = _script(home)
    script.write_text(script.read_text("utf-8").replace("who: don}", "who: don, takes: 3}"), "utf-8")
    before = {path: path.read_bytes() for path in script.parent.iterdir()}
    with pytest.raises(StudioError, match=f"one of its takes, 1, 2, 3, got --pick {pick}; ") as refused:
        retake.retake(_options(home), "s01.2", pick=pick, console=heard())
    assert refused.value.code == 2
    assert "another one is filmed by: coldopen retake s01.2 --premise" in str(refused.value)
    lock = script.with_name(".lock")
    assert {path: path.read_bytes() for path in script.parent.iterdir() if path != lock} == before


def test_a_take_that_the_script_asks_for_may_be_picked_before_it_is_filmed(home: Path, heard: Any) -> None:
    script = _script(home)
    script.write_text(script.read_text("utf-8").replace("who: don}", "who: don, takes: 3}"), "utf-8")
    outcome = retake.retake(_options(home), "s01.2", pick=3, console=heard())
    assert "take 3 is not filmed yet: the next run films it" in outcome.lines
    assert "takes: 3, pick: 3}" in script.read_text("utf-8")


def test_there_is_no_hundredth_take(home: Path, heard: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera, "film_shot", lambda *_, **__: pytest.fail("it films"))
    script = _script(home)
    script.write_text(script.read_text("utf-8").replace("who: don}", "who: don, pick: 99}"), "utf-8")
    before = script.read_bytes()
    wanted = "s01.2: wanted at most 99 takes of a shot, got take 99 already"
    with pytest.raises(StudioError, match=wanted) as refused:
        retake.retake(_options(home), "s01.2", pick=None, console=heard())
    assert refused.value.code == 2
    assert script.read_bytes() == before


def test_the_lines_that_move_a_shots_lips_are_spoken_first(home: Path, heard: Any) -> None:
    told = "s01.2: its lines are not spoken yet, which move its lips; first: coldopen episode --premise"
    with pytest.raises(StudioError, match=told) as refused:
        retake.retake(_options(home), "s01.2", pick=None, console=heard())
    assert refused.value.code == 2


def test_a_meme_of_words_alone_has_takes_like_a_shot(tmp_path: Path, heard: Any) -> None:
    meme = MemeText(picture="a toaster dances")
    made = Episode.open(EpisodeRequest(meme=meme, output=tmp_path))
    manifest.write(made.folder, scripts.write_script(made, say=heard().warn).memory)
    with pytest.raises(StudioError, match=r"s01\.1: wanted one of its takes, 1, got --pick 2"):
        retake.retake(EpisodeRequest(output=tmp_path), "s01.1", pick=2, console=heard())
    outcome = retake.retake(EpisodeRequest(output=tmp_path), "s01.1", pick=1, console=heard())
    assert outcome.lines[-2] == f"back: coldopen retake s01.1 --output {tmp_path} --pick 1"


def test_the_commands_that_go_on_name_an_episode_that_is_not_the_newest(home: Path, heard: Any) -> None:
    _script(home).parent.with_name("s01e02").mkdir()
    outcome = retake.retake(_options(home, episode="s01e01"), "s01.2", pick=1, console=heard())
    of_it = f"--premise {home / 'fish.yaml'} --output {home / 'output'} --episode s01e01"
    back, then = outcome.lines[-2:]
    assert back == f"back: coldopen retake s01.2 {of_it} --pick 1"
    assert then == f"coldopen episode {of_it}"


def test_a_show_without_a_script_has_nothing_to_retake(tiny: Path, heard: Any) -> None:
    with pytest.raises(StudioError, match="there is none yet; coldopen episode"):
        retake.retake(_options(tiny.parent), "s01.1", pick=None, console=heard())
    assert not Episode.open(_options(tiny.parent)).has_script
