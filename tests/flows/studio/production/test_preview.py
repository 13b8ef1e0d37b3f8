"""A picture in a terminal's letters."""

from __future__ import annotations

import io

import numpy as np

from flows.studio.production.console import Console, half_blocks


def test_two_rows_of_pixels_are_one_line():
    picture = np.zeros((4, 40, 3), np.uint8)
    picture[1, 0] = (1, 2, 3)
    lines = half_blocks(picture).splitlines()
    assert [line.count("▀") for line in lines] == [40, 40]
    assert lines[0].startswith("\x1b[38;2;0;0;0;48;2;1;2;3m▀")
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_a_small_picture_is_enlarged_and_an_odd_row_is_no_matter():
    assert [line.count("▀") for line in half_blocks(np.zeros((3, 13, 3), np.uint8)).splitlines()] == [39] * 5


def test_a_screen_that_is_no_terminal_shows_none():
    said: list[str] = []
    with Console(write=said.append, terminal=False) as screen:
        screen.show("▀")
        assert not screen.shows_pictures
    assert said == []


def test_a_terminal_shows_the_picture_over_the_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = io.StringIO()
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Console(terminal=True) as screen:
        screen.progress("step 1 of 2", 1, 2)
        screen.show(half_blocks(np.full((2, 40, 3), 200, np.uint8)))
        screen.progress("step 2 of 2", 2, 2)
    assert "▀" in out.getvalue()
    assert "Step 2 of 2" in out.getvalue()
