"""Models of the drafts that a language model writes, their JSON schemas, and the brief that limits them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from scripts_llm.errors import MalformedAnswer
from scripts_llm.plain_text import strip_controls_deep
from scripts_llm.screenplay.fields import Sentence
from scripts_llm.screenplay.film_vocabulary import Dialect
from scripts_llm.screenplay.outline import Outline, OutlineScene
from scripts_llm.screenplay.premise import Part, Premise, display_name, length_seconds, scene_bounds
from scripts_llm.screenplay.script import LaughSize, Size

MAX_WORDS = 14  # what is asked for
REFUSED_WORDS = 18  # what is refused
MAX_SPEAKERS = 3  # what the film model can show in one picture
MAX_SHOTS = 3  # a scene, where the premise does not say
MAX_LINES = 12

D = TypeVar("D", bound=BaseModel)


class DraftModel(BaseModel):
    """Frozen; ignores unknown keys and removes control characters from text."""

    model_config = ConfigDict(frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _text_steers_nothing(cls, value: Any) -> Any:
        return strip_controls_deep(value)


class DraftOutlineScene(OutlineScene):
    """A scene of a drafted outline; unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore")


class DraftOutline(Outline):
    """An outline as the model writes it: `suggestion` is the number of the one that it takes, or empty."""

    model_config = ConfigDict(extra="ignore")

    scenes: tuple[DraftOutlineScene, ...] = Field(min_length=1)


class DraftShot(DraftModel):
    """A shot of a drafted scene."""

    size: Size
    prompt: str = Field(min_length=1, max_length=300)


class DraftLine(DraftModel):
    """A line of a drafted scene."""

    who: str
    line: str = Field(min_length=1, max_length=240)
    parenthetical: str = Field(default="", max_length=60)
    laugh: LaughSize = "none"


class DraftScene(DraftModel):
    """A scene as the model writes it."""

    part: str
    setting: str
    slugline: Sentence
    action: str = Field(max_length=400)
    shots: tuple[DraftShot, ...] = Field(default=(), max_length=6)
    dialogue: tuple[DraftLine, ...] = Field(min_length=1, max_length=MAX_LINES)


class DraftScenes(DraftModel):
    """The scenes of one answer."""

    scenes: tuple[DraftScene, ...] = Field(min_length=1)


class PunchedScene(DraftModel):
    """A scene's dialogue with better jokes; `number` is the scene's in the episode."""

    number: int
    dialogue: tuple[DraftLine, ...] = Field(min_length=1, max_length=MAX_LINES)


class PunchUp(DraftModel):
    """The scenes of one punch-up."""

    scenes: tuple[PunchedScene, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Brief:
    """Limits of an episode of this show: cast, places, parts, numbers of scenes and shots, length."""

    names: Mapping[str, str]  # key of the cast -> as people call them
    places: tuple[str, ...]
    structure: tuple[Part, ...]
    scenes: tuple[int, int]
    seconds: tuple[int, int]
    shots: int
    dialect: Dialect
    language: str = "en"
    catchphrases: frozenset[str] = frozenset()  # they may come back

    @classmethod
    def from_premise(cls, premise: Premise, dialect: Dialect) -> Brief:
        """The limits that a premise sets, or their defaults."""
        seconds = length_seconds(premise.format)
        around = (8, 12) if seconds is None else (max(1, seconds // 12), max(1, seconds // 7))
        scenes = scene_bounds(premise.format) or around
        parts: tuple[Part, ...] = premise.format.structure or get_args(Part)
        return cls(
            names={key: display_name(key, who) for key, who in premise.characters.items()},
            places=tuple(premise.settings) or tuple(dialect.words.sets),
            structure=parts if scenes[1] >= len(parts) else parts[: scenes[1]],
            scenes=scenes,
            seconds=(60, 120) if seconds is None else (seconds, seconds),
            shots=premise.format.shots or MAX_SHOTS,
            dialect=dialect,
            language=premise.language,
            catchphrases=frozenset(
                bare_words(who.catchphrase) for who in premise.characters.values() if who.catchphrase
            ),
        )


def bare_words(line: str) -> str:
    """A line in lower case without punctuation, for comparison with others."""
    return re.sub(r"[^\w ]", "", line.lower())


# ------------------------------------------------------------------------------------------- schemas


def draft_schema(
    model: type[BaseModel], brief: Brief, *, count: int | None = None, enums: Mapping[str, list[str]] = {}
) -> dict[str, Any]:
    """The JSON schema of a draft with the show's names as enums; `count` is the number of scenes.

    `enums` are the values of other keys that have a few.
    """
    enums = {
        **enums,
        "who": list(brief.names),
        "setting": list(brief.places),
        "part": [*brief.structure],
    }
    schema = dict(_strict(model.model_json_schema(), enums))
    low, high = (count, count) if count else brief.scenes
    schema["properties"]["scenes"].update(minItems=low, maxItems=high)
    if "DraftLine" in schema["$defs"]:
        holder = "PunchedScene" if model is PunchUp else "DraftScene"
        schema["$defs"][holder]["properties"]["dialogue"].update(minItems=1, maxItems=MAX_LINES)
    if "DraftShot" in schema["$defs"]:
        schema["$defs"]["DraftScene"]["properties"]["shots"].update(minItems=1, maxItems=brief.shots)
    return schema


_LEFT_OUT = {"title", "default", "description", "pattern"}


def _strict(schema: Any, enums: Mapping[str, list[str]], name: str = "") -> Any:
    """The subset of JSON Schema that strict servers accept: every key required, no other allowed."""
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


def validate_draft(model: type[D], found: Any, where: str = "") -> D:
    """The answer as a draft of this kind. Raises MalformedAnswer with one line for each fault."""
    try:
        return model.model_validate(found)
    except ValidationError as wrong:
        raise MalformedAnswer("\n".join(_describe_errors(wrong, where)[:30])) from None


def _describe_errors(wrong: ValidationError, where: str) -> Sequence[str]:
    return [
        f"{'.'.join(map(str, (*([where] if where else []), *error['loc']))) or 'the object'}: "
        f"{error['msg'].lower()}"
        for error in wrong.errors(include_url=False)
    ]
