"""What a language model is asked for, and what becomes of it: lists and enums, checked, then our scenes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scripts_llm.errors import ScriptError
from scripts_llm.fields import Name, Sentence
from scripts_llm.screenplay import (
    LaughSize,
    Line,
    Part,
    Premise,
    Scene,
    display_name,
    length_seconds,
    scene_bounds,
)

if TYPE_CHECKING:
    from scripts_llm.casting import FilmWords

MAX_WORDS = 14  # what is asked for
REFUSED_WORDS = 18  # what is refused
MAX_SPEAKERS = 3  # what the film model can show in one picture

D = TypeVar("D", bound=BaseModel)


class Draft(BaseModel):
    """Frozen; a key too many does no harm."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)


class Turn(Draft):
    """One scene of the outline."""

    part: str
    setting: str
    who: tuple[str, ...] = Field(min_length=1)
    turn: str
    button: str


class Outline(Draft):
    """The story before its words."""

    title: Name
    logline: Sentence
    object: str
    scenes: tuple[Turn, ...] = Field(min_length=1)


class DraftLine(Draft):
    who: str
    line: str = Field(min_length=1, max_length=240)
    parenthetical: str = Field(default="", max_length=60)
    laugh: LaughSize = "none"


class DraftScene(Draft):
    part: str
    setting: str
    slugline: Sentence
    action: str = Field(max_length=400)
    dialogue: tuple[DraftLine, ...] = Field(min_length=1)


