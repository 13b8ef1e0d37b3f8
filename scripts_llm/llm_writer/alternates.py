"""Other last lines for the scenes of a script: one question asks for them, another has them ranked blind.

The judges see every candidate under a letter that chance has given it, and not which one the script has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from pydantic import Field

from scripts_llm.llm.ask import Question, Server, ask
from scripts_llm.llm.client import LLMError
from scripts_llm.llm.templates import render_prompt
from scripts_llm.llm_writer.checks import language_faults, line_faults, spoken_words
from scripts_llm.llm_writer.draft import (
    MAX_WORDS,
    Brief,
    DraftLine,
    DraftModel,
    bare_words,
    draft_schema,
    validate_draft,
)
from scripts_llm.llm_writer.session import Assignment, Session, as_json
from scripts_llm.screenplay.buttons import find_button
from scripts_llm.screenplay.script import Line, Scene, Script

AT_ONCE = 10  # scenes in one question

CRITICS: Mapping[str, str] = {
    "the dry one": "likes understatement and one exact word; hates a line that begs for the laugh",
    "the loud one": "likes what is seen, what falls, what nobody expects; hates wordplay",
    "the fond one": "likes what only this person could say; hates cruelty, and cleverness for its own sake",
}
"""The critics and their tastes."""


class OfferedScene(DraftModel):
    """More last lines for a scene; `number` is the scene's in the episode."""

    number: int
    lines: tuple[str, ...] = Field(min_length=1, max_length=9)


class Offer(DraftModel):
    """The offers of one answer."""

    scenes: tuple[OfferedScene, ...] = Field(min_length=1)


class RankedScene(DraftModel):
    """A scene's candidates by letter, best first, in an order for each critic."""

    number: int
    orders: tuple[tuple[str, ...], ...] = Field(min_length=1)


class Ranking(DraftModel):
    """The rankings of one answer."""

    scenes: tuple[RankedScene, ...] = Field(min_length=1)


@dataclass(frozen=True)
class RankedLine:
    """What a line may be, best first. `ranked` is False if the critics gave no usable answer."""

    texts: tuple[str, ...]
    ranked: bool


def offer_alternates(
    task: Assignment, server: Server, script: Script, indexes: Sequence[int], *, count: int
) -> tuple[dict[int, RankedLine], tuple[str, ...]]:
    """For scenes, by index, their last line and `count` others at most, best first; and notes for the user.

    A scene without a line, or for which nothing usable came, is left out. Raises LLMError if the server fails
    at the first question; a ranking that fails leaves the order of the offers, the script's own line first.
    """
    session = _AlternatesSession(task, server)
    ranked: dict[int, RankedLine] = {}
    notes: tuple[str, ...] = ()
    for first in range(0, len(indexes), AT_ONCE):
        offered = session.offer(script, indexes[first : first + AT_ONCE], count)
        try:
            ranked |= session.rank(script, offered)
        except LLMError as fault:
            ranked |= {index: RankedLine(texts, ranked=False) for index, texts in offered.items()}
            notes = (f"the alternates are not ranked: {fault}",)
    return ranked, notes


def with_best_buttons(task: Assignment, server: Server, script: Script) -> tuple[Script, tuple[str, ...]]:
    """The script with the best of several last lines in each scene, and the others beside it; and notes."""
    indexes = [index for index, scene in enumerate(script.scenes) if find_button(scene) is not None]
    try:
        ranked, notes = offer_alternates(task, server, script, indexes, count=task.alternates)
    except LLMError as fault:
        return script, (f"there are no alternates: {fault}",)
    scenes = [
        _with_line(scene, ranked[index]) if index in ranked else scene
        for index, scene in enumerate(script.scenes)
    ]
    return script.model_copy(update={"scenes": tuple(scenes)}), notes


def _with_line(scene: Scene, ranked: RankedLine) -> Scene:
    position = find_button(scene)
    assert position is not None
    line, dialogue = scene.dialogue[position], list(scene.dialogue)
    dialogue[position] = line.model_copy(update={"line": ranked.texts[0], "alternates": ranked.texts[1:]})
    return scene.model_copy(update={"dialogue": tuple(dialogue)})


