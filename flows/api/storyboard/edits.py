"""What a page may change in a script: one text, mark or place at a time, by its old value.

A page cannot name a path: `file:` may only be one that was uploaded into the episode.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from flows.api.jobs.errors import NotThere
from flows.api.storyboard import approvals, undo, uploads
from flows.api.storyboard.episodes import request_of
from flows.api.storyboard.model import Board, LineCard, SceneCard, ShotCard
from flows.studio.errors import StudioError
from flows.studio.filming import breakdown
from flows.studio.production.episode import Episode
from flows.studio.production.script import complete_script, read_script
from flows.studio.workspace.files import disk_errors
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.editing import alternates, change
from scripts_llm.editing.change import Conflict, Place, Value
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot

SCENE_KEYS = frozenset(("slugline", "setting", "action", "skip", "lock"))
SHOT_KEYS = frozenset(("prompt", "prompt_exact", "action", "size", "fit", "seed", "takes", "pick", "file"))
LINE_KEYS = frozenset(("line", "who", "parenthetical", "laugh", "pause_before", "beat", "file"))
Target = Literal["scene", "shot", "line"]

_LEAST: Mapping[type[BaseModel], dict[str, Any]] = {
    Scene: {"slugline": "X"},
    Shot: {},
    Line: {"who": "x", "line": "x"},
    Beat: {"beat": 1.0},
}


@contextmanager
def _changing(board: Board, folder: EpisodeFolder, output: Path, what: str) -> Iterator[Path]:
    """The script's path, with ids and shots in it; its bytes of before are kept for an undo."""
    with disk_errors(folder.script):
        if not board.is_complete:
            complete_script(read_script(Episode.open(request_of(folder, output))))
        with undo.remembered(folder, output, what):
            yield folder.script


def set_value(
    board: Board, folder: EpisodeFolder, output: Path, place: tuple[Target, str], key: str, values: Values
) -> None:
    """Sets one value of a scene, a shot or a line, which are named by id or label.

    Raises Conflict if the file says something else by now, StudioError for a value that is none.
    """
    target, name = place
    where, model = _locate(board, target, name, key)
    if key == "file" and values.new is not None and values.new not in uploads.uploaded(folder):
        raise StudioError(f"file: wanted one that was uploaded into the episode, got {values.new!r}", code=2)
    new = _checked(board, model, key, values.new)
    with _changing(board, folder, output, f"{name}: {key}") as script:
        change.set_value(script, where, key, old=values.old, new=new)


class Values:
    """The old and the new value of a change."""

    def __init__(self, old: Value, new: Value) -> None:
        self.old = old
        self.new = new


def _locate(board: Board, target: Target, name: str, key: str) -> tuple[Place, type[BaseModel]]:
    if target == "scene":
        _refuse_unknown(key, SCENE_KEYS)
        return Place(_scene(board, name).id), Scene
    if target == "shot":
        _refuse_unknown(key, SHOT_KEYS)
        scene, shot = find_shot(board, name)
        return (Place(scene.id), Scene) if key == "action" else (Place(scene.id, "shots", shot.index), Shot)
    _refuse_unknown(key, LINE_KEYS)
    scene, line = find_line(board, name)
    return Place(scene.id, "dialogue", line.index), Line if line.beat is None else Beat


def _refuse_unknown(key: str, known: frozenset[str]) -> None:
    if key not in known:
        raise StudioError(f"wanted one of {', '.join(sorted(known))}, got {key!r}", code=2)


def _scene(board: Board, name: str) -> SceneCard:
    scene = board.scene(name)
    if scene is None:
        raise NotThere(f"there is no scene {name!r}")
    return scene


def find_shot(board: Board, label: str) -> tuple[SceneCard, ShotCard]:
    """A shot by its label, and its scene. Raises NotThere."""
    for scene in board.scenes:
        for shot in scene.shots:
            if shot.label == label:
                return scene, shot
    raise NotThere(f"there is no shot {label!r}")


def find_line(board: Board, label: str) -> tuple[SceneCard, LineCard]:
    """A line or silence by its label, and its scene. Raises NotThere."""
    for scene in board.scenes:
        for line in scene.lines:
            if line.label == label:
                return scene, line
    raise NotThere(f"there is no line {label!r}")


def _checked(board: Board, model: type[BaseModel], key: str, new: Value) -> Value:
    """The value as the script's model takes it: without control characters, within its bounds."""
    if new is None or (isinstance(new, str) and not new.strip()):
        if key in ("line", "who", "slugline", "beat") or (key == "action" and new is None):
            raise StudioError(f"{key}: wanted something, got nothing", code=2)
        return "" if key == "action" else None
    if key == "who" and new not in dict(board.cast):
        there = ", ".join(who for who, _ in board.cast)
        raise StudioError(f"who: wanted one of {there}, got {new!r}", code=2)
    try:
        checked = getattr(model.model_validate({**_LEAST[model], key: new}), key)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudioError(f"{key}: {first['msg']}, got {new!r}"[:300], code=2) from None
    value: Value = checked
    return value


# -------------------------------------------------------------------------------------------------- orders


