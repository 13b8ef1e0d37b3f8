"""A person's own clips and pictures in place of filming: found, copied, fitted to the film's size and rate.

A clip made from a file has the film's own 24 frames a second, where a filmed one has 8. Framing counts in
eighths of a second all the same; `at_full_rate` puts the frames between them back.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.media.clips import Frames, iter_frames
from flows.studio.rates import CLIP_HOLD, FPS
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.files import atomic_write, content_hash, read_json

COPIES_FOLDER = "files"  # the folder in the episode's own that the originals are copied into
STILL_SUFFIXES = (".png", ".jpg", ".jpeg")
LONGEST_SECONDS = 10  # of a clip of one's own: one that goes back and forth is in memory while it is cut
LONGEST_TITLE_SECONDS = 60
STILL_SECONDS = 5
PUSH_IN = 1.12  # how much nearer a still is at its end
MAX_PIXELS = 50_000_000

_HASH = "[0-9a-f]" * 8  # what a copy's name begins with
_WANTED = "wanted a film that ffmpeg can read"
_READERS = {".mp4": ("-f", "mov"), ".gif": ("-f", "gif", "-ignore_loop", "1")}
_CODING = ("-c:v", "libx264", "-crf", "12", "-preset", "veryfast", "-pix_fmt", "yuv444p", "-threads", "2")


def locate(name: str, places: Sequence[Path], *, where: str) -> Path:
    """Finds a file by name in the folders of script and premise, or the copy that an earlier run stored.

    Raises:
        StudioError: it is in none of them; the message begins with `where`.
    """
    for place in places:
        path = place / Path(name).expanduser()
        if path.is_file():
            return path
    kept = [
        copy for place in places for copy in sorted((place / COPIES_FOLDER).glob(f"{_HASH}-{_plain(name)}"))
    ]
    if kept:
        return max(kept, key=lambda copy: copy.stat().st_mtime_ns)
    looked = " or in ".join(dict.fromkeys(str(place) for place in places))
    raise StudioError(f"{where}: wanted the file {name}, got nothing at this path in {looked}", code=2)


def _plain(name: str) -> str:
    """A file's name that is safe in any folder."""
    kept = "".join(sign if sign.isalnum() or sign in "._-" else "-" for sign in Path(name).name)
    return kept[-60:].lstrip(".-") or "file"


def store_copy(path: Path, folder: Path) -> Path:
    """Copies a file into the episode's folder, once, and returns the copy's path."""
    place = folder / COPIES_FOLDER
    copy = place / f"{content_hash(path)[:8]}-{_plain(path.name)}"
    if place not in path.parents and not copy.exists():
        with atomic_write(copy) as part:
            shutil.copyfile(path, part)
    return copy


def is_still(path: Path) -> bool:
    """True for a picture file."""
    return path.suffix.lower() in STILL_SUFFIXES


# ------------------------------------------------------------------------------------------------ clips


