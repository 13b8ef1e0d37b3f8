"""The first page: every show with its episodes, and where a new one begins."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, Request, Response

from flows.api.live.site import site_of
from flows.api.pages.render import page
from flows.api.storyboard import pictures
from flows.api.storyboard.episodes import name_of
from flows.studio.commands import new
from flows.studio.release import index_page
from flows.studio.workspace.folder import all_episodes
from scripts_llm.files.read import read_premise
from scripts_llm.screenplay.premise import Premise

router = APIRouter(include_in_schema=False)


@router.get("/")
def home(request: Request) -> Response:
    """Every episode of every show, newest first."""
    output = site_of(request).output
    entries = index_page.list_entries(output)
    firsts = {name_of(folder): pictures.first_clip(folder) for folder in all_episodes(output)}
    return page(request, "home", entries=entries, firsts=firsts, shipped=_shipped())


@cache
def _shipped() -> tuple[tuple[str, Premise], ...]:
    """The premises in the package, by name."""
    return tuple((name, read_premise(path)) for name, path in new.shipped().items())
