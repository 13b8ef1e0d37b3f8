"""Shows: a new one from a sentence, and the next episode of one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.api.live.site import Site, site_of
from flows.api.routes import job_kinds
from flows.api.routes.board import Show
from flows.api.routes.job_kinds import EpisodeJob
from flows.api.storyboard import shows

api = APIRouter(prefix="/api/v1", tags=["shows"])


class NewShow(BaseModel):
    """A show to be begun: from a sentence, or one that comes along."""

    model_config = ConfigDict(extra="forbid")

    logline: Annotated[str, Field(min_length=1, max_length=240)] | None = None
    shipped: Annotated[str, Field(max_length=80)] | None = Field(
        default=None, description="the name of a premise in the package: joe_and_the_don"
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.logline is None) == (self.shipped is None):
            raise ValueError("wanted either logline or shipped")
        return self


@api.post("/shows", status_code=201)
def begin_show(request: Request, response: Response, body: NewShow) -> dict[str, Any]:
    """Writes a premise and begins its first episode, with its script."""
    site = site_of(request)
    return _begun(site, response, shows.premise_of(body.logline, body.shipped, site.premises), None)


@api.post("/shows/{show}/episodes", status_code=201)
def begin_episode(request: Request, response: Response, show: Show) -> dict[str, Any]:
    """Begins the show's next episode, with its script."""
    site = site_of(request)
    return _begun(site, response, shows.premise_of_show(site.output, show), "next")


def _begun(site: Site, response: Response, premise: Path, code: str | None) -> dict[str, Any]:
    name, is_written = shows.begin(premise, site.output, code)
    if not is_written:
        job_kinds.add(site, EpisodeJob(kind="episode", episode=name, until="script"))
    site.live.hurry()
    response.headers["Location"] = quote(f"/api/v1/episodes/{name}")
    return {"episode": name, "page": f"/shows/{name}", "premise": str(premise)}
