"""Draws docs/captions.png: every caption style in every script, as libass burns it into a film."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from flows.studio.media import ffmpeg
from flows.studio.picture import subtitles
from flows.studio.timeline.caption_cues import make_captions
from flows.studio.timeline.model import Caption, LineCue, Span, Timeline, Word
from flows.studio.typography import fonts
from flows.studio.typography.caption_style import letters_per_row, speaker_colours, style_names
from flows.studio.typography.lettering import BOLD, draw_row, row_width

SIZE = (1280, 720)
CELL = (300, 68)  # of each caption on the sheet
SHOWN = 290 / 720  # of the picture, from its foot
COLOURS = 96
HEAD, NAME = 34, 17  # pixels, of the names' row and of their letters
LINES = (
    ("joe", "Is it supposed to blink? It was fresh this morning!"),
    ("don", "Риба у ванні вже заплатила за квартиру."),
    ("joe", "Το ψάρι στη μπανιέρα πλήρωσε ήδη το νοίκι!"),
    ("don", "السمكة في الحوض دفعت الإيجار قبلك!"),
    ("joe", "הדג באמבטיה כבר שילם את שכר הדירה!"),
    ("don", "टब की मछली ने किराया पहले ही दे दिया!"),
    ("joe", "ปลาในอ่างอาบน้ำจ่ายค่าเช่าแล้วนะครับคุณโจ"),
    ("don", "風呂場の魚はもう家賃を払いました。あなたは？"),
    ("joe", "욕조에 있는 물고기는 벌써 집세를 냈어!"),
    ("don", "The fish 🐟 paid 💸 and you did not 😂 ★"),
)


def main() -> None:
    """Writes the sheet and says how large it is."""
    out = Path(__file__).with_name("captions.png")
    columns = [np.concatenate([_head(style), *_drawn(style)]) for style in style_names()]
    sheet = Image.fromarray(np.concatenate(columns, axis=1))
    sheet.quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)
    sys.stdout.write(f"{out}: {out.stat().st_size / 1e3:.0f} kB, {', '.join(style_names())}\n")


def _head(style: str) -> np.ndarray:
    """The style's name over its column."""
    head = Image.new("RGB", (CELL[0], HEAD), (38, 50, 58))
    left = (CELL[0] - row_width(style, NAME)) / 2
    draw_row(
        ImageDraw.Draw(head),
        (left, (HEAD - NAME * 1.4) / 2),
        style,
        size=NAME,
        face=BOLD,
        fill=(255, 255, 255),
    )
    return np.asarray(head)


def _drawn(style: str) -> list[np.ndarray]:
    """A cell of the sheet for each line."""
    shown = _first_captions(style)
    colours = speaker_colours(("joe", "don"), {}, style=style)
    with tempfile.TemporaryDirectory() as folder, fonts.font_environment() as environment:
        ass = Path(folder, "captions.ass")
        subtitles.write_ass(shown, ass, style=style, colours=colours, span=shown.spans[0])
        source = "color=c=0x55707f:s={}x{}:r=24:d=9".format(*SIZE)
        filters = f"ass=filename={ffmpeg.escape_filter_value(str(ass))}"
        frames = ["-frames:v", str(len(shown.captions)), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        command = ["-f", "lavfi", "-i", source, "-vf", filters, *frames]
        raw = ffmpeg.run(command, doing="drawing captions", env=environment)
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, SIZE[1], SIZE[0], 3)
    foot = pictures[:, round(SIZE[1] * (1 - SHOWN)) :]
    return [np.asarray(Image.fromarray(picture).resize(CELL, Image.Resampling.LANCZOS)) for picture in foot]


def _first_captions(style: str) -> Timeline:
    """The first caption of each line, a frame long: a karaoke's in its middle."""
    cues = []
    for n, (who, text) in enumerate(LINES):
        line = LineCue("s01", who, text, 0, 96, Path("voice.wav"))
        found = make_captions(
            [line], [Span("s01", 0, 120, "scene")], limit=letters_per_row(*SIZE, style=style)
        )
        half = len(found[0].words) // 2
        words = [Word(word.text, n, n + (i >= half)) for i, word in enumerate(found[0].words)]
        cues.append(Caption(n, n + 1, found[0].text, who, words=tuple(words)))
    return Timeline(*SIZE, (Span("all", 0, len(cues), "scene"),), (), (), (), (), tuple(cues))


if __name__ == "__main__":
    main()
