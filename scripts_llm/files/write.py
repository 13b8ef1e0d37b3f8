"""Formats scripts as YAML for people, and replaces files atomically."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts_llm.files.yaml_nodes import resolve_scalar
from scripts_llm.screenplay.script import Beat, Line, Scene, Script, Shot

HOW_TO_EDIT = (
    "This file is yours: change words, move, delete and add scenes, then run the same command again.",
    "Only what no longer matches is made again. An `id` belongs to its scene: move it along, never renumber.",
    "A line is `- joe: his words` or `- {who: joe, line: his words, laugh: big}`, a silence `- {beat: 0.8}`.",
    "Shots are what is filmed, one prompt each; delete a scene's `shots` and they are written in anew.",
)

_NO_TEXT = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NOT_PLAIN = re.compile(r": |:$| #|" + _NO_TEXT.pattern)
_FLOW_SIGNS = re.compile(r"[,?\[\]{}]|:\S")  # pyyaml stops at ?
_WORDS_OF_YAML_1_1 = frozenset(("y", "n", "yes", "no", "on", "off"))
_ESCAPED = re.compile(r"[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_DIALOGUE_KEYS = frozenset((*Line.model_fields, *Beat.model_fields))


def save_script(script: Script, path: Path, *, head: Sequence[str]) -> None:
    """Writes a script below comments: `head`, then how to edit it. Replaces the file atomically."""
    rows = [*format_comments([*head, "", *HOW_TO_EDIT]), "", *script_rows(script)]
    replace_file(path, ("\n".join(rows) + "\n").encode())


def format_comments(lines: Sequence[str]) -> list[str]:
    """Lines as YAML comments; a line break in one begins another comment."""
    rows = [row for line in lines for row in line.splitlines() or [""]]
    return ["# " + _NO_TEXT.sub(" ", row) if row else "#" for row in rows]


def script_rows(script: Script) -> list[str]:
    """The script as lines of YAML, without comments."""
    rows = [f"schema: {script.schema_}", f"title: {format_scalar(script.title)}"]
    if script.logline is not None:
        rows.append(f"logline: {format_scalar(script.logline)}")
    if script.meme is not None:
        rows += ["meme:", *_block(script.meme.model_dump(exclude_defaults=True), "  ")]
    if script.cast:
        rows += ["cast:"]
        for key, character in script.cast.items():
            known = character.model_dump(exclude_defaults=True, mode="json")
            rows += [f"  {format_scalar(key)}:{'' if known else ' {}'}", *_block(known, "    ")]
    rows.append("scenes:")
    for scene in script.scenes:
        first, *others = scene_rows(scene)
        rows += ["  - " + first, *("    " + row for row in others), ""]
    return rows[:-1]


def _block(values: Mapping[str, Any], indent: str) -> list[str]:
    return [
        f"{indent}{format_scalar(key)}: "
        + (format_scalar(value) if isinstance(value, str) else flow_style(value))
        for key, value in values.items()
    ]


def scene_rows(scene: Scene) -> list[str]:
    """One scene as lines of YAML."""
    known = scene.model_dump(exclude_defaults=True, mode="json")
    values = {key: known[key] for key in Scene.model_fields if key in known}
    rows: list[str] = []
    for key, value in values.items():
        if key == "shots" and scene.shots:
            rows += ["shots:", *(f"  - {format_shot(shot)}" for shot in scene.shots)]
        elif key == "dialogue":
            rows += ["dialogue:", *(f"  - {format_element(element)}" for element in scene.dialogue)]
        elif key == "sfx":
            rows += ["sfx:", *(f"  - {flow_style(sound)}" for sound in value)]
        else:
            rows += _block({key: value}, "")
    return rows


def format_shot(shot: Shot) -> str:
    """A shot on one line: `{size: medium, prompt: "..."}`."""
    return flow_style(shot.model_dump(exclude_defaults=True, mode="json"))


def format_element(element: Line | Beat) -> str:
    known = element.model_dump(exclude_defaults=True, mode="json")
    if isinstance(element, Line) and len(known) == 2 and element.who not in _DIALOGUE_KEYS:
        return f"{format_scalar(element.who)}: {format_scalar(element.line)}"
    return flow_style(known)


# -------------------------------------------------------------------------------------------- scalars


def flow_style(value: Any) -> str:
    """Any value on one line: lists in [], mappings in {}."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(
                f"{format_scalar(str(key), in_flow=True)}: {flow_style(each)}" for key, each in value.items()
            )
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow_style(each) for each in value) + "]"
    return format_scalar(value, in_flow=True) if isinstance(value, str) else json.dumps(value)


def format_scalar(text: str, *, in_flow: bool = False) -> str:
    """Text without quotes if YAML 1.1 and 1.2 readers both take it as this text, else in double quotes."""
    if _is_plain(text) and not (in_flow and _FLOW_SIGNS.search(text)):
        return text
    return double_quote(text)


def double_quote(text: str) -> str:
    """Text in double quotes that every YAML reader understands."""
    plain = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda sign: f"\\u{ord(sign[0]):04x}", plain)


def _is_plain(text: str) -> bool:
    if not text or not (text[0].isalpha() or text[0] == "_") or text[-1].isspace():
        return False
    if _NOT_PLAIN.search(text) or text.lower() in _WORDS_OF_YAML_1_1:
        return False
    return isinstance(resolve_scalar(text), str)


# --------------------------------------------------------------------------------------------- the disk


def replace_file(path: Path, content: bytes) -> None:
    """Writes a file atomically: to `<name>.<process>.part`, then moved into place. Keeps the old file's mode.

    Raises OSError with the file's name, and leaves the old file, if writing fails.
    """
    path = path.resolve()
    part = path.with_name(f"{path.name}.{os.getpid()}.part")  # another run may write the same file
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            shutil.copymode(path, part)
        os.replace(part, path)
    except OSError as fault:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        fault.filename = fault.filename or str(path)
        raise
