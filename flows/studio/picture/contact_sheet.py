"""The contact sheet, one frame for each shot, the sheet of a shot's takes, and the poster."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from flows.studio.filming import auto_takes
from flows.studio.filming.shots import PlannedShot
from flows.studio.filming.takes import stored_takes
from flows.studio.media import clips
from flows.studio.media.clips import Frames
from flows.studio.picture import render
from flows.studio.picture.fit import fit_frame
from flows.studio.timeline.model import PictureCut, Timeline
from flows.studio.typography.lettering import (
    BOLD,
    Colour,
    Ink,
    draw_row,
    draw_text,
    drawable,
    fit_text,
    load_font,
    row_width,
)
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifacts
from flows.studio.workspace.files import atomic_write
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.script import Line

COLUMNS = 4
CELL = 320  # the width of a frame on the sheet
MARGIN = 18
TEXT = 64  # under each frame
PAPER: Colour = (247, 241, 228)
INK: Colour = (43, 35, 48)
FAINT: Colour = (214, 204, 186)
GREY: Colour = (128, 116, 118)

REGULAR = (400.0, 100.0)
MADE_FROM = "Made from"  # the PNG's text that is the digest of what a sheet shows
MAX_THUMBNAILS = (
    4096  # frames for the next sheet, some 30 kB each: of the longest script with 20 shots a scene
)


@dataclass(frozen=True)
class SheetEntry:
    """A shot on the contact sheet: its clip if there is one, its scene and size, its line."""

    path: Path | None
    title: str
    line: str


@dataclass(frozen=True)
class Sheet:
    """The content of an episode's contact sheet; `shape` is width by height of the film."""

    rows: tuple[SheetEntry, ...]
    heading: str
    shape: float

    @property
    def digest(self) -> str:
        """Equal for sheets that look the same."""
        rows = [[*_clip_on(row), row.title, row.line] for row in self.rows]
        return artifacts.digest({"kind": "sheet", "rows": rows, "heading": self.heading, "shape": self.shape})


def _clip_on(row: SheetEntry) -> tuple[str, int] | tuple[None, None]:
    return (None, None) if row.path is None else (row.path.name, row.path.stat().st_size)


def sheet_of_shots(shots: Sequence[PlannedShot], clips: Artifacts, *, heading: str, shape: float) -> Sheet:
    """The contact sheet of the shots; some may not be filmed yet."""
    rows = (
        SheetEntry(
            clips[shot.digest].path if shot.digest in clips else None,
            f"{shot.label} {shot.shot.size or ''}".strip(),
            _line_of(shot, shots),
        )
        for shot in shots
    )
    return Sheet(tuple(rows), heading, shape)


def _line_of(shot: PlannedShot, shots: Sequence[PlannedShot]) -> str:
    """A line that is probably spoken over the shot: a speaker's second shot gets the second line."""
    lines = [element for element in shot.scene.dialogue if isinstance(element, Line)]
    own = [line for line in lines if line.who == shot.shot.who] or lines
    alike = [one for one in shots if one.scene is shot.scene and one.shot.who == shot.shot.who]
    return own[min(alike.index(shot), len(own) - 1)].line if own else shot.words


def write_sheet(sheet: Sheet, out: Path) -> None:
    """Draws the sheet into a file, unless the file shows the same already."""
    if stored_digest(out) != sheet.digest:
        with atomic_write(out) as part:
            draw_contact_sheet(
                sheet.rows, part, heading=sheet.heading, shape=sheet.shape, digest=sheet.digest
            )


def is_current(sheet: Sheet, path: Path) -> bool:
    """True if the file shows this sheet; older files do not say what they show, and count."""
    return stored_digest(path) in (sheet.digest, "")


def stored_digest(path: Path) -> str | None:
    """The digest of the sheet in a file: "" if it does not say, None if there is no picture."""
    try:
        # not by Image.open: it warns of pictures as large as the sheet of some hundred shots
        with PngImagePlugin.PngImageFile(path) as picture:
            return str(picture.info.get(MADE_FROM, ""))
    except (OSError, SyntaxError, ValueError):
        return None


