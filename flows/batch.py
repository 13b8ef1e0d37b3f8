"""The flow of a night: an episode of every show in a folder, one after the other."""

from __future__ import annotations

import time
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows import episode, night
from flows.faults import known_fault
from flows.night import Job, Result
from flows.options import BatchOptions, Outcome
from flows.screen import Screen, duration

# Who called: its screen, and the list that the results go into. A worker calls without either.
_caller: ContextVar[tuple[Screen, list[Result]] | None] = ContextVar("caller", default=None)


@flow(name="batch", flow_run_name="batch {premises}")
def batch(
    premises: str = "premises",
    output: str = "output",
    writer: str | None = None,
    seed: int | None = None,
    device: str | None = None,
) -> State[Any]:
    """The next episode of every show in a folder, unfinished ones first. Failed unless all are whole."""
    options = BatchOptions(Path(premises), writer, seed, Path(output), device)
    screen, results = _caller.get() or (Screen(write=get_run_logger().info), [])
    _make_all(options, screen, results)
    lines = night.summary(results)
    create_table_artifact(key="night", table=night.table(results), description=lines[0])
    ended = Completed if night.code_of(results) == 0 else Failed
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
            return_state=True,
        )
    finally:
        _caller.reset(token)
    if not results:
        state.result()  # raises what kept the night from beginning
    return Outcome(night.code_of(results), options.output, night.summary(results))


def _make_all(options: BatchOptions, screen: Screen, results: list[Result]) -> None:
    plan = night.plan_night(options)
    for refused in plan.refused:
        screen.warn(refused.fault)
    results.extend(plan.refused)
    for number, job in enumerate(plan.jobs, start=1):
        if night.still_to_do(job, results):
            screen.say(f"{number} of {len(plan.jobs)}: {job.premise}")
            results.append(_make_one(job, options, screen))


def _make_one(job: Job, options: BatchOptions, screen: Screen) -> Result:
    """One episode; whatever happens to it, the night goes on."""
    began = time.monotonic()
    try:
        outcome = episode.make(night.options_of(job, options), screen)
    except Exception as error:
        fault = night.in_words(error)
        if known_fault(error) is None:  # a bug: its traceback belongs into the log, the night goes on
            get_run_logger().exception("%s", job.premise)
        screen.warn(f"{job.premise} was not made: {fault}")
        return Result(job.premise, None, fault, time.monotonic() - began)
    seconds = time.monotonic() - began
    screen.say(f"{job.premise}: {outcome.path} in {duration(seconds)}")
    return Result(job.premise, outcome, seconds=seconds)
