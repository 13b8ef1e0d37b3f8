"""Captions: lines become cues of at most two short lines, and cues become ASS, SRT and WebVTT."""

from __future__ import annotations

import difflib
import html
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from flows.studio import ffmpeg
from flows.studio.errors import StudioError
from flows.studio.timeline import FPS, Caption, Span, Timeline

if TYPE_CHECKING:
    from pysubs2 import Color, SSAStyle

WIDE_LIMIT = 42  # letters a line; what the large streaming services allow
NARROW_LIMIT = 30
TALL_MARGIN = 300 / 1280  # what the apps draw over the foot of a tall film

_VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿœаеёиоуыэюяєіїґ]+", re.IGNORECASE)
_CONJUNCTIONS = frozenset({"and", "but", "or", "so", "because", "when", "while", "if", "that", "than"})


# ----------------------------------------------------------------------------------- cutting to cues


def limit_of(width: int, height: int) -> int:
    """How many letters a caption's line may have in a picture of this shape."""
    return WIDE_LIMIT if width * 3 > height * 4 else NARROW_LIMIT


def split_line(text: str, start: int, end: int, *, who: str | None, limit: int) -> tuple[Caption, ...]:
    """A line's captions, in order and without a gap, each of at most two lines of `limit` letters.

    A long line is parted after punctuation where that can be, and its parts last as long as their syllables.
    """
    words = _words(text, limit)
    if not words or end <= start:
        return ()
    parts = _parts(words, limit)[: end - start]
    weights = [1 + sum(_syllables(word) for word in part) for part in parts]
    ends = [start + round((end - start) * sum(weights[: i + 1]) / sum(weights)) for i in range(len(parts))]
    starts = [start, *ends[:-1]]
    return tuple(
        Caption(start=a, end=b, text=_two_lines(part, limit), who=who)
        for part, a, b in zip(parts, starts, ends, strict=True)
        if b > a
    )


def _words(text: str, limit: int) -> list[str]:
    """The words; one that is longer than a whole line is broken."""
    words = []
    for word in text.split():
        while _width(word) > limit:
            head = limit if _width(word[:limit]) <= limit else limit // 2
            words.append(word[:head])
            word = word[head:]
        words.append(word)
    return words


def _width(text: str) -> int:
    """Letters, where a Chinese, Japanese or Korean one counts for two and a combining mark for none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _syllables(word: str) -> int:
    return max(1, len(_VOWELS.findall(word)), sum(unicodedata.east_asian_width(c) in "WF" for c in word))


def _ends_a_phrase(word: str) -> bool:
    return word.rstrip("\"'”’)»")[-1:] in tuple(".,;:!?…—")


def _break_cost(words: Sequence[str], at: int) -> int:
    """How bad it is to part `words` before the word number `at`, 0 for the best place."""
    if _ends_a_phrase(words[at - 1]):
        return 0 if words[at - 1].rstrip("\"'”’)»")[-1:] in tuple(".!?…") else 4
    return 10 if words[at].lower().strip("\"'“‘(«") in _CONJUNCTIONS else 16


def _parts(words: Sequence[str], limit: int) -> list[Sequence[str]]:
    """The words of each cue: as few cues as can be, parted at the best places, of about equal length."""
    best = [(0.0, 0)]  # for so many words: the cost so far, and where their last cue begins
    mean = min(2 * limit, _width(" ".join(words)))
    for n in range(1, len(words) + 1):
        choices = []
        for first in range(n - 1, -1, -1):
            if not _fits(words[first:n], limit):
                break
            lack = 1 - _width(" ".join(words[first:n])) / mean
            where = _break_cost(words, first) if first else 0
            choices.append((best[first][0] + 100 + 40 * lack * lack + where, first))
        best.append(min(choices))
    parts: list[Sequence[str]] = []
    n = len(words)
    while n:
        first = best[n][1]
        parts.insert(0, words[first:n])
        n = first
    return parts


def _fits(words: Sequence[str], limit: int) -> bool:
    return _width(" ".join(words)) <= limit or any(
        max(_width(" ".join(words[:at])), _width(" ".join(words[at:]))) <= limit
        for at in range(1, len(words))
    )


def _two_lines(words: Sequence[str], limit: int) -> str:
    whole = " ".join(words)
    if _width(whole) <= limit:
        return whole
    breaks = [
        (" ".join(words[:at]), " ".join(words[at:]), _break_cost(words, at)) for at in range(1, len(words))
    ]
    fitting = [(abs(_width(a) - _width(b)) + cost, f"{a}\n{b}") for a, b, cost in breaks
               if max(_width(a), _width(b)) <= limit]  # fmt: skip
    return min(fitting)[1]


# -------------------------------------------------------------------------------------------- styles


@dataclass(frozen=True)
class CaptionStyle:
    """How captions look; lengths are thousandths of the picture's shorter side."""

    font: str
    bold: bool
    size: float
    colour: str
    outline: float
    outline_colour: str
    shadow: float
    margin: float
    side_margin: float
    box: bool
    palette: tuple[str, ...]


def styles() -> tuple[str, ...]:
    """The names of the caption styles there are."""
    folder = resources.files("templates") / "captions"
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


@lru_cache(maxsize=8)
def read_style(name: str) -> CaptionStyle:
    """A caption style of templates/captions by its name."""
    if name not in styles():
        near = difflib.get_close_matches(name, styles(), 1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(styles())}"
        raise StudioError(f"captions.style: wanted a caption style, got {name!r}; {hint}", code=2)
    text = (resources.files("templates") / "captions" / f"{name}.yaml").read_text(encoding="utf-8")
    values = yaml.safe_load(text)
    wanted = {field.name for field in fields(CaptionStyle)}
    if set(values) != wanted:
        raise StudioError(f"{name}.yaml: wanted the keys {sorted(wanted)}, got {sorted(values)}")
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


