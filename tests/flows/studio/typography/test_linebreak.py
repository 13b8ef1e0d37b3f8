"""Lines break where a person would break them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.studio.typography.linebreak import break_rows, join_pieces, split_cues, split_pieces
from scripts_llm.plain_text import display_width

SCRIPTS = "abcdefghi   ,.!?—éяΨ שלום سمك मछली ปลา 魚は鱼물 🐟"


def broken(text, limit=42):
    return [break_rows(cue, limit) for cue in split_cues(split_pieces(text, limit), limit, 2 * limit)]


@settings(max_examples=200, deadline=None)
@given(st.text(SCRIPTS, max_size=300), st.sampled_from((42, 28, 24)))
def test_every_cue_has_at_most_two_rows_that_fit(text, limit):
    for cue in broken(text, limit):
        assert len(cue.split("\n")) <= 2
        assert all(0 < display_width(row) <= limit for row in cue.split("\n") if row.strip())


@settings(max_examples=200, deadline=None)
@given(st.text(SCRIPTS, max_size=300))
def test_no_letter_is_lost_whatever_the_script(text):
    told = "".join("".join(cue.split()) for cue in broken(text))
    assert told == "".join(text.split())


def test_a_long_line_is_parted_after_punctuation():
    first, second = broken(
        "You are three weeks late with the rent, and the fish in the bathtub has paid before you did."
    )
    assert first.endswith("rent,")
    assert second.startswith("and the fish")


def test_a_row_never_ends_with_an_article_or_a_title_where_it_need_not():
    assert broken("Mrs. Pike would like to have a word with the landlord.") == [
        "Mrs. Pike would like to have\na word with the landlord."
    ]
    assert broken("He said that he would never lend it to Mr. Halibut again.") == [
        "He said that he would never\nlend it to Mr. Halibut again."
    ]


def test_scripts_without_spaces_break_between_phrases():
    japanese = broken("魚は瞬きをするものですか。それは違います。もう一度見てください。", 24)
    assert all(not row.startswith(("。", "、")) for cue in japanese for row in cue.split("\n"))
    assert "魚は瞬きを" in "".join(japanese).replace("\n", "")
    parts = [part.text for part in split_pieces("สวัสดีครับคุณเป็นอย่างไรบ้าง", 42)]
    assert parts[0] == "สวัสดี"
    assert "".join(parts) == "สวัสดีครับคุณเป็นอย่างไรบ้าง"


def test_a_word_longer_than_a_row_is_broken_between_letters_that_stand_alone():
    parts = split_pieces("é" * 30 + "e\u0301" * 30, 24)
    assert max(display_width(part.text) for part in parts) <= 24
    assert all(not part.text.startswith("\u0301") for part in parts)
    assert join_pieces(parts) == "é" * 30 + "e\u0301" * 30


def test_wide_letters_count_twice_and_marks_not_at_all():
    assert (display_width("魚a"), display_width("e\u0301"), display_width("")) == (3, 1, 0)
