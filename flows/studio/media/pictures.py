"""Pictures and animated pictures from disk as upright RGB in eight bits, whatever they are stored as."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, ImageSequence, UnidentifiedImageError

from flows.studio.errors import StudioError

# Known by their content. EPS and the like are left out: reading them runs a program.
FORMATS = (
    "PNG",
    "JPEG",
    "MPO",
    "GIF",
    "WEBP",
    "BMP",
    "TIFF",
    "JPEG2000",
    "PPM",
    "PSD",
    "AVIF",
)
ANIMATED_FORMATS = ("GIF", "WEBP", "PNG", "AVIF")  # the pages of others are no frames
BACKGROUND = (255, 255, 255)  # behind transparent pixels
MAX_PIXELS = 50_000_000
SHORTEST_MS = 20  # a frame of an animation that says less is shown for as long as browsers show it
BROWSER_MS = 100

_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    ImageCms.PyCMSError,
)
# ffmpeg takes an iPhone's HEIC for a film of one of its tiles.
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_JPEG_XL = (b"\xff\x0a", b"\x00\x00\x00\x0cJXL ")


@dataclass(frozen=True)
class PictureInfo:
    """What a picture's file holds; `corrections` name how it is read otherwise than by plain decoding."""

    format: str
    is_animated: bool
    corrections: tuple[str, ...] = ()


def inspect_picture(file: Path) -> PictureInfo | None:
    """What the picture in a file is; None for a file that is no picture, is broken or cannot be read."""
    try:
        status = file.stat()
    except OSError:
        return None
    return _inspect(file, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1024)
def _inspect(file: Path, num_bytes: int, changed_ns: int) -> PictureInfo | None:
    try:
        with _opened(file) as image:
            name = str(image.format)
            if name in ANIMATED_FORMATS and getattr(image, "is_animated", False):
                return PictureInfo(name, is_animated=True)
            return PictureInfo(name, is_animated=False, corrections=_corrections(image))
    except (*_FAULTS, StudioError):
        return None


def is_known(file: Path) -> bool:
    """True for a file that Pillow takes for a picture, whole or broken."""
    try:
        with _opened(file):
            return True
    except UnidentifiedImageError:
        return False
    except (*_FAULTS, StudioError):
        return True


def open_picture(file: Path) -> Image.Image:
    """The picture in a file, upright, in RGB, on white where it is transparent.

    Raises StudioError for what is none, or too large.
    """
    try:
        with _opened(file) as image:
            return _as_rgb(_upright(image))
    except _FAULTS as error:
        raise StudioError(f"{file}: wanted a picture (png, jpg), got {_fault(file, error)}", code=2) from None


def iter_animation(file: Path, *, fps: int, seconds: float) -> Iterator[Image.Image]:
    """The pictures of an animated picture at `fps`, each as `open_picture` reads one, at least one.

    Raises StudioError where it is broken before its first picture.
    """
    shown, end_ms = 0, 0.0
    try:
        with _opened(file) as image:
            pages = ImageSequence.Iterator(image)
            if image.info.get("default_image"):
                next(pages)  # an APNG's picture for programs that show no animation
            for page in pages:
                picture = _as_rgb(page.copy())
                duration = float(page.info.get("duration") or 0)
                end_ms += duration if duration >= SHORTEST_MS else BROWSER_MS
                while shown * 1000 / fps < end_ms:
                    if shown >= max(1, round(seconds * fps)):
                        return
                    yield picture
                    shown += 1
    except _FAULTS as error:
        if not shown:
            got = _fault(file, error)
            raise StudioError(f"{file}: wanted an animated picture, got {got}", code=2) from None


