"""Parses YAML into nodes with positions: pyyaml's parser, YAML 1.2 scalars, and limits on size and depth.

The tree is built from pyyaml's events rather than by its composer, which loses what the messages need: the
position of an alias, whether a tag was typed, and the faults before the one that ends the parsing. It refuses
an anchor that is defined again, and recurses. Scalars keep their text, so that `No`, `1:30` and `0123` are
text where text is wanted.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

from scripts_llm.files.source import MAX_FAULTS, Fault, Source, Spot, faults_error, spot_at
from scripts_llm.files.yaml_parser import Parser

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
class Node:
    """A scalar, list or mapping with the positions of its start and end."""

    start: Spot
    end: Spot
    value: str | list[Node] | dict[str, Node]
    plain: bool = False  # a scalar without quotes
    flow: bool = False  # a list in [] or a mapping in {}
    keys: dict[str, Node] = field(default_factory=dict)  # of a mapping: the nodes of its keys

    @property
    def is_blank(self) -> bool:
        """True for a value that is missing altogether: `key:`."""
        return self.plain and self.value == ""


def construct(node: Node) -> Any:
    """The node as plain data by YAML 1.2's core schema; infinities and endless numbers stay text."""
    if isinstance(node.value, dict):
        return {key: construct(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [construct(child) for child in node.value]
    return resolve_scalar(node.value) if node.plain else node.value


def resolve_scalar(text: str) -> Any:
    """The value of an unquoted scalar by YAML 1.2's core schema."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


# ----------------------------------------------------------------------------------------- the parser


def parse(source: Source) -> tuple[Node | None, list[Fault]]:
    """The tree of a single YAML document, None if it holds only comments, and its minor faults.

    Raises ScriptError if the text is not YAML. A syntax error that concerns one line does not hide the ones
    after it: the line is removed and the rest is parsed again.
    """
    builder = _Builder()
    fault = _read(source.text, builder)
    if fault is None:
        return builder.root, builder.faults
    if foreign := _foreign_signs(source.text):
        raise faults_error(foreign, source)
    found = [*builder.faults, fault]
    text = source.text
    while fault is not None and fault.in_one_line and len(found) <= MAX_FAULTS:
        before, text = fault, _without_line(text, fault.spot.line)
        fault = _read(text, _Builder())
        if fault is None or not fault.in_one_line or fault.spot.line <= before.spot.line:
            break
        found.append(fault)
    raise faults_error(found, source)


@dataclass(frozen=True)
class _SyntaxFault(Fault):
    """A fault that stops the parsing. `in_one_line`: the text can be parsed without this line."""

    in_one_line: bool = False


def _read(text: str, builder: _Builder) -> _SyntaxFault | None:
    """Feeds the events of the text to the builder until its end or a syntax error."""
    try:
        parser = Parser(text)
        while parser.check_event():
            builder.take(parser.get_event())  # type: ignore[no-untyped-call]
    except yaml.reader.ReaderError as error:
        got = f"the unprintable character U+{int(error.character):04X}"
        return _SyntaxFault(spot_at(text, error.position), "text", got, "taking it out")
    except yaml.MarkedYAMLError as error:
        return _syntax_fault(error, text)
    except _LimitExceeded as error:
        return error.fault
    return None


def _foreign_signs(text: str) -> list[Fault]:
    """Faults of spaces and colons that look like YAML's own and are others."""
    return [
        Fault(
            spot_at(text, sign.start(1)), wanted, f"{unicodedata.name(sign[1])}, U+{ord(sign[1]):04X}", hint
        )
        for pattern, wanted, hint in _FOREIGN_SIGNS
        for sign in pattern.finditer(text)
    ]


def _without_line(text: str, line: int) -> str:
    rows = text.split("\n")
    rows[line - 1] = ""
    return "\n".join(rows)


_QUOTES = "quotes around the text"
_ONE_LINE = True
_SYNTAX_FAULTS = (
    (r"character '\\t'", "spaces", "a tab", "two spaces a level", _ONE_LINE),
    (r"mapping values are not allowed", "one key a line", "a second colon", _QUOTES, _ONE_LINE),
    (
        r"could not find expected ':'",
        "`key: value`",
        "text without a colon",
        "a colon and a space behind the key",
        _ONE_LINE,
    ),
    (
        r"expected <block end>",
        "this as deep as its neighbours",
        "another depth",
        "the same number of spaces before each",
        False,
    ),
    (r"quoted(?!.*escape)|end of stream", "a closing quote", "none", "a quote where the text ends", False),
    (r"character '[@`%]'", "a word", "a sign that YAML keeps for itself", _QUOTES, _ONE_LINE),
    (
        r"sequence entries",
        "the list below its key",
        "a dash behind it",
        "a new line before the dash",
        _ONE_LINE,
    ),
    (r"(alias|anchor)", "text", "a * or & that YAML keeps for itself", _QUOTES, _ONE_LINE),
    (
        r"expected ',' or '[\]}]'",
        "a comma or a closing bracket",
        "more text",
        f"a comma before it, or {_QUOTES}",
        False,
    ),
    (r"never closed", "a closing bracket", "none", "one where the list or the mapping ends", False),
    (
        r"escape",
        "text",
        "a \\ that begins no sign in double quotes",
        "single quotes, or / in paths",
        _ONE_LINE,
    ),
    (r"block scalar", "text", "a | or > that YAML keeps for itself", _QUOTES, _ONE_LINE),
    (r"mapping keys are not allowed", "text", "a ? that YAML keeps for itself", _QUOTES, _ONE_LINE),
)
_COMMENT_IN_BRACKETS = re.compile(r"(?<=[\s,\[{])#[^\s#]")
_FOREIGN_SPACE = "\u00a0\u2000-\u200a\u202f\u205f\u3000"  # spaces that YAML takes for letters
_FOREIGN_SIGNS = (
    (re.compile(rf"^[ -]*([{_FOREIGN_SPACE}])", re.M), "a space", "two plain spaces a level"),
    (re.compile(rf"^[ -]*[\w-]+:([{_FOREIGN_SPACE}])", re.M), "a space", "a plain space behind the colon"),
    (re.compile(r"^[ -]*[\w-]+(：)", re.M), "a colon", "a plain colon and a space"),
)


def _syntax_fault(error: yaml.MarkedYAMLError, text: str) -> _SyntaxFault:
    """A fault of one line from pyyaml's error."""
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    opened = error.context_mark
    if opened and mark and opened.line < mark.line and re.search(r"quoted|flow (sequence|mapping)", said):
        mark, said = opened, said if "quoted" in said else "never closed"
    spot = _spot(mark) if mark else Spot(0, 1, 1)
    if "flow node" in said and spot.index >= len(text.rstrip()):
        bracket = max(text.rfind("["), text.rfind("{"))
        spot, said = spot_at(text, bracket), "never closed"
    if said == "never closed" and (comment := _COMMENT_IN_BRACKETS.search(text, spot.index)):
        spot = spot_at(text, comment.start())
        return _SyntaxFault(spot, "a closing bracket", "a comment from the # on", _QUOTES, _ONE_LINE)
    rows = re.split(r"\r\n|[\r\n\x85]", text)
    row = rows[min(spot.line, len(rows)) - 1]
    if row.startswith("```"):
        return _SyntaxFault(spot, "YAML", "the mark of a code block", "taking both ``` lines out", _ONE_LINE)
    if "\t" in row[: len(row) - len(row.lstrip())]:
        said = r"character '\t'"
    for pattern, expected, got, hint, in_one_line in _SYNTAX_FAULTS:
        if re.search(pattern, said):
            return _SyntaxFault(spot, expected, got, hint, in_one_line)
    return _SyntaxFault(spot, "YAML", f"this: {said.strip()}", _QUOTES)


class _LimitExceeded(Exception):
    """The text has too many levels, aliases, values or documents to go on."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.expected)
        self.fault = _SyntaxFault(fault.spot, fault.expected, fault.got, fault.hint)


@dataclass
class _Open:
    """A list or mapping whose end has not come yet."""

    event: Any
    node: Node
    anchor: str | None
    size: int = 1
    key: Node | None = None


@dataclass
class _Builder:
    """Builds the tree from the parser's events, without recursion."""

    root: Node | None = None
    faults: list[Fault] = field(default_factory=list)
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int] | None] = field(default_factory=dict)
    aliases: int = 0
    nodes: int = 0
    documents: int = 0

    def take(self, event: Any) -> None:
        """Handles one event."""
        if isinstance(event, yaml.DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise _LimitExceeded(
                    self.fault(event, "one document", "a second one after ---", "a file of its own")
                )
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)
        elif isinstance(event, yaml.NodeEvent):
            self.node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self.close(event)

    def fault(self, event: Any, expected: str, got: str, hint: str) -> Fault:
        """A fault at the event's position."""
        return Fault(_spot(event.start_mark), expected, got, hint)

    def alias(self, event: Any) -> None:
        """Adds the node that an alias names, or a text node and a fault."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise _LimitExceeded(
                self.fault(event, f"at most {MAX_ALIASES} aliases", "more", "writing things out")
            )
        if event.anchor not in self.anchors:
            hint = "quotes, if the * is meant as text"
            self.faults.append(self.fault(event, "an alias with its & above", f"*{event.anchor}", hint))
        elif self.anchors[event.anchor] is None:
            got = f"*{event.anchor} inside itself"
            self.faults.append(self.fault(event, "an alias of something finished", got, "writing it out"))
        node, size = self.anchors.get(event.anchor) or (_text(event, f"*{event.anchor}"), 1)
        self.add(node, size, event)

    def node(self, event: Any) -> None:
        """Adds a scalar, or opens a list or mapping."""
        explicit = getattr(event, "tag", None)
        if explicit and not (explicit == "!" and isinstance(event, yaml.ScalarEvent)):
            got = f"the tag {_typed_tag(explicit)!r}"
            self.faults.append(self.fault(event, "a plain value", got, "leaving the tag out"))
        if isinstance(event, yaml.ScalarEvent):
            plain = event.implicit[0] and event.style is None
            value = _join_surrogates(event.value)
            node = Node(_spot(event.start_mark), _spot(event.end_mark), value, plain)
            if event.anchor:
                self.anchors[event.anchor] = (node, 1)
            self.add(node, 1, event)
            return
        if len(self.stack) >= MAX_DEPTH:
            hint = "taking brackets or spaces out"
            raise _LimitExceeded(self.fault(event, f"at most {MAX_DEPTH} levels", "more", hint))
        empty: list[Node] | dict[str, Node] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        start = _spot(event.start_mark)
        if event.anchor:
            self.anchors[event.anchor] = None
        opened = Node(start, start, empty, flow=bool(event.flow_style))
        self.stack.append(_Open(event, opened, event.anchor))

    def close(self, event: Any) -> None:
        """Finishes the innermost open list or mapping."""
        done = self.stack.pop()
        node = Node(
            done.node.start, _spot(event.end_mark), done.node.value, flow=done.node.flow, keys=done.node.keys
        )
        if done.anchor:
            self.anchors[done.anchor] = (node, done.size)
        self.add(node, done.size, done.event)

    def add(self, node: Node, size: int, event: Any) -> None:
        """Adds a finished node to its parent. `size` is its number of values, aliases expanded."""
        self.nodes += size
        if self.nodes > MAX_NODES:
            hint = "fewer aliases or a shorter file"
            raise _LimitExceeded(self.fault(event, f"at most {MAX_NODES:,} values", "more", hint))
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
        """Takes a node as a mapping's next key, or as the value of the last one."""
        mapping = parent.node
        assert isinstance(mapping.value, dict)
        if parent.key is None:
            parent.key = node if isinstance(node.value, str) else _text(event, "")
            fault = self.key_fault(mapping, node, event)
            if fault is not None:
                if not self.faults or self.faults[-1].spot.line != fault.spot.line:
                    self.faults.append(fault)
                parent.key = replace(parent.key, value=f"\0{len(self.faults)}")  # never a key of ours
            return
        key, parent.key = parent.key, None
        assert isinstance(key.value, str)
        if not key.value.startswith("\0"):
            mapping.value[key.value] = node
            mapping.keys[key.value] = key

    def key_fault(self, mapping: Node, key: Node, event: Any) -> Fault | None:
        """The fault of a mapping's key: not a word, a merge key, or repeated."""
        if not isinstance(key.value, str):
            return self.fault(event, "a word as key", "brackets", _QUOTES)
        if key.value == "<<" and key.plain:
            return self.fault(event, "keys written out", "the merge key <<", "copying the keys here")
        if key.value in mapping.keys:
            first = mapping.keys[key.value].start.line
            hint = f"one of this and line {first}"
            return self.fault(event, "every key once", f"{key.value!r} again", hint)
        return None


def _join_surrogates(text: str) -> str:
    """The text with whole characters for the pairs that JSON escapes: "\\ud83d\\udc1f" is a fish."""
    if not re.search("[\ud800-\udbff][\udc00-\udfff]", text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _text(event: Any, text: str) -> Node:
    """A scalar node in place of something that could not be read."""
    return Node(_spot(event.start_mark), _spot(event.end_mark), text)


def _typed_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _spot(mark: Any) -> Spot:
    return Spot(mark.index, mark.line + 1, mark.column + 1)


def children(node: Node) -> Iterator[tuple[str | int, Node]]:
    """The keys or indexes of a node's children, and the children."""
    if isinstance(node.value, dict):
        yield from node.value.items()
    elif isinstance(node.value, list):
        yield from enumerate(node.value)
