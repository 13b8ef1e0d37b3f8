"""Runs imageio-ffmpeg's ffmpeg, quotes paths for it, and counts what is in a media file."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import cast

from flows.studio.errors import StudioError
from flows.studio.rates import SAMPLE_RATE
from flows.studio.workspace import posix
from flows.studio.workspace.files import MAKE_ROOM_HINT

# The film's sound, encoded once. At this rate the fast search without tricks is nearer to the original than
# the encoder's own choice (by 7 dB), in half the time.
_AAC_SEARCH = ("-aac_coder", "fast", "-aac_pns", "0", "-aac_is", "0")
AAC_OPTIONS = ("-c:a", "aac", "-b:a", "192k", *_AAC_SEARCH, "-ar", str(SAMPLE_RATE))

# Formats that hold their pictures and sounds themselves: a playlist that is called a film opens no others.
_SELF_CONTAINED = (
    "mov,matroska,webm,gif,apng,avi,mpegts,mpeg,mpegvideo,ogg,flv,asf,mxf,dv,ivf,nut,rm,m4v,h264,hevc,av1,obu,"
    "yuv4mpegpipe,webp_anim,"
    "wav,w64,mp3,flac,aiff,au,caf,aac,ac3,eac3,dts,truehd,amr,ape,tta,wv,voc,dsf,mpc,mpc8,oma,"
    "png_pipe,jpeg_pipe,tiff_pipe,webp_pipe,bmp_pipe,jpegxl_pipe,jpegxl_anim,exr_pipe,dpx_pipe,psd_pipe,qoi_pipe,"
    "pgm_pipe,ppm_pipe,pam_pipe,hdr_pipe,sgi_pipe,pcx_pipe,image2"
)
ONLY_THIS_FILE = ("-protocol_whitelist", "file", "-format_whitelist", _SELF_CONTAINED)

_LAST_FRAME = re.compile(rb"frame=\s*(\d+)")
_STREAM = re.compile(r"Stream #\d+:\d+.*?: (Video|Audio): (.*)")
_DIMENSIONS = re.compile(r"\b(\d{2,5})x(\d{2,5})\b")


@lru_cache(maxsize=1)
def executable() -> str:
    """The path of an ffmpeg that has libass, x264 and AAC (`IMAGEIO_FFMPEG_EXE` names another one)."""
    import imageio_ffmpeg

    try:
        path: str = imageio_ffmpeg.get_ffmpeg_exe()
        listing = subprocess.run([path, "-hide_banner", "-filters"], capture_output=True, check=False).stdout
    except (OSError, RuntimeError) as error:
        named = os.environ.get("IMAGEIO_FFMPEG_EXE")
        hint = "unset IMAGEIO_FFMPEG_EXE" if named else "reinstall imageio-ffmpeg"
        said = error.strerror if isinstance(error, OSError) else error
        raise StudioError(f"{named or 'ffmpeg'}: wanted the program ffmpeg, got: {said}; {hint}") from None
    if b" ass " not in listing:
        raise StudioError(
            f"{path}: wanted an ffmpeg that can burn captions (its `ass` filter), this one cannot; "
            "unset IMAGEIO_FFMPEG_EXE to use the one in the imageio-ffmpeg package"
        )
    return path


def _failure(doing: str, code: int, log: bytes) -> StudioError:
    """The error of an ffmpeg that ended with this exit code and log."""
    if b"No space left on device" in log:
        return StudioError(f"{doing}: the disk is full; {MAKE_ROOM_HINT}")
    return StudioError(f"{doing}: ffmpeg stopped with {code}: {error_tail(log)}")


def run(
    arguments: Sequence[str],
    *,
    doing: str,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
) -> bytes:
    """Runs ffmpeg and returns what it wrote to its standard output.

    Raises:
        StudioError: ffmpeg failed; it begins with `doing` and ends with the last lines of ffmpeg's log.
    """
    command = [executable(), "-hide_banner", "-nostats", "-v", "error", *arguments]
    done = subprocess.run(command, input=stdin or b"", capture_output=True, check=False, env=env)
    if done.returncode != 0:
        raise _failure(doing, done.returncode, done.stderr)
    return done.stdout


@contextmanager
def open_output(arguments: Sequence[str], *, doing: str) -> Iterator[BufferedReader]:
    """Starts ffmpeg and gives its standard output, to be read to its end.

    Raises:
        StudioError: ffmpeg failed, said when the block ends.
    """
    command = [executable(), "-hide_banner", "-nostats", "-nostdin", "-v", "error", *arguments]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as process,
    ):
        posix.widen_pipe(process.stdout)
        try:
            yield cast(BufferedReader, process.stdout)
            code = process.wait()
        finally:
            process.kill()
        if code:
            log.seek(0)
            raise _failure(doing, code, log.read())


@contextmanager
def open_input(
    arguments: Sequence[str], *, doing: str, env: Mapping[str, str] | None = None
) -> Iterator[BufferedWriter]:
    """ffmpeg's standard input, to be written; `env` is the process's environment, by default our own.

    Raises:
        StudioError: ffmpeg failed, in the middle or at the end; it begins with `doing` and ends with the
            last lines of ffmpeg's log.
    """
    command = [executable(), "-hide_banner", "-nostats", "-v", "error", *arguments]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log, env=env
        ) as process,
    ):
        posix.widen_pipe(process.stdin)
        pipe = cast(BufferedWriter, process.stdin)
        try:
            with contextlib.suppress(BrokenPipeError):  # ffmpeg ended first: its exit code and log say why
                yield pipe
                pipe.close()
            code = process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        if code:
            log.seek(0)
            raise _failure(doing, code, log.read())


def error_tail(stderr: bytes) -> str:
    """The last lines of an ffmpeg log as one line."""
    lines = [line.strip() for line in stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-400:] or "it said nothing"


def escape_filter_value(text: str) -> str:
    """Escapes text for one option's value inside a filter graph: for the option, then for the graph."""
    option = re.sub(r"([\\':])", r"\\\1", text)
    return re.sub(r"([\\'\[\],;])", r"\\\1", option)