@contextmanager
def _opened(file: Path) -> Iterator[Image.Image]:
    """The picture before it is decoded. Raises StudioError for one that is too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures and of odd tags: what matters is an error
        Image.init()
        try:
            image = Image.open(file, formats=[name for name in FORMATS if name in Image.OPEN])
        except Image.DecompressionBombError:
            raise _too_large(file, "far more") from None
        with image:
            if image.width * image.height > MAX_PIXELS:
                raise _too_large(file, f"{image.width} x {image.height}")
            yield image


def _too_large(file: Path, got: str) -> StudioError:
    return StudioError(f"{file}: wanted at most {MAX_PIXELS:,} pixels, got {got}, try a smaller one", code=2)


def unreadable_kind(file: Path) -> str | None:
    """The kind of a picture that nothing here reads whole, and what to save it as; None for every other."""
    with file.open("rb") as stream:
        head = stream.read(32)
    if not head:
        return "an empty file"
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in (b"avif", b"avis") and "AVIF" not in Image.OPEN:
        return "AVIF, which this Pillow does not read; save it as png"
    if brand in _HEIC_BRANDS and head[16:20] not in (b"avif", b"avis"):
        return "HEIC; save it as jpg"
    return None


def _fault(file: Path, error: BaseException) -> str:
    head = b"" if (kind := unreadable_kind(file)) else file.read_bytes()[:12]
    if head.startswith(_JPEG_XL):
        kind = "JPEG XL, which this ffmpeg does not read; save it as png"
    if isinstance(error, UnidentifiedImageError):
        kind = kind or "none of a kind that is known here"
    return kind or str(error) or type(error).__name__


def _upright(image: Image.Image) -> Image.Image:
    """The picture turned as its EXIF says; one whose EXIF is broken as it is."""
    try:
        return ImageOps.exif_transpose(image)
    except (ValueError, TypeError, LookupError, SyntaxError, struct.error, ZeroDivisionError):
        image.load()
        return image


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "F" or image.mode.startswith("I"):
        return _from_deep_grey(image).convert("RGB")
    image = _in_srgb(image)
    if not _may_be_transparent(image):
        return image.convert("RGB")
    picture = Image.new("RGBA", image.size, (*BACKGROUND, 255))
    picture.alpha_composite(image.convert("RGBA"))
    return picture.convert("RGB")


def _corrections(image: Image.Image) -> tuple[str, ...]:
    """The names of what `_as_rgb` does beyond decoding; it decodes a picture only to look at its alpha."""
    found = []
    if image.mode == "F" or image.mode.startswith("I"):
        found.append("deep grey")
    if image.mode == "LAB" or _profile(image) is not None:
        found.append("colours")
    if _may_be_transparent(image) and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:  # type: ignore[operator]
        found.append("background")
    return tuple(found)


def _may_be_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info


def _from_deep_grey(image: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits, or of fractions, in eight bits: its whole range, not its lowest part."""
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0, neginf=0, copy=False)
    brightest = float(values.max(initial=0.0))
    steps = (1.0, 255.0, 65_535.0) if image.mode == "F" else (255.0, 65_535.0)
    full = 65_535.0 if image.mode.startswith("I;16") else min((s for s in steps if s >= brightest), default=0)
    values *= 255 / (full or brightest)
    return Image.fromarray(values.clip(0, 255, out=values).round(out=values).astype(np.uint8))


def _profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The colour profile of a picture in RGB or CMYK, if it has one other than sRGB's."""
    data = image.info.get("icc_profile")
    if not data or image.mode not in ("RGB", "RGBA", "CMYK"):
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        space, name = profile.profile.xcolor_space.strip(), ImageCms.getProfileDescription(profile)
    except (*_FAULTS, AttributeError):
        return None  # a broken profile is left out
    if space != image.mode.removesuffix("A") or "srgb" in name.lower():
        return None
    return profile


def _in_srgb(image: Image.Image) -> Image.Image:
    """The picture with the colours of its profile, of a wide-gamut camera or a press, in sRGB."""
    profile = ImageCms.createProfile("LAB") if image.mode == "LAB" else _profile(image)
    if profile is None:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        converted = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode=mode)
    except ImageCms.PyCMSError:
        return image
    return converted or image
