"""A runner about the thing that a viewer suggests: of the text, which is data, one noun counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from scripts_llm import russian
from scripts_llm.offline_writer import bank, places
from scripts_llm.offline_writer.bank import Block
from scripts_llm.offline_writer.cast import complete_premise
from scripts_llm.offline_writer.dialogue import word_exchange_anew
from scripts_llm.offline_writer.person import read_person
from scripts_llm.offline_writer.pursuits import all_pursuits
from scripts_llm.offline_writer.story import PlannedScene
from scripts_llm.offline_writer.wording import Phrasing, skeleton
from scripts_llm.offline_writer.writer import spoken_names
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Part, Premise, scene_bounds
from scripts_llm.screenplay.script import Line, Scene, Script

STEPS = ("hint", "again", "turned")  # of such a runner, in the order of the episode
MOST_LETTERS = 24
_PARTS: Mapping[str, Part] = {"hint": "act_1", "again": "act_2", "turned": "act_2"}
_FEWEST, _MOST = 7, 12  # scenes of an episode that has room for it
_LITERAL = 8  # letters outside of slots by which a line of the bank is known
_NOUN = r"[a-z][a-z'-]{2,}"
_NAMED = re.compile(
    rf"\b(?:an?|the|his|her|its|their|your|my|our|more|some|another) ((?:{_NOUN} ){{0,2}}{_NOUN})"
)
_LAST = re.compile(rf"({_NOUN})\W*$")
_ENDS_WORDS = """
    a an the about and but or nor of in on at to for from with without into onto over under by as than
    that which who whom whose when where while because if so then is are was were be been has have had
    do does did can could will would should must may might not please move moves moving come comes go
    goes get gets fall falls live lives eat eats buy buys steal steals sing sings dance dances win wins
    run runs take takes appear appears visit visits join joins turn turns meet meets start starts open
    opens find finds marry marries attack attacks want wants make makes become becomes says say talk
    talks walk walks fly flies arrive arrives stay stays again instead back out up down off away there
    here more everywhere above below inside outside twice once too also now
"""
_ENDS = frozenset(_ENDS_WORDS.split())
_EMPTY_WORDS = """
    way time thing things one episode episodes show shows season joke jokes story stories character
    characters plot scene scenes people everybody everyone somebody someone something everything lot bit
    kind end day viewer viewers idea ideas please hello thanks love great nice cool lol wow yes серия
    эпизод шутка сюжет герой сериал сцена идея вещь конец время день раз
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NO_PLURAL = ("ss", "us", "is", "news", "lens")


def suggested_thing(text: str, language: str, names: Collection[str] = ()) -> str | None:
    """The first thing that a suggestion names, singular and without an article; None if it names none.

    `names` are those of the show's people: they are no things.
    """
    people = {word for name in names for word in name.lower().split()}
    if bank.bank_language(language) == "ru":
        nouns = sorted(russian.nouns_of(text, living=True), key=lambda noun: noun not in text.lower())
        usable = (each for each in nouns if each not in _EMPTY | people and len(each) <= MOST_LETTERS)
        return next(usable, None)  # first those in the nominative
    proper = {word.lower() for word in re.findall(r"(?<=[a-z,'’] )[A-Z][a-z]+", text)}
    flat = " ".join(re.findall(r"[a-z'’-]+|[.,;:!?]", text.lower().replace("’", "'")))
    found = [match[1] for match in _NAMED.finditer(flat)] + [match[1] for match in _LAST.finditer(flat)]
    strangers = people | proper
    return next((thing for words in found if (thing := _noun(words.split(), strangers))), None)


def _noun(words: Sequence[str], strangers: Collection[str]) -> str | None:
    """The noun that begins here, with its adjectives; None if there is none, or if it is somebody's name."""
    end = next((at for at, word in enumerate(words) if word in _ENDS), len(words))
    kept = list(words[:end])
    if not kept or kept[-1] in _EMPTY or kept[-1] in strangers or len(" ".join(kept)) > MOST_LETTERS:
        return None
    last = kept[-1].removesuffix("'s")
    if last.endswith("s") and not last.endswith(_NO_PLURAL) and len(last) > 3:
        last = f"{last[:-3]}y" if last.endswith("ies") else last[:-1]
    return " ".join([*kept[:-1], last])


def with_runner(
    premise: Premise, words: FilmWords, script: Script, suggestion: str, *, seed: int
) -> Script | None:
    """The script with a runner about the thing that a viewer suggests; None if it names none, or has no room.

    The suggestion is data: one noun of it is used, whatever else it says. Scenes that the plot can do without
    make room, the tag where nothing else does; those of the plot stay as they are.
    """
    everybody = {**script.cast, **premise.characters}
    filled, _ = complete_premise(premise.model_copy(update={"characters": everybody}), words, seed=seed)
    thing = suggested_thing(suggestion, premise.language, spoken_names(filled))
    at = _places_for(script, premise) if thing else None
    if thing is None or at is None:
        return None
    rng = Random(f"runner {seed} {thing}")
    phrasing = _phrasing(filled, words, script, thing, rng)
    blocks = list(bank.blocks("suggestion", phrasing.language))
    rng.shuffle(blocks)
    for block in blocks:
        planned = _worded(block, phrasing) if len(phrasing.people) > 1 else None
        if planned is not None:
            return _spliced(filled, words, script, planned, at, rng)
    return None


