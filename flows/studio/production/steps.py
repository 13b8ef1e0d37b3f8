"""The steps of an episode as plain functions: one process, one film model, one thing after the other.

`Steps` is their shape. `LocalSteps` does the work here; `flows.tasks` records the same work with Prefect, and
a pool of machines can stand behind `film_shots`, whose results may come in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flows.studio.filming.camera import FilmedShot, OnShotStep, film_shots, open_for, seconds_per_step
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
from flows.studio.voice.lines import PlannedLine
from flows.studio.voice.settings import VoiceSettings
from flows.studio.workspace.artifacts import Artifact
from flows.studio.workspace.folder import EpisodeFolder

OnFrame = Callable[[Span, int], None]  # a span of the film, and how many of its frames are encoded


class Steps(Protocol):
    """The work of an episode. Iterators give results as they come; closing one stops the work."""

    def write_script(self, episode: Episode, *, say: Say) -> Episode:
        """The episode with a new script."""

    def complete_script(self, episode: Episode) -> Episode:
        """The episode with the script of its file, ids and shots written in where they are missing."""

    def seconds_per_step(self, film: FilmSettings) -> float:
        """The seconds of one sampler step, measured."""

    def film_shots(
        self, shots: Sequence[PlannedShot], film: FilmSettings, folder: Path, *, on_step: OnShotStep
    ) -> Generator[FilmedShot]:
        """Films the shots into `folder`, in any order."""

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
    """The steps on this machine. Whoever makes it closes its `models`."""

    def __init__(self, models: LoadedModels) -> None:
        self._models = models

    def write_script(self, episode: Episode, *, say: Say) -> Episode:
        return scripts.write_script(episode, say=say)

    def complete_script(self, episode: Episode) -> Episode:
        return scripts.complete_script(episode)

    def seconds_per_step(self, film: FilmSettings) -> float:
        return seconds_per_step(film, open_for(film, self._models))

    def film_shots(
        self,
        shots: Sequence[PlannedShot],
        film: FilmSettings,
        folder: Path,
        *,
        on_step: OnShotStep,
        following: Sequence[PlannedShot] = (),
    ) -> Generator[FilmedShot]:
        """Films the shots; a service is asked for those that are `following` in a later call as well."""
        return film_shots(shots, film, self._models, folder, on_step=on_step, following=following)

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
