"""Writes scripts with a language model: outline, scenes with their shots, punch-up.

Each answer is checked and repaired once; of the scenes, only the invalid ones are asked for again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, Server, UnusableAnswer, ask
from scripts_llm.llm.client import LLMError
from scripts_llm.llm.templates import render_prompt
from scripts_llm.llm_writer.checks import build_lines, build_scene, read_outline, scene_faults, small_faults
from scripts_llm.llm_writer.draft import (
    MAX_WORDS,
    Brief,
    DraftScene,
    DraftScenes,
    Outline,
    OutlineScene,
    PunchUp,
    bare_words,
    draft_schema,
    validate_draft,
)
from scripts_llm.llm_writer.scenes import SceneCollector, lines_said, scenes_as_data
from scripts_llm.screenplay.continuity import Continuity
from scripts_llm.screenplay.film_vocabulary import Dialect
from scripts_llm.screenplay.premise import Premise, length_seconds
from scripts_llm.screenplay.script import Line, Scene, Script

AT_ONCE = 10  # scenes in one question
_SECONDS_A_LINE = 3
_REMEMBERED = 5  # earlier episodes in the prompt


@dataclass(frozen=True)
class Assignment:
    """The episode to write. `premise` has its whole cast; `episode` is the number in the season."""

    premise: Premise
    dialect: Dialect
    seed: int
    episode: int = 1
    continuity: Continuity = field(default_factory=Continuity)
    prompts: Path | None = None  # a folder of one's own prompts
    raw: Path | None = None  # where an answer goes that cannot be used


@dataclass(frozen=True)
class WrittenScript:
    """A script, the promises it leaves open for later episodes, and notes for the user."""

    script: Script
    promised: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def write_script(task: Assignment, server: Server) -> WrittenScript:
    """Writes an episode's script.

    Raises:
        ScriptError: The premise has no cast, or a prompt template is faulty.
        LLMError: The server failed, with the calls made so far; unusable answers are saved in `task.raw`.
    """
    if not task.premise.characters:
        raise ScriptError(f"{task.premise.show}: wanted a cast, got none, try `characters:`")
    session = _ScriptSession(task, server)
    outline = session.outline()
    drafts: list[DraftScene] = []
    for first in range(0, len(outline.scenes), AT_ONCE):
        drafts += session.scenes(outline, first, drafts)
    scenes = [build_scene(draft, session.brief, is_last=draft is drafts[-1]) for draft in drafts]
    scenes, notes = session.punch_up(outline, drafts, scenes)
    numbered = tuple(scene.model_copy(update={"id": f"s{n:02}"}) for n, scene in enumerate(scenes, 1))
    script = Script(title=outline.title, logline=outline.logline, scenes=numbered)
    return WrittenScript(script, (outline.promise,) if outline.promise else (), notes)


def rewrite_scene(task: Assignment, server: Server, script: Script, scene_id: str, note: str) -> Scene:
    """Writes one scene of a script again with a note; its id, position and part stay.

    Raises:
        ScriptError: There is no such scene, or it is locked.
        LLMError: As `write_script`.
    """
    index = next((n for n, scene in enumerate(script.scenes) if scene.id == scene_id), None)
    if index is None:
        ids = ", ".join(str(scene.id) for scene in script.scenes)
        raise ScriptError(f"wanted the id of a scene ({ids}), got {scene_id!r}")
    old = script.scenes[index]
    if old.lock:
        raise ScriptError(f"{scene_id}: wanted a scene that may be written again, got `lock: true`")
    return _ScriptSession(task, server).rewrite(script, index, note)


class _ScriptSession:
    """The shared parts of one script's questions: assignment, server, brief, system prompt."""

    def __init__(self, task: Assignment, server: Server) -> None:
        self.task, self.server = task, server
        self.brief = Brief.from_premise(task.premise, task.dialect)
        self.slots = _slots(task, self.brief)
        length = length_seconds(task.premise.format)
        self.system = render_prompt("system", task.prompts, length=length, max_words=MAX_WORDS)

    def _question(self, purpose: str, text: str, schema: dict[str, Any], **more: Any) -> Question:
        return Question(purpose, self.system, text, schema, self.task.seed, self.task.raw, **more)

    def _prompt(self, template: str, **more: object) -> str:
        return render_prompt(template, self.task.prompts, **self.slots, **more)

    def outline(self) -> Outline:
        """Asks for the outline."""
        question = self._question("an outline", self._prompt("outline"), draft_schema(Outline, self.brief))
        return ask(self.server, question, lambda found, is_last: read_outline(found, self.brief))

    def scenes(self, outline: Outline, first: int, before: Sequence[DraftScene]) -> list[DraftScene]:
        """Writes the next scenes of an outline, at most `AT_ONCE`."""
        chunk = dict(enumerate(outline.scenes[first : first + AT_ONCE], first + 1))
        collector = SceneCollector(
            self.brief,
            chunk,
            share=len(chunk) / len(outline.scenes),
            said=lines_said(dict(enumerate(before, 1))),
        )
        tail = scenes_as_data(before[-1:], [len(before)]) if before else []
        try:
            return self._ask_for(collector, outline, tail, turns=2)
        except UnusableAnswer:
            if len(collector.missing) == len(chunk):
                raise
            return self._ask_for(collector, outline, tail, turns=1)  # only the bad scenes, from a clean sheet

    def _ask_for(
        self, collector: SceneCollector, outline: Outline, tail: list[dict[str, Any]], *, turns: int
    ) -> list[DraftScene]:
        missing = collector.missing
        head = {key: value for key, value in outline.model_dump().items() if key != "scenes"}
        asked = [{"number": number, **collector.outline[number].model_dump()} for number in missing]
        text = self._prompt(
            "scenes",
            outline=_json({**head, "scenes": asked}),
            faults=[fault for number in missing for fault in collector.faults.get(number, [])],
            before=_json(tail) if tail else "",
        )
        question = self._question(
            "a script" if len(missing) == len(outline.scenes) else f"scene {_listed(missing)}",
            text,
            draft_schema(DraftScenes, self.brief, count=len(missing)),
            turns=turns,
            repair=lambda faults: self._repair(faults, collector),
        )
        return ask(self.server, question, collector.judge)

    def _repair(self, faults: Sequence[str], collector: SceneCollector) -> str:
        some = collector.missing if len(collector.missing) < len(collector.outline) else []
        return render_prompt("repair", self.task.prompts, faults=faults[:30], scenes=some)

    def punch_up(
        self, outline: Outline, drafts: Sequence[DraftScene], scenes: Sequence[Scene]
    ) -> tuple[list[Scene], tuple[str, ...]]:
        """The scenes with better jokes; those whose new jokes fail the checks stay, which the notes tell."""
        better, notes = list(scenes), list[str]()
        for first in range(0, len(drafts), AT_ONCE):
            numbers = range(first + 1, min(first + AT_ONCE, len(drafts)) + 1)
            data = scenes_as_data([drafts[number - 1] for number in numbers], numbers)
            question = self._question(
                "a punch-up",
                self._prompt("punch_up", outline=outline.logline, script=_json(data)),
                draft_schema(PunchUp, self.brief, count=len(numbers)),
                turns=1,
            )
            try:
                found = ask(self.server, question, lambda found, is_last: validate_draft(PunchUp, found))
            except LLMError as fault:
                return better, (*notes, f"the jokes were not punched up: {fault}")
            kept = sum(self._exchange(each.number, each, drafts, better) for each in found.scenes)
            if kept < len(numbers):
                notes.append(
                    f"{len(numbers) - kept} of {len(numbers)} scenes stay as they were first written"
                )
        return better, tuple(notes)

    def _exchange(self, number: int, punched: Any, drafts: Sequence[DraftScene], scenes: list[Scene]) -> bool:
        """Replaces a scene's dialogue if the new one passes the checks; True if it does."""
        if not 1 <= number <= len(drafts):
            return False
        draft = drafts[number - 1].model_copy(update={"dialogue": punched.dialogue})
        others = {
            n: scene for n, scene in enumerate(drafts, 1) if n != number
        }  # as first written: nearly all of it stays
        faults = [
            *scene_faults("", draft, draft.part, self.brief),
            *small_faults("", draft, lines_said(others), self.brief),
        ]
        if faults or abs(len(draft.dialogue) - len(drafts[number - 1].dialogue)) > 2:
            return False
        lines = build_lines(draft.dialogue, self.brief, is_last=number == len(drafts))
        scenes[number - 1] = scenes[number - 1].model_copy(update={"dialogue": lines})
        return True

    def rewrite(self, script: Script, index: int, note: str) -> Scene:
        """Writes one scene again with a note."""
        old = script.scenes[index]
        beat = _outline_scene(old, self.brief)
        said = {
            bare_words(line.line): f"scene {n}"
            for n, scene in enumerate(script.scenes, 1)
            if n - 1 != index
            for line in scene.dialogue
            if isinstance(line, Line)
        }
        collector = SceneCollector(self.brief, {index + 1: beat}, share=None, said=said)
        around = script.scenes[max(0, index - 1) : index + 2]
        text = self._prompt(
            "rewrite",
            title=script.title,
            logline=script.logline or "",
            script=_json([_scene_data(scene) for scene in around]),
            scene=_json(_scene_data(old)),
            note=note,
        )
        schema = draft_schema(DraftScenes, self.brief, count=1)
        question = self._question(f"scene {old.id} again", text, schema)
        (draft,) = ask(self.server, question, collector.judge)
        new = build_scene(draft, self.brief, is_last=index == len(script.scenes) - 1)
        written = {"slugline", "setting", "action", "shots", "dialogue"}
        return old.model_copy(update={key: getattr(new, key) for key in written})


