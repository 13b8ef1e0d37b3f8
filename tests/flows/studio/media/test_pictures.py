"""Pictures that people bring: transparent, deep, turned, from a press, moving, broken, of other kinds."""

from __future__ import annotations

import contextlib
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from flows.studio.errors import StudioError
from flows.studio.media import clips, ffmpeg, pictures, user_files
from flows.studio.media import frames as frame_files
from flows.studio.media.frames import CaptionedFile, FrameFormat

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def _half(mode: str = "RGBA") -> Image.Image:
    """Red on the left, on the right a green that is not to be seen."""
    pixels = np.zeros((36, 64, 4), np.uint8)
    pixels[:, :32] = (*RED, 255)
    pixels[:, 32:] = (*GREEN, 0)
    return Image.fromarray(pixels).convert(mode)


def _half_palette() -> Image.Image:
    picture = Image.new("P", (64, 36), 0)
    picture.putpalette([*GREEN, *RED])
    picture.paste(1, (0, 0, 32, 36))
    return picture


def _near(seen: Any, wanted: tuple[int, ...], within: int = 2) -> bool:
    return bool(np.abs(np.subtract(np.asarray(seen, int), wanted)).max() <= within)


@pytest.mark.parametrize(
    ("name", "picture", "options", "left"),
    [
        ("rgba.png", _half(), {}, RED),
        ("la.png", _half("LA"), {}, (76, 76, 76)),
        ("palette.png", _half_palette(), {"transparency": 0}, RED),
        ("palette.gif", _half_palette(), {"transparency": 0}, RED),
        ("colour.png", _half_palette().convert("RGB"), {"transparency": GREEN}, RED),
        ("rgba.webp", _half(), {"lossless": True, "exact": True}, RED),
        ("rgba.tif", _half(), {}, RED),
        ("rgba.jp2", _half(), {"irreversible": False}, RED),
    ],
)
def test_what_is_transparent_is_white(
    tmp_path: Path, name: str, picture: Image.Image, options: dict[str, Any], left: tuple[int, ...]
) -> None:
    file = tmp_path / name
    picture.save(file, **options)
    shown = user_files.open_picture(file)
    assert shown.mode == "RGB"
    assert _near(shown.getpixel((4, 4)), left)
    assert shown.getpixel((60, 4)) == WHITE
    assert user_files.is_still(file)
    assert user_files.corrections(file) == ("background",)


def test_glass_lets_white_through_and_an_opaque_picture_is_as_it_was(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 51)).save(tmp_path / "glass.png")
    assert user_files.open_picture(tmp_path / "glass.png").getpixel((0, 0)) == (204, 204, 204)
    Image.new("RGBA", (8, 8), (10, 20, 30, 255)).save(tmp_path / "opaque.png")
    assert user_files.open_picture(tmp_path / "opaque.png").getpixel((0, 0)) == (10, 20, 30)
    assert user_files.corrections(tmp_path / "opaque.png") == ()


@pytest.mark.parametrize("name", ["a.png", "a.tif", "fractions.tif", "wide.tif"])
def test_grey_of_sixteen_bits_keeps_its_shades(tmp_path: Path, name: str) -> None:
    ramp = np.linspace(0, 65_535, 256).round()[None].repeat(16, 0)
    kind: Any = {"fractions.tif": np.float32, "wide.tif": np.int32}.get(name, np.uint16)
    Image.fromarray((ramp / 65_535 if kind is np.float32 else ramp).astype(kind)).save(tmp_path / name)
    shown = np.asarray(user_files.open_picture(tmp_path / name))
    assert np.abs(shown[4, :, 0].astype(int) - np.arange(256)).max() <= 1
    assert user_files.corrections(tmp_path / name) == ("deep grey",)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_a_picture_is_upright(tmp_path: Path, name: str, orientation: int) -> None:
    upright = Image.new("RGB", (48, 32), BLUE)
    upright.paste(RED, (0, 0, 24, 16))
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # back from how it lies: Pillow's numbers
    stored = upright.transpose(Image.Transpose(turns[orientation])) if orientation > 1 else upright
    exif = stored.getexif()
    exif[0x0112] = orientation
    stored.save(tmp_path / name, exif=exif, **({"quality": 95} if name == "a.jpg" else {}))
    shown = user_files.open_picture(tmp_path / name)
    assert shown.size == (48, 32)
    assert _near(shown.getpixel((4, 4)), RED, 30)
    assert all(_near(shown.getpixel(at), BLUE, 30) for at in ((44, 4), (4, 28), (44, 28)))


@pytest.mark.parametrize(
    "exif", [b"AIGC: {}", b"Exif\0\0AIGC: {", b"Exif\0\0II*\0\xff\xff\xff\x7f", b"Exif\0\0"]
)
@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png"])
def test_a_broken_exif_costs_no_picture(tmp_path: Path, name: str, exif: bytes) -> None:
    """Generators of pictures write a note of their own where cameras write EXIF."""
    Image.new("RGB", (32, 16), RED).save(tmp_path / name, exif=exif)
    shown = user_files.open_picture(tmp_path / name)
    assert shown.size == (32, 16)
    assert _near(shown.getpixel((3, 3)), RED, 6)
    assert user_files.is_still(tmp_path / name)


