"""What comes out of the encoder is held against what went in: frames, colours, black and frozen seconds."""

from __future__ import annotations

import numpy as np
import pytest

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.picture import render, verify

HEIGHT, WIDTH = 96, 128
RED = (200, 40, 40)


def room(number):
    """A grey room in which a bright block walks to the right."""
    frame = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    frame[30:60, 2 * number : 2 * number + 24] = (230, 200, 60)
    return frame


def encoded(frames, path, colour="scale=out_color_matrix=bt709:out_range=tv,format=yuv420p"):
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{WIDTH}x{HEIGHT}", "-r", "24", "-i", "-"]
    tags = ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"]
    coding = ["-vf", colour, "-c:v", "libx264", "-preset", "ultrafast", "-crf", "18", *tags]
    data = np.stack(frames).tobytes()
    ffmpeg.run(["-y", *source, *coding, str(path)], doing="encoding", stdin=data)
    return path


def fed(frames):
    noted = verify.Fed()
    for frame in frames:
        noted.add(frame)
    return noted


def test_a_field_of_red_reads_back_within_four(tmp_path):
    render.encode_film(lambda _: np.full((HEIGHT, WIDTH, 3), RED, np.uint8), 30, tmp_path / "a.mp4")
    stream = ffmpeg.run(
        ["-i", str(tmp_path / "a.mp4"), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], doing="decoding"
    )
    frames = np.frombuffer(stream, np.uint8).reshape(30, HEIGHT, WIDTH, 3).astype(int)
    assert np.abs(frames - RED).max() <= 4


def test_what_was_fed_comes_out(tmp_path):
    frames = [room(n) for n in range(40)]
    verify.check_encode(encoded(frames, tmp_path / "a.mp4"), fed(frames), name=tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n: n if n < 30 else None, r"wanted 40 frames, ffmpeg wrote 30"),
        (lambda n: 8 if 8 <= n < 36 else n, r"a still picture from second 0\.33"),
    ],
)
def test_frames_that_are_lost_or_stand_still_are_told(tmp_path, change, told):
    frames = [room(change(n)) for n in range(40) if change(n) is not None]
    with pytest.raises(StudioError, match=told):
        verify.check_encode(encoded(frames, tmp_path / "a.mp4"), fed(map(room, range(40))), name=tmp_path)


def test_a_black_second_is_told_unless_it_was_fed(tmp_path):
    frames = [room(n) * (not 10 <= n < 36) for n in range(40)]
    film = encoded(frames, tmp_path / "a.mp4")
    verify.check_encode(film, fed(frames), name=film)
    with pytest.raises(StudioError, match=r"a\.mp4: black from second 0\.42"):
        verify.check_encode(film, fed(map(room, range(40))), name=film)


def test_colours_by_another_matrix_are_told(tmp_path):
    frames = [np.full((HEIGHT, WIDTH, 3), RED, np.uint8)] * 5
    other = "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,setparams=colorspace=bt709"
    film = encoded(frames, tmp_path / "a.mp4", other)
    with pytest.raises(StudioError, match="wanted the colours within 6"):
        verify.check_encode(film, fed(frames), name=film)


def test_a_still_that_was_asked_for_is_no_fault(tmp_path):
    frames = [room(min(n, 10)) for n in range(40)]
    film = encoded(frames, tmp_path / "a.mp4")
    verify.check_encode(film, fed(frames), name=film)


def test_a_fine_pattern_whose_colours_the_encoder_mixes_is_no_fault(tmp_path):
    """The points of all cells lie on the same colour; 4:2:0 mixes it with the one beside it."""
    columns = np.indices((HEIGHT, WIDTH))[1][..., None]
    stripes = np.where(columns % 2 == 0, (60, 150, 60), (160, 100, 190)).astype(np.uint8)
    frames = [stripes] * 26
    noted = fed(frames)
    film = encoded(frames, tmp_path / "a.mp4")
    got = verify._decoded(film, "neighbor")
    assert np.abs(np.median(got.astype(int) - np.stack(noted.points), axis=(0, 1, 2))).max() > 6
    verify.check_encode(film, noted, name=film)
