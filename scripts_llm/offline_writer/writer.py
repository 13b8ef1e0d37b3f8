"""Writes a script from a premise without a key, a server or a network.

It plans first: two characters whose drives and flaws collide, a plot that fits the flaw, a search for
exchanges whose payoffs are planted earlier. Then it words each line in its speaker's manner. The result
depends on premise, seed and episode alone. The first episode is about what the premise's logline is about,
and every third one at the latest turns to it again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from random import Random

from scripts_llm import russian
from scripts_llm.offline_writer import bank, dialogue, places, pursuits, story
from scripts_llm.offline_writer import cast as casting
from scripts_llm.offline_writer.logline import read_premise
from scripts_llm.offline_writer.person import Person, call_name, matching_blocks, read_person
from scripts_llm.offline_writer.reading import Reading, choose_hero, details_of, own_nouns
from scripts_llm.offline_writer.season import PastEpisode, Season
from scripts_llm.offline_writer.story import PlannedScene
from scripts_llm.offline_writer.wording import (
    Phrasing,
    Unsayable,
    flatten_line,
    skeleton,
    tidy_line,
    title_case,
)
from scripts_llm.screenplay.fields import MAX_SENTENCE
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise, display_name, length_seconds
from scripts_llm.screenplay.script import Beat, LaughSize, Line, Scene, Script
from scripts_llm.screenplay.timing import SECONDS_AROUND_LINES, SECONDS_BETWEEN_LINES, line_seconds

SECONDS_OF_CARDS = 7.0
_SHORTEST, _LONGEST = 62.0, 117.0
_MOST_SCENES = 12
AGAIN = 40  # episodes before a plot of the logline's own is told again
_TIMES: Mapping[str, tuple[str, ...]] = {
    "en": ("4:15", "2:40", "half past five", "7:10", "ten to six", "3:25"),
    "ru": ("16:15", "14:40", "17:30", "19:10", "18:50", "15:25"),
}
_SLOT_OF_READING = re.compile(r"\{([^{}]+)\}")
_COUNTS: Mapping[str, tuple[str, ...]] = {
    "en": ("four", "seven", "nine", "eleven", "thirteen"),
    "ru": ("пять", "семь", "девять", "одиннадцать", "тринадцать"),  # all of them govern the genitive plural
}
VISITORS: Mapping[str, tuple[str, ...]] = {
    "en": (
        "Mrs. Pike",
        "Mr. Gannet",
        "Mrs. Lumley",
        "Mr. Tench",
        "Miss Quill",
        "Mr. Oddie",
        "Mrs. Crumb",
        "Mr. Brisket",
    ),
    "ru": (
        "Клавдия Ивановна",
        "Пётр Кузьмич",
        "Роза Львовна",
        "Аркадий Палыч",
        "Нина Степановна",
        "Эдуард Ильич",
        "Зоя Марковна",
        "Фёдор Фомич",
    ),
}


def write_script(
    premise: Premise, words: FilmWords, *, seed: int, episode: int = 1, history: Season | None = None
) -> Script:
    """A complete script without shots. Invented characters are in `script.cast`.

    `history` holds the episodes before this one. Without it, those are assumed that this seed would write.
    """
    if history is not None:
        return _write(premise, words, seed, episode, history)[0]
    return list(write_season(premise, words, seed=seed, episodes=episode))[-1]


def write_season(premise: Premise, words: FilmWords, *, seed: int, episodes: int) -> Iterator[Script]:
    """The show's first episodes, each written with knowledge of those before it."""
    so_far = Season()
    for number in range(1, episodes + 1):
        script, past = _write(premise, words, seed, number, so_far)
        so_far = so_far.after(past)
        yield script


