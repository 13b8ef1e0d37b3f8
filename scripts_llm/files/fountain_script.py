"""Builds a script from the elements of a screenplay: headings, action, speeches, transitions.

Fountain and Final Draft have the same elements (fountain.io/syntax); the readers of both formats end here.
Texts of elements are plain: without emphasis, escapes and comments.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from scripts_llm import russian
from scripts_llm.errors import ScriptError
from scripts_llm.files.source import MAX_FAULTS, Source, shorten
from scripts_llm.files.yaml_nodes import construct, parse
from scripts_llm.plain_text import split_text
from scripts_llm.screenplay.fields import MAX_NAME, MAX_SENTENCE
from scripts_llm.screenplay.premise import Character, display_name
from scripts_llm.screenplay.script import MAX_ACTION, MAX_LINE, Line, Scene, Script

PARTS = {
    "Cold Open": "cold_open",
    "Teaser": "cold_open",
    "Act One": "act_1",
    "Act 1": "act_1",
    "Act I": "act_1",
    "Act Two": "act_2",
    "Act 2": "act_2",
    "Act II": "act_2",
    "Tag": "tag",
}
TRANSITIONS = {
    "SMASH CUT TO:": "smash_cut",
    "FADE TO:": "fade",
    "FADE TO BLACK.": "fade",
    "DISSOLVE TO:": "dissolve",
}
MAX_CUE = 400  # characters that are looked at
OPENING = "OPENING"  # the slugline of what stands before the first heading
PAUSE_SECONDS = 0.7  # of `(beat)` at the end of a speech

LINE_KEYS = frozenset(Line.model_fields) - {"who", "line"}
SCENE_KEYS = frozenset(Scene.model_fields)
SCRIPT_KEYS = frozenset(Script.model_fields) - {"scenes", "schema_"}

_TRANSITION = re.compile(
    r"(?:FADE (?:IN|OUT|UP)|FADE (?:TO|FROM) (?:BLACK|WHITE)|(?:\w+ )?CUT TO(?: BLACK)?|SMASH CUT|CROSSFADE"
    r"|(?:CROSS )?DISSOLVE(?: TO)?)[.:]*",
    re.IGNORECASE,
)
_NOTE = re.compile(r"\[\[([a-z_]+):\s*(.*?)\s*\]\]", re.DOTALL)
_EXTENSION = re.compile(r"\s*\(([^()]*)\)\s*$")
_PAUSE = re.compile(r"(?:a |long |short |brief )*(?:beat|pause|silence)\W*", re.IGNORECASE)
_UNSEEN = {
    *("OS", "OC", "VO", "OFF", "OFFSCREEN", "OFFCAMERA", "OFFSTAGE", "VOICEOVER", "PRELAP"),
    *("ENOFF", "VOIXOFF", "ENVOIXOFF", "ЗК", "ГЗК"),
}
_UNSEEN_FIRST = re.compile(r"(?:V\.\s?O\.|O\.\s?S\.|O\.\s?C\.)\s*", re.IGNORECASE)
_CONTINUED = {"CONT", "CONTD", "CONTINUED", "CONTINUING", "MORE"}
_PART_ENDS = re.compile(r"END (?:OF )?(?:ACT|COLD OPEN|TEASER|TAG|EPISODE|SHOW)\b.*", re.IGNORECASE)


@dataclass(frozen=True)
class Heading:
    """A scene heading (slugline), and the scene's number if the screenplay has one."""

    text: str
    number: str | None
    line: int  # of the file, from 1


@dataclass(frozen=True)
class Paragraph:
    """An element that is one text.

    A note is one of this program's, `[[setting: bar]]`; a remark is a person's. A forced action (`!`) is
    never taken for the name of an act.
    """

    kind: Literal["action", "transition", "section", "synopsis", "lyric", "note", "remark"]
    text: str
    line: int
    level: int = 1  # of a section: the number of its `#`
    is_forced: bool = False


@dataclass(frozen=True)
class SpeechPart:
    """A piece of a speech: words to say, a parenthetical without its brackets, or a note with them."""

    kind: Literal["words", "parenthetical", "note"]
    text: str


@dataclass(frozen=True)
class Speech:
    """A cue (the speaker's name with extensions) and everything below it."""

    cue: str
    parts: tuple[SpeechPart, ...]
    line: int


Element = Heading | Paragraph | Speech


