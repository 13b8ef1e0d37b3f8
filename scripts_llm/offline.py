"""The embedded writer: a script from a premise, without a key, a server or a network.

It plans before it writes (templates/room has its material, scripts_llm.room its craft): two characters whose drives
and flaws collide, a plot that fits the flaw, a search over exchanges whose needs the story has planted, and only then
words, each line in its speaker's way of talking. The same premise, seed and episode give the same script.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from random import Random

from scripts_llm import casting
from scripts_llm.casting import FilmWords
from scripts_llm.room import bank, places, story
from scripts_llm.room.person import Person, matches, read_person
from scripts_llm.room.story import PlannedScene
from scripts_llm.room.wording import Tongue, Unsayable, count_words, plain, tidy
from scripts_llm.screenplay import Beat, Line, Part, Premise, Scene, Script

SECONDS_A_WORD = 0.4
SECONDS_BETWEEN_LINES = 0.3
SECONDS_A_BUTTON = 1.0  # what a scene's last laugh runs on
SECONDS_OF_CARDS = 7.0
_SHORTEST, _LONGEST = 62.0, 117.0
_MOST_SCENES = 12
_PARTS: tuple[Part, ...] = ("cold_open", "act_1", "act_2", "tag")
_TIMES = ("4:15", "2:40", "half past five", "7:10", "ten to six", "3:25")
VISITORS = ("Mrs. Pike", "Mr. Gannet", "Mrs. Lumley", "Mr. Tench", "Miss Quill", "Mr. Oddie", "Mrs. Crumb", "Mr. Brisket")


def write(premise: Premise, words: FilmWords, *, seed: int, episode: int = 1) -> Script:
    """A complete script, without shots; whoever the premise lacks is invented and stands in `script.cast`."""
    filled, _ = casting.invent(premise, words, seed=seed)
    salt = _digest(filled)
    deck = Random(f"deck {seed} {salt}")
    rng = Random(f"write {seed} {episode} {salt}")
    people = _leads(filled, words, deck, episode)
    plots = story.ranked(bank.blocks("story"), people, deck)
    runners = story.ranked(bank.blocks("runner"), people, deck)
    steps = _steps(filled, people, rng)
    scenes: tuple[PlannedScene, ...] | None = None
    for attempt in range(len(plots) * 2):
        turn = episode - 1 + attempt
        runner = runners[turn % len(runners)]
        others = tuple(block for block in runners if block is not runner)
        plan = story.Plan(plots[turn % len(plots)], runner, others, people, steps)
        tongue = _tongue(filled, plan, rng)
        scenes = story.tell(plan, tongue)
        if scenes is None:
            continue
        if len(steps) in range(9, 11) and seconds_of(scenes) > _longest(filled):
            steps = story.without_optional(steps)
            continue
        break
    assert scenes is not None, "the bank has no episode for this cast"
    return _script(filled, premise, words, plan, tongue, scenes, rng)


def seconds_of(scenes: Sequence[PlannedScene]) -> float:
    """About how long the film will be, cards included."""
    seconds = SECONDS_OF_CARDS if len(scenes) > 1 else 0.0
    for scene in scenes:
        seconds += SECONDS_A_BUTTON
        for line in scene.lines:
            seconds += SECONDS_A_WORD * count_words(line.text) + SECONDS_BETWEEN_LINES + line.beat
    return seconds


def _longest(premise: Premise) -> float:
    wished = _number(premise.format.length)
    return max(_SHORTEST, wished * 1.2) if wished else _LONGEST


def _digest(premise: Premise) -> str:
    """What the choices hang on: the show and its people, not its looks."""
    parts = [premise.show, premise.logline or ""]
    for key, c in premise.characters.items():
        parts += [key, c.role or "", c.wants or "", c.flaw or "", c.catchphrase or "", c.speech or ""]
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _leads(premise: Premise, words: FilmWords, deck: Random, episode: int) -> dict[str, Person]:
    """Who carries this episode: the first of the cast more often than not, against one of the others."""
    told = [t for t in matches("trade", premise.logline or "")]
    cast = [
        read_person(key, character, kinds=words.kinds, trade=told[n] if n < len(told) else None)
        for n, (key, character) in enumerate(premise.characters.items())
    ]
    if len(cast) == 1:
        raise ValueError(f"{premise.show}: wanted two characters or more, got {cast[0].key}; try leaving `characters` out")
    swap = Random(f"{deck.random()} {episode}")
    hero = cast[0] if swap.random() < 0.68 else swap.choice(cast[1:])
    rest = [person for person in cast if person is not hero]
    swap.shuffle(rest)
    if hero is not cast[0] and cast[0] is not rest[0]:
        rest.remove(cast[0])
        rest.insert(0, cast[0])
    people = {"A": hero, "B": rest[0]}
    if len(rest) > 1:
        people["C"] = rest[1]
    return people


def _number(value: int | str | None) -> int | None:
    found = re.search(r"\d+", str(value)) if value is not None else None
    return int(found[0]) if found else None


def _scene_count(premise: Premise, rng: Random) -> int:
    """How many scenes the format asks for; 9 or 10 where it leaves the choice."""
    wished = [int(n) for n in re.findall(r"\d+", str(premise.format.scenes or ""))]
    length = _number(premise.format.length)
    natural = rng.choice((9, 10, 10)) if length is None else round((length - SECONDS_OF_CARDS) / 9.5)
    low, high = (min(wished), max(wished)) if wished else (1 if length else 9, 10)
    return max(1, min(_MOST_SCENES, max(low, min(high, natural))))


def _steps(premise: Premise, people: dict[str, Person], rng: Random) -> tuple[str, ...]:
    steps = story.PLANS[_scene_count(premise, rng)]
    if premise.format.structure:
        kept = tuple(step for step in steps if story.part_of(step) in premise.format.structure)
        steps = kept or steps
    return story.with_third(steps, rng) if "C" in people else steps


def _tongue(premise: Premise, plan: story.Plan, rng: Random) -> Tongue:
    visitors = plan.story.fact("visitor") or VISITORS
    names = {person.call for person in plan.people.values()}
    first, second = rng.sample(_TIMES, 2)
    visitor = rng.choice([name for name in visitors if name not in names])
    he = "he" if visitor.startswith("Mr.") else "she"
    facts = {
        "V": visitor,
        "he": he,
        "him": {"he": "him", "she": "her"}[he],
        "his": {"he": "his", "she": "her"}[he],
        "thing": rng.choice(plan.story.fact("thing") or ("thing",)),
        "matter": rng.choice(plan.story.fact("matter") or ("thing",)),
        "time": first,
        "time2": second,
        "n": rng.choice(("four", "seven", "nine", "eleven", "thirteen")),
        "show": premise.show,
    }
    goals: dict[str, tuple[str, str]] = {}
    for person in plan.people.values():
        if person.key in goals:
            continue
        long, _, short = rng.choice(bank.table("drive")[person.drive].fact("goal")).partition(" ; ")
        goals[person.key] = person.topic if person.topic and rng.random() < 0.4 else (long, short)
    return Tongue(rng, plan.people, facts, goals, forbidden=_fields(premise))


def _fields(premise: Premise) -> tuple[str, ...]:
    """Every text of the premise that a line must not quote, flat; names and catchphrases may be said."""
    texts = [premise.logline or "", premise.style.prompt, *premise.running_gags]
    texts += [setting.look for setting in premise.settings.values() if len(setting.look.split()) > 2]
    for c in premise.characters.values():
        texts += [c.look or "", c.role or "", c.wants or "", c.flaw or "", c.speech or ""]
    return tuple(flat for text in texts if (flat := plain(text)))


def _script(
    filled: Premise, given: Premise, words: FilmWords, plan: story.Plan, tongue: Tongue,
    scenes: Sequence[PlannedScene], rng: Random,
) -> Script:  # fmt: skip
    sets = places.show_sets(filled, words.sets)
    where = places.choose_places(scenes, sets, rng)
    written: list[Scene] = []
    for number, (scene, key) in enumerate(zip(scenes, where, strict=True)):
        night = scene.exchange.night or (scene.part == "act_2" and number > len(scenes) * 0.6)
        written.append(
            Scene(
                id=f"s{number + 1:02d}",
                part=scene.part,
                slugline=places.slugline(key, sets[key], night=night),
                setting=key,
                action=places.action(scene, words.actions, words.props, rng),
                dialogue=_dialogue(scene, first=number == 0),
            )
        )
    cast = {key: c for key, c in filled.characters.items() if key not in given.characters}
    title, logline = _title(plan, tongue)
    return Script(schema=1, title=title, logline=logline, scenes=tuple(written), cast=cast)


def _dialogue(scene: PlannedScene, *, first: bool) -> tuple[Line | Beat, ...]:
    elements: list[Line | Beat] = []
    big = scene.step in {"open", "first", "backfire", "worse", "reversal", "tag"}
    for number, line in enumerate(scene.lines):
        if line.beat > 0.5 and number:
            elements.append(Beat(beat=line.beat))
        last = number == len(scene.lines) - 1
        laugh = ("big" if big else "small") if last else "small" if line.laugh else None
        pause = line.beat if 0 < line.beat <= 0.5 and number else None
        elements.append(
            Line(who=line.who.key, line=line.text, parenthetical=line.parenthetical, pause_before=pause, laugh=laugh)
        )
    return tuple(elements)


def _title(plan: story.Plan, tongue: Tongue) -> tuple[str, str | None]:
    block = plan.story if "trouble" in plan.steps else plan.runner
    tongue.people = plan.people
    try:
        title = tongue.fill(tongue.rng.choice(block.fact("title")))
        logline = tidy(tongue.fill(block.fact("logline")[0])) if block.fact("logline") else None
    except Unsayable:
        title, logline = plan.story.name, None
    return story.capital_words(title)[:80], logline
