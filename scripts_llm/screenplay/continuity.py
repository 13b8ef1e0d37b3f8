"""The memory of a show: one entry for each episode (continuity.yaml).

Everything is stored with its episode, so that deleting or remaking one affects no other.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from scripts_llm.screenplay.fields import Model, Name, Sentence, Text
from scripts_llm.screenplay.script import Line, Scene, Script

MOST_JOKES = 6


class ContinuityEntry(Model):
    """One episode as the show remembers it."""

    episode: str = Field(pattern=r"^s\d{2,}e\d{2,}$", description="`s01e03`")
    title: Name = Field(description="the episode's")
    happened: Text = Field(description="the story in a sentence or two")
    gags: dict[str, Annotated[int, Field(ge=0, le=99)]] = Field(
        default={}, description="how often each running gag came"
    )
    promised: tuple[Sentence, ...] = Field(default=(), description="what was left open for a later episode")
    jokes: tuple[Text, ...] = Field(default=(), description="lines not to be told again")


class Continuity(Model):
    """The episodes of a show so far."""

    schema_: Literal[1] = Field(default=1, alias="schema", description="the version of this file's keys")
    episodes: tuple[ContinuityEntry, ...] = Field(default=(), description="in the order of the show")

    def before(self, episode: str) -> Continuity:
        """The entries of earlier episodes: an older episode that is made again must not know newer ones."""
        number = episode_number(episode)
        earlier = tuple(entry for entry in self.episodes if episode_number(entry.episode) < number)
        return self.model_copy(update={"episodes": earlier})

    def with_episode(self, entry: ContinuityEntry) -> Continuity:
        """A copy with this entry, in the order of episodes, instead of the one that its episode had."""
        others = [each for each in self.episodes if each.episode != entry.episode]
        ordered = sorted([*others, entry], key=lambda each: episode_number(each.episode))
        return self.model_copy(update={"episodes": tuple(ordered)})

    def gags(self) -> dict[str, int]:
        """How often each running gag came so far."""
        counted: Counter[str] = Counter()
        for entry in self.episodes:
            counted.update(entry.gags)
        return dict(counted)


def continuity_entry(
    script: Script, *, episode: str, gags: Iterable[str], promised: Iterable[str] = ()
) -> ContinuityEntry:
    """The entry of a script: its logline, its running gags counted by scene, its best lines."""
    lines = [line for scene in script.scenes for line in scene.dialogue if isinstance(line, Line)]
    best = [line.line for line in lines if line.laugh == "big"] or [line.line for line in lines[-1:]]
    counts = {gag: sum(_mentions_gag(scene, gag) for scene in script.scenes) for gag in gags}
    return ContinuityEntry(
        episode=episode,
        title=script.title,
        happened=script.logline or script.title,
        gags={gag: count for gag, count in counts.items() if count},
        promised=tuple(promised),
        jokes=tuple(dict.fromkeys(best))[:MOST_JOKES],
    )


def _mentions_gag(scene: Scene, gag: str) -> bool:
    """Whether a scene has all longer words of a gag, in any form."""
    words = " ".join(
        [scene.action, *(element.line for element in scene.dialogue if isinstance(element, Line))]
    )
    stems = [word[:5] for word in re.findall(r"\w{4,}", gag.lower())] or [gag.lower()]
    return all(re.search(rf"\b{re.escape(stem)}", words.lower()) for stem in stems)


def episode_number(code: str) -> tuple[int, ...]:
    """Season and episode of a code like `s01e03`, for comparisons."""
    return tuple(int(digits) for digits in re.findall(r"\d+", code))