# ---------------------------------------------------------------------------------------------- slots


def _slots(task: Assignment, brief: Brief) -> dict[str, object]:
    """The values of the prompts' slots. Users' own prompts rely on these names."""
    low, high = brief.scenes
    names = list(brief.names.values())
    lines = max(1, round(sum(brief.seconds) / sum(brief.scenes) / _SECONDS_A_LINE))
    recent = task.continuity.episodes[-_REMEMBERED:]
    return {
        "premise": task.premise,
        "episode": task.episode,
        "names": brief.names,
        "cast": list(brief.names),
        "places": brief.places,
        "structure": brief.structure,
        "scenes": str(low) if low == high else f"{low} to {high}",
        "lines": f"{max(1, lines - 1)} to {lines + 1}",
        "shots": brief.shots,
        "dialect": task.dialect,
        "example_action": task.dialect.example_for(names[0], names[-1], brief.places[0]),
        "told": recent,
        "gags": task.continuity.gags(),
        "promised": [promise for each in recent for promise in each.promised],
        "jokes": [joke for each in recent[-3:] for joke in each.jokes],
    }


def _outline_scene(scene: Scene, brief: Brief) -> OutlineScene:
    part = scene.part if scene.part in brief.structure else brief.structure[0]
    return OutlineScene(
        part=str(part), setting=scene.setting or brief.places[0], who=("",), turn="", button=""
    )


def _scene_data(scene: Scene) -> dict[str, Any]:
    return scene.model_dump(
        mode="json",
        include={"id", "part", "slugline", "setting", "action", "dialogue"},
        exclude_none=True,
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
