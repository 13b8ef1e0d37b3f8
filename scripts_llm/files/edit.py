"""Edits scripts that users have typed: ids, shots, picks, whole scenes. Every other byte is kept.

Offsets come from the parsed tree, so comments, quotes, indentation and line ends stay as they are. The edited
text is parsed again and compared with the expected content before it replaces the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Source, read_text
from scripts_llm.files.write import flow_style, format_scalar, format_shot, replace_file, scene_rows
from scripts_llm.files.yaml_nodes import Node, construct, parse
from scripts_llm.screenplay.script import Scene, Shot

_PLAIN_LINES = "plain `key: value` lines, without aliases"


@dataclass(frozen=True)
class TextEdit:
    """Replaces text[start:end]."""

    start: int
    end: int
    new: str


def insert_ids_and_shots(path: Path, *, ids: Mapping[int, str], shots: Mapping[int, Sequence[Shot]]) -> None:
    """Gives scenes, by index, an id and shots. Raises ScriptError and leaves the file if it cannot."""
    if not ids and not shots:
        return
    text = read_text(path, what="script")
    root, _ = parse(Source(path, text))
    scenes = scene_nodes(root, path, max((*ids, *shots)))
    expected = _expected_content(root, ids, shots)
    for before_all in (False, True):
        edits: list[TextEdit] = []
        for index, scene in enumerate(scenes):
            if index in ids:
                edits += _id_edits(scene, ids[index], line_end_of(text))
            if index in shots:
                edits += _shots_edits(scene, shots[index], text, before_all=before_all)
        new = apply_edits(text, edits)
        if _reads_as(new, expected, path):
            replace_text(Source(path, text), new, expected, what="a shot")
            return
    raise _too_clever(path, "shots and ids into the scenes")


def set_pick(path: Path, *, scene: int, shot: int, pick: int) -> None:
    """Writes which take of a shot is used; scene and shot are indexes. Raises ScriptError if it cannot."""
    _set_in_shots(path, [(scene, shot)], "pick", pick, what="a pick")


def set_approved(path: Path, shots: Sequence[tuple[int, int]], *, approved: bool) -> None:
    """Writes whether shots, by the indexes of scene and shot, are approved.

    Raises ScriptError, and writes none, if it cannot write all.
    """
    _set_in_shots(path, shots, "approved", approved, what="an approval")


def _set_in_shots(
    path: Path, shots: Sequence[tuple[int, int]], key: str, value: int | bool, *, what: str
) -> None:
    """Sets a key of several shots to a number, true or false."""
    source = Source(path, read_text(path, what="script"))
    root, _ = parse(source)
    scenes = scene_nodes(root, path, max((scene for scene, _ in shots), default=0))
    expected: Any = None if root is None else construct(root)
    written, edits = json.dumps(value), []
    for scene, shot in shots:
        keys = scenes[scene].value
        listed = keys.get("shots") if isinstance(keys, dict) else None
        if listed is None or not isinstance(listed.value, list) or shot >= len(listed.value):
            raise ScriptError(f"{path}: wanted at least {shot + 1} shots in the scene, got fewer")
        expected["scenes"][scene]["shots"][shot][key] = value
        edits.append(_set_value_edit(listed.value[shot], key, written, source.text))
    replace_text(source, apply_edits(source.text, edits), expected, what=what)


def read_scene_text(path: Path, index: int) -> str:
    """The text of a scene in the file, without its dash."""
    source = Source(path, read_text(path, what="script"))
    start, end, _ = _scene_bounds(source, index)
    return source.text[start:end]


def replace_scene(path: Path, index: int, new: Scene | str) -> None:
    """Replaces the scene at `index` by another, or by a scene's text. Raises ScriptError if it cannot."""
    source = Source(path, read_text(path, what="script"))
    start, end, scene = _scene_bounds(source, index)
    text = new if isinstance(new, str) else _format_scene(new, scene, source.text)
    root, _ = parse(source)
    alone, _ = parse(Source(path, f"{' ' * (scene.start.column - 1)}{text}"))
    if root is None or alone is None:
        raise ScriptError(f"{path}: wanted a scene, got nothing")
    expected = construct(root)
    expected["scenes"][index] = construct(alone)
    replace_text(source, source.text[:start] + text + source.text[end:], expected, what="a scene")


