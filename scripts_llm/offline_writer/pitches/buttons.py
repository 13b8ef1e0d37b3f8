"""Other last lines for a scene, out of the bank: other wordings of the same line, then the speaker's own.

The scene may have been edited by hand, or written by somebody else: only what is in the script is known.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from random import Random

from scripts_llm.offline_writer import bank, logline, pursuits
from scripts_llm.offline_writer.bank import ALTERNATIVE, Exchange, Wording
from scripts_llm.offline_writer.cast import complete_premise
from scripts_llm.offline_writer.person import Person, read_person
from scripts_llm.offline_writer.reading import own_nouns
from scripts_llm.offline_writer.wording import Phrasing, Unsayable, find_fault, skeleton, tidy_line
from scripts_llm.offline_writer.writer import spoken_names
from scripts_llm.screenplay.buttons import find_button
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Script

_WHY = re.compile(r"\b(?:why|how come|who told|who said|почему|зачем|кто сказал)\b", re.IGNORECASE)
_SLOT = re.compile(r"\{(?:a |the )?([A-Za-z0-9._]+)(?::[а-я]+)?(?:\|[^{}|]*\|[^{}|]*)?\}")
_LITERAL = 8  # letters outside of slots by which a wording is known
_OWN = 0.4  # by how much what is made for the speaker comes before what anybody may say


def offer_buttons(
    premise: Premise, words: FilmWords, script: Script, index: int, *, count: int, seed: int
) -> tuple[str, ...]:
    """At most `count` other last lines for the scene at `index`, the fittest first; none if nobody speaks."""
    scene = script.scenes[index]
    position = find_button(scene)
    if position is None:
        return ()
    lines = [element for element in scene.dialogue[: position + 1] if isinstance(element, Line)]
    button, before = lines[-1], lines[-2] if len(lines) > 1 else None
    phrasing = _phrasing(premise, words, script, button, before, Random(f"buttons {seed} {scene.id}"))
    spoken = [
        text
        for each in script.scenes
        for element in each.dialogue
        if isinstance(element, Line)
        for text in (element.line, *element.alternates)
    ]
    said = {skeleton(text, phrasing.names) for text in spoken}
    found: list[str] = []
    for text in (*_other_wordings(button.line, phrasing), *_own_lines(before, spoken, phrasing)):
        key = skeleton(text, phrasing.names)
        if key not in said and find_fault(text) is None:
            said.add(key)
            found.append(text)
        if len(found) == count:
            break
    return tuple(found)


def with_alternates(premise: Premise, words: FilmWords, script: Script, *, count: int, seed: int) -> Script:
    """The script with alternates for the last line of each scene."""
    for index, scene in enumerate(script.scenes):
        position = find_button(scene)
        offered = offer_buttons(premise, words, script, index, count=count, seed=seed)
        if position is None or not offered:
            continue
        dialogue = list(scene.dialogue)
        dialogue[position] = dialogue[position].model_copy(update={"alternates": offered})
        scenes = list(script.scenes)
        scenes[index] = scene.model_copy(update={"dialogue": tuple(dialogue)})
        script = script.model_copy(update={"scenes": tuple(scenes)})
    return script


def _phrasing(
    premise: Premise, words: FilmWords, script: Script, button: Line, before: Line | None, rng: Random
) -> Phrasing:
    """A phrasing in which A says the last line, and B the one before it."""
    everybody = {**script.cast, **premise.characters}
    filled, _ = complete_premise(premise.model_copy(update={"characters": everybody}), words, seed=0)
    language = bank.bank_language(premise.language)
    people: dict[str, Person] = {}
    for role, line in (("A", button), ("B", before)):
        if line is not None and line.who in filled.characters:
            character = filled.characters[line.who]
            people[role] = read_person(line.who, character, kinds=words.kinds, language=language)
    names, reading = spoken_names(filled), logline.read_premise(premise)
    return Phrasing(
        rng,
        people,
        {
            "own": rng.choice(own_nouns(premise)),
            "show": premise.show,
            **(reading.facts if reading is not None else {}),
        },
        {person.key: ("", "") for person in people.values()},
        forbidden=(),
        language=language,
        names=names,
    )


# ---------------------------------------------------------------------------------------- other wordings


def _other_wordings(text: str, phrasing: Phrasing) -> Iterator[str]:
    """The bank's other wordings of this line that fit its speaker, with what stood in its slots."""
    for exchange in _exchanges(phrasing.language):
        template = exchange.lines[-1]
        for wording in template.wordings if len(template.wordings) > 1 else ():
            literal = "".join(_SLOT.split(wording.text)[::2])
            match = _pattern(wording.text).fullmatch(text) if len(literal) >= _LITERAL else None
            if match is None:
                continue
            slots = dict(zip(_SLOT.findall(wording.text), match.groups(), strict=True))
            yield from _filled(template.wordings, exchange, slots, phrasing, without=wording)
            return


