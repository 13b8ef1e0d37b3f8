"""Fonts: those in templates/fonts, then the system's; which letters they have, and what to install.

libass asks fontconfig for a font that has a letter which the style's own lacks; a fontconfig file
(`fontconfig_xml`) names the folders and the order, since libass's `fontsdir` gives no such fallback. libass
cannot draw colour emoji at all, so colour fonts do not count.
"""

from __future__ import annotations

import os
import sys
import tempfile
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from flows.studio.errors import StudioError

if TYPE_CHECKING:
    from PIL import ImageFont

DEFAULT_FAMILY = "Noto Sans"
# Asked in this order where a style's own family lacks a letter.
FALLBACKS = ("Noto Sans", "Noto Sans Arabic", "Heebo", "Noto Sans Thai", "Noto Sans CJK TC", "Noto Emoji")
_FILES = {  # in the order in which they are asked
    "Noto Sans": "NotoSans[wdth,wght].ttf",
    "Noto Sans Arabic": "NotoSansArabic[wdth,wght].ttf",
    "Heebo": "Heebo[wght].ttf",
    "Noto Sans Thai": "NotoSansThai[wdth,wght].ttf",
    "Anton": "Anton-Regular.ttf",
    "Noto Emoji": "NotoEmoji-Bold.ttf",
}
_CJK = "cvttf_NotoSansCJK_Bold"  # a package of one font file
_COLOUR_TABLES = {"CBDT", "sbix", "COLR", "SVG "}
_SIMILAR = 1.1  # fonts whose heights differ by less are set in one size
_MEASURED = 100  # pixels an em, at which widths are measured
_SUFFIXES = (".ttf", ".otf", ".ttc")

# By the first word of a letter's Unicode name: what to install, from PyPI, and from Debian.
_PACKAGES = dict.fromkeys(
    ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "BOPOMOFO", "FULLWIDTH", "HALFWIDTH"),
    ("cvttf-notosanscjk-bold", "fonts-noto-cjk"),
)


@dataclass(frozen=True)
class Font:
    """A font file: the letters that it has, and its measures, of which `units` make an em."""

    path: Path
    units: int
    ascent: int
    descent: int
    letters: frozenset[int]

    def has(self, letter: str) -> bool:
        """True if the font can draw that letter."""
        return ord(letter) in self.letters


# --------------------------------------------------------------------------------------------- files


def font_file(family: str = DEFAULT_FAMILY) -> Path:
    """The file of a family in templates/fonts. Raises StudioError for another family."""
    if family not in _FILES:
        raise StudioError(f"wanted one of the fonts {', '.join(_FILES)}, got {family!r}")
    return _font_folder() / _FILES[family]


def _font_folder() -> Path:
    return Path(str(resources.files("templates") / "fonts"))


@lru_cache(maxsize=1)
def project_fonts() -> tuple[Path, ...]:
    """The fonts of templates/fonts and of the extra `cjk`, in the order in which they are asked."""
    *ours, emoji = (_font_folder() / name for name in _FILES.values())
    package = find_spec(_CJK)
    cjk = sorted(Path(package.origin).parent.glob("*.otf")) if package and package.origin else []
    return (*ours, *cjk, emoji)


@lru_cache(maxsize=1)
def system_font_folders() -> tuple[Path, ...]:
    """The folders in which this system keeps its fonts."""
    home = Path.home()
    if sys.platform == "win32":
        places = [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
        places.append(Path(os.environ.get("LOCALAPPDATA", home)) / "Microsoft/Windows/Fonts")
    elif sys.platform == "darwin":
        places = [Path("/System/Library/Fonts"), Path("/Library/Fonts"), home / "Library/Fonts"]
    else:
        data = os.environ.get("XDG_DATA_HOME")
        own = Path(data) if data else home / ".local/share"
        places = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own / "fonts", home / ".fonts"]
    return tuple(place for place in places if place.is_dir())


@lru_cache(maxsize=4)
def system_fonts(folders: tuple[Path, ...]) -> tuple[Path, ...]:
    """Every font file in these folders, in order."""
    return tuple(
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in _SUFFIXES and path.is_file()
    )


