"""Watermarks: text that a film model writes into every clip is cropped away, or covered by the show's badge.

ModelScope and its kin draw the word "shutterstock" across the lower middle of the frame, as in the clips that
they were trained on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw

from flows.studio.media.clips import Frames
from flows.studio.picture.cards import palette_of
from flows.studio.picture.fit import fit_frame
from flows.studio.timeline.model import Framing
from flows.studio.typography.lettering import Ink, draw_text, fit_text
from scripts_llm.screenplay.video import Watermark

NEARER = 1.12  # a crop's enlargement: all that it takes of the height, 10.7 %, is taken at the bottom
BADGE = (0.26, 0.66, 0.74, 0.80)  # left, top, right, bottom, in shares of the clip


@dataclass(frozen=True)
class Treatment:
    """How a clip's frames become the film's: drawn or not, what hides a watermark, the badge's text."""

    is_drawn: bool = True
    watermark: Watermark | None = None
    show: str = ""

    def fitted(
        self,
        frame: Frames,
        *,
        width: int,
        height: int,
        framing: Framing = "blur",
        upscaled: Frames | None = None,
    ) -> Frames:
        """A clip's frame (h, w, 3) at (height, width, 3); `upscaled` is it from the upscaling step."""
        frame = self.hidden(frame, width=width, height=height)
        shape = {"width": width, "height": height}
        return fit_frame(frame, framing=framing, is_drawn=self.is_drawn, upscaled=upscaled, **shape)

    def hidden(self, frame: Frames, *, width: int, height: int) -> Frames:
        """The frame with its watermark hidden, before it is fitted into a film of this size."""
        if self.watermark == "crop":
            return crop_watermark(frame)
        if self.watermark == "bug":
            return self._with_badge(frame, max(width / frame.shape[1], height / frame.shape[0]))
        return frame

    def _with_badge(self, frame: Frames, scale: float) -> Frames:
        """The whole clip at about the film's size, so that the letters are sharp, with the badge on it."""
        tall, wide = (round(side * max(1.0, scale)) for side in frame.shape[:2])
        large = Image.fromarray(fit_frame(frame, width=wide, height=tall, is_drawn=self.is_drawn))
        badge = _badge(self.show, round(wide * (BADGE[2] - BADGE[0])), round(tall * (BADGE[3] - BADGE[1])))
        large.paste(badge, (round(wide * BADGE[0]), round(tall * BADGE[1])), badge)
        return np.array(large)


def crop_watermark(frame: Frames) -> Frames:
    """The frame without its lowest 10.7 %, and as much less at both sides: four fifths of its area."""
    height, width = frame.shape[:2]
    tall, wide = round(height / NEARER), round(width / NEARER)
    left = (width - wide) // 2
    return frame[:tall, left : left + wide]


@lru_cache(maxsize=4)
def _badge(show: str, width: int, height: int) -> Image.Image:
    """The show's name on a plate with round ends, in its own colours; nothing is seen through it."""
    colours = palette_of(show)
    badge = Image.new("RGBA", (width, height), (*colours.ink, 0))
    line = max(1, height // 16)
    box = (0, 0, width - 1, height - 1)
    plate = ImageDraw.Draw(badge)
    plate.rounded_rectangle(box, radius=height // 4, fill=colours.bright, outline=colours.ink, width=line)
    inner = width - height // 2, height - 4 * line
    text = fit_text(show.split("\n")[0].upper(), *inner, largest=round(height * 0.6), most_lines=2)
    draw_text(badge, text, width / 2, (height - text.height) / 2, Ink(colours.ink, colours.ink, edge_width=0))
    return badge
