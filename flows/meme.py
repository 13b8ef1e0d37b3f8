"""The flow of a meme: one picture that moves in a loop, and two texts."""

from __future__ import annotations

from prefect import flow, get_run_logger

from flows.orchestration import artifacts as run_artifacts
from flows.studio.farm import head as farms
from flows.studio.farm.head import Farm
from flows.studio.filming.models import LoadedModels
from flows.studio.production import run as runs
from flows.studio.production.console import Console
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.tasks import RecordedSteps


@flow(name="meme")
def meme(request: EpisodeRequest) -> Outcome:
    """A meme of a premise file, or of a picture in words with a text above, one below, and one in a bar."""
    with (
        Console(write=get_run_logger().info) as console,
        LoadedModels(request.device) as models,
        farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
    ):
        opened = Episode.open(request)
        run_artifacts.name_run(opened.name)
        return runs.make_meme(opened, console, RecordedSteps(models, farm))


def make_meme(opened: Episode, console: Console, models: LoadedModels, farm: Farm | None = None) -> Outcome:
    """Makes the meme, recorded by Prefect as a run of the flow "meme"."""

    @flow(name="meme", flow_run_name=run_artifacts.literal_name(opened.name))
    def recorded(request: EpisodeRequest) -> Outcome:
        return runs.make_meme(opened, console, RecordedSteps(models, farm))

    return recorded(opened.request)
