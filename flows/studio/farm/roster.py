"""The roster of a farm: its cameras, what each has and films, and why one stands aside."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flows.studio.farm import orders
from flows.studio.farm.camera import FACTS
from flows.studio.farm.orders import Model


@dataclass(frozen=True)
class Listed:
    """A camera as the farm lists it. `films` is empty while it waits for an order."""

    name: str
    offers: frozenset[str]
    release: str
    models: Mapping[str, str]  # titles by fingerprint
    loras: Mapping[str, str]  # file names by hash
    seconds: Mapping[str, float]  # of a step with a model's own settings, by fingerprint
    device: str
    torch: str
    host: str
    films: Mapping[str, Any]

    def why_not(self, model: Model) -> str:
        """Why it does not film with this model, in a line; empty if it does."""
        if all(label in self.offers for label in model.needs):
            return ""
        if self.release != orders.release():
            return f"its release is {self.release}, ours is {orders.release()}; install the same one"
        if model.weights not in self.models:
            has = " and ".join(f"{title} {weights[:8]}" for weights, title in self.models.items())
            return (
                f"it has not {model.title} {model.weights[:8]} but {has or 'nothing'}; "
                "start it with --video-model"
            )
        missing = ", ".join(name for content, name, _ in model.loras if content not in self.loras)
        return f"it has not the LoRA {missing}; start it with --lora"

    def __str__(self) -> str:
        models = ", ".join(f"{title} {weights[:8]}" for weights, title in self.models.items())
        loras = f" with {', '.join(self.loras.values())}" if self.loras else ""
        what = f"{self.name} on {self.host}, {self.device}, torch {self.torch}: {models}{loras}"
        return f"{what}; {self._work}"

    @property
    def _work(self) -> str:
        if not self.films:
            return "waits"
        shot = f"{self.films.get('show', '')} {self.films.get('label', '')}".strip()
        steps = (
            f"step {self.films['step']} of {self.films['num_steps']}"
            if self.films.get("num_steps")
            else "begins"
        )
        seconds = max(0, round(time.time() - float(self.films.get("since", time.time()))))
        return f"films {shot}, {steps}, {seconds} s"


def read_roster(scheduler_info: Mapping[str, Any]) -> tuple[Listed, ...]:
    """The cameras in what Dask's scheduler says of itself, by name. Another release's facts may lack some."""
    return tuple(sorted(map(_read, scheduler_info["workers"].values()), key=lambda camera: camera.name))


def _read(worker: Mapping[str, Any]) -> Listed:
    facts = worker.get(FACTS) or {}
    return Listed(
        name=str(worker["name"]),
        offers=frozenset(worker["resources"]),
        release=str(facts.get("release", "unknown")),
        models=facts.get("models") or {},
        loras=facts.get("loras") or {},
        seconds=facts.get("seconds") or {},
        device=str(facts.get("device", "?")),
        torch=str(facts.get("torch", "?")),
        host=str(facts.get("host", "?")),
        films=(worker.get("metrics") or {}).get(FACTS) or {},
    )


def fitting(cameras: Iterable[Listed], model: Model) -> tuple[Listed, ...]:
    """The cameras that film with this model."""
    return tuple(camera for camera in cameras if not camera.why_not(model))


def describe(cameras: Sequence[Listed]) -> tuple[str, ...]:
    """The roster in lines; a camera of another release stands aside for everybody who has this one."""
    lines = [f"{len(cameras)} camera{'' if len(cameras) == 1 else 's'}"]
    for camera in cameras:
        aside = ""
        if camera.release != orders.release():
            aside = f"; stands aside: its release is {camera.release}, ours is {orders.release()}"
        lines.append(f"  {camera}{aside}")
    return tuple(lines)
