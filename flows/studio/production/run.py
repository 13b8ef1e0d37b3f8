"""An episode from the premise to the film: script, shots, voices, cut, master.

Everything that is made is stored in the episode's folder and known by its recipe. A run makes what is missing
and goes on where the last one stopped. Needs no Prefect: `steps` does the work, `console` shows it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.studio.cameras.film_model import Preview
from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes, hosted_shots
from flows.studio.filming.camera import FilmedShot, seconds_per_shot
from flows.studio.filming.settings import PICTURE_SIZES, FilmSettings
from flows.studio.filming.shots import PlannedShot
from flows.studio.hosted.jobs import Jobs
from flows.studio.picture import contact_sheet as contact_sheets
from flows.studio.picture import upscaler
from flows.studio.picture.upscale import PlannedUpscale
from flows.studio.picture.verify import FinishedFilm
from flows.studio.production import edit as edits
from flows.studio.production import messages, records, story_memory, writer
from flows.studio.production import plan as plans
from flows.studio.production import script as scripts
from flows.studio.production.console import Console, count, duration, running_time
from flows.studio.production.episode import Episode, time_is_up
from flows.studio.production.plan import Plan
from flows.studio.production.request import Outcome
from flows.studio.production.steps import Meanwhile, Steps, meanwhile
from flows.studio.release import report, upload
from flows.studio.timeline.model import Span
from flows.studio.typography import fonts
from flows.studio.voice.lines import hibari_fails, premise_voices
from flows.studio.workspace import artifacts, files, manifest
from flows.studio.workspace import folder as folders
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.script import filmed_scenes

TIME_IS_UP = "the time was up, and the next run goes on"
SHEET_SECONDS = 30.0  # the shortest time between two drawings of the contact sheet while it is filmed

Clock = Callable[[], float]


@dataclass
class Run:
    """One run at work: the episode and its plan as they are by now; its folder is locked while it works.

    `plan` is None as long as the script is not complete; `is_done` is known before anything is made. `notes`
    are said at the end of a night.
    """

    episode: Episode
    plan: Plan | None
    console: Console
    clock: Clock = time.monotonic
    is_done: bool = False
    notes: list[str] = field(default_factory=list)

    def remember(self, **values: object) -> None:
        """Keeps values for the next run; they are written with the next chapter of the manifest."""
        self.episode = self.episode.remember(**values)


def make_episode(
    episode: Episode, console: Console, steps: Steps, *, clock: Clock = time.monotonic
) -> Outcome:
    """Makes what an episode is missing, up to the step that its request names.

    Raises ScriptError or StudioError for input that is wrong, a disk that is full, or a folder in use.
    """
    with begin(episode, console, clock=clock) as run:
        return nothing_to_do(run) or make(run, steps)


@contextmanager
def begin(episode: Episode, console: Console, *, clock: Clock = time.monotonic) -> Iterator[Run]:
    """Looks what is in the episode's folder, and locks it if anything is missing; `make` makes that.

    A finished episode is only read, so that it may be on a disk that nobody can write to.
    """
    stamp = _stamp(episode.folder)
    run = Run(*_look(episode), console, clock)
    for message in scripts.find_lost_text(episode):
        console.warn(message)
    run.is_done = run.plan is not None and run.plan.is_done(episode.request.until)
    if run.is_done:
        yield run
        return
    with folders.locked(episode.folder), files.disk_errors(episode.folder.root):
        if _stamp(episode.folder) != stamp:
            run = Run(*_look(episode), console, clock)
        yield run


def _look(episode: Episode) -> tuple[Episode, Plan | None]:
    """The episode with its script, and its plan; None if there is no script, or none that is complete."""
    if not episode.has_script:
        return episode, None
    episode = scripts.read_script(episode)
    return episode, plans.make_plan(episode) if scripts.is_complete(episode.script) else None


def _stamp(folder: EpisodeFolder) -> tuple[int, ...]:
    """The times of the last change of the script and of the folders of artifacts; 0 for what is not there."""
    paths = (folder.script, folder.clips, folder.voices, folder.segments)
    return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)


def nothing_to_do(run: Run) -> Outcome | None:
    """The outcome, if everything is made already; None if there is work."""
    if run.plan is None or not run.is_done:
        return None
    path = run.plan.result(run.episode.request.until)
    outcome = Outcome(0, path, messages.nothing_to_do(run.episode, path))
    is_film = run.episode.request.until is None and not run.episode.folder.draft
    return publish(run, outcome) if is_film else outcome


def make(run: Run, steps: Steps) -> Outcome:
    """Makes what is missing, step by step."""
    folder, until = run.episode.folder, run.episode.request.until
    if until == "outline":
        return write_outline(run)
    plan = write_script(run, steps)
    if until == "script":
        then = f"edit it as you like, then go on: {messages.command(run.episode)}"
        return finish(run, folder.script, then)
    say_plan(run, plan, elsewhere=steps.films_elsewhere)
    plan = make_intro(run, steps, plan)
    plan, gags = film_with_others(run, steps, plan)
    if until == "clips":
        return finish(run, folder.contact_sheet, "filmed", gags=gags)
    if run.episode.is_meme:
        return cut_meme(run, steps, plan, gags)
    plan = speak_rest(run, steps, plan)
    if until == "voices":
        return finish(run, folder.voices, "spoken", gags=gags)
    segments = cut_segments(run, steps, plan)
    if until == "cut":
        return finish(run, folder.segments, "cut", gags=gags)
    return master(run, steps, plan, segments, gags)


def make_meme(episode: Episode, console: Console, steps: Steps) -> Outcome:
    """Makes a meme; other words or another picture than its script's take the script's place.

    Raises StudioError for a show that is no meme.
    """
    check_is_meme(episode)
    replace_words(episode, console)
    return make_episode(episode, console, steps)


def check_is_meme(episode: Episode) -> None:
    """Raises StudioError for a show that is no meme."""
    premise = episode.own_premise
    if premise.genre != "meme":
        raise StudioError(
            f"{episode.premise_path or premise.show}: wanted genre: meme, got {premise.genre}; "
            f"try: {messages.command(episode)}",
            code=2,
        )


def replace_words(episode: Episode, console: Console) -> None:
    """Takes the script away if the request says other words; a script that was edited is kept beside it."""
    folder, meme = episode.folder, episode.own_premise.meme
    if not episode.has_script or meme is None:
        return
    script = scripts.read_script(episode).script
    if script is not None and script.meme == meme:
        return
    if episode.premise_path is not None and scripts.was_edited(episode):
        return  # a script that was edited by hand counts before the premise
    with folders.locked(folder):
        if scripts.was_edited(episode):
            console.say(f"the script that you edited is kept as {scripts.put_aside(folder)}")
        else:
            folder.script.unlink()


def write_outline(run: Run) -> Outcome:
    """Writes the outline if there is none, and shows it; the scenes are written of it by the next run."""
    path = run.episode.folder.outline
    if not path.exists():
        run.console.progress("writing the outline")
        run.episode = scripts.write_outline(run.episode, say=run.console.warn)
        records.save(run.episode, outline_calls=writer.call_rows(run.episode.calls))
    for line in messages.describe_outline(run.episode, writer.read_outline(run.episode)):
        run.console.say(line)
    then = messages.command(run.episode, verb="script")
    return finish(run, path, f"{path}: edit it as you like, then the scenes follow it: {then}")


def write_script(run: Run, steps: Steps) -> Plan:
    """Writes the script if there is none, completes it if there is one, and shows it; returns its plan."""
    is_new = not run.episode.has_script
    if is_new:
        run.console.progress("writing the script")
        run.episode = steps.write_script(run.episode, say=run.console.warn)
    elif run.plan is None:
        run.episode = steps.complete_script(run.episode)
    run.episode = story_memory.remember(run.episode)
    if run.episode.memory.fell_back:
        run.notes.append(f"written by {scripts.OFFLINE}: {run.episode.memory.fell_back}")
    for line in messages.describe_script(run.episode, is_new=is_new):
        run.console.say(line)
    records.save(run.episode, **records.script_chapter(run.episode))
    return run.plan or plans.make_plan(run.episode)


def say_plan(run: Run, plan: Plan, *, elsewhere: bool = False) -> None:
    """Says what will be made, which letters no font has, and what enlarges where ACNet is missing."""
    for line in messages.describe_plan(plan, elsewhere=elsewhere):
        run.console.say(line)
    for line in fonts.describe_missing(plan.visible_texts()):
        run.console.warn(line)
        run.notes.append(line)
    film_size = PICTURE_SIZES[plan.premise.format.aspect]
    doublings = upscaler.doublings_for((plan.film.width, plan.film.height), film_size)
    if plan.premise.video.upscale:
        upscaler.check_upscaler(Path(plan.premise.video.upscale))  # an error before anything is filmed
    elif fallback := upscaler.describe_fallback(doublings):
        run.console.say(fallback)
    run.remember(weights=plan.film.weights)


def make_intro(run: Run, steps: Steps, plan: Plan) -> Plan:
    """Fits a title sequence of one's own to the film, before anything is filmed."""
    intro, episode = plan.intro, run.episode
    if intro is None or intro.digest in plan.clips:
        return plan
    run.console.progress("fitting the title sequence")
    try:
        results = steps.film_shots([intro], plan.film, episode.folder.clips, on_step=_ignore_step)
        return plan.with_clips(*(filmed.clip for filmed in results if filmed.clip))
    except StudioError as error:
        raise StudioError(f"{episode.location_of('titles', 'intro')}: {error}", code=2) from None


