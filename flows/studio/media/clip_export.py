"""Clips in the formats that people share (mp4, gif, PNG), with the settings that made them.

The settings are JSON in the file's comment (mp4 and gif) or in every PNG's text chunk `Comment`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg, gif
from flows.studio.media.clips import Frames
from flows.studio.workspace.files import atomic_write, disk_errors, is_clutter, list_files

FORMATS = (".mp4", ".gif")
MAX_GIF_BYTES = 64_000_000
_FRAME = re.compile(r"\d{6}\.png")
_CODING = ("-c:v", "libx264", "-crf", "12", "-preset", "slow", "-pix_fmt", "yuv420p", "-threads", "2")


def check_target(path: Path) -> None:
    """Raises StudioError for a path that no clip can be written to, before anything is filmed."""
    if path.suffix.lower() not in ("", *FORMATS):
        raise StudioError(
            f"--out {path}: wanted a name in .mp4 or .gif, or a folder for PNG, got {path.suffix}", code=2
        )
    if path.suffix.lower() in FORMATS and path.is_dir():
        raise StudioError(f"--out {path}: wanted a file's name, there is a folder", code=2)
    if path.suffix == "" and path.exists():
        _check_folder(path)


def _check_folder(folder: Path) -> None:
    entries = [each for each in folder.iterdir() if not is_clutter(each)] if folder.is_dir() else [folder]
    foreign = next((each for each in entries if not _FRAME.fullmatch(each.name)), None)
    if foreign is not None:
        raise StudioError(f"--out {folder}: wanted a folder for PNG frames alone, there is {foreign}", code=2)


def export_clip(frames: Frames, fps: int, path: Path, settings: Mapping[str, Any]) -> None:
    """Writes frames (f, h, w, 3) as .mp4 or .gif by the path's suffix, else as a folder of PNG files.

    mp4 has the colours of every player (yuv420p); PNG alone is without loss.
    """
    comment = json.dumps(settings, ensure_ascii=True)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".mp4":
        _write_mp4(frames, fps, path, comment)
    elif path.suffix.lower() == ".gif":
        _write_gif(frames, fps, path, comment)
    else:
        _write_pngs(frames, path, comment)


def _write_mp4(frames: Frames, fps: int, path: Path, comment: str) -> None:
    height, width = frames.shape[1:3]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    tags = ["-metadata", f"comment={comment}", "-movflags", "+faststart"]
    with atomic_write(path) as part:
        ffmpeg.run(
            ["-y", *source, *_CODING, *tags, str(part.absolute())],
            doing=f"writing {path}",
            stdin=np.ascontiguousarray(frames).tobytes(),
        )


def _write_gif(frames: Frames, fps: int, path: Path, comment: str) -> None:
    with atomic_write(path) as part:
        gif.write_gif(frames, fps, part, most_bytes=MAX_GIF_BYTES)
        part.write_bytes(gif_with_comment(part.read_bytes(), comment.encode("ascii")))


def gif_with_comment(content: bytes, comment: bytes) -> bytes:
    """The bytes of a gif with a comment before its first picture (GIF89a, section 24)."""
    packed = content[10]
    start = 13 + (3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0)
    blocks = [comment[place : place + 255] for place in range(0, len(comment), 255)]
    extension = b"\x21\xfe" + b"".join(bytes([len(block)]) + block for block in blocks) + b"\x00"
    return content[:start] + extension + content[start:]


def _write_pngs(frames: Frames, folder: Path, comment: str) -> None:
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    _check_folder(folder)
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", comment)
    for number, frame in enumerate(frames, start=1):
        with atomic_write(folder / f"{number:06d}.png") as part:
            Image.fromarray(frame).save(part, pnginfo=info)
    for old in list_files(folder, (".png",))[len(frames) :]:  # of a longer clip that lay here before
        old.unlink()


# ------------------------------------------------------------------------------------------ reading back


def read_settings(path: Path) -> dict[str, Any]:
    """Reads the settings that a clip was filmed with. Raises StudioError for a file without them."""
    file = path
    if path.is_dir():
        file = min(
            (each for each in path.iterdir() if _FRAME.fullmatch(each.name)), default=path / "000001.png"
        )
    if not file.is_file():
        raise StudioError(f"{file}: wanted a clip, there is no such file", code=2)
    comment = _mp4_comment(file) if file.suffix.lower() == ".mp4" else _picture_comment(file)
    try:
        settings = json.loads(comment)
    except ValueError:
        settings = None
    if not isinstance(settings, dict) or not isinstance(settings.get("prompt"), str):
        raise StudioError(
            f"{path}: wanted a clip that says what it was filmed with, got none; `clip` writes such ones",
            code=2,
        )
    return settings


def _mp4_comment(path: Path) -> str:
    """The comment in ffmpeg's metadata file: `key=value`, with a backslash before `=;#\\` and a new line."""
    try:
        text = ffmpeg.run(
            ["-i", str(path.absolute()), "-f", "ffmetadata", "-"], doing=f"reading {path}"
        ).decode()
    except StudioError as error:
        raise StudioError(str(error), code=2) from None
    found = re.search(r"^comment=((?:[^\n\\]|\\[\s\S])*)", text, re.MULTILINE)
    return re.sub(r"\\([\s\S])", r"\1", found[1]) if found else ""


def _picture_comment(path: Path) -> str:
    try:
        with Image.open(path, formats=("PNG", "GIF")) as image:
            comment = image.info.get("Comment") or image.info.get("comment") or ""
    except (OSError, ValueError, SyntaxError):
        return ""
    return comment.decode("ascii", "replace") if isinstance(comment, bytes) else str(comment)
