"""What a clip is filmed with: every setting of `generate`, filled in from the preset and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, get_args

import numpy as np

from t2v.configs import Preset, Spacing, Speed, fast
from t2v.errors import SettingsError
from t2v.sampling.guidance import Guidance
from t2v.sampling.prompts import Prompt
from t2v.sampling.samplers import SAMPLERS, Callback
from t2v.sampling.windows import places

STRENGTH = 0.6  # of video to video where none is given: what zeroscope's two stages use


class Settings(TypedDict, total=False):
    """What `generate` takes beside prompt and seed; None is the preset's own value."""

    negative_prompt: str | None
    num_frames: int | None
    height: int | None
    width: int | None
    num_steps: int | None
    guidance_scale: float | None
    sampler: str | None
    eta: float
    spacing: Spacing | None
    guidance_rescale: float | None
    guidance_interval: tuple[float, float] | None
    guidance_every: int | None
    motion_guidance: float | None
    cache_every: int | None
    speed: Speed | None
    init_frames: np.ndarray | None
    strength: float | None
    hold: Mapping[int, np.ndarray] | None
    loop: bool
    window: int | None
    window_stride: int | None
    callback: Callback | None


@dataclass(frozen=True)
class Shoot:
    """All that one clip is filmed with, checked."""

    prompt: Prompt
    negative_prompt: str
    num_frames: int
    height: int
    width: int
    num_steps: int
    guidance_scale: float
    sampler: str
    eta: float
    spacing: Spacing
    guidance_rescale: float
    guidance_interval: tuple[float, float]
    guidance_every: int
    motion_guidance: float
    cache_every: int
    init_frames: np.ndarray | None
    strength: float
    hold: Mapping[int, np.ndarray]
    loop: bool
    window: int
    window_stride: int

    @property
    def guidance(self) -> Guidance:
        return Guidance(
            self.guidance_scale,
            self.guidance_rescale,
            self.guidance_interval,
            self.guidance_every,
            self.motion_guidance if self.num_frames > 1 else 0.0,
        )

    @property
    def windows(self) -> list[list[int]]:
        """The frames that the network sees at once."""
        return places(self.num_frames, self.window, self.window_stride, loop=self.loop)

    @property
    def kept(self) -> int:
        """How many passes of a step keep their deep features: every branch's in every window."""
        return len(self.windows) * self.guidance.branches if self.cache_every > 1 else 0

    def told(self) -> dict[str, Any]:
        """The settings as plain data, for whoever keeps them with the film; pictures by number alone."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["init_frames"] = 0 if self.init_frames is None else len(self.init_frames)
        plain["hold"] = sorted(self.hold)
        if not isinstance(self.prompt, str):
            plain["prompt"] = dict(self.prompt)
        return plain


def shoot_of(preset: Preset, prompt: Prompt, asked: Settings) -> Shoot:
    """The settings asked for, and the preset's own where nothing was. Raises SettingsError."""
    height, width = next(iter(preset.sizes.values()))
    film = asked.get("init_frames")
    if film is not None:
        check_frames(film, "init_frames (f, h, w, 3)", preset)
    num_frames, height, width = (preset.num_frames, height, width) if film is None else film.shape[:3]
    length = asked.get("num_frames") or num_frames
    window = asked.get("window") or max(1, length)
    own: dict[str, Any] = {
        "negative_prompt": preset.negative_prompt,
        "num_frames": num_frames,
        "height": height,
        "width": width,
        "num_steps": preset.num_steps,
        "guidance_scale": preset.guidance_scale,
        "sampler": preset.sampler,
        "eta": 0.0,
        "spacing": preset.spacing,
        "guidance_rescale": 0.0,
        "guidance_interval": (0.0, 1.0),
        "guidance_every": 1,
        "motion_guidance": preset.motion_guidance,
        "cache_every": 1,
        "init_frames": None,
        "strength": 1.0 if film is None else STRENGTH,
        "hold": {},
        "loop": False,
        "window": window,
        "window_stride": max(1, window // 2),
    }
    given = {name: value for name, value in asked.items() if value is not None and name in own}
    if asked.get("speed") not in (None, *get_args(Speed)):
        speeds = ", ".join(get_args(Speed))
        raise SettingsError(f"{preset.name} wants one of the speeds {speeds}, got {asked['speed']!r}")
    quick = fast(preset) if (asked.get("speed") or preset.speed) == "fast" else {}
    shoot = Shoot(prompt=prompt, **(own | quick | given))
    for frame in shoot.hold.values():
        check_frames(frame, f"held frames ({shoot.height}, {shoot.width}, 3)", preset, axes=3)
    check(shoot, preset)
    return shoot


def check(shoot: Shoot, preset: Preset) -> None:
    """Raise SettingsError for what the model cannot film."""
    wants = [*_size(shoot, preset), *_sampling(shoot, preset), *_given(shoot)]
    faults = [text for good, text in wants if not good]
    if faults:
        raise SettingsError(f"{preset.name} wants {'; '.join(faults)}")


def check_frames(frames: np.ndarray, what: str, preset: Preset, *, axes: int = 4) -> None:
    """Raise SettingsError for what is no film (f, h, w, 3), or with three axes no picture."""
    good = isinstance(frames, np.ndarray) and frames.dtype == np.uint8 and frames.ndim == axes
    if not good or frames.shape[-1] != 3 or 0 in frames.shape:
        came = f"{frames.dtype} {frames.shape}" if isinstance(frames, np.ndarray) else type(frames).__name__
        raise SettingsError(f"{preset.name} wants {what} as a uint8 array, got {came}")


def check_seeds(seeds: Sequence[int], preset: Preset) -> None:
    """Raise SettingsError for a seed that no generator takes."""
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise SettingsError(f"{preset.name} wants seeds from 0 to 2**63 - 1, got {seed}")


def _size(shoot: Shoot, preset: Preset) -> list[tuple[bool, str]]:
    factor = preset.autoencoder.factor
    return [
        (shoot.num_frames >= 1, f"num_frames of 1 or more, got {shoot.num_frames}"),
        (
            shoot.height >= factor and shoot.height % factor == 0,
            f"a height in steps of {factor}, got {shoot.height}, try {_near(shoot.height, factor)}",
        ),
        (
            shoot.width >= factor and shoot.width % factor == 0,
            f"a width in steps of {factor}, got {shoot.width}, try {_near(shoot.width, factor)}",
        ),
    ]


def _near(pixels: int, factor: int) -> int:
    """The nearest size that a model films."""
    return max(1, round(pixels / factor)) * factor


def _sampling(shoot: Shoot, preset: Preset) -> list[tuple[bool, str]]:
    most = 50 if shoot.spacing == "lcm" else preset.schedule.num_timesteps
    low, high = shoot.guidance_interval
    return [
        (1 <= shoot.num_steps <= most, f"1 to {most} steps, got {shoot.num_steps}"),
        (0 <= shoot.guidance_scale < math.inf, f"a guidance scale of 0 or more, got {shoot.guidance_scale}"),
        (
            shoot.sampler in SAMPLERS,
            f"one of the samplers {', '.join(SAMPLERS)}, got {shoot.sampler!r}",
        ),
        (
            shoot.spacing in get_args(Spacing),
            f"one of the spacings {', '.join(get_args(Spacing))}, got {shoot.spacing!r}",
        ),
        (0 <= shoot.eta <= 1, f"an eta from 0 to 1, got {shoot.eta}"),
        (
            shoot.eta == 0 or shoot.sampler == "ddim",
            f"an eta with sampler ddim alone, got {shoot.eta} with {shoot.sampler}",
        ),
        (0 <= shoot.guidance_rescale <= 1, f"a guidance_rescale from 0 to 1, got {shoot.guidance_rescale}"),
        (
            0 <= low <= high <= 1,
            f"a guidance_interval inside (0, 1), low first, got {shoot.guidance_interval}",
        ),
        (shoot.cache_every >= 1, f"cache_every of 1 or more, got {shoot.cache_every}"),
        (shoot.guidance_every >= 1, f"guidance_every of 1 or more, got {shoot.guidance_every}"),
        (
            0 <= shoot.motion_guidance < math.inf,
            f"a motion_guidance of 0 or more, got {shoot.motion_guidance}",
        ),
    ]


def _given(shoot: Shoot) -> list[tuple[bool, str]]:
    n, film = shoot.num_frames, shoot.init_frames
    stops = [] if isinstance(shoot.prompt, str) else list(shoot.prompt)
    sizes = {frame.shape for frame in shoot.hold.values()}
    return [
        (0 <= shoot.strength <= 1, f"a strength from 0 to 1, got {shoot.strength}"),
        (film is not None or shoot.strength == 1, "init_frames where a strength is given"),
        (
            film is None or len(film) == n,
            f"as many init_frames as num_frames, got {0 if film is None else len(film)} and {n}",
        ),
        (all(-n <= i < n for i in shoot.hold), f"held frames from {-n} to {n - 1}, got {sorted(shoot.hold)}"),
        (
            sizes <= {(shoot.height, shoot.width, 3)},
            f"held frames ({shoot.height}, {shoot.width}, 3), got {', '.join(map(str, sorted(sizes)))}",
        ),
        (
            isinstance(shoot.prompt, str) or bool(stops),
            "a prompt for at least one frame, got none",
        ),
        (all(0 <= i < n for i in stops), f"prompts for frames from 0 to {n - 1}, got {stops}"),
        (shoot.window >= 1, f"a window of 1 frame or more, got {shoot.window}"),
        (
            1 <= shoot.window_stride <= max(1, shoot.window),
            f"a window_stride from 1 to the window's {shoot.window}, got {shoot.window_stride}",
        ),
    ]
