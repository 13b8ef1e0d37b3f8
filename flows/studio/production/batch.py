"""A night: an episode of every show in a folder, its summary in the morning, and its record.

Needs no Prefect: `make` makes one episode, whoever records it.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from flows.studio.errors import StudioError
from flows.studio.hosted.jobs import Jobs
from flows.studio.production.console import Console, duration
from flows.studio.production.episode import check_video, time_is_up
from flows.studio.production.errors import describe_error, describe_error_in_a_line
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome
from flows.studio.release import index_page
from flows.studio.workspace import disk_usage
from flows.studio.workspace.files import list_files, read_json, write_json
from flows.studio.workspace.folder import all_episodes, episodes, show_folder_name
from scripts_llm.errors import ScriptError
from scripts_llm.files.read import read_premise

ENDINGS = (".yaml", ".yml")
NIGHTS_KEPT = 60
ON_DONE_SECONDS = 300


@dataclass(frozen=True)
class Task:
    """One episode to make: a show's unfinished one (`episode` is None) or its next one."""

    premise: Path
    episode: Literal["next"] | None


@dataclass(frozen=True)
class Result:
    """The end of a task, or the reason why a premise never became one."""

    premise: Path
    outcome: Outcome | None
    fault: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Night:
    """The tasks in their order, the premises that were refused, and the bytes that the tasks will need."""

    tasks: tuple[Task, ...]
    refused: tuple[Result, ...]
    num_bytes: int = 0


def announce(request: BatchRequest) -> str:
    """The first line. Raises StudioError if the folder, the time or a video option is wrong."""
    check_video(request.video)
    if request.at_once and request.max_cost is not None:
        raise StudioError(
            "--at-once: shows that are made at once do not see each other's costs; give each premise its own "
            "`video: {max_cost: 5}`, and leave --max-cost out",
            code=2,
        )
    found = premise_files(request.premises)
    shows = "1 show" if len(found) == 1 else f"{len(found)} shows"
    until = ""
    if request.stop_at is not None:
        until = f", until {next_time(request.stop_at, datetime.now().astimezone()):%H:%M}"
    return (
        f"The next episode of {shows} in {request.premises}, unfinished ones first, "
        f"into {request.output}{until}."
    )


def next_time(time_of_day: str, now: datetime) -> datetime:
    """The next time after `now` that the clock shows `time_of_day`, "07:00"."""
    match = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", time_of_day.strip())
    if match is None:
        raise StudioError(f"--stop-at: wanted a time of day such as 07:00, got {time_of_day!r}", code=2)
    at = now.replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    return at if at > now else at + timedelta(days=1)


def premise_files(folder: Path) -> tuple[Path, ...]:
    """The premises in a folder, by name."""
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise StudioError(
            f"--premises: wanted a folder of premises, but {folder} {what}; "
            'try: coldopen new "A cat runs for mayor", which makes premises/',
            code=2,
        )
    found = tuple(list_files(folder, ENDINGS))
    if not found:
        raise StudioError(
            f"--premises: {folder} has no premise (*.yaml) in it; try: coldopen new --from joe_and_the_don",
            code=2,
        )
    return found


def plan_night(request: BatchRequest) -> Night:
    """First what is unfinished, then every show's next episode. A show's second premise is refused."""
    shows: dict[str, Path] = {}
    refused: list[Result] = []
    unfinished: list[Task] = []
    following: list[Task] = []
    num_bytes = 0
    for path in premise_files(request.premises):
        try:
            show = read_premise(path).show
        except (ScriptError, OSError) as error:
            refused.append(Result(path, None, describe_error_in_a_line(error)))
            continue
        first = shows.setdefault(show_folder_name(show), path)
        if first is not path:
            refused.append(Result(path, None, f"{path}: the show {show!r} has a premise already, {first}"))
            continue
        if is_unfinished(request.output, show):
            unfinished.append(Task(path, None))
        following.append(Task(path, "next"))
        num_bytes += disk_usage.next_episode_bytes(request.output, show)
    return Night((*unfinished, *following), tuple(refused), num_bytes)