def film_with_others(run: Run, steps: Steps, plan: Plan) -> tuple[Plan, tuple[str, ...]]:
    """Films what is missing; where other machines film, this one speaks and cuts meanwhile."""
    if plan.moves_lips and steps.films_elsewhere:  # the shots wait for the voices
        plan = speak_lines(run, steps, plan)
    with meanwhile(steps, plan) as others:
        plan, gags = film_shots(run, steps, plan, others)
    return (plan if others is None else plan.refreshed()), gags


def film_shots(
    run: Run, steps: Steps, plan: Plan, others: Meanwhile | None = None
) -> tuple[Plan, tuple[str, ...]]:
    """Films what is missing; returns the plan with the clips, and the labels of shots that failed twice.

    Where lips move with the voices, these are made before. `others`, who work meanwhile, are told of every
    clip.
    """
    if plan.moves_lips:
        plan = speak_lines(run, steps, plan)
    missing = plan.missing_shots
    by_film = plan.missing_by_film
    _give_up_unheard_jobs(run)
    for film in by_film:
        hosted_shots.check_money(film)
    for film, shots in reversed([*by_film.items()]):  # the first to film is loaded last
        if film.is_hosted:
            run.console.say(hosted_shots.describe_cost(film, shots, Jobs(run.episode.folder.jobs)))
        else:
            _say_estimate(run, steps, film, len(shots))
    plan, failed = _film(run, steps, plan, missing, others)
    contact_sheets.write_sheet(plan.contact_sheet(), run.episode.folder.contact_sheet)
    _write_take_sheets(run, plan, missing)
    gags = tuple(shot.label for shot in plan.shots if shot.digest in failed)
    run.remember(failed=tuple(failed))
    chapter = records.shots_chapter(plan)
    records.save(run.episode, **chapter, gag_cards=list(gags))
    steps.show_shots(run.episode, records.shots_table(chapter))
    return plan, gags


