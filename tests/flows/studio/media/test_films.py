"""Films that people bring: square pixels or not, HDR, half pictures, transparency, every usual container."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media import clips, ffmpeg, films, user_files
from flows.studio.media import frames as frame_files
from flows.studio.media.clips import Frames
from flows.studio.media.frames import CaptionedFile, FrameFormat

WHITE_BOX = "color=black:s={size}:r=10:d=0.3,drawbox=x={x}:y={y}:w={w}:h={h}:c=white:t=fill"


def _write(path: Path, source: str, *options: str) -> Path:
    """A film of what lavfi draws."""
    ffmpeg.run(["-y", "-f", "lavfi", "-i", source, *options, str(path)], doing=f"writing {path.name}")
    return path


def _box(path: Path, size: tuple[int, int], box: tuple[int, int], *options: str, more: str = "") -> Path:
    """A film of a white box in the middle of a black picture."""
    (width, height), (wide, high) = size, box
    x, y = (width - wide) // 2, (height - high) // 2
    source = WHITE_BOX.format(size=f"{width}x{height}", x=x, y=y, w=wide, h=high)
    return _write(path, source + more, "-pix_fmt", "yuv420p", *options)


def _extent(frame: Frames) -> tuple[int, int]:
    """Width and height of what is bright."""
    bright = frame[..., 1] > 127
    return int(bright.any(axis=0).sum()), int(bright.any(axis=1).sum())


def _clip(file: Path, size: tuple[int, int] = (96, 54)) -> Frames:
    recipe = {"file": file.name}
    made = user_files.make_clip(file, file.parent / "clips", label="s01.1", recipe=recipe, size=size)
    return clips.read_clip(made.path)


@pytest.mark.parametrize(
    ("size", "sar", "box"),
    [
        ((720, 576), "64/45", (90, 128)),  # PAL, anamorphic 16:9
        ((720, 576), "16/15", (120, 128)),  # PAL, 4:3
        ((720, 480), "8/9", (144, 128)),  # NTSC, 4:3
    ],
)
def test_a_square_of_pixels_that_are_not_square_is_a_square(
    tmp_path: Path, size: tuple[int, int], sar: str, box: tuple[int, int]
) -> None:
    file = _box(tmp_path / "a.mp4", size, box, more=f",setsar={sar}")
    framing = FrameFormat(1, 8, 144, 256)
    (trained,) = frame_files.read_frames([CaptionedFile(file, "a box")], framing)
    read, _ = frame_files.read_film(file, fps=8, height=144, width=256, most=1)
    for frame in (_clip(file, (256, 144))[0], read[0], trained[0]):
        wide, high = _extent(frame)
        assert abs(wide - high) <= 1, (wide, high)
    assert user_files.corrections(file) == ("square pixels",)


def test_a_film_that_lies_on_its_side_stands_up(tmp_path: Path) -> None:
    flat = _box(tmp_path / "flat.mp4", (96, 54), (60, 20))
    file = tmp_path / "phone.mov"
    ffmpeg.run(["-y", "-display_rotation", "90", "-i", str(flat), "-c", "copy", str(file)], doing="turning")
    wide, high = _extent(_clip(file, (54, 96))[0])
    assert (wide, high) == (pytest.approx(20, abs=2), pytest.approx(60, abs=2))
    assert user_files.corrections(file) == ()


def _encoded_pq(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """SMPTE ST 2084 of light in cd/m²."""
    power = (nits / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def _encoded_hlg(nits: NDArray[np.float64]) -> NDArray[np.float64]:
    """ITU-R BT.2100's HLG of light on a display of 1000 cd/m²."""
    light = nits / 1000
    luminance = np.maximum(light @ np.array([0.2627, 0.678, 0.0593]), 1e-9)[:, None]
    scene = light * luminance ** (1 / 1.2 - 1)
    curve = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), curve)


TO_BT2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
# White and grey of BT.2408, a red, a skin: light in BT.709, and how sRGB would show them.
LIGHT = np.array([[1, 1, 1], [0.18, 0.18, 0.18], [0.7, 0.05, 0.05], [0.6, 0.35, 0.25]])
SHOWN = [(255, 255, 255), (118, 118, 118), (218, 63, 63), (203, 160, 137)]


