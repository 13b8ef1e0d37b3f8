"""Parses Fountain (fountain.io) into a script, whether this program or another one wrote it."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scripts_llm.errors import ScriptError
from scripts_llm.files.source import Source
from scripts_llm.files.yaml_nodes import construct, parse
from scripts_llm.screenplay.premise import Character, display_name
from scripts_llm.screenplay.script import Line, Scene, Script

PARTS = {
    "Cold Open": "cold_open",
    "Teaser": "cold_open",
    "Act One": "act_1",
    "Act 1": "act_1",
    "Act Two": "act_2",
    "Act 2": "act_2",
    "Tag": "tag",
}
TRANSITIONS = {
    "SMASH CUT TO:": "smash_cut",
    "FADE TO:": "fade",
    "FADE TO BLACK.": "fade",
    "DISSOLVE TO:": "dissolve",
}
MOST_FAULTS = 20

_HEADING = re.compile(r"(INT\.?/EXT|EXT\.?/INT|INT|EXT|EST|I/E)[. ]", re.IGNORECASE)
_NUMBER = re.compile(r"\s*#([\w.-]+)#$")
_NOTE = re.compile(r"\[\[([a-z_]+):\s*(.*?)\s*\]\]", re.DOTALL)
_TITLE_KEY = re.compile(r"([A-Za-z][\w ]*):(.*)")
_EXTENSION = re.compile(r"\s*\(([^()]*)\)\s*$")
_UNSEEN = {"O.S.", "OS", "V.O.", "VO", "O.C."}
_LINE_KEYS = frozenset(Line.model_fields) - {"who", "line"}
_SCENE_KEYS = frozenset(Scene.model_fields)
_SCRIPT_KEYS = frozenset(Script.model_fields) - {"scenes", "schema_"}


@dataclass(frozen=True)
class CueNames:
    """How the characters of a cast are named in the cues of a screenplay."""

    cast: Mapping[str, str]  # key -> name

    @classmethod
    def from_cast(cls, cast: Mapping[str, Character]) -> CueNames:
        """The display names of a cast."""
        return cls({key: display_name(key, who) for key, who in cast.items()})

    def with_more(self, more: Mapping[str, Character]) -> CueNames:
        """Adds the characters that a script invented; an entry without a name keeps the earlier name."""
        new = {key: display_name(key, who) for key, who in more.items() if who.name or key not in self.cast}
        return CueNames({**self.cast, **new})

    def cues(self, key: str) -> tuple[str, ...]:
        """The spellings of a character's cue, the usual one first."""
        return (self.cast.get(key, key).upper(), f"@{key}")

    def key(self, cue: str) -> str | None:
        """The key of the character with this cue; None for a stranger."""
        if cue.startswith("@") and cue[1:] in self.cast:
            return cue[1:]
        cue_name = cue.lstrip("@").strip().upper()
        found = [key for key, name in self.cast.items() if name.upper() == cue_name]
        if len(found) == 1:
            return found[0]
        return next((key for key in self.cast if key.upper() == cue_name), None)


@dataclass
class _Reading:
    """The script so far. `left_out` counts the elements that a script has no field for."""

    names: CueNames
    values: dict[str, Any] = field(default_factory=dict)
    scenes: list[dict[str, Any]] = field(default_factory=list)
    heading_lines: list[int] = field(default_factory=list)  # the line of each scene's heading
    cast: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    part: str | None = None
    transition: str | None = None


def parse_fountain(text: str, path: Path, cast: Mapping[str, Character]) -> tuple[Script, tuple[str, ...]]:
    """The script in a Fountain text, and a list of what it had to leave out ("3 notes").

    Speakers who are not in `cast` are added to the script's own cast. Raises ScriptError if it is no script.
    """
    reading = _Reading(CueNames.from_cast(cast))
    _read(text, reading)
    if not reading.scenes:
        raise ScriptError(f"{path}: wanted scene headings like `INT. KITCHEN - DAY`, got none")
    values = {"title": path.stem.replace("_", " ").title() or "Untitled", **reading.values}
    if reading.cast:
        values["cast"] = {**values.get("cast", {}), **reading.cast}
    try:
        script = Script.model_validate({**values, "scenes": reading.scenes})
    except ValidationError as wrong:
        raise ScriptError("\n".join(_describe_errors(wrong, reading.heading_lines, path))) from None
    left = tuple(f"{count} {what}{'' if count == 1 else 's'}" for what, count in reading.left_out.items())
    return script, left


def parse_scenes(text: str, names: CueNames) -> list[dict[str, Any]]:
    """The scenes of a text without a title page, as plain values."""
    reading = _Reading(names)
    for number, rows in _blocks(_prepared(text)):
        _block(number, rows, reading)
    return reading.scenes