@dataclass(frozen=True)
class _Places:
    """The scenes, by index, that make way, and before which of the others the three of a runner come."""

    gone: frozenset[int]
    before: tuple[int, int, int]


def _places_for(script: Script, premise: Premise) -> _Places | None:
    """Where a runner's scenes go: one early, one in the middle, one near the end; None without room."""
    scenes = script.scenes
    if len(scenes) < _FEWEST:
        return None
    spare = [index for index in range(1, len(scenes) - 1) if _is_spare(scenes[index], premise.language)]
    _, most = scene_bounds(premise.format) or (0, _MOST)
    num_gone = max(len(scenes) + len(STEPS) - most, min(2, len(spare)))
    if num_gone > len(spare) + 1:
        return None
    gone = {*sorted(spare, key=lambda index: abs(index - len(scenes) / 3))[:num_gone]}
    gone |= {len(scenes) - 1} if num_gone > len(gone) else set()
    rest = [index for index in range(len(scenes)) if index not in gone]
    near_end = rest[-2] if len(scenes) - 1 in rest else len(scenes)
    return _Places(frozenset(gone), (rest[1], rest[len(rest) // 2], near_end))


def _is_spare(scene: Scene, language: str) -> bool:
    """Whether a scene is one of those of the bank that belong to no plot."""
    first = next((element.line for element in scene.dialogue if isinstance(element, Line)), "")
    return any(pattern.search(first) for pattern in _spare_openings(bank.bank_language(language)))


@cache
def _spare_openings(language: str) -> tuple[re.Pattern[str], ...]:
    """Patterns of the first lines of scenes about a want, a third one, a catchphrase, a gag or a word."""
    exchanges = [
        exchange
        for kind in ("want", "third", "catch", "runner", "detail", "word")
        for block in bank.blocks(kind, language)
        for exchange in block.exchanges
        if kind != "runner" or exchange.step == "mid"
    ]
    exchanges += [exchange for each in all_pursuits(language).values() for exchange in each.later.exchanges]
    texts = [wording.text for exchange in exchanges for wording in exchange.lines[0].wordings]
    literal = [re.split(r"\{[^{}]*\}", text) for text in texts]
    return tuple(
        re.compile(".+?".join(map(re.escape, pieces)) + "$", re.IGNORECASE)
        for pieces in literal
        if len("".join(pieces)) >= _LITERAL
    )


def _phrasing(premise: Premise, words: FilmWords, script: Script, thing: str, rng: Random) -> Phrasing:
    """A phrasing for the two who say most, which repeats nothing of the script."""
    spoken = [line for scene in script.scenes for line in scene.dialogue if isinstance(line, Line)]
    counted = Counter(line.who for line in spoken if line.who in premise.characters)
    language = bank.bank_language(premise.language)
    people = [
        read_person(who, premise.characters[who], kinds=words.kinds, language=language)
        for who, _ in counted.most_common(2)
    ]
    names = spoken_names(premise)
    return Phrasing(
        rng,
        dict(zip("AB", rng.sample(people, len(people)), strict=False)),
        {"idea": thing},
        {person.key: ("", "") for person in people},
        forbidden=(),
        language=language,
        names=names,
        stale=frozenset(skeleton(line.line, names) for line in spoken),
    )


def _worded(block: Block, phrasing: Phrasing) -> tuple[PlannedScene, ...] | None:
    """The three scenes of a runner in these people's words; None if one of them cannot be said."""
    planned = []
    for step in STEPS:
        (exchange,) = block.at(step)
        lines = word_exchange_anew(step, exchange, phrasing, "")
        if not lines:
            return None
        prop = (block.fact("prop") or ("",))[0]
        planned.append(PlannedScene(step, _PARTS[step], exchange, phrasing.people, lines, None, prop))
    return tuple(planned)


def _spliced(
    premise: Premise,
    words: FilmWords,
    script: Script,
    planned: Sequence[PlannedScene],
    at: _Places,
    rng: Random,
) -> Script:
    """The script with these scenes in their places, each in a set that its neighbours do not have."""
    sets = places.map_settings(premise, words.sets)
    scenes: list[Scene] = []
    for index, scene in enumerate((*script.scenes, None)):
        for number in [number for number, before in enumerate(at.before) if before == index]:
            around = {scene and scene.setting, scenes[-1].setting if scenes else None}
            key = rng.choice([each for each in sets if each not in around] or list(sets))
            action = places.describe_action(planned[number], words.actions, words.props, rng)
            slugline = places.format_slugline(key, sets[key], night=planned[number].exchange.night)
            part = planned[number].part if scene else "tag"
            new = Scene(part=part, slugline=slugline, setting=key, action=action)
            scenes.append(new.model_copy(update={"dialogue": _dialogue(planned[number])}))
        if scene is not None and index not in at.gone:
            scenes.append(scene)
    numbered = [scene.model_copy(update={"id": f"s{number:02d}"}) for number, scene in enumerate(scenes, 1)]
    return script.model_copy(update={"scenes": tuple(numbered)})


def _dialogue(planned: PlannedScene) -> tuple[Line, ...]:
    """The lines of a scene, the last one with its laugh."""
    big = "big" if planned.step == STEPS[-1] else "small"
    last = len(planned.lines) - 1
    return tuple(
        Line.model_validate(
            {"who": line.who.key, "line": line.text, "laugh": big if number == last else None}
        )
        for number, line in enumerate(planned.lines)
    )
