"""The alternates of a line in a script that users have typed: written in, and exchanged. Other bytes stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts_llm.editing.change import Conflict
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
from scripts_llm.files.write import flow_style, format_scalar
from scripts_llm.files.yaml_nodes import Node, construct, parse
from scripts_llm.screenplay.script import Beat, Line

_OF_A_LINE = frozenset((*Line.model_fields, *Beat.model_fields))


def set_alternates(path: Path, *, scene: int, element: int, alternates: Sequence[str]) -> None:
    """Writes alternates into a line that has none; both numbers are indexes.

    Raises ScriptError if it has some, or if they cannot be written.
    """
    source = Source(path, read_text(path, what="script"))
    root, line = _line_of_dialogue(source, scene, element)
    expected = construct(root)
    if expected["scenes"][scene]["dialogue"][element].get("alternates"):
        raise ScriptError(f"{path}:{line.start.line}: wanted a line without alternates, got one with some")
    expected["scenes"][scene]["dialogue"][element]["alternates"] = list(alternates)
    new = apply_edits(source.text, [_key_edit(line, flow_style(list(alternates)), source.text)])
    replace_text(source, new, expected, what="alternates")


def exchange_alternate(
    path: Path, *, scene: int, element: int, number: int, old: tuple[str, str] | None = None
) -> None:
    """Exchanges a line's words for its alternate of that number, from 1: they change places.

    `old` are the line and the alternate as somebody has read them: a Conflict is raised if the file has
    others by now. Raises ScriptError if there is no such alternate, or if it cannot be written.
    """
    source = Source(path, read_text(path, what="script"))
    root, line = _line_of_dialogue(source, scene, element)
    keys = line.value if isinstance(line.value, dict) else {}
    listed = keys.get("alternates")
    if listed is None or not isinstance(listed.value, list) or not 1 <= number <= len(listed.value):
        raise ScriptError(f"{path}:{line.start.line}: wanted an alternate number {number}, got fewer")
    expected = construct(root)
    content = expected["scenes"][scene]["dialogue"][element]
    key = _key_of_the_words(content)
    others = content["alternates"]
    if old is not None and (content[key].strip(), others[number - 1].strip()) != old:
        raise Conflict(content[key])
    content[key], others[number - 1] = others[number - 1], content[key]
    words, other = keys[key], listed.value[number - 1]
    edits = [
        _scalar_edit(words, content[key], source.text, in_flow=line.flow),
        _scalar_edit(other, others[number - 1], source.text, in_flow=listed.flow),
    ]
    replace_text(source, apply_edits(source.text, edits), expected, what="another line")


def _line_of_dialogue(source: Source, scene: int, element: int) -> tuple[Node, Node]:
    """The root, and the node of a line."""
    root, _ = parse(source)
    found = scene_nodes(root, source.path, scene)[scene].value
    listed = found.get("dialogue") if isinstance(found, dict) else None
    if root is None or listed is None or not isinstance(listed.value, list) or element >= len(listed.value):
        raise ScriptError(f"{source.path}: wanted at least {element + 1} lines in the scene, got fewer")
    line: Node = listed.value[element]
    if not isinstance(line.value, dict) or not line.value:
        raise ScriptError(f"{source.path}:{line.start.line}: wanted a line of dialogue, got something else")
    return root, line


def _key_of_the_words(line: Mapping[str, Any]) -> str:
    """The key of a line's words: `line`, or in the short form the one that names the speaker."""
    return "line" if "line" in line else next(key for key in line if key not in _OF_A_LINE)


def _key_edit(line: Node, value: str, text: str) -> TextEdit:
    """The edit that sets `alternates:`: in an empty key's place, or behind the other keys."""
    keys = line.value if isinstance(line.value, dict) else {}
    if "alternates" in keys:
        empty = keys["alternates"]
        return TextEdit(empty.start.index, empty.end.index, (" " if empty.is_blank else "") + value)
    if line.flow:
        behind = keys[str(key_nodes(line)[-1].value)].end.index
        return TextEdit(behind, behind, f", alternates: {value}")
    behind = end_of_line(text, len(text[: last_descendant(line).end.index].rstrip()))
    indent = line_end_of(text) + " " * (key_nodes(line)[0].start.column - 1)
    return TextEdit(behind, behind, f"{indent}alternates: {value}")


def _scalar_edit(node: Node, words: str, text: str, *, in_flow: bool) -> TextEdit:
    """The edit that puts other words in a scalar's place."""
    end = node.start.index + len(text[node.start.index : node.end.index].rstrip())
    return TextEdit(node.start.index, end, format_scalar(words, in_flow=in_flow))
