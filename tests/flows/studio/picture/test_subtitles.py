"""Caption files say every letter, in time, and who says it."""

from __future__ import annotations

import re
from pathlib import Path

from flows.studio.picture import sidecars, subtitles
from flows.studio.timeline.model import Caption, Span, Timeline, Word


def timeline_of(*cues, names=None):
    end = max(cue.end for cue in cues)
    return Timeline(1280, 720, (Span("s01", 0, end, "scene"),), (), (), (), (), cues, names=names or {})


TWO = timeline_of(
    Caption(18, 58, "Is it {supposed} to\nblink & wink?", "joe"),
    Caption(58, 86_500, "5 < 6 --> \\N really", "don"),
    names={"joe": "Joe", "don": "The <Don>"},
)


def test_srt_is_what_players_read(tmp_path):
    sidecars.write_srt(TWO, tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,750 --> 00:00:02,417\nIs it {supposed} to\nblink & wink?\n\n"
        "2\n00:00:02,417 --> 01:00:04,167\n5 < 6 → \\N really\n\n"
    )


def test_vtt_names_who_speaks(tmp_path):
    sidecars.write_vtt(TWO, tmp_path / "a.vtt", names=TWO.names)
    assert (tmp_path / "a.vtt").read_text(encoding="utf-8") == (
        "WEBVTT\n\nNOTE AI-generated\n\n"
        "00:00:00.750 --> 00:00:02.417\n<v Joe>Is it {supposed} to\nblink &amp; wink?\n\n"
        "00:00:02.417 --> 01:00:04.167\n<v The &lt;Don&gt;>5 &lt; 6 → \\N really\n\n"
    )


def test_ass_keeps_braces_and_backslashes_as_letters(tmp_path):
    import pysubs2

    subtitles.write_ass(TWO, tmp_path / "a.ass", colours={"don": "#ffb066"})
    first, second = pysubs2.load(str(tmp_path / "a.ass"))
    assert first.text == r"{\1c&HFFFFFF&}Is it \{supposed\} to\Nblink & wink?"
    assert second.text == "{\\1c&H66B0FF&}5 < 6 --> \\\u2060N really"
    assert (first.name, second.name) == ("Joe", "The <Don>")


def test_a_spans_captions_count_from_its_start():
    span = Span("s02", 50, 90, "scene")
    assert subtitles.captions_in_span(TWO, span) == (Caption(8, 86_450, "5 < 6 --> \\N really", "don"),)


BOTH = timeline_of(
    Caption(0, 48, "Why?\nTo see.", "don", speakers=("don", "joe")),
    names={"joe": "Joe", "don": "The Don"},
)


def test_two_who_share_a_caption_have_a_row_a_dash_and_a_colour_each(tmp_path):
    sidecars.write_srt(BOTH, tmp_path / "a.srt")
    assert "\n– Why?\n– To see.\n" in (tmp_path / "a.srt").read_text(encoding="utf-8")
    sidecars.write_vtt(BOTH, tmp_path / "a.vtt")
    assert "\n<v The Don>– Why?\n<v Joe>– To see.\n" in (tmp_path / "a.vtt").read_text(encoding="utf-8")
    subtitles.write_ass(BOTH, tmp_path / "a.ass", colours={"don": "#ff0000", "joe": "#00ff00"})
    told = (tmp_path / "a.ass").read_text(encoding="utf-8")
    assert r"{\1c&H0000FF&}– Why?\N{\1c&H00FF00&}– To see." in told


def test_karaoke_counts_every_word_from_where_it_is_heard(tmp_path):
    import pysubs2

    words = (Word("Is", 24, 30), Word("it", 30, 36), Word("fish?", 48, 60))
    timeline = timeline_of(Caption(24, 72, "Is it\nfish?", "joe", words=words))
    subtitles.write_ass(timeline, tmp_path / "a.ass", style="karaoke")
    (event,) = pysubs2.load(str(tmp_path / "a.ass"))
    assert event.plaintext == "Is it\nfish?"
    counted = [int(tag) for tag in re.findall(r"\\k[f]?(\d+)", event.text)]
    assert counted == [0, 25, 0, 25, 50, 50]
    assert event.start == 980


def test_a_row_too_wide_for_the_picture_is_set_smaller(tmp_path):
    wide = Caption(0, 24, "W" * 42, "joe")
    subtitles.write_ass(timeline_of(wide), tmp_path / "a.ass")
    size = float(re.search(r"\\fs([\d.]+)", (tmp_path / "a.ass").read_text(encoding="utf-8"))[1])
    assert 20 < size < 50


def test_capitals_are_the_styles_affair(tmp_path):
    subtitles.write_ass(TWO, tmp_path / "a.ass", style="meme")
    assert "IS IT" in (tmp_path / "a.ass").read_text(encoding="utf-8")


def test_what_is_burned_leaves_out_letters_that_no_font_has_and_the_file_keeps_them(tmp_path):
    timeline = timeline_of(Caption(0, 24, "fish \U000f0000", "joe"))
    subtitles.write_ass(timeline, tmp_path / "a.ass")
    subtitles.write_ass(timeline, tmp_path / "b.ass", span=timeline.spans[0])
    assert "\U000f0000" in (tmp_path / "a.ass").read_text(encoding="utf-8")
    assert "\U000f0000" not in (tmp_path / "b.ass").read_text(encoding="utf-8")


def test_files_appear_in_one_move(tmp_path: Path):
    sidecars.write_srt(TWO, tmp_path / "a.srt")
    sidecars.write_vtt(TWO, tmp_path / "a.vtt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.srt", "a.vtt"]


def test_a_languages_code_is_the_one_that_films_use():
    assert sidecars.language_code("en") == sidecars.language_code("English") == "eng"
    assert sidecars.language_code("pt-BR") == "por"
    assert (sidecars.language_code("tlh"), sidecars.language_code("dry and absurd")) == ("tlh", "und")