def arrange_scenes(
    board: Board, folder: EpisodeFolder, output: Path, old: Sequence[str], new: Sequence[str]
) -> None:
    """Puts scenes into another order; those left out are deleted. Raises Conflict with the file's order."""
    gone = [name for name in old if name not in new]
    with _changing(
        board, folder, output, f"{', '.join(gone)} deleted" if gone else "the order of scenes"
    ) as script:
        change.arrange_scenes(script, old=old, new=new)


def add_scene(board: Board, folder: EpisodeFolder, output: Path, slugline: str, before: str | None) -> str:
    """Adds an empty scene in front of another, or at the end; returns its id."""
    episode = read_script(Episode.open(request_of(folder, output)))
    assert episode.script is not None
    checked = _checked(board, Scene, "slugline", slugline)
    empty = Scene(slugline=str(checked), shots=(), dialogue=())
    script = episode.script.model_copy(update={"scenes": (*episode.script.scenes, empty)})
    name = breakdown.assign_scene_ids(script)[len(script.scenes) - 1]
    shots = (Shot(size="medium", prompt=str(checked).title()[:200]),)
    old = [scene.id for scene in board.scenes]
    index = old.index(before) if before in old else len(old)
    new = empty.model_copy(update={"id": name, "shots": shots})
    with _changing(board, folder, output, f"{name} added") as path:
        change.insert_scene(path, index, new, old=old)
    return name


def delete_element(board: Board, folder: EpisodeFolder, output: Path, target: Target, name: str) -> None:
    """Deletes a shot or a line."""
    if target == "shot":
        scene, shot = find_shot(board, name)
        _arrange(board, folder, output, scene, "shots", f"{name} deleted", _without(scene.shots, shot.index))
    else:
        scene, line = find_line(board, name)
        _arrange(
            board, folder, output, scene, "dialogue", f"{name} deleted", _without(scene.lines, line.index)
        )


def move_element(
    board: Board, folder: EpisodeFolder, output: Path, target: Target, name: str, to: int
) -> None:
    """Moves a shot or a line to another place in its scene."""
    cards: Sequence[ShotCard | LineCard]
    if target == "shot":
        scene, element = _both(find_shot(board, name))
        cards, part = scene.shots, "shots"
    else:
        scene, element = _both(find_line(board, name))
        cards, part = scene.lines, "dialogue"
    order = _without(cards, element.index)
    order.insert(min(max(0, to), len(order)), element.index)
    _arrange(board, folder, output, scene, part, f"{name} moved", order)


def _both(found: tuple[SceneCard, ShotCard | LineCard]) -> tuple[SceneCard, ShotCard | LineCard]:
    return found


def _without(cards: Sequence[ShotCard | LineCard], index: int) -> list[int]:
    return [card.index for card in cards if card.index != index]


def _arrange(
    board: Board,
    folder: EpisodeFolder,
    output: Path,
    scene: SceneCard,
    part: str,
    what: str,
    order: Sequence[int],
) -> None:
    old: list[Mapping[str, Any]]
    if part == "shots":
        old = [{} if shot.key == "action" else {shot.key: shot.prompt} for shot in scene.shots]
    else:
        old = [{"beat": one.beat} if one.beat is not None else {"line": one.line} for one in scene.lines]
    with _changing(board, folder, output, what) as script:
        change.arrange_part(
            script, scene.id, "shots" if part == "shots" else "dialogue", old=old, order=order
        )


def exchange_alternate(
    board: Board, folder: EpisodeFolder, output: Path, name: str, number: int, old: tuple[str, str]
) -> None:
    """Exchanges a line for its alternate of that number, from 1, as `coldopen script --alternates` does.

    `old` are the line and the alternate. Raises Conflict if the file says something else by now.
    """
    scene, line = find_line(board, name)
    if not 1 <= number <= len(line.alternates):
        raise Conflict(None)
    if scene.lock:
        raise StudioError(f"{scene.id} is locked; unlock it first", code=2)
    index = board.scenes.index(scene)
    with _changing(board, folder, output, f"{name}: another line") as script:
        alternates.exchange_alternate(script, scene=index, element=line.index, number=number, old=old)


def add_element(
    board: Board, folder: EpisodeFolder, output: Path, scene: str, new: Line | Beat | Shot, index: int
) -> None:
    """Adds a line, a silence or a shot to a scene."""
    card = _scene(board, scene)
    if isinstance(new, Line) and new.who not in dict(board.cast):
        raise StudioError(
            f"who: wanted one of {', '.join(who for who, _ in board.cast)}, got {new.who!r}", code=2
        )
    with _changing(board, folder, output, f"{card.id}: added") as script:
        change.insert_element(script, card.id, index, new)


# ----------------------------------------------------------------------------------------------- approvals


def approve(board: Board, folder: EpisodeFolder, output: Path, scene: str, *, approved: bool) -> None:
    """Says yes to a scene as it is, or takes that back.

    Where the camera waits for it, its shots are marked in the script, too, as `coldopen approve` does.
    """
    card = _scene(board, scene)
    approvals.approve(output, board.name, scene, card.content if approved else None)
    if not board.waits_for_approval:
        return
    with _changing(board, folder, output, f"{scene}: approved") as script:
        for shot in card.shots:
            if shot.file is None and shot.is_approved != approved:
                where = Place(scene, "shots", shot.index)
                change.set_value(script, where, "approved", old=shot.is_approved, new=approved)
