"""Captions as ASS, which libass burns into the film: in a style, in any script."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from flows.studio.rates import FPS
from flows.studio.timeline.model import Caption, Span, Timeline, Word
from flows.studio.typography import fonts
from flows.studio.typography.caption_style import (
    CaptionStyle,
    read_style,
    safe_area,
    speaker_colours,
)
from flows.studio.typography.fonts import missing_glyphs
from flows.studio.workspace.files import atomic_write

if TYPE_CHECKING:
    from pysubs2 import Color, SSAStyle

FOR_SURE = 0.98  # of the room is what a row is measured for: libass and Pillow round differently
_RTL = ("R", "AL")


# ----------------------------------------------------------------------------------------------- ASS


def write_ass(
    timeline: Timeline,
    path: Path,
    *,
    style: str = "classic",
    colours: Mapping[str, str] | None = None,
    span: Span | None = None,
) -> None:
    """Writes the captions as ASS, in the picture's own pixels.

    With `span`, only those of that segment, from its start, to be burned in here: letters that no font of
    this machine has are left out.
    """
    import pysubs2

    subtitles = pysubs2.SSAFile()
    size = {"PlayResX": str(timeline.width), "PlayResY": str(timeline.height)}
    # without a matrix of None, ffmpeg would squeeze the colours of letters on an RGB picture into 16 to 235
    plain = {"WrapStyle": "2", "ScaledBorderAndShadow": "yes", "YCbCr Matrix": "None"}
    subtitles.info.update({**size, **plain, "Title": timeline.title.replace("\n", ": ")})
    look = read_style(style)
    subtitles.styles = {"line": _ass_style(look, timeline.width, timeline.height)}
    for caption in captions_in_span(timeline, span):
        shown = _drawn(caption) if span is not None else caption
        subtitles.append(
            pysubs2.SSAEvent(
                start=_ass_time(caption.start),
                end=_ass_time(caption.end),
                style="line",
                name=timeline.names.get(caption.who or "", caption.who or ""),
                marginv=_lift(shown, look, timeline),
                text=_ass_text(shown, look, colours or {}, timeline),
            )
        )
    with atomic_write(path) as part:
        part.write_text(subtitles.to_string("ass"), encoding="utf-8", newline="\n")


def caption_colours(timeline: Timeline, given: Mapping[str, str] | None, style: str) -> dict[str, str]:
    """Each speaker's colour: the given one, else one of the style's, by the place in the cast."""
    speakers = [who for caption in timeline.captions for who, _ in caption.rows if who]
    cast = dict.fromkeys([*timeline.names, *speakers])
    return speaker_colours(cast, given or {}, style=style)


def captions_in_span(timeline: Timeline, span: Span | None) -> tuple[Caption, ...]:
    """The captions of one span, counted from its start; without a span, all of them."""
    if span is None:
        return timeline.captions
    return tuple(
        replace(
            caption,
            start=caption.start - span.start,
            end=caption.end - span.start,
            words=tuple(
                replace(word, start=word.start - span.start, end=word.end - span.start)
                for word in caption.words
            ),
        )
        for caption in timeline.captions
        if span.start <= caption.start < span.end
    )


def escape_ass(text: str) -> str:
    """Escapes text so that libass shows every letter, braces and backslashes too; newlines break lines."""
    text = text.replace("\\", "\\\u2060")  # a word joiner behind it, so that no command arises
    return text.replace("{", "\\{").replace("}", "\\}").replace("\n", "\\N")


def _drawn(caption: Caption) -> Caption:
    """The caption without the letters that would be boxes."""
    lost = missing_glyphs(caption.text)
    if not lost:
        return caption
    gone = str.maketrans("", "", lost)
    rows = (" ".join(row.translate(gone).split()) for row in caption.text.split("\n"))
    words = tuple(replace(word, text=word.text.translate(gone)) for word in caption.words)
    return replace(caption, text="\n".join(rows), words=words)


def _ass_text(caption: Caption, look: CaptionStyle, colours: Mapping[str, str], timeline: Timeline) -> str:
    write = capitals if look.capitals else str
    rows = [(who, write(text)) for who, text in caption.dashed]
    head = _head(look, [text for _, text in rows], timeline)
    words = [replace(word, text=write(word.text)) for word in caption.words]
    typeset = _typesetter(head.family, head.size)
    timed = _karaoke(words, caption, typeset) if look.waiting and words else typeset
    parts, before = [], None
    for who, text in rows:
        colour = _ass_colour(colours.get(who or "", look.colour))
        tags = head.tags if before is None else ""
        tags += "" if colour == before else f"\\1c{colour}"
        parts.append((f"{{{tags}}}" if tags else "") + timed(text))
        before = colour
    return "\\N".join(parts)


@dataclass(frozen=True)
class _Head:
    """A caption's own settings beside its style: another font for another script, a smaller size, karaoke."""

    family: str
    size: float
    tags: str


def _head(look: CaptionStyle, rows: Sequence[str], timeline: Timeline) -> _Head:
    family = look.font if fonts.has_letters("".join(rows), look.font) else fonts.DEFAULT_FAMILY
    size = type_size(replace(look, font=family), rows, timeline.width, timeline.height)
    font = "" if family == look.font else f"\\fn{family}\\b1"
    smaller = "" if size == look.size_in(timeline.width, timeline.height) else f"\\fs{size:g}"
    waiting = f"\\2c{_ass_colour(look.waiting)}" if look.waiting else ""
    return _Head(family, size, font + smaller + waiting)


