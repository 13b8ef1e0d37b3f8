"""Films from disk as ffmpeg is to read them: which formats, and the filters that make the picture right.

A film is read upright, in square pixels, in whole pictures in place of half ones (bwdif), on white where it
is transparent, and in the colours and the light of BT.709: PQ and HLG (ITU-R BT.2100) are tone-mapped with
the reference white of BT.2408, 203 cd/m², kept near white.
"""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg
from flows.studio.media.pictures import unreadable_kind

SQUARE_WITHIN = Fraction(1, 100)  # pixels that are as square as that are taken for square
REFERENCE_WHITE_NITS = 203
PEAK = 5  # times the reference white: what is brighter than 1000 cd/m² is white

Light = Literal["sdr", "bt2020", "pq", "hlg"]
_ON_WHITE = (
    "split[under][over];[under]drawbox=c=white:t=fill:replace=1[white];[white][over]overlay=format=rgb"
)
_TO_BT709 = "zscale=p=bt709:t=bt709:m=bt709:r=tv,format=yuv444p"
_TRANSFERS = {"pq": "smpte2084", "hlg": "arib-std-b67", "bt2020": "bt709"}
_SAR = re.compile(r"\bSAR (\d+):(\d+)")
_ALPHA_FORMATS = re.compile(r"\b(?:yuva|gbra|rgba|argb|bgra|abgr|ya\d|gbrap|pal8)")
# These decoders do not see the alpha that WebM keeps beside the picture; libvpx's do.
_ALPHA_DECODERS = {"vp8": ("-c:v", "libvpx"), "vp9": ("-c:v", "libvpx-vp9")}


@dataclass(frozen=True)
class FilmHeader:
    """What a film's file says of itself; `fault` says what a file is that is not read."""

    format: str = ""
    codec: str = ""
    light: Light = "sdr"
    has_picture: bool = False
    num_channels: int = 0
    has_alpha: bool = False
    is_anamorphic: bool = False
    is_interlaced: bool = False
    has_matrix: bool = True
    is_dolby_vision_alone: bool = False
    fault: str = ""

    @property
    def has_sound(self) -> bool:
        """True for a file with a track of sound."""
        return self.num_channels > 0

    @property
    def is_one_picture(self) -> bool:
        """True for a format that holds one picture: JPEG XL, OpenEXR, a TIFF that Pillow does not know."""
        return self.has_picture and (self.format.endswith("_pipe") or self.format == "image2")

    @property
    def corrections(self) -> tuple[str, ...]:
        """The names of what is done beyond decoding and fitting."""
        done = {
            "square pixels": self.is_anamorphic,
            "whole pictures": self.is_interlaced,
            "background": self.has_alpha,
            "light": self.light != "sdr",
        }
        return tuple(name for name, is_done in done.items() if is_done)