def _describe_errors(wrong: ValidationError, heading_lines: Sequence[int], path: Path) -> Iterator[str]:
    errors = wrong.errors(include_url=False)
    for error in errors[:MOST_FAULTS]:
        steps = [str(step) for step in error["loc"]]
        line = heading_lines[int(steps[1])] if steps[0] == "scenes" and len(steps) > 1 else 1
        yield f"{path}:{line}: {'.'.join(steps)}: {error['msg'][:1].lower()}{error['msg'][1:]}"
    if len(errors) > MOST_FAULTS:
        yield f"{path}: and {len(errors) - MOST_FAULTS} more"


# ----------------------------------------------------------------------------------------------- blocks


def _read(text: str, reading: _Reading) -> None:
    blocks = list(_blocks(_prepared(text)))
    if blocks and _TITLE_KEY.match(blocks[0][1][0]) and not _HEADING.match(blocks[0][1][0]):
        _title_page(blocks.pop(0)[1], reading)
    for number, rows in blocks:
        _block(number, rows, reading)


def _prepared(text: str) -> str:
    """The text with \\n line ends and without /* comments */."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return re.sub(r"/\*.*?\*/", lambda cut: "\n" * cut[0].count("\n"), text, flags=re.DOTALL)


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines between blank lines, each with the number of its first line."""
    rows: list[str] = []
    for number, row in enumerate([*text.split("\n"), ""], start=1):
        if row.strip(" \t"):
            rows.append(row)
        elif rows:
            yield number - len(rows), rows
            rows = []


def _title_page(rows: Sequence[str], reading: _Reading) -> None:
    key = ""
    found: dict[str, list[str]] = {}
    for row in rows:
        match = None if row[0] in " \t" else _TITLE_KEY.match(row)
        if match:
            key = match[1].strip().lower()
        words = (match[2] if match else row).strip()
        found.setdefault(key, []).extend([words] if words else [])
    for key, words in found.items():
        if key in ("title", "logline") and words:
            reading.values[key] = " ".join(words)
        elif words:
            reading.left_out["title-page line"] += len(words)


def _block(number: int, rows: list[str], reading: _Reading) -> None:
    first = rows[0]
    if first.lstrip().startswith("[[") and _whole_note(rows, reading):
        return
    if first.startswith("#"):
        _section(first, reading)
        rows = rows[1:]
    elif first.startswith("="):
        _synopsis(first, reading)
        rows = rows[1:]
    elif _is_heading(first):
        _heading(number, first, reading)
        rows = rows[1:]
    elif _is_transition(rows):
        reading.transition = TRANSITIONS.get(first.lstrip("> ").strip().upper())
        return
    elif _is_cue(rows):
        _dialogue(rows, reading)
        return
    if rows:
        _action(rows, reading)


def _is_heading(row: str) -> bool:
    return bool(_HEADING.match(row)) or bool(re.match(r"\.[^.\s]", row))


def _is_transition(rows: Sequence[str]) -> bool:
    row = rows[0].strip()
    if row.startswith(">") and not row.endswith("<"):
        return True
    return len(rows) == 1 and row == row.upper() and row.endswith("TO:")


def _is_cue(rows: Sequence[str]) -> bool:
    if len(rows) < 2:
        return False
    row = _EXTENSION.sub("", rows[0].rstrip("^ "))
    if row.startswith("@"):
        return len(row) > 1
    return row == row.upper() and any(sign.isalpha() for sign in row) and row[0] not in "!~>(["


def _section(row: str, reading: _Reading) -> None:
    name = row.lstrip("#").strip().lower()
    known = {key.lower(): part for key, part in PARTS.items()}
    reading.part = known.get(name)
    if reading.part is None:
        reading.left_out["section"] += 1


def _synopsis(row: str, reading: _Reading) -> None:
    words = row.lstrip("=").strip()
    if not words:
        return  # a page break
    if not reading.scenes and "logline" not in reading.values:
        reading.values["logline"] = words
    else:
        reading.left_out["synopsis line"] += 1


def _heading(number: int, row: str, reading: _Reading) -> None:
    text = row[1:] if row.startswith(".") else row
    scene: dict[str, Any] = {}
    match = _NUMBER.search(text)
    if match:
        text = text[: match.start()]
        name = re.sub(r"[^a-z0-9_-]", "_", match[1].lower())[:32]
        if all(other.get("id") != name for other in reading.scenes):
            scene["id"] = name
    scene["slugline"] = text.strip(" \t")
    if reading.part is not None:
        scene["part"] = reading.part
    if reading.transition is not None:
        scene["transition"] = reading.transition
    reading.transition = None
    reading.scenes.append(scene)
    reading.heading_lines.append(number)


