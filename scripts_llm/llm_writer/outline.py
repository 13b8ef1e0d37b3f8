"""The outline of an episode: asked of a model and checked, or read from a file that a person has edited."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.files import outline as outline_files
from scripts_llm.files.read import find_positions
from scripts_llm.llm.ask import Server, ask
from scripts_llm.llm_writer.checks import cast_faults, find_place, find_speaker, place_faults
from scripts_llm.llm_writer.draft import Brief, DraftOutline, draft_schema, validate_draft
from scripts_llm.llm_writer.matter import names_matter
from scripts_llm.llm_writer.session import Assignment, Session
from scripts_llm.screenplay.outline import Outline

Fault = tuple[tuple[str | int, ...], str]
"""The keys that lead to a value of an outline, and what is wrong with it."""


def develop_outline(task: Assignment, server: Server) -> Outline:
    """The outline that a model gives an episode, repaired once if need be. Raises ScriptError, LLMError."""
    session = Session(task, server)
    schema = _schema(session.brief, len(task.suggestions))
    question = session.question("an outline", session.prompt("outline"), schema)
    return ask(server, question, lambda found, is_last: _judge(found, task, session.brief, is_last=is_last))


def _schema(brief: Brief, num_suggestions: int) -> dict[str, Any]:
    """The schema of an answer; the number of a suggestion is asked for only where there are some."""
    schema = draft_schema(DraftOutline, brief)
    numbers = ["", *map(str, range(1, num_suggestions + 1))]
    keys = schema["properties"]
    keys["suggestion"] = {"type": "string", "enum": numbers}
    for key in ("schema", *([] if num_suggestions else ["suggestion"])):
        del keys[key]
    schema["required"] = list(keys)
    return schema


def _judge(found: Mapping[str, Any], task: Assignment, brief: Brief, *, is_last: bool) -> Outline:
    outline = read_outline(found, brief)
    names = dict(enumerate(task.suggestions, 1))
    number = int(outline.suggestion) if outline.suggestion.isdecimal() else 0
    outline = outline.model_copy(update={"suggestion": names.get(number, "")})
    words = task.logline_words
    if words and not is_last and not names_matter(outline_text(outline), words):
        raise ScriptError(
            f"the outline is not about the show's logline, wanted a story of: {', '.join(words)}"
        )
    return outline


def outline_text(outline: Outline) -> str:
    """Everything that an outline says."""
    scenes = [f"{scene.wants}\n{scene.turn}\n{scene.button}" for scene in outline.scenes]
    return "\n".join([outline.title, outline.logline, outline.about, outline.object, outline.runner, *scenes])


def read_outline(found: Mapping[str, Any], brief: Brief) -> Outline:
    """The outline in a model's answer. Raises ScriptError with one line for each fault."""
    values = {key: value for key, value in found.items() if key != "schema"}
    if "suggestion" in values:  # a number, as likely as not
        values["suggestion"] = str(values["suggestion"] or "")
    outline = validate_draft(DraftOutline, values)
    faults = list(_order_faults([scene.part for scene in outline.scenes], brief))
    faults += [f"scene {int(way[1]) + 1}: {text}" for way, text in _scene_faults(outline, brief)]
    if faults:
        raise ScriptError("\n".join(dict.fromkeys(faults)))
    return _with_our_names(outline, brief)


def load_outline(path: Path, brief: Brief) -> Outline:
    """The outline in a file. Raises ScriptError, each fault with its line.

    The number and order of scenes are whatever a person made of them.
    """
    outline = outline_files.read_outline(path)
    faults = [*_part_faults(outline, brief), *_scene_faults(outline, brief)]
    if faults:
        positions = find_positions(path, [way for way, _ in faults])
        rows = [
            f"{path}:{line}:{column}: {text}"
            for (_, text), (line, column) in zip(faults, positions, strict=True)
        ]
        raise ScriptError("\n".join(rows))
    return _with_our_names(outline, brief)


def _with_our_names(outline: Outline, brief: Brief) -> Outline:
    """The outline with the show's own keys of cast and settings, however they are spelled in it."""
    scenes = tuple(
        scene.model_copy(
            update={
                "setting": find_place(scene.setting, brief) or scene.setting,
                "who": tuple(dict.fromkeys(find_speaker(who, brief) or who for who in scene.who)),
            }
        )
        for scene in outline.scenes
    )
    return outline.model_copy(update={"scenes": scenes})


def _scene_faults(outline: Outline, brief: Brief) -> Iterator[Fault]:
    for index, scene in enumerate(outline.scenes):
        for text in place_faults("", scene.setting, brief):
            yield ("scenes", index, "setting"), text
        for number, who in enumerate(scene.who):
            for text in cast_faults("", who, brief):
                yield ("scenes", index, "who", number), text


def _part_faults(outline: Outline, brief: Brief) -> Iterator[Fault]:
    for index, scene in enumerate(outline.scenes):
        if scene.part not in brief.structure:
            yield (
                ("scenes", index, "part"),
                f"wanted one of {', '.join(brief.structure)}, got {scene.part!r}",
            )


def _order_faults(parts: list[str], brief: Brief) -> Iterator[str]:
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
