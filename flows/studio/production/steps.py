"""The steps of an episode as plain functions: one process, one film model, one thing after the other.

`Steps` is their shape. `LocalSteps` does the work here; `flows.tasks` records the same work with Prefect.
Behind `film_shots`, whose results may come in any order, a farm of other machines may stand.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
import queue
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flows.studio.farm.head import Farm
from flows.studio.filming.camera import (
    FilmedShot,
    MayBegin,
    OnShotStep,
    film_shots,
    open_for,
    seconds_per_step,
)
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.settings import FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.picture import memes, upscale
from flows.studio.picture.upscale import PlannedUpscale
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import script as scripts
from flows.studio.production.console import Say
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan
from flows.studio.timeline.model import Span
from flows.studio.voice import lines as voice_lines
from flows.studio.voice.lines import PlannedLine, hibari_fails, premise_voices
from flows.studio.voice.settings import VoiceSettings
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.folder import EpisodeFolder

log = logging.getLogger(__name__)

STOP_SECONDS = 60.0  # how long an interrupted line or segment may go on
OnFrame = Callable[[Span, int], None]  # a span of the film, and how many of its frames are encoded


class Steps(Protocol):
    """The work of an episode. Iterators give results as they come; closing one stops the work."""

    def write_script(self, episode: Episode, *, say: Say) -> Episode:
        """The episode with a new script."""

    def complete_script(self, episode: Episode) -> Episode:
        """The episode with the script of its file, ids and shots written in where they are missing."""

    @property
    def films_elsewhere(self) -> bool:
        """Whether other machines film, so that this one has time for the rest meanwhile."""

    def num_cameras(self, film: FilmSettings) -> int:
        """The number of shots that are filmed at once."""

    def seconds_per_step(self, film: FilmSettings) -> float | None:
        """The seconds of one sampler step, measured; None if nobody has measured one."""

    def film_shots(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        may_begin: MayBegin = lambda: True,
    ) -> Generator[FilmedShot]:
        """Films the shots into `folder`, in any order; none is begun once `may_begin` says no."""

    def speak_lines(
        self, lines: Sequence[PlannedLine], voices: Mapping[str, VoiceSettings], folder: Path
    ) -> Iterator[Artifact]:
        """Speaks the lines into `folder`, in any order; `voices` are by the character's key."""

    def upscale_clips(self, upscales: Sequence[PlannedUpscale], folder: Path) -> Iterator[Artifact]:
        """Enlarges clips into `folder`, in any order."""

    def cut_segments(
        self, edit: Edit, names: Sequence[str], folder: EpisodeFolder, *, on_frame: OnFrame
    ) -> Iterator[tuple[str, Path]]:
        """Encodes the spans of these names, in any order; gives name and path."""

    def master(self, edit: Edit, segments: Sequence[Path], episode: Episode) -> FinishedFilm:
        """Mixes the sound and joins the segments, which are in the film's order."""

    def write_meme(self, plan: Plan, clip: Path) -> FinishedFilm:
        """Cuts a meme's one clip into its loop."""

    def show_progress(self, episode: Episode, done: int, total: int) -> None:
        """Records how many of the episode's shots are filmed."""

    def show_shots(self, episode: Episode, rows: Sequence[dict[str, str]]) -> None:
        """Records the table of the shots, and the contact sheet."""


class LocalSteps:
    """The steps on this machine, but for the filming if there is a farm.

    Whoever makes it closes its `models` and its `farm`.
    """

    def __init__(self, models: LoadedModels, farm: Farm | None = None) -> None:
        self._models = models
        self._farm = farm

    @property
    def films_elsewhere(self) -> bool:
        return self._farm is not None

    def write_script(self, episode: Episode, *, say: Say) -> Episode:
        return scripts.write_script(episode, say=say)

    def complete_script(self, episode: Episode) -> Episode:
        return scripts.complete_script(episode)

    def num_cameras(self, film: FilmSettings) -> int:
        return self._farm.num_cameras(film) if self._farm else 1

    def seconds_per_step(self, film: FilmSettings) -> float | None:
        if self._farm is not None:
            return self._farm.seconds_per_step(film)
        return seconds_per_step(film, open_for(film, self._models))

    def film_shots(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        following: Sequence[PlannedShot] = (),
        may_begin: MayBegin = lambda: True,
    ) -> Generator[FilmedShot]:
        """Films the shots; a service is asked for those that are `following` in a later call as well.

        A service films for this machine, which keeps its jobs and its money, also where there is a farm.
        """
        here = [shot for shot in shots if self._farm is None or (shot.film or film).is_hosted]
        if self._farm is not None:
            theirs = [shot for shot in shots if not (shot.film or film).is_hosted]
            yield from self._farm.film_shots(theirs, film, folder, on_step=on_step, may_begin=may_begin)
        yield from film_shots(
            here, film, self._models, folder, on_step=on_step, following=following, may_begin=may_begin
        )

    def speak_lines(
        self, lines: Sequence[PlannedLine], voices: Mapping[str, VoiceSettings], folder: Path
    ) -> Iterator[Artifact]:
        for line in lines:
            yield voice_lines.speak_line(line, voices[line.line.who], folder)

    def upscale_clips(self, upscales: Sequence[PlannedUpscale], folder: Path) -> Iterator[Artifact]:
        for planned in upscales:
            yield upscale.upscale_clip(planned, folder)

    def cut_segments(
        self, edit: Edit, names: Sequence[str], folder: EpisodeFolder, *, on_frame: OnFrame
    ) -> Iterator[tuple[str, Path]]:
        for span, recipe in edit.segments:
            if span.id in names:
                yield (
                    span.id,
                    edits.cut_segment(edit, span, recipe, folder, on_frame=_on_frame_of(span, on_frame)),
                )

    def master(self, edit: Edit, segments: Sequence[Path], episode: Episode) -> FinishedFilm:
        return edits.master(edit, segments, episode.folder)

    def write_meme(self, plan: Plan, clip: Path) -> FinishedFilm:
        shot, folder = plan.shots[0], plan.episode.folder
        return memes.write_meme(plan.premise, plan.script, clip, folder, source=shot.source)

    def show_progress(self, episode: Episode, done: int, total: int) -> None:
        """Nothing: the console shows it."""

    def show_shots(self, episode: Episode, rows: Sequence[dict[str, str]]) -> None:
        """Nothing: the contact sheet is in the episode's folder."""


