"""An episode, from the premise to the film: premise, script, shots, voices, cut, master.

Everything that was made lies in the episode's folder and is known by its recipe; a run makes what is missing
and goes on where the last one stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.runtime import flow_run

from flows import tasks
from flows.orchestration import artifacts as run_artifacts
from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes, camera
from flows.studio.filming import shots as shot_list
from flows.studio.filming.models import LoadedModels
from flows.studio.filming.shots import PlannedShot
from flows.studio.picture import contact_sheet
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import episode as episodes
from flows.studio.production import messages, records, script, story_memory
from flows.studio.production import plan as plans
from flows.studio.production.console import Screen, duration, running_time
from flows.studio.production.episode import Job, Written
from flows.studio.production.messages import quick_check
from flows.studio.production.plan import Survey
from flows.studio.production.request import EpisodeOptions, Outcome, Until
from flows.studio.release import report
from flows.studio.timeline.model import Span
from flows.studio.typography import fonts
from flows.studio.voice.lines import premise_voices
from flows.studio.workspace import artifacts, files, folder, manifest
from scripts_llm.errors import ScriptError
from scripts_llm.screenplay import script as script_

__all__ = ["episode", "make", "quick_check", "story"]

TIME_IS_UP = "the time was up, and the next run goes on"
SHEET_SECONDS = 30.0  # while it is filmed, the contact sheet is drawn at most so often

Clock = Callable[[], float]

_screen: ContextVar[Screen | None] = ContextVar("screen", default=None)


def _run_name() -> str:
    """The run as Prefect's pages call it: show and episode, or the file's name if it has faults."""
    asked = flow_run.parameters
    path = Path(asked["premise"]) if asked.get("premise") else None
    try:
        return episodes.prepare(EpisodeOptions(path, asked.get("episode"), output=Path(asked["output"]))).name
    except (ScriptError, StudioError):
        return path.stem if path else "the last one"


@flow(name="episode", flow_run_name=_run_name)
def episode(  # noqa: PLR0913  # a flow takes what a person may ask for
    premise: str | None = None,
    episode: str | None = None,
    until: Until | None = None,
    writer: str | None = None,
    seed: int | None = None,
    output: str = "output",
    device: str | None = None,
    stop_at: datetime | None = None,
    video: dict[str, Any] | None = None,
    draft: bool = False,
) -> Outcome:
    """An episode of the show in a premise file, as far as `until`; the newest one, or `next`.

    After `stop_at` no further shot is begun. `video` has the keys of the premise's and counts before them.
    """
    options = EpisodeOptions(
        Path(premise) if premise else None,
        episode,
        until,
        writer,
        seed,
        Path(output),
        device,
        stop_at=stop_at,
        video=video or {},
        draft=draft,
    )
    screen = current_screen()
    if screen is not None:
        return story(episodes.prepare(options), screen)
    with Screen(write=get_run_logger().info) as log:
        log.say(messages.announce(options))
        return story(episodes.prepare(options), log)


def make(options: EpisodeOptions, screen: Screen) -> Outcome:
    """The episode that the options ask for, recorded by Prefect."""
    return on_screen(
        screen,
        lambda: episode(
            premise=str(options.premise) if options.premise else None,
            episode=options.episode,
            until=options.until,
            writer=options.writer,
            seed=options.seed,
            output=str(options.output),
            device=options.device,
            stop_at=options.stop_at,
            video=dict(options.video),
            draft=options.draft,
        ),
    )


def on_screen(screen: Screen, run: Callable[[], Outcome]) -> Outcome:
    """Runs a flow that tells what it does on this screen."""
    token = _screen.set(screen)
    try:
        return run()
    finally:
        _screen.reset(token)


def current_screen() -> Screen | None:
    """The screen of whoever called the flow; None when a worker runs it."""
    return _screen.get()


# ------------------------------------------------------------------------------------------- the story


@dataclass
class Run:
    """One run at work: its job, what to say it on, and what must be told at the end."""

    job: Job
    screen: Screen
    models: LoadedModels
    clock: Clock = time.monotonic
    notes: list[str] = field(default_factory=list)

    def remember(self, **what: object) -> None:
        """Keeps something for the next run; written with the next chapter of the manifest."""
        self.job = replace(self.job, memory=replace(self.job.memory, **what))  # type: ignore[arg-type]


def story(job: Job, screen: Screen, *, clock: Clock = time.monotonic) -> Outcome:
    """Premise to film. Each step makes what is missing and leaves the rest as it lies."""
    with (
        LoadedModels(job.device) as models,
        folder.locked(job.folder),
        files.disk_errors(job.folder.root),
    ):
        run = Run(job, screen, models, clock)
        written = the_script(run)
        if job.until == "script":
            return the_end(
                run, job.folder.script, "edit it as you like, then go on: " + messages.command(job)
            )
        plan = the_plan(run, written)
        if plan.is_done(job.until):
            path = plan.result(job.until)
            return the_end(run, path, *messages.nothing_to_do(job, path))
        the_intro(run, plan)
        gags = the_shots(run, plan)
        if job.until == "clips":
            return the_end(run, job.folder.contact_sheet, "filmed", gags=gags)
        if plan.is_meme:
            return the_meme(run, plan, gags)
        the_voices(run, plan)
        if job.until == "voices":
            return the_end(run, job.folder.voices, "spoken", gags=gags)
        segments = the_cut(run, plan)
        if job.until == "cut":
            return the_end(run, job.folder.segments, "cut", gags=gags)
        return the_master(run, plan, segments, gags)


def the_script(run: Run) -> Written:
    """Written if there is none, read if there is one; shown, and told if the premise has moved on."""
    job, screen = run.job, run.screen
    is_new = not script.exists(job)
    if is_new:
        screen.progress("writing the script")
        written = tasks.write_script(job, screen.warn)
    else:
        written = tasks.read_script(job)
    run.job = story_memory.remember(replace(job, memory=written.memory), written)
    if written.memory.fell_back:
        run.notes.append(f"written by {script.OFFLINE}: {written.memory.fell_back}")
    for line in messages.script_told(run.job, written, is_new=is_new):
        screen.say(line)
    records.keep(run.job, **records.script_chapter(run.job, written))
    return written


def the_plan(run: Run, written: Written) -> Survey:
    """What will be made and why, said before it is begun."""
    plan = plans.look(run.job, written)
    assert plan is not None
    if not plan.is_done(run.job.until):
        for line in messages.plan_told(plan):
            run.screen.say(line)
    for told in fonts.describe_missing(plan.words()):
        run.screen.warn(told)
        run.notes.append(told)
    run.remember(weights=plan.film.weights)
    return plan


def the_intro(run: Run, plan: Survey) -> None:
    """Fits a title sequence of one's own to the film, before anything is filmed."""
    job, intro = run.job, plan.intro
    if intro is None or intro.digest in artifacts.stored(job.folder.clips, ".mp4"):
        return
    run.screen.progress("fitting the title sequence")
    try:
        camera.store_user_file(intro, job.folder.clips)
    except StudioError as error:
        raise StudioError(f"{job.place_of('titles', 'intro')}: {error}", code=2) from None


