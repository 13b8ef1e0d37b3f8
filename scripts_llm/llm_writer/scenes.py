"""The scenes that were asked for, as they come in: good ones stay, only the bad ones are asked for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scripts_llm.errors import MalformedAnswer, ScriptError
from scripts_llm.llm_writer.checks import length_fault, scene_faults, small_faults
from scripts_llm.llm_writer.draft import Brief, DraftScene, OutlineScene, bare_words, validate_draft


@dataclass
class SceneCollector:
    """So many beats in a row of an outline, and what was written for them. Numbers are the episode's."""

    brief: Brief
    beats: Mapping[int, OutlineScene]
    share: float | None = 1.0  # of the whole episode; None: its length is not weighed
    said: dict[str, str] = field(default_factory=dict)  # words of lines in scenes before these
    good: dict[int, DraftScene] = field(default_factory=dict)
    faults: dict[int, list[str]] = field(default_factory=dict)

    @property
    def wanted(self) -> list[int]:
        """The numbers of the scenes that are still to come."""
        return [number for number in self.beats if number not in self.good]

    def judge(self, found: Mapping[str, Any], is_last: bool) -> list[DraftScene]:
        """All scenes in order, once the last one is good. Raises ScriptError with the faults of the rest."""
        wanted = self.wanted
        scenes = found.get("scenes")
        if not isinstance(scenes, list):
            raise MalformedAnswer("scenes: a list of scenes is required")
        if len(scenes) == len(self.beats) > len(wanted):  # all of them again, though only some were asked for
            scenes = [scenes[list(self.beats).index(number)] for number in wanted]
        if len(scenes) != len(wanted):
            raise ScriptError(f"wanted {len(wanted)} scenes, got {len(scenes)}")
        self.faults, forms = {}, 0
        for number, scene in zip(wanted, scenes, strict=True):
            forms += self._take(number, scene, is_last=is_last)
        if not self.wanted and not is_last:
            self._weigh()
        if self.wanted:
            kind = MalformedAnswer if forms == len(wanted) else ScriptError
            raise kind("\n".join(dict.fromkeys(fault for own in self.faults.values() for fault in own)))
        return [self.good[number] for number in self.beats]

    def _take(self, number: int, found: Any, *, is_last: bool) -> bool:
        """Puts a scene with the good ones or notes its faults; whether its very form is wrong."""
        where = f"scene {number}"
        try:
            scene = validate_draft(DraftScene, found, where)
        except MalformedAnswer as fault:
            self.faults[number] = str(fault).splitlines()
            return True
        faults = list(scene_faults(where, scene, self.beats[number].part, self.brief))
        if not is_last:
            faults += small_faults(where, scene, self._others(), self.brief)
        if faults:
            self.faults[number] = faults
        else:
            self.good[number] = scene
        return False

    def _others(self) -> dict[str, str]:
        return {**self.said, **lines_said(self.good)}

    def _weigh(self) -> None:
        """An episode of the wrong length is wrong in all its scenes."""
        lines = [line.line for scene in self.good.values() for line in scene.dialogue]
        fault = None if self.share is None else length_fault(lines, self.brief, share=self.share)
        if fault:
            self.faults = {number: [fault] for number in self.good}
            self.good.clear()


def lines_said(scenes: Mapping[int, DraftScene]) -> dict[str, str]:
    """The words of every line, and the scene that it was said in."""
    said: dict[str, str] = {}
    for number, scene in scenes.items():
        for line in scene.dialogue:
            said.setdefault(bare_words(line.line), f"scene {number}")
    return said


def scenes_as_data(scenes: Sequence[DraftScene], numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Scenes as a model reads them back: numbered, the lines with their speakers."""
    return [
        {
            "number": number,
            "setting": scene.setting,
            "dialogue": [line.model_dump() for line in scene.dialogue],
        }
        for number, scene in zip(numbers, scenes, strict=True)
    ]
