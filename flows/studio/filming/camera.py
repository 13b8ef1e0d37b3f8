"""The camera: films one shot with a loaded model and keeps the clip with its recipe."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import t2v
from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import WantedShot
from flows.studio.media import clips, user_files
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact

if TYPE_CHECKING:
    from t2v import TextToVideo, Video

ATTEMPTS = 2
DECODING_STEPS = 1.5
OnStep = Callable[[int, int], None]


class _Measured(Exception):
    """Ends the trial that measures a step."""


@lru_cache(maxsize=1)
def loaded_model(
    model: str,
    device: str | None,
    loras: tuple[tuple[str, float], ...] = (),
    memory: str = "auto",
) -> TextToVideo:
    """The film model, loaded once a process."""
    return t2v.load(model, loras=loras, device=device, memory=memory)


def model_of(film: FilmSettings, device: str | None) -> TextToVideo:
    """The film model of these settings, loaded once a process."""
    return loaded_model(film.model, device, film.loras, film.memory)


def seconds_a_step(film: FilmSettings, *, device: str | None) -> float:
    """How long one step takes here and now: of a trial the two after the first, which warms up.

    Two, because a fast model's steps are dear and cheap in turn.
    """
    times: list[float] = []

    def note(step: int, num_steps: int, latents: object) -> None:
        times.append(time.perf_counter())
        if len(times) > 2:
            raise _Measured

    begun = time.perf_counter()
    try:
        _generate("a trial", 0, film, device=device, callback=note)
    except _Measured:
        return (times[2] - times[0]) / 2
    return (time.perf_counter() - begun) / max(1, film.num_steps)


def seconds_a_shot(step: float, film: FilmSettings) -> float:
    """About how long a shot takes, given one step: decoding costs a step or two more."""
    return step * (film.num_steps + DECODING_STEPS)


def film_shot(
    wanted: WantedShot, film: FilmSettings, place: Path, *, device: str | None, on_step: OnStep
) -> Artifact | str:
    """The clip of a shot, or what went wrong twice: then the shot becomes a gag card and the episode goes on.

    Raises where going on makes no sense: StudioError for a full disk, T2VError for impossible settings.
    """
    if wanted.file is not None:
        width, height = wanted.recipe["size"]
        return user_files.make_clip(
            wanted.file, place, label=wanted.label, recipe=wanted.recipe, size=(width, height)
        )
    model_of(film, device)  # a model that cannot be loaded is no matter of one shot
    fault = ""
    for _ in range(ATTEMPTS):
        try:
            return _film(wanted, film, place, device=device, on_step=on_step)
        except t2v.RenderError as error:
            fault = str(error)
        except (StudioError, t2v.T2VError):
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            fault = f"{type(error).__name__}: {error}"
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
    return fault.splitlines()[0]


def _film(
    wanted: WantedShot, film: FilmSettings, place: Path, *, device: str | None, on_step: OnStep
) -> Artifact:
    begun = time.perf_counter()

    def step_done(step: int, num_steps: int, latents: object) -> None:
        on_step(step, num_steps)

    def take(seed: int) -> Video:
        return _generate(wanted.prompt, seed, film, device=device, callback=step_done)

    def write(path: Path) -> Mapping[str, Any]:
        video, judged = (take(wanted.seed), {}) if film.takes == "one" else auto_takes.best_take(wanted, take)
        clips.write_clip(video.frames, video.fps, path)
        return {
            "num_frames": len(video.frames),
            "fps": video.fps,
            "seconds": round(time.perf_counter() - begun, 3),
            "device": str(model_of(film, device).device),
            "written": wanted.shot.prompt_exact or wanted.shot.prompt,
            "words": wanted.words,
            **judged,
        }

    return artifacts.create(place, wanted.label, wanted.recipe, ".mp4", write=write)


def _generate(prompt: str, seed: int, film: FilmSettings, *, device: str | None, callback: Any) -> Video:
    return model_of(film, device).generate(
        prompt,
        negative_prompt=film.negative_prompt,
        num_frames=film.num_frames,
        height=film.height,
        width=film.width,
        num_steps=film.num_steps,
        guidance_scale=film.guidance_scale,
        motion_guidance=film.motion_guidance,
        sampler=film.sampler,
        speed=film.speed,
        seed=seed,
        callback=callback,
    )