@dataclass(frozen=True)
class Screenplay:
    """A screenplay's title page, as lines by lower-case key, and its elements in order."""

    title_page: Mapping[str, Sequence[str]]
    elements: tuple[Element, ...]


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
        name = self.cast.get(key, key)
        return (name.upper(), f"@{name}", f"@{key}")

    def key(self, cue: str) -> str | None:
        """The key of the character with this cue; None for a stranger."""
        if cue.startswith("@") and cue[1:] in self.cast:
            return cue[1:]
        cue_name = cue.lstrip("@").strip().upper()
        found = [key for key, name in self.cast.items() if name.upper() == cue_name]
        if len(found) == 1:
            return found[0]
        return next((key for key in self.cast if key.upper() == cue_name), None)


def build_script(
    screenplay: Screenplay, path: Path, cast: Mapping[str, Character]
) -> tuple[Script, tuple[str, ...]]:
    """The script of a screenplay, and a list of what it had to leave out ("3 notes").

    Speakers who are not in `cast` are added to the script's own cast. Raises ScriptError if there is neither
    a scene heading nor a speech, and for notes with values that a script cannot have.
    """
    builder = _Builder(CueNames.from_cast(cast))
    builder.add_title_page(screenplay.title_page)
    builder.add(screenplay.elements)
    if not builder.scenes:
        raise ScriptError(f"{path}: wanted scene headings like `INT. KITCHEN - DAY`, got none")
    name = path.stem.encode("utf-8", "replace").decode().replace("_", " ").title()
    values = {"title": name[:MAX_NAME] or "Untitled", **builder.values}
    if builder.cast:
        values["cast"] = {**values.get("cast", {}), **builder.cast}
    try:
        script = Script.model_validate({**values, "scenes": builder.scenes})
    except ValidationError as wrong:
        raise ScriptError("\n".join(_describe_errors(wrong, builder, path))) from None
    left = tuple(f"{count} {what}{'' if count == 1 else 's'}" for what, count in builder.left_out.items())
    return script, left


def build_scenes(elements: Iterable[Element], names: CueNames) -> list[dict[str, Any]]:
    """The scenes of some elements as plain values."""
    builder = _Builder(names)
    builder.add(elements)
    return builder.scenes


def part_named(text: str) -> str | None:
    """The part of an episode that a section's title names: `Act One: The Fish` is act_1."""
    name = re.split(r"[:–—]|\s-\s", text[:MAX_NAME], maxsplit=1)[0].strip(" .").lower()
    return next((part for known, part in PARTS.items() if known.lower() == name), None)


def is_transition(text: str, *, is_alone: bool = True) -> bool:
    """Whether a line is a transition without being marked as one.

    One in small letters must be alone, without other lines above or below.
    """
    is_upper = text == text.upper()
    return (is_upper and text.endswith("TO:")) or (
        (is_upper or is_alone) and _TRANSITION.fullmatch(text) is not None
    )


def is_pause(parenthetical: str) -> bool:
    """Whether a parenthetical asks for a silence and for nothing else."""
    return _PAUSE.fullmatch(parenthetical) is not None


# ------------------------------------------------------------------------------------------------ cues


@dataclass(frozen=True)
class Cue:
    """A cue taken apart: the name, whether the speaker is off screen, and other words in brackets."""

    name: str
    off_screen: bool = False
    manner: str = ""


def split_cue(text: str, names: CueNames) -> Cue:
    """Takes the extensions off a cue: `MOM (V.O., FILTERED) (CONT'D)`.

    A name of the cast that has brackets itself stays whole.
    """
    name, off_screen, manner = text[:MAX_CUE].strip(), False, list[str]()
    name = name if names.key(name) else name.rstrip(": ")
    while names.key(name) is None and (extension := _EXTENSION.search(name)):
        if not name[: extension.start()].strip("@ \t"):
            break
        name = name[: extension.start()].rstrip(": ")
        for words in re.split(r"\s*[,;&]\s*|\s*/\s*(?![SCsc]\b)", extension[1].strip()):
            is_unseen, rest = _extension(words)
            off_screen = off_screen or is_unseen
            manner += [rest] if rest else []
    return Cue(name, off_screen, ", ".join(manner))


