"""How a film model wants to be spoken to: data that `flows` hands over, for prompts and for their check."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts_llm.screenplay.names import contains_phrase, people_named

_NOTHING = re.compile(
    r"\b(?:nothing|nobody|no one|silence|tension|mood|feeling|meanwhile|black screen|fade|montage|text|"
    r"caption|title card|says?|said|thinks?|realizes?|remembers?|explains?|joke|story)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Dialect:
    """A film model's way of being asked.

    `is_closed`: it knows `words`, the `synonyms` of its sets and actions with what they mean, and no others.
    `rules` are told to whoever writes prompts, a sentence each.
    """

    name: str
    words: FilmWords
    is_closed: bool
    most_words: int
    rules: tuple[str, ...]
    example: str  # with {first} and {second} for two people and {place}
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def example_for(self, first: str, second: str, place: str) -> str:
        """The example with people of this show."""
        return self.example.format(first=first, second=second, place=place.replace("_", " "))

    def find_fault(
        self, prompt: str, names: Mapping[str, str], places: tuple[str, ...], *, is_shot: bool = True
    ) -> str | None:
        """What keeps a prompt, or a scene's action, from showing something; None if it shows something."""
        told = prompt.lower().replace("_", " ")
        num_words = len(told.split())
        if is_shot and num_words > self.most_words:
            return f"has {num_words} words, wanted at most {self.most_words}"
        somebody = bool(people_named(prompt, names))
        place = contains_phrase(prompt, (*places, *self._all_for(self.words.sets)))
        if self.is_closed:
            doing = contains_phrase(prompt, self._all_for(self.words.actions))
            if place and not somebody and not doing:
                return None
            if not somebody or not doing:
                return f"shows nobody who is {', '.join(self.words.actions)}"
            return None
        abstract = _NOTHING.search(told)
        if abstract:
            return f"shows nothing: {abstract[0]!r} cannot be filmed"
        return None if num_words >= 3 and (somebody or place or num_words >= 5) else "shows nothing"

    def _all_for(self, meanings: tuple[str, ...]) -> tuple[str, ...]:
        """Sets or actions, and the other words for them."""
        return (*meanings, *(word for word, meaning in self.synonyms.items() if meaning in meanings))


@dataclass(frozen=True)
class FilmWords:
    """What the film model can show."""

    sets: tuple[str, ...]
    kinds: tuple[str, ...]
    colours: tuple[str, ...]
    actions: tuple[str, ...]
    accessories: tuple[str, ...]
    props: tuple[str, ...]