def test_of_several_pictures_in_a_file_the_first_is_shown(tmp_path: Path) -> None:
    for name, kind in (("a.tif", "TIFF"), ("a.jpg", "MPO")):
        first, *rest = (Image.new("RGB", (32, 16), colour) for colour in (RED, GREEN))
        first.save(tmp_path / name, kind, save_all=True, append_images=rest)
        assert user_files.is_still(tmp_path / name)
        assert _near(user_files.open_picture(tmp_path / name).getpixel((3, 3)), RED, 6)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBX", "CMYK"])
def test_every_mode_of_a_picture_comes_to_colours(tmp_path: Path, mode: str) -> None:
    Image.new("RGB", (5, 3), WHITE).convert(mode).save(tmp_path / "a.tif")
    assert user_files.open_picture(tmp_path / "a.tif").getpixel((2, 1)) == WHITE
    made = user_files.make_clip(
        tmp_path / "a.tif", tmp_path / "clips", label="s01.1", recipe={"still": True}, size=(33, 17)
    )
    assert clips.read_frame(made.path, 0).min() > 250


def test_the_inks_of_a_press_are_colours(tmp_path: Path) -> None:
    """Pillow, as Photoshop, writes the inks of a JPEG inverted, with Adobe's marker."""
    for name in ("a.jpg", "a.tif"):
        Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / name)
        assert _near(user_files.open_picture(tmp_path / name).getpixel((9, 9)), RED, 3)
        assert user_files.corrections(tmp_path / name) == ()
    Image.new("LAB", (32, 32), (136, 208, 195)).save(tmp_path / "lab.tif")
    assert _near(user_files.open_picture(tmp_path / "lab.tif").getpixel((9, 9)), RED, 30)


def test_colours_of_another_profile_are_those_of_the_screen(tmp_path: Path) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(srgb.tobytes())  # a profile whose first and second colour are exchanged
    places = {bytes(swapped[at : at + 4]): at for at in range(132, 132 + 12 * 12, 12)}
    red, green = places[b"rXYZ"], places[b"gXYZ"]
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    name = swapped.find("sRGB".encode("utf-16-be"))
    swapped[name : name + 8] = "mine".encode("utf-16-be")
    picture = Image.new("RGB", (16, 16), RED)
    picture.save(tmp_path / "mine.png", icc_profile=bytes(swapped))
    assert _near(user_files.open_picture(tmp_path / "mine.png").getpixel((2, 2)), GREEN, 6)
    assert user_files.corrections(tmp_path / "mine.png") == ("colours",)
    for label, profile in (("screen", srgb.tobytes()), ("broken", b"not a profile")):
        picture.save(tmp_path / f"{label}.png", icc_profile=profile)
        assert user_files.open_picture(tmp_path / f"{label}.png").getpixel((2, 2)) == RED
        assert user_files.corrections(tmp_path / f"{label}.png") == ()


def _pages(mode: str = "RGB") -> list[Image.Image]:
    return [Image.new("RGB", (64, 36), colour).convert(mode) for colour in (RED, GREEN, BLUE)]


@pytest.mark.parametrize("name", ["a.webp", "a.png", "called.mp4", "a.gif", "a.avif"])
def test_a_moving_picture_is_a_film_at_its_own_pace(tmp_path: Path, name: str) -> None:
    kind = {"a.png": "PNG", "a.gif": "GIF", "a.avif": "AVIF"}.get(name, "WEBP")
    if kind == "AVIF" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    file = tmp_path / name
    first, *rest = _pages()
    lossless = {"lossless": True} if kind == "WEBP" else {}
    first.save(file, kind, save_all=True, append_images=rest, duration=[500, 250, 250], loop=0, **lossless)
    assert not user_files.is_still(file)
    recipe = {"file": "x"}
    made = user_files.make_clip(file, tmp_path / "clips", label="s01.1", recipe=recipe, size=(96, 54))
    frames = clips.read_clip(made.path)
    assert abs(len(frames) - 24) <= 1
    assert made.notes["has_sound"] is False
    assert [_near(frames[at, 9, 9], c, 25) for at, c in ((3, RED), (14, GREEN), (20, BLUE))] == [True] * 3
    read, is_longer = frame_files.read_film(file, fps=8, height=36, width=64, most=4)
    assert is_longer
    assert _near(read[3, 9, 9], RED, 25)
    (trained,) = frame_files.read_frames([CaptionedFile(file, "colours")], FrameFormat(99, 8, 36, 64))
    assert 7 <= len(trained) <= 9