def carry_over_scenes(path: Path, texts: Mapping[str, str]) -> None:
    """Replaces scenes of a script, by id, with their text from an older script; missing ones are appended.

    Only the indentation of the text changes.
    """
    for name, text in texts.items():
        source = Source(path, read_text(path, what="script"))
        root, _ = parse(source)
        ids = [construct(scene).get("id") for scene in scene_nodes(root, path, 0)]
        index = ids.index(name) if name in ids else None
        if index is None:
            column = scene_nodes(root, path, 0)[0].start.column
            end = source.text.rstrip() + "\n\n" + " " * (column - 3) + "- " + _reindent(text, column) + "\n"
            parse(Source(path, end))
            replace_file(path, end.encode())
        else:
            start, end_at, scene = _scene_bounds(source, index)
            new = source.text[:start] + _reindent(text, scene.start.column) + source.text[end_at:]
            parse(Source(path, new))
            replace_file(path, new.encode())


def _reindent(text: str, column: int) -> str:
    """Indents a scene's text for another column and keeps the relative indentation of its lines."""
    first, *others = text.split("\n")
    depths = [len(row) - len(row.lstrip(" ")) for row in others if row.strip()]
    by = column - 1 - min(depths, default=column - 1)
    moved = [
        (" " * (len(row) - len(row.lstrip(" ")) + by) + row.lstrip(" ")) if row.strip() else row
        for row in others
    ]
    return "\n".join([first, *moved])


def _scene_bounds(source: Source, index: int) -> tuple[int, int, Node]:
    """Start and end of a scene's text, without the comments and blank lines behind it, and its node."""
    root, _ = parse(source)
    scene = scene_nodes(root, source.path, index)[index]
    return scene.start.index, len(source.text[: last_descendant(scene).end.index].rstrip()), scene


def last_descendant(node: Node) -> Node:
    """The descendant whose text ends last."""
    while not node.flow and isinstance(node.value, dict | list) and node.value:
        inner = list(node.value.values()) if isinstance(node.value, dict) else node.value
        deepest = max(inner, key=lambda each: each.end.index)
        if deepest.is_blank:
            return deepest
        node = deepest
    return node


def _format_scene(scene: Scene, node: Node, text: str) -> str:
    if node.flow:
        return flow_style(scene.model_dump(exclude_defaults=True, mode="json"))
    return (line_end_of(text) + " " * (node.start.column - 1)).join(scene_rows(scene))


def _set_value_edit(mapping: Node, key: str, value: str, text: str) -> TextEdit:
    """The edit that sets a key: its value replaced, or the key added behind the others."""
    old = mapping.value.get(key) if isinstance(mapping.value, dict) else None
    if old is not None:
        return TextEdit(old.start.index, old.end.index, (" " if old.is_blank else "") + value)
    keys = key_nodes(mapping)
    if mapping.flow:
        assert isinstance(mapping.value, dict)
        last = mapping.value[str(keys[-1].value)]
        return TextEdit(last.end.index, last.end.index, f", {key}: {value}")
    indent = line_end_of(text) + " " * (keys[0].start.column - 1)
    return TextEdit(keys[0].start.index, keys[0].start.index, f"{key}: {value}{indent}")


def replace_text(source: Source, new: str, expected: Any, *, what: str, hint: str = _PLAIN_LINES) -> None:
    """Replaces a file's text if the new text parses to the expected content, or creates it.

    Raises ScriptError, and leaves the file unchanged, if it does not, or if the file has changed meanwhile.
    """
    if not _reads_as(new, expected, source.path):
        raise _too_clever(source.path, f"{what} into it", hint)
    if source.path.exists() and read_text(source.path, what="YAML") != source.text:
        raise ScriptError(f"{source.path}: was changed while {what} was written in, try again")
    replace_file(source.path, new.encode())


def _too_clever(path: Path, what: str, hint: str = _PLAIN_LINES) -> ScriptError:
    return ScriptError(f"{path}: wanted to write {what}, got YAML that is too clever for that, try {hint}")


