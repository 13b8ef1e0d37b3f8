"""The upscaling step: each drawn clip of a timeline, enlarged once, as an artifact in `upscaled/`.

A clip that is not in `upscaled/` is enlarged while its segment is rendered, to the same pixels: the step's
files are without loss, so that a segment is the same either way and its recipe need not say which. A clip of
16 frames takes about 5 MB at 896 × 512; `clean` removes them. Clips that a watermark's crop or badge, or
`--framing crop`, changes first are always enlarged while they are rendered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from flows.studio.media import clips, ffmpeg
from flows.studio.media.clips import Frames, clip_hash
from flows.studio.picture.fit import picture_size
from flows.studio.picture.upscaler import Upscaler, doublings_for, upscale_frame, upscaler_for
from flows.studio.timeline.model import Framing, PictureCut
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.files import read_json
from scripts_llm.screenplay.video import Watermark

RATE = 8  # frames a second in the file; nothing reads it
_CODING = ("-c:v", "libx264rgb", "-qp", "0", "-preset", "ultrafast")


@dataclass(frozen=True)
class PlannedUpscale:
    """A clip that is to be `2 ** doublings` times as large, by an upscaler."""

    clip: Path
    doublings: int
    upscaler: Upscaler

    @cached_property
    def recipe(self) -> Mapping[str, Any]:
        """The recipe of the enlarged clip."""
        return {
            "kind": "upscaled",
            "clip": clip_hash(self.clip)[:16],
            "upscaler": self.upscaler.name,
            "scale": 2**self.doublings,
        }

    @property
    def label(self) -> str:
        """The number of the clip's shot, with which its file's name begins: s02.1."""
        return self.clip.stem.rsplit("-", 1)[0]

    def path_in(self, folder: Path) -> Path:
        """Where the enlarged clip is, once it is made."""
        return folder / f"{self.label}-{artifacts.digest(self.recipe)}.mp4"


def plan_upscales(
    cuts: Iterable[PictureCut],
    size: tuple[int, int],
    *,
    own: Upscaler | None = None,
    framing: Framing = "blur",
    watermark: Watermark | None = None,
) -> tuple[PlannedUpscale, ...]:
    """The clips of these cuts that the step enlarges for a film of `size` (width, height), each once.

    Those are drawn ones, and with an upscaler of one's `own` all that a model has filmed.
    """
    filmed = [cut for cut in cuts if cut.clip is not None and is_upscaled(cut, own)]
    clips_of_cuts = dict.fromkeys(cut.clip for cut in filmed if cut.clip is not None)
    plans = (plan_upscale(clip, _size_of(clip), size, framing, watermark, own) for clip in clips_of_cuts)
    return tuple(plan for plan in plans if plan is not None)


def is_upscaled(cut: PictureCut, own: Upscaler | None) -> bool:
    """Whether a network enlarges a cut's clip: drawings, and with one's `own` whatever a model has filmed."""
    return cut.source is None or (own is not None and cut.source == "model")


def plan_upscale(
    clip: Path,
    frame_size: tuple[int, int],
    size: tuple[int, int],
    framing: Framing,
    watermark: Watermark | None,
    own: Upscaler | None = None,
) -> PlannedUpscale | None:
    """Plans the step for one clip with frames of `frame_size` (width, height); None if not needed."""
    doublings = doublings_for(frame_size, picture_size(frame_size, size))
    upscaler = own or upscaler_for(doublings)
    if not doublings or upscaler.enlarge is None or framing == "crop" or watermark is not None:
        return None
    return PlannedUpscale(clip, min(doublings, upscaler.most), upscaler)


def missing(plans: Sequence[PlannedUpscale], folder: Path) -> tuple[PlannedUpscale, ...]:
    """Those whose enlarged clips are not in `folder`, the episode's `upscaled/`."""
    stored = artifacts.stored(folder, ".mp4")
    return tuple(plan for plan in plans if artifacts.digest(plan.recipe) not in stored)


def upscale_clip(plan: PlannedUpscale, folder: Path) -> Artifact:
    """Enlarges one clip into `folder`, with its recipe."""

    def write(path: Path) -> Mapping[str, Any]:
        small = clips.read_clip(plan.clip)
        large = np.stack([upscale_frame(frame, plan.doublings, plan.upscaler) for frame in small])
        _encode(large, path)
        return {"num_frames": len(large), "height": large.shape[1], "width": large.shape[2]}

    return artifacts.create(folder, plan.label, plan.recipe, ".mp4", write=write)


def _encode(frames: Frames, path: Path) -> None:
    height, width = frames.shape[1:3]
    source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(RATE), "-i", "-"]
    with ffmpeg.open_input(["-y", *source, *_CODING, str(path.absolute())], doing=f"writing {path}") as pipe:
        pipe.write(frames.data)


def _size_of(clip: Path) -> tuple[int, int]:
    """Width and height of a clip, from its recipe, else from its first frame."""
    match (read_json(clip.with_suffix(".json")) or {}).get("recipe"):
        case {"width": int(width), "height": int(height)}:
            return width, height
    height, width = clips.read_frame(clip, 0).shape[:2]
    return width, height
