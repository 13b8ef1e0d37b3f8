"""Servers that speak `/v1/videos`: vLLM-Omni, SGLang, LiteLLM's proxy and other gateways.

The shape is OpenAI's, whose own service ended in September 2026: POST /videos makes a job, GET /videos/ID
looks at it, GET /videos/ID/content is its film, GET /videos lists jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from flows.studio.hosted.asking import DONE, FAILED, Asked, Found, Look, field_of, job_fault, state_of
from flows.studio.hosted.complaints import is_refusal, message_of
from flows.studio.hosted.errors import HostedError
from flows.studio.hosted.wire import Wire

LISTED = 100


class VideosServer:
    """A server of `/v1/videos` with one model."""

    def __init__(self, wire: Wire, model: str) -> None:
        self.wire = wire
        self.model = model

    def mark(self, asked: Asked) -> Any:
        """The ids of the newest jobs; None of a server that lists none."""
        try:
            return sorted(job["id"] for job in self._jobs())
        except HostedError as fault:
            if fault.status is None or fault.status in (401, 402, 403):
                raise
            return None

    def ask(self, asked: Asked) -> dict[str, Any]:
        """POST /videos as a form; its fields beside OpenAI's own are those of vLLM-Omni and SGLang.

        Frames and their rate are the server's choice: it knows those of its model. `inputs` say otherwise.
        """
        fields: dict[str, Any] = {
            "model": self.model,
            "prompt": asked.prompt,
            "seconds": str(max(1, round(asked.seconds))),  # whole ones, as a text
            "size": f"{asked.width}x{asked.height}",
            "seed": asked.seed,
            "negative_prompt": asked.negative_prompt or None,
            "num_inference_steps": asked.num_steps,
            "guidance_scale": asked.guidance_scale,
            **asked.inputs,
        }
        form: list[tuple[str, Any]] = [(k, (None, str(v))) for k, v in fields.items() if v is not None]
        if asked.first is not None:
            form.append(("input_reference", ("first.png", asked.first, "image/png")))
        for number, picture in enumerate(asked.references):
            form.append(("input_references", (f"reference-{number}.png", picture, "image/png")))
        return {"id": field_of(self.wire, self.wire.ask("/videos", files=form), "id")}

    def look(self, where: Mapping[str, Any]) -> Look:
        """GET /videos/ID. vLLM-Omni answers a failed job with its own bad status and the job as body."""
        address = f"/videos/{quote(str(where['id']), safe='')}"
        job = self.wire.look(address, may_fail=True)
        state = state_of(job.get("status"))
        if state == FAILED:
            error = job.get("error")
            return Look(
                fault=job_fault(self.wire, message_of(error), is_refusal=is_refusal({"error": error}))
            )
        progress = job.get("progress")
        share = progress / 100 if isinstance(progress, int | float) else None
        return Look(share=share, film=f"{address}/content" if state == DONE else None)

    def find(self, asked: Asked, mark: Any) -> Found:
        """The oldest job with this prompt that was not there before it was asked for."""
        if mark is None:
            return Found()
        jobs = self._jobs()
        new = [job for job in jobs if job["id"] not in mark]
        mine = [job for job in new if job.get("prompt") == asked.prompt]
        if mine:
            return Found({"id": mine[-1]["id"]})
        tells_prompts = all(isinstance(job.get("prompt"), str) for job in new)
        return Found(is_sure=tells_prompts and (len(jobs) < LISTED or len(new) < len(jobs)))

    def _jobs(self) -> list[dict[str, Any]]:
        """The jobs that the server lists, the newest first."""
        listed = self.wire.look(f"/videos?limit={LISTED}&order=desc").get("data")
        jobs = [job for job in listed or () if isinstance(job, dict) and isinstance(job.get("id"), str)]
        return sorted(jobs, key=lambda job: -float(job.get("created_at") or 0))
