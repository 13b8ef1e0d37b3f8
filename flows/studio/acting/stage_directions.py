"""Stage directions in plain words: "joe: arms out", "falls over", "looks at don", as a person writes them.

A direction is an action of the drawn world, or words for parts of a pose (`t2v.toon.direction`), or both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache

from flows.studio.errors import StudioError
from scripts_llm.errors import suggest
from t2v.toon.direction import MEANINGS
from t2v.toon.prompts.captions import caption_words
from t2v.toon.prompts.verbs import forms_of_verb

_MOODS = {  # stems, of parentheticals too
    "angry": r"angr|furious|annoy|cross\b|mad\b|snap|bark|shout|yell|scream",
    "sad": r"sad|cry|cries|sob|hurt|unhapp|weary|sigh|weep",
    "glad": r"glad|happ|proud|cheer|excit|delight|smug|beam|thrill",
    "afraid": r"afraid|scare|nervous|anxious|terrif|fright|panic",
    "surprised": r"surpris|shock|stunn|amaz|astonish|gasp",
}
_ALSO = {  # words of a person's for a word of a direction
    "stares": "eyes-wide",
    "eyes closed": "eyes-shut",
    "eyes open": "",
    "blinks": "eyes-shut",
    "smiles": "feels-glad",
    "grins": "feels-glad",
    "cries": "feels-sad",
    "looks away": "looks-down",
    "looks ahead": "looks-ahead",
    "at the viewer": "looks-ahead",
    "at the camera": "looks-ahead",
    "to the camera": "looks-ahead",
    "crouches": "body-crouched",
    "ducks": "body-crouched",
    "lies down": "body-lying",
    "lies on the floor": "body-lying",
    "hands up": "arms-up",
    "hands on hips": "arms-hip",
    "arms on hips": "arms-hip",
    "hand on hip": "right-arm-hip",
    "arms crossed": "arms-front",
    "hands on face": "arms-face",
    "turns away": "back-seen",
    "turns round": "back-seen",
}
_AT = re.compile(r"^(?:looks|looking|look|stares|glances) at (?:the )?(?P<who>[\w-]+)$")
_STEP_ASIDE = re.compile(r"^(?:steps|step|moves) (?:to the )?(?P<side>left|right)$")
_WHO = re.compile(r"^\s*(?P<who>[A-Za-z0-9_-]+)\s*:\s*(?P<words>.*)$", re.DOTALL)
_SMALL = frozenset(("a", "an", "the", "is", "and", "very", "with", "his", "her", "their", "its"))
EVERYBODY = ""


@dataclass(frozen=True)
class StageDirection:
    """What somebody does from a frame on: an action, parts of a pose, whom they look at."""

    action: str | None = None
    parts: Mapping[str, str] = field(default_factory=dict)
    looks_at: str | None = None


def read_stage_direction(text: str, *, where: str) -> dict[str, StageDirection]:
    """The directions of a text by who they are for, `EVERYBODY` where nobody is named.

    "joe: arms out, angry; don: falls over" is for two people. Raises StudioError, with `where` in front, for
    words that mean nothing.
    """
    found: dict[str, StageDirection] = {}
    for piece in filter(None, (piece.strip() for piece in re.split(r"[;\n]", text))):
        named = _WHO.match(piece)
        who, words = (named["who"], named["words"]) if named else (EVERYBODY, piece)
        found[who] = _read(words, where=where, got=text)
    if not found:
        raise StudioError(f'{where}: wanted a direction like "joe: arms out", got {text!r}', code=2)
    return found


def _read(words: str, *, where: str, got: str) -> StageDirection:
    action: str | None = None
    parts: dict[str, str] = {}
    looks_at: str | None = None
    for phrase in _phrases(words):
        if at := _AT.match(phrase):
            looks_at = at["who"]
            continue
        meant = _meaning(phrase)
        if meant is None:
            near = suggest(phrase, _known(), cutoff=0.6)
            hint = f"did you mean {near!r}?" if near else f"try one of: {', '.join(_EXAMPLES)}"
            raise StudioError(f"{where}: wanted a direction, got {phrase!r} in {got!r}, {hint}", code=2)
        action = meant.action or action
        parts |= meant.parts
    if action is None and not parts and looks_at is None:
        raise StudioError(f"{where}: wanted a direction like {_EXAMPLES[0]!r}, got {got!r}", code=2)
    return StageDirection(action, parts, looks_at)


_EXAMPLES = ("arms out", "falls over", "looks left", "looks at joe", "mouth open", "angry", "leans right")


def _phrases(words: str) -> Iterator[str]:
    """The phrases of a text, between commas and "and", in lower case without small words at their edges."""
    for piece in re.split(r",|\band\b|\bthen\b", words.lower()):
        tokens = piece.replace("-", " ").strip(" .!").split()
        while tokens and tokens[0] in _SMALL:
            tokens.pop(0)
        if tokens:
            yield " ".join(tokens)


def _meaning(phrase: str) -> StageDirection | None:
    if phrase in _ALSO:
        return StageDirection(parts=_parts(_ALSO[phrase]))
    said = phrase.replace(" ", "-")
    if said in MEANINGS:
        return StageDirection(parts=MEANINGS[said])
    if side := _STEP_ASIDE.match(phrase):
        return StageDirection(parts=_parts(f"place-{side['side']}"))
    if mood := mood_of(phrase):
        return StageDirection(parts={"mood": mood})
    action = _action_forms().get(phrase)
    return StageDirection(action) if action else None


def _parts(words: str) -> Mapping[str, str]:
    return {part: value for word in words.split() for part, value in MEANINGS[word].items()}


def _known() -> tuple[str, ...]:
    words = (word.replace("-", " ") for word in MEANINGS)
    return (*words, *_ALSO, *_MOODS, *_action_forms())


def mood_of(words: str | None) -> str:
    """The mood that a text names, as a parenthetical does: "angrily" is angry; "" for none."""
    return next((mood for mood, said in _mood_patterns().items() if said.search(words or "")), "")


@cache
def _mood_patterns() -> Mapping[str, re.Pattern[str]]:
    return {mood: re.compile(rf"\b(?:{words})", re.IGNORECASE) for mood, words in _MOODS.items()}


# ---------------------------------------------------------------------------------------------- actions


@cache
def _action_forms(*, bare: bool = True) -> Mapping[str, str]:
    """The action of "falling over", "falls over" and, where `bare`, "fall over", for every phrase."""
    forms: dict[str, str] = {}
    for action, words in caption_words()["actions"].items():
        for phrase in dict.fromkeys((action, *words)):
            for form in forms_of_verb(phrase, bare=bare):
                forms.setdefault(form, action)
    return forms


def find_action(text: str) -> str | None:
    """The first action that a text names, standing only where there is no other; None for none."""
    found: list[tuple[int, int, str]] = []
    lower = text.lower()
    for form, action in _action_forms(bare=False).items():
        if match := re.search(rf"(?<![\w'-]){re.escape(form)}(?![\w-])", lower):
            found.append((match.start(), -len(form), action))
    ordered = [action for _, _, action in sorted(found)]
    return next((action for action in ordered if action != "standing"), ordered[0] if ordered else None)
