"""What a clip is filmed with: every setting of `generate`, filled in from the preset and checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypedDict, get_args

from t2v.configs import Preset, Spacing
from t2v.denoise import Guidance
from t2v.errors import SettingsError
from t2v.samplers import SAMPLERS, Callback


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
    callback: Callback | None


@dataclass(frozen=True)
class Shoot:
    """All that one clip is filmed with, checked."""

    prompt: str
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

    @property
    def guidance(self) -> Guidance:
        return Guidance(
            self.guidance_scale, self.guidance_rescale, self.guidance_interval, self.guidance_every
        )

    def told(self) -> dict[str, Any]:
        """The settings as plain data, for whoever keeps them with the film."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def shoot_of(preset: Preset, prompt: str, asked: Settings) -> Shoot:
    """The settings asked for, and the preset's own where nothing was. Raises SettingsError."""
    height, width = next(iter(preset.sizes.values()))
    own: dict[str, Any] = {
        "negative_prompt": preset.negative_prompt,
        "num_frames": preset.num_frames,
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
    }
    given = {name: value for name, value in asked.items() if value is not None and name in own}
    shoot = Shoot(prompt=prompt, **(own | given))
    check(shoot, preset)
    return shoot


def check(shoot: Shoot, preset: Preset) -> None:
    """Raise SettingsError for what the model cannot film."""
    faults = [text for good, text in [*_size(shoot, preset), *_sampling(shoot, preset)] if not good]
    if faults:
        raise SettingsError(f"{preset.name} wants {'; '.join(faults)}")


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
            f"a height in steps of {factor}, got {shoot.height}",
        ),
        (
            shoot.width >= factor and shoot.width % factor == 0,
            f"a width in steps of {factor}, got {shoot.width}",
        ),
    ]


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
        (shoot.guidance_every >= 1, f"guidance_every of 1 or more, got {shoot.guidance_every}"),
    ]
