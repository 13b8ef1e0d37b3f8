"""The words of a film model and the rules of its prompts: data that `flows` hands over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts_llm.screenplay.names import contains_phrase, people_named

_UNFILMABLE = re.compile(
    r"\b(?:nothing|nobody|no one|silence|tension|mood|feeling|meanwhile|black screen|fade|montage|text|"
    r"caption|title card|says?|said|thinks?|realizes?|remembers?|explains?|joke|story)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FilmWords:
    """Everything that the film model can show."""

    sets: tuple[str, ...]
    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    actions: tuple[str, ...]
    accessories: tuple[str, ...]
    props: tuple[str, ...]


@dataclass(frozen=True)
class Dialect:
    """How prompts for a film model are written.

    `is_closed`: the model knows `words`, the `synonyms` of its sets and actions, and nothing else.
    `rules` are sentences for whoever writes prompts.
    """

    name: str
    words: FilmWords
    is_closed: bool
    most_words: int
    rules: tuple[str, ...]
    example: str  # with {first} and {second} for two people and {place}
    synonyms: Mapping[str, str] = field(default_factory=dict)
    fewest_words: int = 0

    def example_for(self, first: str, second: str, place: str) -> str:
        """The example prompt with people and a place of this show."""
        return self.example.format(first=first, second=second, place=place.replace("_", " "))

    def find_fault(
        self, prompt: str, names: Mapping[str, str], places: tuple[str, ...], *, is_shot: bool = True
    ) -> str | None:
        """Why a prompt, or a scene's action, shows nothing; None if it shows something."""
        words = prompt.lower().replace("_", " ")
        num_words = len(words.split())
        if is_shot and num_words > self.most_words:
            return f"has {num_words} words, wanted at most {self.most_words}"
        if is_shot and num_words < self.fewest_words:
            return f"has {num_words} words, wanted at least {self.fewest_words}: say more of what is seen"
        somebody = bool(people_named(prompt, names))
        place = contains_phrase(prompt, (*places, *self._with_synonyms(self.words.sets)))
        if self.is_closed:
            doing = contains_phrase(prompt, self._with_synonyms(self.words.actions))
            if place and not somebody and not doing:
                return None
            if not somebody or not doing:
                return f"shows nobody who is {', '.join(self.words.actions)}"
            return None
        abstract = _UNFILMABLE.search(words)
        if abstract:
            return f"shows nothing: {abstract[0]!r} cannot be filmed"
        return None if num_words >= 3 and (somebody or place or num_words >= 5) else "shows nothing"

    def _with_synonyms(self, meanings: tuple[str, ...]) -> tuple[str, ...]:
        """Sets or actions, and their synonyms."""
        return (*meanings, *(word for word, meaning in self.synonyms.items() if meaning in meanings))
