"""The writer that is a language model: premise, outline, script, each asked for, checked, repaired once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scripts_llm.draft import (
    MAX_WORDS,
    Brief,
    Outline,
    outline_schema,
    read_outline,
    read_scenes,
    scenes_schema,
)
from scripts_llm.endpoint import Call, LLMError, LLMSettings
from scripts_llm.errors import ScriptError
from scripts_llm.prompts import render
from scripts_llm.question import Question, ask
from scripts_llm.screenplay import Premise, Scene, Script, length_seconds

if TYPE_CHECKING:
    from scripts_llm.casting import FilmWords

_SECONDS_A_LINE = 3


def write(
    premise: Premise,
    words: FilmWords,
    *,
    client_settings: LLMSettings,
    seed: int,
    episode: int = 1,
    raw: Path | None = None,
) -> tuple[Script, tuple[Call, ...]]:
    """An episode's script, its shots left out, and the calls that it took.

    Wants a premise whose cast is complete (`casting.invent`). Raises LLMError with the calls made so far; an
    answer that could not be used then lies in `raw`.
    """
    if not premise.characters:
        raise ScriptError(f"{premise.show}: wanted a cast, got none, try `characters:`")
    brief = Brief.of(premise, words)
    system = render("system", length=length_seconds(premise.format), max_words=MAX_WORDS)
    slots = _slots(premise, words, brief, episode)

    def question(purpose: str, text: str, schema: dict[str, Any]) -> Question:
        return Question(purpose, system, text, schema, seed, raw)

    outline, calls = ask(
        client_settings,
        question("an outline", render("outline", **slots), outline_schema(brief)),
        lambda found, is_last: read_outline(found, brief),
    )
    told = json.dumps(outline.model_dump(), ensure_ascii=False, indent=1)
    try:
        scenes, more = ask(
            client_settings,
            question("a script", render("script", outline=told, **slots), scenes_schema(brief)),
            lambda found, is_last: read_scenes(found, brief, is_lenient=is_last),
        )
    except LLMError as fault:
        raise LLMError(str(fault), (*calls, *fault.calls), status=fault.status) from None
    return _script(outline, scenes), (*calls, *more)


def _slots(premise: Premise, words: FilmWords, brief: Brief, episode: int) -> dict[str, object]:
    low, high = brief.scenes
    names = list(brief.names.values())
    example = f"{names[0]} is talking"
    lines = max(1, round(sum(brief.seconds) / sum(brief.scenes) / _SECONDS_A_LINE))
    return {
        "premise": premise,
        "episode": episode,
        "names": brief.names,
        "cast": list(brief.names),
        "places": brief.places,
        "structure": brief.structure,
        "scenes": str(low) if low == high else f"{low} to {high}",
        "lines": f"{max(1, lines - 1)} to {lines + 1}",
        "actions": words.actions,
        "props": words.props,
        "example_action": f"{example}, {names[-1]} is sleeping." if len(names) > 1 else f"{example}.",
    }


def _script(outline: Outline, scenes: tuple[Scene, ...]) -> Script:
    numbered = (scene.model_copy(update={"id": f"s{number:02}"}) for number, scene in enumerate(scenes, 1))
    return Script(title=outline.title, logline=outline.logline, scenes=tuple(numbered))
