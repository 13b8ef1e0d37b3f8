"""`plan`: what the next run would make and why, and about what it would cost in seconds, tokens and money."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.studio.filming import hosted_shots
from flows.studio.hosted.jobs import Jobs
from flows.studio.production import messages
from flows.studio.production.console import count, duration
from flows.studio.production.edit import stored_segments
from flows.studio.production.episode import Episode, on_the_last_one
from flows.studio.production.plan import NEW, Plan, make_plan, seconds_a_shot
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import OFFLINE, preview_complete_script
from flows.studio.release import pages, upload
from flows.studio.workspace import artifacts, files, folder
from flows.studio.workspace.artifacts import Artifact
from scripts_llm.llm.network import without_credentials

MOST_ITEMS = 60


def plan(request: EpisodeRequest) -> Outcome:
    """Lists what the next run would do, item by item. Writes nothing.

    Raises ScriptError or StudioError for input that the run would refuse.
    """
    episode = Episode.open(on_the_last_one(request))
    head = f"{episode.name}, in {episode.folder.root}:"
    earlier = _earlier_episodes(episode)
    if not episode.has_script:
        return Outcome(0, None, (head, *_describe_writing(episode, earlier)))
    episode, added = preview_complete_script(episode)
    current = make_plan(episode)
    is_all_new = not current.num_stored and all(one.why == NEW for one in current.missing)
    shown = ["every clip and voice: new"] if is_all_new and current.missing else map(str, current.missing)
    items = [*added, *shown, *([] if is_all_new and current.missing else _cut_items(current))]
    kept = f"; {current.num_stored} kept" if current.num_stored else ""
    if not items:
        film = current.result(None)
        line = f"nothing to do: {film} is made from premise and script as they are{kept}"
        told = (*_describe_copy(episode), *messages.describe_earlier(current))
        return Outcome(0, film, (head, line, *told, *messages.describe_approvals(current)))
    rest = [f"  and {len(items) - MOST_ITEMS} more"] if len(items) > MOST_ITEMS else []
    shots, lines = count(current.num_missing_clips, "shot"), count(current.num_missing_voices, "voice line")
    todo = f"to make: {f'{shots}, {lines}' if current.missing else 'the cut'}{kept}"
    rows = (f"  {item}" for item in items[:MOST_ITEMS])
    used = current.films if current.num_missing_clips else ()
    films = [line for film in used for line in messages.describe_film_model(film)]
    approvals = messages.describe_approvals(current)
    cost = _describe_cost(current, earlier)
    earlier_clips = messages.describe_earlier(current)
    return Outcome(0, None, (head, *rows, *rest, todo, *earlier_clips, *films, *approvals, *cost))


def _describe_copy(episode: Episode) -> tuple[str, ...]:
    """A line if the next run copies the finished film to where COLDOPEN_PUBLISH says."""
    url = upload.target()
    if url is None or upload.is_copied(episode.folder, url):
        return ()
    return (f"to copy to {without_credentials(url)}: {messages.command(episode)}",)


def _cut_items(plan: Plan) -> list[str]:
    """The segments that would be encoded, and the film; of a meme the film alone."""
    is_meme = plan.episode.is_meme
    if plan.missing:
        scenes = dict.fromkeys(one.label.partition(".")[0].partition("-")[0] for one in plan.missing)
        return [] if is_meme else [f"{scene} cut: its shots or lines change" for scene in scenes]
    if plan.is_done(None):
        return []
    if is_meme:
        return ["film: not cut yet"]
    segments = stored_segments(plan.edit, plan.episode.folder)
    known = {segment.label for segment in artifacts.stored(plan.episode.folder.segments, ".mp4").values()}
    why_film = "its sound, order or description changed" if plan.episode.memory.film_recipe else "new"
    return [
        *(
            f"{name} cut: {'its cut or captions changed' if name in known else 'new'}"
            for name, path in segments.items()
            if path is None
        ),
        f"film: {why_film}",
    ]


# ------------------------------------------------------------------------------------------------ cost


@dataclass(frozen=True)
class _EarlierEpisodes:
    """The costs of this show's episodes: seconds a shot and a line, tokens and dollars a script."""

    shot: float | None
    line: float | None
    tokens: int | None
    dollars: float | None


def _earlier_episodes(episode: Episode) -> _EarlierEpisodes:
    shots: list[float] = []
    lines: list[float] = []
    scripts: list[list[Mapping[str, Any]]] = []
    for each in folder.episodes(episode.output, episode.own_premise.show):
        shots += _seconds(artifacts.stored(each.clips, ".mp4").values())
        lines += _seconds(artifacts.stored(each.voices, ".wav").values())
        scripts.append(pages.rows((files.read_json(each.manifest) or {}).get("writer_calls")))
    tokens = _median(map(pages.tokens, scripts))
    return _EarlierEpisodes(
        shot=_median(shots),
        line=_median(lines),
        tokens=None if tokens is None else round(tokens),
        dollars=_median(map(pages.dollars, scripts)),
    )


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def _seconds(made: Iterable[Artifact]) -> list[float]:
    return [float(one.notes["seconds"]) for one in made if "seconds" in one.notes]


def _describe_writing(episode: Episode, earlier: _EarlierEpisodes) -> tuple[str, ...]:
    author = messages.describe_writer(episode)
    of = f" of {episode.folder.outline}" if messages.follows_outline(episode) else ""
    lines = [f"  script: to be written by {author}{of}", "  then every shot, line and scene of it"]
    if author in ("you", OFFLINE):
        return (*lines, "no tokens, no money")
    tokens = "not known, no earlier episode tells them"
    if earlier.tokens is not None:
        tokens = f"about {earlier.tokens:,}, going by earlier episodes"
    money = "n/a" if earlier.dollars is None else f"about ${earlier.dollars:.4f}"
    return (*lines, f"tokens: {tokens}; money: {money}")


def _describe_cost(plan: Plan, earlier: _EarlierEpisodes) -> tuple[str, ...]:
    """Seconds, tokens and money of what is to be made; films by services have a line of their own."""
    parts = []
    if plan.num_missing_clips:
        shot = seconds_a_shot(plan.clips, plan.film) or earlier.shot
        filming = f"about {duration(plan.num_missing_clips * shot)} of filming" if shot else None
        parts.append(filming or "the time that filming takes is not known yet")
    if plan.num_missing_voices and earlier.line:
        parts.append(f"about {duration(plan.num_missing_voices * earlier.line)} of speaking")
    jobs = Jobs(plan.episode.folder.jobs)
    films = plan.missing_by_film.items()
    money = [hosted_shots.describe_cost(film, shots, jobs) for film, shots in films if film.is_hosted]
    return (", ".join([*parts, "no tokens" if money else "no tokens, no money"]), *money)
