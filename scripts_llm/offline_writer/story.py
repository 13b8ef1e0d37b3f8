"""Plans an episode: its plot, its steps, and a search for exchanges in which nothing comes unprepared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.bank import Block, Exchange
from scripts_llm.offline_writer.dialogue import STORY_STEPS, WordedLine, word_exchange_anew
from scripts_llm.offline_writer.person import Person
from scripts_llm.offline_writer.wording import Phrasing
from scripts_llm.screenplay.premise import Part
from scripts_llm.screenplay.props import names, prop_of

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
    "later": "act_2",
    "other": "act_2",
    "worse": "act_2",
    "reversal": "act_2",
    "tag": "tag",
}
_STEPS_OF_DETAILS = frozenset({"want", "mid", "third"})
_STEPS_WITH_PROP = frozenset({"trouble", "scheme", "tag"})
_STEPS_OF_INSERTS = frozenset({"trouble", "backfire", "reversal"})
MOST_TRIES = 70  # exchanges worded before a plan is given up
PLANT_DISTANCE = 2  # scenes between a reversal and its plant, at least


@dataclass(frozen=True)
class PlannedScene:
    """A scene with its dialogue, before it has a setting."""

    step: str
    part: Part
    exchange: Exchange
    people: Mapping[str, Person]
    lines: tuple[WordedLine, ...]
    holder: str | None  # the role that has the story's object
    prop: str
    shows_prop: bool = False  # whether A holds it, whatever the exchange says
    close_on: str = ""  # the thing that it talks about, if a camera can show it


@dataclass
class StoryState:
    """The facts of the story with the scene that added them, and the role that holds the object."""

    facts: dict[str, int] = field(default_factory=dict)
    holder: str | None = None

    def allows(self, exchange: Exchange, at: int, distance: int) -> bool:
        """Whether an exchange's facts are known, and old enough (`distance` scenes) to pay off."""
        early = all(plant in self.facts and at - self.facts[plant] >= distance for plant in exchange.pays)
        return early and exchange.needs <= self.facts.keys()

    def after(self, exchange: Exchange, at: int) -> StoryState:
        """The state after an exchange in scene `at`."""
        facts = dict(self.facts)
        for plant in exchange.plants:
            facts.setdefault(plant, at)
        holder = self.holder
        for role, _, prop in exchange.stage:
            holder = role if prop == "thing" else holder
        return StoryState(facts, holder)


@dataclass(frozen=True)
class EpisodePlan:
    """The blocks, people and steps of an episode."""

    story: Block
    runner: Block
    others: tuple[Block, ...]
    people: Mapping[str, Person]
    steps: tuple[str, ...]
    later: Block | None = None  # scenes in which a later episode turns to the show's logline
    details: tuple[Exchange, ...] = ()  # scenes about what else the logline says, for wants and the middle

    def details_for(self, step: str) -> tuple[Exchange, ...]:
        """The scenes about what else the logline says that a step may use."""
        return tuple(
            e for e in self.details if step == "want" or (step in _STEPS_OF_DETAILS and e.step != "told")
        )

    def options(self, step: str) -> Iterator[Exchange]:
        """The exchanges that a step may use; a plot of a pursuit has some for nearly every step."""
        a = self.people["A"]
        language = a.language
        if step in STORY_STEPS or self.story.at(step):
            yield from self.story.at(step)
        elif step in {"open", "mid", "tag", "later"}:
            yield from (self.later if self.later and step == "later" else self.runner).at(step)
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


def part_of(step: str) -> Part:
    """The part of the episode that a step belongs to."""
    return _PARTS[step]


def _has(person: Person | None, traits: frozenset[str]) -> bool:
    if person is None:
        return False
    return any(t[1:] not in person.traits if t.startswith("!") else t in person.traits for t in traits)


def fits(exchange: Exchange, people: Mapping[str, Person]) -> bool:
    """Whether these people have the roles and traits that an exchange requires."""
    return exchange.roles <= people.keys() and all(_has(people.get(role), t) for role, t in exchange.wants)


def affinity(block: Block, people: Mapping[str, Person]) -> float:
    """How well a plot or runner suits these people; 0 if they cannot play it."""
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
    """The playable blocks in a random order that favours those with a high affinity."""
    keyed = [(rng.random() ** (1.0 / weight), b) for b in blocks if (weight := affinity(b, people))]
    return [block for _, block in sorted(keyed, key=lambda pair: pair[0], reverse=True)]


