"""Reads the bank: plots, jokes and phrases in the plain-text files of templates/room/<language>.

A file holds blocks. `=== kind.name` opens one, `key: value` lines describe it, `--- step ...` opens an
exchange: a few lines of dialogue that are used together or not at all. A line is `A: text`. Other wordings
are indented below it, each behind the traits that its speaker must have (`boss: ...`; `to-cat: ...` for the
addressee; `or: ...` for anybody). An exchange uses either all of its `alt: ...` wordings or none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

_LINE = re.compile(r"^([ABC])(\+?)(?: \(([a-z ]+)\))?: (.+)$")
_VARIANT = re.compile(r"^\s+([a-z][a-z, -]*): (.+)$")
_BEAT = re.compile(r"^\(beat ([0-9.]+)\)$")
ALTERNATIVE = "alt"
_TRAIT_KEYS = {"fits", "only", "foil", "avoid"}
_STAGE = re.compile(r"^~ (.+)$")


@dataclass(frozen=True)
class Wording:
    """One way to say a line, and the traits that it requires."""

    tags: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class LineTemplate:
    """A line of the bank: its role, its wordings, and the silence before it in seconds."""

    role: str
    wordings: tuple[Wording, ...]
    laugh: bool = False
    parenthetical: str | None = None
    beat: float = 0.0


@dataclass(frozen=True)
class Exchange:
    """Lines that are used together, the facts of the story that they need, and those that they add."""

    step: str
    lines: tuple[LineTemplate, ...]
    wants: tuple[tuple[str, frozenset[str]], ...] = ()  # role -> traits, one of which it must have
    plants: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()  # planted in any scene before
    pays: frozenset[str] = frozenset()  # planted early, so that it surprises
    stage: tuple[tuple[str, str, str], ...] = ()  # role, action, prop ("" or "thing" or a prop)
    sets: tuple[str, ...] = ()
    night: bool = False
    either: bool = False  # a third character may play B

    @property
    def has_alternative(self) -> bool:
        """Whether any line has an `alt:` wording."""
        return any(ALTERNATIVE in wording.tags for line in self.lines for wording in line.wordings)

    @property
    def roles(self) -> frozenset[str]:
        """The roles that speak."""
        return frozenset(line.role for line in self.lines)


@dataclass(frozen=True)
class Block:
    """A story, runner, want or other entry of the bank: its facts, and its exchanges by step."""

    kind: str
    name: str
    facts: dict[str, tuple[str, ...]]
    exchanges: tuple[Exchange, ...]

    def at(self, step: str) -> tuple[Exchange, ...]:
        """The exchanges of a step."""
        return tuple(exchange for exchange in self.exchanges if exchange.step == step)

    def fact(self, key: str) -> tuple[str, ...]:
        """The values of a key; empty if the block lacks it."""
        return self.facts.get(key, ())


@dataclass
class _BlockBuilder:
    kind: str
    name: str
    facts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    lines: list[LineTemplate] = field(default_factory=list)
    stage: tuple[tuple[str, str, str], ...] = ()
    beat: float = 0.0

    def close_exchange(self) -> None:
        if self.header:
            self.exchanges.append(_build_exchange(self.header, tuple(self.lines), self.stage))
        self.header, self.lines, self.stage, self.beat = [], [], (), 0.0

    def block(self) -> Block:
        self.close_exchange()
        return Block(self.kind, self.name, self.facts, tuple(self.exchanges))


def _build_exchange(
    header: list[str], lines: tuple[LineTemplate, ...], stage: tuple[tuple[str, str, str], ...]
) -> Exchange:
    wants: list[tuple[str, frozenset[str]]] = []
    values: dict[str, frozenset[str]] = {}
    for word in header[1:]:
        key, _, value = word.partition("=")
        if key in {"A", "B", "C"}:
            wants.append((key, frozenset(value.split(","))))
        else:
            values[key] = frozenset(value.replace("_", " ").split(","))
    return Exchange(
        step=header[0],
        lines=lines,
        wants=tuple(wants),
        plants=values.get("plants", frozenset()),
        needs=values.get("needs", frozenset()),
        pays=values.get("pays", frozenset()),
        stage=stage,
        sets=tuple(sorted(values.get("set", ()))),
        night="night" in values,
        either="either" in values,
    )


def _parse_stage(text: str) -> tuple[tuple[str, str, str], ...]:
    figures = [part.split() for part in text.split(",")]
    return tuple((words[0], words[1], words[2] if len(words) > 2 else "") for words in figures)


def _read_dialogue(draft: _BlockBuilder, row: str) -> bool:
    if line := _LINE.match(row):
        role, mark, parenthetical, text = line.groups()
        wording = (Wording((), text),)
        draft.lines.append(LineTemplate(role, wording, mark == "+", parenthetical, draft.beat))
        draft.beat = 0.0
    elif (variant := _VARIANT.match(row)) and draft.lines:
        tags = () if variant[1] == "or" else tuple(tag.strip() for tag in variant[1].split(","))
        last = draft.lines[-1]
        wordings = (*last.wordings, Wording(tags, variant[2]))
        draft.lines[-1] = LineTemplate(last.role, wordings, last.laugh, last.parenthetical, last.beat)
    elif beat := _BEAT.match(row):
        draft.beat = float(beat[1])
    elif stage := _STAGE.match(row):
        draft.stage = _parse_stage(stage[1])
    else:
        return False
    return True


def _read_fact(draft: _BlockBuilder, row: str) -> bool:
    key, colon, value = row.partition(": ")
    values = value.split() if key in _TRAIT_KEYS else [part.strip() for part in value.split(" | ")]
    draft.facts[key] = (*draft.facts.get(key, ()), *values)
    return bool(colon)


def parse_blocks(text: str, where: str) -> Iterator[Block]:
    """The blocks of one file. Raises ValueError with file and line for a row that it cannot read."""
    draft: _BlockBuilder | None = None
    numbered = enumerate(text.splitlines(), 1)
    for number, row in [(n, row) for n, row in numbered if row.strip() and row[0] != "#"]:
        if row.startswith("=== "):
            if draft:
                yield draft.block()
            kind, _, name = row[4:].strip().partition(".")
            draft = _BlockBuilder(kind, name)
        elif draft is None:
            raise ValueError(f"{where}:{number}: wanted `=== kind.name` first, got {row!r}")
        elif row.startswith("--- "):
            draft.close_exchange()
            draft.header = row[4:].split()
        elif not (_read_dialogue(draft, row) if draft.header else _read_fact(draft, row)):
            raise ValueError(f"{where}:{number}: wanted a line of dialogue, got {row!r}")
    if draft:
        yield draft.block()


@cache
def blocks(kind: str, language: str = "en") -> tuple[Block, ...]:
    """All blocks of a kind ("story", "runner", "want", "drive", "flaw", "trade" ...), in the files' order."""
    return tuple(block for block in _all_blocks(language) if block.kind == kind)


@cache
def table(kind: str, language: str = "en") -> dict[str, Block]:
    """The blocks of a kind by name."""
    return {block.name: block for block in blocks(kind, language)}


def bank_language(language: str) -> str:
    """The bank for a premise's language: "ru" for Russian ("ru-RU", "русский"), else "en"."""
    asked = language.strip().lower()
    return "ru" if asked.split("-")[0].split("_")[0] in {"ru", "rus", "russian", "русский"} else "en"


@cache
def _all_blocks(language: str) -> tuple[Block, ...]:
    folder = resources.files("templates") / "room" / language
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".txt") and not file.name.startswith(".")),
        key=lambda file: file.name,
    )
    return tuple(
        block for file in files for block in parse_blocks(file.read_text(encoding="utf-8"), file.name)
    )
