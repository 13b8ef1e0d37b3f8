"""YAML text as a tree of nodes that know where they stand: pyyaml's parser, YAML 1.2 scalars, and limits.

Between pyyaml's events and our nodes nothing is constructed: no tag runs, no alias explodes, no depth hurts.
Scalars keep the text they were written with, so that `No`, `1:30` and `0123` are text where text is wanted.
"""

from __future__ import annotations

import difflib
import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from scripts_llm.errors import ScriptError
from scripts_llm.yaml_parser import Parser

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_ALIASES = 100
MAX_NODES = 100_000

_INT = re.compile(r"[-+]?[0-9]{1,100}|0o[0-7]{1,100}|0x[0-9a-fA-F]{1,100}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class Spot:
    """A place in a text: its offset, and its line and column, counted from 1."""

    index: int
    line: int
    column: int


@dataclass(frozen=True)
class Node:
    """A scalar, a list or a mapping, and where it starts and ends."""

    start: Spot
    end: Spot
    value: str | list[Node] | dict[str, Node]
    plain: bool = False  # a scalar without quotes
    flow: bool = False  # a list in [] or a mapping in {}
    keys: dict[str, Node] = field(default_factory=dict)  # of a mapping: where its keys stand

    @property
    def is_blank(self) -> bool:
        """Nothing is written here: `key:`."""
        return self.plain and self.value == ""


def short(text: str) -> str:
    """Text cut to what fits into one line of an error."""
    return text if len(text) <= 70 else text[:67] + "..."


def resolve(node: Node) -> Any:
    """What a node means by YAML 1.2's core schema; infinities and numbers of a hundred digits stay text."""
    if isinstance(node.value, dict):
        return {key: resolve(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [resolve(child) for child in node.value]
    return resolve_scalar(node.value) if node.plain else node.value


def resolve_scalar(text: str) -> Any:
    """What an unquoted scalar means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


# ------------------------------------------------------------------------------------------- the file


def read_text(path: Path, *, what: str) -> str:
    """The file's text, as it stands, byte order mark and line ends included."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ScriptError(f"{path}: wanted a {what} file, got a folder{_suggest(path.glob('*.yaml'))}")
        if not stat.S_ISREG(mode):
            raise ScriptError(f"{path}: wanted a {what} file, got something that is no plain file")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ScriptError(
                f"{path}: wanted at most {MAX_BYTES:,} bytes, got {size:,}, try to split or shorten it"
            )
        raw = path.read_bytes()
    except FileNotFoundError:
        near = _near(path)
        raise ScriptError(f"{path}: wanted a {what} file, got nothing at this path{_suggest(near)}") from None
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or fault
        raise ScriptError(f"{path}: wanted a {what} file that can be read, got: {reason}") from None
    return _decode(raw, path)


def _near(path: Path) -> list[Path]:
    try:
        names = {file.name: file for file in path.parent.glob("*.y*ml")}
    except OSError:
        return []
    return [names[name] for name in difflib.get_close_matches(path.name, names, n=1)]


def _suggest(files: Any) -> str:
    try:
        first = min(files, default=None)
    except OSError:
        first = None
    return f", try {first}" if first else ""


def _decode(raw: bytes, path: Path) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ScriptError(f"{path}:1:1: wanted UTF-8, got UTF-16, try saving the file as UTF-8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        before = raw[: fault.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ScriptError(
            f"{path}:{line}:{column}: wanted UTF-8, got the byte 0x{raw[fault.start]:02x} "
            "(Latin-1?), try saving the file as UTF-8"
        ) from None
    if "\0" in text:
        before = text[: text.index("\0")]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ScriptError(f"{path}:{line}:{column}: wanted text, got a NUL byte, try taking it out")
    return text


# ----------------------------------------------------------------------------------------- the parser


def parse(text: str, path: Path) -> Node | None:
    """The tree of one YAML document, or None where there is nothing but comments. Raises ScriptError."""
    parser = Parser.__new__(Parser)
    builder = _Builder(path)
    try:
        parser.__init__(text)  # type: ignore[misc]  # the reader checks the first characters here
        while parser.check_event():
            builder.take(parser.get_event())  # type: ignore[no-untyped-call]
    except yaml.reader.ReaderError as fault:
        before = text[: fault.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise ScriptError(
            f"{path}:{line}:{column}: wanted text, got the unprintable character "
            f"U+{int(fault.character):04X}, try taking it out"
        ) from None
    except yaml.MarkedYAMLError as fault:
        raise ScriptError(_told(fault, text, path)) from None
    return builder.root


_QUOTES = "quotes around the text"
_TOLD = (
    (r"character '\\t'", "wanted spaces, got a tab", "two spaces a level"),
    (r"mapping values are not allowed", "wanted one key a line, got a second colon", _QUOTES),
    (r"could not find expected ':'", "wanted `key: value`, got text without a colon", "a colon and a space"),
    (
        r"expected <block end>",
        "wanted this as deep as its neighbours, got another depth",
        "the same indentation",
    ),
    (r"quoted|end of stream", "wanted a closing quote, got the end of the file", "a quote"),
    (r"character '[@`%]'", "wanted a word, got a sign that YAML keeps for itself", _QUOTES),
    (
        r"sequence entries",
        "wanted the list below its key, got a dash behind it",
        "a new line before the dash",
    ),
    (r"(alias|anchor)", "wanted text, got a * or & that YAML keeps for itself", _QUOTES),
    (r"expected ',' or '[\]}]'", "wanted a comma or a closing bracket, got more text", _QUOTES),
)


def _told(fault: yaml.MarkedYAMLError, text: str, path: Path) -> str:
    """One line for what pyyaml says in four."""
    said = f"{fault.context or ''} {fault.problem or ''}"
    mark = fault.problem_mark or fault.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    rows = text.splitlines() or [""]
    row = rows[min(line, len(rows)) - 1]
    if "\t" in row[: len(row) - len(row.lstrip())]:
        said = r"character '\t'"
    for pattern, told, hint in _TOLD:
        if re.search(pattern, said):
            return f"{path}:{line}:{column}: {told}, try {hint}"
    return f"{path}:{line}:{column}: wanted YAML, got this: {said.strip()}, try quotes around the text"


@dataclass
class _Open:
    """A list or mapping that is being read."""

    event: Any
    node: Node
    anchor: str | None
    size: int = 1
    key: Node | None = None


@dataclass
class _Builder:
    """Builds the tree, one event after the other, without recursion."""

    path: Path
    root: Node | None = None
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    aliases: int = 0
    nodes: int = 0
    documents: int = 0

    def take(self, event: Any) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self.fault(event, "one document", "a second one after ---", "a file of its own")
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.NodeEvent):
            self.node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)

    def fault(self, event: Any, wanted: str, got: str, hint: str) -> ScriptError:
        spot = _spot(event.start_mark)
        where = f"{self.path}:{spot.line}:{spot.column}"
        return ScriptError(f"{where}: wanted {wanted}, got {short(got)}, try {hint}")

    def alias(self, event: Any) -> None:
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.fault(event, f"at most {MAX_ALIASES} aliases", "more", "writing things out")
        if event.anchor not in self.anchors:
            raise self.fault(
                event,
                "an alias whose & stands above",
                f"*{event.anchor}",
                "quotes, if the * is meant as text",
            )
        known = self.anchors[event.anchor]
        if known is None:
            raise self.fault(
                event, "an alias of something finished", f"*{event.anchor} inside itself", "words"
            )
        self.add(known[0], known[1], event)

    def node(self, event: Any) -> None:
        explicit = getattr(event, "tag", None)
        if explicit and not (explicit == "!" and isinstance(event, yaml.ScalarEvent)):
            raise self.fault(
                event, "a plain value", f"the tag {_as_typed(explicit)!r}", "leaving the tag out"
            )
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and event.style is None
            node = Node(_spot(event.start_mark), _spot(event.end_mark), event.value, plain)
            if event.anchor:
                self.anchors[event.anchor] = (node, 1)
            self.add(node, 1, event)
            return
        if len(self.stack) >= MAX_DEPTH:
            raise self.fault(event, f"at most {MAX_DEPTH} levels", "more", "taking brackets or spaces out")
        empty: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        start = _spot(event.start_mark)
        if event.anchor:
            self.anchors[event.anchor] = None
        opened = Node(start, start, empty, flow=bool(event.flow_style))
        self.stack.append(_Open(event, opened, event.anchor))

    def close(self, event: Any) -> None:
        done = self.stack.pop()
        node = Node(
            done.node.start, _spot(event.end_mark), done.node.value, flow=done.node.flow, keys=done.node.keys
        )
        if done.anchor:
            self.anchors[done.anchor] = (node, done.size)
        self.add(node, done.size, done.event)

    def add(self, node: Node, size: int, event: Any) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            raise self.fault(
                event, f"at most {MAX_NODES:,} values", "more", "fewer aliases or a shorter file"
            )
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += size
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
        elif isinstance(parent.node.value, dict):
            self.into_mapping(parent, node, event)

    def into_mapping(self, parent: _Open, node: Node, event: Any) -> None:
        mapping = parent.node
        assert isinstance(mapping.value, dict)
        if parent.key is None:
            if not isinstance(node.value, str):
                raise self.fault(event, "a word as key", "brackets", "quotes around the text")
            if node.value == "<<" and node.plain:
                raise self.fault(event, "keys written out", "the merge key <<", "copying the keys here")
            if node.value in mapping.value:
                first = mapping.keys[node.value].start.line
                raise self.fault(
                    event, "every key once", f"{node.value!r} again", f"one of this and line {first}"
                )
            parent.key = node
            return
        key, parent.key = parent.key, None
        assert isinstance(key.value, str)
        mapping.value[key.value] = node
        mapping.keys[key.value] = key


def _as_typed(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _spot(mark: Any) -> Spot:
    return Spot(mark.index, mark.line + 1, mark.column + 1)


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    """The keys or numbers of what lies directly in a node, and the nodes."""
    if isinstance(node.value, dict):
        yield from node.value.items()
    elif isinstance(node.value, list):
        yield from enumerate(node.value)
