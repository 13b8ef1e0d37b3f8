"""Clip files: the frames that a film model made, stored at the model's own size, small clips without loss."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from functools import lru_cache
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.workspace.files import atomic_write, sha256_of

Frames = NDArray[np.uint8]

LARGE_BYTES = 64 * 2**20  # of a clip's pictures; larger ones are stored with a loss that nobody sees
_NEAR_LOSSLESS = (
    *("-c:v", "libx264", "-crf", "6", "-preset", "veryfast"),
    *("-pix_fmt", "yuv444p", "-threads", "2"),
)
_LOSSLESS = ("-c:v", "libx264rgb", "-qp", "0", "-preset", "medium", "-threads", "1")


def write_clip(frames: Frames, fps: int, path: Path, *, numbers: Sequence[int] | None = None) -> None:
    """Writes `frames` (f, h, w, 3) uint8 as an mp4; `numbers` are those to write, all if left out.

    H.264 in RGB without loss, which decodes to exactly the same values: 16 frames of 224 × 128 are about
    650 kB. Pictures of more than 64 MB are coded with a loss that nobody sees, in YUV 4:4:4 with crf 6: five
    seconds of 832 × 480 are about 4 MB, of 1280 × 704 about 10 MB.
    Raises StudioError for other frames.
    """
    if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
        raise StudioError(f"{path}: wanted frames as uint8 (f, h, w, 3), got {frames.dtype} {frames.shape}")
    height, width = frames.shape[1:3]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(fps), "-i", "-"]
    order = range(len(frames)) if numbers is None else numbers
    coder = _NEAR_LOSSLESS if len(order) * frames[0].nbytes > LARGE_BYTES else _LOSSLESS
    command = ["-y", *source, *coder, "-f", "mp4"]
    with atomic_write(path) as part:
        doing = f"writing the clip {path}"
        with ffmpeg.open_input([*command, str(part.absolute())], doing=doing) as pipe:
            for number in order:
                pipe.write(np.ascontiguousarray(frames[number]).data)


def read_clip(path: Path) -> Frames:
    """Reads all frames of a clip, (f, h, w, 3) uint8, those of a large one to a temporary file.

    Raises StudioError.
    """
    rest = iter_frames(path)
    frames = [next(rest)]
    most = LARGE_BYTES // frames[0].nbytes
    for frame in rest:
        frames.append(frame)
        if len(frames) > most:
            return _mapped(frames, rest)
    return np.stack(frames)


def _mapped(frames: Sequence[Frames], rest: Iterable[Frames]) -> Frames:
    """The frames of a large clip in a file that ends with the array, and not in memory."""
    with tempfile.TemporaryFile(prefix="cold-open-clip-") as file:
        count = 0
        for several in (frames, rest):
            for frame in several:
                file.write(frame.data)
                count += 1
        file.flush()
        return np.memmap(file, np.uint8, "r", shape=(count, *frames[0].shape))


def iter_frames(path: Path) -> Generator[Frames]:
    """Reads the frames of a clip one after the other, (h, w, 3); at least one.

    Raises:
        StudioError: there is no such file, or no picture in it.
    """
    if not path.is_file():
        raise StudioError(f"{path}: wanted a clip, there is no such file; run again and it is filmed anew")
    source = ["-i", str(path.absolute()), "-map", "0:v:0", "-fps_mode", "passthrough"]
    pictures = [*source, "-f", "image2pipe", "-c:v", "ppm", "-"]
    found = 0
    with ffmpeg.open_output(pictures, doing=f"reading the clip {path}") as stream:
        while (frame := _read_ppm(stream)) is not None:
            found += 1
            yield frame
    if not found:
        raise StudioError(f"{path}: wanted a clip, found no picture in it; delete it and run again")


def read_frame(path: Path, number: int) -> Frames:
    """Reads one frame of a clip, (h, w, 3), without the others in memory."""
    with closing(ClipReader(path)) as frames:
        return frames[number]


def read_middle_frame(path: Path) -> Frames:
    """Reads the frame in the middle of a clip, (h, w, 3)."""
    return read_frame(path, sum(1 for _ in iter_frames(path)) // 2)


class ClipReader:
    """The frames of a clip by number, one of them in memory: for a clip that is played forwards.

    A number below the last one starts reading from the beginning. An ffmpeg process waits until `close`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin()

    def close(self) -> None:
        """Ends the ffmpeg process."""
        self._rest.close()

    def _begin(self) -> None:
        self._rest = iter_frames(self._path)
        self._now, self._number = next(self._rest), 0

    def __getitem__(self, number: int) -> Frames:
        if number < self._number:
            self.close()
            self._begin()
        for frame in islice(self._rest, number - self._number):
            self._now = frame
        self._number = number
        return self._now


def clip_hash(path: Path) -> str:
    """The SHA-256 of a clip's file, kept in memory by path, size and time. Raises StudioError."""
    try:
        status = path.stat()
    except OSError as error:
        raise StudioError(f"{path}: wanted a clip, there is none; run again and it is filmed anew") from error
    return _clip_hash(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _clip_hash(path: Path, num_bytes: int, changed_ns: int) -> str:
    return sha256_of(path)


def _read_ppm(stream: BufferedReader) -> Frames | None:
    """The next picture of a run of binary PPM files (`P6\\nwidth height\\n255\\n` and the bytes)."""
    head = [stream.readline() for _ in range(3)]
    if not head[0]:
        return None
    width, height = (int(number) for number in head[1].split())
    frame = np.empty((height, width, 3), np.uint8)
    return frame if stream.readinto(frame.data) == frame.nbytes else None


ClipSource = Literal[
    "model", "file"
]  # where a clip that TOON did not draw comes from: another model, one's own
