"""The app: its routes, its answers to errors, and the guard around everything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from flows.api.jobs.errors import NotThere
from flows.api.live.site import Site
from flows.api.routes import (
    board,
    clips,
    episodes,
    farm,
    home,
    jobs,
    live,
    media,
    nights,
    reference,
    shows,
    t2v,
)
from flows.api.server.security import Guard, Rules, TooLarge
from flows.api.storyboard.uploads import TooMuch
from flows.studio.errors import StudioError
from flows.studio.production.errors import describe_error
from scripts_llm.editing.change import Conflict
from scripts_llm.errors import ScriptError

ROUTERS = (
    home.router,
    board.router,
    media.router,
    jobs.router,
    farm.router,
    nights.router,
    reference.router,
    clips.router,
    t2v.router,
    live.router,
    shows.api,
    episodes.api,
    jobs.api,
    farm.api,
    clips.api,
)
NOT_FOUND = 404
CONFLICT = 409
TOO_LARGE = 413
WRONG = 422


def create_app(site: Site, rules: Rules) -> FastAPI:
    """The app of a site. It starts the site and closes it."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        site.start()
        try:
            yield
        finally:
            site.close()

    app = FastAPI(title="Cold Open", version="1", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.site = site
    for router in ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, rules=rules)
    app.add_exception_handler(NotThere, _not_there)
    app.add_exception_handler(TooMuch, _too_much)
    app.add_exception_handler(Conflict, _conflict)
    for kind in (StudioError, ScriptError, OSError):
        app.add_exception_handler(kind, _known_fault)
    app.add_exception_handler(RequestValidationError, _wrong_request)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(TooLarge, _too_large)
    return app


def _answer(request: Request, status: int, line: str) -> Response:
    """One line: as JSON for scripts, as text for pages, which show it where they show what happens."""
    if request.url.path.startswith(("/api/", "/t2v/")):
        return JSONResponse({"detail": line}, status)
    return PlainTextResponse(line, status)


def _not_there(request: Request, error: Exception) -> Response:
    return _answer(request, NOT_FOUND, str(error))


def _too_much(request: Request, error: Exception) -> Response:
    return _answer(request, TOO_LARGE, str(error))


def _conflict(request: Request, error: Exception) -> Response:
    assert isinstance(error, Conflict)
    return JSONResponse({"detail": str(error), "now": error.now}, CONFLICT)


def _known_fault(request: Request, error: Exception) -> Response:
    known = describe_error(error)
    if known is None:
        raise error
    return _answer(request, WRONG, known[0])


def _wrong_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = (f"{'.'.join(map(str, each['loc'][1:]))}: {each['msg']}".lstrip(": ") for each in error.errors())
    return _answer(request, WRONG, "; ".join(list(faults)[:3]))


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer(request, error.status_code, str(error.detail))


def _too_large(request: Request, error: Exception) -> Response:
    return _answer(request, TOO_LARGE, "the request is too long")
