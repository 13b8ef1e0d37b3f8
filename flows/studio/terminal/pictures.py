"""Pictures on a terminal: the protocols of kitty, iTerm2 and sixel, and half blocks for all others.

Protocols: https://sw.kovidgoyal.net/kitty/graphics-protocol/, https://iterm2.com/documentation-images.html,
and DEC's VT330/VT340 manual, chapter 14, for sixel.
"""

from __future__ import annotations

import base64
import io
import os
import re
import select
import struct
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    Picture = NDArray[np.uint8]

Protocol = Literal["kitty", "iterm2", "sixel", "blocks"]

VARIABLE = "COLDOPEN_PREVIEW"  # a protocol, or "off"; left out: what the terminal is found to know
COLUMNS, ROWS = 40, 12  # of letters that a picture takes at most
CELL = (10, 20)  # pixels of a letter, (width, height), on a terminal that does not say
ANSWER_SECONDS = 0.3  # that a terminal has to say what it can
COLOURS = 64  # of a sixel picture
REPEATED = re.compile(r"(.)\1{3,}")  # letters of a sixel line that are worth counting
CHUNK = 4096  # letters of a picture in one of kitty's commands


@dataclass(frozen=True)
class Drawing:
    """A picture as text for a terminal, `rows` lines high.

    `draw` shows it below and to the right of the cursor, which may end anywhere, and `again` shows it once
    more; `erase` takes it away where overwriting its letters does not.
    """

    rows: int
    draw: str
    again: str
    erase: str = ""


def find_protocol(
    env: Mapping[str, str] = os.environ, *, ask: Callable[[], str] | None = None
) -> Protocol | None:
    """How this terminal shows pictures; None if it does not, or is not to.

    `COLDOPEN_PREVIEW` says so, else the terminal's own variables, else its answer to a question (`ask`).
    """
    wish = env.get(VARIABLE, "").strip().lower()
    if wish:
        return next((each for each in get_args(Protocol) if each == wish), None)
    if env.get("NO_COLOR") or env.get("TERM", "dumb") == "dumb":
        return None
    term, program = env.get("TERM", ""), env.get("TERM_PROGRAM", "")
    if not (env.get("TMUX") or term.startswith(("tmux", "screen"))):  # which keep pictures to themselves
        if env.get("KITTY_WINDOW_ID") or term in ("xterm-kitty", "xterm-ghostty") or program == "ghostty":
            return "kitty"
        if program in ("iTerm.app", "WezTerm") or env.get("LC_TERMINAL") == "iTerm2":
            return "iterm2"
    attributes = re.search(r"\x1b\[\?([\d;]+)c", (ask or _ask_attributes)())
    return "sixel" if attributes and "4" in attributes[1].split(";")[1:] else None


def draw_picture(
    picture: Picture, protocol: Protocol, *, columns: int = COLUMNS, rows: int = ROWS
) -> Drawing:
    """A picture, uint8 (h, w, 3), as large as fits into so many columns and rows of letters."""
    height, width = picture.shape[:2]
    cell_width, cell_height = _cell_pixels()
    scale = min(columns * cell_width / width, rows * cell_height / height)
    wide = max(1, round(width * scale / cell_width))
    high = max(1, round(height * scale / cell_height))
    if protocol == "kitty":
        return _kitty(picture, wide, high)
    if protocol == "iterm2":
        return _iterm2(picture, wide, high)
    if protocol == "sixel":
        text = _sixel(_resized(picture, (wide * cell_width, high * cell_height)))
        return Drawing(high, text, text)
    text = half_blocks(picture, wide)
    return Drawing(text.count("\n") + 1, text, text)


def half_blocks(picture: Picture, columns: int) -> str:
    """A picture as lines of half blocks in 24-bit colours, two pixels a letter."""
    import numpy as np

    height = max(1, round(picture.shape[0] * columns / picture.shape[1] / 2)) * 2
    pixels = np.asarray(_resized(picture, (columns, height))).tolist()
    return "\n".join(
        "".join(
            "\x1b[38;2;{};{};{};48;2;{};{};{}m▀".format(*top, *bottom)
            for top, bottom in zip(upper, lower, strict=True)
        )
        + "\x1b[0m"
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)
    )


