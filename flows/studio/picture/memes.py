"""Memes: one clip that goes back and forth for ever, with two texts in the classic look, or a bar above."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from flows.studio.filming.settings import picture_size
from flows.studio.filming.shots import PlannedShot
from flows.studio.media import clip_rate, clips, ffmpeg
from flows.studio.media.clips import ClipSource, Frames
from flows.studio.media.gif import write_gif
from flows.studio.picture import render
from flows.studio.picture.contact_sheet import write_png
from flows.studio.picture.fit import fit_frame, fit_frames
from flows.studio.picture.verify import FinishedFilm
from flows.studio.picture.watermark import Treatment
from flows.studio.rates import CLIP_HOLD, FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.timeline.model import Framing
from flows.studio.typography.lettering import (
    BOLD,
    FittedText,
    Ink,
    draw_text,
    drawable,
    fit_text,
    with_clear_lines,
)
from flows.studio.workspace.files import atomic_write
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.premise import Meme, Premise
from scripts_llm.screenplay.script import Script

AS_DRAWN = Treatment()
SHORTEST = 6.0  # seconds of the mp4
LARGEST_GIF = 8_000_000
WHITE_ON_BLACK = Ink((255, 255, 255), (0, 0, 0), edge_width=0.085)
BLACK_ON_WHITE = Ink((0, 0, 0), (0, 0, 0), edge_width=0.0)
LOST = 0.3  # under a bar the clip is cropped if it loses no more; else it stands whole on its own blur
# Where texts begin and end, in shares of the height; a tall film leaves room for what the apps draw over it.
EDGES, TALL_EDGES = (0.03, 0.97), (0.135, 0.765)
_GREEK_CAPITALS = str.maketrans("ΆΈΉΊΌΎΏ", "ΑΕΗΙΟΥΩ")  # a word in capitals has no accent


@dataclass(frozen=True)
class MemeText:
    """A meme's texts: over the picture above and below, and in a white bar above it."""

    top: str = ""
    bottom: str = ""
    bar: str = ""


@dataclass(frozen=True)
class MemeFiles:
    """The files of a meme; those that are None are not made."""

    mp4: Path
    gif: Path | None = None
    poster: Path | None = None


def boomerang(num_frames: int) -> tuple[int, ...]:
    """The numbers of a clip's frames there and back again; neither end comes twice, so no seam shows."""
    return (*range(num_frames), *range(num_frames - 2, 0, -1))


