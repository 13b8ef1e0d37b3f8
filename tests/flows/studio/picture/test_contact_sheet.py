"""The contact sheet grows shot by shot; the poster shows the film."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from flows.studio.media.clips import write_clip
from flows.studio.picture import contact_sheet as contact_sheets
from flows.studio.picture.contact_sheet import SheetEntry, draw_contact_sheet, write_poster
from flows.studio.timeline.framing import clip_frame_numbers
from flows.studio.timeline.model import LaughCue, PictureCut, Span, Timeline


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    frames = np.full((4, 18, 32, 3), (200, 40, 40), np.uint8)
    frames[:, 4:9, 4:9] = (40, 200, 40)
    write_clip(frames, 8, path)
    return path


def seen(path):
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_sheet_has_a_frame_for_each_shot_and_an_empty_one_where_none_is_filmed_yet(clip, tmp_path):
    rows = [
        SheetEntry(clip, "s01.1 medium", "Is it supposed to blink?"),
        SheetEntry(None, "s01.2 close-up", "Yes."),
    ]
    draw_contact_sheet(rows, tmp_path / "sheet.png", heading="A Show")
    picture = seen(tmp_path / "sheet.png")
    y, x = 56 + contact_sheets.MARGIN + 150, contact_sheets.MARGIN + 200
    assert np.abs(picture[y, x] - (200, 40, 40)).max() < 25
    assert tuple(picture[y, x + contact_sheets.CELL + contact_sheets.MARGIN]) == contact_sheets.FAINT


def test_a_sheet_grows_by_rows_and_shows_a_new_clip(clip, tmp_path):
    out = tmp_path / "sheet.png"
    draw_contact_sheet([SheetEntry(None, "s01.1", "")] * 4, out)
    four = seen(out)
    draw_contact_sheet([SheetEntry(None, "s01.1", "")] * 5, out)
    assert seen(out).shape[0] > four.shape[0]
    assert seen(out).shape[1] == four.shape[1]
    draw_contact_sheet([SheetEntry(clip, "s01.1", "")] + [SheetEntry(None, "s01.1", "")] * 3, out)
    assert not np.array_equal(seen(out), four)
    assert [path.name for path in tmp_path.iterdir()] == ["sheet.png"]


def test_a_clip_is_enlarged_once_however_often_the_sheet_is_drawn(clip, tmp_path, monkeypatch):
    rows = [SheetEntry(clip, "s01.1", "")]
    draw_contact_sheet(rows, tmp_path / "sheet.png")
    monkeypatch.setattr(contact_sheets.clips, "read_middle_frame", None)
    draw_contact_sheet(rows, tmp_path / "sheet.png")


def test_no_frame_of_a_long_episode_is_enlarged_a_second_time(tmp_path, monkeypatch):
    read = []
    monkeypatch.setattr(contact_sheets.clips, "read_middle_frame", read.append)
    monkeypatch.setattr(contact_sheets, "fit_frame", lambda frame, **size: np.zeros((2, 2, 3), np.uint8))
    for _ in range(2):
        for number in range(200 * 10):
            contact_sheets._thumbnail(tmp_path / f"{number}.mp4", 0, 2, 2)
    assert len(read) == 2000


def test_a_sheet_is_drawn_again_only_if_it_would_look_different(clip, tmp_path):
    out = tmp_path / "sheet.png"
    now = contact_sheets.Sheet((SheetEntry(clip, "s01.1", "Yes."),), "A Show", 16 / 9)
    assert not contact_sheets.is_current(now, out)
    contact_sheets.write_sheet(now, out)
    drawn = out.stat().st_mtime_ns
    contact_sheets.write_sheet(now, out)
    assert out.stat().st_mtime_ns == drawn
    other = replace(now, rows=(SheetEntry(clip, "s01.1", "No."),))
    assert (contact_sheets.is_current(now, out), contact_sheets.is_current(other, out)) == (True, False)
    contact_sheets.write_sheet(other, out)
    assert contact_sheets.is_current(other, out)
    out.write_bytes(b"no picture")
    assert not contact_sheets.is_current(other, out)


def test_a_sheet_from_before_it_said_what_it_shows_counts_and_is_drawn_anew_with_the_next(clip, tmp_path):
    out = tmp_path / "sheet.png"
    now = contact_sheets.Sheet((SheetEntry(clip, "s01.1", "Yes."),), "A Show", 16 / 9)
    draw_contact_sheet(now.rows, out)
    assert contact_sheets.is_current(now, out)
    contact_sheets.write_sheet(now, out)
    assert contact_sheets.stored_digest(out) == now.digest


def test_a_long_line_ends_in_dots_and_in_its_own_cell(clip, tmp_path):
    text = "one two three four five six seven eight nine ten " * 5
    first, second = contact_sheets._two_lines(text, contact_sheets.CELL)
    assert second.endswith(" …")
    assert contact_sheets.load_font(15, contact_sheets.REGULAR).getlength(first) <= contact_sheets.CELL
    assert contact_sheets.load_font(15, contact_sheets.REGULAR).getlength(second) <= contact_sheets.CELL + 20
    draw_contact_sheet([SheetEntry(clip, "🐟", text)], tmp_path / "sheet.png", shape=9 / 16)


def film(picture, laughs=()):
    end = picture.end
    return Timeline(160, 90, (Span("s01", 0, end, "scene"),), (picture,), (), laughs, (), (), title="A Show")


def test_a_poster_is_the_films_size_and_says_its_title(clip, tmp_path):
    picture = PictureCut("s01", "s01.1", 0, 24, clip, clip_frame_numbers(4, 24, "loop"))
    write_poster(film(picture, (LaughCue(20, 44, "big", 1),)), "A Show\nOne", tmp_path / "poster.png")
    made = seen(tmp_path / "poster.png")
    assert made.shape == (90, 160, 3)
    assert np.abs(made[10, 80] - (200, 40, 40)).max() < 30
    assert made[60:].max() > 230  # letters


def test_a_poster_shows_the_scene_that_is_asked_for(clip, tmp_path):
    write_clip(np.full((1, 18, 32, 3), (40, 40, 200), np.uint8), 8, tmp_path / "blue.mp4")
    first = PictureCut("s01", "s01.1", 0, 24, clip, clip_frame_numbers(4, 24, "loop"))
    second = PictureCut("s02", "s02.1", 24, 48, tmp_path / "blue.mp4", clip_frame_numbers(1, 24, "loop"))
    spans = (Span("s01", 0, 24, "scene"), Span("s02", 24, 48, "scene"))
    laugh = LaughCue(20, 44, "big", 1)
    both = Timeline(160, 90, spans, (first, second), (), (laugh,), (), (), title="A Show")
    colours = []
    for scene in (None, "s02", "s99"):
        write_poster(both, "A Show", tmp_path / "poster.png", scene=scene)
        colours.append(seen(tmp_path / "poster.png")[10, 80].argmax())
    assert colours == [0, 2, 0]


def test_a_film_without_a_single_clip_still_has_a_poster(tmp_path):
    card = PictureCut("s01", "s01.1", 0, 24, None, card="gag")
    write_poster(film(card), "A Show", tmp_path / "poster.png")
    assert seen(tmp_path / "poster.png").shape == (90, 160, 3)