@lru_cache(maxsize=2048)
def read_font(path: Path) -> Font | None:
    """Reads a font file's letters and measures; None if it cannot be read or is in colour."""
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with path.open("rb") as file, TTFont(file, lazy=True, fontNumber=0) as font:
            if _COLOUR_TABLES & set(font.keys()):
                return None
            ascent, descent = _height(font)
            return Font(
                path, int(font["head"].unitsPerEm), ascent, descent, frozenset(font.getBestCmap() or ())
            )
    except (OSError, TTLibError, KeyError, AttributeError):
        return None


def _height(font: Any) -> tuple[int, int]:
    """A font's height as libass counts it: that of Windows, else that of the lines."""
    if "OS/2" in font and font["OS/2"].usWinAscent + font["OS/2"].usWinDescent:
        return int(font["OS/2"].usWinAscent), int(font["OS/2"].usWinDescent)
    return int(font["hhea"].ascent), -int(font["hhea"].descent)


# ------------------------------------------------------------------------------------------- letters


def needs_glyph(letter: str) -> bool:
    """True for letters that a font has to have: not for spaces, joiners, selectors and controls."""
    return not letter.isspace() and unicodedata.category(letter) not in ("Cf", "Cc", "Mn", "Me")


def find_font(letter: str, first: Path) -> Font | None:
    """The first font that has a letter, where `first` is the style's own; None if there is none."""
    return next((font for font in _asked(first) if font.has(letter)), None)


def _asked(first: Path) -> Iterator[Font]:
    """All fonts, in the order in which they are asked; the machine's are looked at last."""
    for path in dict.fromkeys((first, *project_fonts())):
        if (font := read_font(path)) is not None:
            yield font
    for path in system_fonts(system_font_folders()):
        if (font := read_font(path)) is not None:
            yield font


def font_runs(text: str, first: Path) -> list[tuple[Path, str]]:
    """Splits text into runs of one font each: `first` where it has the letters, else the next that has."""
    found: list[tuple[Path, str]] = []
    emoji = project_fonts()[-1]
    for letter in text:
        font = find_font(letter, first) if needs_glyph(letter) else None
        path = font.path if font else found[-1][0] if found else first
        if letter.isspace() and path == emoji:
            path = first  # an emoji's own space is as wide as an emoji
        if found and found[-1][0] == path:
            found[-1] = (path, found[-1][1] + letter)
        else:
            found.append((path, letter))
    return found


def has_letters(text: str, family: str) -> bool:
    """True if a family has every letter of a text; signs and digits may come from other fonts."""
    font = read_font(font_file(family))
    return font is not None and all(font.has(c) for c in text if unicodedata.category(c)[0] == "L")


def missing_glyphs(text: str, first: Path | None = None) -> str:
    """The letters of `text` that no font here has, each once, in order."""
    own = first or font_file()
    letters = dict.fromkeys(letter for letter in text if needs_glyph(letter))
    return "".join(letter for letter in letters if find_font(letter, own) is None)


def fallback_files(text: str, first: Path) -> tuple[str, ...]:
    """The names of the fonts besides `first` that draw letters of `text`: recipes hold them."""
    own = read_font(first)
    others = [
        letter for letter in dict.fromkeys(text) if needs_glyph(letter) and not (own and own.has(letter))
    ]
    found = (find_font(letter, first) for letter in others)
    return tuple(sorted({font.path.name for font in found if font is not None}))


def describe_missing(texts: Iterable[str]) -> tuple[str, ...]:
    """A line for each script that no font here has letters of, with the package that brings it."""
    groups: dict[tuple[str, str], list[str]] = {}
    for letter in missing_glyphs("".join(texts)):
        groups.setdefault(package_for(letter), []).append(letter)
    return tuple(
        f"no font here has {_shown(letters)}: captions leave {'it' if len(letters) == 1 else 'them'} out; "
        + (f"`pip install {pip}`, or on Debian " if pip else "on Debian ")
        + f"`apt-get install {debian}`, brings {'it' if len(letters) == 1 else 'them'}"
        for (pip, debian), letters in groups.items()
    )


