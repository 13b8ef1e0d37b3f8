"""Formats scripts as Fountain (fountain.io), the plain text that screenwriting programs read.

Fields that Fountain has are written as such: title page, `# Act One`, headings with `#s01#`, action, cues,
parentheticals, transitions, `(O.S.)`. Everything else is written as notes, `[[laugh: big]]`, and so is a text
that Fountain would read as something else even with its marks of emphasis escaped. Parsing the result gives
the same script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from scripts_llm.files.fountain_read import escape, parse_scenes, read_fountain
from scripts_llm.files.fountain_script import PARTS, TRANSITIONS, CueNames
from scripts_llm.files.write import double_quote, flow_style, format_scalar
from scripts_llm.screenplay.premise import Character
from scripts_llm.screenplay.script import Beat, Line, Scene, Script

_PART_NAMES = {part: name for name, part in reversed(PARTS.items())}
_TRANSITION_NAMES = {kind: name for name, kind in reversed(TRANSITIONS.items())}
_OF_ITS_OWN = {"id", "part", "slugline", "action", "transition", "dialogue", "shots"}


def format_fountain(script: Script, cast: Mapping[str, Character]) -> str:
    """The script as Fountain text. `cast` holds the premise's characters."""
    writer = _Formatter(CueNames.from_cast(cast).with_more(script.cast))
    blocks = [writer.head(script)]
    part: str | None = None
    for scene in script.scenes:
        blocks += writer.scene(scene, part)
        part = scene.part or part
    return "\n\n".join(block for block in blocks if block) + "\n"


@dataclass(frozen=True)
class _Formatter:
    """Formats each element as plain Fountain if that parses back to the same value, else as a note."""

    names: CueNames

    def head(self, script: Script) -> str:
        """The title page, with notes for everything that does not fit on it."""
        texts = {"title": script.title, "logline": script.logline}
        title_page = {key: _title_row(key, text) for key, text in texts.items() if text is not None}
        values = _values(script)
        of_their_own = {key for key, row in title_page.items() if row is not None} | {"schema", "scenes"}
        rows = [row for row in title_page.values() if row is not None] or ["Title:"]
        notes = [_note(key, value) for key, value in values.items() if key not in of_their_own]
        return "\n\n".join(["\n".join(rows), *notes])

    def scene(self, scene: Scene, part: str | None) -> Iterator[str]:
        """The blocks of one scene. `part` is the part that the last section heading named."""
        values = _values(scene)
        if scene.part is not None and scene.part != part:
            yield f"# {_PART_NAMES[scene.part]}"
        if scene.transition in _TRANSITION_NAMES:
            yield f"> {_TRANSITION_NAMES[scene.transition]}"
        heading, notes = self._heading(scene)
        yield heading
        if scene.part is None and part is not None:
            notes.append(_note("part", None))
        if scene.transition != "cut" and scene.transition not in _TRANSITION_NAMES:
            notes.append(_note("transition", scene.transition))
        notes += [_note(key, value) for key, value in values.items() if key not in _OF_ITS_OWN]
        notes += [_note("shot", shot) for shot in values.get("shots") or ()]
        if scene.shots == ():
            notes.append(_note("shots", []))
        yield "\n".join(notes)
        if scene.action:
            blocks = [f"{sign}{text}" for text in _spellings(scene.action) for sign in ("", "!")]
            yield self._first(blocks, {"action": scene.action})
        for element, value in zip(scene.dialogue, values.get("dialogue", ()), strict=True):
            yield self._element(element, value)

    def _heading(self, scene: Scene) -> tuple[str, list[str]]:
        number = f" #{scene.id}#" if scene.id is not None else ""
        expected = {"slugline": scene.slugline, **({"id": scene.id} if scene.id else {})}
        for text in (scene.slugline, f".{scene.slugline}", f".{escape(scene.slugline)}"):
            if _is_one_row(text) and parse_scenes(f"{text}{number}", self.names) == [expected]:
                return f"{text}{number}", []
        return f".SCENE{number}", [_note("slugline", scene.slugline)]

    def _element(self, element: Line | Beat, value: dict[str, Any]) -> str:
        if isinstance(element, Beat):
            alone = len(value) == 1
            return _note("beat", value["beat"] if alone else value)
        rest = {key: more for key, more in value.items() if key not in _IN_A_BLOCK}
        rows = [_note(key, more) for key, more in rest.items()]
        manner = [f"({element.parenthetical})"] if element.parenthetical else []
        seen = " (O.S.)" if element.off_screen else ""
        cues = [f"{cue}{seen}" for cue in self.names.cues(element.who)]
        words = _spellings(element.line)
        blocks = ["\n".join([cue, *manner, *rows, line]) for cue in cues for line in words]
        blocks = [block for block in blocks if block.count("[[") == len(rows) and "/*" not in block]
        return self._first(blocks, {"dialogue": value})

    def _first(self, blocks: list[str], expected: dict[str, Any]) -> str:
        """The first block that parses to the expected value, else a note."""
        scene = {"slugline": "INT. X - DAY", **expected}
        if "dialogue" in expected:
            scene["dialogue"] = [expected["dialogue"]]
        for block in blocks:
            if parse_scenes(f"INT. X - DAY\n\n{block}\n\n[[title: end]]", self.names) == [scene]:
                return block
        ((key, value),) = expected.items()
        return _note(key, value)


_IN_A_BLOCK = ("who", "line", "parenthetical", "off_screen")


def _spellings(text: str) -> list[str]:
    """The text as it is, unless it opens a comment or a note, and with escapes."""
    opens = "/*" in text or "[[" in text
    return list(dict.fromkeys([*([] if opens else [text]), escape(text)]))


def _title_row(key: str, text: str) -> str | None:
    """The text as a line of the title page; None if it has no form that reads back."""
    rows = (f"{key.title()}: {spelled}" for spelled in (text, escape(text)) if _is_one_row(text))
    return next((row for row in rows if read_fountain(row).title_page == {key: [text]}), None)


def _is_one_row(text: str) -> bool:
    return text == text.strip() and not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\[\]/]|\*/", text)


def _values(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(exclude_defaults=True, mode="json", by_alias=True)


def _note(key: str, value: Any) -> str:
    """`[[key: value]]`, the value as YAML on one line without characters that would end the note."""
    text = _flow(value)
    return f"[[{key}: {text}{' ' if text.endswith(']') else ''}]]"


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_flow(str(key))}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + (" ]" if value else "]")
    if not isinstance(value, str):
        return flow_style(value)
    if not re.search(r"[\[\]/]", value):
        return format_scalar(value, in_flow=True)
    return re.sub(r"[\[\]/]", lambda sign: f"\\u{ord(sign[0]):04x}", double_quote(value))
