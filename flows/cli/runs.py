"""The runs behind `episode`, `batch` and `meme`: opened here, made by the flows, recorded by Prefect."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from flows.cli import shown
from flows.studio.production.console import Console
from flows.studio.production.request import BatchRequest, EpisodeRequest, Outcome

if TYPE_CHECKING:
    from flows.studio.filming.models import LoadedModels
    from flows.studio.production.episode import Episode


class PrefectApi(Protocol):
    """`flows.orchestration.server.prefect_api`, or one that stays open between runs."""

    def __call__(
        self, logs: Path, *, screen: Console, verbose: bool = False, meanwhile: Callable[[], object]
    ) -> AbstractContextManager[object]:
        """A block in which flows are recorded."""


def make_episode(
    request: EpisodeRequest,
    console: Console,
    *,
    verbose: bool = False,
    models: LoadedModels | None = None,
    api: PrefectApi | None = None,
) -> Outcome:
    """Makes what an episode is missing. `models` that are handed over stay open, and so does `api`."""
    from flows.studio.farm import head as farms
    from flows.studio.production import messages, run
    from flows.studio.production.episode import Episode

    episode = Episode.open(request)
    console.say(messages.announce(episode))
    console.progress("looking at what is there")
    with run.begin(episode, console) as work, _open_models(request, models) as opened:
        nothing = run.nothing_to_do(work)
        if nothing is not None:
            return nothing
        with (
            farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
            _journal_of_episode(episode, request, console, api) as outcomes,
        ):
            outcome = _with_prefect(
                "flows.episode",
                lambda flow: flow.make_recorded(work, opened, farm),
                request,
                console,
                verbose=verbose,
                api=api,
            )
            outcomes.append(outcome)
        return outcome


def make_meme(
    request: EpisodeRequest,
    console: Console,
    *,
    verbose: bool = False,
    models: LoadedModels | None = None,
    api: PrefectApi | None = None,
) -> Outcome:
    """Makes a meme; see `make_episode`."""
    from flows.studio.farm import head as farms
    from flows.studio.production import messages
    from flows.studio.production.episode import Episode

    episode = Episode.open(request)
    console.say(messages.announce(episode))
    with (
        _open_models(request, models) as opened,
        farms.opened(request.farm, say=console.say, progress=console.progress) as farm,
        _journal_of_episode(episode, request, console, api) as outcomes,
    ):
        outcome = _with_prefect(
            "flows.meme",
            lambda flow: flow.make_meme(episode, console, opened, farm),
            request,
            console,
            verbose=verbose,
            api=api,
        )
        outcomes.append(outcome)
        return outcome


def make_batch(
    request: BatchRequest, console: Console, *, verbose: bool = False, api: PrefectApi | None = None
) -> Outcome:
    """Makes an episode of every show."""
    from flows.studio.production import batch

    console.say(batch.announce(request))
    options = {"premises": str(request.premises.absolute()), "stop_at": request.stop_at}
    journal = (
        shown.journal(request.output, "batch", options, console, title=str(request.premises))
        if api is None
        else nullcontext([])
    )
    with journal as outcomes:
        outcome = _with_prefect(
            "flows.batch",
            lambda flow: flow.make_batch(request, console),
            request,
            console,
            verbose=verbose,
            api=api,
        )
        outcomes.append(outcome)
    return outcome


def _journal_of_episode(
    episode: Episode, request: EpisodeRequest, console: Console, api: PrefectApi | None
) -> AbstractContextManager[list[Outcome]]:
    """A run's journal, where there is a board and its worker does not keep one already."""
    if api is not None:
        return nullcontext([])
    return shown.journal_of_episode(episode, "episode", console, until=request.until, draft=request.draft)


def _open_models(
    request: EpisodeRequest, models: LoadedModels | None
) -> AbstractContextManager[LoadedModels]:
    from flows.studio.filming.models import LoadedModels

    return LoadedModels(request.device) if models is None else nullcontext(models)


def _with_prefect(
    module: str,
    make: Callable[[Any], Outcome],
    request: EpisodeRequest | BatchRequest,
    console: Console,
    *,
    verbose: bool,
    api: PrefectApi | None,
) -> Outcome:
    """Calls a function of a flow's module, which is imported while Prefect's API starts."""
    from flows.orchestration.server import prefect_api

    def load() -> Any:
        return import_module(module)

    with (api or prefect_api)(request.output / "logs", screen=console, verbose=verbose, meanwhile=load):
        return make(load())