def the_shots(run: Run, plan: Survey) -> tuple[str, ...]:
    """Films what is missing; returns the labels of those that failed twice."""
    job = run.job
    there = artifacts.stored(job.folder.clips, ".mp4")
    takes = shot_list.with_other_takes(plan.shots)
    missing = {shot.digest: shot for shot in reversed(takes) if shot.digest not in there}
    todo = [shot for shot in takes if missing.get(shot.digest) is shot]
    if filmed := sum(shot.file is None for shot in todo):
        _estimate(run, plan, filmed)
    failed = _film(run, plan, todo)
    contact_sheet.write_sheet(plan.contact_sheet(), job.folder.contact_sheet)
    _sheets_of_takes(run, plan, todo)
    labels = tuple(shot.label for shot in plan.shots if shot.digest in failed)
    run.remember(failed=tuple(failed))
    records.keep(run.job, **records.shots_chapter(plan), gag_cards=list(labels))
    run_artifacts.create_table(f"{job.name} shots", records.table_of_shots(plan), f"The shots of {job.name}")
    run_artifacts.create_image(
        f"{job.name} contact sheet", job.folder.contact_sheet, f"The shots of {job.name}"
    )
    return labels


def _film(run: Run, plan: Survey, todo: list[PlannedShot]) -> dict[str, str]:
    """Films these shots, and draws the contact sheet now and then; the labels of those that failed twice."""
    job, screen = run.job, run.screen
    failed: dict[str, str] = {}
    drawn = -math.inf
    artifact = run_artifacts.create_progress(f"{job.name} film", f"{len(todo)} shots of {job.name}")
    for number, shot in enumerate(todo):
        if episodes.is_over(job.stop_at):
            contact_sheet.write_sheet(plan.contact_sheet(), job.folder.contact_sheet)
            raise StudioError(f"{job.name}: {number} of {len(todo)} shots were filmed; {TIME_IS_UP}")
        on_step = _steps(run, plan, shot, number, len(todo))
        filmed = tasks.film_shot(shot.label, shot, plan.film, run.models, job.folder.clips, on_step)
        if filmed.clip is None:
            failed[shot.digest] = shot.label
            screen.warn(f"{shot.label} failed twice ({filmed.fault}); a gag card takes its place")
        else:
            if number == 0:
                screen.say(f"the first clip: {filmed.clip.path}")
            if told := auto_takes.describe_takes(filmed.clip.notes):
                screen.say(f"{shot.label}: {told}")
        if run.clock() - drawn >= SHEET_SECONDS:
            contact_sheet.write_sheet(plan.contact_sheet(), job.folder.contact_sheet)
            drawn = run.clock()
        run_artifacts.update_progress(artifact, number + 1, len(todo))
    return failed