@pytest.mark.parametrize(("transfer", "coded"), [("smpte2084", _encoded_pq), ("arib-std-b67", _encoded_hlg)])
def test_high_dynamic_range_is_tone_mapped(tmp_path: Path, transfer: str, coded: object) -> None:
    values = coded(203 * LIGHT @ TO_BT2020.T)  # type: ignore[operator]
    picture = np.repeat(np.repeat((values * 65_535).round().astype("<u2")[None], 36, 0), 16, 1)
    file = tmp_path / "a.mov"
    graph = f"zscale=m=bt2020nc:r=tv:min=gbr:t={transfer}:tin={transfer}:p=bt2020:pin=bt2020"
    source = ["-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "64x36", "-r", "8", "-i", "-"]
    coding = ["-vf", f"{graph},format=yuv420p10le", "-c:v", "libx265", "-x265-params", "log-level=none"]
    ffmpeg.run(["-y", *source, *coding, str(file)], doing="writing", stdin=picture.tobytes() * 2)
    read, _ = frame_files.read_film(file, fps=8, height=35, width=63, most=1)
    seen = [tuple(int(x) for x in read[0, 17, column]) for column in (8, 24, 40, 56)]
    assert min(seen[0]) > 205, "white is near white"
    for now, wanted in zip(seen[1:], SHOWN[1:], strict=True):
        assert np.abs(np.subtract(now, wanted)).max() <= 20, (now, wanted)
    assert user_files.corrections(file) == ("light",)
    assert np.abs(_clip(file, (64, 36))[0, 17, 24].astype(int) - 118).max() <= 16


def test_the_wide_colours_of_bt2020_are_those_of_the_screen(tmp_path: Path) -> None:
    tags = "setparams=color_primaries=bt2020:color_trc=bt2020-10:colorspace=bt2020nc"
    graph = f"zscale=m=bt2020nc:min=gbr:p=bt2020:pin=bt709:t=bt709:tin=bt709:r=tv,format=yuv420p10le,{tags}"
    file = _write(
        tmp_path / "a.mkv", "color=0xC04020:s=64x36:r=8:d=0.3,format=gbrp", "-vf", graph, "-c:v", "ffv1"
    )
    assert user_files.corrections(file) == ("light",)
    assert np.abs(_clip(file)[0, 20, 20].astype(int) - (0xC0, 0x40, 0x20)).max() <= 6


PQ = "setparams=color_primaries=bt2020:color_trc=smpte2084"


@pytest.mark.parametrize(
    ("pixels", "tags", "done"),
    [
        ("yuv420p10le", f"{PQ}:colorspace=unknown", ("light",)),
        ("yuv422p12le", f"{PQ}:colorspace=bt2020nc:range=pc", ("light",)),
        ("yuv420p10le", f"{PQ}:colorspace=bt2020c", ("light",)),
        ("gbrp10le", f"{PQ}:colorspace=gbr:range=pc", ("light",)),
        (
            "yuva444p10le",
            f"{PQ}:colorspace=bt2020nc,setsar=64/45,setfield=tff",
            ("square pixels", "whole pictures", "background", "light"),
        ),
    ],
)
def test_light_that_is_said_in_part_or_with_more_comes_to_a_picture(
    tmp_path: Path, pixels: str, tags: str, done: tuple[str, ...]
) -> None:
    file = _write(tmp_path / "a.mkv", f"color=gray:s=64x36:r=8:d=0.3,format={pixels},{tags}", "-c:v", "ffv1")
    assert user_files.corrections(file) == done
    frames = _clip(file, (47, 35))
    assert frames.shape[1:] == (35, 47, 3)
    assert 90 < frames.mean() < 200


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.webm", ("-c:v", "libvpx-vp9", "-pix_fmt", "yuva420p")),
        ("b.webm", ("-c:v", "libvpx", "-pix_fmt", "yuva420p", "-auto-alt-ref", "0")),
        ("a.mov", ("-c:v", "prores_ks", "-pix_fmt", "yuva444p10le")),
        ("b.mov", ("-c:v", "qtrle", "-pix_fmt", "argb")),
        ("c.mov", ("-c:v", "png", "-pix_fmt", "rgba")),
    ],
)
def test_what_is_seen_through_is_white_and_not_its_hidden_colour(
    tmp_path: Path, name: str, options: tuple[str, ...]
) -> None:
    half = "color=red:s=64x36:r=8:d=0.3,format=rgba,geq=r=255:g=0:b=0:a='if(lt(X,32),255,0)'"
    file = _write(tmp_path / name, half, *options)
    frame = _clip(file, (64, 36))[0].astype(int)
    assert np.abs(frame[18, 8] - (255, 0, 0)).max() <= 8
    assert np.abs(frame[18, 56] - 255).max() <= 8
    assert "background" in user_files.corrections(file)


