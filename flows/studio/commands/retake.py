"""`retake`: one shot again with the next seed; the old take stays, and either of them can be cut in."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from flows.studio.cameras.film_model import Preview
from flows.studio.errors import StudioError
from flows.studio.farm import head as farms
from flows.studio.filming import auto_takes, takes
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.shots import PlannedShot, other_take
from flows.studio.picture.contact_sheet import write_take_sheet
from flows.studio.production import messages
from flows.studio.production.console import Console, duration
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import complete_script
from flows.studio.production.steps import LocalSteps
from flows.studio.workspace import files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.errors import suggest
from scripts_llm.files import edit


def retake(
    request: EpisodeRequest,
    label: str,
    *,
    pick: int | None,
    console: Console,
    models: LoadedModels | None = None,
) -> Outcome:
    """Films the next take of a shot and picks it; with `pick`, only says which take is cut in.

    `models` that are handed over stay open.

    Raises StudioError for a shot that is not there, is a file, or is in a locked scene, and for a take that
    is not there to be picked or is one too many.
    """
    episode = Episode.open(request)
    script = episode.folder.script
    if not episode.has_script:
        raise StudioError(
            f"{script}: wanted a script, there is none yet; {messages.command(episode)}", code=2
        )
    with folder.locked(episode.folder), files.disk_errors(episode.folder.root):
        plan = make_plan(complete_script(episode))
        shot = _find_shot(label, plan)
        if pick is None:
            with (
                farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
                LoadedModels(request.device) if models is None else nullcontext(models) as opened,
            ):
                take, plan = _film_next_take(plan, shot, console, LocalSteps(opened, farm))
        else:
            take = _check_pick(plan, shot, pick)
        return _pick(plan, shot, take)


def _find_shot(label: str, plan: Plan) -> PlannedShot:
    script = plan.episode.folder.script
    shots = {shot.label: shot for shot in plan.shots}
    shot = shots.get(label)
    if shot is None:
        close = suggest(label, shots, cutoff=0.5)
        hint = f"did you mean {close}?" if close else f"there are {', '.join(list(shots)[:20])}"
        raise StudioError(f"{script}: wanted a shot like s04.2, got {label!r}, {hint}", code=2)
    if shot.file is not None:
        raise StudioError(f"{label} is the file {shot.shot.file}: there is nothing to film again", code=2)
    if shot.scene.lock:
        raise StudioError(
            f"{script}: {shot.scene.id} is locked; to retake {label}, take its `lock: true` out", code=2
        )
    return shot


def _check_pick(plan: Plan, shot: PlannedShot, pick: int) -> int:
    """The pick, if there is such a take: one that was filmed or that the script asks for."""
    numbers = takes.take_numbers(shot, plan.clips)
    if pick not in numbers:
        raise StudioError(
            f"{shot.label}: wanted one of its takes, {', '.join(map(str, numbers))}, got --pick {pick}; "
            f"another one is filmed by: {_retake_command(plan.episode, shot)}",
            code=2,
        )
    return pick


def _film_next_take(plan: Plan, shot: PlannedShot, console: Console, steps: LocalSteps) -> tuple[int, Plan]:
    """Films the next take, and the one that is cut in now if it is not there to compare."""
    number = takes.next_take_number(shot, plan.clips)
    if shot.unspoken:
        run = messages.command(plan.episode)
        raise StudioError(
            f"{shot.label}: its lines are not spoken yet, which move its lips; first: {run}", code=2
        )
    missing = [shot] if shot.digest not in plan.clips else []

    def on_step(take: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
        console.show_preview(preview)
        label = f"{take.label}, take {take.take}, step {step} of {num_steps}"
        console.progress(label, step, num_steps, shot=take.label)

    if not steps.films_elsewhere:
        console.progress("loading the film model", shot=shot.label)
    clips = plan.episode.folder.clips
    takes_to_film = [*missing, other_take(shot, number)]
    for filmed in steps.film_shots(takes_to_film, plan.film, clips, on_step=on_step):
        take, clip = filmed.shot, filmed.clip
        if clip is None:
            failed = "failed twice" if filmed.attempts > 1 else "has no film"
            raise StudioError(
                f"{take.label}: take {take.take} {failed}: {filmed.fault}; run the same command again"
            )
        seconds, seed = float(clip.notes["seconds"]), auto_takes.filmed_seed(take.seed, clip.notes)
        console.say(f"{take.label} take {take.take}, seed {seed}: {clip.path} in {duration(seconds)}")
        if verdict := auto_takes.describe_takes(clip.notes):
            console.say(f"{take.label}: {verdict}")
        plan = plan.with_clips(clip)
    return number, plan


def _pick(plan: Plan, shot: PlannedShot, take: int) -> Outcome:
    """Writes the pick into the script, and draws the sheet of all takes."""
    episode, path = plan.episode, plan.episode.folder.script
    scene = next(index for index, one in enumerate(plan.script.scenes) if one.id == shot.scene.id)
    number = int(shot.label.rpartition(".")[2]) - 1
    is_ours = hash_if_present(path) == episode.memory.program_script
    if (shot.shot.pick or 1) != take:
        edit.set_pick(path, scene=scene, shot=number, pick=take)
    if is_ours:
        episode = replace(episode, memory=manifest.with_script_hash(episode.memory, path))
    manifest.write(episode.folder, episode.memory)
    lines = [f"{shot.label}: take {take} is cut in now"]
    if any(one.take == take for one in takes.stored_takes(shot, plan.clips)):
        lines.append(f"side by side: {write_take_sheet(episode.folder, shot, picked=take)}")
    else:
        lines.append(f"take {take} is not filmed yet: the next run films it")
    back = f"back: {_retake_command(episode, shot)} --pick {shot.take}"
    return Outcome(0, path, (*lines, back, messages.command(episode)))


def _retake_command(episode: Episode, shot: PlannedShot) -> str:
    return messages.command(episode, verb="retake", arguments=[shot.label])
