"""The rates of a finished film: frames a second, samples a second, samples a frame."""

from __future__ import annotations

FPS = 24


SAMPLE_RATE = 48_000


SAMPLES_PER_FRAME = SAMPLE_RATE // FPS


CLIP_HOLD = 3  # a clip's 8 frames a second, each held for three of the timeline's 24
