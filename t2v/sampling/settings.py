"""The settings of `generate`: names and types, defaults, and checks."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict, get_args

import numpy as np

from t2v.configs import Preset, Spacing, Speed, fast_settings
from t2v.errors import SettingsError
from t2v.sampling.guidance import Guidance
from t2v.sampling.prompts import Prompt
from t2v.sampling.samplers import SAMPLERS, Callback
from t2v.sampling.windows import frame_windows

STRENGTH = 0.6  # of video to video where none is given: what zeroscope's two stages use


class GenerateSettings(TypedDict, total=False):
    """The settings of `generate` besides prompt and seed. One left out, or None, has the preset's value."""

    negative_prompt: str | None  # the text that guidance leads away from
    num_frames: int | None
    height: int | None  # in pixels, a multiple of the autoencoder's factor
    width: int | None
    num_steps: int | None  # of the sampler
    guidance_scale: float | None  # 1 is none
    sampler: str | None  # a key of SAMPLERS
    eta: float  # of ddim: 0 is deterministic, 1 as noisy as DDPM
    spacing: Spacing | None  # of the timesteps
    guidance_rescale: float | None  # 0 to 1 (Lin et al. 2023, section 3.4)
    guidance_interval: tuple[float, float] | None  # shares of the timesteps with guidance, 0 the cleanest
    guidance_every: int | None  # guidance is computed anew in every so many steps
    motion_guidance: float | None  # away from the answer without the layers over frames
    direction_guidance: float | None  # away from the answer for the prompt in which nobody acts
    cache_every: int | None  # deep features are computed anew in every so many steps (DeepCache)
    speed: Speed | None  # "fast": fewer and cheaper steps, see `t2v.configs.fast_settings`
    init_frames: np.ndarray | None  # a clip to start from, uint8 (f, h, w, 3)
    strength: float | None  # the share of the steps that a clip with init_frames takes
    hold: Mapping[int, np.ndarray] | None  # known frames by index, uint8 (h, w, 3); -1 is the last
    loop: bool  # the last frame leads into the first
    window: int | None  # frames that the network sees at once
    window_stride: int | None  # frames from one window to the next
    callback: Callback | None  # called as callback(step, num_steps, clean) after every step