@pytest.mark.parametrize("disposal", [1, 2, 3])
def test_a_gif_is_put_together_as_it_says_on_white(tmp_path: Path, disposal: int) -> None:
    """Each later page is a small patch; after 2 and 3 the patch before it is gone."""
    pages = [Image.new("RGBA", (64, 36), (0, 0, 0, 0)) for _ in range(3)]
    for number, page in enumerate(pages):
        page.paste((*RED, 255), (20 * number, 0, 20 * number + 12, 36))
    file = tmp_path / "a.gif"
    pages[0].save(file, save_all=True, append_images=pages[1:], duration=200, disposal=disposal)
    assert user_files.corrections(file) == ("background",)
    frames, _ = frame_files.read_film(file, fps=5, height=36, width=64, most=3)
    assert _near(frames[0, 9, 5], RED, 6)
    assert _near(frames[2, 9, 45], RED, 6)
    assert _near(frames[2, 9, 60], WHITE, 6)
    with Image.open(file) as image:
        image.seek(2)
        patch = (255, 0, 0) if image.convert("RGBA").getpixel((5, 9))[3] else WHITE  # type: ignore[index]
    assert _near(frames[2, 9, 5], patch, 6)


def test_moving_pictures_are_on_white_too_and_one_page_is_a_picture(tmp_path: Path) -> None:
    half = _half()
    pages = {"save_all": True, "append_images": [half.transpose(Image.Transpose.FLIP_LEFT_RIGHT)]}
    for name, more in (("a.webp", {"lossless": True, "exact": True}), ("a.png", {})):
        half.save(tmp_path / name, duration=200, **pages, **more)
        frames, _ = frame_files.read_film(tmp_path / name, fps=5, height=36, width=64, most=2)
        assert _near(frames[0, 9, 60], WHITE)
        assert _near(frames[1, 9, 4], WHITE)
    for name in ("one.gif", "one.webp"):
        Image.new("RGB", (8, 8), RED).save(tmp_path / name, save_all=True)
        assert user_files.is_still(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jpg", "WEBP"), ("a.png", "JPEG"), ("a.webp", "PNG"), ("a", "BMP"), ("a.mp4", "TIFF")],
)
def test_a_picture_is_known_by_its_content(tmp_path: Path, name: str, kind: str) -> None:
    Image.new("RGB", (31, 17), RED).save(tmp_path / name, kind)
    assert user_files.is_still(tmp_path / name)
    user_files.check_media(tmp_path / name)
    assert _near(user_files.open_picture(tmp_path / name).getpixel((3, 3)), RED, 6)


@pytest.mark.parametrize(
    ("name", "head", "told"),
    [
        ("a.jpg", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC; save it as jpg"),
        ("a.heic", b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic", "HEIC; save it as jpg"),
        ("a.png", b"", "an empty file"),
        ("a.png", b"#EXTM3U\nother.png\n", "wanted a picture"),
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "wanted a picture"),
        ("a.mp4", b"", "wanted a film .*, got an empty file"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(tmp_path: Path, name: str, head: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(head)
    with pytest.raises(StudioError, match=told) as refused:
        user_files.check_media(tmp_path / name)
    assert refused.value.code == 2
    assert "\n" not in str(refused.value)


def test_what_pillow_does_not_know_ffmpeg_reads(tmp_path: Path) -> None:
    for name, options in (
        ("a.exr", ["-pix_fmt", "gbrpf32le"]),
        ("a.tif", ["-pix_fmt", "rgb48le"]),
        ("a.jxl", []),
    ):
        file = tmp_path / name
        source = ["-y", "-f", "lavfi", "-i", "color=red:s=32x18:d=0.1", "-frames:v", "1"]
        try:
            ffmpeg.run([*source, *options, str(file)], doing="writing")
        except StudioError:
            continue  # this ffmpeg has no such writer
        assert user_files.is_still(file)
        user_files.check_media(file)
        assert _near(user_files.open_picture(file).getpixel((5, 5)), RED, 12)


@pytest.mark.parametrize(("width", "height"), [(8_000, 8_000), (60_000, 60_000)])
def test_a_picture_that_is_small_on_disk_and_huge_in_memory_is_refused(
    tmp_path: Path, width: int, height: int
) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )
    (tmp_path / "a.png").write_bytes(png)
    with pytest.raises(StudioError, match="wanted at most 50,000,000 pixels") as refused:
        user_files.check_media(tmp_path / "a.png")
    assert refused.value.code == 2


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_broken_pictures_are_read_or_refused_and_nothing_else(tmp_path: Path, kind: str) -> None:
    rng = np.random.default_rng(7)
    file = tmp_path / "a.png"
    Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(file, kind)
    whole = file.read_bytes()
    for number in range(24):
        data = bytearray(whole[: max(4, len(whole) * number // 24)] if number % 2 else whole)
        for at in rng.integers(0, len(data), 3):
            data[at] = int(rng.integers(0, 256))
        broken = tmp_path / f"{number}.png"
        broken.write_bytes(bytes(data))
        with contextlib.suppress(StudioError):
            assert pictures.open_picture(broken).mode == "RGB"
        user_files.is_still(broken)
        user_files.corrections(broken)