def _kitty(picture: Picture, columns: int, rows: int) -> Drawing:
    """Sent once under a number of this process, then placed by it; placing it anew moves it."""
    number = os.getpid()
    place = f"\x1b_Ga=p,i={number},p=1,c={columns},r={rows},C=1,q=2\x1b\\"
    content = base64.b64encode(_encoded(picture, "PNG")).decode()
    chunks = [content[start : start + CHUNK] for start in range(0, len(content), CHUNK)]
    send = "".join(
        f"\x1b_G{f'a=t,f=100,i={number},q=2,' if n == 0 else ''}m={int(n + 1 < len(chunks))};{chunk}\x1b\\"
        for n, chunk in enumerate(chunks)
    )
    return Drawing(rows, send + place, place, f"\x1b_Ga=d,d=I,i={number},q=2\x1b\\")


def _iterm2(picture: Picture, columns: int, rows: int) -> Drawing:
    content = _encoded(picture, "JPEG")
    text = (
        f"\x1b]1337;File=inline=1;size={len(content)};width={columns};height={rows};preserveAspectRatio=0:"
        f"{base64.b64encode(content).decode()}\x07"
    )
    return Drawing(rows, text, text)


def _sixel(image: Image.Image) -> str:
    """Bands of six rows, and in each a line of letters for every colour that is in it."""
    import numpy as np

    table = image.quantize(COLOURS)
    pixels = np.asarray(table)
    palette = np.asarray(table.getpalette(), int).reshape(-1, 3) * 100 // 255
    parts = [f'\x1bP0;1;0q"1;1;{image.width};{image.height}']
    parts += [f"#{n};2;{r};{g};{b}" for n, (r, g, b) in enumerate(palette.tolist())]
    for top in range(0, len(pixels), 6):
        band = pixels[top : top + 6]
        bits = 1 << np.arange(len(band))[:, None]
        for colour in np.unique(band).tolist():
            letters = "".join(map(chr, (63 + ((band == colour) * bits).sum(0)).tolist()))
            parts.append(f"#{colour}{REPEATED.sub(_counted, letters)}$")
        parts.append("-")
    return "".join([*parts, "\x1b\\"])


def _counted(run: re.Match[str]) -> str:
    return f"!{len(run[0])}{run[1]}"


def _resized(picture: Picture, size: tuple[int, int]) -> Image.Image:
    from PIL import Image

    return Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)


def _encoded(picture: Picture, form: str) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(picture).save(content, form, quality=85)
    return content.getvalue()


def _cell_pixels() -> tuple[int, int]:
    """The pixels (width, height) of a letter, as the terminal says."""
    try:
        import fcntl
        import termios

        answer = fcntl.ioctl(sys.__stdout__.fileno(), termios.TIOCGWINSZ, bytes(8))  # type: ignore[union-attr]
    except (ImportError, OSError, ValueError, AttributeError):  # Windows, or no terminal
        return CELL
    rows, columns, width, height = struct.unpack("HHHH", answer)
    found = (width // columns, height // rows) if rows and columns else (0, 0)
    return found if all(found) else CELL


def _ask_attributes() -> str:
    """What the terminal answers to "what are you" (DA1); empty if there is none, or it does not answer."""
    try:
        import termios
        import tty

        file = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except (ImportError, OSError):  # Windows, or no terminal
        return ""
    try:
        if os.tcgetpgrp(file) != os.getpgrp():  # in the background a question would stop us
            return ""
        before = termios.tcgetattr(file)
        try:
            tty.setcbreak(file, termios.TCSADRAIN)
            os.write(file, b"\x1b[c")
            return _read_answer(file)
        finally:
            termios.tcsetattr(file, termios.TCSADRAIN, before)
    except (OSError, termios.error):
        return ""
    finally:
        os.close(file)


def _read_answer(file: int) -> str:
    answer, end = b"", time.monotonic() + ANSWER_SECONDS
    while not re.search(rb"\x1b\[\?[\d;]+c", answer):
        if not select.select([file], [], [], max(0.0, end - time.monotonic()))[0]:
            break
        answer += os.read(file, 256)
    return answer.decode("ascii", "replace")
