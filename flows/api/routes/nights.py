"""The nights, and the morning's scenes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from flows.api.live.site import site_of
from flows.api.pages.render import page
from flows.api.storyboard import nights

router = APIRouter(prefix="/nights", include_in_schema=False)


@router.get("")
def nights_page(request: Request) -> Response:
    """What every night made, what not and why."""
    site = site_of(request)
    found = nights.read_nights(site.output)
    return page(request, "nights", nights=found, space=nights.space(site.output), premises=site.premises)


@router.get("/morning")
def morning(request: Request, episode: str = "") -> Response:
    """The scenes of the last night, or of an episode, one after the other."""
    site = site_of(request)
    found = nights.read_nights(site.output)
    chosen = (episode,) if episode else found[0].episodes if found else ()
    return page(request, "morning", scenes=nights.morning(site.boards, site.output, chosen), chosen=chosen)
