"""Prices of models: templates/prices.yaml, overridden by the user's prices.yaml."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Source, faults_error, read_text
from scripts_llm.files.validation import validate
from scripts_llm.files.yaml_nodes import parse
from scripts_llm.llm.client import LLMSettings
from scripts_llm.screenplay.fields import Model

_MILLION = 1_000_000


class Price(Model):
    """US dollars for a million tokens."""

    input: float = Field(ge=0, description="of the prompt")
    output: float = Field(ge=0, description="of the answer, its thinking included")
    cached: float | None = Field(default=None, ge=0, description="of a prompt's part that was seen before")


class CameraPrice(Model):
    """US dollars for a second of film that a service makes."""

    second: Annotated[float, Field(ge=0)] | dict[str, Annotated[float, Field(ge=0)]] = Field(
        description="of any picture, or by the lines of it: `{480p: 0.05, 720p: 0.10}`"
    )
    checked: str = Field(default="", max_length=40, description="when somebody looked: `2026-11`")


class Prices(Model):
    """Prices by host and model."""

    endpoints: dict[str, dict[str, Price]] = Field(default={}, description="a host, or `any`")
    cameras: dict[str, dict[str, CameraPrice]] = Field(
        default={}, description="`fal`, `replicate`, a host, or `any`; then the model, or `any`"
    )


def read_prices(own: Sequence[Path] = ()) -> Prices:
    """The shipped prices, overridden by those of the files that exist. Raises ScriptError."""
    shipped = resources.files("templates") / "prices.yaml"
    with resources.as_file(shipped) as path:
        every = [_read(path), *(_read(each) for each in own if each.is_file())]
    endpoints: dict[str, dict[str, Price]] = {}
    cameras: dict[str, dict[str, CameraPrice]] = {}
    for prices in every:
        for host, models in prices.endpoints.items():
            endpoints[host] = {**endpoints.get(host, {}), **models}
        for place, films in prices.cameras.items():
            cameras[place] = {**cameras.get(place, {}), **films}
    return Prices(endpoints=endpoints, cameras=cameras)


def user_price_files(premise_path: Path | None, env: Mapping[str, str] = os.environ) -> list[Path]:
    """Where users put prices: for all shows, then beside the premise, which wins."""
    home = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "cold-open" / "prices.yaml"
    return [home, *([premise_path.parent / "prices.yaml"] if premise_path else [])]


def _read(path: Path) -> Prices:
    source = Source(path, read_text(path, what="prices"))
    root, faults = parse(source)
    if root is None or root.is_blank:
        return Prices()
    prices, more = validate(Prices, root, path)
    if prices is None or faults or more:
        raise faults_error([*faults, *more], source)
    return prices


def find_price(prices: Prices, settings: LLMSettings) -> Price | None:
    """The price of this model at this host, else at any host; None if it is unknown."""
    host = urlsplit(settings.base_url).hostname or ""
    for endpoint in (host, "any"):
        models = prices.endpoints.get(endpoint, {})
        fitting = [name for name in models if _is_same_model(settings.model, name)]
        if fitting:
            return models[max(fitting, key=len)]
    return None


def _is_same_model(model: str, name: str) -> bool:
    """Whether `model` is `name`, perhaps with a date behind it: gpt-4o-2024-08-06, but not gpt-4o-mini."""
    rest = model.removeprefix(name) if model.startswith(name) else "no"
    return rest == "" or (rest[0] in "-@" and rest[1:].replace("-", "").isdigit())


def call_cost(
    price: Price | None, prompt: int | None, completion: int | None, cached: int | None
) -> float | None:
    """US dollars of one call; None if the price or the tokens are unknown."""
    if price is None or prompt is None or completion is None:
        return None
    seen = min(cached or 0, prompt) if price.cached is not None else 0
    dollars = (prompt - seen) * price.input + seen * (price.cached or 0) + completion * price.output
    return dollars / _MILLION


def require_price(settings: LLMSettings, price: Price | None) -> None:
    """Raises ScriptError if there is a limit in dollars and no price to keep it by."""
    if settings.max_cost is not None and price is None:
        host = urlsplit(settings.base_url).hostname
        example = f"endpoints: {{{host}: {{{settings.model}: {{input: 0.15, output: 0.60}}}}}}"
        raise ScriptError(
            f"max_cost: wanted the price of {settings.model!r} at {host}, got none, try a prices.yaml beside "
            f"the premise with `{example}`"
        )