# ------------------------------------------------------------------------------------------------ notes


def _whole_note(rows: Sequence[str], reading: _Reading) -> bool:
    """Reads a block that holds notes only; False if it holds anything else."""
    text = "\n".join(rows).strip(" \t")
    notes = list(re.finditer(r"\[\[.*?\]\]", text, re.DOTALL))
    if re.sub(r"\[\[.*?\]\]", "", text, flags=re.DOTALL).strip():
        return False
    for note in notes:
        if not _note(note[0], reading):
            reading.left_out["note"] += 1
    return True


def _note(note: str, reading: _Reading) -> bool:
    """Reads one `[[key: value]]` note into the script or the last scene; False if it is free text."""
    match = _NOTE.fullmatch(note)
    known, value = _value(match[2]) if match else (False, None)
    if match is None or not known:
        return False
    if not reading.scenes:
        return _script_note(match[1], value, reading)
    return _scene_note(match[1], value, reading.scenes[-1])


def _script_note(key: str, value: Any, reading: _Reading) -> bool:
    if key in _SCRIPT_KEYS:
        reading.values[key] = value
    if key == "cast":
        reading.names = reading.names.with_more(_characters(value))
    return key in _SCRIPT_KEYS


def _scene_note(key: str, value: Any, scene: dict[str, Any]) -> bool:
    if key == "shot":
        scene.setdefault("shots", []).append(value)
    elif key in ("beat", "dialogue"):
        element = {"beat": value} if key == "beat" and not isinstance(value, dict) else value
        scene.setdefault("dialogue", []).append(element)
    elif key == "part" and value is None:
        scene.pop("part", None)
    elif key in _SCENE_KEYS:
        scene[key] = value
    return key in _SCENE_KEYS | {"shot", "beat"}


def _characters(value: Any) -> dict[str, Character]:
    """The valid characters of a cast; validation of the script reports the others."""
    found = {}
    for key, who in value.items() if isinstance(value, dict) else ():
        with contextlib.suppress(ValidationError):
            found[key] = Character.model_validate(who)
    return found


def _value(text: str) -> tuple[bool, Any]:
    """Whether a note's text is valid YAML, and its value."""
    try:
        root, faults = parse(Source(Path("note"), text))
    except ScriptError:
        return False, None
    return (not faults), (None if root is None else construct(root))


def _without_notes(text: str, reading: _Reading) -> str:
    """The text without its notes, which are counted as left out."""
    rest, count = re.subn(r"\s*\[\[.*?\]\]", "", text, flags=re.DOTALL)
    if count:
        reading.left_out["note"] += count
    return rest


# ----------------------------------------------------------------------------------- action and dialogue


def _action(rows: Sequence[str], reading: _Reading) -> None:
    words = " ".join(_without_notes("\n".join(rows), reading).split("\n"))
    words = words.removeprefix("!")
    if words.startswith(">") and words.endswith("<"):
        words = words[1:-1].strip()
    words = words.strip(" \t")
    if not words:
        return
    if not reading.scenes:
        reading.left_out["early paragraph"] += 1
        return
    scene = reading.scenes[-1]
    scene["action"] = f"{scene['action']} {words}" if scene.get("action") else words


def _dialogue(rows: list[str], reading: _Reading) -> None:
    if not reading.scenes:
        reading.left_out["early line"] += 1
        return
    cue, line = rows[0].rstrip("^ \t"), dict[str, Any]()
    while extension := _EXTENSION.search(cue):
        if extension[1].strip().upper() in _UNSEEN:
            line["off_screen"] = True
        cue = cue[: extension.start()]
    said: list[str] = []
    for row in rows[1:]:
        text = row.strip(" \t")
        note = _NOTE.fullmatch(text)
        if note and note[1] in _LINE_KEYS:
            line[note[1]] = _value(note[2])[1]
        elif text.startswith("(") and text.endswith(")") and not said and "parenthetical" not in line:
            line["parenthetical"] = text[1:-1]
        else:
            said.append(_without_notes(text, reading).removeprefix("~"))
    words = " ".join(part for part in said if part)
    if words:
        spoken = {"who": _speaker(cue, reading), "line": words, **line}
        reading.scenes[-1].setdefault("dialogue", []).append(spoken)


def _speaker(cue: str, reading: _Reading) -> str:
    """The key of the character with this cue; a stranger is added to the script's cast."""
    known = reading.names.key(cue)
    if known is not None:
        return known
    name = cue.lstrip("@").strip()
    key = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:32] or f"voice_{len(reading.cast) + 1}"
    proper = name.title() if name == name.upper() else name
    reading.cast.setdefault(key, {} if proper == key.replace("_", " ").title() else {"name": proper[:80]})
    return key
