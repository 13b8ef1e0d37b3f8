"""The camera: films planned shots with an open model and stores each clip with its recipe."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from flows.studio.acting.directing import Directions
from flows.studio.cameras.film_model import FilmModel, OnStep, Preview, RenderError, Video
from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes, hosted_shots, pictures
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.filming.vocabulary import directed_prompts
from flows.studio.hosted.camera import HostedCamera
from flows.studio.hosted.errors import ShotError
from flows.studio.media import clip_rate, user_files
from flows.studio.workspace import artifacts
from flows.studio.workspace.artifacts import Artifact

ATTEMPTS = 2
DECODING_STEPS = 1.5  # what decoding a clip costs, in sampler steps
OnShotStep = Callable[[PlannedShot, int, int, Preview | None], None]  # a shot, and what `OnStep` gets
MayBegin = Callable[[], bool]


class ShotToFilm(Protocol):
    """A shot as far as a camera needs it: a `PlannedShot`, or an order from another machine."""

    @property
    def label(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def written(self) -> str | None: ...
    @property
    def seed(self) -> int: ...
    @property
    def recipe(self) -> artifacts.Recipe: ...
    @property
    def directions(self) -> Directions: ...


@dataclass(frozen=True)
class FilmedShot:
    """A shot after filming: its clip, or the fault, in a line, for which a gag card takes its place."""

    shot: PlannedShot
    clip: Artifact | None
    fault: str = ""
    attempts: int = ATTEMPTS


def film_shots(
    shots: Sequence[PlannedShot],
    film: FilmSettings,
    models: LoadedModels,
    folder: Path,
    *,
    on_step: OnShotStep,
    following: Sequence[PlannedShot] = (),
    may_begin: MayBegin = lambda: True,
) -> Generator[FilmedShot]:
    """Films the shots into `folder` and gives each as soon as it is done; callers may not rely on an order.

    No shot is begun once `may_begin` says no. A caller that stops iterating stops the filming. The film model
    is loaded at the first shot that needs it. A service is asked for several films at once, those of the
    `following` shots among them, which a later call fetches. Raises as `film_shot` and `store_user_file` do.
    """
    for number, shot in enumerate(shots):
        if not may_begin():
            return
        if shot.file is not None:
            yield store_user_file(shot, folder)
            continue

        own = shot.film or film
        model = open_for(own, models)
        if isinstance(model, HostedCamera):
            alike = [
                one for one in (*shots[number:], *following) if one.file is None and (one.film or film) == own
            ]
            hosted_shots.ask_ahead(alike[: hosted_shots.AT_ONCE], own, model, folder)
        yield film_shot(shot, own, model, folder, on_step=partial(on_step, shot))


def open_for(film: FilmSettings, models: LoadedModels) -> FilmModel:
    """The open film model of these settings. Raises ModelError."""
    return models.get(film.model, loras=film.loras, memory=film.memory)


def film_shot(
    shot: PlannedShot, film: FilmSettings, model: FilmModel, folder: Path, *, on_step: OnStep
) -> FilmedShot:
    """Films a shot into `folder`; one that fails twice comes back with its fault, and the episode goes on.

    A server is asked once, and what it refuses is never asked for again. Raises StudioError where no other
    shot could be filmed either: a full disk, impossible settings, a wrong key, a limit of dollars.
    """
    if isinstance(model, HostedCamera):
        return _film_hosted(shot, film, model, folder, on_step=on_step)
    try:
        given = pictures.read(shot.pictures, film, folder)
    except RenderError as error:
        return FilmedShot(shot, None, str(error))
    clip = film_clip(shot, film, model, folder, on_step=on_step, given=given)
    return FilmedShot(shot, None, clip) if isinstance(clip, str) else FilmedShot(shot, clip)


def film_clip(
    shot: ShotToFilm,
    film: FilmSettings,
    model: FilmModel,
    folder: Path,
    *,
    on_step: OnStep,
    given: Mapping[str, Any],
) -> Artifact | str:
    """The clip of a shot, in `folder`; of one that fails twice the fault, in a line.

    `given` are the pictures that it is filmed from, by `pictures.read`.
    Raises StudioError where no other shot could be filmed either: a full disk, impossible settings.
    """
    fault = ""
    for _ in range(ATTEMPTS):
        try:
            return _film(shot, film, model, folder, on_step=on_step, given=given)
        except RenderError as error:
            fault = str(error)
        except StudioError:
            raise
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            fault = f"{type(error).__name__}: {error}"
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
    return fault.splitlines()[0]


def _film_hosted(
    shot: PlannedShot, film: FilmSettings, model: HostedCamera, folder: Path, *, on_step: OnStep
) -> FilmedShot:
    def on_share(share: float | None) -> None:
        on_step(round(100 * (share or 0)), 100, None)

    try:
        return FilmedShot(shot, hosted_shots.film_shot(shot, film, model, folder, on_share=on_share))
    except ShotError as fault:
        return FilmedShot(shot, None, str(fault), attempts=1)


def store_user_file(shot: PlannedShot, folder: Path) -> FilmedShot:
    """Stores the user's own file as the clip of its shot. Raises StudioError for no picture and no film."""
    assert shot.file is not None
    width, height = shot.recipe["size"]
    clip = user_files.make_clip(shot.file, folder, label=shot.label, recipe=shot.recipe, size=(width, height))
    return FilmedShot(shot, clip)


def _film(
    shot: ShotToFilm,
    film: FilmSettings,
    model: FilmModel,
    folder: Path,
    *,
    on_step: OnStep,
    given: Mapping[str, Any],
) -> Artifact:
    start = time.perf_counter()
    settings = film.generate_settings
    if shot.directions:
        settings["frame_prompts"] = directed_prompts(shot.prompt, shot.directions)

    def take(seed: int) -> Video:
        return model.generate(shot.prompt, seed=seed, on_step=on_step, **settings, **given)

    def write(path: Path) -> Mapping[str, Any]:
        if film.takes == "auto":
            video, judged = auto_takes.best_take(shot.prompt, shot.seed, take, shot.directions)
        else:
            video, judged = take(shot.seed), {}
        length = clip_rate.store_clip(video.frames, video.fps, path)
        return {
            **length,
            "seconds": round(time.perf_counter() - start, 3),
            "device": model.device,
            "written": shot.written,
            "words": shot.words,
            **judged,
        }

    return artifacts.create(folder, shot.label, shot.recipe, ".mp4", write=write)


# ------------------------------------------------------------------------------------------------- speed


class _Measured(Exception):
    """Ends the trial that measures a step."""


def seconds_per_step(film: FilmSettings, model: FilmModel) -> float:
    """The seconds of one sampler step on this machine: the mean of the second and third step of a trial.

    The first step warms up; two are measured, because a fast model's steps are dear and cheap in turn.
    """
    times: list[float] = []

    def note(step: int, num_steps: int, preview: Preview | None) -> None:
        times.append(time.perf_counter())
        if len(times) > 2:
            raise _Measured

    start = time.perf_counter()
    try:
        model.generate("a trial", seed=0, on_step=note, **film.generate_settings, **pictures.grey(film))
    except _Measured:
        return (times[2] - times[0]) / 2
    return (time.perf_counter() - start) / max(1, film.num_steps)


def seconds_per_shot(step_seconds: float, film: FilmSettings) -> float:
    """About the seconds of a shot, from those of a step; decoding costs a step or two more."""
    return step_seconds * (film.num_steps + DECODING_STEPS)
