"""`cut`: another shape of an episode, or a short of a few of its scenes, from the clips and voices there are.

Nothing is filmed and nothing is spoken; segments are kept by their recipes like the episode's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.studio.errors import StudioError
from flows.studio.filming.settings import size_of_aspect
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import episode, messages
from flows.studio.production import plan as plans
from flows.studio.production import script as scripts
from flows.studio.production.console import Screen, running_time
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Job
from flows.studio.production.plan import Survey
from flows.studio.production.request import CutOptions, EpisodeOptions, Outcome
from flows.studio.timeline.model import Span
from flows.studio.workspace import files, folder
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script


def recut(options: EpisodeOptions, wanted: CutOptions, screen: Screen) -> Outcome:
    """The film that is wanted, beside the episode. Raises StudioError if something was never filmed."""
    job = episode.prepare(options)
    if wanted.aspect is None and not wanted.scenes and wanted.lines is None:
        raise StudioError(
            "cut: wanted --aspect, --lines or --scenes; the episode's own cut is made by episode", code=2
        )
    with folder.locked(job.folder), files.disk_errors(job.folder.root):
        plan = _plan(job)
        script = _with_scenes(plan.written.script, wanted.scenes, job)
        heard = plan.written.premise.model_copy(update={"audio": plan.audio})
        premise = _shaped(heard, wanted)
        edit = _edit(plan, premise, script, wanted)
        film = job.folder.root / f"{_name(premise, wanted)}.mp4"
        finished = _make(edit, job, film, screen)
    return Outcome(0, film, (f"{running_time(finished.seconds)} of film, {_size(edit)}: {film}",))


def _plan(job: Job) -> Survey:
    """The survey of an episode whose clips and voices are there."""
    plan = plans.look(job) if scripts.exists(job) else None
    if plan is None or plan.is_meme:
        raise StudioError(
            f"{job.folder.root}: wanted a filmed episode; first: {messages.command(job)}", code=2
        )
    there = plan.material()
    known = {*there.clips, *there.voices, *job.memory.failed}
    wanted = [shot.digest for shot in plan.clips] + [line.digest for line in plan.lines]
    missing = [digest for digest in wanted if digest not in known]
    if missing:
        raise StudioError(
            f"{job.folder.root}: cut films and speaks nothing, and {len(missing)} clips or voices are not "
            f"there as the script has them; first: {messages.command(job)}",
            code=2,
        )
    return plan


def _with_scenes(script: Script, ids: Sequence[str], job: Job) -> Script:
    """The script with these scenes alone, in its own order."""
    if not ids:
        return script
    known = {scene.id for scene in script.scenes if not scene.skip}
    strangers = [each for each in ids if each not in known]
    if strangers:
        raise StudioError(
            f"{job.folder.script}: --scenes: wanted some of {', '.join(sorted(str(k) for k in known))}, "
            f"got {', '.join(strangers)}",
            code=2,
        )
    return script.model_copy(
        update={"scenes": tuple(scene for scene in script.scenes if scene.id in ids and not scene.skip)}
    )


def _shaped(premise: Premise, wanted: CutOptions) -> Premise:
    """The premise with the shape and the size that are wanted."""
    aspect = wanted.aspect or premise.format.aspect
    size = premise.format.size if wanted.aspect is None and wanted.lines is None else None
    if size is None:
        width, height = size_of_aspect(aspect, wanted.lines or 1080)
        size = f"{width}x{height}"
    shape = premise.format.model_copy(update={"aspect": aspect, "size": size})
    return premise.model_copy(update={"format": shape})


def _edit(plan: Survey, premise: Premise, script: Script, wanted: CutOptions) -> Edit:
    return edits.make_edit(
        premise,
        script,
        plan.material(),
        written_by=plan.written.memory.written_by or "hand",
        seed=plan.job.sound_seed,
        cards=not wanted.scenes,
        framing=wanted.framing,
    )


def _make(edit: Edit, job: Job, film: Path, screen: Screen) -> FinishedFilm:
    place, total = job.folder.segments, edit.timeline.num_frames

    def encode(span: Span, recipe: Mapping[str, Any]) -> Path:
        def on_frame(done: int, _: int) -> None:
            screen.progress(f"cutting {span.id}", span.start + done, total)

        return edits.cut_segment(edit, span, recipe, place, on_frame=on_frame)

    segments = edits.all_segments(edit, place, encode)
    screen.progress("mixing the sound and joining the segments")
    return edits.finish(edit, segments, job.folder, film)


def _name(premise: Premise, wanted: CutOptions) -> str:
    """`episode.9x16`, or `s01-s03.9x16` for a short of two scenes."""
    head = "-".join(wanted.scenes) or "episode"
    return f"{head}.{premise.format.aspect.replace(':', 'x')}"


def _size(edit: Edit) -> str:
    return f"{edit.timeline.width}x{edit.timeline.height}"
