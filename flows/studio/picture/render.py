"""Renders a timeline: each span as an encoded segment with burned captions, joined with the sound to a film.

One span is in memory at a time and one encoder runs at a time. A segment is an artifact with a recipe, so
that after an edit only its own scene is encoded again.
"""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import clips, ffmpeg
from flows.studio.media.clip_rate import at_full_rate
from flows.studio.media.clips import Frames
from flows.studio.picture import cards, effects, subtitles, upscaler
from flows.studio.picture import verify as verification
from flows.studio.picture.effects import FrameSource
from flows.studio.picture.interpolate import interpolate
from flows.studio.picture.upscale import is_upscaled, plan_upscale
from flows.studio.picture.upscaler import Upscaler, default_upscaler
from flows.studio.picture.watermark import Treatment
from flows.studio.rates import CLIP_HOLD, FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.timeline.model import Caption, Framing, PictureCut, Span, Timeline
from flows.studio.typography import fonts
from flows.studio.typography.caption_style import read_style
from flows.studio.workspace.files import atomic_write
from scripts_llm.screenplay.video import Watermark

RECIPE = 1  # of the drawing and encoding below: counted up when the same timeline gives another picture
AI_GENERATED = "AI-generated"
KEPT_BYTES = 128 * 2**20  # enlarged frames that are kept for the next time they are seen
AT_ONCE = 2  # clips that are being read: in a dissolve the one that goes and the one that comes

_CODING = ("-crf", "18", "-tune", "animation", "-g", "96")
_TAGS = ("-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-color_range", "tv")
_COLOUR = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p,"
    "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
)

Progress = Callable[[int, int], None]  # frames written so far, frames in all


@dataclass(frozen=True)
class RenderOptions:
    """How a timeline becomes a picture.

    Attributes:
        burned: captions are part of the picture.
        style: the name of the captions' style.
        colours: captions' colours by speaker; a speaker without one gets one of the style's.
        framing: what becomes of a clip of another shape than the film's.
        watermark: how a film model's watermark is hidden.
        show: the show's name, on the badge that hides a watermark.
        smooth: clips of 8 frames a second get frames in between.
        upscaled: the folder of the upscaling step's clips; without it, clips are enlarged while rendering.
        upscaler: a person's own network, which enlarges whatever a model has filmed.
    """

    burned: bool = True
    style: str = "classic"
    colours: Mapping[str, str] | None = None
    framing: Framing = "blur"
    watermark: Watermark | None = None
    show: str = ""
    smooth: bool = False
    upscaled: Path | None = None
    upscaler: Upscaler | None = None


# ------------------------------------------------------------------------------------------- segments


def render_segment(
    timeline: Timeline,
    span: Span,
    out: Path,
    *,
    options: RenderOptions | None = None,
    progress: Progress | None = None,
) -> None:
    """Renders one span as an H.264 file of exactly its frames, without sound.

    Raises:
        StudioError: a clip is missing, or ffmpeg fails.
    """
    options = options or RenderOptions()
    with closing(_Reel(timeline, span, options)) as reel:
        encode_film(
            effects.apply_effects(reel.frame, timeline, span, picture=reel.picture),
            span.end - span.start,
            out,
            ass=_ass_of(timeline, span, options) if options.burned else None,
            progress=progress,
        )


def _ass_of(timeline: Timeline, span: Span, options: RenderOptions) -> Callable[[Path], None] | None:
    if not subtitles.captions_in_span(timeline, span):
        return None
    colours = subtitles.caption_colours(timeline, options.colours, options.style)
    return lambda path: subtitles.write_ass(timeline, path, style=options.style, colours=colours, span=span)


