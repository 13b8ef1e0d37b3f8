"""The lines that a run says before, while and after it works.

Needs neither Prefect nor torch, so that the first line and "nothing to do" come at once.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from flows.studio.filming import vocabulary
from flows.studio.filming.models import describe_memory
from flows.studio.filming.settings import FilmSettings, describe_film
from flows.studio.production import plan as plans
from flows.studio.production import script as scripts
from flows.studio.production.console import count, duration
from flows.studio.production.episode import AUTO, Episode
from flows.studio.production.plan import Plan
from flows.studio.production.request import OUTPUT
from flows.studio.voice.phonemes import murmur_remedy
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest
from scripts_llm.llm.client import Call, public_address
from scripts_llm.screenplay.outline import Outline

MOST_LABELS = 8  # of murmured lines in a message

# ---------------------------------------------------------------------------------------------- before


def announce(episode: Episode) -> str:
    """The first line: what will be made, by which writer and film model.

    Raises StudioError for a film model that is not there or cannot film so.
    """
    kind = "draft" if episode.folder.draft else "film"
    film = f"{kind} by {describe_film(episode.own_premise, episode.video)}"
    of_outline = " of outline.yaml" if follows_outline(episode) else ""
    what = f"script by {describe_writer(episode)}{of_outline}"
    if episode.request.until == "outline":
        return f"{episode.name}: outline by {describe_writer(episode)}, into {episode.folder.root}"
    what = "script.yaml as it stands" if episode.has_script else what
    return f"{episode.name}: {what}, {film}, into {episode.folder.root}"


def follows_outline(episode: Episode) -> bool:
    """Whether the scenes are written of an outline that lies in the folder; the offline writer has none."""
    return episode.folder.outline.exists() and describe_writer(episode) not in ("you", scripts.OFFLINE)


def describe_writer(episode: Episode) -> str:
    """The writer, as far as it is known without asking a server."""
    premise = episode.own_premise
    if episode.is_meme and premise.meme is not None:
        return "you"
    if episode.writer not in (AUTO, "offline"):
        return episode.writer
    has_own = premise.writer is not None and premise.writer.names_a_model
    has_server = has_own or any(os.environ.get(name) for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"))
    if episode.writer == "offline" or not has_server:
        return scripts.OFFLINE
    own = premise.writer
    model = (own.model if own else None) or os.environ.get("OPENAI_MODEL") or "the language model"
    address = (own.base_url if own else None) or os.environ.get("OPENAI_BASE_URL")
    return f"{model} at {public_address(address)}" if address else model


def command(episode: Episode, *options: str, verb: str = "episode", arguments: Sequence[str] = ()) -> str:
    """The command line that works on this episode, or on the one that `options` name with --episode."""
    words = ["coldopen", verb, *arguments]
    if episode.premise_path is not None:
        words += ["--premise", str(episode.premise_path)]
    if episode.output != OUTPUT:
        words += ["--output", str(episode.output)]
    if episode.folder.draft:
        words.append("--draft")
    if "--episode" not in options:
        words += _episode_option(episode)
    return shlex.join([*words, *options])


def _episode_option(episode: Episode) -> list[str]:
    """`--episode` with the episode's code, if a command without it would work on another one."""
    output, premise = episode.output, episode.own_premise
    if episode.premise_path is None:
        default = folders.last_worked_on(output)
    else:
        default = folders.choose_episode(output, premise.show, season=premise.season, wanted=None)
    if default is None or default.root == episode.folder.root:
        return []
    return ["--episode", str(episode.folder.code) if episode.folder.root.is_dir() else "next"]


