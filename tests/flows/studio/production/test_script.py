"""Scripts: written, completed, kept; the writers and who falls back; the episode that was worked on last."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.studio.errors import StudioError
from flows.studio.production import messages
from flows.studio.production import script as scripts
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.request import EpisodeRequest
from tests.flows.fish import FISH, fish_request, fish_story, make, nothing_to_do


def test_a_script_is_written_with_ids_and_shots_and_shown(tiny: Path, heard: Any) -> None:
    outcome, screen = fish_story(tiny.parent, heard, until="script")
    script = tiny.parent / "output" / FISH / "script.yaml"
    assert (outcome.code, outcome.path) == (0, script)
    text = script.read_text("utf-8")
    assert text.startswith("# Fish & Chips s01e01, written by the offline writer.\n")
    assert "id: s01" in text
    assert "shots:" in text
    assert any("s01  INT." in line for line in screen.lines)
    again = nothing_to_do(fish_request(tiny.parent, until="script"))
    assert again is not None
    assert again.path == script


def test_an_edited_script_stays_and_a_premise_that_moved_on_is_told(tiny: Path, heard: Any) -> None:
    fish_story(tiny.parent, heard, until="script")
    script = tiny.parent / "output" / FISH / "script.yaml"
    edited = script.read_text("utf-8").replace("title: ", "title: My ")
    script.write_text(edited, "utf-8")
    tiny.write_text(tiny.read_text("utf-8").replace("wants: respect", "wants: a hat"), "utf-8")
    lines = "\n".join(fish_story(tiny.parent, heard, until="script")[0].lines)
    assert script.read_text("utf-8") == edited
    assert "edited by hand" in lines
    assert "written from an older premise (don changed since)" in lines


def test_next_begins_another_episode_with_another_script(tiny: Path, heard: Any) -> None:
    first = fish_story(tiny.parent, heard, until="script")[0].path
    second = fish_story(tiny.parent, heard, until="script", episode="next")[0].path
    assert first is not None
    assert second is not None
    assert second.parent.name == "s01e02"
    assert first.read_text("utf-8").splitlines()[5:] != second.read_text("utf-8").splitlines()[5:]
    assert fish_story(tiny.parent, heard, until="script")[0].path == second, "the newest one is worked on"


def test_a_show_without_a_cast_gets_one_that_stays(tiny: Path, heard: Any) -> None:
    tiny.write_text(
        "show: Fish & Chips\nlogline: A robot opens a bar.\nformat: {scenes: 1, shots: 1}\n", "utf-8"
    )
    fish_story(tiny.parent, heard, until="script")
    script = tiny.parent / "output" / FISH / "script.yaml"
    assert "# I assumed: " in script.read_text("utf-8")
    before = script.read_text("utf-8")
    assert nothing_to_do(fish_request(tiny.parent, until="script")) is not None
    fish_story(tiny.parent, heard, until="script")
    assert script.read_text("utf-8") == before


NOBODY = "http://127.0.0.1:9/v1"  # the discard port: nobody answers


def test_a_writer_asked_for_by_name_that_fails_ends_the_run(tiny: Path, heard: Any) -> None:
    options = fish_request(tiny.parent, until="script").model_copy(update={"writer": f"some-model@{NOBODY}"})
    with pytest.raises(StudioError, match="--writer some-model") as caught:
        make(options, heard())
    assert caught.value.code == 1
    assert not (tiny.parent / "output" / FISH / "script.yaml").exists()


def test_auto_falls_back_to_the_offline_writer_and_says_so(
    tiny: Path, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", NOBODY)
    monkeypatch.setenv("OPENAI_MODEL", "some-model")
    options = fish_request(tiny.parent, until="script").model_copy(update={"writer": None})
    assert f"some-model at {NOBODY}" in messages.announce(Episode.open(options))
    screen = heard()
    outcome = make(options, screen)
    assert outcome.code == 0
    assert any("the offline writer writes instead" in line for line in screen.lines)
    assert "written by the offline writer" in outcome.notes[0]
    manifest = json.loads((tiny.parent / "output" / FISH / "manifest.json").read_text("utf-8"))
    assert manifest["script"]["fell_back"]


# ------------------------------------------------------------------------------------- the last one


def test_without_a_premise_it_is_the_episode_that_was_worked_on_last(tiny: Path, heard: Any) -> None:
    output = tiny.parent / "output"
    with pytest.raises(StudioError, match="wanted --premise PATH"):
        on_the_last_one(EpisodeRequest(output=output))
    fish_story(tiny.parent, heard, until="script")
    options = on_the_last_one(EpisodeRequest(output=output))
    assert (options.premise, options.episode) == (tiny, "s01e01")
    assert "Fish & Chips s01e01" in messages.announce(Episode.open(options))
    tiny.unlink()
    with pytest.raises(StudioError, match="is not there any more; say where it is"):
        Episode.open(EpisodeRequest(output=output))


def test_the_offline_writer_knows_what_a_person_made_of_the_earlier_episodes(
    tiny: Path, tmp_path: Path, tiny_script: str
) -> None:
    """An edited first episode is what the second one comes after; one that cannot be read tells nothing."""
    options = EpisodeRequest(premise=tiny, episode="next", writer="offline", output=tmp_path / "output")
    first = Episode.open(options)
    first.folder.root.mkdir(parents=True)
    assert scripts._season_before(first, first.own_premise) is None
    first.folder.script.write_text(tiny_script, "utf-8")
    second = Episode.open(options)
    told = scripts._season_before(second, second.own_premise)
    assert told is not None
    assert [past.title for past in told.episodes] == ["The Fish"]
    assert told.recent_lines() == ("It blinked.", "Cod.")
    first.folder.script.write_text("scenes: [", "utf-8")
    assert scripts._season_before(second, second.own_premise) is None
    scripts.write_script(second, say=lambda line: None)