def _on_frame_of(span: Span, on_frame: OnFrame) -> edits.OnFrame:
    return lambda frame, num_frames: on_frame(span, frame)


# ------------------------------------------------------------------------------------- while others film


@contextlib.contextmanager
def meanwhile(steps: Steps, plan: Plan) -> Iterator[Meanwhile | None]:
    """Starts the work beside the filming, which ends with the block; None where this machine films."""
    until = plan.episode.request.until
    if not steps.films_elsewhere or until == "clips" or plan.episode.is_meme or not plan.missing_shots:
        yield None
        return
    others = Meanwhile(steps, plan, cuts=until != "voices")
    try:
        yield others
    except BaseException:
        others.stop()
        raise
    others.finish()


class Meanwhile:
    """A thread that speaks lines, and cuts scenes as their clips arrive, while other machines film.

    Everything goes into the episode's folder under its recipe, so the steps that come afterwards find it
    there. What fails here is left to them, and they say why.
    """

    def __init__(self, steps: Steps, plan: Plan, *, cuts: bool) -> None:
        self._steps = steps
        self._cuts = cuts
        self._plans: queue.SimpleQueue[Plan | None] = queue.SimpleQueue()
        self._is_stopped = threading.Event()
        context = contextvars.copy_context()  # Prefect's, so that it records what is made here
        self._thread = threading.Thread(
            target=context.run, args=(self._work, plan), name="meanwhile", daemon=True
        )
        self._thread.start()

    def filmed(self, plan: Plan) -> None:
        """Tells of another clip: the plan with all clips that there are."""
        self._plans.put(plan)

    def finish(self) -> None:
        """Waits for what is under way."""
        self._plans.put(None)
        self._thread.join()

    def stop(self) -> None:
        """Begins nothing more, and waits for the line or segment under way."""
        self._is_stopped.set()
        self._plans.put(None)
        self._thread.join(STOP_SECONDS)

    def _work(self, plan: Plan) -> None:
        try:
            voiced = self._speak(plan)
            while not self._is_stopped.is_set() and (latest := self._latest()) is not None:
                if self._cuts and voiced is not None:
                    self._cut(latest.with_voices(*voiced.voices.values()))
        except Exception:  # whatever it is, the steps afterwards meet it again
            log.info("left for later", exc_info=True)

    def _latest(self) -> Plan | None:
        """The newest plan, once there is one; None when the filming has ended."""
        latest = self._plans.get()
        with contextlib.suppress(queue.Empty):
            while latest is not None:
                latest = self._plans.get_nowait()
        return latest

    def _speak(self, plan: Plan) -> Plan | None:
        """Speaks the lines that are missing; None if they are not all spoken."""
        missing = plan.missing_lines
        if hibari_fails(missing):
            return None
        voices = premise_voices(plan.premise, speaker=plan.episode.speaker)
        for spoken in self._steps.speak_lines(missing, voices, plan.episode.folder.voices):
            plan = plan.with_voices(spoken)
            if self._is_stopped.is_set():
                return None
        return plan

    def _cut(self, plan: Plan) -> None:
        """Cuts scenes that have all their clips, and those of the scene before, which may run into them."""
        edit, folder = plan.edit, plan.episode.folder
        filmed = _filmed_scenes(plan)
        stored = edits.stored_segments(edit, folder)
        for name in filmed:
            if stored.get(name, folder.root) is not None or self._is_stopped.is_set():
                continue
            for _ in self._steps.upscale_clips(edits.missing_upscales(edit, [name], folder), folder.upscaled):
                if self._is_stopped.is_set():
                    return
            for _ in self._steps.cut_segments(edit, [name], folder, on_frame=_ignore_frame):
                pass


def _filmed_scenes(plan: Plan) -> list[str]:
    """The ids of the scenes that have all their clips, and whose scene before has."""
    whole: dict[str, bool] = {}
    for shot in plan.shots:
        scene = str(shot.scene.id)
        whole[scene] = whole.get(scene, True) and shot.digest in plan.clips
    before = True
    ready = []
    for scene, is_whole in whole.items():
        if is_whole and before:
            ready.append(scene)
        before = is_whole
    return ready


def _ignore_frame(span: Span, frame: int) -> None:
    pass
