"""`retake`: one shot again with the next seed; the old take stays, and either of them can be cut in."""

from __future__ import annotations

from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes, camera, takes
from flows.studio.filming import shots as shot_list
from flows.studio.filming.camera import FilmedShot
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.shots import PlannedShot
from flows.studio.picture import contact_sheet
from flows.studio.production import episode, messages
from flows.studio.production import plan as plans
from flows.studio.production import script as scripts
from flows.studio.production.console import Screen, duration
from flows.studio.production.episode import Job, Written
from flows.studio.production.plan import Survey
from flows.studio.production.request import EpisodeOptions, Outcome
from flows.studio.workspace import artifacts, files, folder, manifest
from flows.studio.workspace.files import hash_if_present
from scripts_llm.errors import suggest
from scripts_llm.files import edit


def retake(options: EpisodeOptions, label: str, *, pick: int | None, screen: Screen) -> Outcome:
    """Films the next take of a shot and picks it; with `pick`, only says which take is cut in.

    Raises StudioError for a shot that is not there, is a file, or stands in a locked scene, and for a take
    that is not there to be picked or is one too many.
    """
    job = episode.prepare(options)
    if not scripts.exists(job):
        raise StudioError(
            f"{job.folder.script}: wanted a script, there is none yet; {messages.command(job)}", code=2
        )
    with folder.locked(job.folder), files.disk_errors(job.folder.root):
        written = scripts.read(job)
        plan = plans.look(job, written)
        assert plan is not None
        shot = _shot(label, plan, job)
        take = _film_the_next(plan, shot, screen) if pick is None else _one_of(plan, shot, pick)
        return _picked(job, written, shot, take)


def _shot(label: str, plan: Survey, job: Job) -> PlannedShot:
    shots = {shot.label: shot for shot in plan.shots}
    shot = shots.get(label)
    if shot is None:
        meant = suggest(label, shots, cutoff=0.5)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(list(shots)[:20])}"
        raise StudioError(f"{job.folder.script}: wanted a shot like s04.2, got {label!r}, {hint}", code=2)
    if shot.file is not None:
        raise StudioError(f"{label} is the file {shot.shot.file}: there is nothing to film again", code=2)
    if shot.scene.lock:
        raise StudioError(
            f"{job.folder.script}: {shot.scene.id} is locked; to retake {label}, take its `lock: true` out",
            code=2,
        )
    return shot


def _one_of(plan: Survey, shot: PlannedShot, pick: int) -> int:
    """The pick, if there is such a take: one that was filmed or that the script asks for."""
    there = takes.take_numbers(shot, artifacts.stored(plan.job.folder.clips, ".mp4"))
    if pick not in there:
        raise StudioError(
            f"{shot.label}: wanted one of its takes, {', '.join(map(str, there))}, got --pick {pick}; "
            f"another one is filmed by: {_retake(plan.job, shot)}",
            code=2,
        )
    return pick


def _film_the_next(plan: Survey, shot: PlannedShot, screen: Screen) -> int:
    """Films the take that follows, and the one that is cut in now if it is not there to compare."""
    clips = artifacts.stored(plan.job.folder.clips, ".mp4")
    number = takes.next_take_number(shot, clips)
    missing = [shot] if shot.digest not in clips else []
    todo = (*missing, shot_list.other_take(shot, number))

    def on_step(take: PlannedShot, step: int, num_steps: int) -> None:
        screen.progress(f"{take.label}, take {take.take}, step {step} of {num_steps}", step, num_steps)

    screen.progress("loading the film model")
    with LoadedModels(plan.job.device) as models:
        for filmed in camera.film_shots(todo, plan.film, models, plan.job.folder.clips, on_step=on_step):
            _say_take(filmed, screen)
    return number


def _say_take(filmed: FilmedShot, screen: Screen) -> None:
    """Says where a take's clip is. Raises StudioError for a take that failed."""
    take, clip = filmed.shot, filmed.clip
    if clip is None:
        raise StudioError(
            f"{take.label}: take {take.take} failed twice: {filmed.fault}; run the same command again"
        )
    seconds, seed = float(clip.notes["seconds"]), auto_takes.filmed_seed(take.seed, clip.notes)
    screen.say(f"{take.label} take {take.take}, seed {seed}: {clip.path} in {duration(seconds)}")
    if judged := auto_takes.describe_takes(clip.notes):
        screen.say(f"{take.label}: {judged}")


def _picked(job: Job, written: Written, shot: PlannedShot, take: int) -> Outcome:
    """The pick in the script, and the sheet of all takes."""
    script, path = written.script, job.folder.script
    scene = next(place for place, one in enumerate(script.scenes) if one.id == shot.scene.id)
    number = int(shot.label.rpartition(".")[2]) - 1
    was_ours = hash_if_present(path) == written.memory.program_script
    if (shot.shot.pick or 1) != take:
        edit.set_pick(path, scene=scene, shot=number, pick=take)
    memory = written.memory
    if was_ours:
        memory = manifest.with_script_hash(memory, path)
    manifest.write(job.folder, memory)
    filmed = takes.stored_takes(shot, artifacts.stored(job.folder.clips, ".mp4"))
    lines = [f"{shot.label}: take {take} is cut in now"]
    if any(one.take == take for one in filmed):
        lines.append(f"side by side: {contact_sheet.write_take_sheet(job.folder, shot, picked=take)}")
    else:
        lines.append(f"take {take} is not filmed yet: the next run films it")
    return Outcome(0, path, (*lines, f"back: {_retake(job, shot)} --pick {shot.take}", messages.command(job)))


def _retake(job: Job, shot: PlannedShot) -> str:
    return messages.command(job).replace("episode", f"retake {shot.label}", 1)
