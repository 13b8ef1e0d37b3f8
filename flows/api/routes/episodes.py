"""Episodes for scripts and for the pages' own calls: what there is, and every change of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.api.jobs.errors import NotThere
from flows.api.live.site import Site, site_of
from flows.api.routes.board import Code, Show
from flows.api.storyboard import edits, undo, uploads
from flows.api.storyboard.edits import Target, Values
from flows.api.storyboard.episodes import find_folder, request_of
from flows.api.storyboard.model import Board
from flows.studio.release import index_page
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.script import Beat, Line, Shot

api = APIRouter(prefix="/api/v1", tags=["episodes"])
EPISODE = "/episodes/{show}/{code}"
Text = Annotated[str, Field(max_length=25_000)]
Old = str | int | float | bool | None


class _Change(BaseModel):
    """One value, and what it is taken to be in the file: another one there is a conflict (409)."""

    model_config = ConfigDict(extra="forbid")

    old: Old = Field(default=None, description="the value as it was read; null for none")

    @model_validator(mode="after")
    def _is_one_change(self) -> Self:
        if len(self.model_fields_set - {"old"}) != 1:
            raise ValueError("wanted one value besides `old`")
        return self

    @property
    def key(self) -> str:
        """The key that changes."""
        return next(iter(self.model_fields_set - {"old"}))

    @property
    def values(self) -> Values:
        """Old and new value."""
        return Values(self.old, getattr(self, self.key))


class SceneChange(_Change):
    """One value of a scene."""

    slugline: Text | None = None
    setting: Text | None = None
    action: Text | None = None
    skip: bool | None = None
    lock: bool | None = None


class ShotChange(_Change):
    """One value of a shot; `action` is its scene's, where the shot has no words of its own."""

    prompt: Text | None = None
    prompt_exact: Text | None = None
    action: Text | None = None
    size: Text | None = None
    fit: Text | None = None
    seed: int | None = None
    takes: int | None = None
    pick: int | None = Field(default=None, description="the take that is cut in, as `coldopen retake --pick`")
    file: Text | None = Field(default=None, description="an upload of the episode, or null: filmed again")


class LineChange(_Change):
    """One value of a line, or the length of a silence."""

    line: Text | None = None
    who: Text | None = None
    parenthetical: Text | None = None
    laugh: Text | None = None
    pause_before: float | None = None
    file: Text | None = Field(default=None, description="an upload of the episode, or null: spoken again")
    beat: float | None = None


class Exchange(BaseModel):
    """An alternate that takes a line's place; the line takes its."""

    model_config = ConfigDict(extra="forbid")

    number: int = Field(ge=1, le=9, description="which of its alternates, from 1")
    old: Text = Field(description="the line as it was read")
    new: Text = Field(description="the alternate as it was read")


class SceneOrder(BaseModel):
    """The ids of all scenes in the order that was read, and in the new one; those left out are deleted."""

    model_config = ConfigDict(extra="forbid")

    old: list[Text] = Field(max_length=1000)
    new: list[Text] = Field(max_length=1000)


class NewScene(BaseModel):
    """A scene to be added."""

    model_config = ConfigDict(extra="forbid")

    slugline: Text
    before: Text | None = Field(default=None, description="the id of the scene behind it; null: at the end")


class NewElement(BaseModel):
    """A line, a silence or a shot to be added to a scene."""

    model_config = ConfigDict(extra="forbid")

    scene: Text
    index: int = Field(default=10_000, ge=0, description="its place among the others; left out: at the end")
    line: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    who: Text | None = None
    beat: Annotated[float, Field(gt=0, le=10)] | None = None
    prompt: Annotated[str, Field(min_length=1, max_length=600)] | None = None
    size: Literal["establishing", "medium", "close-up"] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.line, self.beat, self.prompt)) != 1:
            raise ValueError("wanted one of line, beat and prompt")
        if (self.line is None) != (self.who is None):
            raise ValueError("wanted who and line together")
        return self

    @property
    def element(self) -> Line | Beat | Shot:
        """The element as the script has it."""
        if self.line is not None:
            return Line(who=str(self.who), line=self.line)
        return Beat(beat=self.beat) if self.beat is not None else Shot(prompt=self.prompt, size=self.size)