def encode_film(
    frame: FrameSource,
    num_frames: int,
    out: Path,
    *,
    ass: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
) -> None:
    """Encodes the frames 0 to `num_frames` as H.264 in yuv420p, 24 a second, without sound, and checks them.

    `frame` gives each frame by its number, uint8 (height, width, 3), all of one size with even sides. `ass`
    writes the captions that are burned in.

    Raises:
        StudioError: ffmpeg failed, or what it wrote is not what it was given.
    """
    doing = f"{out}: the film could not be written"
    fed = verification.Fed()
    with (
        atomic_write(out) as part,
        tempfile.TemporaryDirectory(prefix="cold-open-cut-") as folder,
        fonts.font_environment() as environment,
    ):
        filters = _COLOUR
        if ass is not None:
            captions = Path(folder, "captions.ass")
            ass(captions)
            filters = f"ass=filename={ffmpeg.escape_filter_value(str(captions))},{_COLOUR}"
        first = frame(0)
        height, width = first.shape[:2]
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
        coding = ["-vf", filters, "-c:v", "libx264", "-preset", "veryfast", *_CODING, *_TAGS, "-f", "mp4"]
        command = ["-y", *source, *coding, str(part.absolute())]
        with ffmpeg.open_input(command, doing=doing, env=environment) as pipe:
            for number in range(num_frames):
                picture = frame(number) if number else first
                fed.add(picture)
                pipe.write(np.ascontiguousarray(picture).data)
                if progress is not None:
                    progress(number + 1, num_frames)
        verification.check_encode(part, fed, name=out)