def _typesetter(family: str, size: float) -> Callable[[str], str]:
    """Writes text so that no font's letters are smaller than the style's: libass fits heights, not ems."""
    first = fonts.font_file(family)

    def typeset(text: str) -> str:
        parts = []
        for path, run in fonts.font_runs(text, first):
            scale = fonts.fallback_scale(path, first)
            other = f"{{\\fs{size * scale:.1f}}}" if scale != 1 else ""
            parts.append(other + escape_ass(run) + (f"{{\\fs{size:g}}}" if other else ""))
        return "".join(parts)

    return typeset


def capitals(text: str) -> str:
    """The text in capitals; Greek ones carry no accent."""
    parts = unicodedata.normalize("NFD", text.upper())
    greek = ("GREEK" in unicodedata.name(letter, "") for letter in " " + parts)
    kept = (c for c, after_greek in zip(parts, greek, strict=False) if not (after_greek and c == "\u0301"))
    return unicodedata.normalize("NFC", "".join(kept))


def _karaoke(words: list[Word], caption: Caption, typeset: Callable[[str], str]) -> Callable[[str], str]:
    """Rows with how long each word waits and lasts, in hundredths of a second from the caption's start."""
    rest = list(words)
    now = _hundredths(caption.start)

    def until(frame: int) -> int:
        nonlocal now
        before, now = now, max(now, _hundredths(frame))
        return now - before

    def row(text: str) -> str:
        parts = []
        while rest and (word := rest[0]) is not None and (at := text.find(word.text)) >= 0:
            rest.pop(0)
            if word.text:
                parts.append(f"{{\\k{until(word.start)}}}{typeset(text[:at])}")
                parts.append(f"{{\\{_wipe(word.text)}{until(word.end)}}}{typeset(word.text)}")
            text = text[at + len(word.text) :]
        return "".join(parts) + typeset(text)

    return row


def _wipe(text: str) -> str:
    """From left to right, or at once where that would run against the script."""
    return "k" if any(unicodedata.bidirectional(letter) in _RTL for letter in text) else "kf"


def type_size(look: CaptionStyle, rows: Sequence[str], width: int, height: int) -> float:
    """The size of type in pixels: the style's, or smaller where a row would leave the safe area."""
    size = look.size_in(width, height)
    area = safe_area(width, height)
    unit = min(width, height) / 1000
    beside = 2 * (look.outline + look.shadow) * unit
    bold = look.bold or look.font == fonts.DEFAULT_FAMILY
    widest = max((fonts.row_width(row, look.font, size, bold=bold) for row in rows), default=0.0)
    room = (area.right - area.left - beside) * FOR_SURE
    return size if widest <= room else math.floor(size * room / widest * 10) / 10


def _ass_style(look: CaptionStyle, width: int, height: int) -> SSAStyle:
    import pysubs2

    unit = min(width, height) / 1000
    area = safe_area(width, height)
    return pysubs2.SSAStyle(
        fontname=look.font,
        fontsize=look.size_in(width, height),
        bold=look.bold,
        primarycolor=_colour(look.colour),
        secondarycolor=_colour(look.waiting or look.colour),
        outlinecolor=_colour(look.outline_colour),
        backcolor=_colour(look.outline_colour, alpha=90),
        borderstyle=3 if look.box else 1,
        outline=round(look.outline * unit, 2),
        shadow=round(look.shadow * unit, 2),
        alignment=pysubs2.Alignment.BOTTOM_CENTER,
        marginl=area.left,
        marginr=width - area.right,
        marginv=_margin(look, width, height),
        encoding=-1,  # libass: each text runs in its own script's direction
    )


def _margin(look: CaptionStyle, width: int, height: int) -> int:
    """From the picture's foot to that of the captions."""
    unit = min(width, height) / 1000
    under = height - safe_area(width, height).bottom + (look.outline + look.shadow) * unit
    return round(max(look.margin * unit, under))


def _lift(caption: Caption, look: CaptionStyle, timeline: Timeline) -> int:
    """The margin of one caption; 0 is the style's own. Larger letters hang lower than libass counts."""
    first = fonts.font_file(look.font)
    scale = max(
        (fonts.fallback_scale(path, first) for path, _ in fonts.font_runs(caption.text, first)), default=1.0
    )
    if scale == 1:
        return 0
    size = look.size_in(timeline.width, timeline.height)
    return _margin(look, timeline.width, timeline.height) + round(size * (scale - 1) / 2)


def _colour(colour: str, alpha: int = 0) -> Color:
    import pysubs2

    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return pysubs2.Color(red, green, blue, alpha)


def _ass_colour(colour: str) -> str:
    return f"&H{colour[5:7]}{colour[3:5]}{colour[1:3]}&".upper()


def _ass_time(frame: int) -> int:
    """Milliseconds, between the frame before and this one: ASS counts hundredths, and this frame must win."""
    return _hundredths(frame) * 10


def _hundredths(frame: int) -> int:
    return max(0, round((frame - 0.5) * 100 / FPS))