def is_unfinished(output: Path, show: str) -> bool:
    """Whether the show's newest episode was begun and has no film yet, or one with gag cards in it."""
    known = episodes(output, show)
    if not known:
        return False
    manifest = read_json(known[-1].manifest) or {}
    return not known[-1].film.exists() or bool(manifest.get("gag_cards"))


def describe_lack_of_space(night: Night, output: Path, *, keep: int = 5) -> str | None:
    """A line for a night that will not fit on the disk; None if it will."""
    free = disk_usage.free_bytes(output)
    if night.num_bytes <= free:
        return None
    needed, available = disk_usage.format_bytes(night.num_bytes), disk_usage.format_bytes(free)
    line = f"this night wants about {needed}, and {available} are free"
    removable = sum(removal.num_bytes for removal in disk_usage.removable_files(output, keep=keep))
    if not removable:
        return f"{line}; it goes on as far as it gets"
    return f"{line}; coldopen clean --keep {keep} would free {disk_usage.format_bytes(removable)}"


# ------------------------------------------------------------------------------------------ the work

Make = Callable[[EpisodeRequest], Outcome]
OnBug = Callable[[Path, Exception], None]


def make_batch(request: BatchRequest, console: Console, make: Make, *, on_bug: OnBug) -> list[Result]:
    """Makes an episode of every show, one after the other; one that fails stops no other.

    `on_bug` gets the premise and the error of an episode that failed for no reason that people can mend.
    """
    began = time.time()
    stop_at = stop_time(request)
    tasks, results = begin_night(request, console)
    for number, task in enumerate(tasks, start=1):
        if not is_to_be_made(task, results):
            continue
        if time_is_up(stop_at):
            results.append(Result(task.premise, None, "not begun: the time was up"))
            continue
        console.say(f"{number} of {len(tasks)}: {task.premise}")
        left = money_left(request, began)
        results.append(_make_one(episode_request(task, request, stop_at, left), console, make, on_bug))
    return results


def stop_time(request: BatchRequest) -> datetime | None:
    """The next time at which no shot is begun any more; None if there is none."""
    return next_time(request.stop_at, datetime.now().astimezone()) if request.stop_at else None


def begin_night(request: BatchRequest, console: Console) -> tuple[tuple[Task, ...], list[Result]]:
    """The tasks of the night, and the results of premises that were refused, which are told."""
    night = plan_night(request)
    for refused in night.refused:
        console.warn(refused.fault)
    if warning := describe_lack_of_space(night, request.output):
        console.warn(warning)
    return night.tasks, list(night.refused)


def money_left(request: BatchRequest, began: float) -> float | None:
    """The dollars that films may still cost in a night that began then (Unix time); None without a bound."""
    if request.max_cost is None:
        return None
    folders = all_episodes(request.output)
    jobs = [Jobs(one.jobs) for folder in folders for one in (folder, replace(folder, draft=True))]
    return max(0.0, request.max_cost - sum(each.spent_since(began) for each in jobs))


def _make_one(request: EpisodeRequest, console: Console, make: Make, on_bug: OnBug) -> Result:
    """Makes one episode; whatever happens to it, the night goes on."""
    began = time.monotonic()
    assert request.premise is not None
    try:
        outcome = make(request)
    except Exception as error:
        line = describe_error_in_a_line(error)
        if describe_error(error) is None:
            on_bug(request.premise, error)
        console.warn(f"{request.premise} was not made: {line}")
        return Result(request.premise, None, line, time.monotonic() - began)
    seconds = time.monotonic() - began
    console.say(f"{request.premise}: {outcome.path} in {duration(seconds)}")
    return Result(request.premise, outcome, seconds=seconds)


def episode_request(
    task: Task, request: BatchRequest, stop_at: datetime | None = None, max_cost: float | None = None
) -> EpisodeRequest:
    """The request of one episode of the night."""
    return EpisodeRequest(
        premise=task.premise,
        episode=task.episode,
        stop_at=stop_at,
        max_cost=max_cost,
        **{name: getattr(request, name) for name in ("writer", "seed", "output", "device", "farm", "video")},
    )