def _sheets_of_takes(run: Run, plan: Survey, filmed: list[PlannedShot]) -> None:
    """The takes of a shot side by side, if one of them is new."""
    for shot in plan.shots:
        if shot.others and any(take in filmed for take in (shot, *shot.others)):
            path = contact_sheet.write_take_sheet(run.job.folder, shot)
            run.screen.say(f"{len(shot.others) + 1} takes of {shot.label}: {path}")


def _estimate(run: Run, plan: Survey, num_shots: int) -> None:
    """Shots times seconds, from one step measured here and now."""
    film = plan.film
    run.screen.progress("loading the film model")
    model = camera.open_for(film, run.models)
    run.screen.progress("measuring a step")
    step = camera.seconds_per_step(film, model)
    each = camera.seconds_per_shot(step, film)
    shots = f"{num_shots} shot{'' if num_shots == 1 else 's'}"
    steps = f"{film.num_steps} steps of {step:.2f} s, measured just now"
    most = auto_takes.MOST_TAKES * num_shots * each
    again = f", at most {duration(most)} if takes are filmed again" if film.takes == "auto" else ""
    run.screen.say(f"{shots} × {each:.1f} s = about {duration(num_shots * each)}{again} ({steps})")


def _steps(run: Run, plan: Survey, shot: PlannedShot, done: int, total: int) -> camera.OnStep:
    """Moves the bar: "scene 3 of 9, shot 2, step 12 of 20"."""
    made = script_.filmed_scenes(plan.written.script)
    scene = made.index(shot.scene) + 1
    number = shot.label.rsplit(".", 1)[-1]

    def on_step(step: int, num_steps: int) -> None:
        label = f"scene {scene} of {len(made)}, shot {number}, step {step} of {num_steps}"
        run.screen.progress(label, done * num_steps + step, total * num_steps)

    return on_step


