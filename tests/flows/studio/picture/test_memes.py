"""A meme loops without a seam, its texts fit, its files are as long and as small as they should be."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import soundfile
from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.media import clips, ffmpeg, user_files
from flows.studio.media.clips import write_clip
from flows.studio.media.gif import write_gif, write_gif_of_film
from flows.studio.picture import memes
from flows.studio.picture.memes import MemeFiles, MemeText, render_meme
from flows.studio.typography import lettering

WHITE = lettering.Ink((255, 255, 255), (255, 255, 255), edge_width=0.0)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    frames = np.full((4, 18, 32, 3), (90, 150, 90), np.uint8)
    for i, frame in enumerate(frames):
        frame[6:12, 4 + 5 * i : 10 + 5 * i] = (230, 60, 40)
    write_clip(frames, 8, path)
    return path


@pytest.mark.parametrize("num_frames", [1, 2, 3, 16])
def test_the_loop_never_jumps_and_shows_no_end_twice(num_frames):
    order = memes.boomerang(num_frames)
    assert sorted(set(order)) == list(range(num_frames))
    steps = [abs(a - b) for a, b in zip(order, (*order[1:], order[0]), strict=True)]
    assert max(steps) <= 1
    if num_frames > 1:
        assert min(steps) == 1


@pytest.mark.parametrize("num_frames", [1, 4, 16, 24])
def test_the_film_is_whole_loops_of_at_least_six_seconds(num_frames):
    frames = memes.num_meme_frames(num_frames)
    assert frames >= 6 * 24
    assert frames % (3 * len(memes.boomerang(num_frames))) == 0


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 180), (180, 320)])
def test_texts_are_white_with_a_black_edge_and_inside_the_picture(width, height):
    plain = np.full((2, height, width, 3), 128, np.uint8)
    words = "a very long text that nobody will ever read to its very end, will they"
    written = memes.draw_texts(plain, "Monday", words)
    assert (plain == 128).all()
    assert np.array_equal(written[0], written[1])
    changed = (written[0] != 128).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert rows[0] > 0
    assert rows[-1] < height - 1
    assert columns[0] > 0
    assert columns[-1] < width - 1
    letters = written[0][changed]
    assert (letters == 255).all(axis=1).sum() > 50
    assert (letters == 0).all(axis=1).sum() > 50
    assert not changed[height // 2 - 4 : height // 2 + 4].any()


TEXTS = {
    "Latin": "Jumpy Ágy: when the queue À la poste",
    "Vietnamese": "Ấm ức vì chiếc máy nướng bánh",
    "Cyrillic": "когда тостер говорит «ещё пять минут»",
    "Greek": "όταν η φρυγανιέρα λέει πέντε λεπτά",
    "Arabic": "عندما تقول محمصة الخبز خمس دقائق أخرى",
    "Hebrew": "כשהטוסטר אומר עוד חמש דקות",
    "Devanagari": "जब टोस्टर कहता है बस पाँच मिनट और",
    "Thai": "เมื่อเครื่องปิ้งขนมปังบอกว่าอีกห้านาทีที่รัก",
    "Japanese": "トースターがあと五分だけと言うとき",
    "Chinese": "当烤面包机说再等五分钟的时候",
    "Korean": "토스터가 오 분만 더 달라고 할 때",
    "emoji": "when 🍞 says 😂 5 more ⏰",
}


@pytest.mark.parametrize("script", TEXTS)
@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 180), (180, 320)])
def test_texts_of_any_script_stand_whole_inside_the_picture(script, width, height):
    plain = np.full((1, height, width, 3), 128, np.uint8)
    (picture,) = memes.draw_texts(plain, TEXTS[script], TEXTS[script])
    white = (picture == 255).all(axis=2)
    inked = (picture != 128).any(axis=2)
    middle = height // 2
    for half in (slice(0, middle), slice(middle, height)):
        rows, columns = np.flatnonzero(white[half].any(axis=1)), np.flatnonzero(white[half].any(axis=0))
        assert white[half].sum() > 300
        assert abs(columns[0] + columns[-1] + 1 - width) <= 8, "in the middle"
        assert rows[0] + half.start >= 2
        assert rows[-1] + half.start <= height - 3
        assert columns[0] >= 2
        assert columns[-1] <= width - 3
    for edge in (inked[0], inked[-1], inked[:, 0], inked[:, -1]):
        assert not edge.any(), "an edge around the letters is cut off"
    assert not inked[middle - 8 : middle + 8].any()


@pytest.mark.parametrize("script", ["Vietnamese", "Thai", "Arabic"])
def test_no_mark_stands_in_the_line_above(script):
    text = lettering.with_clear_lines(
        lettering.fit_text(TEXTS[script].upper(), 300, 100, largest=48, most_lines=2)
    )
    assert len(text.lines) == 2
    pictures = []
    for lines in (("", text.lines[1]), (text.lines[0], "")):
        picture = Image.new("RGB", (320, 140))
        lettering.draw_text(picture, replace(text, lines=lines), 160, 20, WHITE)
        pictures.append(np.flatnonzero(np.asarray(picture).any(axis=(1, 2))))
    below, above = pictures
    assert above[-1] < below[0]


def test_an_emoji_is_followed_by_a_space_as_narrow_as_any():
    gap = lettering.row_width("🍞 a", 100) - lettering.row_width("🍞a", 100)
    assert gap == lettering.row_width("b a", 100) - lettering.row_width("ba", 100)


def test_without_texts_the_picture_is_untouched():
    plain = np.full((1, 90, 160, 3), 128, np.uint8)
    assert np.array_equal(memes.draw_texts(plain, "", " "), plain)


def test_a_meme_is_a_film_a_gif_and_a_poster(clip, tmp_path):
    soundfile.write(tmp_path / "sting.wav", np.full(24_000, 0.1), 48_000)
    files = MemeFiles(tmp_path / "m.mp4", tmp_path / "m.gif", tmp_path / "m.png")
    num_frames = render_meme(
        clip, files, words=MemeText("when", "then"), size=(160, 90), wav=tmp_path / "sting.wav"
    )
    found = ffmpeg.probe(files.mp4)
    assert (found.width, found.height) == (160, 90)
    assert found.num_frames == num_frames == 144
    assert abs(found.num_samples - num_frames * 2000) <= 2000
    with Image.open(files.gif) as gif:
        assert gif.n_frames == len(memes.boomerang(4))
        assert gif.info["loop"] == 0
        assert gif.info["duration"] in (120, 125, 130)
    assert files.gif.stat().st_size <= memes.LARGEST_GIF
    with Image.open(files.poster) as poster:
        assert poster.size == (160, 90)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.gif", "m.mp4", "m.png", "sting.wav"]


def test_a_meme_may_be_silent(clip, tmp_path):
    render_meme(clip, MemeFiles(tmp_path / "m.mp4"), words=MemeText(bottom="then"), size=(64, 36))
    found = ffmpeg.probe(tmp_path / "m.mp4")
    assert found.num_samples == 0
    assert "bt709" in found.video


def test_a_film_of_ones_own_moves_as_fast_as_it_does(tmp_path):
    frames = np.repeat(np.arange(24, dtype=np.uint8)[:, None] * 10, 64 * 36 * 3, axis=1)
    clips.write_clip(frames.reshape(24, 36, 64, 3), 24, tmp_path / "dance.mp4")
    own = user_files.make_clip(
        tmp_path / "dance.mp4", tmp_path / "clips", label="s01.1", recipe={"file": "x"}, size=(64, 36)
    )
    assert own.notes["full_frames"] == 24
    films = MemeFiles(tmp_path / "m.mp4", tmp_path / "m.gif")
    num_frames = render_meme(own.path, films, words=MemeText(), size=(64, 36))
    assert num_frames == memes.num_meme_frames(8)
    shown = [int(frame.mean()) for frame in islice(clips.iter_frames(films.mp4), 24)]
    assert all(abs(grey - 10 * (n // 3 * 3)) <= 12 for n, grey in enumerate(shown)), shown
    with Image.open(films.gif) as gif:
        assert gif.n_frames == len(memes.boomerang(8))


def test_a_gif_is_made_smaller_until_it_weighs_little_enough(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (2, 180, 320, 3), dtype=np.uint8)
    write_gif(noise, 8, tmp_path / "a.gif", most_bytes=90_000)
    assert (tmp_path / "a.gif").stat().st_size <= 90_000
    with Image.open(tmp_path / "a.gif") as gif:
        assert 160 <= gif.width < 320
    with pytest.raises(StudioError, match="at most 1000 bytes"):
        write_gif(noise, 8, tmp_path / "b.gif", most_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["a.gif"]


def test_a_stretch_of_a_film_becomes_a_gif(clip, tmp_path):
    render_meme(clip, MemeFiles(tmp_path / "m.mp4"), words=MemeText(), size=(64, 36))
    write_gif_of_film(tmp_path / "m.mp4", tmp_path / "m.gif", start=1.0, seconds=2.0, most_bytes=1_000_000)
    with Image.open(tmp_path / "m.gif") as gif:
        assert gif.width == 64
        assert 1.8 <= sum(_durations(gif)) / 1000 <= 2.2


BARS = {
    "latin": "when the toaster says it only needs five more minutes, and jumps anyway",
    "cyrillic": "когда тостер говорит, что ему нужно ещё пять минут, и всё равно прыгает",
    "arabic": "عندما تقول محمصة الخبز إنها تحتاج خمس دقائق أخرى ثم تقفز على أي حال",
    "thai": "เมื่อเครื่องปิ้งขนมปังบอกว่าขออีกห้านาทีที่รัก แล้วก็กระโดดขึ้นมาอยู่ดี",
    "vietnamese": "Ấm ức khi chiếc máy nướng bánh nói cần thêm năm phút nữa rồi vẫn nhảy lên",
}


@pytest.mark.parametrize("script", BARS)
@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 180), (180, 320)])
def test_a_bar_of_any_script_holds_its_whole_text(script, width, height):
    bar, text = memes.draw_bar(width, height, BARS[script])
    assert bar.shape[1:] == (width, 3)
    assert len(bar) < height * 0.5
    inked = (bar < 128).all(axis=2)
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    assert rows[0] >= 2
    assert rows[-1] <= len(bar) - 3
    assert columns[0] >= 2
    assert columns[-1] <= width - 3
    assert inked.sum() > 100
    assert len(text.lines) > 1
    assert "".join(" ".join(text.lines).split()) == "".join(BARS[script].split())


def test_the_picture_stands_under_the_bar_in_a_film_of_the_same_size(clip, tmp_path):
    files = MemeFiles(tmp_path / "m.mp4", poster=tmp_path / "m.png")
    render_meme(clip, files, words=MemeText(bar="when it is toast"), size=(160, 90))
    found = ffmpeg.probe(files.mp4)
    assert (found.width, found.height) == (160, 90)
    with Image.open(files.poster) as poster:
        seen = np.asarray(poster.convert("RGB"))
    bar, _ = memes.draw_bar(160, 90, "when it is toast")
    assert np.array_equal(seen[: len(bar)], bar)
    below = seen[len(bar) :].astype(int)
    assert (abs(below - (90, 150, 90)).max(axis=2) < 12).mean() > 0.6


def _durations(gif):
    for i in range(gif.n_frames):
        gif.seek(i)
        yield gif.info["duration"]
