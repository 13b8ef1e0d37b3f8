"""Changes of one thing in a script that a person types at the same time: a value, an order, a deletion.

Every change says what it takes for the old state; where the file says something else by now, a `Conflict` is
raised and nothing is written. All other bytes stay: comments, quotes, indentation, line ends. Comments above
an element move along with it, and go with it when it is deleted.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from scripts_llm.errors import ScriptError
from scripts_llm.files.edit import (
    TextEdit,
    apply_edits,
    end_of_line,
    key_nodes,
    last_descendant,
    line_end_of,
    replace_text,
    scene_nodes,
)
from scripts_llm.files.source import Source, read_text
from scripts_llm.files.write import flow_style, format_element, format_scalar, format_shot, scene_rows
from scripts_llm.files.yaml_nodes import Node, construct, parse
from scripts_llm.plain_text import strip_controls
from scripts_llm.screenplay.script import Beat, Line, Scene, Shot

Part = Literal["shots", "dialogue"]
Value = str | int | float | bool | None

_OF_AN_ELEMENT = frozenset((*Line.model_fields, *Beat.model_fields))


class Conflict(ScriptError):
    """The file says something else by now; `now` is what, and None if the place is not there any more."""

    def __init__(self, now: Any) -> None:
        super().__init__("the file was changed meanwhile")
        self.now = now


@dataclass(frozen=True)
class Place:
    """A scene by its id; with `part`, one of its shots or elements of dialogue by its index."""

    scene: str
    part: Part | None = None
    index: int = 0


# ------------------------------------------------------------------------------------------------ reading


class _File:
    """A script as it lies there: its text, its tree and its content."""

    def __init__(self, path: Path) -> None:
        self.source = Source(path, read_text(path, what="script"))
        self.text = self.source.text
        self.root, _ = parse(self.source)
        self.scenes = scene_nodes(self.root, path, 0)
        self.content: Any = construct(self.root) if self.root is not None else {}

    @property
    def ids(self) -> list[str]:
        """The ids of the scenes, in order; empty for one that has none."""
        return [str(scene.get("id") or "") for scene in self.content["scenes"]]

    def scene(self, name: str) -> tuple[int, Node]:
        """Index and node of the scene of that id. Raises Conflict."""
        if not name or name not in self.ids:
            raise Conflict(None)
        index = self.ids.index(name)
        return index, self.scenes[index]

    def listed(self, scene: Node, part: Part) -> list[Node]:
        """The elements of a part of a scene."""
        found = scene.value.get(part) if isinstance(scene.value, dict) else None
        return found.value if found is not None and isinstance(found.value, list) else []

    def save(self, new: str, what: str) -> None:
        """Replaces the file if the new text reads as the content does by now. Raises ScriptError."""
        replace_text(self.source, new, self.content, what=what)


def _key_of(element: Mapping[str, Any], key: str) -> str:
    """The key as the file spells it: of `- joe: text`, the line and who says it are the same pair."""
    if key in ("line", "who") and not {"who", "line", "beat"} & element.keys():
        return next((name for name in element if name not in _OF_AN_ELEMENT), key)
    return key


def _value_of(element: Mapping[str, Any], key: str) -> Any:
    spelled = _key_of(element, key)
    return spelled if key == "who" and spelled != "who" else element.get(spelled)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same to a person: what is not said is nothing, false or empty."""
    if one in (None, "", False) and other in (None, "", False):
        return True
    if isinstance(one, str) and isinstance(other, str):  # as the script's models read them
        return strip_controls(one).strip() == strip_controls(other).strip()
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def _find(file: _File, place: Place, key: str, old: Value) -> tuple[Node, Any]:
    """Node and content of the element, also where it stands elsewhere in its scene by now."""
    at, scene = file.scene(place.scene)
    content = file.content["scenes"][at]
    if place.part is None:
        return scene, content
    nodes, contents = file.listed(scene, place.part), content.get(place.part) or []
    here = contents[place.index] if place.index < len(nodes) else None
    if isinstance(here, dict) and _is_same(_value_of(here, key), old):
        return nodes[place.index], here
    if old not in (None, "", False):
        same = [
            n
            for n, one in enumerate(contents)
            if isinstance(one, dict) and _is_same(_value_of(one, key), old)
        ]
        if len(same) == 1:
            return nodes[same[0]], contents[same[0]]
    raise Conflict(_value_of(here, key) if isinstance(here, dict) else None)


