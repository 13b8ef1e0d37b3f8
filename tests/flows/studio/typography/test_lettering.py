"""Letters fit where they are put."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from flows.studio.typography.lettering import BOLD, Ink, draw_text, drawable, fit_text, load_font


@settings(max_examples=40, deadline=None)
@given(st.text("abc defghij WMij", max_size=60), st.integers(60, 400), st.integers(20, 200))
def test_a_fitted_text_is_neither_wider_nor_taller_than_its_place(text, width, height):
    fitted = fit_text(text, width, height, largest=300)
    assert " ".join(fitted.lines) == " ".join(text.split())
    if fitted.lines and fitted.size > 6:
        assert all(
            load_font(fitted.size, fitted.face).getlength(line) <= width * 1.02 for line in fitted.lines
        )
        assert fitted.height <= height + len(fitted.lines)


def test_a_long_text_is_larger_on_two_lines():
    assert len(fit_text("so much to say and so little room", 200, 100, largest=90).lines) > 1
    assert fit_text("so much", 400, 100, largest=40).lines == ("so much",)


def test_letters_that_the_font_lacks_are_left_out():
    assert drawable("Fish \U000f0000 and\nChips \U000ffffd \x00ok") == "Fish and\nChips ok"


def test_a_title_in_another_script_is_set_in_a_font_that_has_it():
    for title in ("Кот", "Γάτα", "חתול", "قطة", "แมว", "बिल्ली"):
        text = fit_text(title, 300, 80, largest=80)
        assert drawable(title) == title == " ".join(text.lines)
        picture = Image.new("RGB", (320, 110))
        draw_text(picture, text, 160, 10, Ink((255, 255, 255), (0, 0, 0)))
        assert np.asarray(picture).max() > 200


def test_letters_stand_between_their_top_and_their_foot():
    picture = Image.new("RGB", (300, 120), (90, 90, 90))
    text = fit_text("Ágypj", 260, 60, face=BOLD, largest=60, most_lines=1)
    draw_text(picture, text, 150, 30, Ink((255, 255, 255), (0, 0, 0)))
    rows = np.flatnonzero((np.asarray(picture) != 90).any(axis=(1, 2)))
    assert rows[0] >= 20
    assert rows[-1] <= 30 + text.height + 15