@dataclass(frozen=True)
class ClipSettings:
    """The settings of one clip with every default filled in.

    `GenerateSettings` says what each one means. One that a preset has too has the preset's value by default.
    """

    prompt: Prompt
    negative_prompt: str
    num_frames: int
    height: int
    width: int
    num_steps: int
    guidance_scale: float
    sampler: str
    spacing: Spacing
    motion_guidance: float
    direction_guidance: float
    strength: float
    window: int
    window_stride: int
    eta: float = 0.0
    guidance_rescale: float = 0.0
    guidance_interval: tuple[float, float] = (0.0, 1.0)
    guidance_every: int = 1
    cache_every: int = 1
    init_frames: np.ndarray | None = None
    hold: Mapping[int, np.ndarray] = field(default_factory=dict)
    loop: bool = False

    @property
    def guidance(self) -> Guidance:
        """How the clip is guided; a single frame has no motion guidance."""
        return Guidance(
            self.guidance_scale,
            self.guidance_rescale,
            self.guidance_interval,
            self.guidance_every,
            self.motion_guidance if self.num_frames > 1 else 0.0,
            self.direction_guidance,
        )

    @property
    def windows(self) -> list[list[int]]:
        """The frames that the network sees at once, window by window."""
        return frame_windows(self.num_frames, self.window, self.window_stride, loop=self.loop)

    @property
    def cached_passes(self) -> int:
        """How many passes of a step keep their deep features: every branch's in every window."""
        return len(self.windows) * self.guidance.branches if self.cache_every > 1 else 0

    def as_metadata(self) -> dict[str, Any]:
        """The settings as plain data, to be stored with the film: pictures as their number or indices."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        plain["init_frames"] = 0 if self.init_frames is None else len(self.init_frames)
        plain["hold"] = sorted(self.hold)
        if not isinstance(self.prompt, str):
            plain["prompt"] = dict(self.prompt)
        return plain


def resolve_settings(preset: Preset, prompt: Prompt, given: GenerateSettings) -> ClipSettings:
    """The given settings, and defaults for those that are not given.

    A film to start from shows by itself what everybody does: by default that is not guided.
    Raises SettingsError for what the model cannot film, TypeError for a setting that there is not.
    """
    check_names(given)
    film = given.get("init_frames")
    height, width = next(iter(preset.sizes.values()))
    size = (preset.num_frames, height, width)
    if film is not None:
        check_frames(film, "init_frames (f, h, w, 3)", preset)
        size = film.shape[:3]
    window = given.get("window") or max(1, given.get("num_frames") or size[0])
    names = {field.name for field in fields(ClipSettings)}
    defaults: dict[str, Any] = {
        **{name: getattr(preset, name) for name in names if hasattr(preset, name)},
        **dict(zip(("num_frames", "height", "width"), size, strict=True)),
        **({"strength": 1.0} if film is None else {"strength": STRENGTH, "direction_guidance": 0.0}),
        "window": window,
        "window_stride": max(1, window // 2),
        **_of_speed(given.get("speed") or preset.speed, preset),
    }
    own = {name: value for name, value in given.items() if value is not None and name in names}
    settings = ClipSettings(prompt=prompt, **(defaults | own))
    for frame in settings.hold.values():
        check_frames(frame, f"held frames ({settings.height}, {settings.width}, 3)", preset, axes=3)
    check_settings(settings, preset)
    return settings


def _of_speed(speed: str, preset: Preset) -> dict[str, Any]:
    if speed not in get_args(Speed):
        speeds = ", ".join(get_args(Speed))
        raise SettingsError(f"{preset.name} wants one of the speeds {speeds}, got {speed!r}")
    return fast_settings(preset) if speed == "fast" else {}


def check_names(given: Iterable[str]) -> None:
    """Raise TypeError for a setting that `generate` does not take, with the nearest one that it does."""
    known = GenerateSettings.__annotations__
    for name in given:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f", did you mean {nearest[0]!r}?" if nearest else f"; there are {', '.join(known)}"
            raise TypeError(f"generate() takes no setting {name!r}{hint}")


def check_settings(settings: ClipSettings, preset: Preset) -> None:
    """Raise SettingsError, with all faults at once, for settings that the model cannot film with."""
    rules = [*_size(settings, preset), *_sampling(settings, preset), *_given(settings)]
    faults = [text for holds, text in rules if not holds]
    if faults:
        raise SettingsError(f"{preset.name} wants {'; '.join(faults)}")


def check_frames(frames: np.ndarray, name: str, preset: Preset, *, axes: int = 4) -> None:
    """Raise SettingsError if frames are no uint8 array (f, h, w, 3), or (h, w, 3) with three axes."""
    is_uint8 = isinstance(frames, np.ndarray) and frames.dtype == np.uint8 and frames.ndim == axes
    if not is_uint8 or frames.shape[-1] != 3 or 0 in frames.shape:
        given = f"{frames.dtype} {frames.shape}" if isinstance(frames, np.ndarray) else type(frames).__name__
        raise SettingsError(f"{preset.name} wants {name} as a uint8 array, got {given}")


def check_seeds(seeds: Sequence[int], preset: Preset) -> None:
    """Raise SettingsError for a seed that PyTorch's generator does not take."""
    for seed in seeds:
        if not 0 <= seed < 2**63:
            raise SettingsError(f"{preset.name} wants seeds from 0 to 2**63 - 1, got {seed}")