# ------------------------------------------------------------------------------------------------- values


def set_value(path: Path, place: Place, key: str, *, old: Value, new: Value) -> None:
    """Sets one value of a scene, shot or line; None takes the key away.

    Raises Conflict if it is not `old` in the file, ScriptError if the file cannot be changed so.
    """
    file = _File(path)
    node, content = _find(file, place, key, old)
    now = _value_of(content, key)
    if not _is_same(now, old):
        raise Conflict(now)
    if now == new and isinstance(now, bool) == isinstance(new, bool):
        return
    spelled = _key_of(content, key)
    if key == "who" and spelled != "who":
        edit = _renamed(node, spelled, str(new))
        renamed = {str(new) if name == spelled else name: value for name, value in content.items()}
        content.clear()
        content.update(renamed)
    elif new is None:
        edit = _without_key(node, spelled, file.text)
        content.pop(spelled, None)
    else:
        edit = _with_value(node, spelled, new, file.text)
        content[spelled] = new
    file.save(apply_edits(file.text, [edit]), "a change")


def _renamed(node: Node, key: str, new: str) -> TextEdit:
    spelled = node.keys[key]
    return TextEdit(spelled.start.index, spelled.end.index, format_scalar(new, in_flow=node.flow))


def _scalar(value: Value, *, in_flow: bool) -> str:
    return format_scalar(value, in_flow=in_flow) if isinstance(value, str) else json.dumps(value)


def _with_value(node: Node, key: str, new: Value, text: str) -> TextEdit:
    """The value replaced, or the key added: behind the id, with which a scene begins, else at the end."""
    assert isinstance(node.value, dict)
    value = _scalar(new, in_flow=node.flow)
    old = node.value.get(key)
    if old is not None:
        was = text[old.start.index : old.end.index]
        ending = was[len(was.rstrip()) :] if "\n" in was and not node.flow else ""  # of a block of text
        return TextEdit(old.start.index, old.end.index, (" " if old.is_blank else "") + value + ending)
    keys = key_nodes(node)
    if node.flow:
        last = node.value[str(keys[-1].value)]
        return TextEdit(last.end.index, last.end.index, f", {key}: {value}")
    behind = node.keys.get("id") or node.keys.get("slugline") or keys[-1]
    value_of = node.value[str(behind.value)]
    at = end_of_line(text, max(value_of.start.index, len(text[: value_of.end.index].rstrip())))
    return TextEdit(at, at, line_end_of(text) + " " * (keys[0].start.column - 1) + f"{key}: {value}")


def _without_key(node: Node, key: str, text: str) -> TextEdit:
    """The key taken away with its line, but for a comment behind it."""
    assert isinstance(node.value, dict)
    keys = key_nodes(node)
    spelled, value = node.keys[key], node.value[key]
    place = keys.index(spelled)
    if node.flow:
        if place + 1 < len(keys):
            return TextEdit(spelled.start.index, keys[place + 1].start.index, "")
        before = node.value[str(keys[place - 1].value)].end.index if place else spelled.start.index
        return TextEdit(before, value.end.index, "")
    start = text.rfind("\n", 0, spelled.start.index) + 1
    end = max(spelled.end.index + 1, len(text[: value.end.index].rstrip()))
    if text[start : spelled.start.index].strip():  # behind the dash: the next key takes its place
        if place + 1 == len(keys) or text[end : keys[place + 1].start.index].strip():
            raise ScriptError(f"{key}: wanted to take it out of the file, got a line that is too clever")
        return TextEdit(spelled.start.index, keys[place + 1].start.index, "")
    if text[end : end_of_line(text, end)].strip():
        return TextEdit(spelled.start.index, end, "")
    return TextEdit(start, min(len(text), text.find("\n", end) + 1 or len(text)), "")


# ------------------------------------------------------------------------------------------------- orders


def arrange_scenes(path: Path, *, old: Sequence[str], new: Sequence[str]) -> None:
    """Puts the scenes, by id, into the new order; those that it lacks are deleted, with their comments.

    Raises Conflict with the order of the file if it is not `old`.
    """
    file = _File(path)
    if file.ids != list(old) or not set(new) <= set(old) or len(set(new)) != len(new):
        raise Conflict(file.ids)
    if not new:
        raise ScriptError(f"{path}: wanted at least one scene, got none; a script has to have one")
    order = [file.ids.index(name) for name in new]
    file.content["scenes"] = [file.content["scenes"][index] for index in order]
    file.save(_rearranged(file.text, file.scenes, order), "an order")


