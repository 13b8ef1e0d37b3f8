"""`plan`: what the next run would make and why, and about what it would cost in seconds, tokens and money."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.studio.production import episode as episodes
from flows.studio.production import messages, needed, plan, script
from flows.studio.production.console import count, duration
from flows.studio.production.episode import Job
from flows.studio.production.plan import Survey
from flows.studio.production.request import EpisodeOptions
from flows.studio.release import pages
from flows.studio.workspace import artifacts, files, folder

SHOWN = 60
_NOT_KNOWN = "the time that filming takes is not known yet"


def told(options: EpisodeOptions) -> tuple[str, ...]:
    """What the next run would do, item by item. Writes nothing.

    Raises ScriptError or StudioError for input that the run would refuse.
    """
    job = episodes.prepare(messages.on_the_last_one(options))
    head = f"{job.name}, in {job.folder.root}:"
    earlier = _earlier(job)
    if not script.exists(job):
        return (head, *_script_to_write(job, earlier))
    written, added = script.completed(job)
    state = plan.look(job, written)
    assert state is not None
    made = state.plan
    is_all_new = not made.num_kept and all(one.why == needed.NEW for one in made.todo)
    shown = ["every clip and voice: new"] if is_all_new and made.todo else [str(one) for one in made.todo]
    items = [*added, *shown, *([] if is_all_new and made.todo else _cut(state))]
    kept = f"; {state.plan.num_kept} kept" if state.plan.num_kept else ""
    if not items:
        return (
            head,
            f"nothing to do: {state.result(None)} is made from premise and script as they are{kept}",
        )
    rest = [f"  and {len(items) - SHOWN} more"] if len(items) > SHOWN else []
    counted = f"{count(made.num_shots, 'shot')}, {count(made.num_lines, 'voice line')}"
    todo = f"to make: {counted if made.todo else 'the cut'}{kept}"
    return (head, *(f"  {item}" for item in items[:SHOWN]), *rest, todo, _cost(state, earlier))


def _cut(state: Survey) -> list[str]:
    """The segments that would be encoded and the film; of a meme the film alone."""
    if state.plan.todo:
        scenes = dict.fromkeys(one.label.partition(".")[0].partition("-")[0] for one in state.plan.todo)
        return [] if state.is_meme else [f"{scene} cut: its shots or lines change" for scene in scenes]
    if state.is_done(None):
        return []
    if state.is_meme:
        return ["film: not cut yet"]
    there = artifacts.stored(state.job.folder.segments, ".mp4")
    missing = [span.id for span, recipe in state.edit().segments if artifacts.digest(recipe) not in there]
    known = {segment.label for segment in there.values()}
    return [
        *(f"{name} cut: {'its cut or captions changed' if name in known else 'new'}" for name in missing),
        f"film: {'sound, order or what is said of it changed' if state.job.memory.film_recipe else 'new'}",
    ]


# ------------------------------------------------------------------------------------------------ cost


@dataclass(frozen=True)
class _Earlier:
    """What this show's episodes took: seconds a shot and a line, tokens and dollars a script."""

    shot: float | None
    line: float | None
    tokens: int | None
    dollars: float | None


def _earlier(job: Job) -> _Earlier:
    shots: list[float] = []
    lines: list[float] = []
    scripts: list[list[Mapping[str, Any]]] = []
    for episode in folder.episodes(job.folder.root.parent.parent, job.premise.show):
        shots += _seconds(artifacts.stored(episode.clips, ".mp4").values())
        lines += _seconds(artifacts.stored(episode.voices, ".wav").values())
        scripts.append(pages.rows((files.read_json(episode.manifest) or {}).get("writer_calls")))
    tokens = _median(map(pages.tokens, scripts))
    return _Earlier(
        shot=_median(shots),
        line=_median(lines),
        tokens=None if tokens is None else round(tokens),
        dollars=_median(map(pages.dollars, scripts)),
    )


def _median(values: Iterable[float | None]) -> float | None:
    """The middle one of those that are known; None if none is."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _seconds(made: Iterable[artifacts.Artifact]) -> list[float]:
    return [float(one.notes["seconds"]) for one in made if "seconds" in one.notes]


def _script_to_write(job: Job, earlier: _Earlier) -> tuple[str, ...]:
    author = messages.writer_of(job)
    lines = [f"  script: to be written by {author}", "  then every shot, line and scene of it"]
    if author in ("you", f"{script.OFFLINE}"):
        return (*lines, "no tokens, no money")
    tokens = "not known, no earlier episode tells them"
    if earlier.tokens is not None:
        tokens = f"about {earlier.tokens:,}, going by earlier episodes"
    return (*lines, f"tokens: {tokens}; money: {_money(earlier.dollars)}")


def _cost(state: Survey, earlier: _Earlier) -> str:
    """Seconds, tokens and money of what is to be made."""
    made = state.plan
    filmed = (
        needed.seconds_a_shot(artifacts.stored(state.job.folder.clips, ".mp4"), state.film) or earlier.shot
    )
    parts = []
    if made.num_shots:
        taking = f"about {duration(made.num_shots * filmed)} of filming" if filmed else _NOT_KNOWN
        parts.append(taking)
    if made.num_lines and earlier.line:
        parts.append(f"about {duration(made.num_lines * earlier.line)} of speaking")
    return ", ".join([*parts, "no tokens, no money"])


def _money(dollars: float | None) -> str:
    return "n/a" if dollars is None else f"about ${dollars:.4f}"
