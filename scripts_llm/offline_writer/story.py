"""The plan of an episode: which plot, which scenes, and the state that decides what can follow what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.bank import Block, Exchange
from scripts_llm.offline_writer.dialogue import STORY_STEPS, WordedLine, word_exchange_anew
from scripts_llm.offline_writer.person import Person
from scripts_llm.offline_writer.wording import Phrasing
from scripts_llm.screenplay.premise import Part

_SEVENS = ("open", "trouble", "scheme", "reversal", "tag")
PLANS: Mapping[int, tuple[str, ...]] = {
    1: ("open",),
    2: ("open", "tag"),
    3: ("open", "mid", "tag"),
    4: ("open", "want", "mid", "tag"),
    5: _SEVENS,
    6: (*_SEVENS[:3], "worse", *_SEVENS[3:]),
    7: (*_SEVENS[:3], "backfire", "worse", *_SEVENS[3:]),
    8: ("open", "trouble", "scheme", "first", "backfire", "worse", "reversal", "tag"),
    9: ("open", "want", "trouble", "scheme", "first", "backfire", "worse", "reversal", "tag"),
    10: ("open", "want", "trouble", "scheme", "first", "backfire", "mid", "worse", "reversal", "tag"),
    11: (
        "open",
        "want",
        "trouble",
        "scheme",
        "catch",
        "first",
        "backfire",
        "mid",
        "worse",
        "reversal",
        "tag",
    ),
    12: (
        "open",
        "want",
        "trouble",
        "scheme",
        "catch",
        "first",
        "backfire",
        "mid",
        "other",
        "worse",
        "reversal",
        "tag",
    ),
}
_PARTS: Mapping[str, Part] = {
    "open": "cold_open",
    "want": "act_1",
    "trouble": "act_1",
    "scheme": "act_1",
    "first": "act_1",
    "catch": "act_1",
    "backfire": "act_2",
    "mid": "act_2",
    "third": "act_2",
    "other": "act_2",
    "worse": "act_2",
    "reversal": "act_2",
    "tag": "tag",
}
MOST_TRIES = 70  # exchanges put into words before a plan is given up
PLANT_DISTANCE = 2  # a reversal's plant lies at least so many scenes back


@dataclass(frozen=True)
class PlannedScene:
    """A scene with its words, before it has a place."""

    step: str
    part: Part
    exchange: Exchange
    people: Mapping[str, Person]
    lines: tuple[WordedLine, ...]
    holder: str | None  # the role that has the story's object
    prop: str


@dataclass
class StoryState:
    """What is true in the story so far: facts by the scene that planted them, and who has the object."""

    facts: dict[str, int] = field(default_factory=dict)
    holder: str | None = None

    def allows(self, exchange: Exchange, at: int, distance: int) -> bool:
        early = all(plant in self.facts and at - self.facts[plant] >= distance for plant in exchange.pays)
        return early and exchange.needs <= self.facts.keys()

    def after(self, exchange: Exchange, at: int) -> StoryState:
        facts = dict(self.facts)
        for plant in exchange.plants:
            facts.setdefault(plant, at)
        holder = self.holder
        for role, _, prop in exchange.stage:
            holder = role if prop == "thing" else holder
        return StoryState(facts, holder)


@dataclass(frozen=True)
class EpisodePlan:
    """The blocks that an episode is told from."""

    story: Block
    runner: Block
    others: tuple[Block, ...]
    people: Mapping[str, Person]
    steps: tuple[str, ...]

    def options(self, step: str) -> Iterator[Exchange]:
        a = self.people["A"]
        language = a.language
        if step in {"open", "mid", "tag"}:
            yield from self.runner.at(step)
        elif step == "want":
            yield from bank.table("want", language)[a.drive].at(step)
        elif step == "third":
            yield from bank.table("third", language)[self.people["C"].flaw].at(step)
            yield from self.runner.at("mid")
        elif step == "catch":
            yield from bank.table("catch", language)["any"].at(step)
        elif step == "other":
            for block in self.others:
                yield from block.at("open")
        else:
            yield from self.story.at(step)


def part_of(step: str) -> Part:
    return _PARTS[step]


def _has(person: Person | None, traits: frozenset[str]) -> bool:
    if person is None:
        return False
    return any(t[1:] not in person.traits if t.startswith("!") else t in person.traits for t in traits)


def fits(exchange: Exchange, people: Mapping[str, Person]) -> bool:
    """Whether these people can play it."""
    return exchange.roles <= people.keys() and all(_has(people.get(role), t) for role, t in exchange.wants)


def affinity(block: Block, people: Mapping[str, Person]) -> float:
    """How much a plot or runner is this person's own, by its `fits`; 0 if it cannot be played."""
    if any(trait in people["A"].traits for trait in block.fact("avoid")):
        return 0.0
    own = sum(trait in people["A"].traits for trait in block.fact("fits"))
    other = sum(trait in people["B"].traits for trait in block.fact("foil"))
    if block.fact("only") and not any(trait in people["A"].traits for trait in block.fact("only")):
        return 0.0
    if block.fact("foil") and not other:
        return 0.0
    common = 0.5 if block.kind == "runner" and not block.fact("only") else 1.0
    return common + 1.5 * own + other


