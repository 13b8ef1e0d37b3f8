"""Caption styles: templates/captions/*.yaml as data, speakers' colours, and the safe area of a picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources

import yaml

from flows.studio.errors import StudioError
from scripts_llm.errors import suggest

# A row of this style in a wide picture has so many letters, in others fewer: their sides are nearer.
_LETTERS = {"wide": 1.0, "square": 28 / 42, "tall": 24 / 42}
# What must stay free at each side, above and below, as shares of width and height. Wide and square: the
# graphics-safe area of EBU R 95. Tall: what the apps for such films draw over them (220, 450 and 165 of
# 1080 x 1920), the same at both sides so that captions stay in the middle.
_SAFE = {
    "wide": (0.05, 0.05, 0.05),
    "square": (0.05, 0.05, 0.05),
    "tall": (165 / 1080, 220 / 1920, 450 / 1920),
}


@dataclass(frozen=True)
class CaptionStyle:
    """The look of captions; lengths are thousandths of the picture's shorter side.

    `letters` is the number in a row of a wide picture. `capitals` writes everything in capitals. `waiting` is
    the colour of words that are not said yet; a style that has it counts the words as they are heard
    (karaoke).
    """

    font: str
    bold: bool
    size: float
    colour: str
    outline: float
    outline_colour: str
    shadow: float
    margin: float
    box: bool
    palette: tuple[str, ...]
    letters: int = 42
    capitals: bool = False
    waiting: str | None = None

    def size_in(self, width: int, height: int) -> float:
        """The type size in a picture, in pixels, from the lowest to the highest letter."""
        return round(self.size * min(width, height) / 1000, 1)


@dataclass(frozen=True)
class SafeArea:
    """The part of a picture in which captions are placed, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def shape_of(width: int, height: int) -> str:
    """The shape of a picture: wide, square or tall."""
    return "wide" if width * 3 > height * 4 else "tall" if height > width * 1.1 else "square"


def safe_area(width: int, height: int) -> SafeArea:
    """The area in which text is neither cut off by a screen nor covered by an app."""
    side, top, bottom = _SAFE[shape_of(width, height)]
    margin = round(width * side)
    return SafeArea(margin, round(height * top), width - margin, height - round(height * bottom))


def letters_per_row(width: int, height: int, *, style: str = "classic") -> int:
    """The number of letters that a caption's row may have in a picture of this size."""
    return round(read_style(style).letters * _LETTERS[shape_of(width, height)])


def style_names() -> tuple[str, ...]:
    """The names of the caption styles, sorted."""
    folder = resources.files("templates") / "captions"
    names = [file.name for file in folder.iterdir() if not file.name.startswith(".")]
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


@lru_cache(maxsize=16)
def read_style(name: str) -> CaptionStyle:
    """Reads a caption style of templates/captions by its name. Raises StudioError for an unknown one."""
    if name not in style_names():
        meant = suggest(name, style_names())
        hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(style_names())}"
        raise StudioError(f"captions.style: wanted a caption style, got {name!r}; {hint}", code=2)
    text = (resources.files("templates") / "captions" / f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    known = {field.name for field in fields(CaptionStyle)}
    if unknown := set(values) - known:
        raise StudioError(f"{name}.yaml: wanted keys of {sorted(known)}, got {sorted(unknown)}")
    return CaptionStyle(**{**values, "palette": tuple(values["palette"])})


def speaker_colours(
    cast: Iterable[str], given: Mapping[str, str], *, style: str = "classic"
) -> dict[str, str]:
    """Each character's caption colour: its own, else the palette's next one that nobody else has."""
    palette = read_style(style).palette
    free = [
        colour for colour in palette if colour.lower() not in {c.lower() for c in given.values()}
    ] or list(palette)
    colours: dict[str, str] = {}
    for who in cast:
        colours[who] = given.get(who) or free[sum(key not in given for key in colours) % len(free)]
    return colours
