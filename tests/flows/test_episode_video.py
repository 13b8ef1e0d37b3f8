"""An episode filmed by other people's weights, what it remembers of that, and its draft by TOON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import t2v
from flows.cli.app import main
from flows.studio.errors import StudioError
from flows.studio.production import edit, episode, messages
from flows.studio.production.episode import Episode
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from tests.flows.fish import FISH, fish_request, fish_story, nothing_to_do, plan_of


def _manifest(folder: Path) -> Any:
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def _files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What lies in an episode's folder and is neither the draft's nor the run's own."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and "draft" not in str(path.relative_to(folder))
        and path.name not in ("manifest.json", ".lock")
    }


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(episode.VIDEO_MODEL, raising=False)


@pytest.fixture
def home(tmp_path: Path, tiny_premise: str, tiny_script: str) -> Path:
    """The tiny show with its script, and nothing filmed."""
    (tmp_path / "fish.yaml").write_text(tiny_premise, "utf-8")
    script = tmp_path / "output" / FISH / "script.yaml"
    script.parent.mkdir(parents=True)
    script.write_text(tiny_script, "utf-8")
    return tmp_path


def test_other_weights_film_an_episode_are_remembered_and_a_draft_leaves_it_alone(
    home: Path, heard: Any, saved_model: Callable[[str], Path]
) -> None:
    model, folder = saved_model("diffusers"), home / "output" / FISH
    said = {"model": str(model), "size": "32x16", "steps": 1}
    manifest.write(
        EpisodeFolder(folder, EpisodeCode(1, 1)), manifest.EpisodeMemory(num_steps=2)
    )  # TOON's alone
    options = fish_request(home, video=said)
    assert f"film by {model.name} (32x16, licence CC-BY-NC-4.0)" in messages.announce(Episode.open(options))
    outcome, screen = fish_story(home, heard, video=said)
    assert (outcome.code, outcome.path) == (0, folder / "episode.mp4")
    licence = f"not for commercial use: {model.name} has the licence CC-BY-NC-4.0"
    assert screen.lines.index(licence) < next(
        i for i, line in enumerate(screen.lines) if "the first clip" in line
    )

    made = _manifest(folder)
    assert (made["film_model"]["model"], made["film_model"]["source"]) == (model.name, str(model))
    assert made["film_model"]["weights"] == t2v.fingerprint(model)
    assert [shot["understood"] for shot in made["shots"]] == [shot["composed"] for shot in made["shots"]]
    recipe = json.loads(next((folder / "clips").glob("*.json")).read_text("utf-8"))
    assert (recipe["recipe"]["width"], recipe["recipe"]["height"], recipe["recipe"]["num_steps"]) == (
        32,
        16,
        1,
    )
    assert str(model) not in json.dumps(recipe["recipe"])
    assert f"Filmed by {model.name} (CC-BY-NC-4.0)." in (folder / "publish.txt").read_text("utf-8")

    again = nothing_to_do(fish_request(home))  # nothing said again: its own memory counts
    assert again is not None
    assert again.lines[0].startswith("nothing to do")

    before, memory = _files(folder), made["remembered"]
    outcome, screen = fish_story(home, heard, draft=True, video={"steps": 1})
    assert (outcome.code, outcome.path) == (0, folder / "draft.mp4")
    drawn = _manifest(folder / "draft")["film_model"]
    assert (drawn["model"], drawn["num_steps"], drawn["width"]) == ("toon", 2, 224)
    assert len(list((folder / "draft" / "clips").glob("*.mp4"))) == 2
    assert (folder / "draft" / "poster.png").exists()
    assert _files(folder) == before
    after = _manifest(folder)
    for key in ("failed", "film_recipe", "weights", "video"):
        assert after["remembered"][key] == memory[key], key
    assert after["film_model"] == made["film_model"]
    whole, draft = (nothing_to_do(fish_request(home, draft=draft)) for draft in (False, True))
    assert whole is not None
    assert draft is not None
    assert (whole.path, draft.path) == (folder / "episode.mp4", folder / "draft.mp4")
    assert draft.lines[-1].startswith("the film itself: coldopen episode")


def test_the_command_line_beats_the_premise_beats_the_environment(
    home: Path, saved_model: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, premise = saved_model("modelscope"), home / "fish.yaml"

    def named(**said: Any) -> str | None:
        return Episode.open(fish_request(home, video=said)).video.model

    assert named() == "toon"
    monkeypatch.setenv(episode.VIDEO_MODEL, str(model))
    assert named() == str(model)
    premise.write_text(premise.read_text("utf-8").replace("{steps: 2}", "{steps: 2, model: toon}"), "utf-8")
    assert named() == "toon"
    assert named(model=str(model)) == str(model)
    asked = Episode.open(fish_request(home, video={"model": str(model), "steps": 3}))
    manifest.write(asked.folder, asked.memory)
    monkeypatch.delenv(episode.VIDEO_MODEL)
    kept = Episode.open(fish_request(home)).video
    assert (kept.model, kept.steps) == (str(model), 3)
    changed = Episode.open(fish_request(home, video={"steps": 5})).video
    assert (changed.model, changed.steps) == (str(model), 5)


def test_a_folder_named_in_the_premise_may_lie_beside_it(
    home: Path, saved_model: Callable[[str], Path]
) -> None:
    model, premise = saved_model("diffusers"), home / "fish.yaml"
    (home / "weights").symlink_to(model.parent)
    text = premise.read_text("utf-8").replace("{steps: 2}", f"{{model: weights/{model.name}, speed: fast}}")
    premise.write_text(text, "utf-8")
    plan = plan_of(fish_request(home))
    assert plan is not None
    assert plan.film.model == str(model.resolve())
    assert (plan.film.num_steps, plan.film.sampler) == (16, "dpmpp_2m")
    filmed_by = f"Filmed by {model.name} (CC-BY-NC-4.0), voiced by hibari-tts"
    assert filmed_by in edit.credits_of(plan.premise, "hand", plan)
    assert messages.describe_plan(plan)[-1].startswith("not for commercial use")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--video-model", "{home}/nowhere"], r"^video: .*nowhere: no such film model: wanted"),
        (["--video-model", "{home}/output"], r"^video: .*output: no unet in it"),
        (["--size", "100x100"], r"^video: size: TOON wants width and height in steps of 8, got 100x100"),
        (["--size", "large"], r"^--size: wanted width and height like 256x256, got 'large'"),
        (["--memory", "much"], r"^--memory: wanted \"auto\" or gigabytes like 8GB, got 'much'"),
        (
            ["--video-model", "{model}", "--lora", "style.safetensors:0.5"],
            r"^video: style.safetensors: not there",
        ),
        (["--lora", "style.safetensors"], r"^video: style.safetensors: .*not there"),
    ],
)
def test_what_cannot_be_filmed_with_is_one_line_and_exit_code_two(
    home: Path,
    capsys: pytest.CaptureFixture[str],
    saved_model: Callable[[str], Path],
    more: list[str],
    told: str,
) -> None:
    words = [word.format(home=home, model=saved_model("diffusers")) for word in more]
    with pytest.raises(SystemExit) as caught:
        main(["episode", "--premise", str(home / "fish.yaml"), "--output", str(home / "output"), *words])
    assert caught.value.code == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert re.search(told, said[0]), said[0]
    assert not (home / "output" / FISH / "manifest.json").exists()


def test_a_drafts_manifest_keeps_the_films_apart(tmp_path: Path) -> None:
    whole = EpisodeFolder(tmp_path, EpisodeCode(1, 1))
    draft = EpisodeFolder(tmp_path, EpisodeCode(1, 1), draft=True)
    manifest.write(
        whole, manifest.EpisodeMemory(film_recipe="a", weights="b", failed=("c",), writer="offline")
    )
    assert manifest.read_memory(draft) == manifest.EpisodeMemory(writer="offline")
    manifest.write(
        draft, manifest.EpisodeMemory(film_recipe="x", weights="y", writer="model"), shots=[], lines=[1]
    )
    assert manifest.read_memory(whole) == manifest.EpisodeMemory(
        film_recipe="a", weights="b", failed=("c",), writer="model"
    )
    assert manifest.read_memory(draft).film_recipe == "x"
    assert "shots" not in _manifest(tmp_path)
    assert _manifest(tmp_path)["lines"] == [1]


def test_a_wrong_key_of_the_flows_mapping_is_told(home: Path) -> None:
    with pytest.raises(StudioError, match=r"--width: .*got 256"):
        Episode.open(fish_request(home, video={"width": 256}))
