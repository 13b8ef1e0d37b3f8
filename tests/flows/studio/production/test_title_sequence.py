"""A film or picture of one's own as the title sequence, in place of the title card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from flows.studio.commands import check
from flows.studio.commands import cut as cut_command
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.media import clips, ffmpeg
from flows.studio.media.audio import decode_sound
from flows.studio.production import run
from flows.studio.production.plan import Plan
from flows.studio.production.request import CutRequest, EpisodeRequest, Outcome
from flows.studio.production.steps import LocalSteps
from flows.studio.rates import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.workspace import artifacts
from tests.flows.fish import make, plan_of

FISH = "fish-chips/s01e01"
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=1.5"]


def _film(path: Path, colour: str = "0xC82828", *, sound: bool = True) -> Path:
    """A second and a half of one colour, and of a tone if it has `sound`."""
    picture = ["-f", "lavfi", "-i", f"color=c={colour}:size=320x240:rate=30:duration=1.5"]
    ffmpeg.run(["-y", *picture, *(SOUND if sound else []), str(path)], doing=f"making {path}")
    return path


@pytest.fixture
def home(tiny: Path, tiny_script: str) -> Path:
    """The tiny show with two pictures for shots, so that nothing is filmed, and an intro in its premise."""
    place = tiny.parent / "output" / FISH
    place.mkdir(parents=True)
    for shot in ('size: medium, prompt: "Joe talking, the Don listening"', 'prompt: "The Don talking"'):
        assert shot in tiny_script
        tiny_script = tiny_script.replace(shot, "file: door.png")
    (place / "script.yaml").write_text(tiny_script, "utf-8")
    tiny.write_text(tiny.read_text("utf-8").replace("titles: {", "titles: {intro: intro.mp4, "), "utf-8")
    ramp = np.linspace(0, 255, 96, dtype=np.uint8)[None, :, None].repeat(54, 0).repeat(3, 2)
    Image.fromarray(ramp).save(tiny.parent / "door.png")
    return tiny.parent


def _request(home: Path) -> EpisodeRequest:
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", writer="offline")


def _run(home: Path, heard: Any) -> tuple[Outcome, Any]:
    screen = heard()
    return make(_request(home), screen), screen


def _cues(home: Path) -> tuple[Any, Any]:
    """The title's span and its music."""
    timeline = _plan(home).edit.timeline
    span = next(span for span in timeline.spans if span.kind == "title")
    return span, next(cue for cue in timeline.music if cue.kind == "title")


def _loudest_hertz(film: Path, start: int, end: int) -> float:
    """The frequency that is strongest in a film's sound between two frames."""
    samples = np.concatenate(list(decode_sound(film))).mean(axis=1)
    heard = samples[start * SAMPLES_PER_FRAME : end * SAMPLES_PER_FRAME]
    return float(np.abs(np.fft.rfft(heard)).argmax() * SAMPLE_RATE / len(heard))


def _segments(home: Path) -> dict[str, int]:
    there = artifacts.stored(home / "output" / FISH / "segments", ".mp4")
    return {made.path.name: made.path.stat().st_mtime_ns for made in there.values()}


def test_a_film_of_ones_own_is_the_title_with_its_own_sound_and_length(home: Path, heard: Any) -> None:
    _film(home / "intro.mp4")
    outcome, _ = _run(home, heard)
    span, cue = _cues(home)
    assert (outcome.code, span.end - span.start, cue.film) == (0, 36, home / "intro.mp4")
    assert outcome.path is not None
    frames = clips.read_clip(outcome.path)
    title = frames[span.start : span.end].reshape(-1, 3)
    assert np.abs(np.median(title, axis=0) - (200, 40, 40)).max() <= 4
    assert np.abs(frames[span.start - 1].astype(int) - (200, 40, 40)).mean() > 20, "the scene is before it"
    assert _loudest_hertz(outcome.path, span.start + 4, span.end - 4) == pytest.approx(440, abs=2)

    again, screen = _run(home, heard)
    assert "nothing to do" in screen.text + " ".join(again.lines)
    before = _segments(home)
    _film(home / "intro.mp4", "0x2828C8")
    _, screen = _run(home, heard)
    assert "title clip: another file" in screen.text
    new = {name for name, time in _segments(home).items() if before.get(name) != time}
    assert [name.rpartition("-")[0] for name in new] == ["title"], "its segment alone is encoded again"


def test_the_theme_goes_on_over_a_film_without_sound_and_over_a_picture(home: Path, heard: Any) -> None:
    _film(home / "intro.mp4", sound=False)
    plan = _plan_with_intro(home, heard)
    assert plan.intro is not None
    there = plan.clips[plan.intro.digest]
    assert there.notes["has_sound"] is False
    premise = home / "fish.yaml"
    premise.write_text(premise.read_text("utf-8").replace("intro.mp4", "door.png"), "utf-8")
    plan = _plan_with_intro(home, heard)
    assert plan.intro is not None
    made = plan.clips[plan.intro.digest]
    assert (made.notes["full_frames"], made.notes["has_sound"]) == (5 * FPS, False)


def _plan(home: Path) -> Plan:
    plan = plan_of(_request(home))
    assert plan is not None
    return plan


def _plan_with_intro(home: Path, heard: Any) -> Plan:
    plan, steps = _plan(home), LocalSteps(LoadedModels())
    return run.make_intro(run.Run(plan.episode, plan, heard()), steps, plan)


@pytest.mark.parametrize("content", [b"#EXTM3U\nfile:///etc/passwd\n", None])
def test_a_bad_intro_is_one_line_with_its_place_before_anything_is_filmed(
    home: Path, heard: Any, content: bytes | None
) -> None:
    wanted = "wanted the file intro.mp4, got nothing"
    if content is not None:
        (home / "intro.mp4").write_bytes(content)
        wanted = r"\S+intro.mp4: wanted a film that ffmpeg can read"
    with pytest.raises(StudioError, match=rf"fish.yaml:9:17: titles.intro: {wanted}") as refused:
        _run(home, heard)
    assert refused.value.code == 2
    assert "\n" not in str(refused.value)
    assert not list((home / "output" / FISH).glob("clips/*.mp4"))


def test_check_names_an_intro_that_is_not_there_or_is_no_film(home: Path) -> None:
    options = EpisodeRequest(premise=home / "fish.yaml", output=home / "output")
    outcome = check.check(options, None)
    code, told = outcome.code, outcome.lines
    assert code == 2
    assert any("fish.yaml:9:17: titles.intro: wanted the file intro.mp4" in line for line in told)
    (home / "intro.mp4").write_text("no film")
    outcome = check.check(options, None)
    code, told = outcome.code, outcome.lines
    assert code == 2
    assert any("fish.yaml:9:17:" in line and "wanted a film" in line for line in told)
    _film(home / "intro.mp4")
    assert check.check(options, None).code == 0


def test_another_shape_of_the_episode_has_the_same_intro(home: Path, heard: Any) -> None:
    _film(home / "intro.mp4")
    _run(home, heard)
    options = EpisodeRequest(premise=home / "fish.yaml", output=home / "output")
    cut = cut_command.cut(options, CutRequest(aspect="1:1", lines=128), heard())
    assert cut.path is not None
    span, _ = _cues(home)
    middle = clips.read_clip(cut.path)[(span.start + span.end) // 2]
    assert middle.shape == (128, 128, 3)
    assert np.abs(middle[64, 64].astype(int) - (200, 40, 40)).max() <= 4
