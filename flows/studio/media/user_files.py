"""A person's own clips and pictures in place of filming: found, copied, made to fit the film."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg, films, pictures
from flows.studio.media.clip_rate import full_rate_notes
from flows.studio.media.clips import Frames
from flows.studio.rates import FPS
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.files import atomic_write, content_hash

COPIES_FOLDER = "files"  # the folder in the episode's own that the originals are copied into
STILL_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".avif")
LONGEST_SECONDS = 10  # of a clip of one's own: one that goes back and forth is in memory while it is cut
LONGEST_TITLE_SECONDS = 60
STILL_SECONDS = 5
PUSH_IN = 1.12  # how much nearer a still is at its end

_HASH = "[0-9a-f]" * 8  # what a copy's name begins with
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


def is_still(file: Path) -> bool:
    """True for a file that holds one picture, by its content; for a broken one, its name decides."""
    info = pictures.inspect_picture(file)
    if info is not None:
        return not info.is_animated
    header = films.read_header(file)
    return file.suffix.lower() in STILL_SUFFIXES if header.fault else header.is_one_picture


def is_animated_picture(file: Path) -> bool:
    """True for an animated WebP, PNG or AVIF, whose frames Pillow reads; a GIF is a film for ffmpeg."""
    info = pictures.inspect_picture(file)
    return info is not None and info.is_animated and info.format != "GIF"


def corrections(file: Path) -> tuple[str, ...]:
    """The names of what the clip of a file owes to more than decoding and fitting, for its recipe.

    Clips made before these corrections keep their recipes where there is nothing to correct.
    """
    info = pictures.inspect_picture(file)
    if info is not None and info.format != "GIF":
        return info.corrections
    return films.read_header(file).corrections if info is None or info.is_animated else info.corrections


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
        still = is_still(file)
        if still:
            num_frames = _write_frames(_nearer(open_picture(file), size, STILL_SECONDS * FPS), size, path)
        elif is_animated_picture(file):
            num_frames = _write_frames(_animated(file, size, longest), size, path)
        else:
            num_frames = _conform(file, size, longest, path)
        return {
            **full_rate_notes(num_frames),
            "has_sound": not still and films.read_header(file).has_sound,
            "written": str(file),
        }

    return artifacts.create(place, label, recipe, ".mp4", write=write)


def conform_film(file: Path, size: tuple[int, int], *, out: Path) -> int:
    """Writes a film of any size and rate as the pictures of a clip: of this size, filling it, 24 a second.

    It is as long as it is, at most ten seconds. Returns how many pictures. Raises StudioError if it has none.
    """
    return _conform(file, size, LONGEST_SECONDS, out)


def check_media(file: Path) -> None:
    """Reads a picture, or the first frame of a film, as its clip is made.

    Raises:
        StudioError: there is none in it.
    """
    if is_still(file):
        open_picture(file)
    elif is_animated_picture(file):
        next(pictures.iter_animation(file, fps=FPS, seconds=1))
    else:
        graph = films.filter_graph(file, fps=FPS, size=(16, 16), is_short=True)
        if not films.read_film(file, ["-vf", graph, "-frames:v", "1", "-f", "rawvideo", "-"]):
            raise _no_picture(file)


def _no_picture(file: Path) -> StudioError:
    return StudioError(f"{file}: wanted a film or a picture, found no picture in it", code=2)


def _conform(file: Path, size: tuple[int, int], longest_seconds: int, out: Path) -> int:
    for is_short in (False, True):
        graph = films.filter_graph(file, fps=FPS, size=size, is_short=is_short)
        output = ["-an", "-t", str(longest_seconds), "-vf", graph, *_CODING, str(out)]
        films.read_film(file, output, before=["-y"])
        with suppress(StudioError):  # of a film without a frame
            return ffmpeg.probe(out).num_frames
    raise _no_picture(file)


def _write_frames(frames: Iterator[Frames], size: tuple[int, int], out: Path) -> int:
    """Encodes frames of that size as they come; returns how many."""
    width, height = size
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    num_frames = 0
    with ffmpeg.open_input(["-y", *source, *_CODING, str(out)], doing=f"writing {out}") as pipe:
        for frame in frames:
            pipe.write(frame.tobytes())
            num_frames += 1
    return num_frames


def _animated(file: Path, size: tuple[int, int], longest_seconds: int) -> Iterator[Frames]:
    """The frames of an animated picture, filling the frame, its middle kept."""
    for picture in pictures.iter_animation(file, fps=FPS, seconds=longest_seconds):
        yield np.asarray(ImageOps.fit(picture, size, Image.Resampling.BICUBIC))


def open_picture(file: Path) -> Image.Image:
    """The picture in a file, upright, in RGB, on white where it is transparent.

    Pillow reads it, or ffmpeg what Pillow does not know. Raises StudioError for what is none, or too large.
    """
    if not pictures.is_known(file) and films.read_header(file).is_one_picture:
        return films.read_one_picture(file)
    return pictures.open_picture(file)


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
