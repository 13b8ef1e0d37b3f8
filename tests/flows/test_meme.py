"""Memes: one clip, two texts, a loop; from a file or from words alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import t2v
from flows import meme
from flows.cli.app import main
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.media import ffmpeg
from flows.studio.production import messages
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, MemeText, Outcome
from tests.flows.fish import make_meme

FILE = """\
show: Toast
genre: meme
logline: When the toaster is happy, everybody dances.
format: {aspect: "1:1", size: 120x120}
video: {steps: 2}
meme: {picture: a red toaster dances in the kitchen, top: when it is, bottom: toast o'clock}
"""


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: str, heard: Any
) -> tuple[EpisodeRequest, Outcome]:
    home = tmp_path_factory.mktemp("meme")
    (home / "toast.yaml").write_text(FILE, "utf-8")
    options = EpisodeRequest(premise=home / "toast.yaml", output=home / "output")
    return options, meme.make_meme(Episode.open(options), heard(), LoadedModels())


def test_a_meme_is_an_mp4_of_six_seconds_a_gif_and_a_poster(made: tuple[EpisodeRequest, Outcome]) -> None:
    outcome = made[1]
    assert outcome.code == 0
    assert outcome.path is not None
    film = ffmpeg.probe(outcome.path)
    assert (film.width, film.height) == (120, 120)
    assert film.num_frames >= 6 * 24
    gif = outcome.path.with_name("episode.gif")
    assert 0 < gif.stat().st_size <= 8_000_000
    with Image.open(gif) as loop:
        assert loop.info["loop"] == 0
        assert getattr(loop, "n_frames", 1) == 30


def test_other_texts_in_the_premise_film_nothing(made: tuple[EpisodeRequest, Outcome], heard: Any) -> None:
    options, outcome = made
    assert options.premise is not None
    assert outcome.path is not None
    clips = {path: path.stat().st_mtime_ns for path in (outcome.path.parent / "clips").iterdir()}
    before = outcome.path.read_bytes()
    options.premise.write_text(FILE.replace("toast o'clock", "bread o'clock"), "utf-8")
    assert make_meme(options, heard()).code == 0
    assert {path: path.stat().st_mtime_ns for path in (outcome.path.parent / "clips").iterdir()} == clips
    assert "bread o'clock" in (outcome.path.parent / "script.yaml").read_text("utf-8")
    assert outcome.path.read_bytes() != before


def test_a_meme_is_filmed_by_the_model_that_was_named_and_remembers_it(
    tmp_path: Path, heard: Any, saved_model: Callable[[str], Path]
) -> None:
    model = saved_model("diffusers")
    (tmp_path / "toast.yaml").write_text(FILE, "utf-8")
    said = {"model": str(model), "size": "32x32", "steps": 1}
    options = EpisodeRequest(premise=tmp_path / "toast.yaml", output=tmp_path / "output", video=said)
    outcome = make_meme(options, heard())
    assert outcome.code == 0
    assert outcome.path is not None
    (recipe,) = (
        json.loads(path.read_text("utf-8"))["recipe"]
        for path in (outcome.path.parent / "clips").glob("*.json")
    )
    kept = ("model", "weights", "width", "height", "num_steps")
    assert [recipe[key] for key in kept] == [model.name, t2v.fingerprint(model), 32, 32, 1]
    again = Episode.open(EpisodeRequest(premise=options.premise, output=options.output)).video
    assert (again.model, again.size, again.steps) == (str(model), "32x32", 1)


def test_a_wrong_video_option_of_a_meme_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["meme", "--picture", "a toaster", "--output", str(tmp_path / "o"), "--size", "100x100"])
    assert caught.value.code == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("video: size: TOON wants width and height in steps of 8, got 100x100")


def test_a_picture_in_words_needs_no_file(tmp_path: Path) -> None:
    options = EpisodeRequest(
        meme=MemeText(picture="a toaster dances", top="when", bottom="toast", bar="a bar"), output=tmp_path
    )
    job = Episode.open(options)
    assert "meme: a toaster dances s01e01" in messages.announce(job)
    assert job.folder.root == tmp_path / "meme-a-toaster-dances" / "s01e01"
    assert job.own_premise.meme is not None
    assert job.own_premise.meme.top == "when"
    assert job.own_premise.meme.bar == "a bar"


def test_a_sitcom_is_no_meme(tiny: Path, heard: Any) -> None:
    with pytest.raises(StudioError, match="wanted genre: meme, got sitcom") as caught:
        make_meme(EpisodeRequest(premise=tiny, output=tiny.parent / "output"), heard())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            EpisodeRequest(meme=MemeText(picture="  ")),
            "--picture: wanted a text of at most 240 letters, got nothing",
        ),
        (EpisodeRequest(meme=MemeText(picture="a cat", top="x" * 121)), "--top: .* got 121 letters"),
        (EpisodeRequest(meme=MemeText(picture="a cat", bar="x" * 121)), "--bar: .* got 121 letters"),
        (
            EpisodeRequest(meme=MemeText(picture="a cat"), premise=Path("cat.yaml")),
            "--premise or --picture, got both",
        ),
    ],
)
def test_words_that_make_no_meme_are_told_in_one_line(options: EpisodeRequest, complaint: str) -> None:
    with pytest.raises(StudioError, match=complaint) as caught:
        Episode.open(options)
    assert caught.value.code == 2
