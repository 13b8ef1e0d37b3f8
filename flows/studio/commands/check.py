"""`check`: reads a premise and its script, films nothing, and says what would go wrong or look wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.studio.commands import review
from flows.studio.commands.review import Finding
from flows.studio.errors import StudioError
from flows.studio.production import episode, messages
from flows.studio.production import script as scripts
from flows.studio.production.console import count
from flows.studio.production.episode import Job
from flows.studio.production.request import EpisodeOptions
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeCode, EpisodeFolder
from scripts_llm.errors import ScriptError
from scripts_llm.files import read
from scripts_llm.screenplay.script import Line, Premise, Script

MOST = 40
CLEAN, FAULTY = 0, 2


def check(options: EpisodeOptions, script: Path | None) -> tuple[int, tuple[str, ...]]:
    """The exit code, 2 with errors, and what to say: every error, every warning, a line that sums up.

    A premise with faults does not hide those of its script. `script` is one by itself; its premise is the
    one that it was made from.
    """
    said = _Said()
    job = _job(_with_premise(options, script), said)
    path = script or job.folder.script
    if job.premise_path is not None and not said.errors:
        said.findings(review.of_premise(_with_video(job, job.premise), job.places), job.premise_path)
    if not path.exists() and script is None:
        command = messages.command(job).replace("episode", "script", 1)
        return said.summed_up(f"{job.name}: no script yet, {command} writes one")
    try:
        written = read.read_script(path, cast=job.premise.characters)
        premise = _with_video(job, scripts.whole_cast(job.premise, written, seed=job.seed))
    except ScriptError as error:
        said.fault(error)
        return said.summed_up(f"{path}: cannot be filmed as it is")
    said.findings(review.of_script(written, premise, (path.parent, *job.places)), path)
    return said.summed_up(f"{job.name}: {_size(written)}")


def _with_video(job: Job, premise: Premise) -> Premise:
    """The premise with the film model that counts, whoever named it."""
    return premise.model_copy(update={"video": job.video_of_the_episode})


@dataclass
class _Said:
    """What there is to say, and how much of it is wrong."""

    lines: list[str] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def fault(self, error: ScriptError) -> None:
        """A file with faults, each with its own line below it."""
        self.lines.append(str(error))
        self.errors += sum(not line.startswith("    ") for line in str(error).splitlines())

    def findings(self, found: Iterable[Finding], path: Path) -> None:
        """Each finding with its place; errors first, at most forty."""
        ordered = sorted(found, key=lambda one: not one.is_error)
        spots = read.places_of(path, [one.way for one in ordered[:MOST]])
        self.lines += [
            f"{path}:{line}:{column}: {'' if one.is_error else 'warning: '}{one.text}"
            for one, (line, column) in zip(ordered[:MOST], spots, strict=True)
        ]
        if len(ordered) > MOST:
            self.lines.append(f"{path}: and {len(ordered) - MOST} more")
        self.errors += sum(one.is_error for one in ordered)
        self.warnings += sum(not one.is_error for one in ordered)

    def summed_up(self, told: str) -> tuple[int, tuple[str, ...]]:
        """The exit code and all lines."""
        counted = f"{count(self.errors, 'error')}, {count(self.warnings, 'warning')}"
        return (FAULTY if self.errors else CLEAN), (*self.lines, f"{counted}. {told}")


def _with_premise(options: EpisodeOptions, script: Path | None) -> EpisodeOptions:
    """The options with the premise that a script by itself was made from."""
    if script is None or options.premise is not None:
        return messages.on_the_last_one(options)
    made_from = manifest.read(EpisodeFolder(script.absolute().parent, EpisodeCode(1, 1))).premise_path
    if made_from is None or not Path(made_from).is_file():
        raise StudioError(
            f"{script}: wanted to know its premise, got none; say which: --premise PATH", code=2
        )
    return replace(options, premise=Path(made_from))


def _job(options: EpisodeOptions, said: _Said) -> Job:
    """The job; of a premise with faults its show and cast alone, so that the script is read as well."""
    try:
        return episode.prepare(options)
    except ScriptError as error:
        if options.premise is None:
            raise
        said.fault(error)
        rough = read.rough_premise(options.premise)
        if rough is None:
            raise
        return replace(episode.prepare(options, rough), premise_path=options.premise)


def _size(script: Script) -> str:
    scenes = [scene for scene in script.scenes if not scene.skip]
    shots = sum(len(scene.shots or ()) for scene in scenes)
    spoken = sum(isinstance(one, Line) for scene in scenes for one in scene.dialogue)
    size = f"{count(len(scenes), 'scene')}, {count(shots, 'shot')}, {count(spoken, 'line')}"
    return f"{size}, about {review.script_seconds(script):.0f} s"