def the_voices(run: Run, plan: Survey) -> None:
    """Speaks the lines that are missing, each in its character's own voice."""
    job, screen = run.job, run.screen
    there = artifacts.stored(job.folder.voices, ".wav")
    missing = {line.digest: line for line in reversed(plan.lines) if line.digest not in there}
    todo = [line for line in plan.lines if missing.get(line.digest) is line]
    voices = premise_voices(plan.written.premise, speaker=job.speaker)
    for number, line in enumerate(todo, start=1):
        screen.progress(f"speaking line {number} of {len(todo)}", number - 1, len(todo))
        tasks.speak_line(line.label, line, voices[line.line.who], job.folder.voices)
    if murmurs := messages.describe_murmurs(plan):
        screen.warn(murmurs)
        run.notes.append(murmurs)
    records.keep(run.job, **records.lines_chapter(plan))


def the_cut(run: Run, plan: Survey) -> tuple[Path, ...]:
    """Encodes the segments that changed; returns all of them in order."""
    place, screen = run.job.folder.segments, run.screen
    edit = plan.edit()
    spans = edit.timeline.spans

    def encode(span: Span, recipe: Mapping[str, Any]) -> Path:
        label = f"cutting {span.id}, {spans.index(span) + 1} of {len(spans)}"
        on_frame = _frames(screen, label, span.start, edit.timeline.num_frames)
        return tasks.cut_segment(span.id, edit, span, recipe, place, on_frame)

    return edits.all_segments(edit, place, encode)


def _frames(screen: Screen, label: str, before: int, total: int) -> camera.OnStep:
    return lambda frame, num_frames: screen.progress(label, before + frame, total)


def the_master(run: Run, plan: Survey, segments: tuple[Path, ...], gags: tuple[str, ...]) -> Outcome:
    """Sound and picture together, checked, and everything noted that is needed to make it again."""
    edit = plan.edit()
    run.screen.progress("mixing the sound and joining the segments")
    finished = tasks.master(edit, segments, run.job)
    records.keep(run.job, **records.timeline_chapter(edit.timeline))
    if not run.job.folder.draft:
        records.ready_to_publish(run.job, plan, edit.timeline)
    return the_film(run, plan, finished, gags)


def the_meme(run: Run, plan: Survey, gags: tuple[str, ...]) -> Outcome:
    """One clip, two texts, there and back again."""
    if gags:
        return Outcome(
            1, None, ("the meme's one shot failed twice; run the same command again to try it anew",)
        )
    clips = artifacts.stored(run.job.folder.clips, ".mp4")
    run.screen.progress("cutting the loop")
    shot = plan.shots[0]
    clip = clips[shot.digest].path
    finished = tasks.make_meme(run.job, plan.written, clip, source=shot.source)
    return the_film(run, plan, finished, gags)


def the_film(run: Run, plan: Survey, finished: FinishedFilm, gags: tuple[str, ...]) -> Outcome:
    """The film lies there: noted, and told with its length."""
    run.remember(film_recipe=artifacts.digest(plan.film_recipe()))
    records.keep(run.job, **records.film_chapter(run.job, finished))
    if not run.job.folder.draft:
        report.write_report(run.job.folder)
    loud = "" if finished.loudness_lufs is None else f", {finished.loudness_lufs:.1f} LUFS"
    made = f"{running_time(finished.seconds)} of film{loud}"
    return the_end(run, run.job.folder.film, made, gags=gags)


def the_end(run: Run, path: Path, *said: str, gags: tuple[str, ...] = ()) -> Outcome:
    """The last words: what became of it, and where it lies."""
    manifest.write(run.job.folder, run.job.memory)
    notes = [*run.notes]
    lines = [*said]
    if gags:
        cards = f"{len(gags)} gag card{'' if len(gags) == 1 else 's'} ({', '.join(gags)})"
        notes.append(cards)
        lines.append(f"made with {cards}; the next run tries {'it' if len(gags) == 1 else 'them'} again")
    if not any(str(path) in line for line in lines):
        lines.append(f"it lies in {path}")
    return Outcome(3 if gags else 0, path, tuple(lines), tuple(notes))
