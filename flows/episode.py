"""The flow of an episode: Prefect's record of `flows.studio.production.run`."""

from __future__ import annotations

from prefect import flow, get_run_logger

from flows.orchestration import artifacts as run_artifacts
from flows.studio.farm import head as farms
from flows.studio.farm.head import Farm
from flows.studio.filming.models import LoadedModels
from flows.studio.production import messages
from flows.studio.production import run as runs
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.run import Run
from flows.studio.workspace import heartbeat
from flows.tasks import RecordedSteps


@flow(name="episode")
def episode(request: EpisodeRequest) -> Outcome:
    """An episode of a show, as far as `until`: the newest one, the one that is named, or the next one."""
    with (
        Console(write=get_run_logger().info) as console,
        LoadedModels(request.device) as models,
        farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
    ):
        opened = Episode.open(request)
        run_artifacts.name_run(opened.name)
        console.say(messages.announce(opened))
        with heartbeat.beating(opened.folder.root):
            return runs.make_episode(opened, console, RecordedSteps(models, farm))


def make_recorded(run: Run, models: LoadedModels, farm: Farm | None = None) -> Outcome:
    """Makes what a run is missing, recorded by Prefect as a run of the flow "episode"."""

    @flow(name="episode", flow_run_name=run_artifacts.literal_name(run.episode.name))
    def recorded(request: EpisodeRequest) -> Outcome:
        return runs.make(run, RecordedSteps(models, farm))

    return recorded(run.episode.request)


def make_episode(
    opened: Episode, console: Console, models: LoadedModels, farm: Farm | None = None
) -> Outcome:
    """Makes what an episode is missing, recorded by Prefect if there is anything to make."""
    with runs.begin(opened, console) as run:
        return runs.nothing_to_do(run) or make_recorded(run, models, farm)