def rank_blocks(blocks: Sequence[Block], people: Mapping[str, Person], rng: Random) -> list[Block]:
    """The blocks in a random order in which those that fit come early."""
    keyed = [(rng.random() ** (1.0 / weight), b) for b in blocks if (weight := affinity(b, people))]
    return [block for _, block in sorted(keyed, key=lambda pair: pair[0], reverse=True)]


def _cast_for(step: str, exchange: Exchange, people: Mapping[str, Person], rng: Random) -> dict[str, Person]:
    """Who plays it: a third character may stand in for B where the exchange allows it."""
    chosen = dict(people)
    if (
        "C" in people
        and "C" not in exchange.roles
        and exchange.either
        and (step == "want" or rng.random() < 0.4)
    ):
        chosen["B"], chosen["C"] = people["C"], people["B"]
    return chosen


def fill_plan(plan: EpisodePlan, tongue: Phrasing) -> tuple[PlannedScene, ...] | None:
    """The scenes in order, found by search: payoffs planted early, nothing said twice. None if impossible."""
    distance = PLANT_DISTANCE if len(plan.steps) >= 8 else 0
    people = tongue.people

    def search(
        at: int, state: StoryState, scenes: tuple[PlannedScene, ...]
    ) -> tuple[PlannedScene, ...] | None:
        if at == len(plan.steps):
            return scenes
        step = plan.steps[at]
        previous = scenes[-1].lines[-1].text if scenes else ""
        keyed = [(tongue.rng.random() + 0.35 * len(e.wants), n, e) for n, e in enumerate(plan.options(step))]
        for _, _, exchange in sorted(keyed, key=lambda entry: entry[:2], reverse=True):
            cast = _cast_for(step, exchange, people, tongue.rng)
            if tongue.tries > MOST_TRIES:
                return None
            if not fits(exchange, cast) or not state.allows(exchange, at, distance):
                continue
            saved = set(tongue.spent), set(tongue.said), set(tongue.openers)
            tongue.people = cast
            lines = word_exchange_anew(step, exchange, tongue, previous)
            tongue.people = people
            if lines:
                after = state.after(exchange, at)
                holder = after.holder if step in STORY_STEPS else None
                scene = PlannedScene(step, part_of(step), exchange, cast, lines, holder, _prop(plan, step))
                if (told := search(at + 1, after, (*scenes, scene))) is not None:
                    return told
            tongue.spent, tongue.said, tongue.openers = saved
        return None

    return search(0, StoryState(), ())


def _prop(plan: EpisodePlan, step: str) -> str:
    block = plan.story if step in STORY_STEPS else plan.runner
    return (block.fact("prop") or ("",))[0]


def drop_optional_step(steps: tuple[str, ...]) -> tuple[str, ...]:
    """One scene fewer, the least needed first."""
    for step in ("other", "catch", "third", "mid", "first", "want"):
        if step in steps:
            return tuple(s for s in steps if s != step)
    return steps


def with_third_character(steps: tuple[str, ...], rng: Random) -> tuple[str, ...]:
    """A scene for the third character in the runner's middle place, now and then."""
    return tuple("third" if step == "mid" and rng.random() < 0.4 else step for step in steps)


def title_case(text: str) -> str:
    """A title in capitals where titles have them."""
    small = {"a", "an", "the", "of", "and", "in", "on", "to", "for", "with", "at"}
    words = text.split()
    return " ".join(
        word if n and word.lower() in small else re.sub(r"^\W*\w", lambda m: m[0].upper(), word)
        for n, word in enumerate(words)
    )