def draw_contact_sheet(
    rows: Sequence[SheetEntry], out: Path, *, heading: str = "", shape: float = 16 / 9, digest: str = ""
) -> None:
    """Draws one frame for each shot in order, as a PNG; shots that are not filmed yet are empty frames.

    `shape` is width by height of the film. Enlarged frames are kept in memory for the next sheet. `digest` is
    written into the file.
    """
    tall = round(CELL / shape)
    columns = min(COLUMNS if shape > 1.2 else COLUMNS + 1, max(1, len(rows)))
    head = 56 if heading else 0
    step_x, step_y = CELL + MARGIN, tall + TEXT + MARGIN
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (columns * step_x + MARGIN, head + lines * step_y + MARGIN), PAPER)
    if heading:
        words = fit_text(heading.upper(), sheet.width - 2 * MARGIN, 36, largest=36, most_lines=1)
        draw_text(sheet, words, MARGIN, MARGIN, Ink(INK, INK, edge_width=0), align="left")
    for i, row in enumerate(rows):
        left, top = MARGIN + i % columns * step_x, head + MARGIN + i // columns * step_y
        _cell(sheet, row, left, top, tall)
    write_png(np.asarray(sheet), out, {MADE_FROM: digest} if digest else {})


def _cell(sheet: Image.Image, row: SheetEntry, left: int, top: int, tall: int) -> None:
    pen = ImageDraw.Draw(sheet)
    if row.path is not None and row.path.is_file():
        frame = _thumbnail(row.path, row.path.stat().st_mtime_ns, CELL, tall)
        with Image.open(io.BytesIO(frame), formats=("PNG",)) as picture:
            sheet.paste(picture, (left, top))
        pen.rectangle((left - 1, top - 1, left + CELL, top + tall), outline=INK)
    else:
        pen.rectangle((left, top, left + CELL - 1, top + tall - 1), fill=FAINT)
        pen.text((left + CELL / 2, top + tall / 2), "not filmed yet", GREY, load_font(17, REGULAR), "mm")
    draw_row(pen, (left, top + tall + 5), drawable(row.title), size=16, face=BOLD, fill=INK)
    for i, words in enumerate(_two_lines(drawable(row.line), CELL)):
        draw_row(pen, (left, top + tall + 25 + i * 19), words, size=15, face=REGULAR, fill=GREY)


def _two_lines(text: str, width: int) -> list[str]:
    """As much of the text as fits on two lines."""
    lines: list[str] = []
    rest = text.split()
    while rest and len(lines) < 2:
        count = len(rest)
        while count > 1 and row_width(" ".join(rest[:count]), 15, REGULAR) > width:
            count -= 1
        lines.append(" ".join(rest[:count]))
        rest = rest[count:]
    if rest:
        lines[-1] = (lines[-1].rpartition(" ")[0] or lines[-1][:-2]).rstrip(" .,") + " …"
    return lines


@lru_cache(maxsize=MAX_THUMBNAILS)
def _thumbnail(path: Path, changed: int, width: int, height: int) -> bytes:
    """A clip's middle frame as PNG; `changed` is the file's time: a retaken clip is read again."""
    frame = io.BytesIO()
    picture = fit_frame(clips.read_middle_frame(path), width=width, height=height)
    Image.fromarray(picture).save(frame, "PNG", compress_level=1)
    return frame.getvalue()


# -------------------------------------------------------------------------------------------- poster