def test_half_pictures_are_made_whole(tmp_path: Path) -> None:
    """A box that moves from field to field has combs at its sides where two fields are woven."""
    fields = np.zeros((20, 96, 128), np.uint8)
    for number, field in enumerate(fields):
        field[20:70, 4 * number : 4 * number + 40] = 255
    file = tmp_path / "a.mpg"
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", "128x96", "-r", "50", "-i", "-"]
    coding = ["-c:v", "mpeg2video", "-flags", "+ildct+ilme", "-q:v", "2", "-pix_fmt", "yuv420p", str(file)]
    weave = ["-vf", "tinterlace=interleave_top,setfield=tff"]
    ffmpeg.run(["-y", *source, *weave, *coding], doing="writing", stdin=fields.tobytes())
    assert user_files.corrections(file) == ("whole pictures",)
    woven = ffmpeg.run(
        ["-i", str(file), "-frames:v", "3", "-f", "rawvideo", "-pix_fmt", "gray", "-"], doing="reading"
    )
    as_it_is = np.frombuffer(woven, np.uint8).reshape(-1, 96, 128)[2]
    assert _combs(as_it_is) > 100
    assert _combs(_clip(file, (128, 96))[2, :, :, 1]) == 0


def _combs(picture: Frames) -> int:
    """How many pixels inside the box are unlike those above and below, which are alike."""
    above, here, below = (picture[25 + at : 64 + at].astype(int) for at in (-1, 0, 1))
    return int(((np.abs(above - below) < 60) & (np.abs(2 * here - above - below) > 240)).sum())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mov", ("-c:v", "libx264")),
        ("a.m4v", ("-c:v", "libx264", "-f", "mp4")),
        ("a.mkv", ("-c:v", "libx264")),
        ("a.webm", ("-c:v", "libvpx-vp9")),
        ("a.avi", ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p")),
        ("a.ogv", ("-c:v", "libtheora", "-q:v", "9")),
        ("a.flv", ("-c:v", "flv1")),
        ("a.mp4", ("-c:v", "libx264", "-f", "matroska")),  # the name is wrong
        ("a.gif", ("-c:v", "libx264", "-f", "mp4")),
        ("a", ("-c:v", "libx264", "-f", "mp4")),
    ],
)
def test_a_film_is_known_by_its_content(tmp_path: Path, name: str, options: Sequence[str]) -> None:
    file = _box(tmp_path / name, (96, 54), (40, 30), *options)
    user_files.check_media(file)
    assert not user_files.is_still(file)
    assert user_files.corrections(file) == ()
    frames = _clip(file)
    assert 2 <= len(frames) <= 10
    assert _extent(frames[0]) == (pytest.approx(40, abs=2), pytest.approx(30, abs=2))


@pytest.mark.parametrize(
    ("name", "size", "options"),
    [
        ("tiny.mkv", "2x2", ["-c:v", "ffv1", "-pix_fmt", "gbrp"]),
        ("narrow.mkv", "3x999", ["-c:v", "ffv1", "-pix_fmt", "gbrp"]),
        ("odd.mp4", "321x241", ["-c:v", "libx264", "-pix_fmt", "yuv444p"]),
        ("grey.mkv", "64x48", ["-c:v", "ffv1", "-pix_fmt", "gray16le"]),
        ("ten.mp4", "64x48", ["-c:v", "libx264", "-pix_fmt", "yuv420p10le"]),
        ("black-and-white.nut", "64x48", ["-c:v", "rawvideo", "-pix_fmt", "monob"]),
        ("divx.avi", "64x48", ["-c:v", "mpeg4"]),
        ("old.wmv", "64x48", ["-c:v", "wmv2"]),
        ("%03d [x]:?*.mp4", "64x48", ["-c:v", "libx264"]),
    ],
)
def test_films_of_every_size_and_coding_fill_the_frame(
    tmp_path: Path, name: str, size: str, options: list[str]
) -> None:
    file = _write(tmp_path / name, f"color=white:s={size}:r=10:d=0.5", *options)
    user_files.check_media(file)
    frames = _clip(file)
    assert 10 <= len(frames) <= 14
    assert np.median(frames) > 200


@pytest.mark.parametrize(("rate", "seconds"), [("240", 0.5), ("1/3", 6)])
def test_every_rate_comes_to_twenty_four(tmp_path: Path, rate: str, seconds: float) -> None:
    file = _write(tmp_path / "a.mp4", f"testsrc=s=64x36:r={rate}:d={seconds}", "-c:v", "libx264")
    assert len(_clip(file)) == pytest.approx(24 * seconds, abs=2)


