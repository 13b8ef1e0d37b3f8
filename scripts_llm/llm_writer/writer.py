"""Writes scripts with a language model: outline, scenes with their shots, punch-up.

Each answer is checked and repaired once; of the scenes, only the invalid ones are asked for again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Server, UnusableAnswer, ask
from scripts_llm.llm.client import LLMError
from scripts_llm.llm_writer.alternates import with_best_buttons
from scripts_llm.llm_writer.checks import build_lines, build_scene, scene_faults, small_faults
from scripts_llm.llm_writer.draft import (
    Brief,
    DraftScene,
    DraftScenes,
    PunchUp,
    bare_words,
    draft_schema,
    validate_draft,
)
from scripts_llm.llm_writer.matter import content_words, names_matter
from scripts_llm.llm_writer.outline import develop_outline, outline_text
from scripts_llm.llm_writer.scenes import SceneCollector, lines_said, matter_words, scene_text, scenes_as_data
from scripts_llm.llm_writer.session import Assignment, Session, as_json
from scripts_llm.screenplay.outline import Outline, OutlineScene
from scripts_llm.screenplay.script import Line, Scene, Script

AT_ONCE = 10  # scenes in one question


@dataclass(frozen=True)
class WrittenScript:
    """A script, the outline that it follows, the name of the suggestion that it tells, and notes."""

    script: Script
    outline: Outline
    told: str = ""
    notes: tuple[str, ...] = ()


def write_script(task: Assignment, server: Server, outline: Outline | None = None) -> WrittenScript:
    """Writes an episode's script: of an outline that a person has edited, else of its own.

    Raises:
        ScriptError: The premise has no cast, or a prompt template is faulty.
        LLMError: The server failed, with the calls made so far; unusable answers are saved in `task.raw`.
    """
    session = _ScriptSession(task, server)
    outline = outline or develop_outline(task, server)
    drafts: list[DraftScene] = []
    for first in range(0, len(outline.scenes), AT_ONCE):
        drafts += session.scenes(outline, first, drafts)
    scenes = [build_scene(draft, session.brief, is_last=draft is drafts[-1]) for draft in drafts]
    scenes, notes = session.punch_up(outline, drafts, scenes)
    numbered = tuple(scene.model_copy(update={"id": f"s{n:02}"}) for n, scene in enumerate(scenes, 1))
    script = Script(title=outline.title, logline=outline.logline, scenes=numbered)
    if task.alternates:
        script, more = with_best_buttons(task, server, script)
        notes += more
    told, more = _told_suggestion(task, outline, script)
    return WrittenScript(script, outline, told, (*_deaf(task, outline, drafts), *more, *notes))


def _told_suggestion(task: Assignment, outline: Outline, script: Script) -> tuple[str, tuple[str, ...]]:
    """The name of the suggestion that the outline took, if outline or script say a word of it; and a note."""
    name = outline.suggestion
    if name not in task.suggestions:
        return "", ()
    lines = [line.line for scene in script.scenes for line in scene.dialogue if isinstance(line, Line)]
    actions = [scene.action for scene in script.scenes]
    text = "\n".join([outline_text(outline), *lines, *actions])
    if names_matter(text, content_words(task.suggestions[name])):
        return name, ()
    return "", (f"{name} was taken up and not told: it waits for another episode",)


def _deaf(task: Assignment, outline: Outline, drafts: Sequence[DraftScene]) -> tuple[str, ...]:
    """A note if no scene names what the episode is about, after the repair as before it."""
    words = matter_words(task, outline)
    if not words or any(names_matter(scene_text(draft), words) for draft in drafts):
        return ()
    return (f"no scene names what the episode is about ({', '.join(words)})",)


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


class _ScriptSession(Session):
    """Writes the scenes of one script."""

    def scenes(self, outline: Outline, first: int, before: Sequence[DraftScene]) -> list[DraftScene]:
        """Writes the next scenes of an outline, at most `AT_ONCE`."""
        chunk = dict(enumerate(outline.scenes[first : first + AT_ONCE], first + 1))
        low, high = self.brief.scenes
        is_usual = low <= len(outline.scenes) <= high  # else a person chose the number of scenes
        collector = SceneCollector(
            self.brief,
            chunk,
            share=len(chunk) / len(outline.scenes) if is_usual else None,
            words=matter_words(self.task, outline),
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
        head = outline.model_dump(exclude={"scenes", "schema_", "suggestion"})
        asked = [{"number": number, **collector.outline[number].model_dump()} for number in missing]
        text = self.prompt(
            "scenes",
            outline=as_json({**head, "scenes": asked}),
            faults=[fault for number in missing for fault in collector.faults.get(number, [])],
            before=as_json(tail) if tail else "",
        )
        question = self.question(
            "a script" if len(missing) == len(outline.scenes) else f"scene {_listed(missing)}",
            text,
            draft_schema(DraftScenes, self.brief, count=len(missing)),
            turns=turns,
            repair=lambda faults: self._repair(faults, collector),
        )
        return ask(self.server, question, collector.judge)

    def _repair(self, faults: Sequence[str], collector: SceneCollector) -> str:
        is_part = len(collector.missing) < len(collector.outline)
        return self.repair(faults, collector.missing if is_part else [])

    def punch_up(
        self, outline: Outline, drafts: Sequence[DraftScene], scenes: Sequence[Scene]
    ) -> tuple[list[Scene], tuple[str, ...]]:
        """The scenes with better jokes; those whose new jokes fail the checks stay, which the notes tell."""
        better, notes = list(scenes), list[str]()
        for first in range(0, len(drafts), AT_ONCE):
            numbers = range(first + 1, min(first + AT_ONCE, len(drafts)) + 1)
            data = scenes_as_data([drafts[number - 1] for number in numbers], numbers)
            question = self.question(
                "a punch-up",
                self.prompt("punch_up", outline=outline.logline, script=as_json(data)),
                draft_schema(PunchUp, self.brief, count=len(numbers)),
                turns=1,
            )
            try:
                found = ask(self.server, question, lambda found, is_last: validate_draft(PunchUp, found))
            except LLMError as fault:
                return better, (*notes, f"the jokes were not punched up: {fault}")
            words = matter_words(self.task, outline)
            kept = sum(self._exchange(each.number, each, drafts, better, words) for each in found.scenes)
            if kept < len(numbers):
                notes.append(
                    f"{len(numbers) - kept} of {len(numbers)} scenes stay as they were first written"
                )
        return better, tuple(notes)

    def _exchange(
        self,
        number: int,
        punched: Any,
        drafts: Sequence[DraftScene],
        scenes: list[Scene],
        words: Sequence[str],
    ) -> bool:
        """Replaces a scene's dialogue if the new one passes the checks; True if it does.

        One that named the episode's matter by one of `words` still has to.
        """
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
        old = drafts[number - 1]
        is_deafer = names_matter(scene_text(old), words) and not names_matter(scene_text(draft), words)
        if faults or is_deafer or abs(len(draft.dialogue) - len(old.dialogue)) > 2:
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
        text = self.prompt(
            "rewrite",
            title=script.title,
            logline=script.logline or "",
            script=as_json([_scene_data(scene) for scene in around]),
            scene=as_json(_scene_data(old)),
            note=note,
        )
        schema = draft_schema(DraftScenes, self.brief, count=1)
        question = self.question(f"scene {old.id} again", text, schema)
        (draft,) = ask(self.server, question, collector.judge)
        new = build_scene(draft, self.brief, is_last=index == len(script.scenes) - 1)
        written = {"slugline", "setting", "action", "shots", "dialogue"}
        return old.model_copy(update={key: getattr(new, key) for key in written})


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


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(str(number) for number in numbers)
