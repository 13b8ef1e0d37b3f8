"""Reads and writes outline.yaml, which users edit before the scenes are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Source, faults_error, read_text
from scripts_llm.files.validation import validate
from scripts_llm.files.write import flow_style, format_comments, format_scalar, replace_file
from scripts_llm.files.yaml_nodes import parse
from scripts_llm.screenplay.outline import Outline, OutlineScene

HOW_TO_EDIT = (
    "This file is yours: change who wants what, turn and button, move, delete and add scenes; then run the",
    "next command, and the scenes follow it. Take a key's words out to leave it to the writer.",
)


def read_outline(path: Path) -> Outline:
    """Reads an outline. Raises ScriptError with every fault in the file."""
    source = Source(path, read_text(path, what="outline"))
    root, faults = parse(source)
    if root is None or root.is_blank:
        raise ScriptError(f"{path}: wanted an outline, got an empty file, try deleting it")
    outline, more = validate(Outline, root, path)
    if outline is None or faults or more:
        raise faults_error([*faults, *more], source)
    return outline


def save_outline(outline: Outline, path: Path, *, head: Sequence[str]) -> None:
    """Writes an outline below comments: `head`, then how to edit it. Replaces the file atomically."""
    rows = [*format_comments([*head, "", *HOW_TO_EDIT]), "", *outline_rows(outline)]
    replace_file(path, ("\n".join(rows) + "\n").encode())


def outline_rows(outline: Outline) -> list[str]:
    """The outline as lines of YAML, without comments; empty keys of the episode are left out."""
    values = outline.model_dump(mode="json", by_alias=True, exclude={"scenes"})
    rows = [f"{key}: {_value(value)}" for key, value in values.items() if value not in ("", [])]
    rows += ["scenes:"]
    for scene in outline.scenes:
        first, *others = _scene_rows(scene)
        rows += [f"  - {first}", *(f"    {row}" for row in others), ""]
    return rows[:-1]


def _scene_rows(scene: OutlineScene) -> list[str]:
    return [f"{key}: {_value(value)}" for key, value in scene.model_dump(mode="json").items()]


def _value(value: object) -> str:
    return format_scalar(value) if isinstance(value, str) else flow_style(value)
