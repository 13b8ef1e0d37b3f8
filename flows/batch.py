"""The flow of a night: an episode of every show in a folder, one after the other."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.episode import make_episode
from flows.orchestration import artifacts as run_artifacts
from flows.orchestration.shows import Night
from flows.studio.farm import head as farms
from flows.studio.filming.models import LoadedModels
from flows.studio.production import batch as batches
from flows.studio.production import messages
from flows.studio.production.batch import Result
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome
from flows.studio.workspace import disk_usage


@flow(name="batch", flow_run_name="batch {request.premises}")
def batch(request: BatchRequest) -> State[Any]:
    """The next episode of every show in a folder, unfinished ones first. Failed unless all are whole."""
    with Console(write=get_run_logger().info) as console:
        return _state_of(_make_all(request, console))


def make_batch(request: BatchRequest, console: Console) -> Outcome:
    """Makes the night, recorded by Prefect as a run of the flow "batch"."""
    results: list[Result] = []

    @flow(name="batch", flow_run_name=f"batch {run_artifacts.literal_name(str(request.premises))}")
    def recorded(request: BatchRequest) -> State[Any]:
        results.extend(_make_all(request, console))
        return _state_of(results)

    state = recorded(request, return_state=True)
    if not results:
        state.result()  # raises what kept the night from beginning
    lines = (*batches.summary(results), disk_usage.space_line(request.output))
    return Outcome(batches.exit_code(results), request.output, lines)


def _make_all(request: BatchRequest, console: Console) -> list[Result]:
    """Makes every show's episode, saves the night's record, and runs the command that is told of it."""
    began = datetime.now().astimezone()
    results = Night(request, console).make() if request.at_once else _make_here(request, console)
    record = batches.save_night(request, results, began)
    if request.on_done and (fault := batches.call_on_done(request.on_done, record)):
        console.warn(fault)
    return results


def _make_here(request: BatchRequest, console: Console) -> list[Result]:
    """Makes the shows in this process, one after the other."""
    with (
        LoadedModels(request.device) as models,
        farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
    ):

        def make(asked: EpisodeRequest) -> Outcome:
            opened = Episode.open(asked)
            console.say(messages.announce(opened))
            return make_episode(opened, console, models, farm)

        return batches.make_batch(request, console, make, on_bug=_log_bug)


def _log_bug(premise: Path, error: Exception) -> None:
    get_run_logger().error("%s", premise, exc_info=error)


def _state_of(results: list[Result]) -> State[Any]:
    """The state of the run on Prefect's pages, with the summary as its message and as a table."""
    lines = batches.summary(results)
    create_table_artifact(key="night", table=batches.table(results), description=lines[0])
    ended = Completed if batches.exit_code(results) == 0 else Failed
    return ended(message="\n".join(lines))
