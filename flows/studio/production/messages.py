"""What a run knows and says before it works: which episode, made with what, whether there is anything to do.

Needs neither Prefect nor torch, so that the first line and "nothing to do" come at once.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flows.studio.errors import StudioError
from flows.studio.filming import vocabulary
from flows.studio.filming.settings import describe_film
from flows.studio.production import episode as episodes
from flows.studio.production import script as scripts
from flows.studio.production.console import count, duration
from flows.studio.production.episode import AUTO, Job, Written
from flows.studio.production.plan import Survey
from flows.studio.production.records import lines_chapter
from flows.studio.production.request import OUTPUT, EpisodeOptions, MemeOptions, Outcome
from flows.studio.voice.phonemes import murmur_remedy
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest
from flows.studio.workspace.files import disk_errors
from scripts_llm.llm.client import Call, public_address
from scripts_llm.screenplay.premise import Meme, Premise

SHOWN_LABELS = 8  # of murmured lines in a message


def on_the_last_one(options: EpisodeOptions) -> EpisodeOptions:
    """The options with the premise and the episode that were worked on last, if no premise is named."""
    if options.premise is not None:
        return options
    folder = episodes.last_one(options.output)
    path = manifest.read_memory(folder).premise_path
    episode = options.episode or str(folder.code)
    return replace(options, premise=Path(path) if path else None, episode=episode)


def announce(options: EpisodeOptions | MemeOptions) -> str:
    """The first line: what will be made, with which writer and film model. Raises for a wrong premise."""
    job = prepare(options)
    film = f"{'draft' if job.folder.draft else 'film'} by {describe_film(job.premise, job.video)}"
    what = "script.yaml as it stands" if job.folder.script.exists() else f"script by {writer_of(job)}"
    return f"{job.name}: {what}, {film}, into {job.folder.root}"


def prepare(options: EpisodeOptions | MemeOptions) -> Job:
    """The job of either kind of options."""
    if isinstance(options, EpisodeOptions):
        return episodes.prepare(options)
    as_episode = EpisodeOptions(
        premise=options.premise,
        episode=options.episode,
        seed=options.seed,
        output=options.output,
        device=options.device,
        verbose=options.verbose,
        video=options.video,
    )
    return episodes.prepare(as_episode, meme_premise(options))


def meme_premise(options: MemeOptions) -> Premise | None:
    """The premise of a meme that has no file: its picture is its name."""
    if options.picture is None:
        return None
    if options.premise is not None:
        raise StudioError("meme: wanted --premise or --picture, got both; leave one out", code=2)
    for name, longest in (("picture", 240), ("top", 120), ("bottom", 120), ("bar", 120)):
        text: str = getattr(options, name)
        if len(text) > longest or (name == "picture" and not text.strip()):
            got = f"{len(text)} letters" if text.strip() else "nothing"
            raise StudioError(f"--{name}: wanted a text of at most {longest} letters, got {got}", code=2)
    meme = Meme(picture=options.picture, top=options.top, bottom=options.bottom, bar=options.bar)
    return Premise(schema=1, show=f"meme: {options.picture}"[:80], genre="meme", meme=meme)


def writer_of(job: Job) -> str:
    """Who will write, as far as that is known without asking a server."""
    import os

    if job.premise.genre == "meme" and job.premise.meme is not None:
        return "you"
    if job.writer not in (AUTO, "offline"):
        return job.writer
    asked = job.premise.writer is not None or any(
        os.environ.get(name) for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY")
    )
    if job.writer == "offline" or not asked:
        return "the offline writer"
    own = job.premise.writer
    named = (own.model if own else None) or os.environ.get("OPENAI_MODEL")
    where = (own.base_url if own else None) or os.environ.get("OPENAI_BASE_URL")
    where = public_address(where) if where else None
    return " at ".join(part for part in (named or "the language model", where) if part)


def command(job: Job, *more: str) -> str:
    """The command that works on this episode again, or on another one that `more` names."""
    words = ["coldopen", "episode"]
    if job.premise_path is not None:
        words += ["--premise", str(job.premise_path)]
    output = job.folder.root.parent.parent
    if output != OUTPUT:
        words += ["--output", str(output)]
    if job.folder.draft:
        words.append("--draft")
    if "--episode" not in more:
        words += _its_name(job)
    return shlex.join([*words, *more])


def _its_name(job: Job) -> list[str]:
    """`--episode` with the job's own, if a command without it would work on another one."""
    output, premise = job.folder.root.parent.parent, job.premise
    if job.premise_path is None:
        found = folders.last_worked_on(output)
    else:
        found = folders.choose_episode(output, premise.show, season=premise.season, wanted=None)
    if found is None or found.root == job.folder.root:
        return []
    return ["--episode", str(job.folder.code) if job.folder.root.is_dir() else "next"]


