"""The flow of a night: an episode of every show in a folder, one after the other."""

from __future__ import annotations

import time
from contextvars import ContextVar
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import episode
from flows.studio.production import batch as batches
from flows.studio.production import episode as episodes
from flows.studio.production.batch import Job, Result
from flows.studio.production.console import Screen, duration
from flows.studio.production.messages import known_fault
from flows.studio.production.request import BatchOptions, Outcome
from flows.studio.workspace import disk_usage

# Who called: its screen, and the list that the results go into. A worker calls without either.
_caller: ContextVar[tuple[Screen, list[Result]] | None] = ContextVar("caller", default=None)


@flow(name="batch", flow_run_name="batch {premises}")
def batch(  # noqa: PLR0913  # a flow takes what a person may ask for
    premises: str = "premises",
    output: str = "output",
    writer: str | None = None,
    seed: int | None = None,
    device: str | None = None,
    stop_at: str | None = None,
    on_done: str | None = None,
    video: dict[str, Any] | None = None,
) -> State[Any]:
    """The next episode of every show in a folder, unfinished ones first. Failed unless all are whole.

    After `stop_at` ("07:00") no further shot is begun. `on_done` gets the summary as JSON. `video` has the
    keys of the premise's and counts before them, for every show.
    """
    options = BatchOptions(
        Path(premises),
        writer,
        seed,
        Path(output),
        device,
        stop_at=stop_at,
        on_done=on_done,
        video=video or {},
    )
    screen, results = _caller.get() or (Screen(write=get_run_logger().info), [])
    began = datetime.now().astimezone()
    _make_all(options, screen, results, began)
    record = batches.keep(options, results, began)
    fault = batches.call(on_done, record) if on_done else None
    if fault:
        screen.warn(fault)
    lines = batches.summary(results)
    create_table_artifact(key="night", table=batches.table(results), description=lines[0])
    ended = Completed if batches.code_of(results) == 0 else Failed
    return ended(message="\n".join(lines))


def make(options: BatchOptions, screen: Screen) -> Outcome:
    """The night, as the command line calls it."""
    results: list[Result] = []
    token = _caller.set((screen, results))
    try:
        state = batch(
            premises=str(options.premises),
            output=str(options.output),
            writer=options.writer,
            seed=options.seed,
            device=options.device,
            stop_at=options.stop_at,
            on_done=options.on_done,
            video=dict(options.video),
            return_state=True,
        )
    finally:
        _caller.reset(token)
    if not results:
        state.result()  # raises what kept the night from beginning
    lines = (*batches.summary(results), disk_usage.space_line(options.output))
    return Outcome(batches.code_of(results), options.output, lines)


def _make_all(options: BatchOptions, screen: Screen, results: list[Result], began: datetime) -> None:
    stop_at = batches.moment(options.stop_at, began) if options.stop_at else None
    plan = batches.plan_night(options)
    for refused in plan.refused:
        screen.warn(refused.fault)
    results.extend(plan.refused)
    too_little = batches.room_told(plan, options.output)
    if too_little:
        screen.warn(too_little)
    for number, one in enumerate(plan.jobs, start=1):
        if not batches.still_to_do(one, results):
            continue
        if episodes.is_over(stop_at):
            results.append(Result(one.premise, None, "not begun: the time was up"))
            continue
        screen.say(f"{number} of {len(plan.jobs)}: {one.premise}")
        results.append(_make_one(one, options, screen, stop_at))


def _make_one(one: Job, options: BatchOptions, screen: Screen, stop_at: datetime | None) -> Result:
    """One episode; whatever happens to it, the night goes on."""
    began = time.monotonic()
    try:
        outcome = episode.make(batches.options_of(one, options, stop_at), screen)
    except Exception as error:
        fault = batches.in_words(error)
        if known_fault(error) is None:  # a bug: its traceback belongs into the log, the night goes on
            get_run_logger().exception("%s", one.premise)
        screen.warn(f"{one.premise} was not made: {fault}")
        return Result(one.premise, None, fault, time.monotonic() - began)
    seconds = time.monotonic() - began
    screen.say(f"{one.premise}: {outcome.path} in {duration(seconds)}")
    return Result(one.premise, outcome, seconds=seconds)
