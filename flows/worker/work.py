"""The kinds of job, each the function behind a command."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.cli import runs
from flows.studio.filming.models import LoadedModels
from flows.studio.production.console import Console
from flows.studio.production.request import BatchRequest, CutRequest, EpisodeRequest, MemeText, Outcome


@dataclass
class Workshop:
    """What stays open between jobs: the film model, and Prefect's API once a run has needed it."""

    output: Path
    models: LoadedModels = field(default_factory=LoadedModels)
    _stack: ExitStack = field(default_factory=ExitStack)
    _has_api: bool = False

    @contextmanager
    def api(
        self, logs: Path, *, screen: Console, verbose: bool = False, meanwhile: Callable[[], object]
    ) -> Iterator[object]:
        """Prefect's API, started by the first job that is recorded."""
        from flows.orchestration.server import prefect_api

        if self._has_api:
            meanwhile()
        else:
            opening = prefect_api(logs, screen=screen, verbose=verbose, meanwhile=meanwhile)
            self._stack.enter_context(opening)
            self._has_api = True
        yield None


Work = Callable[[Workshop, Mapping[str, Any], Console], Outcome]


def _request(shop: Workshop, options: Mapping[str, Any], **more: Any) -> EpisodeRequest:
    """The request of a job: the premise and the episode that it names."""
    premise = options.get("premise")
    return EpisodeRequest(
        premise=Path(premise) if premise else None,
        episode=options.get("code"),
        output=shop.output,
        meme=MemeText.model_validate(options["meme_text"]) if options.get("meme_text") else None,
        **more,
    )


def _episode(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    request = _request(shop, options, until=options.get("until"), draft=bool(options.get("draft")))
    make = runs.make_meme if options.get("meme") else runs.make_episode
    return make(request, console, models=shop.models, api=shop.api)


def _retake(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    from flows.studio.commands.retake import retake

    request = _request(shop, options)
    return retake(request, str(options["shot"]), pick=None, console=console, models=shop.models)


def _speak(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    from flows.studio.commands.speak import speak

    return speak(_request(shop, options), str(options["line"]), console)


def _rewrite(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    from flows.studio.commands.rewrite import rewrite

    return rewrite(_request(shop, options), str(options["scene"]), str(options.get("note") or ""), console)


def _cut(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    from flows.studio.commands.cut import cut

    shape = CutRequest(options.get("aspect"), options.get("lines"), tuple(options.get("scenes") or ()))
    return cut(_request(shop, options), shape, console)


def _batch(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    request = BatchRequest(
        premises=Path(options["premises"]), output=shop.output, stop_at=options.get("stop_at")
    )
    return runs.make_batch(request, console, api=shop.api)


def _clip(shop: Workshop, options: Mapping[str, Any], console: Console) -> Outcome:
    from flows.api.clips.shelf import Shelf
    from flows.studio.commands import clip

    asked = Shelf.of(shop.output, Path(options["premises"])).options(options)
    made = clip.make(str(options["prompt"]), asked, console, shop.models)
    return Outcome(0, made[0], tuple(str(path) for path in made))


KINDS: Mapping[str, Work] = {
    "episode": _episode,
    "retake": _retake,
    "speak": _speak,
    "rewrite": _rewrite,
    "cut": _cut,
    "batch": _batch,
    "clip": _clip,
}
