"""Pictures on a terminal, read back as a terminal reads them."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import threading
from collections.abc import Mapping

import numpy as np
import pytest
from PIL import Image

from flows.studio.terminal import pictures as terminal
from flows.studio.terminal.pictures import draw_picture, find_protocol, half_blocks

XTERM = {"TERM": "xterm-256color"}


def halves() -> np.ndarray:
    """Red on the left, blue on the right."""
    picture = np.zeros((64, 112, 3), np.uint8)
    picture[:, :56, 0] = picture[:, 56:, 2] = 200
    return picture


@pytest.mark.parametrize(
    ("env", "answer", "wanted"),
    [
        ({"TERM": "xterm-kitty"}, "", "kitty"),
        ({**XTERM, "KITTY_WINDOW_ID": "1"}, "", "kitty"),
        ({"TERM": "xterm-ghostty"}, "", "kitty"),
        ({**XTERM, "TERM_PROGRAM": "iTerm.app"}, "", "iterm2"),
        ({**XTERM, "TERM_PROGRAM": "WezTerm"}, "", "iterm2"),
        ({**XTERM, "LC_TERMINAL": "iTerm2"}, "", "iterm2"),
        (XTERM, "\x1b[?62;4;6;9c", "sixel"),
        (XTERM, "\x1b[?4;6c", None),  # a VT132: the first number is what it is, not what it can
        (XTERM, "\x1b[?64;1;2c", None),
        (XTERM, "", None),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x,1,0"}, "", None),
        ({"TERM": "screen", "LC_TERMINAL": "iTerm2"}, "\x1b[?62;4c", "sixel"),
        ({"TERM": "dumb", "KITTY_WINDOW_ID": "1"}, "\x1b[?62;4c", None),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, "", None),
        ({**XTERM, "COLDOPEN_PREVIEW": "blocks"}, "", "blocks"),
        ({**XTERM, "COLDOPEN_PREVIEW": "Sixel"}, "", "sixel"),
        ({"TERM": "xterm-kitty", "COLDOPEN_PREVIEW": "off"}, "", None),
        ({"TERM": "xterm-kitty", "COLDOPEN_PREVIEW": "nonsense"}, "", None),
    ],
)
def test_a_terminal_is_known_by_its_variables_or_by_its_answer(
    env: Mapping[str, str], answer: str, wanted: str | None
) -> None:
    assert find_protocol(env, ask=lambda: answer) == wanted


def test_a_terminal_that_is_asked_answers_and_is_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    before = __import__("termios").tcgetattr(theirs)
    monkeypatch.setattr(terminal.os, "open", lambda *args: os.dup(theirs))
    monkeypatch.setattr(terminal.os, "tcgetpgrp", lambda file: os.getpgrp())
    asked: list[bytes] = []

    def answer() -> None:
        asked.append(os.read(ours, 16))
        os.write(ours, b"\x1b[?62;4")
        os.write(ours, b";22c")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        assert find_protocol(XTERM) == "sixel"
        assert asked == [b"\x1b[c"]
        assert __import__("termios").tcgetattr(theirs) == before
    finally:
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_kitty_gets_a_png_in_pieces_and_places_it_by_its_number() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 112, 3), np.uint8)
    drawing = draw_picture(noise, "kitty")
    assert drawing.draw.endswith(drawing.again)
    commands = re.findall(r"\x1b_G([^;\x1b]*);?([^\x1b]*)\x1b\\", drawing.draw)
    pieces = [content for _, content in commands if content]
    assert len(pieces) > 1
    assert max(map(len, pieces)) == 4096
    assert [keys[-3:] for keys, content in commands if content] == ["m=1"] * (len(pieces) - 1) + ["m=0"]
    with Image.open(io.BytesIO(base64.b64decode("".join(pieces)))) as image:
        assert np.array_equal(np.asarray(image), noise)
    place = dict(pair.split("=") for pair in commands[-1][0].split(","))
    assert (place["c"], place["r"], place["C"], place["q"]) == ("40", str(drawing.rows), "1", "2")
    assert f"i={place['i']}," in drawing.erase


def test_iterm2_gets_a_file_of_its_size_in_letters() -> None:
    drawing = draw_picture(halves(), "iterm2")
    found = re.fullmatch(r"\x1b]1337;File=([^:]*):(.*)\x07", drawing.draw)
    assert found is not None
    assert "inline=1" in found[1]
    assert f"width=40;height={drawing.rows};" in found[1]
    with Image.open(io.BytesIO(base64.b64decode(found[2]))) as image:
        pixel = np.asarray(image)[32, 20]
    assert np.abs(pixel.astype(int) - (200, 0, 0)).max() < 20


def test_a_sixel_picture_read_back_is_the_picture() -> None:
    drawing = draw_picture(halves(), "sixel")
    shown = read_sixel(drawing.draw)
    assert shown.shape == (drawing.rows * 20, 400, 3)
    assert np.abs(shown[:, 20:180].astype(int) - (200, 0, 0)).max() <= 4  # of 255: sixel counts to 100
    assert np.abs(shown[:, 220:380].astype(int) - (0, 0, 200)).max() <= 4


def test_two_rows_of_pixels_are_a_line_of_half_blocks() -> None:
    lines = half_blocks(halves(), 40).splitlines()
    assert [line.count("▀") for line in lines] == [40] * 11
    assert lines[0].startswith("\x1b[38;2;200;0;0;48;2;200;0;0m▀")
    assert lines[-1].endswith("48;2;0;0;200m▀\x1b[0m")
    assert draw_picture(halves(), "blocks").rows == 11


def test_a_high_picture_is_no_higher_than_the_place_for_it() -> None:
    for protocol in ("kitty", "iterm2", "sixel", "blocks"):
        assert draw_picture(np.zeros((160, 90, 3), np.uint8), protocol, rows=8).rows <= 8


def read_sixel(text: str) -> np.ndarray:
    """What a terminal makes of a sixel picture: uint8 (h, w, 3)."""
    found = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert found is not None
    width, height = int(found[1]), int(found[2])
    shown = np.zeros((height, width, 3), np.uint8)
    colours: dict[int, tuple[int, ...]] = {}
    top = left = colour = 0
    for set_colour, count, letter in re.findall(r"#(\d+(?:;\d+){4}|\d+)|(?:!(\d+))?([?-~$-])", found[3]):
        if set_colour:
            colour, *values = map(int, set_colour.split(";"))
            if values:
                colours[colour] = tuple(round(v * 2.55) for v in values[1:])
        elif letter == "$":
            left = 0
        elif letter == "-":
            top, left = top + 6, 0
        else:
            many = int(count or 1)
            for row in range(6):
                if (ord(letter) - 63) >> row & 1:
                    shown[top + row, left : left + many] = colours[colour]
            left += many
    return shown
