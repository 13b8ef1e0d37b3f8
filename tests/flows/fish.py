"""The tiny show, made as `episode` makes it, without Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.studio.filming.models import LoadedModels
from flows.studio.production import run
from flows.studio.production.episode import Episode
from flows.studio.production.plan import Plan, make_plan
from flows.studio.production.request import EpisodeRequest, Outcome
from flows.studio.production.script import is_complete, read_script
from flows.studio.production.steps import LocalSteps

FISH = "fish-chips/s01e01"

_models = LoadedModels()  # one loading of TOON for all tests of a process


def fish_request(home: Path, **more: Any) -> EpisodeRequest:
    """The request of `episode --premise fish.yaml --writer offline`."""
    return EpisodeRequest(premise=home / "fish.yaml", output=home / "output", writer="offline", **more)


def make(request: EpisodeRequest, console: Any, **more: Any) -> Outcome:
    """Makes the episode of a request."""
    return run.make_episode(Episode.open(request), console, LocalSteps(_models), **more)


def make_meme(request: EpisodeRequest, console: Any) -> Outcome:
    """Makes the meme of a request."""
    return run.make_meme(Episode.open(request), console, LocalSteps(_models))


def fish_story(home: Path, heard: Any, **more: Any) -> tuple[Outcome, Any]:
    """The outcome of the tiny show's episode, and the console that heard it."""
    console = heard()
    return make(fish_request(home, **more), console), console


def nothing_to_do(request: EpisodeRequest) -> Outcome | None:
    """The outcome, if everything that a request asks for is made already."""
    with run.begin(Episode.open(request), None) as work:  # type: ignore[arg-type]  # nothing is said
        return run.nothing_to_do(work)


def plan_of(request: EpisodeRequest) -> Plan | None:
    """The plan of a request's episode; None if its script lacks ids or shots."""
    episode = read_script(Episode.open(request))
    return make_plan(episode) if is_complete(episode.script) else None
