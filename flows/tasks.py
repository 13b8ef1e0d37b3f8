"""The steps of an episode as Prefect tasks: the names and the policy; the craft lies in `flows.studio`.

Inside a flow run a step is a task of that run. Outside of one it is the plain function, so that the same
story can be told without Prefect's server.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext

from flows.studio.errors import StudioError
from flows.studio.filming import camera
from flows.studio.filming.camera import FilmedShot, OnStep
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.media.clips import ClipSource
from flows.studio.picture import memes
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import script
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Job, Say, Written
from flows.studio.timeline.model import Span
from flows.studio.voice import lines
from flows.studio.voice.lines import PlannedLine
from flows.studio.voice.settings import VoiceSettings
from flows.studio.workspace.artifacts import Artifact
from scripts_llm.errors import ScriptError

P = ParamSpec("P")
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


def step(name: str, *, retries: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function that is a task inside a flow run. Nothing is cached: the episode's folder is the truth."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        recorded = task(
            name=function.__name__,
            task_run_name=name,
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=retries,
            retry_condition_fn=can_recover,
        )(function)

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            chosen: Callable[P, R] = recorded if FlowRunContext.get() else function
            return chosen(*args, **kwargs)

        return call

    return wrap


@step("write the script")
def write_script(job: Job, say: Say) -> Written:
    return script.write(job, say=say)


@step("read the script")
def read_script(job: Job) -> Written:
    return script.read(job)


@step("film {label}")
def film_shot(
    label: str, shot: PlannedShot, film: FilmSettings, models: LoadedModels, folder: Path, on_step: OnStep
) -> FilmedShot:
    if shot.file is not None:
        return camera.store_user_file(shot, folder)
    return camera.film_shot(shot, film, camera.open_for(film, models), folder, on_step=on_step)


@step("speak {label}", retries=1)
def speak_line(label: str, wanted: PlannedLine, voice: VoiceSettings, place: Path) -> Artifact:
    return lines.speak_line(wanted, voice, place)


@step("cut {label}", retries=1)
def cut_segment(
    label: str, edit: Edit, span: Span, recipe: Mapping[str, Any], place: Path, on_frame: OnStep
) -> Path:
    return edits.cut_segment(edit, span, recipe, place, on_frame=on_frame)


@step("master", retries=1)
def master(edit: Edit, segments: tuple[Path, ...], job: Job) -> FinishedFilm:
    return edits.master(edit, segments, job.folder)


@step("make the meme", retries=1)
def make_meme(job: Job, written: Written, clip: Path, *, source: ClipSource | None) -> FinishedFilm:
    return memes.write_meme(written.premise, written.script, clip, job.folder, source=source)
