"""The first page: every show with its episodes, and where a new one begins."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from flows.api.live.site import site_of
from flows.api.pages.render import page
from flows.studio.release import index_page

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request) -> Response:
    """Every episode of every show, newest first."""
    return page(request, "home", entries=index_page.list_entries(site_of(request).output))
