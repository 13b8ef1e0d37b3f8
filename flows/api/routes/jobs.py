"""The queue: its page, and the same for scripts under /api/v1."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, HTTPException, Request, Response
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from flows.api.live.site import Site, site_of
from flows.api.pages.render import page
from flows.api.routes import job_kinds
from flows.api.routes.farm import farm_values
from flows.api.routes.job_kinds import AnyJob

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["jobs"])
NUMBER = Annotated[int, Field(ge=1, le=10**9)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class JobPlace(_Body):
    """Where a waiting job stands."""

    place: int = Field(ge=0, le=10**6, description="its place among those that wait, from 0")


class QueuePause(_Body):
    """Whether the queue begins what waits."""

    paused: bool = Field(description="true: nothing is begun; false: it goes on")


# ------------------------------------------------------------------------------------------------- pages


@router.get("/queue")
def queue_page(request: Request) -> Response:
    """The queue: at work, waiting, ended."""
    site = site_of(request)
    return page(request, "queue", **_queue_values(site), **farm_values(site))


@router.get("/queue/list")
def queue_list(request: Request) -> Response:
    """The queue's part that changes."""
    return page(request, "queue_list", **_queue_values(site_of(request)))


def _queue_values(site: Site) -> dict[str, Any]:
    states = site.queue.all()
    return {
        "working": [state for state in states if state.state == "working"],
        "waiting": site.queue.waiting(),
        "ended": [state for state in reversed(states) if state.is_ended][:40],
        "paused": site.queue.paused,
    }


@router.get("/jobs/{number}/preview.webp")
def preview(request: Request, number: int) -> Response:
    """What a job films, as it is by now."""
    path = site_of(request).queue.place(number) / "preview.webp"
    if not 1 <= number <= 10**9 or not path.is_file():
        raise HTTPException(404, "there is no preview")
    return FileResponse(path, media_type="image/webp")


# --------------------------------------------------------------------------------------------------- API


@api.get("/jobs")
def list_jobs(request: Request) -> list[dict[str, Any]]:
    """All jobs that are kept, oldest first."""
    return [state.as_data() for state in site_of(request).queue.all()]


@api.post("/jobs", status_code=202)
def ask(
    request: Request, response: Response, body: Annotated[AnyJob, Body(discriminator="kind")]
) -> dict[str, Any]:
    """Puts a job into the queue; `Location` names it."""
    site = site_of(request)
    state = job_kinds.add(site, body)
    site.live.hurry()
    response.headers["Location"] = f"/api/v1/jobs/{state.job.number}"
    return state.as_data()


@api.get("/jobs/{number}")
def job(request: Request, number: NUMBER) -> dict[str, Any]:
    """A job and where it stands."""
    return site_of(request).queue.get(number).as_data()


@api.get("/jobs/{number}/events")
def job_events(request: Request, number: NUMBER) -> Response:
    """A job's states as server-sent events, until it has ended."""
    site = site_of(request)
    site.queue.get(number)
    return StreamingResponse(_states_of(site, number), media_type="text/event-stream")


async def _states_of(site: Site, number: int) -> AsyncIterator[str]:
    sent = None
    while not site.live.is_closed:
        state = site.queue.get(number)
        data = json.dumps(state.as_data(), ensure_ascii=False)
        if data != sent:
            sent = data
            yield f"event: job\ndata: {data}\n\n"
        if state.is_ended:
            return
        await asyncio.sleep(0.2)


@api.post("/jobs/{number}/stop", status_code=204)
def stop(request: Request, number: NUMBER) -> None:
    """Stops a job: one at work at its next step, one that waits at once."""
    site = site_of(request)
    site.queue.get(number)
    site.keeper.stop(number)
    site.live.hurry()


@api.post("/jobs/{number}/again", status_code=204)
def again(request: Request, number: NUMBER) -> None:
    """Lets an ended job wait anew."""
    site = site_of(request)
    site.queue.again(number)
    site.live.hurry()


@api.patch("/jobs/{number}", status_code=204)
def move(request: Request, number: NUMBER, body: JobPlace) -> None:
    """Moves a waiting job to another place."""
    site = site_of(request)
    site.queue.get(number)
    site.queue.move(number, body.place)
    site.live.hurry()


@api.delete("/jobs/{number}", status_code=204)
def leave_out(request: Request, number: NUMBER) -> None:
    """Leaves a waiting job out."""
    site = site_of(request)
    site.queue.get(number)
    site.queue.leave_out(number)
    site.live.hurry()


@api.post("/queue", status_code=204)
def pause(request: Request, body: Annotated[QueuePause, Body()]) -> None:
    """Pauses the queue, or lets it go on."""
    site = site_of(request)
    site.queue.pause("paused by hand" if body.paused else "")
    site.live.hurry()
