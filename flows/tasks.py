"""The steps of an episode as Prefect tasks: their names and their retries; the work is `LocalSteps`'."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext

from flows.orchestration import artifacts as run_artifacts
from flows.studio.cameras.film_model import Preview
from flows.studio.errors import StudioError
from flows.studio.farm.head import Farm
from flows.studio.filming.camera import FilmedShot, MayBegin, OnShotStep
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.picture.upscale import PlannedUpscale
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production.console import Say
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan
from flows.studio.production.steps import LocalSteps, OnFrame
from flows.studio.voice.lines import PlannedLine
from flows.studio.voice.settings import VoiceSettings
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.errors import ScriptError

R = TypeVar("R")


def can_recover(task: Task[Any, Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: not where the input is wrong or the disk refuses."""
    try:
        state.result()
    except ScriptError:
        return False
    except StudioError as error:
        return error.code == 1 and not isinstance(error.__cause__, OSError)
    except OSError:
        return False
    except Exception:
        return True
    return False


def run_as_task(name: str, run_name: str, work: Callable[[], R], *, retries: int = 0) -> R:
    """Does the work as a task of the flow run; outside of one it is just done.

    Nothing is cached or persisted by Prefect: the episode's folder has everything.
    """
    if FlowRunContext.get() is None:
        return work()

    def step() -> R:  # Prefect wants a function with a name
        return work()

    recorded = task(
        name=name,
        task_run_name=run_name,
        cache_policy=NO_CACHE,
        persist_result=False,
        retries=retries,
        retry_condition_fn=can_recover,
    )(step)
    return recorded()


def record_as_task(name: str, run_name: str, wait: Callable[[], object]) -> None:
    """Records work that others do as a task of the flow run, from now until `wait` returns, in a thread."""
    if FlowRunContext.get() is None:
        return

    def step() -> None:
        wait()

    task(name=name, task_run_name=run_name, cache_policy=NO_CACHE, persist_result=False)(step).submit()


class RecordedSteps:
    """`Steps` that Prefect records: a task for each script, shot, line, segment and film."""

    def __init__(self, models: LoadedModels, farm: Farm | None = None) -> None:
        self._local = LocalSteps(models, farm)
        self._progress: UUID | None = None

    @property
    def films_elsewhere(self) -> bool:
        return self._local.films_elsewhere

    def num_cameras(self, film: FilmSettings) -> int:
        return self._local.num_cameras(film)

    def write_script(self, episode: Episode, *, say: Say) -> Episode:
        work = partial(self._local.write_script, episode, say=say)
        return run_as_task("write_script", "write the script", work)

    def complete_script(self, episode: Episode) -> Episode:
        work = partial(self._local.complete_script, episode)
        return run_as_task("complete_script", "complete the script", work)

    def seconds_per_step(self, film: FilmSettings) -> float | None:
        return self._local.seconds_per_step(film)

    def film_shots(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        may_begin: MayBegin = lambda: True,
    ) -> Generator[FilmedShot]:
        if self.films_elsewhere:
            yield from self._film_elsewhere(shots, film, folder, on_step=on_step, may_begin=may_begin)
            return
        for number, shot in enumerate(shots, start=1):
            if not may_begin():
                return
            rest = shots[number:]
            work = partial(
                _only, self._local.film_shots, [shot], film, folder, on_step=on_step, following=rest
            )
            yield run_as_task("film_shot", f"film {shot.label}", work)

    def _film_elsewhere(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        may_begin: MayBegin,
    ) -> Generator[FilmedShot]:
        """Records many shots that are filmed at once: a task runs from a camera's first word to the clip."""
        begun: dict[str, Future[FilmedShot]] = {}

        def begin(shot: PlannedShot) -> Future[FilmedShot]:
            if shot.digest not in begun:
                begun[shot.digest] = Future()
                record_as_task("film_shot", f"film {shot.label}", begun[shot.digest].result)
            return begun[shot.digest]

        def on_farm_step(shot: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
            begin(shot)
            on_step(shot, step, num_steps, preview)

        results = self._local.film_shots(shots, film, folder, on_step=on_farm_step, may_begin=may_begin)
        try:
            with closing(results):
                for filmed in results:
                    begin(filmed.shot).set_result(filmed)
                    del begun[filmed.shot.digest]
                    yield filmed
        finally:
            for unfinished in begun.values():
                unfinished.set_exception(StudioError("called off: the run was stopped"))

    def speak_lines(
        self, lines: Sequence[PlannedLine], voices: Mapping[str, VoiceSettings], folder: Path
    ) -> Iterator[Artifact]:
        for line in lines:
            work = partial(_only, self._local.speak_lines, [line], voices, folder)
            yield run_as_task("speak_line", f"speak {line.label}", work, retries=1)

    def upscale_clips(self, upscales: Sequence[PlannedUpscale], folder: Path) -> Iterator[Artifact]:
        for planned in upscales:
            work = partial(_only, self._local.upscale_clips, [planned], folder)
            yield run_as_task("upscale_clip", f"upscale {planned.label}", work, retries=1)

    def cut_segments(
        self, edit: Edit, names: Sequence[str], folder: EpisodeFolder, *, on_frame: OnFrame
    ) -> Iterator[tuple[str, Path]]:
        for name in names:
            work = partial(_only, self._local.cut_segments, edit, [name], folder, on_frame=on_frame)
            yield run_as_task("cut_segment", f"cut {name}", work, retries=1)

    def master(self, edit: Edit, segments: Sequence[Path], episode: Episode) -> FinishedFilm:
        work = partial(self._local.master, edit, segments, episode)
        return run_as_task("master", "master", work, retries=1)

    def write_meme(self, plan: Plan, clip: Path) -> FinishedFilm:
        work = partial(self._local.write_meme, plan, clip)
        return run_as_task("write_meme", "make the meme", work, retries=1)

    def show_progress(self, episode: Episode, done: int, total: int) -> None:
        if done == 0:
            description = f"{total} shots of {episode.name}"
            self._progress = run_artifacts.create_progress(f"{episode.name} film", description)
        else:
            run_artifacts.update_progress(self._progress, done, total)

    def show_shots(self, episode: Episode, rows: Sequence[dict[str, str]]) -> None:
        title = f"The shots of {episode.name}"
        run_artifacts.create_table(f"{episode.name} shots", rows, title)
        run_artifacts.create_image(f"{episode.name} contact sheet", episode.folder.contact_sheet, title)


def _only(work: Callable[..., Iterator[R]], *args: Any, **kwargs: Any) -> R:
    """The one result of a step that was asked for one thing."""
    return next(work(*args, **kwargs))
