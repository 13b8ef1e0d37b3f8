"""The farm's cameras, as pages and scripts see them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response

from flows.api.jobs.errors import NotThere
from flows.api.live.site import Site, site_of
from flows.api.pages.render import page

router = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["jobs"])


def farm_values(site: Site, episode: str = "") -> dict[str, Any]:
    """What the cameras' template is filled with; for an episode, who does not film its model stands aside."""
    if site.farm is None:
        return {"farm": None, "cameras": (), "farm_episode": episode}
    site.farm.want()
    state = site.farm.state
    model = None
    if episode:
        try:
            model = site.boards.get(episode).film_model
        except NotThere:
            episode = ""
    return {"farm": state, "cameras": state.cards(model), "farm_episode": episode}


@router.get("/farm")
def farm(request: Request, episode: str = "") -> Response:
    """The cameras, for when they do something else."""
    values = farm_values(site_of(request), episode)
    if values["farm"] is None:
        raise HTTPException(404, "there is no farm")
    return page(request, "farm", **values)


@api.get("/cameras")
def list_cameras(request: Request) -> dict[str, Any]:
    """The cameras of the farm (`coldopen board --farm`): what each films, and why one stands aside.

    The first call of a while knows none yet (`is_known`); the next ones do.
    """
    values = farm_values(site_of(request))
    state = values["farm"]
    if state is None:
        raise HTTPException(404, "there is no farm: coldopen board --farm tls://head.lan:8786")
    return {
        "address": state.address,
        "is_known": state.is_known,
        "fault": state.fault,
        "cameras": [asdict(camera) for camera in values["cameras"]],
    }
