"""Reads pictures and films as frames for the film model: scaled to fill a size, the middle kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from flows.studio.errors import StudioError
from flows.studio.media import films, pictures, user_files
from flows.studio.media.clips import Frames
from flows.studio.workspace.files import list_files
from scripts_llm.files.source import read_text


def read_picture(file: Path, *, height: int, width: int) -> Frames:
    """Reads a picture file as uint8 (h, w, 3). Raises StudioError for what is none."""
    fitted = ImageOps.fit(user_files.open_picture(file), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def read_film(file: Path, *, fps: int, height: int, width: int, most: int) -> tuple[Frames, bool]:
    """At most `most` frames (f, h, w, 3) of a film from its beginning, at `fps`; whether there are more.

    Raises StudioError for a file without a film.
    """
    if not file.is_file():
        raise StudioError(f"{file}: wanted a film, there is no such file", code=2)
    try:
        frames = _frames_of(file, FrameFormat(most + 1, fps, height, width))
    except StudioError as error:
        if not user_files.is_still(file):
            raise
        raise StudioError(
            f"{file}: wanted a film that ffmpeg can read, got a picture that is broken", code=2
        ) from error
    return frames[:most], len(frames) > most


def _frames_of(file: Path, frame_format: FrameFormat) -> Frames:
    """The first frames (f, h, w, 3) of a picture or a film; at least one, of a picture exactly one."""
    size = (frame_format.width, frame_format.height)
    if user_files.is_still(file):
        return read_picture(file, height=size[1], width=size[0])[None].copy()
    if user_files.is_animated_picture(file):
        seconds = frame_format.num_frames / frame_format.fps
        pages = pictures.iter_animation(file, fps=frame_format.fps, seconds=seconds)
        return np.stack([np.asarray(ImageOps.fit(page, size, Image.Resampling.LANCZOS)) for page in pages])
    raw = ["-frames:v", str(frame_format.num_frames), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = b""
    for is_short in (False, True):
        graph = films.filter_graph(file, fps=frame_format.fps, size=size, flags="lanczos", is_short=is_short)
        pixels = pixels or films.read_film(file, ["-vf", graph, *raw])
    frames = np.frombuffer(pixels, np.uint8).reshape(-1, size[1], size[0], 3)
    if not len(frames):
        raise StudioError(f"{file}: wanted a film, found no picture in it", code=2)
    return frames.copy()


FILM_SUFFIXES = (".mp4", ".gif", ".mov", ".m4v", ".webm", ".mkv", ".avi")


@dataclass(frozen=True)
class CaptionedFile:
    """A picture or film file and its caption."""

    file: Path
    caption: str


@dataclass(frozen=True)
class FrameFormat:
    """The size, rate and number of frames at which files are read; a shorter film gives fewer frames."""

    num_frames: int
    fps: int
    height: int
    width: int


def find_captioned_files(folder: Path, caption: str | None) -> list[CaptionedFile]:
    """The pictures and films of a folder, by name, each with the .txt or .caption beside it, or `caption`.

    Raises:
        StudioError: the folder has no such file, or a file has no caption.
    """
    if not folder.is_dir():
        raise StudioError(f"{folder}: wanted a folder of clips or pictures, there is none", code=2)
    kinds = (*user_files.STILL_SUFFIXES, *FILM_SUFFIXES)
    files = list_files(folder, kinds)
    if not files:
        raise StudioError(f"{folder}: wanted clips or pictures ({', '.join(kinds)}), got none", code=2)
    texts = list_files(folder, (".caption",)) + list_files(folder, (".txt",))  # the later ones count
    captions = {text.stem.lower(): text for text in texts} | {text.stem: text for text in texts}
    return [
        CaptionedFile(file, _words(file, captions.get(file.stem, captions.get(file.stem.lower())), caption))
        for file in files
    ]


def _words(file: Path, beside: Path | None, caption: str | None) -> str:
    text = (
        "" if beside is None else " ".join(read_text(beside, what="caption").removeprefix("\ufeff").split())
    )
    words = text or caption
    if not words:
        raise StudioError(
            f"{file}: wanted its caption in {file.stem}.txt, got none; write what is seen, or give all such "
            "files one with --caption",
            code=2,
        )
    return words


def read_frames(files: Sequence[CaptionedFile], framing: FrameFormat) -> Iterator[Frames]:
    """Reads the frames (f, h, w, 3) of every file, in order, in several processes; a picture has one frame.

    Raises:
        StudioError: a file cannot be read.
    """
    workers = max(1, min(8, (cpu_count() or 2) - 1, len(files)))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(_frames_of, [c.file for c in files], [framing] * len(files))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