def package_for(letter: str) -> tuple[str, str]:
    """The packages of PyPI ("" for none) and of Debian that bring a letter."""
    script = unicodedata.name(letter, "").split(" ")[0].split("-")[0]
    if script in _PACKAGES:
        return _PACKAGES[script]
    is_sign = unicodedata.category(letter)[0] == "S" or unicodedata.category(letter) == "Cn"
    return ("", "fonts-symbola") if is_sign else ("", "fonts-noto-core")


def _shown(letters: list[str]) -> str:
    names = [f"{letter} (U+{ord(letter):04X})" for letter in letters[:3]]
    rest = f" and {len(letters) - 3} more" if len(letters) > 3 else ""
    return ", ".join(names) + rest


# ------------------------------------------------------------------------------------------ measures


def row_width(text: str, family: str, size: float, *, bold: bool) -> float:
    """The width in pixels of a row as libass draws it; `size` is its font size."""
    first = font_file(family)
    width = 0.0
    for path, run in font_runs(text, first):
        em = size * fallback_scale(path, first) / _MEASURED
        width += _type(path, bold).getlength(run) * em / height_in_ems(path)
        if path != first:  # libass takes spaces from the first font that has them
            own = _type(path, bold).getlength(" ") / height_in_ems(path)
            width += run.count(" ") * em * (_type(first, bold).getlength(" ") / height_in_ems(first) - own)
    return width


def fallback_scale(path: Path, first: Path) -> float:
    """How much larger a fallback font is set, so that its letters are as tall as those of `first`."""
    scale = height_in_ems(path) / height_in_ems(first)
    return scale if scale > _SIMILAR else 1.0


def height_in_ems(path: Path) -> float:
    """A font's height in its own ems: libass fits that into the font size, and so some letters come small."""
    font = read_font(path)
    return (font.ascent + font.descent) / font.units if font else 1.0


@lru_cache(maxsize=32)
def _type(path: Path, bold: bool) -> ImageFont.FreeTypeFont:
    from PIL import ImageFont

    type_ = ImageFont.truetype(str(path), _MEASURED)
    set_axes(type_, weight=700 if bold else 400, width=100)
    return type_


def set_axes(type_: ImageFont.FreeTypeFont, *, weight: float, width: float) -> None:
    """Sets a variable font's weight (100 to 900) and width (62.5 to 100), as far as it has these axes."""
    try:
        axes = type_.get_variation_axes()
    except OSError:  # it is not variable
        return
    wanted = {b"weight": weight, b"width": width}
    values = []
    for axis in axes:
        value = wanted.get(bytes(axis["name"] or b"").lower(), float(axis["default"] or 0))
        values.append(min(max(value, float(axis["minimum"] or 0)), float(axis["maximum"] or 0)))
    type_.set_variation_by_axes(values)


# ---------------------------------------------------------------------------------------- fontconfig


@contextmanager
def font_environment() -> Iterator[dict[str, str]]:
    """The environment for an ffmpeg that burns captions: ours, with the project's fonts (`FONTCONFIG_FILE`).

    The fontconfig file exists inside the `with` block.
    """
    with tempfile.TemporaryDirectory(prefix="cold-open-fonts-") as folder:
        conf = Path(folder, "fonts.conf")
        conf.write_text(fontconfig_xml(), encoding="utf-8")
        yield {**os.environ, "FONTCONFIG_FILE": str(conf)}


def fontconfig_xml() -> str:
    """A fontconfig file: the project's fonts first, the machine's own behind them, none in colour."""
    folders = dict.fromkeys([*(path.parent for path in project_fonts()), *system_font_folders()])
    places = "".join(f"  <dir>{escape(str(folder))}</dir>\n" for folder in folders)
    families = "".join(f"<string>{escape(name)}</string>" for name in FALLBACKS)
    return (
        '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n<fontconfig>\n'
        f'{places}  <match target="pattern"><test name="family"><string>sans-serif</string></test>'
        '<edit name="family" mode="prepend" binding="strong">'
        f"{families}</edit></match>\n"  # libass falls back on sans-serif, and here it is ours before theirs
        '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>\n'
        '  <selectfont><rejectfont><pattern><patelt name="color"><bool>true</bool></patelt></pattern>'
        "</rejectfont></selectfont>\n"
        '  <cachedir prefix="xdg">fontconfig</cachedir>\n</fontconfig>\n'
    )