class NewPlace(BaseModel):
    """Where a shot or line moves to in its scene."""

    model_config = ConfigDict(extra="forbid")

    index: int = Field(ge=0, le=10_000)


# ------------------------------------------------------------------------------------------------- reading


@api.get("/shows")
def shows(request: Request) -> list[dict[str, Any]]:
    """Every episode of every show, newest first."""
    found = index_page.list_entries(site_of(request).output)
    return [
        {
            "episode": f"{entry.folder}/{entry.code}",
            "show": entry.show,
            "title": entry.title,
            "logline": entry.logline,
            "made": entry.made,
            "duration": entry.duration,
            "warnings": list(entry.warnings),
        }
        for entry in found
    ]


@api.get(EPISODE)
def episode(request: Request, show: Show, code: Code) -> dict[str, Any]:
    """The storyboard: scenes, shots, takes, lines, and what the next run would make."""
    return _data(site_of(request).boards.get(f"{show}/{code}"))


def _data(board: Board) -> dict[str, Any]:
    data = asdict(board)
    del data["parts"]
    films = [f"{board.url}/files/{film.name}" for film in board.films]
    return {**data, "cast": dict(board.cast), "films": films, "page": board.url}


@api.get(f"{EPISODE}/plan")
def plan(request: Request, show: Show, code: Code) -> dict[str, Any]:
    """What the next run would make and why: `coldopen plan`."""
    from flows.studio.commands.plan import plan as make_plan

    site = site_of(request)
    folder = find_folder(site.output, f"{show}/{code}")
    return {"lines": list(make_plan(request_of(folder, site.output)).lines)}


@api.get(f"{EPISODE}/check")
def check(request: Request, show: Show, code: Code) -> dict[str, Any]:
    """What would go wrong or look wrong: `coldopen check`."""
    from flows.studio.commands.check import check as look

    site = site_of(request)
    folder = find_folder(site.output, f"{show}/{code}")
    outcome = look(request_of(folder, site.output), None)
    return {"code": outcome.code, "lines": list(outcome.lines)}


# ------------------------------------------------------------------------------------------------ changing


class _Editing:
    """The board and the folder of an episode, for one change; open pages see it at once."""

    def __init__(self, request: Request, show: str, code: str) -> None:
        self.site: Site = site_of(request)
        self.name = f"{show}/{code}"
        self.folder: EpisodeFolder = find_folder(self.site.output, self.name)
        self.board: Board

    def __enter__(self) -> Self:
        self.site.editing.acquire()
        try:
            self.board = self.site.boards.get(self.name)
        except BaseException:
            self.site.editing.release()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.site.editing.release()
        self.site.live.hurry()

    @property
    def where(self) -> tuple[Board, EpisodeFolder, Any]:
        """What the functions of `edits` begin with."""
        return self.board, self.folder, self.site.output


def _change(request: Request, show: str, code: str, place: tuple[Target, str], body: _Change) -> None:
    with _Editing(request, show, code) as editing:
        edits.set_value(*editing.where, place, body.key, body.values)


@api.patch(f"{EPISODE}/scenes/{{scene}}", status_code=204)
def change_scene(request: Request, show: Show, code: Code, scene: str, body: SceneChange) -> None:
    """Changes one text or mark of a scene."""
    _change(request, show, code, ("scene", scene), body)


@api.patch(f"{EPISODE}/shots/{{label}}", status_code=204)
def change_shot(request: Request, show: Show, code: Code, label: str, body: ShotChange) -> None:
    """Changes one value of a shot, or picks one of its takes."""
    _change(request, show, code, ("shot", label), body)


