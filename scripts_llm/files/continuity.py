"""Reads and edits continuity.yaml, which users edit as well.

Saving an entry changes the text of that entry only; comments, order and every other byte are kept.
"""

from __future__ import annotations

from pathlib import Path

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Source, faults_error, read_text
from scripts_llm.files.validation import validate
from scripts_llm.files.write import flow_style, format_scalar, replace_file
from scripts_llm.files.yaml_nodes import Node, construct, parse
from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry

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
    told = read_continuity(path).episodes
    return next((each for each in told if each.episode == episode), None)


def save_entry(path: Path, told: ContinuityEntry, *, show: str) -> None:
    """Writes an episode's entry over the one that it had, or inserts it in the order of episodes.

    The file is created if it is missing. Raises ScriptError, and leaves the file unchanged, if its YAML is
    written in a way that an entry cannot be inserted into.
    """
    wanted = read_continuity(path).with_episode(told)
    text = read_text(path, what="continuity") if path.exists() else HEAD.format(show=" ".join(show.split()))
    new = _with_entry(text, told, path)
    if _reads_as(new, path) != wanted:
        raise ScriptError(
            f"{path}: wanted to add what happened in {told.episode}, got YAML that is too clever for that, "
            "try a plain list of entries under `episodes:`"
        )
    replace_file(path, new.encode())


def entry_rows(told: ContinuityEntry) -> list[str]:
    """An entry as lines of YAML, without indentation."""
    known = told.model_dump(exclude_defaults=True, mode="json")
    rows = []
    for key, value in known.items():
        if isinstance(value, str):
            rows.append(f"{key}: {format_scalar(value)}")
        elif isinstance(value, list):
            rows += [f"{key}:", *(f"  - {format_scalar(each)}" for each in value)]
        else:
            rows.append(f"{key}: {flow_style(value)}")
    return rows


def _with_entry(text: str, told: ContinuityEntry, path: Path) -> str:
    root, _ = parse(Source(path, text))
    listed = root.value.get("episodes") if root is not None and isinstance(root.value, dict) else None
    entries = listed.value if listed is not None and isinstance(listed.value, list) else []
    if not entries:
        head = text if listed is not None else f"{text.rstrip()}\n\nepisodes:\n".lstrip()
        head = head[: listed.start.index] + head[listed.end.index :] if listed is not None else head
        return f"{head.rstrip()}\n{_block(told, 2)}"
    indent = entries[0].start.column - 3
    own = next((entry for entry in entries if _code(entry) == told.episode), None)
    if own is not None:
        start, end = _line_start(text, own), _end_of(text, own)
        return text[:start] + _block(told, indent) + text[end:]
    later = next((entry for entry in entries if _number(_code(entry)) > _number(told.episode)), None)
    if later is not None:
        start = _line_start(text, later)
        return text[:start] + _block(told, indent) + "\n" + text[start:]
    end = _end_of(text, entries[-1])
    before = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
    return f"{before}\n{_block(told, indent)}{text[end:]}"


def _block(told: ContinuityEntry, indent: int) -> str:
    first, *rest = entry_rows(told)
    rows = [f"- {first}", *(f"  {row}" for row in rest)]
    return "".join(f"{' ' * indent}{row}\n" for row in rows)


def _line_start(text: str, entry: Node) -> int:
    return text.rfind("\n", 0, entry.start.index) + 1


def _end_of(text: str, entry: Node) -> int:
    """The offset behind the last line of an entry's text, without the comments and blank lines after it."""
    last = len(text[: entry.end.index].rstrip())
    end = text.find("\n", last)
    return len(text) if end < 0 else end + 1


def _code(entry: Node) -> str:
    value = construct(entry)
    return str(value.get("episode", "")) if isinstance(value, dict) else ""


def _number(code: str) -> tuple[int, ...]:
    return tuple(int(digits) for digits in code.lstrip("s").split("e") if digits.isdecimal())


def _reads_as(text: str, path: Path) -> Continuity | None:
    try:
        root, _ = parse(Source(path, text))
        if root is None:
            return None
        return validate(Continuity, _without_an_empty_list(root), path)[0]
    except ScriptError:
        return None


def _without_an_empty_list(root: Node) -> Node:
    """Removes an `episodes:` key without a value, which means an empty list."""
    if isinstance(root.value, dict) and "episodes" in root.value and root.value["episodes"].is_blank:
        del root.value["episodes"]
    return root