def nothing_to_do(episode: Episode, path: Path) -> tuple[str, ...]:
    """The lines of a run that finds everything made; `path` is the file to look at."""
    if episode.request.until == "outline":
        anew = command(episode, "--rewrite", "all", verb="script")
        next_one = command(episode, "--until", "outline", "--episode", "next")
        of_it = f" of {path.name}" if follows_outline(episode) else ""
        return (
            f"{episode.folder.script} is written already, and an outline comes before it",
            f"to have it written anew{of_it}: {anew}",
            f"the next episode's outline: {next_one}",
        )
    if path == episode.folder.script:
        then = f"edit it as you like, then go on: {command(episode)}"
        return (*describe_script(episode, is_new=False), then)
    whole = replace(episode, folder=replace(episode.folder, draft=False))
    following = "the next one", command(whole, "--episode", "next")
    name, then = ("the film itself", command(whole)) if episode.folder.draft else following
    return (
        f"nothing to do: {path} is made from premise and script as they are",
        *_older_premise(episode),
        f"{name}: {then}",
    )


def _older_premise(episode: Episode) -> tuple[str, ...]:
    """A line if logline or cast changed since the script was written."""
    changed = manifest.changed_writer_inputs(episode.memory, episode.own_premise)
    if not changed:
        return ()
    return (
        f"it was written from an older premise ({', '.join(changed)} changed since) and stays as it is; "
        "to have it written anew, move it away",
    )


# ---------------------------------------------------------------------------------------------- script


def describe_outline(episode: Episode, outline: Outline | None) -> tuple[str, ...]:
    """The outline as a run shows it: a few lines for each scene."""
    if outline is None:
        return ()
    rows = [f"“{outline.title}” — {outline.logline}"]
    if outline.about:
        named = f" ({', '.join(outline.words)})" if outline.words else ""
        rows.append(f"  about: {outline.about}{named}")
    for number, scene in enumerate(outline.scenes, 1):
        story = "" if scene.story == "A" else f", {scene.story} story" if scene.story == "B" else ", runner"
        rows.append(f"  {number}  {scene.part}, {scene.setting}{story}: {', '.join(scene.who)}")
        told = (("wants", scene.wants), ("turn", scene.turn), ("button", scene.button))
        rows += [f"       {name}: {text}" for name, text in told if text]
    return (*rows, *describe_calls(episode.calls))


def describe_script(episode: Episode, *, is_new: bool) -> tuple[str, ...]:
    """The script as a run shows it: all of it when it is new, a line when it was there."""
    script, path = episode.script, episode.folder.script
    assert script is not None
    if is_new:
        told = episode.memory.suggestion
        used = [f"it tells the suggestion {told['name']}: “{told['text']}”"] if told else []
        rows = (*scripts.describe_script(script), *used, *describe_calls(episode.calls))
        return (*rows, f"the script: {path}")
    shots = sum(len(scene.shots or ()) for scene in script.scenes)
    edited = ", edited by hand" if scripts.was_edited(episode) else ""
    size = f"{count(len(script.scenes), 'scene')}, {count(shots, 'shot')}{edited}"
    return (f"{path}: “{script.title}”, {size}", *_older_premise(episode))


def describe_calls(calls: Sequence[Call]) -> tuple[str, ...]:
    """Calls, seconds, tokens and dollars of the writing in a line; nothing for the offline writer."""
    if not calls:
        return ()
    tokens = [(call.prompt_tokens, call.completion_tokens) for call in calls]
    known = all(part is not None for pair in tokens for part in pair)
    used = f"{sum(part or 0 for pair in tokens for part in pair):,} tokens" if known else "tokens n/a"
    costs = [call.cost_usd for call in calls]
    cost = "n/a" if None in costs else f"${sum(each or 0 for each in costs):.4f}"
    seconds = sum(call.seconds for call in calls)
    return (f"the writing took {count(len(calls), 'call')}, {seconds:.0f} s, {used}, cost {cost}",)


# ------------------------------------------------------------------------------------------------ plan