class _AlternatesSession(Session):
    """Asks for last lines, and has them ranked."""

    def offer(self, script: Script, indexes: Sequence[int], count: int) -> dict[int, tuple[str, ...]]:
        """By the scene's index its own last line and the usable ones of the answer, in this order."""
        data = [
            {"number": index + 1, "dialogue": _dialogue(script.scenes[index], self.brief)}
            for index in indexes
        ]
        text = self.prompt(
            "alternates",
            outline=script.logline or script.title,
            script=as_json(data),
            count=count,
            max_words=MAX_WORDS,
        )
        schema = draft_schema(Offer, self.brief, count=len(indexes))
        schema["$defs"]["OfferedScene"]["properties"]["lines"].update(minItems=count, maxItems=count)
        found = ask(
            self.server,
            self.question("alternates", text, schema),
            lambda found, is_last: validate_draft(Offer, found),
        )
        said = {bare_words(line.line) for scene in script.scenes for line in _lines(scene)}
        offered: dict[int, tuple[str, ...]] = {}
        for each in found.scenes:
            if each.number - 1 in indexes:
                usable = self._usable(script.scenes[each.number - 1], each.lines, said)[: count + 1]
                said |= {bare_words(line) for line in usable}
                offered |= {each.number - 1: usable} if len(usable) > 1 else {}
        return offered

    def _usable(self, scene: Scene, texts: Sequence[str], said: set[str]) -> tuple[str, ...]:
        """The scene's last line and those of the texts that could stand in its place."""
        position = find_button(scene)
        assert position is not None
        button = scene.dialogue[position]
        assert isinstance(button, Line)
        kept = {bare_words(button.line): button.line}
        for text in texts:
            draft = DraftLine(who=button.who, line=text) if 0 < len(text) <= 240 else None
            if draft is None:
                continue
            faults = [*line_faults("", draft, self.brief), *language_faults("", [text], self.brief)]
            words = spoken_words(draft, self.brief)
            if not faults and bare_words(words) not in said and bare_words(words):
                kept.setdefault(bare_words(words), words)
        return tuple(kept.values())

    def rank(self, script: Script, offered: Mapping[int, Sequence[str]]) -> dict[int, RankedLine]:
        """The candidates of each scene, best first."""
        if not offered:
            return {}
        letters = {index: self._letters(index, texts) for index, texts in offered.items()}
        data = [
            {
                "number": index + 1,
                "before": _dialogue(script.scenes[index], self.brief)[:-1],
                "candidates": dict(sorted(by_letter.items())),
            }
            for index, by_letter in letters.items()
        ]
        longest = max(map(len, offered.values()))
        enums = {"orders": list(ascii_lowercase[:longest])}
        schema = draft_schema(Ranking, self.brief, count=len(offered), enums=enums)
        orders = schema["$defs"]["RankedScene"]["properties"]["orders"]
        orders.update(minItems=len(CRITICS), maxItems=len(CRITICS))
        folder = self.task.prompts
        question = Question(
            "a ranking",
            render_prompt("critics", folder, critics=CRITICS),
            render_prompt("ranking", folder, critics=CRITICS, script=as_json(data)),
            schema,
            self.task.seed,
            self.task.raw,
            turns=1,
        )
        found = ask(self.server, question, lambda found, is_last: validate_draft(Ranking, found))
        by_index = {each.number - 1: each.orders for each in found.scenes}
        return {
            index: _ranked(texts, letters[index], by_index.get(index, ())) for index, texts in offered.items()
        }

    def _letters(self, index: int, texts: Sequence[str]) -> dict[str, str]:
        """The candidates by letters that say nothing of their order."""
        shuffled = list(texts)
        Random(f"alternates {self.task.seed} {self.task.episode} {index}").shuffle(shuffled)
        return dict(zip(ascii_lowercase, shuffled, strict=False))


def _ranked(texts: Sequence[str], letters: Mapping[str, str], orders: Sequence[Sequence[str]]) -> RankedLine:
    """The texts by Borda's count over the orders that name every letter once; the script's own wins a tie."""
    points = dict.fromkeys(texts, 0)
    valid = [order for order in orders if sorted(order) == sorted(letters)]
    for order in valid:
        for place, letter in enumerate(order):
            points[letters[letter]] += len(order) - place
    best_first = sorted(texts, key=lambda text: -points[text])  # stable
    return RankedLine(tuple(best_first), ranked=bool(valid))


def _lines(scene: Scene) -> list[Line]:
    return [element for element in scene.dialogue if isinstance(element, Line)]


def _dialogue(scene: Scene, brief: Brief) -> list[str]:
    """The lines of a scene up to its last one: "Joe: Who ate it?"."""
    return [f"{brief.names.get(line.who, line.who)}: {line.line}" for line in _lines(scene)]
