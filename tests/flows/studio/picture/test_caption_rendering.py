"""Captions as they are seen: libass draws every style in every script, whole, inside the safe area."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from flows.studio.media import ffmpeg
from flows.studio.picture import subtitles
from flows.studio.timeline.caption_cues import make_captions
from flows.studio.timeline.model import Caption, LineCue, Span, Timeline
from flows.studio.typography import fonts
from flows.studio.typography.caption_style import letters_per_row, safe_area, style_names

GREY = 110
PICTURES = {"16:9": (1280, 720), "1:1": (720, 720), "9:16": (720, 1280)}
SCRIPTS = {
    "Latin": "You are three weeks late with the rent, and the fish has paid! Ägypten, Łódź, façade.",
    "Cyrillic": "Риба у ванні вже заплатила, а ти досі винен за оренду! Ґанок, їжак.",
    "Greek": "Το ψάρι στη μπανιέρα πλήρωσε ήδη το νοίκι, εσύ όχι ακόμα!",
    "Arabic": "السمكة في الحوض دفعت الإيجار قبلك يا صديقي العزيز!",
    "Hebrew": "הדג באמבטיה כבר שילם את שכר הדירה, ואתה עדיין לא!",
    "Devanagari": "टब की मछली ने किराया पहले ही दे दिया, और तुमने नहीं!",
    "Thai": "ปลาในอ่างอาบน้ำจ่ายค่าเช่าแล้วแต่คุณยังไม่จ่ายเลยนะ",
    "Japanese": "風呂場の魚はもう家賃を払いました。あなたはまだです。",
    "Chinese": "浴缸里的鱼已经付了房租，而你还没有付钱！",
    "Korean": "욕조에 있는 물고기는 벌써 집세를 냈는데 너는 아직이야!",
    "emoji": "The fish 🐟 paid 💸 and you did not 😂 ★",
    "the widest": "WWWWWWWWWWWWWWWWWWWWW WWWWWWWWWWWWWWWWWWWWW",
}


def timeline_of(size, style, texts):
    """Each text as one line of its own scene, its captions as long as they need."""
    spans = [Span(f"s{n}", n * 240, (n + 1) * 240, "scene") for n in range(len(texts))]
    lines = [
        LineCue(span.id, "joe", text, span.start, span.end - 30, Path("v.wav"))
        for span, text in zip(spans, texts, strict=True)
    ]
    return Timeline(
        *size,
        tuple(spans),
        (),
        (),
        (),
        (),
        make_captions(lines, spans, limit=letters_per_row(*size, style=style)),
    )


def one_frame_each(timeline):
    """The timeline with every caption as it is in its middle, one frame long."""
    cues = []
    for n, cue in enumerate(timeline.captions):
        words = tuple(type(word)(word.text, n, n + 1) for word in cue.words)
        cues.append(Caption(n, n + 1, cue.text, cue.who, speakers=cue.speakers, words=words))
    span = Span("all", 0, len(cues), "scene")
    return Timeline(timeline.width, timeline.height, (span,), (), (), (), (), tuple(cues))


def drawn(timeline, style, folder, **more):
    """A picture of each caption on grey, (n, h, w, 3)."""
    shown = one_frame_each(timeline)
    (span,) = shown.spans
    subtitles.write_ass(shown, folder / "a.ass", style=style, span=span, **more)
    source = f"color=c=0x{GREY:02x}{GREY:02x}{GREY:02x}:s={shown.width}x{shown.height}:r=24:d={span.end / 24}"
    filters = f"format=rgb24,ass=filename={ffmpeg.escape_filter_value(str(folder / 'a.ass'))}"
    with fonts.font_environment() as environment:
        raw = ffmpeg.run(
            ["-f", "lavfi", "-i", source, "-vf", filters, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
            doing="drawing captions",
            env=environment,
        )
    return np.frombuffer(raw, np.uint8).reshape(-1, shown.height, shown.width, 3)


def box(picture):
    """Left, top, right and bottom of all that is written."""
    ink = np.abs(picture.astype(np.int16) - GREY).max(axis=2) > 12
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("aspect", PICTURES)
@pytest.mark.parametrize("style", style_names())
def test_every_script_stands_whole_inside_the_safe_area(style, aspect, tmp_path):
    size = PICTURES[aspect]
    timeline = timeline_of(size, style, list(SCRIPTS.values()))
    area = safe_area(*size)
    pictures = drawn(timeline, style, tmp_path)
    assert len(pictures) == len(timeline.captions) >= len(SCRIPTS)
    for caption, picture in zip(timeline.captions, pictures, strict=True):
        left, top, right, bottom = box(picture)
        assert left >= area.left - 1, caption.text
        assert right <= area.right + 1, caption.text
        assert top >= area.top, caption.text
        assert bottom <= area.bottom + 1, caption.text
        assert abs((left + right) - size[0]) <= 40, caption.text  # in the middle, but for a "。"


def test_no_letter_is_a_box(tmp_path):
    nothing = Timeline(640, 360, (), (), (), (), (), (Caption(0, 1, "\U000f0000\U000f0001", "joe"),))
    assert (np.abs(drawn(nothing, "classic", tmp_path).astype(int) - GREY) < 12).all()
    seen = {}
    for name, text in SCRIPTS.items():
        letters = [c for c in text if fonts.needs_glyph(c)][:2]
        shown = Timeline(640, 360, (), (), (), (), (), tuple(Caption(0, 1, c, "joe") for c in letters))
        one, other = drawn(shown, "classic", tmp_path)
        assert name == "the widest" or (one != other).any(), name  # boxes look alike
        seen[name] = one.tobytes()
    assert len(set(seen.values())) >= len(SCRIPTS) - 1


def test_right_to_left_ends_at_the_left(tmp_path):
    row = Timeline(640, 360, (), (), (), (), (), (Caption(0, 1, "שלום.....", "joe"),))
    (picture,) = drawn(row, "classic", tmp_path)
    left, _, right, _ = box(picture)
    _, dots, _, low = box(picture[:, left : left + 15])
    _, high, _, foot = box(picture[:, right - 25 : right])
    assert low - dots < (foot - high) * 0.6


def test_each_speaker_has_a_colour_of_their_own(tmp_path):
    both = Timeline(
        640, 360, (), (), (), (), (), (Caption(0, 1, "Why?\nBecause.", "a", speakers=("a", "b")),)
    )
    (picture,) = drawn(both, "classic", tmp_path, colours={"a": "#ff2020", "b": "#2020ff"})
    _, top, _, bottom = box(picture)
    middle = (top + bottom) // 2
    red, blue = picture[..., 0].astype(int) - picture[..., 2], picture[..., 2].astype(int) - picture[..., 0]
    assert red[:middle].max() > 180 > 40 > blue[:middle].max()
    assert blue[middle:].max() > 180 > 40 > red[middle:].max()
