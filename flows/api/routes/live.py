"""What pages load beside their text: scripts and styles, and the stream of live states."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import StreamingResponse

from flows.api.live import states
from flows.api.live.site import site_of
from flows.api.pages.render import STATIC, language_of, packed, static_file

router = APIRouter(include_in_schema=False)
FOR_EVER = "private, max-age=31536000, immutable"


@router.get("/static/{digest}/{name}")
def static(request: Request, digest: str, name: str) -> Response:
    """A script or a style sheet; its address changes with its content."""
    if name not in STATIC:
        raise HTTPException(404, "there is no such file")
    content, now = static_file(name)
    answer = packed(request, content, STATIC[name])
    answer.headers["Cache-Control"] = FOR_EVER if digest == now else "no-store"
    return answer


@router.get("/events")
def events(request: Request, episode: str = "") -> Response:
    """The live states as server-sent events: `jobs`, and `episode` for the one that is named."""
    return StreamingResponse(
        states.stream(site_of(request).live, episode or None, language_of(request).told),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )
