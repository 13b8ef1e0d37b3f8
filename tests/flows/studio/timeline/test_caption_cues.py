"""Captions can be read: long enough, not too fast, never across a scene's end, never two at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio.rates import FPS
from flows.studio.timeline.caption_cues import make_captions, reading_speed
from flows.studio.timeline.model import LineCue, Span, Word


def line(text, start, end, who="joe", scene="s1", words=()):
    return LineCue(scene, who, text, start, end, Path("v.wav"), words=words)


def captioned(*lines, end=None, limit=42):
    scenes = dict.fromkeys(cue.scene for cue in lines)
    spans = []
    for scene in scenes:
        of = [cue.end for cue in lines if cue.scene == scene]
        spans.append(Span(scene, spans[-1].end if spans else 0, end or max(of) + 30, "scene"))
    return make_captions(lines, spans, limit=limit)


def is_sayable(text):
    """Something is said, and no word of it is so long that a row of 28 would break it."""
    return 0 < max(map(len, text.split()), default=0) <= 26


@st.composite
def talk(draw):
    """Two scenes of lines that are spoken at 8 to 16 letters a second, some interrupted."""
    lines, now, spans = [], 0, []
    for scene in ("s1", "s2"):
        start = now
        now += draw(st.integers(0, 30))
        for _ in range(draw(st.integers(1, 6))):
            text = draw(st.text("abc defgh, ijkl. mno?", min_size=1, max_size=160).filter(is_sayable))
            seconds = max(0.3, len(" ".join(text.split())) / draw(st.integers(8, 16)))
            begin = max(lines[-1].start + 6 if lines else 0, now - draw(st.sampled_from((0, 0, 0, 8))))
            begin = max(begin, start)
            lines.append(line(text, begin, begin + round(seconds * FPS), draw(st.sampled_from("jd")), scene))
            now = max(now, lines[-1].end) + draw(st.integers(2, 30))
        now += 24
        spans.append(Span(scene, start, now, "scene"))
    return lines, spans


@settings(max_examples=150, deadline=None)
@given(talk(), st.sampled_from((42, 28)))
def test_captions_follow_each_other_inside_their_scene_and_lose_no_word(talked, limit):
    lines, spans = talked
    found = make_captions(lines, spans, limit=limit)
    assert all(a.end <= b.start and a.start < a.end for a, b in pairwise(found))
    for caption in found:
        assert any(span.start <= caption.start < caption.end <= span.end for span in spans)
        rows = caption.text.split("\n")
        assert len(rows) <= 2
        assert all(0 < len(row) + 2 * bool(caption.speakers) <= limit for row in rows)
        assert len(caption.speakers) in (0, len(rows))
        assert all(caption.start <= word.start < word.end <= caption.end for word in caption.words)
        assert [word.text for word in caption.words] == caption.text.split()
    told = sorted(word for caption in found for word in caption.text.split())
    assert told == sorted(word for cue in lines for word in cue.text.split())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 80), min_size=1, max_size=8), st.integers(10, 15), st.integers(20, 40))
def test_lines_at_the_pace_of_a_talk_are_read_in_time(lengths, letters_a_second, pause):
    lines, now = [], 10
    for length in lengths:
        text = ("word " * 20)[:length].strip()
        end = now + max(12, round(len(text) * FPS / letters_a_second))
        lines.append(line(text, now, end))
        now = end + pause
    for caption in captioned(*lines):
        assert caption.end - caption.start >= FPS
        assert reading_speed(caption) <= 17


def test_a_fast_line_is_read_a_little_earlier_and_longer():
    (only,) = captioned(line("Where's the fish that was in the bath?", 20, 60))
    assert (only.start, reading_speed(only) <= 17) == (20, True)
    first, second = captioned(
        line("Where's the fish that was in the bath?", 20, 61), line("Sorry about it.", 62, 100, "don")
    )
    assert first.end == second.start
    assert reading_speed(first) <= 17
    assert 12 <= first.start < 20
    assert 62 < second.start <= 70


def test_two_short_lines_that_could_not_be_read_one_by_one_share_a_caption():
    (both,) = captioned(line("Why?", 10, 18), line("Because.", 20, 30, "don"), end=40)
    assert both.text == "Why?\nBecause."
    assert both.rows == (("joe", "Why?"), ("don", "Because."))
    (same,) = captioned(line("Why?", 10, 18), line("Tell me.", 20, 30), end=40)
    assert (same.text, same.speakers, same.who) == ("Why?\nTell me.", (), "joe")


def test_an_interruption_never_puts_two_captions_in_one_place():
    first, second = captioned(
        line("You are three weeks late with the rent and", 10, 100),
        line("I have paid you twice this very month!", 60, 140, "don"),
    )
    assert first.end <= second.start < 75
    assert reading_speed(first) <= 17


def test_a_word_is_timed_by_the_voice_where_it_says_so():
    words = (Word("Is", 10, 20), Word("it?", 50, 60))
    (caption,) = captioned(line("Is it?", 10, 60, words=words))
    assert caption.words == words
    (guessed,) = captioned(line("Is it supposed to?", 10, 60))
    assert [word.text for word in guessed.words] == ["Is", "it", "supposed", "to?"]
    lengths = [word.end - word.start for word in guessed.words]
    assert lengths[2] > lengths[0]


def test_a_slow_line_is_parted_before_a_caption_stands_still_too_long():
    text = "I have been thinking about it for a very long time, and I do not know."
    found = captioned(line(text, 0, 20 * FPS))
    assert len(found) >= 3
    assert max(caption.end - caption.start for caption in found) <= 9 * FPS