def _give_up_unheard_jobs(run: Run) -> None:
    """With --pay-again, takes jobs that nobody has heard of for lost: their shots are asked for anew."""
    if run.episode.request.pay_again:
        for job in Jobs(run.episode.folder.jobs).give_up_unheard():
            run.console.say(f"{job.label}: asked for again; ${job.earlier:.2f} may have been paid before")


def _film(
    run: Run, steps: Steps, plan: Plan, missing: Sequence[PlannedShot], others: Meanwhile | None
) -> tuple[Plan, dict[str, str]]:
    """Films these shots and redraws the contact sheet now and then; the failed ones' labels by digest."""
    episode, folder = run.episode, run.episode.folder
    failed: dict[str, str] = {}
    drawn = -math.inf
    progress = _Progress(run, steps, plan, len(missing))

    def may_begin() -> bool:
        return not time_is_up(episode.request.stop_at)

    steps.show_progress(episode, 0, len(missing))
    filming = steps.film_shots(
        missing, plan.film, folder.clips, on_step=progress.on_step, may_begin=may_begin
    )
    with closing(filming) as results:
        for filmed in results:
            if filmed.clip is None:
                failed[filmed.shot.digest] = filmed.shot.label
            else:
                plan = plan.with_clips(filmed.clip)
            if others is not None:
                others.filmed(plan)
            _say_filmed(run, plan, filmed, is_first=progress.num_filmed == 0)
            if run.clock() - drawn >= SHEET_SECONDS:
                contact_sheets.write_sheet(plan.contact_sheet(), folder.contact_sheet)
                drawn = run.clock()
            progress.filmed(filmed.shot)
            steps.show_progress(episode, progress.num_filmed, len(missing))
    if progress.num_filmed < len(missing):
        contact_sheets.write_sheet(plan.contact_sheet(), folder.contact_sheet)
        filmed_so_far = f"{progress.num_filmed} of {len(missing)} shots were filmed"
        raise StudioError(f"{episode.name}: {filmed_so_far}; {TIME_IS_UP}")
    return plan, failed


