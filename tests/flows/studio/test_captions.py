"""Captions are short, in time, and say every letter."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio import captions
from flows.studio.captions import split_line
from flows.studio.errors import StudioError
from flows.studio.timeline import Caption, Span, Timeline


def timeline_of(*cues, names=None):
    end = max(cue.end for cue in cues)
    return Timeline(1280, 720, (Span("s01", 0, end, "scene"),), (), (), (), (), cues, names=names or {})


TWO = timeline_of(
    Caption(18, 58, "Is it {supposed} to\nblink & wink?", "joe"),
    Caption(58, 86_500, "5 < 6 --> \\N really", "don"),
    names={"joe": "Joe", "don": "The <Don>"},
)


@settings(max_examples=150, deadline=None)
@given(
    st.text("abcdefghi   ,.!?—", max_size=400),
    st.integers(0, 1000),
    st.integers(1, 400),
    st.sampled_from((42, 30)),
)
def test_a_line_becomes_short_cues_without_a_gap(text, start, length, limit):
    cues = split_line(text, start, start + length, who="joe", limit=limit)
    if not text.split():
        assert cues == ()
        return
    assert cues[0].start == start
    assert cues[-1].end == start + length
    assert all(a.end == b.start and a.start < a.end for a, b in pairwise(cues))
    for cue in cues:
        lines = cue.text.split("\n")
        assert len(lines) <= 2
        assert all(0 < len(line) <= limit for line in lines)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abcdef.,", min_size=1, max_size=12), min_size=1, max_size=60))
def test_no_word_is_lost(words):
    cues = split_line(" ".join(words), 0, 1000, who=None, limit=30)
    assert " ".join(cue.text for cue in cues).split() == words


def test_a_long_line_is_parted_after_punctuation():
    rent = "You are three weeks late with the rent,"
    text = f"{rent} and the fish in the bathtub has started paying before you did."
    first, second = split_line(text, 0, 200, who="joe", limit=42)
    assert first.text.endswith("rent,")
    assert second.text.startswith("and the fish")
    assert 60 < first.end < 100  # by its syllables


def test_a_word_longer_than_a_line_is_broken():
    cues = split_line("A" * 100, 0, 100, who=None, limit=42)
    assert "".join(cue.text.replace("\n", "") for cue in cues) == "A" * 100
    wide = split_line("猫" * 50, 0, 100, who=None, limit=42)
    assert max(len(line) for cue in wide for line in cue.text.split("\n")) <= 21


def test_square_and_tall_films_have_shorter_lines():
    assert captions.limit_of(1280, 720) == 42
    assert captions.limit_of(720, 720) == captions.limit_of(720, 1280) == 30


def test_srt_is_what_players_read(tmp_path):
    captions.write_srt(TWO, tmp_path / "a.srt")
    assert (tmp_path / "a.srt").read_text(encoding="utf-8") == (
        "1\n00:00:00,750 --> 00:00:02,417\nIs it {supposed} to\nblink & wink?\n\n"
        "2\n00:00:02,417 --> 01:00:04,167\n5 < 6 → \\N really\n\n"
    )


def test_vtt_names_who_speaks(tmp_path):
    captions.write_vtt(TWO, tmp_path / "a.vtt", names=TWO.names)
    assert (tmp_path / "a.vtt").read_text(encoding="utf-8") == (
        "WEBVTT\n\nNOTE AI-generated\n\n"
        "00:00:00.750 --> 00:00:02.417\n<v Joe>Is it {supposed} to\nblink &amp; wink?\n\n"
        "00:00:02.417 --> 01:00:04.167\n<v The &lt;Don&gt;>5 &lt; 6 → \\N really\n\n"
    )


def test_ass_keeps_braces_and_backslashes_as_letters(tmp_path):
    import pysubs2

    captions.write_ass(TWO, tmp_path / "a.ass", colours={"don": "#ffb066"})
    first, second = pysubs2.load(str(tmp_path / "a.ass"))
    assert first.text == r"{\1c&HFFFFFF&}Is it \{supposed\} to\Nblink & wink?"
    assert second.text == "{\\1c&H66B0FF&}5 < 6 --> \\\u2060N really"
    assert (first.name, second.name) == ("joe", "don")


def test_a_spans_captions_count_from_its_start():
    span = Span("s02", 50, 90, "scene")
    assert captions.captions_of(TWO, span) == (Caption(8, 86_450, "5 < 6 --> \\N really", "don"),)


@pytest.mark.parametrize("name", captions.styles())
def test_every_style_is_whole_and_readable(name):
    style = captions.read_style(name)
    assert 50 <= style.size <= 110
    assert style.outline > 3
    assert all(int(colour[i : i + 2], 16) >= 0 for colour in style.palette for i in (1, 3, 5))


def test_a_style_that_there_is_not_is_answered_with_the_nearest():
    with pytest.raises(StudioError, match=r"got 'clasic'; did you mean 'classic'\?") as fault:
        captions.read_style("clasic")
    assert fault.value.code == 2
    with pytest.raises(StudioError, match="there are box, classic"):
        captions.read_style("../../secrets")


def test_nobody_shares_a_colour_while_there_are_enough():
    colours = captions.speaker_colours(["joe", "don", "ann", "bob"], {"don": "#FFFFFF"})
    assert colours["don"] == "#FFFFFF"
    assert len({colour.lower() for colour in colours.values()}) == 4


def test_letters_without_a_picture_are_named():
    assert captions.missing_glyphs("Привіт, Łukasz! “Ok” … 100 %\n") == ""
    assert captions.missing_glyphs("a 🐟 b 日本 🐟") == "🐟日本"


def test_files_appear_in_one_move(tmp_path: Path):
    captions.write_srt(TWO, tmp_path / "a.srt")
    captions.write_vtt(TWO, tmp_path / "a.vtt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.srt", "a.vtt"]
