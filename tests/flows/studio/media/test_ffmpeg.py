"""ffmpeg is asked exactly, and says what went wrong."""

from __future__ import annotations

from pathlib import Path

import pysubs2
import pytest

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg


def make_film(path, *, frames=25, seconds=1.25):
    picture = f"color=c=red:s=64x48:r=24:d={frames / 24:.6f}"
    sound = f"sine=f=440:r=48000:d={seconds}"
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    ffmpeg.run(
        ["-y", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound, *coding, str(path)], doing="test"
    )
    return path


def test_frames_and_samples_are_counted_exactly(tmp_path):
    found = ffmpeg.probe(make_film(tmp_path / "a.mp4", frames=25, seconds=1.25))
    assert (found.width, found.height, found.num_frames) == (64, 48, 25)
    assert (found.num_samples, found.sample_rate) == (60_000, 48_000)
    assert "h264" in found.video
    assert "aac" in found.audio


def test_a_film_under_a_path_with_a_colon_is_no_protocol(tmp_path, monkeypatch):
    (tmp_path / "o:ut").mkdir()
    make_film(tmp_path / "o:ut" / "a.mp4", frames=3)
    monkeypatch.chdir(tmp_path)
    assert ffmpeg.probe(Path("o:ut/a.mp4")).num_frames == 3


def test_a_film_that_was_cut_off_does_not_pass(tmp_path):
    film = make_film(tmp_path / "a.mp4")
    film.write_bytes(film.read_bytes()[:2000])
    with pytest.raises(StudioError, match=r"a\.mp4"):
        ffmpeg.probe(film)


def test_a_failure_is_one_line_with_what_was_being_done(tmp_path):
    with pytest.raises(StudioError, match=r"^warming up: ffmpeg stopped with \d+: .*No such file[^\n]*$"):
        ffmpeg.run(["-i", str(tmp_path / "none.mp4"), "-f", "null", "-"], doing="warming up")


@pytest.mark.parametrize(
    "name", ["plain", "a b", "it's", "a,b;c", "[x]", "C:drive", "back\\slash", "Кот", "%d = 5"]
)
def test_a_filter_reads_a_file_whatever_its_path(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    text = folder / "a.ass"
    pysubs2.SSAFile().save(str(text))
    graph = f"ass=filename={ffmpeg.escape_filter_value(str(text))},null"
    source = ["-f", "lavfi", "-i", "color=s=64x48:d=0.1"]
    ffmpeg.run([*source, "-vf", graph, "-f", "null", "-"], doing="reading captions")


def test_an_ffmpeg_without_libass_is_refused(tmp_path, monkeypatch):
    bare = tmp_path / "ffmpeg"
    bare.write_text("#!/bin/sh\necho ' .. scale V->V'\n")
    bare.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(bare))
    ffmpeg.executable.cache_clear()
    with pytest.raises(StudioError, match="burn captions"):
        ffmpeg.executable()
    ffmpeg.executable.cache_clear()
