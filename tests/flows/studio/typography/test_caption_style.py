"""Styles are whole, and keep captions where they can be read."""

from __future__ import annotations

import pytest

from flows.studio.errors import StudioError
from flows.studio.typography import caption_style


def test_the_styles_that_the_documentation_names_are_there():
    assert caption_style.style_names() == ("box", "classic", "karaoke", "meme", "sitcom_90s")


@pytest.mark.parametrize("name", caption_style.style_names())
def test_every_style_is_whole_and_readable(name):
    style = caption_style.read_style(name)
    assert 50 <= style.size <= 130
    assert style.outline > 3
    assert all(int(colour[i : i + 2], 16) >= 0 for colour in style.palette for i in (1, 3, 5))


def test_a_style_that_there_is_not_is_answered_with_the_nearest():
    with pytest.raises(StudioError, match=r"got 'clasic'; did you mean 'classic'\?") as fault:
        caption_style.read_style("clasic")
    assert fault.value.code == 2
    with pytest.raises(StudioError, match="there are box, classic"):
        caption_style.read_style("../../secrets")


def test_nobody_shares_a_colour_while_there_are_enough():
    colours = caption_style.speaker_colours(["joe", "don", "ann", "bob"], {"don": "#FFFFFF"})
    assert colours["don"] == "#FFFFFF"
    assert len({colour.lower() for colour in colours.values()}) == 4


def test_square_and_tall_films_have_shorter_lines():
    assert caption_style.letters_per_row(1280, 720) == 42
    assert caption_style.letters_per_row(720, 720) == 28
    assert caption_style.letters_per_row(720, 1280) == 24
    assert caption_style.letters_per_row(1280, 720, style="karaoke") == 28


def test_a_tall_films_captions_stay_clear_of_what_the_apps_draw():
    area = caption_style.safe_area(1080, 1920)
    assert (area.left, area.top, area.right, area.bottom) == (165, 220, 915, 1470)