@api.patch(f"{EPISODE}/lines/{{label}}", status_code=204)
def change_line(request: Request, show: Show, code: Code, label: str, body: LineChange) -> None:
    """Changes one value of a line."""
    _change(request, show, code, ("line", label), body)


@api.post(f"{EPISODE}/lines/{{label}}/alternate", status_code=204)
def exchange_line(request: Request, show: Show, code: Code, label: str, body: Exchange) -> None:
    """Exchanges a line for one of its alternates: `coldopen script --alternates s04-02 --pick 1`."""
    with _Editing(request, show, code) as editing:
        edits.exchange_alternate(*editing.where, label, body.number, (body.old.strip(), body.new.strip()))


@api.put(f"{EPISODE}/order", status_code=204)
def order_scenes(request: Request, show: Show, code: Code, body: SceneOrder) -> None:
    """Puts the scenes into another order; those left out are deleted, with the comments above them."""
    with _Editing(request, show, code) as editing:
        edits.arrange_scenes(*editing.where, body.old, body.new)


@api.post(f"{EPISODE}/scenes", status_code=201)
def add_scene(request: Request, show: Show, code: Code, body: NewScene) -> dict[str, str]:
    """Adds a scene."""
    with _Editing(request, show, code) as editing:
        return {"scene": edits.add_scene(*editing.where, body.slugline, body.before)}


@api.delete(f"{EPISODE}/scenes/{{scene}}", status_code=204)
def delete_scene(request: Request, show: Show, code: Code, scene: str) -> None:
    """Deletes a scene, with the comments above it; `undo` brings it back."""
    with _Editing(request, show, code) as editing:
        old = [one.id for one in editing.board.scenes]
        if scene not in old:
            raise NotThere(f"there is no scene {scene[:40]!r}")
        new = [name for name in old if name != scene]
        edits.arrange_scenes(*editing.where, old, new)


@api.post(f"{EPISODE}/elements", status_code=204)
def add_element(request: Request, show: Show, code: Code, body: NewElement) -> None:
    """Adds a line, a silence or a shot to a scene."""
    with _Editing(request, show, code) as editing:
        edits.add_element(*editing.where, body.scene, body.element, body.index)


@api.delete(f"{EPISODE}/{{target}}s/{{label}}", status_code=204)
def delete_element(
    request: Request, show: Show, code: Code, target: Literal["shot", "line"], label: str
) -> None:
    """Deletes a shot or a line."""
    with _Editing(request, show, code) as editing:
        edits.delete_element(*editing.where, target, label)


@api.put(f"{EPISODE}/{{target}}s/{{label}}/place", status_code=204)
def move_element(
    request: Request, show: Show, code: Code, target: Literal["shot", "line"], label: str, body: NewPlace
) -> None:
    """Moves a shot or a line in its scene."""
    with _Editing(request, show, code) as editing:
        edits.move_element(*editing.where, target, label, body.index)


@api.put(f"{EPISODE}/files/{{name}}", status_code=201)
async def upload(request: Request, show: Show, code: Code, name: str) -> dict[str, str]:
    """Takes a picture, a sound or a film into the episode: the body is the file; `file` then names it."""
    folder = find_folder(site_of(request).output, f"{show}/{code}")
    return {"file": await uploads.receive_into_episode(request.stream(), name, folder)}


@api.post(f"{EPISODE}/undo", status_code=204)
def undo_change(request: Request, show: Show, code: Code) -> None:
    """Takes the last change made here back, if nothing else has changed the script since."""
    with _Editing(request, show, code) as editing:
        undo.undo(editing.folder, editing.site.output)


@api.post(f"{EPISODE}/scenes/{{scene}}/approve", status_code=204)
def approve(
    request: Request, show: Show, code: Code, scene: str, approved: Annotated[bool, Body(embed=True)] = True
) -> None:
    """Approves a scene as it is now; the approval falls when its words or takes change."""
    with _Editing(request, show, code) as editing:
        edits.approve(*editing.where, scene, approved=approved)