# ------------------------------------------------------------------------------------------- writing


def write_ass(
    timeline: Timeline,
    path: Path,
    *,
    style: str = "classic",
    colours: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> None:
    """The captions as ASS, in the picture's own pixels; with `span` only that segment's, from its start."""
    import pysubs2

    subtitles = pysubs2.SSAFile()
    size = {"PlayResX": str(timeline.width), "PlayResY": str(timeline.height)}
    # without a matrix of None, ffmpeg would squeeze the colours of letters on an RGB picture into 16 to 235
    plain = {"WrapStyle": "2", "ScaledBorderAndShadow": "yes", "YCbCr Matrix": "None"}
    subtitles.info.update({**size, **plain})
    look = read_style(style)
    subtitles.styles = {"line": _ass_style(look, timeline.width, timeline.height)}
    for caption in captions_of(timeline, span):
        colour = (colours or {}).get(caption.who or "", look.colour)
        subtitles.append(
            pysubs2.SSAEvent(
                start=_ass_time(caption.start),
                end=_ass_time(caption.end),
                style="line",
                name=caption.who or "",
                text=f"{{\\1c{_ass_colour(colour)}}}{escape_ass(caption.text)}",
            )
        )
    _write(path, subtitles.to_string("ass"))


def captions_of(timeline: Timeline, span: Span | None) -> tuple[Caption, ...]:
    """The captions, or those of one span counted from its start."""
    if span is None:
        return timeline.captions
    return tuple(
        Caption(c.start - span.start, c.end - span.start, c.text, c.who, c.style)
        for c in timeline.captions
        if span.start <= c.start < span.end
    )


def escape_ass(text: str) -> str:
    """`text` so that libass shows every letter of it, braces and backslashes too; newlines break lines."""
    text = text.replace("\\", "\\\u2060")  # a word joiner behind it, so that no command arises
    return text.replace("{", "\\{").replace("}", "\\}").replace("\n", "\\N")


def _ass_style(look: CaptionStyle, width: int, height: int) -> SSAStyle:
    import pysubs2

    unit = min(width, height) / 1000
    return pysubs2.SSAStyle(
        fontname=look.font,
        fontsize=round(look.size * unit, 1),
        bold=look.bold,
        primarycolor=_colour(look.colour),
        outlinecolor=_colour(look.outline_colour),
        backcolor=_colour(look.outline_colour, alpha=90),
        borderstyle=3 if look.box else 1,
        outline=round(look.outline * unit, 2),
        shadow=round(look.shadow * unit, 2),
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginl=round(look.side_margin * unit),
        marginr=round(look.side_margin * unit),
        marginv=round(height * TALL_MARGIN if height > width else look.margin * unit),
    )


def _colour(colour: str, alpha: int = 0) -> Color:
    import pysubs2

    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return pysubs2.Color(red, green, blue, alpha)


def _ass_colour(colour: str) -> str:
    return f"&H{colour[5:7]}{colour[3:5]}{colour[1:3]}&".upper()


def _ass_time(frame: int) -> int:
    """Milliseconds, between the frame before and this one: ASS counts hundredths, and this frame must win."""
    return max(0, round((frame - 0.5) * 100 / FPS) * 10)


def write_srt(timeline: Timeline, path: Path) -> None:
    """The captions as SubRip."""
    cues = (
        f"{i}\n{_clock(c.start, ',')} --> {_clock(c.end, ',')}\n{_plain(c.text)}\n\n"
        for i, c in enumerate(timeline.captions, 1)
    )
    _write(path, "".join(cues))


def write_vtt(timeline: Timeline, path: Path, *, names: Mapping[str, str] | None = None) -> None:
    """The captions as WebVTT, each with a voice tag that names the speaker (by the timeline's names)."""
    names = timeline.names if names is None else names
    cues = [f"WEBVTT\n\nNOTE {_AI_NOTE}\n\n"]
    for c in timeline.captions:
        name = names.get(c.who or "", c.who or "")
        voice = f"<v {html.escape(' '.join(name.split()), quote=False)}>" if name else ""
        words = html.escape(_plain(c.text), quote=False)
        cues.append(f"{_clock(c.start, '.')} --> {_clock(c.end, '.')}\n{voice}{words}\n\n")
    _write(path, "".join(cues))


_AI_NOTE = "AI-generated"


def _plain(text: str) -> str:
    """Without empty lines, which would end the cue, and without an arrow, which would begin one."""
    return "\n".join(line.replace("-->", "→") for line in text.split("\n") if line.strip())


def _clock(frame: int, point: str) -> str:
    milliseconds = round(frame * 1000 / FPS)
    seconds, milliseconds = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{milliseconds:03d}"


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="\n")
    os.replace(part, path)


# -------------------------------------------------------------------------------------------- glyphs


def missing_glyphs(text: str) -> str:
    """The letters of `text` that the captions' font lacks, each once, in order; "" if it has them all."""
    known = _glyphs()
    letters = (c for c in text if not c.isspace() and unicodedata.category(c) not in ("Cf", "Cc", "Mn"))
    return "".join(dict.fromkeys(c for c in letters if ord(c) not in known))


@lru_cache(maxsize=1)
def _glyphs() -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(ffmpeg.font_file(), lazy=True) as font:
        return frozenset(font.getBestCmap())
