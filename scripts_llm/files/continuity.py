"""Reads and edits continuity.yaml, which users edit as well.

Saving an entry changes the text of that entry only; comments, order and every other byte are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts_llm.files.edit import replace_text
from scripts_llm.files.source import Source, faults_error, read_text
from scripts_llm.files.validation import validate
from scripts_llm.files.write import flow_style, format_scalar
from scripts_llm.files.yaml_nodes import Node, construct, parse
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry, episode_number

HEAD = """\
# What happened so far in {show}: the writer reads it before every new episode.
#
# This file is yours: change what happened, add a promise, take a joke out. An entry that you changed stays
# as you left it; a new episode adds its own.

schema: 1
episodes:
"""


def read_continuity(path: Path) -> Continuity:
    """Reads the file; an empty Continuity if there is none. Raises ScriptError with every fault."""
    if not path.exists():
        return Continuity()
    source = Source(path, read_text(path, what="continuity"))
    root, faults = parse(source)
    if root is None or root.is_blank:
        return Continuity()
    known, more = validate(Continuity, _without_an_empty_list(root), path)
    if known is None or faults or more:
        raise faults_error([*faults, *more], source)
    return known


def read_entry(path: Path, episode: str) -> ContinuityEntry | None:
    """The entry of an episode in the file, or None."""
    return next((entry for entry in read_continuity(path).episodes if entry.episode == episode), None)


def save_entry(path: Path, entry: ContinuityEntry, *, show: str) -> None:
    """Writes an episode's entry over the one that it had, or inserts it in the order of episodes.

    The file is created if it is missing. Raises ScriptError, and leaves the file unchanged, if its YAML is
    written in a way that an entry cannot be inserted into.
    """
    read_continuity(path)
    exists = path.exists()
    text = read_text(path, what="continuity") if exists else HEAD.format(show=" ".join(show.split()))
    source = Source(path, text)
    root, _ = parse(source)
    replace_text(
        source,
        _with_entry(text, root, entry),
        _content_with_entry(root, entry),
        what=f"what happened in {entry.episode}",
        hint="a plain list of entries under `episodes:`",
    )


def entry_rows(entry: ContinuityEntry) -> list[str]:
    """An entry as lines of YAML, without indentation."""
    known = entry.model_dump(exclude_defaults=True, mode="json")
    rows = []
    for key, value in known.items():
        if isinstance(value, str):
            rows.append(f"{key}: {format_scalar(value)}")
        elif isinstance(value, list):
            rows += [f"{key}:", *(f"  - {format_scalar(each)}" for each in value)]
        else:
            rows.append(f"{key}: {flow_style(value)}")
    return rows


def _content_with_entry(root: Node | None, entry: ContinuityEntry) -> dict[str, Any]:
    content: dict[str, Any] = construct(root) if root is not None and not root.is_blank else {}
    entries = content["episodes"] = content.get("episodes") or []
    index, is_there = _place_for(entry.episode, [str(each.get("episode", "")) for each in entries])
    entries[index : index + is_there] = [entry.model_dump(exclude_defaults=True, mode="json")]
    return content


def _place_for(episode: str, others: Sequence[str]) -> tuple[int, bool]:
    """The index of an episode among others, and whether one of them is the same episode."""
    if episode in others:
        return others.index(episode), True
    number = episode_number(episode)
    later = (index for index, other in enumerate(others) if episode_number(other) > number)
    return next(later, len(others)), False


def _with_entry(text: str, root: Node | None, entry: ContinuityEntry) -> str:
    listed = root.value.get("episodes") if root is not None and isinstance(root.value, dict) else None
    nodes = listed.value if listed is not None and isinstance(listed.value, list) else []
    if not nodes:
        head = text if listed is not None else f"{text.rstrip()}\n\nepisodes:\n".lstrip()
        head = head[: listed.start.index] + head[listed.end.index :] if listed is not None else head
        return f"{head.rstrip()}\n{_block(entry, 2)}"
    block = _block(entry, nodes[0].start.column - 3)
    index, is_there = _place_for(entry.episode, [_code(node) for node in nodes])
    if index == len(nodes):
        end = _end_of(text, nodes[-1])
        before = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
        return f"{before}\n{block}{text[end:]}"
    start = text.rfind("\n", 0, nodes[index].start.index) + 1
    if is_there:
        return text[:start] + block + text[_end_of(text, nodes[index]) :]
    return f"{text[:start]}{block}\n{text[start:]}"


def _block(entry: ContinuityEntry, indent: int) -> str:
    first, *rest = entry_rows(entry)
    rows = [f"- {first}", *(f"  {row}" for row in rest)]
    return "".join(f"{' ' * indent}{row}\n" for row in rows)


def _end_of(text: str, node: Node) -> int:
    """The offset behind the last line of an entry's text, without the comments and blank lines after it."""
    last = len(text[: node.end.index].rstrip())
    end = text.find("\n", last)
    return len(text) if end < 0 else end + 1


def _code(node: Node) -> str:
    value = construct(node)
    return str(value.get("episode", "")) if isinstance(value, dict) else ""


def _without_an_empty_list(root: Node) -> Node:
    """Removes an `episodes:` key without a value, which means an empty list."""
    if isinstance(root.value, dict) and "episodes" in root.value and root.value["episodes"].is_blank:
        del root.value["episodes"]
    return root
