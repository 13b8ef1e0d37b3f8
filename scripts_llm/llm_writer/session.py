"""What all questions about one script share: the assignment, the server, the show's limits, the prompts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts_llm.errors import ScriptError
from scripts_llm.llm.ask import Question, Server
from scripts_llm.llm.templates import render_prompt
from scripts_llm.llm_writer.checks import fits_language
from scripts_llm.llm_writer.draft import MAX_WORDS, Brief
from scripts_llm.llm_writer.matter import Matter, is_due
from scripts_llm.screenplay.continuity import Continuity
from scripts_llm.screenplay.film_vocabulary import Dialect
from scripts_llm.screenplay.premise import Premise, length_seconds

_SECONDS_A_LINE = 3
_REMEMBERED = 5  # earlier episodes in the prompt


@dataclass(frozen=True)
class Assignment:
    """The episode to write. `premise` has its whole cast; `episode` is the number in the season.

    `matter` is what the logline is about, `suggestions` are what viewers would like to see: both are data.
    """

    premise: Premise
    dialect: Dialect
    seed: int
    episode: int = 1
    continuity: Continuity = field(default_factory=Continuity)
    prompts: Path | None = None  # a folder of one's own prompts
    raw: Path | None = None  # where an answer goes that cannot be used
    matter: Matter = Matter()  # noqa: RUF009  # frozen
    suggestions: Mapping[str, str] = field(default_factory=dict)  # by the name of each
    alternates: int = 0  # more buttons for every scene

    @property
    def logline_words(self) -> tuple[str, ...]:
        """The words by which this episode names the logline's matter; none if it is about something else.

        Words in another alphabet than the dialogue's are none that a line could have.
        """
        words = self.matter.words if is_due(self.episode) else ()
        return tuple(word for word in words if fits_language(word, self.premise.language))


class Session:
    """The shared parts of one script's questions: assignment, server, brief, system prompt."""

    def __init__(self, task: Assignment, server: Server) -> None:
        if not task.premise.characters:
            raise ScriptError(f"{task.premise.show}: wanted a cast, got none, try `characters:`")
        self.task, self.server = task, server
        self.brief = Brief.from_premise(task.premise, task.dialect)
        self.slots = _slots(task, self.brief)
        length = length_seconds(task.premise.format)
        self.system = render_prompt("system", task.prompts, length=length, max_words=MAX_WORDS)

    def question(self, purpose: str, text: str, schema: dict[str, Any], **more: Any) -> Question:
        """A question about this script, with its system prompt and its seed."""
        return Question(purpose, self.system, text, schema, self.task.seed, self.task.raw, **more)

    def prompt(self, template: str, **more: object) -> str:
        """A prompt template with the show's slots, and `more`, filled."""
        return render_prompt(template, self.task.prompts, **self.slots, **more)

    def repair(self, faults: Sequence[str], scenes: Sequence[int]) -> str:
        """The prompt that asks for `scenes` again, or for everything if there are none."""
        return render_prompt("repair", self.task.prompts, faults=faults[:30], scenes=scenes)


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
        "matter": task.matter if task.matter.words else None,
        "is_about_the_logline": bool(task.matter.words) and is_due(task.episode),
        "suggestions": dict(enumerate(task.suggestions.values(), 1)),
    }


def as_json(value: Any) -> str:
    """A value as JSON for a prompt, every letter as it is."""
    return json.dumps(value, ensure_ascii=False, indent=1)
