"""Collects the scenes that a model writes: valid ones are kept, only invalid ones are asked for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts_llm.errors import MalformedAnswer, ScriptError
from scripts_llm.llm_writer.checks import length_fault, scene_faults, small_faults
from scripts_llm.llm_writer.draft import Brief, DraftScene, bare_words, validate_draft
from scripts_llm.llm_writer.matter import names_matter
from scripts_llm.llm_writer.session import Assignment
from scripts_llm.screenplay.outline import Outline, OutlineScene


@dataclass
class SceneCollector:
    """Some scenes of an outline, and the valid drafts for them, by the scene's number in the episode."""

    brief: Brief
    outline: Mapping[int, OutlineScene]
    share: float | None = 1.0  # of the whole episode; None: its length is not weighed
    words: tuple[str, ...] = ()  # half of the scenes name one of them
    said: dict[str, str] = field(default_factory=dict)  # words of lines in scenes before these
    good: dict[int, DraftScene] = field(default_factory=dict)
    faults: dict[int, list[str]] = field(default_factory=dict)

    @property
    def missing(self) -> list[int]:
        """The numbers of the scenes that have no valid draft yet."""
        return [number for number in self.outline if number not in self.good]

    def judge(self, found: Mapping[str, Any], is_last: bool) -> list[DraftScene]:
        """All scenes in order, once each has a valid draft.

        Raises ScriptError with the faults of the invalid ones. `is_last`: small faults are accepted.
        """
        missing = self.missing
        scenes = found.get("scenes")
        if not isinstance(scenes, list):
            raise MalformedAnswer("scenes: a list of scenes is required")
        if len(scenes) == len(self.outline) > len(missing):  # all again, not only the missing
            scenes = [scenes[list(self.outline).index(number)] for number in missing]
        if len(scenes) != len(missing):
            raise ScriptError(f"wanted {len(missing)} scenes, got {len(scenes)}")
        self.faults, forms = {}, 0
        for number, scene in zip(missing, scenes, strict=True):
            forms += self._take(number, scene, is_last=is_last)
        if not self.missing and not is_last:
            self._check_length()
            self._check_matter()
        if self.missing:
            kind = MalformedAnswer if forms == len(missing) else ScriptError
            raise kind("\n".join(dict.fromkeys(fault for own in self.faults.values() for fault in own)))
        return [self.good[number] for number in self.outline]

    def _take(self, number: int, found: Any, *, is_last: bool) -> bool:
        """Adds a draft to the valid ones, or notes its faults; True if it does not fit the schema."""
        where = f"scene {number}"
        try:
            scene = validate_draft(DraftScene, found, where)
        except MalformedAnswer as fault:
            self.faults[number] = str(fault).splitlines()
            return True
        faults = list(scene_faults(where, scene, self.outline[number].part, self.brief))
        if not is_last:
            faults += small_faults(where, scene, self._others(), self.brief)
        if faults:
            self.faults[number] = faults
        else:
            self.good[number] = scene
        return False

    def _others(self) -> dict[str, str]:
        return {**self.said, **lines_said(self.good)}

    def _check_length(self) -> None:
        """Rejects all scenes if together they are too long or too short."""
        lines = [line.line for scene in self.good.values() for line in scene.dialogue]
        fault = None if self.share is None else length_fault(lines, self.brief, share=self.share)
        if fault:
            self.faults = {number: [fault] for number in self.good}
            self.good.clear()

    def _check_matter(self) -> None:
        """Rejects as many scenes as must still name what the episode is about; first those of the acts."""
        if not self.words or not self.good:
            return
        deaf = [n for n, scene in self.good.items() if not names_matter(scene_text(scene), self.words)]
        lacking = len(deaf) - len(self.good) // 2
        for number in sorted(deaf, key=lambda n: (not self.outline[n].part.startswith("act"), n))[:lacking]:
            named = ", ".join(self.words)
            self.faults[number] = [
                f"scene {number}: no line names what the episode is about, wanted one of: {named}"
            ]
            del self.good[number]


def matter_words(task: Assignment, outline: Outline) -> tuple[str, ...]:
    """The words by which scenes name what the episode is about; none if that is left open."""
    return tuple(dict.fromkeys((*outline.words, *task.logline_words)))


def scene_text(scene: DraftScene) -> str:
    """Everything that is said and done in a scene."""
    return "\n".join([scene.action, *(line.line for line in scene.dialogue)])


def lines_said(scenes: Mapping[int, DraftScene]) -> dict[str, str]:
    """The bare words of every line, with the scene that has it."""
    said: dict[str, str] = {}
    for number, scene in scenes.items():
        for line in scene.dialogue:
            said.setdefault(bare_words(line.line), f"scene {number}")
    return said


def scenes_as_data(scenes: Sequence[DraftScene], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Scenes for a prompt: numbered, with their setting and dialogue."""
    return [
        {
            "number": number,
            "setting": scene.setting,
            "dialogue": [line.model_dump() for line in scene.dialogue],
        }
        for number, scene in zip(numbers, scenes, strict=True)
    ]