def _cast_for(step: str, exchange: Exchange, people: Mapping[str, Person], rng: Random) -> dict[str, Person]:
    """Who plays which role: a third character may replace B where the exchange allows it."""
    chosen = dict(people)
    if (
        "C" in people
        and "C" not in exchange.roles
        and exchange.either
        and (step == "want" or rng.random() < 0.4)
    ):
        chosen["B"], chosen["C"] = people["C"], people["B"]
    return chosen


def fill_plan(plan: EpisodePlan, phrasing: Phrasing) -> tuple[PlannedScene, ...] | None:
    """The scenes in order, found by depth-first search; None if there is no solution."""
    distance = PLANT_DISTANCE if len(plan.steps) >= 8 else 0
    people = phrasing.people

    def search(
        at: int, state: StoryState, scenes: tuple[PlannedScene, ...]
    ) -> tuple[PlannedScene, ...] | None:
        if at == len(plan.steps):
            return scenes
        step = plan.steps[at]
        previous = scenes[-1].lines[-1].text if scenes else ""
        keyed = [
            (phrasing.rng.random() + 0.35 * len(e.wants) + 3 * (step == "want" and e in plan.details), n, e)
            for n, e in enumerate((*plan.details_for(step), *plan.options(step)))
        ]
        for _, _, exchange in sorted(keyed, key=lambda entry: entry[:2], reverse=True):
            cast = _cast_for(step, exchange, people, phrasing.rng)
            if phrasing.tries > MOST_TRIES:
                return None
            if not fits(exchange, cast) or not state.allows(exchange, at, distance):
                continue
            saved = set(phrasing.spent), set(phrasing.said), set(phrasing.openers)
            phrasing.people = cast
            lines = word_exchange_anew(step, exchange, phrasing, previous)
            phrasing.people = people
            if lines:
                after = state.after(exchange, at)
                holder = after.holder if step in STORY_STEPS else None
                prop = _prop(plan, step, phrasing.facts.get("object", ""))
                shows = plan.story.kind == "pursuit" and step in _STEPS_WITH_PROP
                close_on = _close_on(step, lines, phrasing.facts)
                scene = PlannedScene(
                    step, part_of(step), exchange, cast, lines, holder, prop, shows, close_on
                )
                if (found := search(at + 1, after, (*scenes, scene))) is not None:
                    return found
            phrasing.spent, phrasing.said, phrasing.openers = saved
        return None

    return search(0, StoryState(), ())


def _prop(plan: EpisodePlan, step: str, matter: str) -> str:
    """The prop of a step: the matter of the show's logline, if it is one, else the plot's or the runner's."""
    if plan.story.kind == "pursuit" and (prop := prop_of(matter)):
        return prop
    block = plan.story if step in STORY_STEPS or plan.story.at(step) else plan.runner
    return (block.fact("prop") or ("",))[0]


def _close_on(step: str, lines: Sequence[WordedLine], facts: Mapping[str, str]) -> str:
    """The thing of the show's logline that a scene shows close while its lines talk about it; else empty."""
    thing = facts.get("close on", "") if step in _STEPS_OF_INSERTS else ""
    return thing if thing and any(names(line.text, thing.split()[-1]) for line in lines) else ""


def drop_optional_step(plan: EpisodePlan) -> tuple[str, ...]:
    """The plan's steps without the least important one."""
    own = plan.story.kind == "pursuit"
    for step in ("other", "catch", "third", *(("want", "mid", "first") if own else ("mid", "first", "want"))):
        if step in plan.steps:
            return tuple(s for s in plan.steps if s != step)
    return plan.steps


def with_later_scene(steps: tuple[str, ...]) -> tuple[str, ...]:
    """The steps with a scene that turns to the show's logline: for `mid`, else behind `backfire`."""
    if "mid" in steps or "third" in steps:
        return tuple("later" if step in {"mid", "third"} else step for step in steps)
    at = steps.index("backfire") + 1 if "backfire" in steps else 1
    return (*steps[:at], "later", *steps[at:])


def with_third_character(steps: tuple[str, ...], rng: Random) -> tuple[str, ...]:
    """The steps, with `mid` now and then replaced by a scene for the third character."""
    return tuple("third" if step == "mid" and rng.random() < 0.4 else step for step in steps)
