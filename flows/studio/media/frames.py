"""Reads pictures and films as frames for the film model: scaled to fill a size, the middle kept."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg, user_files
from flows.studio.media.clips import Frames
from flows.studio.workspace.files import list_files


def read_picture(file: Path, *, height: int, width: int) -> Frames:
    """Reads a picture file as uint8 (h, w, 3). Raises StudioError for what is none."""
    fitted = ImageOps.fit(user_files.open_picture(file), (width, height), Image.Resampling.LANCZOS)
    return np.asarray(fitted)


def read_film(file: Path, *, fps: int, height: int, width: int, most: int) -> tuple[Frames, bool]:
    """Reads the first frames (f, h, w, 3) of a film, at `fps` and at most `most`; and whether there are more.

    Raises:
        StudioError: there is no such file, or no picture that ffmpeg can read in it.
    """
    if not file.is_file():
        raise StudioError(f"{file}: wanted a film, there is no such file", code=2)
    try:
        frames = _film_frames(file, fps, height, width, most + 1)
    except StudioError as error:  # whose words are ffmpeg's own, for those who know it
        raise StudioError(
            f"{file}: wanted a film that ffmpeg can read, and it reads none there; try an mp4", code=2
        ) from error
    if not len(frames):
        raise StudioError(f"{file}: wanted a film, found no picture in it", code=2)
    return frames[:most], len(frames) > most


def _film_frames(file: Path, fps: int, height: int, width: int, most: int) -> Frames:
    """The first frames (f, h, w, 3) of a film at `fps`; one of a film that is shorter than one."""
    # Only this file: a playlist that is called a film opens no others.
    source = ["-protocol_whitelist", "file", "-i", str(file.absolute()), "-map", "0:v:0"]
    scaled = f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=lanczos"
    out = ["-frames:v", str(most), "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = b""
    for rate in (f"fps={fps}", f"fps={fps}:eof_action=pass"):
        graph = f"{rate},{scaled},crop={width}:{height}"
        pixels = pixels or ffmpeg.run(
            [*source, "-vf", graph, *out], doing=f"{file}: wanted a film that ffmpeg can read"
        )
    return np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)


FILM_SUFFIXES = (".mp4", ".gif")


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
    """The pictures and films of a folder, by name, each with the text of the .txt beside it or `caption`.

    Raises:
        StudioError: the folder has no such file, or a file has no caption.
    """
    if not folder.is_dir():
        raise StudioError(f"{folder}: wanted a folder of clips or pictures, there is none", code=2)
    kinds = (*user_files.STILL_SUFFIXES, *FILM_SUFFIXES)
    files = list_files(folder, kinds)
    if not files:
        raise StudioError(f"{folder}: wanted clips or pictures ({', '.join(kinds)}), got none", code=2)
    texts = list_files(folder, (".txt",))
    captions = {text.stem.lower(): text for text in texts} | {text.stem: text for text in texts}
    return [
        CaptionedFile(file, _words(file, captions.get(file.stem, captions.get(file.stem.lower())), caption))
        for file in files
    ]


def _words(file: Path, beside: Path | None, caption: str | None) -> str:
    try:
        text = " ".join(_decode(beside.read_bytes()).split()) if beside else ""
    except (OSError, ValueError) as error:
        raise StudioError(f"{beside}: wanted a caption in UTF-8, got {error}", code=2) from None
    words = text or caption
    if not words:
        raise StudioError(
            f"{file}: wanted its caption in {file.stem}.txt, got none; write what is seen, or give all such "
            "files one with --caption",
            code=2,
        )
    return words


def _decode(content: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its byte order mark. Raises ValueError."""
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")


def read_frames(files: Sequence[CaptionedFile], framing: FrameFormat) -> Iterator[Frames]:
    """Reads the frames (f, h, w, 3) of every file, in order, in several processes; a picture has one frame.

    Raises:
        StudioError: a file cannot be read.
    """
    workers = max(1, min(8, (cpu_count() or 2) - 1, len(files)))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(_frames, [c.file for c in files], [framing] * len(files))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _frames(file: Path, framing: FrameFormat) -> Frames:
    size = (framing.width, framing.height)
    if user_files.is_still(file):
        fitted = ImageOps.fit(user_files.open_picture(file), size, Image.Resampling.LANCZOS)
        return np.asarray(fitted)[None].copy()
    try:
        frames = _film_frames(file, framing.fps, framing.height, framing.width, framing.num_frames)
    except StudioError as error:
        raise StudioError(*error.args, code=2) from None
    if not len(frames):
        raise StudioError(f"{file}: wanted a film, found no picture in it", code=2)
    return frames.copy()