class _Progress:
    """The bar of the filming: all shots that are filmed and the steps of those that are being filmed."""

    def __init__(self, run: Run, steps: Steps, plan: Plan, total: int) -> None:
        self.num_filmed = 0
        self._console = run.console
        self._films_elsewhere = steps.films_elsewhere
        self._film_of = plan.film_of
        self._scenes = filmed_scenes(plan.script)
        self._total = total
        self._at_work: dict[str, tuple[int, PlannedShot]] = {}  # the last step of each, by digest

    def filmed(self, shot: PlannedShot) -> None:
        """Counts a shot that is done."""
        self._at_work.pop(shot.digest, None)
        self.num_filmed += 1

    def on_step(self, shot: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
        """Shows a step; of several shots at once the one that is farthest."""
        self._console.show_preview(preview)
        self._at_work[shot.digest] = step, shot
        step, shot = max(self._at_work.values(), key=lambda one: one[0])
        scene, number = self._scenes.index(shot.scene) + 1, shot.label.rsplit(".", 1)[-1]
        how_far = f"{step} %" if self._film_of(shot).is_hosted else f"step {step} of {num_steps}"
        label = f"scene {scene} of {len(self._scenes)}, shot {number}, {how_far}"
        if self._films_elsewhere:
            cameras = count(len(self._at_work), "camera")
            label = f"{cameras}, {self.num_filmed} of {self._total} shots; {label}"
        done = self.num_filmed * num_steps + sum(each for each, _ in self._at_work.values())
        total = self._total * num_steps
        self._console.progress(label, min(done, total), total, shot=shot.label)


def _say_filmed(run: Run, plan: Plan, filmed: FilmedShot, *, is_first: bool) -> None:
    console, label = run.console, filmed.shot.label
    if filmed.clip is None:
        failed = "failed twice" if filmed.attempts > 1 else "has no film"
        console.warn(f"{label} {failed} ({filmed.fault}); a gag card takes its place")
        if plan.draft is not None and filmed.shot.film is None:
            undo = messages.command(run.episode, "--undo", verb="approve", arguments=[label])
            console.say(f"back to {plan.draft.title}'s clip of it: {undo}")
        return
    if is_first:
        console.say(f"the first clip: {filmed.clip.path}")
    if verdict := auto_takes.describe_takes(filmed.clip.notes):
        console.say(f"{label}: {verdict}")


def _write_take_sheets(run: Run, plan: Plan, filmed: Sequence[PlannedShot]) -> None:
    """The takes of a shot side by side, if one of them is new."""
    for shot in plan.shots:
        if shot.others and any(take in filmed for take in (shot, *shot.others)):
            path = contact_sheets.write_take_sheet(run.episode.folder, shot)
            run.console.say(f"{len(shot.others) + 1} takes of {shot.label}: {path}")


def _say_estimate(run: Run, steps: Steps, film: FilmSettings, num_shots: int) -> None:
    """Shots times seconds, from one step measured here and now; on a farm, when its cameras started."""
    cameras = steps.num_cameras(film)
    if not steps.films_elsewhere:
        run.console.progress("loading the film model and measuring a step")
    step = steps.seconds_per_step(film)
    if step is None:
        run.console.say(f"{count(num_shots, 'shot')} on {count(cameras, 'camera')}")
        return
    each = seconds_per_shot(step, film)
    when = "at the cameras' start" if steps.films_elsewhere else "just now"
    seconds = math.ceil(num_shots / max(1, cameras)) * each
    measured = f"{film.num_steps} steps of {step:.2f} s, measured {when}"
    most = auto_takes.MOST_TAKES * seconds
    again = f", at most {duration(most)} if takes are filmed again" if film.takes == "auto" else ""
    among = f" on {count(cameras, 'camera')}" if steps.films_elsewhere else ""
    run.console.say(
        f"{count(num_shots, 'shot')} × {each:.1f} s{among} = about {duration(seconds)}{again} ({measured})"
    )


def _ignore_step(shot: PlannedShot, step: int, num_steps: int, preview: Preview | None) -> None:
    pass


def speak_lines(run: Run, steps: Steps, plan: Plan) -> Plan:
    """Speaks the lines that are missing, each in its character's own voice."""
    episode, console = run.episode, run.console
    if hibari_fails(plan.missing_lines):
        plan = plans.make_plan(episode)
    missing = plan.missing_lines
    voices = premise_voices(plan.premise, speaker=episode.speaker)
    results = steps.speak_lines(missing, voices, episode.folder.voices)
    spoken = []
    for number in range(1, len(missing) + 1):
        console.progress(f"speaking line {number} of {len(missing)}", number - 1, len(missing))
        spoken.append(next(results))
    plan = plan.with_voices(*spoken)
    if murmurs := messages.describe_murmurs(plan):
        console.warn(murmurs)
        run.notes.append(murmurs)
    records.save(episode, **records.lines_chapter(plan))
    return plans.make_plan(episode) if plan.moves_lips and missing else plan


def speak_rest(run: Run, steps: Steps, plan: Plan) -> Plan:
    """Speaks the lines, unless they had to be there before the shots."""
    return plan if plan.moves_lips else speak_lines(run, steps, plan)


def upscale_clips(run: Run, steps: Steps, upscales: Sequence[PlannedUpscale]) -> None:
    """Enlarges clips, so that another cut of them need not."""
    results = steps.upscale_clips(upscales, run.episode.folder.upscaled)
    for number in range(1, len(upscales) + 1):
        run.console.progress(f"enlarging clip {number} of {len(upscales)}", number - 1, len(upscales))
        next(results)


def cut_segments(run: Run, steps: Steps, plan: Plan) -> tuple[Path, ...]:
    """Enlarges the clips of the segments that changed, and encodes these; returns all of them in order."""
    edit, folder = plan.edit, run.episode.folder
    segments = edits.stored_segments(edit, folder)
    missing = [name for name, path in segments.items() if path is None]
    upscale_clips(run, steps, edits.missing_upscales(edit, missing, folder))
    spans, total = edit.timeline.spans, edit.timeline.num_frames

    def on_frame(span: Span, frame: int) -> None:
        label = f"cutting {span.id}, {spans.index(span) + 1} of {len(spans)}"
        run.console.progress(label, span.start + frame, total)

    made = dict(steps.cut_segments(edit, missing, folder, on_frame=on_frame))
    return tuple(made[name] if path is None else path for name, path in segments.items())


def master(run: Run, steps: Steps, plan: Plan, segments: Sequence[Path], gags: tuple[str, ...]) -> Outcome:
    """Joins sound and picture, checks the film, and saves everything that is needed to make it again."""
    run.console.progress("mixing the sound and joining the segments")
    finished = steps.master(plan.edit, segments, run.episode)
    records.save(run.episode, **records.timeline_chapter(plan.edit.timeline))
    if not run.episode.folder.draft:
        records.write_publish(plan)
    return save_film(run, plan, finished, gags)


def cut_meme(run: Run, steps: Steps, plan: Plan, gags: tuple[str, ...]) -> Outcome:
    """Cuts a meme: one clip, two texts, forwards and backwards."""
    if gags:
        return Outcome(
            1, None, ("the meme's one shot failed twice; run the same command again to try it anew",)
        )
    run.console.progress("cutting the loop")
    finished = steps.write_meme(plan, plan.clips[plan.shots[0].digest].path)
    return save_film(run, plan, finished, gags)


def save_film(run: Run, plan: Plan, finished: FinishedFilm, gags: tuple[str, ...]) -> Outcome:
    """Saves what the film is made from and writes its report."""
    run.remember(film_recipe=artifacts.digest(plan.film_recipe()))
    records.save(run.episode, **records.film_chapter(run.episode.folder, finished))
    if not run.episode.folder.draft:
        report.write_report(run.episode.folder)
    loud = "" if finished.loudness_lufs is None else f", {finished.loudness_lufs:.1f} LUFS"
    length = f"{running_time(finished.seconds)} of film{loud}"
    outcome = finish(run, run.episode.folder.film, length, gags=gags)
    return outcome if run.episode.folder.draft else publish(run, outcome)


def publish(run: Run, outcome: Outcome) -> Outcome:
    """Copies the finished episode to where COLDOPEN_PUBLISH says, unless it is there.

    A fault is told, for the film is made; the next run copies it.
    """
    folder, url = run.episode.folder, upload.target()
    if url is None or upload.is_copied(folder, url):
        return outcome

    def on_wait(seconds: float, why: str) -> None:
        run.console.progress(f"copying the episode again in {seconds:.0f} s: {why}")

    run.console.progress("copying the episode")
    try:
        line = f"copied to {upload.upload_episode(folder, url, on_wait=on_wait)}"
    except StudioError as error:
        line = f"not copied: {error}; to copy it later: {messages.command(run.episode)}"
        return replace(outcome, lines=(*outcome.lines, f"! {line}"), notes=(*outcome.notes, line))
    return replace(outcome, lines=(*outcome.lines, line))


def finish(run: Run, path: Path, *lines: str, gags: tuple[str, ...] = ()) -> Outcome:
    """Saves the episode's memory; the outcome names the file to look at."""
    manifest.write(run.episode.folder, run.episode.memory)
    notes, said = [*run.notes], [*lines]
    if gags:
        cards = f"{count(len(gags), 'gag card')} ({', '.join(gags)})"
        notes.append(cards)
        said.append(f"made with {cards}; the next run tries {'it' if len(gags) == 1 else 'them'} again")
    if not any(str(path) in line for line in said):
        said.append(f"it lies in {path}")
    return Outcome(3 if gags else 0, path, tuple(said), tuple(notes))