def describe_plan(plan: Plan, *, elsewhere: bool = False) -> tuple[str, ...]:
    """The plan in lines: what will be made and why, and about how long the filming takes.

    With `elsewhere` a farm's cameras film.
    """
    film, weights = plan.film, plan.episode.memory.weights
    if not plan.missing:
        return (f"to make: the cut; {plan.num_stored} clips and voices are kept", *describe_earlier(plan))
    lines = [*plans.describe_plan(plan), *describe_earlier(plan)]
    if plan.num_missing_clips:
        if weights not in (None, film.weights):
            lines.append(f"{film.title} is another one now than the one that this episode was filmed with")
        for each in plan.films:
            lines += describe_film_model(each, elsewhere=elsewhere)
            filmed = [
                (shot.label, shot.words)
                for shot in plan.shots
                if shot.file is None and plan.film_of(shot) == each
            ]
            lines += vocabulary.describe_reading(filmed, each.dialect, each.title, directed=each.directed)
        lines += _describe_unheard(plan)
        lines += describe_approvals(plan)
    if plan.filming_seconds:
        lines.append(f"about {duration(plan.filming_seconds)} of filming, going by the last time")
    return tuple(lines)


def describe_earlier(plan: Plan) -> tuple[str, ...]:
    """A line where clips of an earlier TOON are kept, and how to film them anew."""
    labels = [shot.label for shot in plan.shots if plan.is_earlier(shot)]
    if not labels:
        return ()
    again = command(plan.episode, verb="retake", arguments=labels[:1])
    return (
        f"{count(len(labels), 'clip')} of an earlier {plan.film.title} stay; today's films them anew "
        f"without {plan.episode.folder.clips}, or one by one: {again}",
    )


def _describe_unheard(plan: Plan) -> Iterator[str]:
    """The shots that say by hand what happens, to a film model that takes no directions."""
    deaf = [shot for shot in plan.missing_shots if shot.shot.direct and not plan.film_of(shot).directed]
    if deaf:
        labels = ", ".join(shot.label for shot in deaf)
        yield f"{plan.film_of(deaf[0]).title} takes no directions: `direct:` of {labels} is left out"


def describe_film_model(film: FilmSettings, *, elsewhere: bool = False) -> tuple[str, ...]:
    """The terms of a film model's licence, and what it will need of this machine, where there is such.

    With `elsewhere` a farm's cameras film, and this machine needs nothing.
    """
    lines = []
    if film.territory:
        lines.append(f"{film.title} has the licence {film.licence}: {film.territory}")
    if not film.is_for_sale:
        lines.append(f"not for commercial use: {film.title} has the licence {film.licence}")
    if not elsewhere and (memory := describe_memory(film.model, film.memory)):
        lines.append(memory)
    return tuple(lines)


def describe_approvals(plan: Plan) -> tuple[str, ...]:
    """How many shots are approved, where only approved ones are filmed by the camera; else nothing."""
    if plan.draft is None:
        return ()
    filmed = [shot for shot in plan.shots if shot.file is None]
    waiting = sum(shot.film is not None for shot in filmed)
    line = f"{len(filmed) - waiting} of {count(len(filmed), 'shot')} approved for {plan.film.title}"
    if not waiting:
        return (line,)
    dollars = plan.film.dollars
    price = f" and would cost ${dollars * waiting:.2f} there" if dollars else ""
    approve = command(plan.episode, verb="approve", arguments=["s01.1"]).replace("s01.1", "SHOT")
    return (f"{line}, the others are {plan.draft.title}'s{price}; to approve: {approve}",)


def describe_murmurs(plan: Plan) -> str:
    """One line on murmured lines and on what would give them words; "" if all are spoken."""
    murmured = [line for line in plan.lines if plan.voices[line.digest].notes["murmured"]]
    if not murmured:
        return ""
    labels = [line.label for line in murmured[:MOST_LABELS]]
    more = len(murmured) - len(labels)
    which = ", ".join(labels) + (f" and {more} more" if more else "")
    remedy = murmur_remedy(line.line.line for line in murmured)
    return f"murmured, as no voice here speaks them: {which}{remedy}"