def _extension(words: str) -> tuple[bool, str]:
    """Whether one extension of a cue means off screen, and the words in it that say how a line sounds."""
    spelled = "".join(letter for letter in words.upper().replace("V.0", "V.O") if letter.isalpha())
    rest = words.lower() if words == words.upper() else words
    if spelled in _UNSEEN:
        return True, ""
    if spelled in _CONTINUED:
        return False, ""
    if spelled == "FILTERED":
        return True, rest
    first = _UNSEEN_FIRST.match(words)
    return (True, rest[first.end() :]) if first else (False, rest)


def _proper_name(cue: str) -> str:
    """A cue as a name is written: O'BRIEN is O'Brien, JOE'S MOM is Joe's Mom."""
    if cue != cue.upper():
        return cue
    words = re.sub(r"[^\W\d_]+", lambda word: word[0].capitalize(), cue)
    return re.sub(r"(?<=[^\W\d_]{2}['’])\w{1,2}\b", lambda ending: ending[0].lower(), words)


# --------------------------------------------------------------------------------------------- speeches


@dataclass
class _Utterance:
    """The words between two parentheticals of a speech."""

    parentheticals: list[str] = field(default_factory=list)
    notes: dict[str, Any] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


def _utterances(parts: Iterable[SpeechPart]) -> Iterator[_Utterance]:
    current = _Utterance()
    for part in parts:
        if part.kind == "words":
            current.words += [part.text] if part.text else []
        elif part.kind == "note":
            match = _NOTE.fullmatch(part.text)
            assert match is not None
            current.notes[match[1]] = _value(match[2])[1]
        elif not _is_continued(part.text):
            if current.words:
                yield current
                current = _Utterance()
            current.parentheticals.append(part.text)
    yield current


def _is_continued(parenthetical: str) -> bool:
    return "".join(filter(str.isalpha, parenthetical.upper())) in {"", *_CONTINUED}


# ----------------------------------------------------------------------------------------------- builder