def scene_nodes(root: Node | None, path: Path, last: int) -> list[Node]:
    scenes = root.value.get("scenes") if root is not None and isinstance(root.value, dict) else None
    if scenes is None or not isinstance(scenes.value, list) or last >= len(scenes.value):
        raise ScriptError(f"{path}: wanted at least {last + 1} scenes, got fewer")
    for scene in scenes.value:
        if not isinstance(scene.value, dict) or not scene.value:
            raise ScriptError(f"{path}:{scene.start.line}: wanted a scene, got something else")
    return scenes.value


def _expected_content(root: Node | None, ids: Mapping[int, str], shots: Mapping[int, Sequence[Shot]]) -> Any:
    """The content of the file after the ids and shots are inserted."""
    content = construct(root) if root is not None else {}
    for index, key in ids.items():
        content["scenes"][index]["id"] = key
    for index, several in shots.items():
        content["scenes"][index]["shots"] = [
            shot.model_dump(exclude_defaults=True, mode="json") for shot in several
        ]
    return content


def _reads_as(text: str, expected: Any, path: Path) -> bool:
    try:
        root, faults = parse(Source(path, text))
    except ScriptError:
        return False
    return root is not None and not faults and construct(root) == expected


def apply_edits(text: str, edits: Sequence[TextEdit]) -> str:
    """Applies all edits; edits at the same offset keep their order."""
    pieces: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += [text[done : edit.start], edit.new]
        done = edit.end
    return "".join([*pieces, text[done:]])


# ------------------------------------------------------------------------------------------ the places


def _id_edits(scene: Node, key: str, line_end: str) -> list[TextEdit]:
    present = _empty_value(scene, "id")
    if present is not None:
        new = (" " if present.is_blank else "") + format_scalar(key)
        return [TextEdit(present.start.index, present.end.index, new)]
    first = key_nodes(scene)[0].start
    after = ", " if scene.flow else line_end + " " * (first.column - 1)
    return [TextEdit(first.index, first.index, f"id: {format_scalar(key)}{after}")]


def _shots_edits(scene: Node, shots: Sequence[Shot], text: str, *, before_all: bool) -> list[TextEdit]:
    keys = key_nodes(scene)
    inline = f"[{', '.join(format_shot(shot) for shot in shots)}]"
    indent = line_end_of(text) + " " * (keys[0].start.column - 1)
    rows = "".join(f"{indent}  - {format_shot(shot)}" for shot in shots)
    present = _empty_value(scene, "shots")
    if present is not None and scene.flow:
        new = (" " if present.is_blank else "") + inline
        return [TextEdit(present.start.index, present.end.index, new)]
    if present is not None:
        behind = end_of_line(text, present.end.index)
        return [TextEdit(present.start.index, present.end.index, ""), TextEdit(behind, behind, rows)]
    following = keys[0] if before_all else _key_behind_the_action(scene)
    if following is not None:
        new = f"shots: {inline}, " if scene.flow else f"shots:{rows}{indent}"
        return [TextEdit(following.start.index, following.start.index, new)]
    last = scene.value[str(keys[-1].value)] if isinstance(scene.value, dict) else scene
    if scene.flow:
        return [TextEdit(last.end.index, last.end.index, f", shots: {inline}")]
    behind = end_of_line(text, len(text[: last.end.index].rstrip()))
    return [TextEdit(behind, behind, f"{indent}shots:{rows}")]


def key_nodes(scene: Node) -> list[Node]:
    """The nodes of the scene's keys, in the order of the file."""
    return sorted(scene.keys.values(), key=lambda key: key.start.index)


def _empty_value(scene: Node, key: str) -> Node | None:
    """The value of a key if it is empty: null or an empty list."""
    value = scene.value.get(key) if isinstance(scene.value, dict) else None
    return value if value is not None and construct(value) in (None, []) else None


def _key_behind_the_action(scene: Node) -> Node | None:
    """The key before which shots are inserted: dialogue, or the one after action, setting, slugline."""
    if "dialogue" in scene.keys:
        return scene.keys["dialogue"]
    keys = key_nodes(scene)
    names = [str(key.value) for key in keys]
    before = next((name for name in ("action", "setting", "slugline") if name in names), names[-1])
    index = names.index(before) + 1
    return keys[index] if index < len(keys) else None


def line_end_of(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def end_of_line(text: str, index: int) -> int:
    end = text.find("\n", index)
    end = len(text) if end < 0 else end
    return end - 1 if text[end - 1 : end] == "\r" else end