def _filled(
    wordings: Sequence[Wording],
    exchange: Exchange,
    slots: dict[str, str],
    phrasing: Phrasing,
    *,
    without: Wording,
) -> Iterator[str]:
    speaker = phrasing.people.get("A")
    traits: Collection[str] = speaker.traits if speaker else ()
    role = exchange.lines[-1].role
    addressed = phrasing.people["B"].traits if "B" in phrasing.people else frozenset()
    for wording in wordings:
        fits = all(tag[3:] in addressed if tag.startswith("to-") else tag in traits for tag in wording.tags)
        is_of_another_exchange = ALTERNATIVE in wording.tags or ALTERNATIVE in without.tags
        names = _SLOT.findall(wording.text)
        if wording is without or is_of_another_exchange or not fits:
            continue
        known = {**slots, "A": "", "B": "", role: "", **phrasing.facts}
        if all(name in known for name in names):
            given = {name: text for name, text in slots.items() if name not in phrasing.facts}
            yield from _said(_by_our_roles(_with_given(wording.text, given), role), phrasing)


def _with_given(text: str, given: Mapping[str, str]) -> str:
    """A text of the bank with these slots filled; the others stay."""
    return _SLOT.sub(lambda slot: given.get(slot[1], slot[0]), text)


def _by_our_roles(text: str, role: str) -> str:
    """A text of the bank whose speaker has this role, with the speaker as A."""
    if role == "A":
        return text
    swapped = {role: "A", "A": "B"}
    return re.sub(
        r"\{((?:a |the )?)([A-C])(?=[.:|}])",
        lambda match: f"{{{match[1]}{swapped.get(match[2], match[2])}",
        text,
    )


def _exchanges(language: str) -> Iterator[Exchange]:
    kinds = ("story", "runner", "want", "third", "catch")
    for block in itertools.chain(
        pursuits.plots(language).values(), *(bank.blocks(kind, language) for kind in kinds)
    ):
        yield from block.exchanges


def _pattern(text: str) -> re.Pattern[str]:
    pieces = _SLOT.split(text)
    return re.compile("(.+?)".join(map(re.escape, pieces[::2])), re.IGNORECASE)


# ------------------------------------------------------------------------------------ the speaker's own


def _own_lines(before: Line | None, spoken: Sequence[str], phrasing: Phrasing) -> Iterator[str]:
    """What this person may say to anything: to a question, or to news. `spoken` is what the script has."""
    speaker = phrasing.people.get("A")
    asked = before is not None and before.line.rstrip('»”"').endswith("?")
    key = "asked" if asked else "news"
    table = bank.table("button", phrasing.language)
    weighed: list[tuple[float, str]] = []
    if speaker is not None:
        kinds = (speaker.flaw, speaker.register, speaker.kind.replace(" ", ""))
        names = dict.fromkeys(name for name in kinds if name in table)
        weighed = [(_OWN, text) for name in names for text in table[name].fact(key)]
        if asked and before is not None and _WHY.search(before.line):
            flaw = bank.table("flaw", phrasing.language)[speaker.flaw]
            weighed += [(2 * _OWN, text) for text in flaw.fact("excuse")]
    weighed += [(0.0, text) for text in table["any"].fact(key)]
    ranked = sorted(((weight + phrasing.rng.random(), text) for weight, text in weighed), reverse=True)
    for _, text in ranked:
        if "{own" in text and any(_pattern(text).fullmatch(each) for each in spoken):
            continue  # the same with another thing
        yield from _said(text.replace("{S|", "{A|"), phrasing)


def _said(text: str, phrasing: Phrasing) -> Iterator[str]:
    """The text with its slots filled; nothing if one has no value."""
    try:
        yield tidy_line(phrasing.fill(text))
    except Unsayable:
        return