def arrange_part(
    path: Path, scene: str, part: Part, *, old: Sequence[Mapping[str, Any]], order: Sequence[int]
) -> None:
    """Puts shots or dialogue of a scene into another order, by index; those that it lacks are deleted.

    Raises Conflict if the elements in the file are not `old`, which has of each what identifies it.
    """
    file = _File(path)
    at, node = file.scene(scene)
    content = file.content["scenes"][at]
    elements = content.get(part) or []
    if len(elements) != len(old) or not all(map(_agrees, elements, old)):
        raise Conflict(elements)
    if any(not 0 <= index < len(old) for index in order) or len(set(order)) != len(order):
        raise Conflict(elements)
    nodes = file.listed(node, part)
    if order:
        content[part] = [elements[index] for index in order]
        file.save(_rearranged(file.text, nodes, order), "an order")
        return
    content[part] = []
    file.save(_emptied(file.text, node, part, nodes), "an empty list")


def _agrees(element: Any, old: Mapping[str, Any]) -> bool:
    return isinstance(element, dict) and all(
        _is_same(_value_of(element, key), value) for key, value in old.items()
    )


def _is_flow(text: str, node: Node) -> bool:
    """Whether an element stands in [] instead of behind a dash."""
    before = text[: node.start.index].rstrip()
    return before.endswith(("[", ","))


def _rearranged(text: str, nodes: Sequence[Node], order: Sequence[int]) -> str:
    if _is_flow(text, nodes[0]):
        gaps = [text[a.end.index : b.start.index] for a, b in itertools.pairwise(nodes)]
        if any("#" in gap for gap in gaps):
            raise ScriptError(
                "wanted to change an order, got comments between [ and ], try a list with dashes"
            )
        pieces = [text[nodes[index].start.index : nodes[index].end.index] for index in order]
        return text[: nodes[0].start.index] + ", ".join(pieces) + text[nodes[-1].end.index :]
    starts, end = _blocks(text, nodes)
    bounds = [*starts, end]
    blocks = [text[a:b] for a, b in itertools.pairwise(bounds)]
    parts = [block.rstrip() for block in blocks]
    gaps = [block[len(part) :] or line_end_of(text) for block, part in zip(blocks, parts, strict=True)]
    last = gaps[-1]  # of the last one, whichever that is by then
    kept = [gaps[min(place, len(gaps) - 2)] if len(gaps) > 1 else last for place in range(len(order) - 1)]
    new = "".join(parts[index] + gap for index, gap in zip(order, [*kept, last], strict=True))
    return text[: starts[0]] + new + text[end:]


def _blocks(text: str, nodes: Sequence[Node]) -> tuple[list[int], int]:
    """Where each element with a dash begins, comments above it included; where the last one ends."""
    starts = [_block_start(text, node) for node in nodes]
    if len(set(starts)) != len(starts):
        raise ScriptError("wanted to change an order, got several elements on a line, try one a line")
    end = len(text[: last_descendant(nodes[-1]).end.index].rstrip())
    behind = text.find("\n", max(end, nodes[-1].start.index))
    return starts, len(text) if behind < 0 else behind + 1


def _block_start(text: str, node: Node) -> int:
    dash = text.rfind("-", 0, node.start.index)
    at = text.rfind("\n", 0, dash) + 1
    if text[at:dash].strip() or (
        text[dash + 1 : node.start.index].strip(" \t\r\n")
        and not _only_comments(text[dash + 1 : node.start.index])
    ):
        raise ScriptError("wanted to change an order, got a list that begins beside its key")
    while at:
        above = text.rfind("\n", 0, at - 1) + 1
        if not text[above:at].strip().startswith("#"):
            break
        at = above
    return at


def _only_comments(text: str) -> bool:
    return all(not row.strip() or row.strip().startswith("#") for row in text.split("\n"))