def _write(
    premise: Premise, words: FilmWords, seed: int, episode: int, so_far: Season
) -> tuple[Script, PastEpisode]:
    filled, _ = casting.complete_premise(premise, words, seed=seed)
    salt = f"{seed} {_digest(filled)}"
    rng = Random(f"write {episode} {salt}")
    cast = _read_cast(filled, words)
    reading = read_premise(filled)
    own = _plots_of_the_logline(reading, so_far, Random(f"pursuit {episode} {salt}"))
    people = _choose_leads(cast, salt, episode)
    if own and reading:
        hero = choose_hero(reading, cast, _roles(filled))
        rest = [person for person in cast if person is not hero]
        lead, foil = (rest[0], hero) if reading.is_foil and rest else (hero, None)
        foil = rest[0] if rest and reading.is_several else foil
        people = _lead_first(people, lead, foil)
    plots = [*own, *_rank_fresh_blocks("story", people, Random(f"story {episode} {salt}"), so_far)]
    runners = _rank_fresh_blocks("runner", people, Random(f"runner {episode} {salt}"), so_far)
    steps = _choose_steps(filled, people, rng)
    memory = _season_memory(filled, cast, so_far)
    for attempt in range(len(plots) * len(runners)):
        runner = runners[attempt // 3 % len(runners)]
        others = tuple(block for block in runners if block is not runner)
        plan = story.EpisodePlan(plots[attempt % len(plots)], runner, others, people, steps)
        if plan.story.kind == "pursuit" and reading is not None:
            plan = replace(plan, details=details_of(reading, filled.logline or ""))
        turns = so_far.owes_a_turn() and reading is not None and attempt < len(plots) * 2
        plan = _with_turn(plan, reading) if turns and reading else plan
        phrasing, scenes = _fill_plan(filled, plan, memory, reading, rng)
        if scenes is not None:
            script = _build_script(filled, premise, words, plan, phrasing, scenes, rng)
            lines = tuple(tuple(line.text for line in scene.lines) for scene in scenes)
            is_own = plan.story.kind == "pursuit"
            past = PastEpisode(
                script.title,
                script.logline or "",
                plan.story.name,
                "" if is_own else plan.runner.name,
                lines,
                turns=is_own or plan.later is not None,
            )
            return script, past
        if attempt == len(plots) * 2:  # every plot was tried: recent lines may be repeated
            memory = replace(memory, stale=frozenset())
        if attempt == len(plots) * 4:
            memory = replace(memory, seen=frozenset())
    raise AssertionError("the bank has no episode for this cast")


def _plots_of_the_logline(reading: Reading | None, so_far: Season, rng: Random) -> list[bank.Block]:
    """The logline's own plots that this episode tries first: all of them at first, later the untold ones."""
    if reading is None or not so_far.owes_a_turn():
        return []
    own = list(pursuits.all_pursuits(reading.language)[reading.pursuit.name].plots)
    rng.shuffle(own)
    verb = reading.facts["verb"]
    own.sort(key=lambda block: bool(block.fact("verbs")) and verb not in block.fact("verbs"))
    return [block for block in own if so_far.since("story", block.name) >= AGAIN]


def _lead_first(people: dict[str, Person], hero: Person, foil: Person | None = None) -> dict[str, Person]:
    """The people by role with the hero of the logline as A, and its foil, if it names one, as B."""
    rest = sorted((p for p in people.values() if p is not hero), key=lambda person: person is not foil)
    return dict(zip("ABC", (hero, *rest), strict=False))


def describe_reading(premise: Premise, words: FilmWords) -> str | None:
    """How the logline is read, in a sentence; None for a premise without one.

    The opponent, if the logline names none, is the first of the cast that it is not about.
    """
    reading, cast = read_premise(premise), _read_cast(premise, words)
    if reading is None:
        return None
    hero = choose_hero(reading, cast, _roles(premise)) if cast else None
    others = [
        display_name(key, who) for key, who in premise.characters.items() if not hero or key != hero.key
    ]
    return reading.sentence(others[:1])


def _roles(premise: Premise) -> dict[str, str]:
    return {key: f"{c.role or ''} {c.look or ''}" for key, c in premise.characters.items()}


def _with_turn(plan: story.EpisodePlan, reading: Reading) -> story.EpisodePlan:
    """The plan with a scene about what the show's logline is about, if its plot is another one."""
    if plan.story.kind == "pursuit":
        return replace(plan, steps=tuple("mid" if step == "third" else step for step in plan.steps))
    if len(plan.steps) < 3:
        return plan
    later = pursuits.all_pursuits(reading.language)[reading.pursuit.name].later
    return replace(plan, steps=story.with_later_scene(plan.steps), later=later)


@dataclass(frozen=True)
class _SeasonMemory:
    """Everything that the show has said, in the form in which the search compares it."""

    names: tuple[str, ...]
    stale: frozenset[str]
    seen: frozenset[str]
    matters: tuple[str, ...]


def _season_memory(premise: Premise, cast: Sequence[Person], so_far: Season) -> _SeasonMemory:
    language = bank.bank_language(premise.language)
    names = spoken_names(premise)
    known = {**bank.table("story", language), **pursuits.plots(language)}
    matters = [
        known[plot].fact("matter")[0] for plot in dict.fromkeys(so_far.plots()[-12:-1]) if plot in known
    ]
    return _SeasonMemory(
        names,
        frozenset(skeleton(line, names) for line in so_far.recent_lines()),
        frozenset(dialogue.scene_key(scene, names) for past in so_far.episodes for scene in past.scenes),
        tuple(matters),
    )


def spoken_names(premise: Premise) -> tuple[str, ...]:
    """Every name that a line may contain, in all its forms: those of cast and visitors."""
    language = bank.bank_language(premise.language)
    names = [display_name(key, c) for key, c in premise.characters.items()]
    names += [call_name(name) for name in names]
    names += [v for block in bank.blocks("story", language) for v in block.fact("visitor")]
    names += VISITORS[language]
    if language == "ru":
        names = [form for name in names for form in (*russian.forms(name), *russian.forms(name.split()[0]))]
    return tuple(dict.fromkeys(name.removeprefix("The ") for name in names))


def _fill_plan(
    premise: Premise, plan: story.EpisodePlan, memory: _SeasonMemory, reading: Reading | None, rng: Random
) -> tuple[Phrasing, tuple[PlannedScene, ...] | None]:
    """Fills the plan, with fewer scenes if it is too long and the format leaves the number open."""
    while True:
        phrasing = _start_phrasing(premise, plan, memory, reading, rng)
        scenes = story.fill_plan(plan, phrasing)
        fewer = story.drop_optional_step(plan)
        fixed = (
            scenes is None or _has_fixed_scene_count(premise) or len(plan.steps) <= 8 or fewer == plan.steps
        )
        if fixed or estimate_seconds(scenes or ()) <= _longest_seconds(premise):
            return phrasing, scenes
        plan = replace(plan, steps=fewer)


def estimate_seconds(scenes: Sequence[PlannedScene]) -> float:
    """Estimated seconds of the film, title and credits included."""
    seconds = SECONDS_OF_CARDS if len(scenes) > 1 else 0.0
    for scene in scenes:
        seconds += SECONDS_AROUND_LINES
        for line in scene.lines:
            seconds += line_seconds(line.text) + SECONDS_BETWEEN_LINES + line.beat
    return seconds


def _longest_seconds(premise: Premise) -> float:
    wished = length_seconds(premise.format)
    return max(_SHORTEST, wished * 1.3) if wished else _LONGEST


def _digest(premise: Premise) -> str:
    """A hash of what the choices depend on: the show and its people, but not their looks."""
    parts = [premise.show, premise.logline or ""]
    for key, c in premise.characters.items():
        parts += [key, c.role or "", c.wants or "", c.flaw or "", c.catchphrase or "", c.speech or ""]
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def _read_cast(premise: Premise, words: FilmWords) -> list[Person]:
    language = bank.bank_language(premise.language)
    found = matching_blocks("trade", premise.logline or "", language)
    return [
        read_person(
            key,
            character,
            kinds=words.kinds,
            trade=found[n] if n < len(found) else None,
            language=language,
        )
        for n, (key, character) in enumerate(premise.characters.items())
    ]


def _choose_leads(cast: Sequence[Person], salt: str, episode: int) -> dict[str, Person]:
    """The people by role: the first of the cast is mostly A, against one of the others."""
    rng = Random(f"leads {episode} {salt}")
    hero = cast[0] if rng.random() < 0.68 else rng.choice(cast[1:])
    rest = [person for person in cast if person is not hero]
    rng.shuffle(rest)
    if hero is not cast[0]:
        rest.sort(key=lambda person: person is not cast[0])
    return dict(zip("ABC", (hero, *rest), strict=False))


def _rank_fresh_blocks(
    kind: str, people: Mapping[str, Person], rng: Random, so_far: Season
) -> list[bank.Block]:
    """The blocks in the order in which this episode tries them; recently used ones come last."""
    order = story.rank_blocks(bank.blocks(kind, people["A"].language), people, rng)
    rest = len(order) * 2 // 3
    order.sort(key=lambda block: max(0, rest - so_far.since(kind, block.name)))
    return order


def _scene_count(premise: Premise, rng: Random) -> int:
    """The number of scenes that the format asks for; 9 or 10 if it leaves it open."""
    wished = [int(n) for n in re.findall(r"\d+", str(premise.format.scenes or ""))]
    length = length_seconds(premise.format)
    natural = rng.choice((9, 10, 10)) if length is None else round((length - SECONDS_OF_CARDS) / 8.5)
    low, high = (min(wished), max(wished)) if wished else (1 if length else 9, 10)
    return max(1, min(_MOST_SCENES, max(low, min(high, natural))))


def _has_fixed_scene_count(premise: Premise) -> bool:
    """Whether the format names a single number of scenes, so that none may be dropped."""
    return len(re.findall(r"\d+", str(premise.format.scenes or ""))) == 1


def _choose_steps(premise: Premise, people: dict[str, Person], rng: Random) -> tuple[str, ...]:
    steps = story.PLANS[_scene_count(premise, rng)]
    if premise.format.structure:
        kept = tuple(step for step in steps if story.part_of(step) in premise.format.structure)
        steps = kept or steps
    return story.with_third_character(steps, rng) if "C" in people else steps


def _start_phrasing(
    premise: Premise, plan: story.EpisodePlan, memory: _SeasonMemory, reading: Reading | None, rng: Random
) -> Phrasing:
    language = plan.people["A"].language
    visitors = plan.story.fact("visitor") or VISITORS[language]
    names = {person.call for person in plan.people.values()}
    first, second = rng.sample(_TIMES[language], 2)
    visitor = rng.choice([name for name in visitors if name not in names])
    facts = {
        "V": visitor,
        **_pronouns(visitor, language),
        "thing": rng.choice(plan.story.fact("thing") or ("thing",)),
        "matter": rng.choice(plan.story.fact("matter") or ("thing",)),
        "own": rng.choice(_own_things(premise, reading)),
        "time": first,
        "time2": second,
        "n": rng.choice(_COUNTS[language]),
        "show": premise.show,
    }
    facts |= reading.facts if reading else {}
    facts["thing"] = _SLOT_OF_READING.sub(lambda slot: facts.get(slot[1], slot[0]), facts["thing"])
    past = [matter for matter in memory.matters if matter not in plan.story.fact("matter")]
    facts |= {"past": rng.choice(past)} if past else {}
    goals: dict[str, tuple[str, str]] = {}
    for person in plan.people.values():
        if person.key in goals:
            continue
        goal = rng.choice(bank.table("drive", language)[person.drive].fact("goal"))
        long, _, short = goal.partition(" ; ")
        goals[person.key] = person.topic if person.topic and rng.random() < 0.4 else (long, short)
    if reading and plan.story.kind == "pursuit":
        long, _, short = reading.pursuit.prize.partition(" ; ")
        goals[plan.people["A"].key] = (long, short)
    return Phrasing(
        rng,
        plan.people,
        facts,
        goals,
        forbidden=_premise_texts(premise, reading),
        language=language,
        names=memory.names,
        stale=memory.stale,
        seen=memory.seen,
        greeted=0.0 if plan.story.kind == "pursuit" else 0.15,
    )


def _own_things(premise: Premise, reading: Reading | None) -> tuple[str, ...]:
    """The things that only this show is about: those of its pursuit, twice, and what its logline names."""
    own = own_nouns(premise)
    return (*reading.pursuit.things, *own) if reading else own


def _pronouns(visitor: str, language: str) -> dict[str, str]:
    if language == "ru":
        return {}
    return (
        {"he": "he", "him": "him", "his": "his"}
        if visitor.startswith("Mr.")
        else {"he": "she", "him": "her", "his": "her"}
    )


def _premise_texts(premise: Premise, reading: Reading | None) -> tuple[str, ...]:
    """The flattened texts of the premise that no line may quote, without names and catchphrases.

    Short ones that name what the logline is about may be: the lines have to name it.
    """
    texts = [premise.logline or "", premise.style.prompt, *premise.running_gags]
    texts += [setting.look for setting in premise.settings.values() if len(setting.look.split()) > 2]
    for c in premise.characters.values():
        texts += [c.look or "", c.role or "", c.wants or "", c.flaw or "", c.speech or ""]
    flat = tuple(flat for text in texts if (flat := flatten_line(text)))
    named = {flatten_line(reading.facts[slot]) for slot in ("object", "deed")} if reading else set()
    return tuple(
        text for text in flat if len(text.split()) > 6 or not any(name and name in text for name in named)
    )


def _build_script(
    filled: Premise,
    given: Premise,
    words: FilmWords,
    plan: story.EpisodePlan,
    phrasing: Phrasing,
    scenes: Sequence[PlannedScene],
    rng: Random,
) -> Script:
    sets = places.map_settings(filled, words.sets)
    where = places.choose_places(scenes, sets, rng)
    written: list[Scene] = []
    for number, (scene, key) in enumerate(zip(scenes, where, strict=True)):
        night = scene.exchange.night or (scene.part == "act_2" and number > len(scenes) * 0.6)
        written.append(
            Scene(
                id=f"s{number + 1:02d}",
                part=scene.part,
                slugline=places.format_slugline(key, sets[key], night=night),
                setting=key,
                action=places.describe_action(scene, words.actions, words.props, rng),
                dialogue=_build_dialogue(scene, first=number == 0),
            )
        )
    cast = {key: c for key, c in filled.characters.items() if key not in given.characters}
    title, logline = _choose_title(plan, phrasing)
    if plan.later is not None and logline:
        logline = f"{logline} {_what_became(filled, phrasing)}"[:MAX_SENTENCE].strip()
    return Script(schema=1, title=title, logline=logline, scenes=tuple(written), cast=cast)


def _what_became(premise: Premise, phrasing: Phrasing) -> str:
    """A sentence about what became of the matter of the show's logline, for the memory of the show."""
    reading = read_premise(premise)
    return tidy_line(phrasing.fill(phrasing.rng.choice(reading.pursuit.since))) if reading else ""


def _build_dialogue(scene: PlannedScene, *, first: bool) -> tuple[Line | Beat, ...]:
    elements: list[Line | Beat] = []
    big = scene.step in {"open", "first", "backfire", "worse", "reversal", "tag"}
    for number, line in enumerate(scene.lines):
        if line.beat > 0.5 and number:
            elements.append(Beat(beat=line.beat))
        last = number == len(scene.lines) - 1
        laugh: LaughSize | None = ("big" if big else "small") if last else "small" if line.laugh else None
        pause = line.beat if 0 < line.beat <= 0.5 and number else None
        elements.append(
            Line(
                who=line.who.key,
                line=line.text,
                parenthetical=line.parenthetical,
                pause_before=pause,
                laugh=laugh,
            )
        )
    return tuple(elements)


def _choose_title(plan: story.EpisodePlan, phrasing: Phrasing) -> tuple[str, str | None]:
    tells_story = "trouble" in plan.steps or plan.story.kind == "pursuit"
    block = plan.story if tells_story else plan.runner
    phrasing.people = plan.people
    try:
        title = phrasing.fill(phrasing.rng.choice(block.fact("title")))
        logline = tidy_line(phrasing.fill(block.fact("logline")[0])) if block.fact("logline") else None
    except Unsayable:
        title, logline = plan.story.name, None
    if plan.people["A"].language == "ru":
        return tidy_line(title)[:80], logline
    return title_case(title)[:80], logline
