"""`cut`: another shape of an episode, or a short of a few of its scenes, from the clips and voices there are.

Nothing is filmed and nothing is spoken; segments are stored by their recipes like the episode's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.filming.settings import size_of_aspect
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import messages
from flows.studio.production.console import Console, running_time
from flows.studio.production.edit import Edit
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.request import CutRequest, EpisodeRequest, Outcome
from flows.studio.production.script import is_complete, read_script
from flows.studio.workspace import files, folder
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script


def cut(request: EpisodeRequest, shape: CutRequest, console: Console) -> Outcome:
    """Makes the other film beside the episode. Raises StudioError if something was never filmed."""
    episode = Episode.open(request)
    if shape.aspect is None and not shape.scenes and shape.lines is None:
        raise StudioError(
            "cut: wanted --aspect, --lines or --scenes; the episode's own cut is made by episode", code=2
        )
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        plan = _plan_of_filmed(episode)
        script = _script_of_scenes(plan, shape.scenes)
        premise = _premise_in_shape(plan.premise, shape)
        edit = edits.make_edit(
            premise,
            script,
            plan,
            cards=not shape.scenes,
            framing=shape.framing,
            **plan.edit_settings,
        )
        film = episode.folder.root / f"{_file_name(premise, shape)}.mp4"
        finished = _make(edit, episode, film, console)
    size = f"{edit.timeline.width}x{edit.timeline.height}"
    return Outcome(0, film, (f"{running_time(finished.seconds)} of film, {size}: {film}",))


def _plan_of_filmed(episode: Episode) -> Plan:
    """The plan of an episode whose clips and voices are stored. Raises StudioError."""
    first = messages.command(episode)
    if episode.has_script:
        episode = read_script(episode)
    if episode.is_meme or not is_complete(episode.script):
        raise StudioError(f"{episode.folder.root}: wanted a filmed episode; first: {first}", code=2)
    plan = make_plan(episode)
    known = {*plan.clips, *plan.voices, *plan.failed}
    needed = [shot.digest for shot in plan.all_shots] + [line.digest for line in plan.lines]
    missing = [digest for digest in needed if digest not in known]
    if missing:
        raise StudioError(
            f"{episode.folder.root}: cut films and speaks nothing, and {len(missing)} clips or voices are "
            f"not there as the script has them; first: {first}",
            code=2,
        )
    return plan


def _script_of_scenes(plan: Plan, ids: Sequence[str]) -> Script:
    """The script with these scenes alone, in its own order. Raises StudioError for an unknown one."""
    script = plan.script
    if not ids:
        return script
    known = {scene.id for scene in script.scenes if not scene.skip}
    unknown = [each for each in ids if each not in known]
    if unknown:
        raise StudioError(
            f"{plan.episode.folder.script}: --scenes: wanted some of "
            f"{', '.join(sorted(str(each) for each in known))}, got {', '.join(unknown)}",
            code=2,
        )
    scenes = tuple(scene for scene in script.scenes if scene.id in ids and not scene.skip)
    return script.model_copy(update={"scenes": scenes})


def _premise_in_shape(premise: Premise, shape: CutRequest) -> Premise:
    """The premise with the aspect and the size that are asked for."""
    aspect = shape.aspect or premise.format.aspect
    size = premise.format.size if shape.aspect is None and shape.lines is None else None
    if size is None:
        width, height = size_of_aspect(aspect, shape.lines or 1080)
        size = f"{width}x{height}"
    update = {"format": premise.format.model_copy(update={"aspect": aspect, "size": size})}
    return premise.model_copy(update=update)


def _make(edit: Edit, episode: Episode, film: Path, console: Console) -> FinishedFilm:
    """Encodes the segments that are missing, and the film."""
    segments = edits.stored_segments(edit, episode.folder)
    for span, recipe in edit.segments:
        if segments[span.id] is None:

            def on_frame(done: int, _: int, name: str = span.id, start: int = span.start) -> None:
                console.progress(f"cutting {name}", start + done, edit.timeline.num_frames)

            segments[span.id] = edits.cut_segment(edit, span, recipe, episode.folder, on_frame=on_frame)
    console.progress("mixing the sound and joining the segments")
    return edits.finish(edit, [path for path in segments.values() if path], episode.folder, film)


def _file_name(premise: Premise, shape: CutRequest) -> str:
    """`episode.9x16`, or `s01-s03.9x16` for a short of two scenes."""
    head = "-".join(shape.scenes) or "episode"
    return f"{head}.{premise.format.aspect.replace(':', 'x')}"