def is_to_be_made(task: Task, done: Sequence[Result]) -> bool:
    """A show whose unfinished episode failed tonight does not begin another one."""
    return not any(result.premise == task.premise and result.outcome is None for result in done)


# --------------------------------------------------------------------------------------- the morning


def exit_code(results: Sequence[Result]) -> Literal[0, 1, 3]:
    """0 all made, 3 some not made or with gag cards, 1 none made."""
    made = [result for result in results if result.outcome is not None and result.outcome.code != 1]
    if not made:
        return 1
    return 0 if all(result.outcome and result.outcome.code == 0 for result in results) else 3


def summary(results: Sequence[Result]) -> tuple[str, ...]:
    """The morning's lines: how many, then one a premise, with what there is to know about it."""
    made = sum(result.outcome is not None and result.outcome.code != 1 for result in results)
    head = f"{made} of {len(results)} made."
    return (head, *(line for result in results for line in _lines_of(result)))


def table(results: Sequence[Result]) -> list[dict[str, str]]:
    """The summary as the rows of a table, for Prefect's page of the run and the night's record."""
    return [
        {
            "premise": result.premise.name,
            "made": "no" if _failed(result) else "with gag cards" if _gags(result) else "yes",
            "seconds": f"{result.seconds:.0f}",
            "film": str(result.outcome.path) if result.outcome and result.outcome.path else "",
            "notes": "; ".join(note for note in (*_notes(result), result.fault) if note),
        }
        for result in results
    ]


def _notes(result: Result) -> tuple[str, ...]:
    return result.outcome.notes if result.outcome else ()


def _lines_of(result: Result) -> tuple[str, ...]:
    if result.outcome is None:
        return (f"  not made  {result.premise.name}: {result.fault}",)
    verdict = "not made" if _failed(result) else "gag cards" if _gags(result) else "made"
    head = f"  {verdict:9} {result.premise.name}: {result.outcome.path or ''}"
    return (head, *(f"            {note}" for note in result.outcome.notes))


def _failed(result: Result) -> bool:
    return result.outcome is None or result.outcome.code == 1


def _gags(result: Result) -> bool:
    return result.outcome is not None and result.outcome.code == 3


def save_night(request: BatchRequest, results: Sequence[Result], began: datetime) -> dict[str, Any]:
    """Adds the night to `output/nights.json`, draws `output/index.html` anew, and returns its record."""
    record = night_record(request, results, began)
    path = request.output / "nights.json"
    nights = (read_json(path) or {}).get("nights")
    before = nights if isinstance(nights, list) else []
    write_json(path, {"schema": 1, "nights": [record, *before][:NIGHTS_KEPT]})
    index_page.write_index(request.output)
    return record


def night_record(request: BatchRequest, results: Sequence[Result], began: datetime) -> dict[str, Any]:
    """The summary as data: what `--on-done` gets on standard input."""
    return {
        "began": began.isoformat(timespec="seconds"),
        "ended": datetime.now().astimezone().isoformat(timespec="seconds"),
        "premises": str(request.premises),
        "output": str(request.output),
        "exit_code": exit_code(results),
        "summary": summary(results)[0],
        "shows": table(results),
        "space": disk_usage.space_line(request.output),
    }


def call_on_done(command: str, record: dict[str, Any]) -> str | None:
    """Runs the command with the record as JSON on its standard input; what went wrong, or None.

    The command is split as a shell would split it, and no shell runs it.
    """
    try:
        words = shlex.split(command)
        if not words:
            raise ValueError("wanted a command")
        done = subprocess.run(
            words,
            input=json.dumps(record, ensure_ascii=False),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=ON_DONE_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"--on-done {command}: {error}"
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["it said nothing"]
        return f"--on-done {command}: it ended with exit code {done.returncode} ({last[0][:200]})"
    return None
