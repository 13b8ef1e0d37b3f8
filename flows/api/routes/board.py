"""The storyboard's page and its parts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Request, Response

from flows.api.live.site import site_of
from flows.api.pages.render import page
from flows.api.routes.farm import farm_values
from flows.api.storyboard.model import Board
from scripts_llm.screenplay.script import LaughSize, Size

router = APIRouter(prefix="/shows/{show}/{code}", include_in_schema=False)
Show = Annotated[str, Path(max_length=120)]
Code = Annotated[str, Path(max_length=20)]
LAUGHS = LaughSize.__args__  # type: ignore[attr-defined]
SIZES = Size.__args__  # type: ignore[attr-defined]


def _board(request: Request, show: str, code: str) -> Board:
    return site_of(request).boards.get(f"{show}/{code}")


def _page(request: Request, name: str, board: Board, **values: Any) -> Response:
    return page(request, name, board=board, laughs=LAUGHS, sizes=SIZES, **values)


@router.get("")
def board(request: Request, show: Show, code: Code) -> Response:
    """The whole storyboard."""
    found = _board(request, show, code)
    return _page(request, "board", found, **farm_values(site_of(request), found.name))


@router.get("/head")
def head(request: Request, show: Show, code: Code) -> Response:
    """The bar: what is to be made."""
    return _page(request, "head", _board(request, show, code))


@router.get("/films")
def films(request: Request, show: Show, code: Code) -> Response:
    """The films that there are."""
    return _page(request, "films", _board(request, show, code))


@router.get("/scenes")
def scenes(request: Request, show: Show, code: Code) -> Response:
    """All scenes, for when there are others or another order."""
    return _page(request, "scenes", _board(request, show, code))


@router.get("/scenes/{scene}")
def scene(request: Request, show: Show, code: Code, scene: str) -> Response:
    """One scene."""
    board = _board(request, show, code)
    found = board.scene(scene)
    if found is None:
        raise HTTPException(404, "there is no such scene")
    return _page(request, "scene", board, scene=found)


@router.get("/shots/{label}/takes")
def takes(request: Request, show: Show, code: Code, label: str) -> Response:
    """The takes of a shot, side by side."""
    board = _board(request, show, code)
    found = board.shot(label)
    if found is None:
        raise HTTPException(404, "there is no such shot")
    return _page(request, "takes", board, shot=found)