def concat_entry(path: Path) -> str:
    """The line of a concat list that names `path`, with quotes around any character."""
    quoted = str(path.absolute()).replace("'", r"'\''")
    return f"file '{quoted}'\n"


# ----------------------------------------------------------------------------------------- looking


@dataclass(frozen=True)
class MediaInfo:
    """The streams of a media file: size, frames, samples and codecs. `num_samples` is 0 without sound."""

    width: int
    height: int
    num_frames: int
    num_samples: int
    sample_rate: int
    video: str
    audio: str


def probe(path: Path, *, decoded: bool = True) -> MediaInfo:
    """Counts the frames and samples of a film file, by decoding it.

    Without `decoded` the frames are counted as packets, which is a fraction of the work.

    Raises:
        StudioError: the file has no picture, or does not decode.
    """
    header = _header(path)
    streams = _streams(header)
    size = _DIMENSIONS.search(streams.get("video", ""))
    if size is None:
        raise StudioError(f"{path}: wanted a film, found no picture in it: {error_tail(header.encode())}")
    rate = re.search(r"(\d+) Hz", streams.get("audio", ""))
    return MediaInfo(
        width=int(size[1]),
        height=int(size[2]),
        num_frames=_count_frames(path, decoded=decoded),
        num_samples=_count_samples(path) if rate else 0,
        sample_rate=int(rate[1]) if rate else 0,
        video=streams["video"],
        audio=streams.get("audio", ""),
    )


def _header(path: Path) -> str:
    """ffmpeg's description of a file, from its header."""
    return subprocess.run(
        [executable(), "-hide_banner", "-i", f"file:{path}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    ).stderr.decode("utf-8", "replace")


def _streams(header: str) -> dict[str, str]:
    """A header's description of the first picture and the first sound track."""
    return {kind.lower(): words for kind, words in reversed(_STREAM.findall(header))}


def _count_frames(path: Path, *, decoded: bool) -> int:
    progress = run(
        [
            "-xerror",
            "-i",
            f"file:{path}",
            "-map",
            "0:v:0",
            *(["-fps_mode", "passthrough"] if decoded else ["-c", "copy"]),
            "-progress",
            "pipe:1",
            "-f",
            "null",
            "-",
        ],
        doing=f"counting the frames of {path}",
    )
    counts = _LAST_FRAME.findall(progress)
    return int(counts[-1]) if counts else 0


def _count_samples(path: Path) -> int:
    """Samples per channel, summed over the decoded packets (the encoder's own padding is not among them)."""
    listing = run(
        ["-xerror", "-i", f"file:{path}", "-map", "0:a:0", "-f", "framecrc", "-"],
        doing=f"counting the sound of {path}",
    )
    rows = (line.split(b",") for line in listing.splitlines() if not line.startswith(b"#"))
    return sum(int(row[3]) for row in rows)