def test_an_ffmpeg_without_zimg_shows_hdr_as_it_did(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tags = "format=yuv420p10le,setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    file = _write(tmp_path / "a.mkv", f"color=white:s=64x36:r=8:d=0.3,{tags}", "-c:v", "ffv1")
    assert user_files.corrections(file) == ("light",)
    monkeypatch.setattr(films, "_can_tone_map", lambda: False)
    assert "zscale" not in films.filter_graph(file, fps=8, size=(64, 36))
    assert len(_clip(file))


def test_frames_of_different_lengths_keep_their_times(tmp_path: Path) -> None:
    """As telephones film: here for a second one picture, then ten of a tenth."""
    source = "color=black:s=64x36:r=10:d=2,drawbox=c=white:t=fill:enable='gte(t,1)',select='not(n)+gte(n,10)'"
    file = _write(tmp_path / "a.mp4", source, "-fps_mode", "vfr", "-pix_fmt", "yuv420p")
    frames = _clip(file)
    assert 46 <= len(frames) <= 50
    assert [int(frames[at].mean() > 127) for at in (0, 20, 28, 40)] == [0, 0, 1, 1]


def test_a_film_that_is_shorter_than_a_frame_has_one(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.mp4", "color=white:s=64x36:r=240:d=0.004", "-pix_fmt", "yuv420p")
    user_files.check_media(file)
    assert len(_clip(file)) == 1
    assert len(frame_files.read_film(file, fps=8, height=16, width=16, most=4)[0]) == 1


def test_a_film_without_a_picture_says_so(tmp_path: Path) -> None:
    tone = ["-f", "lavfi", "-i", "sine=d=0.3"]
    only_sound = tmp_path / "sound.mp4"
    ffmpeg.run(["-y", *tone, str(only_sound)], doing="writing")
    cover = tmp_path / "cover.mp3"
    picture = ["-f", "lavfi", "-i", "color=red:s=32x32:d=0.1", "-map", "0:a", "-map", "1:v", "-frames:v", "1"]
    ffmpeg.run(
        ["-y", *tone, *picture, "-c:v", "mjpeg", "-disposition:v", "attached_pic", str(cover)],
        doing="writing",
    )
    for file in (only_sound, cover):
        for read in (user_files.check_media, _clip):
            with pytest.raises(
                StudioError, match="wanted a film or a picture, found only sound in it"
            ) as told:
                read(file)
            assert told.value.code == 2
            assert "\n" not in str(told.value)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    _box(tmp_path / "other.ts", (64, 36), (20, 20), "-c:v", "libx264")
    lists = {
        "a.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.3,\nother.ts\n#EXT-X-ENDLIST\n",
        "b.mkv": "ffconcat version 1.0\nfile other.ts\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text, "utf-8")
        with pytest.raises(StudioError, match=f"{name}: wanted a film"):
            user_files.check_media(tmp_path / name)


def test_a_film_that_broke_off_is_read_as_far_as_it_goes_or_refused_in_a_line(tmp_path: Path) -> None:
    whole = _write(tmp_path / "whole.mkv", "testsrc=s=96x54:r=10:d=2", "-c:v", "libx264", "-g", "5")
    file = tmp_path / "cut.mkv"
    for share in (0.02, 0.15, 0.7):
        file.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        faults = [_fault_of(user_files.check_media, file), _fault_of(_clip, file)]
        assert faults[0] == faults[1]
        assert faults[0] is None or faults[0].startswith(f"{file}: wanted a film")
        assert (faults[0] is None) == (share == 0.7)


def _fault_of(read: Callable[[Path], object], file: Path) -> str | None:
    try:
        read(file)
    except StudioError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("hevc (Main 10), yuv420p10le(tv, bt2020nc/bt2020/smpte2084, progressive), 64x48", ("light",)),
        ("h264, yuv420p(tv, top first), 720x576 [SAR 64:45 DAR 16:9]", ("square pixels", "whole pictures")),
        ("h264 (High), yuv420p(progressive), 1920x1080 [SAR 1001:1000 DAR 16:9], 25 fps", ()),
        ("h264 (High), yuv420p(progressive), 1920x1080 [SAR 0:1 DAR 0:1], 25 fps", ()),
    ],
)  # fmt: skip
def test_a_header_says_what_is_to_be_done(line: str, found: tuple[str, ...]) -> None:
    text = f"Input #0, mov,mp4, from 'a.mp4':\n  Stream #0:0[0x1](und): Video: {line}\n    Metadata:\n"
    assert films.parse_header(text).corrections == found


def test_dolby_vision_that_only_its_own_decoder_shows_is_refused(tmp_path: Path) -> None:
    text = (
        "Input #0, mov,mp4,m4a, from 'a.mp4':\n  Stream #0:0: Video: hevc (Main 10), yuv420p10le, 64x48\n"
        "    Side data:\n      DOVI configuration record: version: 1.0, profile: 5, level: 6, rpu flag: 1\n"
    )
    assert films.parse_header(text).is_dolby_vision_alone
    assert not films.parse_header(text.replace("profile: 5", "profile: 8")).is_dolby_vision_alone