@dataclass
class _Builder:
    """The script so far. `left_out` counts the elements that a script has no field for."""

    names: CueNames
    values: dict[str, Any] = field(default_factory=dict)
    scenes: list[dict[str, Any]] = field(default_factory=list)
    lines: dict[tuple[str, ...], int] = field(default_factory=dict)  # of the file, by ("3", "duration")
    cast: dict[str, dict[str, Any]] = field(default_factory=dict)
    strangers: dict[str, str] = field(default_factory=dict)  # upper-case name -> key
    left_out: Counter[str] = field(default_factory=Counter)
    early: list[str] = field(default_factory=list)  # action before the first scene
    singer: str | None = None  # the cue of the speech that a lyric continues
    ids: set[str] = field(default_factory=set)
    part: str | None = None
    transition: str | None = None

    def add_title_page(self, title_page: Mapping[str, Sequence[str]]) -> None:
        for key, rows in title_page.items():
            if key in ("title", "logline") and rows:
                most = MAX_NAME if key == "title" else MAX_SENTENCE
                self.values[key] = self.shortened(key, " ".join(rows), most)
            elif rows:
                self.left_out["title-page line"] += len(rows)

    def add(self, elements: Iterable[Element]) -> None:
        for element in elements:
            if isinstance(element, Heading):
                self.singer = None
                self._heading(element)
            elif isinstance(element, Speech):
                self._speech(element)
            elif element.kind == "lyric":
                self._lyric(element)
            else:
                self._paragraph(element)
        self._leave_out_early()

    def shortened(self, what: str, text: str, most: int) -> str:
        """The text, cut behind a word to at most `most` characters; the rest counts as left out."""
        if len(text) <= most:
            return text
        self.left_out[f"{what} ending"] += 1
        cut = text[: most - 1]
        return (cut.rsplit(None, 1)[0] if " " in cut[most // 2 :] else cut).rstrip(" ,;:-") + "…"

    # ------------------------------------------------------------------------------------ paragraphs

    def _paragraph(self, paragraph: Paragraph) -> None:
        if paragraph.kind == "action":
            self.singer = None
            self._action(paragraph)
        elif paragraph.kind == "transition":
            self._transition(paragraph.text)
        elif paragraph.kind == "section":
            self._section(paragraph)
        elif paragraph.kind == "synopsis":
            self._synopsis(paragraph.text)
        elif paragraph.kind == "remark" or not self._note(paragraph):
            self.left_out["note"] += 1

    def _action(self, paragraph: Paragraph) -> None:
        text = paragraph.text
        if not paragraph.is_forced and text == text.upper() and part_named(text):
            self.part = part_named(text)
        elif not paragraph.is_forced and _PART_ENDS.fullmatch(text):
            return
        elif not self.scenes:
            self.early.append(text)
        else:
            self._add_action(text)

    def _add_action(self, text: str) -> None:
        scene = self.scenes[-1]
        before = f"{scene['action']} " if scene.get("action") else ""
        if len(before) + len(text) <= MAX_ACTION:
            scene["action"] = f"{before}{text}"
        elif before:
            self.left_out["action paragraph"] += 1
        else:
            scene["action"] = self.shortened("action", text, MAX_ACTION)

    def _transition(self, text: str) -> None:
        words = text.upper()
        kinds = {"SMASH": "smash_cut", "DISSOLVE": "dissolve", "CROSS": "dissolve", "FADE": "fade"}
        self.transition = next((kind for word, kind in kinds.items() if word in words), None)
        if self.transition is None and "CUT" not in words and not words.endswith("TO:"):
            self.left_out["transition"] += 1

    def _section(self, section: Paragraph) -> None:
        part = part_named(section.text)
        if part is not None or section.level == 1:
            self.part = part
        if part is None:
            self.left_out["section"] += 1

    def _synopsis(self, text: str) -> None:
        if not self.scenes and "logline" not in self.values:
            self.values["logline"] = self.shortened("logline", text, MAX_SENTENCE)
        else:
            self.left_out["synopsis line"] += 1

    def _heading(self, heading: Heading) -> None:
        self._leave_out_early()
        scene: dict[str, Any] = {}
        if heading.number is not None:
            name = re.sub(r"[^a-z0-9_-]", "_", heading.number.lower()).lstrip("-")[:32]
            if name and name not in self.ids:
                scene["id"] = name
                self.ids.add(name)
        slugline = " ".join(re.sub(r"\s(?:--+|[–—])\s", " - ", heading.text).split())
        scene["slugline"] = self.shortened("slugline", slugline, MAX_SENTENCE)
        self._begin(scene, heading.line)

    def _begin(self, scene: dict[str, Any], line: int) -> None:
        if self.part is not None:
            scene["part"] = self.part
        if self.transition is not None:
            scene["transition"] = self.transition
        self.transition = None
        self.lines[(str(len(self.scenes)),)] = line
        self.scenes.append(scene)

    def _open(self, line: int) -> None:
        """Begins a scene for a speech that comes before the first heading."""
        early, self.early = self.early, []
        place = next((text for text in early if text == text.upper() and len(text) <= MAX_NAME), None)
        self._begin({"slugline": (place or OPENING).rstrip(".:") or OPENING}, line)
        for text in early:
            if text is not place:
                self._add_action(text)

    def _leave_out_early(self) -> None:
        if self.early:
            self.left_out["early paragraph"] += len(self.early)
        self.early = []

    # ----------------------------------------------------------------------------------------- notes

    def _note(self, note: Paragraph) -> bool:
        """Reads one `[[key: value]]` note into the script or the last scene; False if it is free text."""
        match = _NOTE.fullmatch(note.text)
        is_yaml, value = _value(match[2]) if match else (False, None)
        if match is None or not is_yaml:
            return False
        if not self.scenes:
            return self._script_note(match[1], value)
        self.lines[str(len(self.scenes) - 1), match[1]] = note.line
        return self._scene_note(match[1], value, note.line)

    def _script_note(self, key: str, value: Any) -> bool:
        if key in SCRIPT_KEYS:
            self.values[key] = value
        if key == "cast":
            self.names = self.names.with_more(_characters(value))
        return key in SCRIPT_KEYS

    def _scene_note(self, key: str, value: Any, line: int) -> bool:
        scene = self.scenes[-1]
        if key == "shot":
            scene.setdefault("shots", []).append(value)
        elif key in ("beat", "dialogue"):
            self._element({"beat": value} if key == "beat" and not isinstance(value, dict) else value, line)
        elif key == "part" and value is None:
            scene.pop("part", None)
        elif key in SCENE_KEYS:
            scene[key] = value
        return key in SCENE_KEYS | {"shot", "beat"}

    # -------------------------------------------------------------------------------------- dialogue

    def _element(self, element: Any, line: int) -> None:
        dialogue = self.scenes[-1].setdefault("dialogue", [])
        self.lines[str(len(self.scenes) - 1), "dialogue", str(len(dialogue))] = line
        dialogue.append(element)

    def _speech(self, speech: Speech) -> None:
        if not self.scenes:
            self._open(speech.line)
        cue, self.singer = split_cue(speech.cue, self.names), speech.cue
        for utterance in _utterances(speech.parts):
            own = ", ".join(utterance.parentheticals)
            words = " ".join(utterance.words)
            if not words:
                self._wordless(own, speech.line)
                continue
            whole = ", ".join(filter(None, (cue.manner, own)))
            for number, piece in enumerate(split_text(words, MAX_LINE)):
                line: dict[str, Any] = {"who": self._speaker(cue.name), "line": piece}
                line |= {"off_screen": True} if cue.off_screen else {}
                if whole and not (number and is_pause(whole)):
                    line["parenthetical"] = self.shortened("parenthetical", whole, MAX_NAME)
                line |= utterance.notes if number == 0 else {}
                self._element(line, speech.line)

    def _lyric(self, lyric: Paragraph) -> None:
        """A verse below a speech belongs to that speech; another one has nobody who sings it."""
        if self.singer is None:
            self.left_out["lyric"] += 1
        else:
            self._speech(Speech(self.singer, (SpeechPart("words", lyric.text),), lyric.line))

    def _wordless(self, parenthetical: str, line: int) -> None:
        """A parenthetical at the end of a speech: a silence, or something that only a person can play."""
        if is_pause(parenthetical):
            self._element({"beat": PAUSE_SECONDS}, line)
        elif parenthetical:
            self.left_out["parenthetical"] += 1

    def _speaker(self, cue: str) -> str:
        """The key of the character with this cue; a stranger is added to the script's cast."""
        known = self.names.key(cue)
        if known is not None:
            return known
        name = cue.lstrip("@").strip()
        if name.upper() not in self.strangers:
            self.strangers[name.upper()] = self._new_character(name)
        return self.strangers[name.upper()]

    def _new_character(self, name: str) -> str:
        letters = unicodedata.normalize("NFKD", russian.latin(name)).encode("ascii", "ignore").decode()
        stem = re.sub(r"[^a-z0-9]+", "_", letters).strip("_")[:32] or f"voice_{len(self.cast) + 1}"
        key, number = stem, 1
        while key in self.cast or key in self.names.cast:
            number += 1
            key = f"{stem[:28]}_{number}"
        proper = _proper_name(name)
        self.cast[key] = {} if proper == display_name(key, Character()) else {"name": proper[:MAX_NAME]}
        return key


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


# ------------------------------------------------------------------------------------------------ errors


def _describe_errors(wrong: ValidationError, builder: _Builder, path: Path) -> Iterator[str]:
    """One message for each faulty value, with the line of the file that it is on."""
    faults: dict[str, tuple[int, list[str], Any]] = {}
    errors = [error for error in wrong.errors(include_url=False) if error["type"] != "too_short"]
    for error in errors:
        steps = _steps(error["loc"])
        scene = steps[1:] if steps[0] == "scenes" else []
        lines = (builder.lines.get(tuple(scene[:length])) for length in range(len(scene), 0, -1))
        line = next((line for line in lines if line is not None), 1)
        faults.setdefault(".".join(steps), (line, [], error["input"]))[1].append(_expected(error))
    for number, (where, (line, expected, value)) in enumerate(faults.items()):
        if number == MAX_FAULTS:
            yield f"{path}: and {len(faults) - MAX_FAULTS} more"
            return
        is_long = any(words.startswith("at most") for words in expected)
        got = str(len(value)) if is_long else shorten(repr(value))
        yield f"{path}:{line}: {where}: wanted {' or '.join(dict.fromkeys(expected))}, got {got}"


def _steps(location: Sequence[str | int]) -> list[str]:
    """The keys and indexes of a pydantic location, without the names of a union's members."""
    steps = [str(step) for step in location] or ["script"]
    if steps[2:3] == ["dialogue"]:
        steps = steps[:4] + steps[5:]
    while len(steps) > 1 and re.search(r"\[|-|^(?:float|int|str|bool)$", steps[-1]):
        steps.pop()
    return steps


def _expected(error: Mapping[str, Any]) -> str:
    if error["type"] == "string_too_long":
        return f"at most {error['ctx']['max_length']} characters"
    if error["type"] == "too_long":
        return f"at most {error['ctx']['max_length']}"
    if error["type"] == "extra_forbidden":
        return "a known key"
    words = re.sub(r"^(?:Value error, |Input should be )", "", error["msg"])
    return re.sub(r"^a valid (number|integer|string|boolean).*", r"a \1", words)
