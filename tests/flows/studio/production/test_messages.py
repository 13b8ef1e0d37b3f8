"""The commands that a run prints work on the episode that it worked on, whichever is the newest."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from flows.studio.commands import cut, export
from flows.studio.errors import StudioError
from flows.studio.production import messages
from flows.studio.production.episode import Episode
from flows.studio.production.request import CutRequest, EpisodeRequest, MemeText
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeFolder
from tests.flows.fish import nothing_to_do

FISH = "fish-chips"
TOAST = MemeText(picture="a toaster dances")


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with the scripts of two episodes."""
    for code in ("s01e01", "s01e02"):
        place = tiny.parent / "output" / FISH / code
        place.mkdir(parents=True)
        (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _options(home: Path, episode: str | None) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", episode=episode, output=home / "output")


def _works_on(command: str) -> EpisodeFolder:
    """The episode that a printed command would work on."""
    words = shlex.split(command)[2:]
    said = dict(zip(words[::2], words[1::2], strict=True))
    premise = said.get("--premise")
    named = EpisodeRequest(
        premise=Path(premise) if premise else None,
        episode=said.get("--episode"),
        output=Path(said["--output"]),
    )
    return Episode.open(named).folder


@pytest.mark.parametrize("episode", [None, "s01e01", "s01e02", "next"])
def test_a_command_works_on_its_own_episode_again(home: Path, episode: str | None) -> None:
    made = Episode.open(_options(home, episode))
    command = messages.command(made)
    assert _works_on(command) == made.folder
    assert ("--episode" in command) == (episode in ("s01e01", "next"))


def test_an_episode_that_is_named_is_the_only_one(home: Path) -> None:
    made = Episode.open(_options(home, "s01e01"))
    assert messages.command(made, "--episode", "next").count("--episode") == 1


def test_a_meme_of_words_alone_is_found_beside_the_one_that_was_worked_on_last(tmp_path: Path) -> None:
    for code in (None, "next"):
        meme = Episode.open(EpisodeRequest(meme=TOAST, episode=code, output=tmp_path))
        manifest.write(meme.folder, meme.memory)
        meme.folder.script.write_text("", "utf-8")
        assert messages.command(meme) == f"coldopen episode --output {tmp_path}"
    first = Episode.open(EpisodeRequest(meme=TOAST, episode="s01e01", output=tmp_path))
    assert _works_on(messages.command(first)) == first.folder


def test_the_way_on_from_an_older_script_is_with_its_episode(home: Path) -> None:
    options = EpisodeRequest(
        premise=home / "fish.yaml", episode="s01e01", until="script", output=home / "output"
    )
    outcome = nothing_to_do(options)
    assert outcome is not None
    assert outcome.lines[-1].endswith(" --episode s01e01")


def test_what_comes_first_for_an_older_episode_is_with_its_name(home: Path, heard: type) -> None:
    with pytest.raises(StudioError, match=r"first: coldopen episode .* --episode s01e01$"):
        cut.cut(_options(home, "s01e01"), CutRequest(aspect="1:1"), heard())
    outcome = export.export_fountain(_options(home, "s01e01"), None)
    assert outcome.lines[-1].endswith(" --episode s01e01")