def _size(settings: ClipSettings, preset: Preset) -> list[tuple[bool, str]]:
    factor = preset.autoencoder.factor
    return [
        (settings.num_frames >= 1, f"num_frames of 1 or more, got {settings.num_frames}"),
        (
            settings.height >= factor and settings.height % factor == 0,
            f"a height in steps of {factor}, got {settings.height}, try {_near(settings.height, factor)}",
        ),
        (
            settings.width >= factor and settings.width % factor == 0,
            f"a width in steps of {factor}, got {settings.width}, try {_near(settings.width, factor)}",
        ),
    ]


def _near(pixels: int, factor: int) -> int:
    """The nearest size that the model films, in pixels."""
    return max(1, round(pixels / factor)) * factor


def _sampling(settings: ClipSettings, preset: Preset) -> list[tuple[bool, str]]:
    most = 50 if settings.spacing == "lcm" else preset.schedule.num_timesteps
    low, high = settings.guidance_interval
    return [
        (1 <= settings.num_steps <= most, f"1 to {most} steps, got {settings.num_steps}"),
        (
            0 <= settings.guidance_scale < math.inf,
            f"a guidance scale of 0 or more, got {settings.guidance_scale}",
        ),
        (
            settings.sampler in SAMPLERS,
            f"one of the samplers {', '.join(SAMPLERS)}, got {settings.sampler!r}",
        ),
        (
            settings.spacing in get_args(Spacing),
            f"one of the spacings {', '.join(get_args(Spacing))}, got {settings.spacing!r}",
        ),
        (0 <= settings.eta <= 1, f"an eta from 0 to 1, got {settings.eta}"),
        (
            settings.eta == 0 or settings.sampler == "ddim",
            f"an eta with sampler ddim alone, got {settings.eta} with {settings.sampler}",
        ),
        (
            0 <= settings.guidance_rescale <= 1,
            f"a guidance_rescale from 0 to 1, got {settings.guidance_rescale}",
        ),
        (
            0 <= low <= high <= 1,
            f"a guidance_interval inside (0, 1), low first, got {settings.guidance_interval}",
        ),
        (settings.cache_every >= 1, f"cache_every of 1 or more, got {settings.cache_every}"),
        (settings.guidance_every >= 1, f"guidance_every of 1 or more, got {settings.guidance_every}"),
        (
            0 <= settings.motion_guidance < math.inf,
            f"a motion_guidance of 0 or more, got {settings.motion_guidance}",
        ),
        (
            0 <= settings.direction_guidance < math.inf,
            f"a direction_guidance of 0 or more, got {settings.direction_guidance}",
        ),
        (
            settings.direction_guidance == 0 or preset.directed,
            f"no direction_guidance, as it takes no directions, got {settings.direction_guidance}",
        ),
    ]


def _given(settings: ClipSettings) -> list[tuple[bool, str]]:
    n, film = settings.num_frames, settings.init_frames
    stops = [] if isinstance(settings.prompt, str) else list(settings.prompt)
    sizes = {frame.shape for frame in settings.hold.values()}
    return [
        (0 <= settings.strength <= 1, f"a strength from 0 to 1, got {settings.strength}"),
        (film is not None or settings.strength == 1, "init_frames where a strength is given"),
        (
            film is None or len(film) == n,
            f"as many init_frames as num_frames, got {0 if film is None else len(film)} and {n}",
        ),
        (
            all(-n <= i < n for i in settings.hold),
            f"held frames from {-n} to {n - 1}, got {sorted(settings.hold)}",
        ),
        (
            sizes <= {(settings.height, settings.width, 3)},
            f"held frames ({settings.height}, {settings.width}, 3), got {', '.join(map(str, sorted(sizes)))}",
        ),
        (
            isinstance(settings.prompt, str) or bool(stops),
            "a prompt for at least one frame, got none",
        ),
        (all(0 <= i < n for i in stops), f"prompts for frames from 0 to {n - 1}, got {stops}"),
        (settings.window >= 1, f"a window of 1 frame or more, got {settings.window}"),
        (
            1 <= settings.window_stride <= max(1, settings.window),
            f"a window_stride from 1 to the window's {settings.window}, got {settings.window_stride}",
        ),
    ]