def num_meme_frames(num_frames: int, *, seconds: float = SHORTEST, held: int = CLIP_HOLD) -> int:
    """The timeline frames of a meme: its whole cycle, as often as fills `seconds`; each frame is `held`."""
    once = len(boomerang(num_frames)) * held
    return -(-round(seconds * FPS) // once) * once


def draw_texts(frames: Frames, top: str, bottom: str) -> Frames:
    """Draws both texts on frames (f, h, w, 3): capitals, white, black edge, as large as the width allows."""
    height, width = frames.shape[1:3]
    texts = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    first, last = TALL_EDGES if height > width else EDGES
    most = round(min(width, height) * 0.15)
    for words, is_top in ((top, True), (bottom, False)):
        capitals = words.upper().translate(_GREEK_CAPITALS)
        text = with_clear_lines(
            fit_text(capitals, round(width * 0.94), round(height * 0.27), largest=most, most_lines=2)
        )
        at = height * first if is_top else height * last - text.height
        draw_text(texts, text, width / 2, _inside(at, text, height), WHITE_ON_BLACK)
    ink = np.asarray(texts)
    share = ink[..., 3:].astype(np.uint16)
    rows = np.flatnonzero(share.any(axis=(1, 2)))  # only where there are letters
    out = frames.copy()
    for frame in out:
        under = frame[rows].astype(np.uint16)
        frame[rows] = ((ink[rows, :, :3] * share[rows] + under * (255 - share[rows]) + 127) // 255).astype(
            np.uint8
        )
    return out


def _inside(top: float, text: FittedText, height: int) -> float:
    """`top`, moved so far that every mark of the text, with its edge, is in a picture of this height."""
    if not text.lines:
        return top
    begin, end = text.ink
    edge = math.ceil(text.size * WHITE_ON_BLACK.edge_width) + 1
    return min(max(top, edge - begin), height - edge - end)


def draw_bar(width: int, height: int, words: str) -> tuple[Frames, FittedText]:
    """A white bar with black text for the top of a film of this size, (h, w, 3), and its fitted text.

    The bar is as high as its text needs, at most two fifths of a wide film; a tall film's text begins under
    what the apps draw over it.
    """
    margin = round(min(width, height) * 0.03)
    top = round(height * TALL_EDGES[0]) if height > width else margin
    largest = round(min(width, height) * 0.09)
    text = fit_text(words, width - 2 * margin, round(height * 0.3), face=BOLD, largest=largest, most_lines=3)
    text = with_clear_lines(text)
    # Letters hang under their line by about a fifth of their size, so the space below is that much larger.
    rows = (top + text.height + margin + round(text.size * 0.2)) // 2 * 2
    bar = Image.new("RGB", (width, rows), (255, 255, 255))
    draw_text(bar, text, width / 2, top, BLACK_ON_WHITE)
    return np.array(bar), text


def place_under_bar(frames: Frames, bar: Frames, *, width: int, height: int, is_drawn: bool = True) -> Frames:
    """Enlarges the clip's frames to (f, height, width, 3), each with the bar above it."""
    room = height - len(bar)
    shape = (frames.shape[2] / frames.shape[1]) / (width / room)
    framing: Framing = "crop" if min(shape, 1 / shape) >= 1 - LOST else "blur"
    pictures = [
        fit_frame(frame, width=width, height=room, framing=framing, is_drawn=is_drawn) for frame in frames
    ]
    return np.stack([np.concatenate([bar, picture]) for picture in pictures])


def _pictures(read: Iterator[Frames], words: MemeText, width: int, height: int, how: Treatment) -> Frames:
    """The clip's frames as they are seen, with all texts."""
    small = np.stack([how.hidden(frame, width=width, height=height) for frame in read])
    if not drawable(words.bar).strip():
        frames = fit_frames(small, width=width, height=height, is_drawn=how.is_drawn)
        return draw_texts(frames, words.top, words.bottom)
    bar, _ = draw_bar(width, height, words.bar)
    frames = place_under_bar(small, bar, width=width, height=height, is_drawn=how.is_drawn)
    frames[:, len(bar) :] = draw_texts(frames[:, len(bar) :], words.top, words.bottom)
    return frames


def render_meme(
    clip: Path,
    files: MemeFiles,
    *,
    words: MemeText,
    size: tuple[int, int],
    wav: Path | None = None,
    seconds: float = SHORTEST,
    how: Treatment = AS_DRAWN,
) -> int:
    """Writes a meme of `size` (width, height); returns its length in frames of the timeline.

    `wav` is its sound, cut or continued with silence to that length; without it the film is silent.
    """
    width, height = size
    held = 1 if clip_rate.is_filmed_at_full_rate(clip) else CLIP_HOLD
    read = clips.iter_frames(clip) if held == 1 else clip_rate.iter_at_clip_rate(clip)
    frames = _pictures(read, words, width, height, how)
    order = boomerang(len(frames))
    num_frames = num_meme_frames(len(frames), seconds=seconds, held=held)
    with tempfile.TemporaryDirectory(prefix="cold-open-meme-") as folder:
        silent = Path(folder, "silent.mp4")
        render.encode_film(lambda n: frames[order[n // held % len(order)]], num_frames, silent)
        sound = _as_long_as(wav, num_frames, Path(folder, "sound.wav")) if wav else None
        render.join_segments([silent], sound, files.mp4)
    if files.gif is not None:
        eighths = frames[list(order[:: CLIP_HOLD // held])]
        write_gif(eighths, FPS // CLIP_HOLD, files.gif, most_bytes=LARGEST_GIF)
    if files.poster is not None:
        write_png(frames[len(frames) // 2], files.poster)
    return num_frames


def _as_long_as(wav: Path, num_frames: int, out: Path) -> Path:
    """The sound with exactly the picture's length."""
    end = num_frames * SAMPLES_PER_FRAME
    shape = f"aresample={SAMPLE_RATE},apad,atrim=end_sample={end}"
    ffmpeg.run(["-y", "-i", str(wav.absolute()), "-af", shape, str(out)], doing=f"fitting {wav} to the meme")
    return out


def meme_of(premise: Premise, script: Script | None = None) -> Meme:
    """The meme of the script, else of the premise, else one from its logline."""
    if script is not None and script.meme is not None:
        return script.meme
    if premise.meme is not None:
        return premise.meme
    logline = premise.logline or premise.show
    top, comma, bottom = logline.rstrip(".").partition(", ")
    return Meme(picture=logline, top=top[:120] if comma else "", bottom=(bottom if comma else logline)[:120])


def meme_recipe(premise: Premise, script: Script, shot: PlannedShot) -> Mapping[str, Any]:
    """The recipe of a finished meme."""
    meme = meme_of(premise, script)
    recipe = {
        "kind": "meme",
        "program": metadata.version("cold-open"),
        "clip": shot.digest,
        "top": meme.top,
        "bottom": meme.bottom,
        "size": list(picture_size(premise)),
    }
    hidden = premise.video.watermark
    asked = {
        "bar": meme.bar,
        "watermark": hidden,
        "show": premise.show if hidden == "bug" else None,
        "every": CLIP_HOLD if shot.source == "file" else None,  # before, it was three times too slow
    }
    return {**recipe, **{key: value for key, value in asked.items() if value}}


def write_meme(
    premise: Premise, script: Script, clip: Path, folder: EpisodeFolder, *, source: ClipSource | None = None
) -> FinishedFilm:
    """Writes the film, the gif and the poster of a meme's folder."""
    meme = meme_of(premise, script)
    how = Treatment(source is None, None if source == "file" else premise.video.watermark, premise.show)
    with (
        atomic_write(folder.film) as mp4,
        atomic_write(folder.gif) as gif,
        atomic_write(folder.poster) as poster,
    ):
        num_frames = render_meme(
            clip,
            MemeFiles(mp4=mp4, gif=gif, poster=poster),
            words=MemeText(meme.top, meme.bottom, meme.bar),
            size=picture_size(premise),
            how=how,
        )
    return FinishedFilm(num_frames, round(num_frames / FPS, 3))