def _emptied(text: str, scene: Node, part: Part, nodes: Sequence[Node]) -> str:
    if _is_flow(text, nodes[0]):
        return text[: nodes[0].start.index] + text[nodes[-1].end.index :]
    starts, end = _blocks(text, nodes)
    colon = text.index(":", scene.keys[part].end.index) + 1
    return text[:colon] + " []" + text[colon : starts[0]] + text[end:]


# --------------------------------------------------------------------------------------------- insertions


def insert_element(path: Path, scene: str, index: int, new: Line | Beat | Shot) -> None:
    """Inserts a line, a silence or a shot in front of the element of that index, or behind the last one."""
    file = _File(path)
    at, node = file.scene(scene)
    part: Part = "shots" if isinstance(new, Shot) else "dialogue"
    row = format_shot(new) if isinstance(new, Shot) else format_element(new)
    content = file.content["scenes"][at]
    elements = list(content.get(part) or [])
    nodes = file.listed(node, part)
    index = min(max(0, index), len(elements))
    alone, _ = parse(Source(path, row))
    assert alone is not None
    in_flow = node.flow or bool(nodes and _is_flow(file.text, nodes[0]))
    if in_flow and not row.startswith("{"):
        row = flow_style(construct(alone))
    content[part] = [*elements[:index], construct(alone), *elements[index:]]
    edit = _inserted(file, node, part, nodes, index, row)
    file.save(apply_edits(file.text, [edit]), "an element")


def _inserted(file: _File, scene: Node, part: Part, nodes: Sequence[Node], index: int, row: str) -> TextEdit:
    text = file.text
    if nodes and _is_flow(text, nodes[0]):
        if index < len(nodes):
            start = nodes[index].start.index
            return TextEdit(start, start, f"{row}, ")
        end = nodes[-1].end.index
        return TextEdit(end, end, f", {row}")
    if nodes:
        starts, end = _blocks(text, nodes)
        dash = text.rfind("-", 0, nodes[0].start.index)
        indent = text[text.rfind("\n", 0, dash) + 1 : dash]
        at = starts[index] if index < len(nodes) else end
        lead = "" if at == 0 or text[at - 1 : at] == "\n" else line_end_of(text)
        return TextEdit(at, at, f"{lead}{indent}- {row}{line_end_of(text)}")
    assert isinstance(scene.value, dict)
    present = scene.value.get(part)
    if scene.flow:
        if present is not None:
            return TextEdit(
                present.start.index, present.end.index, (" " if present.is_blank else "") + f"[{row}]"
            )
        end = scene.value[str(key_nodes(scene)[-1].value)].end.index
        return TextEdit(end, end, f", {part}: [{row}]")
    indent = line_end_of(text) + " " * (key_nodes(scene)[0].start.column - 1)
    if present is not None:
        return TextEdit(present.start.index, present.end.index, f"{indent}  - {row}")
    end = end_of_line(text, len(text[: last_descendant(scene).end.index].rstrip()))
    return TextEdit(end, end, f"{indent}{part}:{indent}  - {row}")


def insert_scene(path: Path, index: int, new: Scene, *, old: Sequence[str]) -> None:
    """Inserts a scene in front of the one of that index, or behind the last one.

    Raises Conflict with the order of the file if it is not `old`.
    """
    file = _File(path)
    if file.ids != list(old):
        raise Conflict(file.ids)
    first, *others = scene_rows(new)
    text = file.text
    if _is_flow(text, file.scenes[0]):
        raise ScriptError(f"{path}: wanted to insert a scene, got scenes between [ and ], try dashes")
    starts, end = _blocks(text, file.scenes)
    dash = text.rfind("-", 0, file.scenes[0].start.index)
    indent = text[text.rfind("\n", 0, dash) + 1 : dash]
    line_end = line_end_of(text)
    rows = line_end.join([f"{indent}- {first}", *(f"{indent}  {row}" for row in others)])
    index = min(max(0, index), len(starts))
    at = starts[index] if index < len(starts) else end
    lead = "" if text[at - 1 : at] == "\n" else line_end
    block = f"{rows}{line_end}{line_end}" if index < len(starts) else f"{lead}{line_end}{rows}{line_end}"
    alone, _ = parse(Source(path, re.sub(rf"^{indent}- ", f"{indent}  ", rows)))
    assert alone is not None
    file.content["scenes"].insert(index, construct(alone))
    file.save(text[:at] + block + text[at:], "a scene")