class DraftScenes(Draft):
    scenes: tuple[DraftScene, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Brief:
    """What an episode of this show may hold."""

    names: Mapping[str, str]  # key of the cast -> as people call them
    places: tuple[str, ...]
    structure: tuple[Part, ...]
    scenes: tuple[int, int]
    seconds: tuple[int, int]
    actions: tuple[str, ...]
    catchphrases: frozenset[str] = frozenset()  # they may come back

    @classmethod
    def of(cls, premise: Premise, words: FilmWords) -> Brief:
        seconds = length_seconds(premise.format)
        around = (8, 12) if seconds is None else (max(1, seconds // 12), max(1, seconds // 7))
        scenes = scene_bounds(premise.format) or around
        parts: tuple[Part, ...] = premise.format.structure or get_args(Part)
        return cls(
            names={key: display_name(key, who) for key, who in premise.characters.items()},
            places=tuple(premise.settings) or tuple(words.sets),
            structure=parts if scenes[1] >= len(parts) else parts[: scenes[1]],
            scenes=scenes,
            seconds=(60, 120) if seconds is None else (seconds, seconds),
            actions=tuple(words.actions),
            catchphrases=frozenset(
                _words(who.catchphrase) for who in premise.characters.values() if who.catchphrase
            ),
        )


# ------------------------------------------------------------------------------------------- schemas


def outline_schema(brief: Brief) -> dict[str, Any]:
    """The JSON schema of an outline, its enums those of the show."""
    return dict(_strict(Outline.model_json_schema(), _enums(brief)))


def scenes_schema(brief: Brief) -> dict[str, Any]:
    """The JSON schema of the scenes."""
    return dict(_strict(DraftScenes.model_json_schema(), _enums(brief)))


def _enums(brief: Brief) -> dict[str, list[str]]:
    return {"who": list(brief.names), "setting": list(brief.places), "part": list(brief.structure)}


_LEFT_OUT = {"title", "default", "minLength", "maxLength", "minItems", "maxItems", "description", "pattern"}


def _strict(schema: Any, enums: Mapping[str, list[str]], name: str = "") -> Any:
    """The subset of JSON schema that strict servers take: every key required, no other allowed, no bounds."""
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "string" and name in enums:
        return {"type": "string", "enum": enums[name]}
    plain = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    for group in ("properties", "$defs"):
        if group in plain:
            plain[group] = {key: _strict(value, enums, key) for key, value in plain[group].items()}
    if "items" in plain:
        plain["items"] = _strict(plain["items"], enums, name)
    if plain.get("type") == "object":
        plain["required"] = list(plain["properties"])
        plain["additionalProperties"] = False
    return plain


# -------------------------------------------------------------------------------------------- reading


def read_outline(found: Mapping[str, Any], brief: Brief) -> Outline:
    """The outline in a model's answer. Raises ScriptError with one line a fault."""
    outline = _validated(Outline, found)
    faults = list(_order_faults([turn.part for turn in outline.scenes], brief))
    for number, turn in enumerate(outline.scenes, 1):
        faults += _place_faults(f"scene {number}", turn.setting, brief)
        faults += [fault for who in turn.who for fault in _cast_faults(f"scene {number}", who, brief)]
    _refuse(faults)
    return outline


def read_scenes(found: Mapping[str, Any], brief: Brief, *, is_lenient: bool) -> tuple[Scene, ...]:
    """The scenes in a model's answer. `is_lenient`: what needs no writer is put right without asking."""
    draft = _validated(DraftScenes, found)
    faults = list(_order_faults([scene.part for scene in draft.scenes], brief))
    for number, scene in enumerate(draft.scenes, 1):
        faults += _scene_faults(f"scene {number}", scene, brief)
    small = list(_small_faults(draft, brief))
    _refuse(faults + ([] if is_lenient else small))
    last = len(draft.scenes)
    return tuple(_scene(scene, brief, number == last) for number, scene in enumerate(draft.scenes, 1))


def _validated(model: type[D], found: Mapping[str, Any]) -> D:
    try:
        return model.model_validate(found)
    except ValidationError as wrong:
        faults = [
            f"{'.'.join(map(str, error['loc'])) or 'the object'}: {error['msg'].lower()}"
            for error in wrong.errors(include_url=False)
        ]
        raise ScriptError("\n".join(faults[:30])) from None


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        raise ScriptError("\n".join(dict.fromkeys(faults)))


def _order_faults(parts: Sequence[str], brief: Brief) -> Iterator[str]:
    low, high = brief.scenes
    if not low <= len(parts) <= high:
        yield f"wanted {low} to {high} scenes, got {len(parts)}"
    unknown = [part for part in parts if part not in brief.structure]
    if unknown:
        yield f"unknown part {unknown[0]!r}, use {', '.join(brief.structure)}"
        return
    places = [brief.structure.index(part) for part in parts if part in brief.structure]
    if places != sorted(places) or (
        len(parts) >= len(brief.structure) and len(set(places)) < len(brief.structure)
    ):
        yield f"the parts must be {', '.join(brief.structure)}, in this order and each at least once"


def _place_faults(where: str, setting: str, brief: Brief) -> Iterator[str]:
    if _place(setting, brief) is None:
        close = difflib.get_close_matches(setting.lower(), brief.places, n=1)
        yield f"{where}: unknown setting {setting!r}, use {close[0] if close else ', '.join(brief.places)}"


def _cast_faults(where: str, who: str, brief: Brief) -> Iterator[str]:
    if _speaker(who, brief) is None:
        yield f"{where}: {who!r} is not in the cast, use {', '.join(brief.names)}"


def _scene_faults(where: str, scene: DraftScene, brief: Brief) -> Iterator[str]:
    yield from _place_faults(where, scene.setting, brief)
    for line in scene.dialogue:
        yield from _cast_faults(where, line.who, brief)
        words = len(_clean(line, brief).split())
        if words > REFUSED_WORDS:
            yield f"{where}: {line.line[:40]!r}... has {words} words, wanted at most {MAX_WORDS}"
        if re.search(r"\{\{|\}\}|\[[A-Z_ ]+\]|<[a-z_ ]+>", line.line):
            yield f"{where}: {line.line[:60]!r} has an unfilled slot"


def _small_faults(draft: DraftScenes, brief: Brief) -> Iterator[str]:
    said: dict[str, str] = {}
    for number, scene in enumerate(draft.scenes, 1):
        where = f"scene {number}"
        if not _shows_somebody(scene.action, brief):
            yield f"{where}: the action {scene.action[:60]!r} names nobody who is {', '.join(brief.actions)}"
        if len({line.who for line in scene.dialogue}) > MAX_SPEAKERS:
            yield f"{where}: more than {MAX_SPEAKERS} people speak"
        for line in scene.dialogue:
            if re.search(r"[*_]\w+[*_]|^\(", line.line):
                yield f"{where}: {line.line[:60]!r} has a stage direction in it"
            words = _words(line.line)
            if len(words.split()) > 3 and words in said and words not in brief.catchphrases:
                yield f"{where}: {line.line[:60]!r} was said in {said[words]} already"
            said.setdefault(words, where)
    yield from _length_faults(draft, brief)


def _words(line: str) -> str:
    """A line without its punctuation, to compare it with another."""
    return re.sub(r"[^\w ]", "", line.lower())


def _length_faults(draft: DraftScenes, brief: Brief) -> Iterator[str]:
    lines = [line.line for scene in draft.scenes for line in scene.dialogue]
    seconds = sum(len(line.split()) / 2.6 + 0.7 for line in lines)
    low, high = brief.seconds
    if seconds > 1.5 * high:
        yield f"this lasts about {seconds:.0f} s, wanted at most {high}: fewer lines"
    if seconds < 0.35 * low:
        yield f"this lasts about {seconds:.0f} s, wanted at least {low}: more lines"


# ---------------------------------------------------------------------------------------- our own scenes


def _scene(scene: DraftScene, brief: Brief, is_last: bool) -> Scene:
    lines = [_line(line, brief) for line in scene.dialogue]
    if lines[-1].laugh in (None, "none"):
        lines[-1] = lines[-1].model_copy(update={"laugh": "big" if is_last else "small"})
    action = scene.action if _shows_somebody(scene.action, brief) else _plain_action(lines, brief)
    part: Any = scene.part
    return Scene(
        part=part,
        slugline=scene.slugline,
        setting=_place(scene.setting, brief),
        action=action,
        dialogue=tuple(lines),
    )


def _line(line: DraftLine, brief: Brief) -> Line:
    who = _speaker(line.who, brief)
    assert who is not None  # the faults were looked for before
    how = line.parenthetical.strip("() ")
    laugh = None if line.laugh == "none" else line.laugh
    return Line(who=who, line=_clean(line, brief), parenthetical=how or None, laugh=laugh)


def _clean(line: DraftLine, brief: Brief) -> str:
    """The words that are spoken: without the speaker's name, quotes around it, asterisks and line breaks."""
    text = " ".join(line.line.split())
    who = _speaker(line.who, brief) or line.who
    for name in (line.who, who, brief.names.get(who, who)):
        text = re.sub(rf"(?i)^{re.escape(name)}\s*:\s+", "", text)
    text = re.sub(r"^\([^)]{1,40}\)\s*|[*]", "", text)
    return text.strip('"“” ') or line.line


def _plain_action(lines: Sequence[Line], brief: Brief) -> str:
    """What the film model can always show: the first speaker talks, the others stand."""
    first, *others = list(dict.fromkeys(brief.names[line.who] for line in lines))[:MAX_SPEAKERS]
    return ", ".join([f"{first} is talking", *(f"{other} is standing" for other in others)]) + "."


def _shows_somebody(action: str, brief: Brief) -> bool:
    told = action.lower()
    somebody = any(word.lower() in told for pair in brief.names.items() for word in pair)
    return somebody and any(word in told for word in brief.actions)


def _place(setting: str, brief: Brief) -> str | None:
    plain = setting.lower().replace("_", " ").strip()
    return next((place for place in brief.places if place.lower().replace("_", " ") == plain), None)


def _speaker(who: str, brief: Brief) -> str | None:
    plain = who.lower().strip()
    return next((key for key, name in brief.names.items() if plain in (key, name.lower())), None)