def make_clip(
    file: Path, place: Path, *, label: str, recipe: Mapping[str, Any], size: tuple[int, int]
) -> Artifact:
    """Makes the clip of a file at the film's size: filling it, the middle kept.

    Stores a copy of the original too. A film is as long as it is, at most the recipe's `longest_seconds`,
    else ten seconds. In the notes `num_frames` counts eight frames a second, `full_frames` the clip's own;
    `has_sound` is about the file, for a clip is silent.
    """
    store_copy(file, place.parent)

    def write(path: Path) -> Mapping[str, Any]:
        longest = recipe.get("longest_seconds", LONGEST_SECONDS)
        num_frames = _push_in(file, size, path) if is_still(file) else _conform(file, size, longest, path)
        return {
            "num_frames": -(-num_frames // CLIP_HOLD),
            "full_frames": num_frames,
            "has_sound": not is_still(file) and ffmpeg.has_sound(file),
            "written": str(file),
        }

    return artifacts.create(place, label, recipe, ".mp4", write=write)


def check_media(file: Path) -> None:
    """Raises StudioError for a picture or a film that cannot be read as its suffix says."""
    if is_still(file):
        open_picture(file)
    elif file.suffix.lower() in _READERS:
        ffmpeg.run([*_source(file), "-frames:v", "1", "-f", "null", "-"], doing=f"{file}: {_WANTED}")


def _source(file: Path) -> list[str]:
    return ["-protocol_whitelist", "file", *_READERS[file.suffix.lower()], "-i", str(file.absolute())]


def _conform(file: Path, size: tuple[int, int], longest_seconds: int, out: Path) -> int:
    width, height = size
    fitted = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
    ffmpeg.run(
        [
            "-y",
            *_source(file),
            "-an",
            "-t",
            str(longest_seconds),
            "-vf",
            f"fps={FPS},{fitted}",
            *_CODING,
            str(out),
        ],
        doing=f"{file}: {_WANTED}",
    )
    return ffmpeg.probe(out).num_frames


def _push_in(file: Path, size: tuple[int, int], out: Path) -> int:
    width, height = size
    num_frames = STILL_SECONDS * FPS
    frames = b"".join(frame.tobytes() for frame in _nearer(open_picture(file), size, num_frames))
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    ffmpeg.run(["-y", *source, *_CODING, str(out)], doing=f"writing the clip of {file}", stdin=frames)
    return num_frames


def open_picture(file: Path) -> Image.Image:
    """Opens a picture file, upright, in RGB. Raises StudioError for what is none, or has too many pixels."""
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAX_PIXELS:
                got = f"{image.width} x {image.height}"
                raise StudioError(
                    f"{file}: wanted at most {MAX_PIXELS:,} pixels, got {got}, try a smaller one", code=2
                )
            return ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError) as error:
        raise StudioError(f"{file}: wanted a picture (png, jpg), got {error}", code=2) from None


def _nearer(image: Image.Image, size: tuple[int, int], num_frames: int) -> Iterator[Frames]:
    """The picture filling the frame, slowly coming nearer; it begins and ends gently."""
    width, height = size
    fill = min(image.width / width, image.height / height)
    for number in range(num_frames):
        done = number / max(1, num_frames - 1)
        zoom = 1 + (PUSH_IN - 1) * done * done * (3 - 2 * done)
        wide, high = width * fill / zoom, height * fill / zoom
        left, top = (image.width - wide) / 2, (image.height - high) / 2
        box = (left, top, left + wide, top + high)
        yield np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box))


def iter_at_clip_rate(clip: Path) -> Iterator[Frames]:
    """Reads eight frames a second of a clip, one after the other, at any rate of the clip."""
    made = (read_json(clip.with_suffix(".json")) or {}).get("made")
    is_at_full_rate = isinstance(made, Mapping) and "full_frames" in made
    return islice(iter_frames(clip), 0, None, CLIP_HOLD if is_at_full_rate else 1)


def at_full_rate(frames: Sequence[int], full_frames: int) -> tuple[int, ...]:
    """The clip's own 24 frames a second for a cut that counts eighths, forwards and backwards.

    An eighth that is held for more than three frames is a still picture or slow motion.
    """
    runs = [(index, len(list(run))) for index, run in groupby(frames)]
    usual = max(CLIP_HOLD, sorted(length for _, length in runs)[(len(runs) - 1) // 2]) if runs else 0
    found: list[int] = []
    for place, (index, length) in enumerate(runs):
        came_from = runs[place - 1][0] if place else None
        backwards = came_from == index + 1 or (place == 0 and runs[1:2] and runs[1][0] == index - 1)
        for step in range(length):
            offset = min(CLIP_HOLD - 1, step * CLIP_HOLD // min(usual, max(CLIP_HOLD, length)))
            offset = CLIP_HOLD - 1 - offset if backwards else offset
            found.append(min(index * CLIP_HOLD + offset, full_frames - 1))
    return tuple(found)