class _Reel:
    """The pictures of one span by number; those that were enlarged lately are kept."""

    def __init__(self, timeline: Timeline, span: Span, options: RenderOptions) -> None:
        self._timeline = timeline
        self._options = options
        self._start = span.start
        self._cuts = [cut for cut in timeline.pictures if span.start <= cut.start < span.end]
        if not self._cuts or self._cuts[0].start != span.start or self._cuts[-1].end != span.end:
            raise StudioError(f"{span.id}: the timeline has no picture for every frame of it")
        self._starts = [cut.start for cut in self._cuts]
        self._clips: dict[Path, Frames | clips.ClipReader] = {}
        self._large: OrderedDict[Path, Frames] = OrderedDict()
        self._kept: OrderedDict[object, Frames] = OrderedDict()

    def frame(self, number: int) -> Frames:
        """Frame `number` of the span, (height, width, 3)."""
        now = self._start + number
        cut = self._cuts[bisect_right(self._starts, now) - 1]
        return self.picture(cut, now - cut.start)

    def picture(self, cut: PictureCut, since: int) -> Frames:
        """The picture of a cut `since` frames after its start, (height, width, 3)."""
        if cut.clip is None:
            return self._card(cut, since)
        is_smooth = self._options.smooth and _can_be_smooth(cut)
        key = (cut.clip, (_between(cut) if is_smooth else cut.frames)[since])
        if key not in self._kept:
            size = {"width": self._timeline.width, "height": self._timeline.height}
            small = self._clip(cut, cut.clip, is_smooth)[key[1]]
            how = treatment(cut, self._options)
            enlarged = is_upscaled(cut, self._options.upscaler)
            large = self._upscaled(cut.clip, key[1], small) if enlarged else None
            self._keep(key, how.fitted(small, framing=self._options.framing, upscaled=large, **size))
        self._kept.move_to_end(key)
        return self._kept[key]

    def _clip(self, cut: PictureCut, path: Path, is_smooth: bool) -> Frames | clips.ClipReader:
        if path not in self._clips:
            alike = [one for one in (*self._cuts, cut) if one.clip == path]
            if is_smooth:
                self._clips[path] = interpolate(clips.read_clip(path))
            elif all(list(one.frames) == sorted(one.frames) for one in alike):
                self._clips[path] = clips.ClipReader(path)
                self._close_all_but(AT_ONCE)
            else:
                self._clips[path] = clips.read_clip(path)
        return self._clips[path]

    def _upscaled(self, clip: Path, number: int, small: Frames) -> Frames | None:
        """Frame `number` of a clip as the upscaling step has made it; None if it has not."""
        options = self._options
        if options.upscaled is None:
            return None
        size, frame_size = (self._timeline.width, self._timeline.height), (small.shape[1], small.shape[0])
        plan = plan_upscale(clip, frame_size, size, options.framing, options.watermark, options.upscaler)
        path = plan.path_in(options.upscaled) if plan else None
        if path is None or not path.exists():
            return None
        if path not in self._large:
            self._large[path] = clips.read_clip(path)
            if len(self._large) > AT_ONCE:
                self._large.popitem(last=False)
        return self._large[path][number]

    def close(self) -> None:
        """Closes the clips that are still being read."""
        self._close_all_but(0)

    def _close_all_but(self, most: int) -> None:
        playing = [(path, clip) for path, clip in self._clips.items() if isinstance(clip, clips.ClipReader)]
        for path, clip in playing[: max(0, len(playing) - most)]:
            clip.close()
            del self._clips[path]

    def _keep(self, key: object, picture: Frames) -> None:
        self._kept[key] = picture
        while len(self._kept) > 1 and len(self._kept) * picture.nbytes > KEPT_BYTES:
            self._kept.popitem(last=False)

    def _card(self, cut: PictureCut, since: int) -> Frames:
        key = (cut.card, since // CLIP_HOLD if cut.card == "title" else 0)
        if key not in self._kept:
            self._keep(key, draw_card(self._timeline, cut, since))
        return self._kept[key]


@lru_cache(maxsize=64)
def _between(cut: PictureCut) -> tuple[int, ...]:
    """The frame numbers of a smoothed clip that a cut shows: three for each of the clip's own."""
    return at_full_rate(cut.frames, (max(cut.frames) + 1) * CLIP_HOLD)


def _can_be_smooth(cut: PictureCut) -> bool:
    """Whether frames may be put between a clip's own: a model's photographs, eight a second."""
    return cut.source == "model" and not cut.full_rate


def treatment(cut: PictureCut, options: RenderOptions) -> Treatment:
    """How a cut's clip is shown; a person's file has no film model's watermark."""
    return Treatment(cut.source is None, None if cut.source == "file" else options.watermark, options.show)


def draw_card(timeline: Timeline, cut: PictureCut, since: int = 0) -> Frames:
    """The card of a cut without a clip, `since` frames after its start, (h, w, 3); the title's rays move."""
    size = {"width": timeline.width, "height": timeline.height}
    if cut.card == "title":
        steps = -(-(cut.end - cut.start) // CLIP_HOLD)
        return cards.title_card(timeline.title, turn=(since // CLIP_HOLD) / steps, **size)
    if cut.card == "credits":
        return cards.credits_card(timeline.title, timeline.credits, **size)
    return cards.gag_card(timeline.title, **size)


def _upscaler_recipe(size: tuple[int, int], own: Upscaler | None) -> dict[str, str]:
    """What enlarges clips to `size` (width, height), where it is not ACNet, which is in every recipe."""
    if own is not None:
        return {"upscaler": own.name}
    name = upscaler.default_for(size)
    return {"drawn": name} if name else {}


def segment_recipe(timeline: Timeline, span: Span, *, options: RenderOptions | None = None) -> dict[str, Any]:
    """The recipe of a segment, as JSON: all that decides how it looks, and not its place in the film."""
    options = options or RenderOptions()
    pictures = [cut for cut in timeline.pictures if span.start <= cut.start < span.end]
    shown = subtitles.captions_in_span(timeline, span) if options.burned else ()
    speakers = {who for caption in shown for who, _ in caption.rows if who}
    colours = subtitles.caption_colours(timeline, options.colours, options.style)
    done, joins = effects.cues_in_span(timeline, span)
    seen = [*pictures, *(cut for join in joins for cut in join.tail)]
    has_card = any(cut.clip is None for cut in seen)
    recipe: dict[str, Any] = {
        "segment": RECIPE,
        "size": [timeline.width, timeline.height],
        "pictures": [_picture_recipe(cut) for cut in pictures],
        "captions": [_caption_recipe(caption, options.style) for caption in shown],
        "style": _style_recipe(options.style) if shown else None,
        "colours": {who: colour for who, colour in colours.items() if who in speakers},
        "title": timeline.title if has_card else None,
        "credits": list(timeline.credits) if span.kind == "credits" else None,
        "coding": [default_upscaler().name, *_CODING],
    }
    if options.framing != "blur":
        recipe["framing"] = options.framing
    if options.watermark and any(cut.clip and cut.source != "file" for cut in seen):
        recipe["watermark"] = ["bug", options.show] if options.watermark == "bug" else [options.watermark]
    if any(cut.clip and is_upscaled(cut, options.upscaler) for cut in seen):
        recipe |= _upscaler_recipe((timeline.width, timeline.height), options.upscaler)
    if options.smooth and any(_can_be_smooth(cut) for cut in seen):
        recipe["smooth"] = True
    if done:
        recipe["effects"] = [[e.name, e.start - span.start, e.end - span.start, e.amount] for e in done]
    if joins:
        recipe["transitions"] = [
            [j.kind, j.start - span.start, j.end - span.start, [_picture_recipe(cut) for cut in j.tail]]
            for j in joins
        ]
    own = fonts.font_file(read_style(options.style).font)
    if others := fonts.fallback_files("".join(caption.text for caption in shown), own):
        recipe["fonts"] = list(others)
    return recipe


def _caption_recipe(caption: Caption, style: str) -> list[Any]:
    recipe: list[Any] = [caption.start, caption.end, caption.text, caption.who, caption.style]
    if caption.speakers:
        recipe.append(list(caption.speakers))
    if read_style(style).waiting:
        recipe.append([[word.start, word.end] for word in caption.words])
    return recipe


def _style_recipe(name: str) -> dict[str, Any]:
    style = asdict(read_style(name))
    return {**style, "palette": list(style["palette"])}


def _picture_recipe(cut: PictureCut) -> dict[str, Any]:
    recipe = {
        "clip": clips.clip_hash(cut.clip) if cut.clip else None,
        "card": cut.card,
        "length": cut.end - cut.start,
        "frames": [[index, len(list(run))] for index, run in groupby(cut.frames)],
    }
    return {**recipe, "source": cut.source} if cut.source else recipe


# ---------------------------------------------------------------------------------------- the episode


def join_segments(
    segments: Sequence[Path],
    sound: Path | None,
    out_mp4: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    soft: tuple[Path, str] | None = None,
) -> None:
    """Joins the segments, without encoding them again, with the sound to the finished film.

    `sound` is the WAV, which is encoded as AAC, or the `.m4a` of the mix, which is copied. `soft` is a SubRip
    file whose captions a player can switch on, and its language's code of three letters. Raises StudioError.
    """
    notes = {"comment": AI_GENERATED, **(metadata or {})}
    if AI_GENERATED not in notes["comment"]:
        notes["comment"] = f"{AI_GENERATED}. {notes['comment']}"
    with tempfile.TemporaryDirectory(prefix="cold-open-join-") as folder:
        listing = Path(folder, "segments.txt")
        entries = (ffmpeg.concat_entry(segment) for segment in segments)
        listing.write_text("ffconcat version 1.0\n" + "".join(entries), encoding="utf-8", newline="\n")
        picture = ["-f", "concat", "-safe", "0", "-i", str(listing)]
        heard = ["-i", str(sound.absolute())] if sound else []
        is_coded = sound is not None and sound.suffix == ".m4a"
        coding = ["-c:v", "copy", *_TAGS, *(("-c:a", "copy") if is_coded else ffmpeg.AAC_OPTIONS)]
        tags = [word for key, value in notes.items() for word in ("-metadata", f"{key}={value}")]
        maps = ["-map", "0:v:0", *(["-map", "1:a:0"] if sound else []), "-map_metadata", "-1"]
        if soft is not None:
            heard += ["-i", str(soft[0].absolute())]
            maps += ["-map", f"{2 if sound else 1}:s:0"]
            coding += ["-c:s", "mov_text", "-metadata:s:s:0", f"language={soft[1]}"]
        with atomic_write(out_mp4) as part:
            end = ["-movflags", "+faststart", "-f", "mp4", str(part.absolute())]
            ffmpeg.run(["-y", *picture, *heard, *maps, *coding, *tags, *end], doing=f"joining {out_mp4}")


def verify_film(film: Path, timeline: Timeline) -> ffmpeg.MediaInfo:
    """Compares the finished file with its timeline, and returns what is in it.

    The pictures are counted as packets, since each segment was decoded and checked when it was made.

    Raises:
        StudioError: frames, size, codecs or the length of the sound differ.
    """
    found = ffmpeg.probe(film, decoded=False)
    wanted = {
        f"{timeline.num_frames} frames": found.num_frames == timeline.num_frames,
        f"{timeline.width}x{timeline.height}": (found.width, found.height)
        == (timeline.width, timeline.height),
        "H.264 in yuv420p, tagged bt709": all(w in found.video for w in ("h264", "yuv420p", "bt709")),
        f"AAC at {SAMPLE_RATE} Hz": "aac" in found.audio and found.sample_rate == SAMPLE_RATE,
        "sound that ends within a frame of the picture": (
            abs(found.num_samples - found.num_frames * SAMPLES_PER_FRAME) <= SAMPLES_PER_FRAME
        ),
    }
    if faults := [what for what, holds in wanted.items() if not holds]:
        sound = f"{found.num_samples} samples ({found.audio or 'no sound'})"
        got = f"{found.num_frames} frames of {found.width}x{found.height} ({found.video}), {sound}"
        raise StudioError(f"{film}: wanted {'; '.join(faults)}; got {got}")
    return found