def read_header(file: Path) -> FilmHeader:
    """What ffmpeg says of a film before it reads it, kept in memory by path, size and time."""
    try:
        status = file.stat()
    except OSError as error:
        return FilmHeader(fault=str(error))
    return _read_header(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _read_header(file: Path, num_bytes: int, changed_ns: int) -> FilmHeader:
    kind = unreadable_kind(file)
    if kind is not None:
        return FilmHeader(fault=kind)
    command = [ffmpeg.executable(), "-hide_banner", *ffmpeg.ONLY_THIS_FILE, "-i", str(file.absolute())]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    header = parse_header(done.stderr.decode("utf-8", "replace"))
    if header.format != "gif":
        return header
    # Every GIF decodes with alpha; and no browser obeys the shape of pixels that one may name.
    has_alpha = header.has_alpha and _has_transparent_pixels(file)
    return replace(header, has_alpha=has_alpha, is_anamorphic=False)


def parse_header(text: str) -> FilmHeader:
    """What ffmpeg's description of a file says; of several streams of a kind the first counts."""
    found = re.search(r"^Input #0, ([\w,]+), from", text, re.MULTILINE)
    if found is None:
        return FilmHeader(fault="neither: it is broken, or of another kind; try an mp4 or a png")
    # A stream is its line and what is indented below it.
    streams = re.findall(r"^  Stream #0:\d+.*?: (Video|Audio): (.*(?:\n    .*)*)", text, re.MULTILINE)
    pictures = [words for kind, words in streams if kind == "Video" and not _is_cover(words)]
    picture = pictures[0] if pictures else ""
    line = picture.splitlines()[0] if picture else ""
    codec = line.split(" ", 1)[0].rstrip(",")
    sar = _SAR.search(line)
    ratio = Fraction(int(sar[1]), int(sar[2])) if sar and int(sar[1]) and int(sar[2]) else Fraction(1)
    return FilmHeader(
        format=found[1],
        codec=codec,
        light=_light(line),
        has_picture=bool(picture),
        num_channels=next((_channels(words) for kind, words in streams if kind == "Audio"), 0),
        has_alpha=bool(_ALPHA_FORMATS.search(line)) or bool(re.search(r"alpha_mode\s*: 1", picture)),
        is_anamorphic=abs(ratio - 1) > SQUARE_WITHIN,
        is_interlaced=bool(re.search(r"\b(?:top|bottom) (?:first|coded first)", line)),
        has_matrix=bool(re.search(r"\b(?:gbr|bt2020nc|ictcp)\b", line)),
        is_dolby_vision_alone=bool(re.search(r"DOVI configuration record:.*profile: 5\b", picture)),
    )


def _is_cover(words: str) -> bool:
    """Whether a stream is the picture on an album's cover and no film."""
    return "(attached pic)" in words or "(timed thumbnails)" in words


def _channels(words: str) -> int:
    """The number of channels of a sound track: "48000 Hz, 5.1(side), fltp", "44100 Hz, 6 channels, s16"."""
    layout = re.search(r"\d+ Hz, ([^,\n]+)", words)
    name = layout[1].strip() if layout else "stereo"
    if number := re.match(r"(\d+) channels", name):
        return int(number[1])
    if parts := re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", name):
        return sum(int(part) for part in parts.groups(default="0"))
    return {"mono": 1, "stereo": 2, "downmix": 2, "binaural": 2}.get(name, 4)


def _light(line: str) -> Light:
    if "smpte2084" in line:
        return "pq"
    if "arib-std-b67" in line:
        return "hlg"
    return "bt2020" if "bt2020" in line else "sdr"


def _has_transparent_pixels(file: Path) -> bool:
    """Whether anything is seen through a film anywhere in its beginning; decodes it, small."""
    graph = "alphaextract,scale=64:64:flags=area"
    arguments = [
        *ffmpeg.ONLY_THIS_FILE,
        "-t",
        "60",
        "-i",
        str(file.absolute()),
        "-vf",
        graph,
        "-f",
        "rawvideo",
    ]
    try:
        alpha = ffmpeg.run([*arguments, "-pix_fmt", "gray", "-"], doing=str(file))
    except StudioError:
        return False
    return bool(alpha) and min(alpha) < 255


def input_arguments(file: Path) -> list[str]:
    """ffmpeg's arguments that open the film alone, with its alpha, and take its first picture track."""
    header = read_header(file)
    decoder = _ALPHA_DECODERS.get(header.codec, ()) if header.has_alpha else ()
    return [*ffmpeg.ONLY_THIS_FILE, *decoder, "-i", str(file.absolute()), "-map", "0:V:0"]


def read_film(file: Path, arguments: Sequence[str], *, before: Sequence[str] = ()) -> bytes:
    """What ffmpeg writes to its standard output for the film with these output arguments.

    Raises:
        StudioError: no film can be read there; the disk is full.
    """
    check_picture(file)
    try:
        return ffmpeg.run([*before, *input_arguments(file), *arguments], doing=str(file))
    except StudioError as error:
        if "No space left" in str(error):
            raise
        raise StudioError(
            f"{file}: wanted a film that ffmpeg can read, it decodes no picture there; is the file whole?",
            code=2,
        ) from error


def filter_graph(
    file: Path, *, fps: int, size: tuple[int, int], flags: str = "", is_short: bool = False
) -> str:
    """The filters that give the film at that rate, filling that size, its middle kept, its picture right.

    `flags` are the scaler's. `is_short`: a film that is over before a frame at that rate is has one.
    """
    header, (width, height) = read_header(file), size
    scaler = f":flags={flags}" if flags else ""
    fitted = f"scale={width}:{height}:force_original_aspect_ratio=increase{scaler}"
    if header.is_anamorphic:
        fitted = f"scale='max({width},ceil({height}*dar))':'max({height},ceil({width}/dar))'{scaler}"
    tagged, light = [], []
    if header.light != "sdr" and _can_tone_map():
        tagged = [_tagged(header)]
        light = [
            "format=yuv444p10le|gbrp10le|gbrp12le|yuv444p|gbrp",  # any size, whatever its chroma was
            *([_tone_map()] if header.light != "bt2020" else []),
            _TO_BT709,
        ]
    parts = [
        *(["bwdif=mode=send_frame"] if header.is_interlaced else []),
        f"fps={fps}:eof_action=pass" if is_short else f"fps={fps}",
        *tagged,
        *([_ON_WHITE] if header.has_alpha else []),
        f"{fitted},crop={width}:{height}",
        *light,
        "setsar=1",
    ]
    return ",".join(parts)


def _tagged(header: FilmHeader) -> str:
    """Says what the pixels are where the file says only a part of it."""
    matrix = "" if header.has_matrix else ":colorspace=bt2020nc"
    return f"setparams=color_primaries=bt2020:color_trc={_TRANSFERS[header.light]}{matrix}"


def _tone_map() -> str:
    return (
        f"zscale=t=linear:npl={REFERENCE_WHITE_NITS},format=gbrpf32le,zscale=p=bt709,"
        f"tonemap=mobius:param=0.3:desat=0:peak={PEAK}"
    )


@lru_cache(maxsize=1)
def _can_tone_map() -> bool:
    """Whether this ffmpeg has zimg; without it such a film is as pale as it always was."""
    listing = subprocess.run(
        [ffmpeg.executable(), "-hide_banner", "-filters"], capture_output=True, check=False
    ).stdout
    return b" zscale " in listing and b" tonemap " in listing


def read_one_picture(file: Path) -> Image.Image:
    """The picture in a file of a format that holds one, in RGB. Raises StudioError."""
    graph = _ON_WHITE if read_header(file).has_alpha else "null"
    arguments = [
        *ffmpeg.ONLY_THIS_FILE,
        "-i",
        str(file.absolute()),
        "-frames:v",
        "1",
        "-vf",
        graph,
        "-pix_fmt",
        "rgb24",
    ]
    try:
        png = ffmpeg.run([*arguments, "-c:v", "png", "-f", "image2pipe", "-"], doing=str(file))
        return Image.open(io.BytesIO(png), formats=("PNG",)).convert("RGB")
    except (StudioError, OSError) as error:
        raise StudioError(
            f"{file}: wanted a picture (png, jpg), ffmpeg decodes none there", code=2
        ) from error


def check_picture(file: Path) -> None:
    """Raises StudioError, in a line, for a file that no film can be read from."""
    header = read_header(file)
    if header.fault:
        raise StudioError(
            f"{file}: wanted a film that ffmpeg can read or a picture, got {header.fault}", code=2
        )
    if not header.has_picture:
        got = "only sound in it" if header.has_sound else "no picture in it"
        raise StudioError(f"{file}: wanted a film or a picture, found {got}", code=2)
    if header.is_dolby_vision_alone:
        raise StudioError(
            f"{file}: wanted colours that can be shown, got Dolby Vision profile 5; export it as HDR10",
            code=2,
        )