def write_poster(
    timeline: Timeline,
    title: str,
    out: Path,
    *,
    options: render.RenderOptions | None = None,
    scene: str | None = None,
) -> None:
    """Writes the liveliest moment of a scene, or of the film, with the title on it, as a PNG."""
    picture = Image.fromarray(_best_frame(timeline, options or render.RenderOptions(), scene))
    width, height = picture.size
    unit = min(width, height)
    show, _, episode = title.partition("\n")
    name = fit_text(show.upper(), round(width * 0.92), round(height * 0.26), largest=unit // 5, most_lines=2)
    below = fit_text(
        episode, round(width * 0.9), round(unit * 0.07), face=BOLD, largest=unit // 15, most_lines=1
    )
    under = round(below.height * 1.15) if below.lines else 0
    _shade(picture, name.height + under + unit * 0.2)
    top = height - name.height - under - unit * 0.06
    draw_text(picture, name, width / 2, top, Ink((255, 246, 222), (30, 20, 30), edge_width=0.07, depth=0.05))
    draw_text(picture, below, width / 2, top + name.height + unit * 0.012, Ink((255, 214, 90), (30, 20, 30)))
    write_png(np.asarray(picture), out)


def _best_frame(timeline: Timeline, options: render.RenderOptions, scene: str | None) -> Frames:
    """A frame of the shot that is seen as the biggest laugh begins; without laughs, of the liveliest shot."""
    filmed = [one for one in timeline.pictures if one.clip is not None and one.scene != "title"]
    filmed = [one for one in filmed if one.scene == scene] or filmed
    if not filmed:
        return render.draw_card(timeline, timeline.pictures[0])
    laughs = sorted(timeline.laughs, key=lambda laugh: laugh.start - laugh.end)
    moments = [laugh.start - 4 for laugh in laughs]
    shown = [p for now in moments for p in filmed if p.start <= now < p.end][:6] or filmed
    chosen = max(shown, key=_liveliness)
    assert chosen.clip is not None
    frame = clips.read_frame(chosen.clip, chosen.frames[len(chosen.frames) // 2])
    return render.treatment(chosen, options).fitted(frame, width=timeline.width, height=timeline.height)


def _liveliness(picture: PictureCut) -> float:
    """The spread of colours in the middle frame of the clip."""
    assert picture.clip is not None
    return float(clips.read_middle_frame(picture.clip).std(axis=(0, 1)).sum())


def _shade(picture: Image.Image, height: float) -> None:
    """Darkens the picture towards its foot, so that letters stand out."""
    tall = min(picture.height, round(height))
    ramp = np.linspace(0, 200, tall, dtype=np.float32)[:, None].repeat(picture.width, axis=1)
    dark = Image.new("RGB", (picture.width, tall), (24, 14, 26))
    picture.paste(dark, (0, picture.height - tall), Image.fromarray(ramp.astype(np.uint8)))


def write_png(picture: Frames, out: Path, texts: Mapping[str, str] | None = None) -> None:
    """Writes a picture (h, w, 3) as PNG, with texts in it by their names."""
    info = PngImagePlugin.PngInfo()
    for name, text in (texts or {}).items():
        info.add_text(name, text)
    with atomic_write(out) as part:
        Image.fromarray(picture).save(part, format="PNG", pnginfo=info)


TAKES_FOLDER = "takes"


def write_take_sheet(folder: EpisodeFolder, shot: PlannedShot, *, picked: int | None = None) -> Path:
    """Writes takes/s04.2.png: every filmed take with its number and seed, the one that is cut in marked."""
    clips = artifacts.stored(folder.clips, ".mp4")
    chosen = shot.take if picked is None else picked
    entries = [
        SheetEntry(
            clips[take.digest].path,
            f"take {take.take}{', cut in' if take.take == chosen else ''}",
            f"seed {auto_takes.filmed_seed(take.seed, clips[take.digest].notes)}",
        )
        for take in stored_takes(shot, clips)
    ]
    path = folder.media_root / TAKES_FOLDER / f"{shot.label}.png"
    first = next((clips[take.digest] for take in stored_takes(shot, clips)), None)
    shape = first.recipe["width"] / first.recipe["height"] if first else 16 / 9
    with atomic_write(path) as part:
        draw_contact_sheet(entries, part, heading=f"{shot.label}: {shot.words}", shape=shape)
    return path