def quick_check(options: EpisodeOptions) -> Outcome | None:
    """The outcome, if there is nothing to do; None if there is work.

    Faults of the premise and the script are raised here already, before a server is started for nothing.
    """
    from flows.studio.production import plan, script

    job = episodes.prepare(options)
    if not script.exists(job):
        return None
    state = plan.look(job)
    if state is None or not state.is_done(options.until):
        return None
    return Outcome(0, state.result(options.until), nothing_to_do(job, state.result(options.until)))


def nothing_to_do(job: Job, path: Path) -> tuple[str, ...]:
    """What to say when everything lies there already."""
    if path == job.folder.script:
        return (f"the script is there: {path}", f"edit it as you like, then go on: {command(job)}")
    whole = replace(job, folder=replace(job.folder, draft=False))
    following = "the next one", command(whole, "--episode", "next")
    name, then = ("the film itself", command(whole)) if job.folder.draft else following
    return (
        f"nothing to do: {path} is made from premise and script as they are",
        *older_premise(job),
        f"{name}: {then}",
    )


def older_premise(job: Job) -> tuple[str, ...]:
    """What to say if logline or cast changed since the script was written."""
    changed = manifest.changed_writer_inputs(job.memory, job.premise)
    if not changed:
        return ()
    return (
        f"it was written from an older premise ({', '.join(changed)} changed since) and stays as it is; "
        "to have it written anew, move it away",
    )


def script_told(job: Job, written: Written, *, is_new: bool) -> tuple[str, ...]:
    """The script as it is shown: all of it when it is new, a line when it was there."""
    script = written.script
    if is_new:
        return (*scripts.told(script), *writing_told(written.calls), f"the script: {job.folder.script}")
    shots = sum(len(scene.shots or ()) for scene in script.scenes)
    edited = ", edited by hand" if scripts.was_edited(job) else ""
    size = f"{count(len(script.scenes), 'scene')}, {count(shots, 'shot')}{edited}"
    return (f"{job.folder.script}: “{script.title}”, {size}", *older_premise(job))


def writing_told(calls: Sequence[Call]) -> tuple[str, ...]:
    """What the writing took, in a line; nothing for the offline writer."""
    if not calls:
        return ()
    tokens = [(call.prompt_tokens, call.completion_tokens) for call in calls]
    known = all(part is not None for pair in tokens for part in pair)
    used = f"{sum(part or 0 for pair in tokens for part in pair):,} tokens" if known else "tokens n/a"
    costs = [call.cost_usd for call in calls]
    cost = "n/a" if None in costs else f"${sum(each or 0 for each in costs):.4f}"
    seconds = sum(call.seconds for call in calls)
    return (f"the writing took {count(len(calls), 'call')}, {seconds:.0f} s, {used}, cost {cost}",)


def plan_told(plan: Survey) -> tuple[str, ...]:
    """What will be made and why, and about how long the filming takes."""
    memory, made = plan.job.memory, plan.plan
    if not made.todo:
        return (f"to make: the cut; {made.num_kept} clips and voices are kept",)
    lines = list(made.told())
    if memory.weights not in (None, plan.film.weights) and made.num_shots:
        lines.append(f"{plan.film.title} is another one now than the one that this episode was filmed with")
    if made.num_shots and not plan.film.is_for_sale:
        lines.append(f"not for commercial use: {plan.film.title} has the licence {plan.film.licence}")
    if made.num_shots:
        filmed = [(shot.label, shot.words) for shot in plan.shots if shot.file is None]
        lines += vocabulary.describe_reading(filmed, plan.film.traits.dialect, plan.film.title)
    if made.seconds:
        lines.append(f"about {duration(made.seconds)} of filming, going by the last time")
    return tuple(lines)


def describe_murmurs(plan: Survey) -> str:
    """Which lines are murmured and what would give them words, in one line; "" if all are spoken."""
    is_murmured = {line["id"]: line["murmured"] for line in lines_chapter(plan)["lines"]}
    murmured = [line for line in plan.lines if is_murmured[line.label]]
    if not murmured:
        return ""
    labels = [line.label for line in murmured[:SHOWN_LABELS]]
    more = len(murmured) - len(labels)
    which = ", ".join(labels) + (f" and {more} more" if more else "")
    return (
        f"murmured, as no voice here speaks them: {which}{murmur_remedy(line.line.line for line in murmured)}"
    )


FAILED, WRONG_INPUT = 1, 2


def known_fault(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code of an error that people can do something about; None for a bug."""
    from scripts_llm.errors import ScriptError
    from scripts_llm.llm.client import LLMError

    if isinstance(error, StudioError):
        return str(error), error.code
    if isinstance(error, ScriptError):
        return str(error), WRONG_INPUT
    if isinstance(error, LLMError):
        return str(error), getattr(error, "code", FAILED)
    return _disk_fault(error) if isinstance(error, OSError) else None


def _disk_fault(error: OSError) -> tuple[str, int] | None:
    try:
        with disk_errors(Path(str(error.filename or "the output folder"))):
            raise error
    except StudioError as known:
        return str(known), known.code
    except OSError:
        return None
