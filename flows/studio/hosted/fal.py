"""fal's queue (docs.fal.ai): a request is posted to a model, and looked at where the answer says."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from flows.studio.hosted.asking import DONE, FAILED, Asked, Found, Look, field_of, job_fault, state_of
from flows.studio.hosted.complaints import is_refusal, message_of
from flows.studio.hosted.errors import HostedError, Refused, ShotError
from flows.studio.hosted.wire import Wire

QUEUE = "https://queue.fal.run"


class FalQueue:
    """A model of fal by its id, `fal-ai/wan/v2.2-a14b/text-to-video`."""

    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.model = model

    def mark(self, asked: Asked) -> Any:
        """Nothing: the queue lists no requests."""
        return None

    def ask(self, asked: Asked) -> dict[str, Any]:
        """POST the model. Fields that a model does not know are left alone by fal; `inputs` win."""
        answer = self.wire.ask(f"/{self.model}", json=service_inputs(asked))
        where = {"request_id": field_of(self.wire, answer, "request_id")}
        for name in ("status_url", "response_url"):  # fal's own word: never to be built
            where[name] = field_of(self.wire, answer, name)
        return where

    def look(self, where: Mapping[str, Any]) -> Look:
        """GET status_url, and response_url once it is complete: there stand the film and the faults."""
        job = self.wire.look(where["status_url"])
        state = state_of(job.get("status"))
        if state == FAILED or job.get("error"):
            return Look(fault=job_fault(self.wire, message_of(job), is_refusal=is_refusal(job)))
        if state != DONE:
            return Look(share=0.0 if job.get("status") == "IN_QUEUE" else None)
        try:
            result = self.wire.look(where["response_url"])
        except HostedError as fault:
            if fault.is_passing or fault.status in (401, 402, 403):
                raise
            return Look(fault=fault if isinstance(fault, Refused) else ShotError(str(fault)))
        film = film_in(result)
        if film is None:
            return Look(fault=job_fault(self.wire, "the answer names no film", is_refusal=False))
        notes = {"seed_told": result["seed"]} if isinstance(result.get("seed"), int) else {}
        return Look(share=1.0, film=film, notes=notes)

    def find(self, asked: Asked, mark: Any) -> Found:
        """Nothing that is sure: the queue lists no requests."""
        return Found()


def service_inputs(asked: Asked) -> dict[str, Any]:
    """The inputs that most hosted models share, under their usual names."""
    inputs: dict[str, Any] = {
        "prompt": asked.prompt,
        "negative_prompt": asked.negative_prompt or None,
        "seed": asked.seed % 2**31,
        "duration": round(asked.seconds),
        "aspect_ratio": aspect_of(asked),
        "resolution": f"{min(asked.width, asked.height)}p",
        "image_url": None if asked.first is None else data_uri(asked.first),
        "reference_image_urls": [data_uri(picture) for picture in asked.references] or None,
        **asked.inputs,
    }
    return {name: value for name, value in inputs.items() if value is not None}


def aspect_of(asked: Asked) -> str:
    """The nearest of the shapes that hosted models name."""
    shapes = {"16:9": 16 / 9, "1:1": 1.0, "9:16": 9 / 16}
    return min(shapes, key=lambda name: abs(shapes[name] - asked.width / asked.height))


def data_uri(picture: bytes) -> str:
    """A PNG file as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def film_in(result: Any) -> str | None:
    """The address of the film in a result: an address, a file, or either under `video` or in a list."""
    if isinstance(result, str):
        return result if result.startswith(("https://", "http://")) else None
    if isinstance(result, list):
        return next((film for one in result if (film := film_in(one))), None)
    if isinstance(result, Mapping):
        names = ("video", "videos", "url", "output", "video_url")
        return next((film for name in names if (film := film_in(result.get(name)))), None)
    return None
