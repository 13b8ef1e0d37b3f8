"""An episode is handed to an editor as it was cut; letters that no font has are told before it is filmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from flows.studio.commands import export
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.media.clips import write_clip
from flows.studio.production import edit as edits
from flows.studio.production import run
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from flows.studio.production.steps import LocalSteps
from flows.studio.workspace import artifacts
from tests.flows.fish import plan_of

FISH = "fish-chips/s01e01"


def _options(home: Path) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output")


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with its script."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    return tiny.parent


def _make(home: Path) -> None:
    """Grey clips, humming voices, and the cut of them."""
    plan = plan_of(_options(home))
    assert plan is not None

    def film(path: Path) -> dict[str, Any]:
        write_clip(np.full((16, 36, 64, 3), 90, np.uint8), 8, path)
        return {"num_frames": 16}

    def speak(path: Path) -> dict[str, Any]:
        soundfile.write(path, 0.1 * np.sin(np.arange(24_000) * 0.05), 48_000)
        return {"num_samples": 24_000, "murmured": False, "mouths": "1230"}

    for line in plan.lines:
        artifacts.create(plan.episode.folder.voices, line.label, line.recipe, ".wav", write=speak)
    plan = plan_of(_options(home))  # whose shots move the lips to these lines
    for shot in plan.shots:
        artifacts.create(plan.episode.folder.clips, shot.label, shot.recipe, ".mp4", write=film)
    edit = plan.refreshed().edit
    for span, recipe in edit.segments:
        edits.cut_segment(edit, span, recipe, plan.episode.folder, on_frame=lambda *_: None)
    edits.write_captions(edit, plan.episode.folder.film)


def test_the_folder_opens_in_an_editor(home, heard):
    library = pytest.importorskip("opentimelineio")
    _make(home)
    screen = heard()
    path = export.export_otio(_options(home), screen).path
    place = home / "output" / FISH
    assert path == place / "episode.otio"
    assert [label.split()[-1] for label in screen.labels] == ["dialogue", "music", "effects", "laughs"]
    opened = library.adapters.read_from_file(str(path))
    for clip in opened.find_clips():
        assert (place / library.url_utils.filepath_from_url(clip.media_reference.target_url)).is_file()
    frames = int((place / "timeline.txt").read_text("utf-8").split(" frames")[0].split()[-1])
    assert opened.duration().value == frames > 60


def test_captions_lie_beside_the_film_in_three_kinds(home):
    _make(home)
    place = home / "output" / FISH
    told = [(place / f"episode.{kind}").read_text("utf-8") for kind in ("srt", "vtt", "ass")]
    assert all("It blinked." in text for text in told)
    assert "<v The Don>Cod." in told[1] or "<v The Don>– Cod." in told[1]
    assert "[V4+ Styles]" in told[2]


def test_what_is_not_cut_as_it_is_written_is_not_handed_over(home, heard):
    with pytest.raises(StudioError, match=r"got one that is not finished; run it first: coldopen episode"):
        export.export_otio(_options(home), heard())
    _make(home)
    script = home / "output" / FISH / "script.yaml"
    script.write_text(script.read_text("utf-8").replace("setting: fish_shop", "effects: [zoom]"), "utf-8")
    with pytest.raises(StudioError, match="s01 changed since the cut; run it first"):
        export.export_otio(_options(home), heard())


def test_letters_that_no_font_has_are_told_before_anything_is_filmed(home, heard):
    script = home / "output" / FISH / "script.yaml"
    script.write_text(script.read_text("utf-8").replace("It blinked.", "It \U000f0000 blinked."), "utf-8")
    screen = heard()
    work = run.Run(Episode.open(_options(home)), None, screen)
    run.say_plan(work, run.write_script(work, LocalSteps(LoadedModels())))
    (told,) = [line for line in screen.lines if line.startswith("! no font here has")]
    assert "(U+F0000): captions leave it out" in told
    assert work.notes == [told.removeprefix("! ")]
