"""Replicate's predictions (replicate.com/docs/reference/http)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flows.studio.hosted.asking import DONE, FAILED, Asked, Found, Look, field_of, job_fault, state_of
from flows.studio.hosted.complaints import is_refusal
from flows.studio.hosted.fal import film_in, service_inputs
from flows.studio.hosted.wire import Wire

API = "https://api.replicate.com/v1"
LISTED = 100  # predictions of a page, the newest
_REFUSED = re.compile(r"\(E005\)\s*$")  # the code of what was flagged as sensitive, at the end of the words


class Replicate:
    """A model of Replicate: `owner/name`, or `owner/name:version`."""

    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.name, _, self.version = model.partition(":")

    def mark(self, asked: Asked) -> Any:
        """The ids of the newest predictions."""
        return sorted(job["id"] for job in self._jobs())

    def ask(self, asked: Asked) -> dict[str, Any]:
        """POST the model's predictions, or those of a version."""
        inputs = service_inputs(asked)
        if "image_url" in inputs:
            inputs.setdefault("image", inputs.pop("image_url"))
        if self.version:
            answer = self.wire.ask("/predictions", json={"version": self.version, "input": inputs})
        else:
            answer = self.wire.ask(f"/models/{self.name}/predictions", json={"input": inputs})
        return {"id": field_of(self.wire, answer, "id")}

    def look(self, where: Mapping[str, Any]) -> Look:
        """GET /predictions/ID."""
        job = self.wire.look(f"/predictions/{quote(str(where['id']), safe='')}")
        state = state_of(job.get("status"))
        if state == FAILED:
            words = str(job.get("error") or job.get("status"))
            refused = is_refusal(job) or _REFUSED.search(words) is not None
            return Look(fault=job_fault(self.wire, words, is_refusal=refused))
        if state != DONE:
            return Look()
        film = film_in(job.get("output"))
        if film is None:
            return Look(fault=job_fault(self.wire, "the answer names no film", is_refusal=False))
        return Look(share=1.0, film=film)

    def find(self, asked: Asked, mark: Any) -> Found:
        """The oldest prediction with this prompt and seed that was not there before it was asked for."""
        wanted, jobs = service_inputs(asked), self._jobs()
        new = [job for job in jobs if job["id"] not in (mark or ())]
        mine = [job for job in new if _is_same(job, wanted)]
        if mine:
            return Found({"id": mine[-1]["id"]})
        tells_inputs = all(isinstance(job.get("input"), Mapping) for job in new)
        return Found(is_sure=tells_inputs and (len(jobs) < LISTED or len(new) < len(jobs)))

    def _jobs(self) -> list[dict[str, Any]]:
        """The newest hundred predictions, the newest first."""
        listed = self.wire.look("/predictions").get("results")
        return [job for job in listed or () if isinstance(job, dict) and isinstance(job.get("id"), str)]


def _is_same(job: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    inputs = job.get("input")
    return isinstance(inputs, Mapping) and all(
        inputs.get(name) == wanted[name] for name in ("prompt", "seed")
    )
