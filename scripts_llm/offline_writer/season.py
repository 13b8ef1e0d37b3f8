"""The episodes so far, so that the writer repeats nothing and can refer to them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scripts_llm.offline_writer import bank, pursuits
from scripts_llm.offline_writer.bank import Block
from scripts_llm.offline_writer.logline import read_premise
from scripts_llm.offline_writer.reading import Reading
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Script

RECENT = 2  # episodes whose lines are not said again
EVERY = 3  # at the latest every so many episodes turn to what the show's logline is about


@dataclass(frozen=True)
class PastEpisode:
    """An episode as the later ones know it."""

    title: str
    logline: str = ""
    plot: str = ""  # the room's name of its A story: "norwegian"; "" if somebody else wrote it
    gag: str = ""  # and of its runner
    scenes: tuple[tuple[str, ...], ...] = ()  # their lines
    turns: bool = False  # whether it turned to what the show's logline is about


@dataclass(frozen=True)
class Season:
    """The episodes so far, oldest first."""

    episodes: tuple[PastEpisode, ...] = ()

    def after(self, past: PastEpisode) -> Season:
        """The season with one more episode."""
        return Season((*self.episodes, past))

    def since(self, kind: str, name: str) -> int:
        """How many episodes ago a plot or a runner was used last; 10,000 if never."""
        for ago, past in enumerate(reversed(self.episodes), 1):
            if name == (past.plot if kind == "story" else past.gag):
                return ago
        return 10_000

    def owes_a_turn(self) -> bool:
        """Whether the next episode has to turn to what the logline is about: the first one has to."""
        return not any(past.turns for past in self.episodes[1 - EVERY :])

    def plots(self) -> tuple[str, ...]:
        """The names of the plots so far, oldest first."""
        return tuple(past.plot for past in self.episodes if past.plot)

    def recent_lines(self) -> tuple[str, ...]:
        """The lines of the last two episodes."""
        return tuple(line for past in self.episodes[-RECENT:] for scene in past.scenes for line in scene)


def past_episode(script: Script, premise: Premise) -> PastEpisode:
    """A script as the next episode remembers it, whoever wrote or edited it."""
    scenes = tuple(
        tuple(element.line for element in scene.dialogue if isinstance(element, Line))
        for scene in script.scenes
        if not scene.skip
    )
    language = bank.bank_language(premise.language)
    opening = scenes[0][:1] if scenes else ()
    story, became = split_logline(script.logline or "", read_premise(premise))
    told = (story, script.title)
    found = (recognise_block(kind, (text,), language) for text in told for kind in ("pursuit", "story"))
    plot = next((name for name in found if name), "")
    return PastEpisode(
        title=script.title,
        logline=script.logline or "",
        plot=plot,
        gag=recognise_block("runner", opening, language),
        scenes=scenes,
        turns="." in plot or bool(became),
    )


def split_logline(logline: str, reading: Reading | None) -> tuple[str, str]:
    """An episode's logline, and the sentence behind it that says what became of the show's own matter."""
    for text in reading.pursuit.since if reading else ():
        if match := re.search(f" ({_pattern(text).pattern})$", logline, re.IGNORECASE):
            return logline[: match.start()], match[1]
    return logline, ""


@cache
def _patterns(kind: str, language: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Names of blocks with patterns of their loglines and titles, or of a runner's first lines."""
    return tuple(
        (block.name, _pattern(text))
        for block in (pursuits.plots(language).values() if kind == "pursuit" else bank.blocks(kind, language))
        for text in _recognition_texts(kind, block)
    )


def _recognition_texts(kind: str, block: Block) -> Sequence[str]:
    if kind in {"story", "pursuit"}:
        return (*block.fact("logline"), *block.fact("title"))
    return [wording.text for exchange in block.at("open") for wording in exchange.lines[0].wordings]


def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"\{[^{}]*\}", text)
    return re.compile(".+?".join(re.escape(piece) for piece in pieces), re.IGNORECASE)


def recognise_block(kind: str, texts: Sequence[str], language: str) -> str:
    """The name of the story with this logline or title, or of the runner with this line; else ""."""
    for text in texts:
        for name, pattern in _patterns(kind, language):
            if pattern.fullmatch(text):
                return name
    return ""
