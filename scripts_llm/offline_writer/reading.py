"""A logline as it is read: its pursuit, and its words as slots that lines can use, by language."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scripts_llm import english, russian, russian_agreement
from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.bank import Exchange
from scripts_llm.offline_writer.person import KIND_WORDS, PEOPLE, Person, find_kind, matching_blocks
from scripts_llm.offline_writer.pursuits import Pursuit
from scripts_llm.screenplay.premise import Premise

SOMEBODY: Mapping[str, str] = {"en": "somebody", "ru": "некто"}  # for loglines that say nobody
NOBODY = frozenset(
    {"time", "life", "love", "nothing", "everything", "winter", "summer", "christmas", "monday"}
)
_COUPLE = re.compile(r"\b(?:couple|spouses|husband and wife|супруг)", re.IGNORECASE)
_SEVERAL = re.compile(
    r"\b(?:two|three|four|both|sisters|brothers|neighbours|две|два|двое|три|четыре|сёстры|братья|соседи)\b",
    re.IGNORECASE,
)
_DETERMINED = re.compile(
    r"\b(?:a|an|the|his|her|its|their|one|this|that) ((?:[\w'-]+ ){0,2}?[\w'-]+)"
    r"(?=[,.;:!?]|$| (?:of|in|on|at|to|for|from|with|and|or|but|who|which|that|is|are|was|has|have|by|into"
    r"|\w+s) )",
    re.IGNORECASE,
)
_LIVING = re.compile(
    r"(?:er|or|ist|monger|man|men|woman|women|boss|lady|lord|captain|people|one|end|year|day)$"
)
_UNSEEN_WORDS = (
    "birthday complaints hiccups rent debt time silence idea ideas law truth secret secrets crime murder "
    "thing inheritance cure place room end world seat name rules job life future past weather noise smell"
)
_UNSEEN = frozenset(_UNSEEN_WORDS.split())
_READ: Mapping[str, tuple[str, str]] = {"en": ("I read", "against"), "ru": ("Понято так", "против")}


@dataclass(frozen=True)
class Reading:
    """What a logline is about, in words that lines can use (`facts`, by slot)."""

    pursuit: Pursuit
    who: str  # as the logline says it; may be empty
    matter: str  # a noun phrase without its article, or in Russian in the nominative
    against: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    language: str = "en"
    is_foil: bool = False  # whether `who` plays against the one whose plot it is: the pupil of a lesson

    @property
    def name(self) -> str:
        """The name that the logline gives its hero: "Joe", "тётя Зина"; else ""."""
        words = self.who.split()
        if self.language == "ru":
            return self.who if words and len(words) <= 2 and russian.is_name(words[-1]) else ""
        common = {*english.DETERMINERS, *NOBODY, "two", "three", "four", "everyone", "nobody", "somebody"}
        named = english.is_proper(self.who) and not english.is_plural(self.who) and len(words) <= 2
        return self.who if named and words[0].lower() not in common else ""

    @property
    def is_couple(self) -> bool:
        """Whether the logline is about a pair: "A divorced couple"."""
        return bool(_COUPLE.search(self.who))

    @property
    def is_several(self) -> bool:
        """Whether the logline is about more than one of a kind: "Two nuns"."""
        return self.is_couple or bool(_SEVERAL.search(self.who))

    def sentence(self, against: Sequence[str] = ()) -> str:
        """ "I read: a cat runs for mayor; against: Bruno.", in the language of the logline."""
        read, opponent = _READ[self.language]
        said = fill(self.pursuit.reads, self.facts)
        opposed = self.against or ", ".join(against)
        return f"{read}: {said}" + (f"; {opponent}: {opposed}." if opposed else ".")


def slots_of(pursuit: Pursuit, matter: str, who: str, verb: str, after: str, language: str) -> dict[str, str]:
    """The slots of a reading. In English number and article of the matter are slots of their own."""
    base = russian.infinitive(verb) if language == "ru" else english.base_form(verb)
    facts = {"object": matter, "who": _lower_start(who, language), "verb": base}
    if language == "ru":
        infinitive = russian.infinitive(verb) if verb else ""
        facts |= {"deed": f"{infinitive} {after}".strip() or matter}
    else:
        base = english.base_form(verb) if verb else ""
        rest = english.as_spoken(after, mine=True)
        yours = english.as_spoken(after, mine=False)
        plural = english.is_plural(matter)
        facts |= {
            "the object": english.with_the(matter),
            "a object": matter
            if plural or english.is_proper(matter) or english.is_mass(matter)
            else f"{'an' if re.match('[aeiou]', matter.lower()) else 'a'} {matter}",
            "ws": "" if _is_several(who) else "s",
            "is_": "are" if _is_several(who) else "is",
            "has_": "have" if _is_several(who) else "has",
            "is": "are" if plural else "is",
            "was": "were" if plural else "was",
            "has": "have" if plural else "has",
            "it": "them" if plural else "it",
            "they": "they" if plural else "it",
            "this": "these" if plural else "this",
            "s": "" if plural else "s",
            "deed": f"{base} {rest}".strip() or f"keep the {matter}",
            "yourdeed": f"{base} {yours}".strip() or f"keep the {matter}",
            "doing": f"{english.gerund(base)} {rest}".strip() if base else f"keeping the {matter}",
        }
    for name, text in pursuit.slots.items():
        facts[name] = fill(text, facts)
    if language == "en" and pursuit.shown and _can_be_seen(matter):
        facts["close on"] = facts["the object"]
    return facts


def _can_be_seen(matter: str) -> bool:
    """Whether a matter is, most likely, a thing before a camera: no name, no "shrinking", no "birthday"."""
    head = matter.lower().split()[-1]
    return not (english.is_proper(matter) or english.is_mass(matter) or head in _UNSEEN)


def russian_slots(pursuit: Pursuit, matter: str, clause: str, text: str) -> dict[str, str]:
    """A clause as a vow, a lesson and something to be able to, where there is one, and an amount of money."""
    named = matter != pursuit.object
    without = f"жить без {russian.inflect(matter, 'род')}" if named else "молчать"
    return {
        "vow": f"не {clause}" if clause else without,
        "lesson": russian_agreement.as_lesson(clause) if clause else matter if named else "ремесло",
        "able": clause or f"знать {russian.inflect(matter if named else 'ремесло', 'вин')}",
        "sum": russian.amount_in(text),
    }


def _is_several(who: str) -> bool:
    """Whether a subject takes a plural verb: "two sisters", "brothers"."""
    head = re.split(r" (?:in|of|with|from|after|on|at) ", who.lower())[0]
    return english.is_plural(head) or " and " in head


def _lower_start(text: str, language: str) -> str:
    first = text.split()[0] if text.split() else ""
    if language == "en":
        common = first.lower() in {
            *english.DETERMINERS,
            "two",
            "three",
            "four",
            "everyone",
            "nobody",
            "brothers",
        }
    else:
        common = bool(first) and not russian.is_name(first)
    return text[:1].lower() + text[1:] if common else text


def fill(text: str, facts: Mapping[str, str]) -> str:
    """A text of a pursuit with the slots of a reading filled.

    `{object:род}` is in a Russian case, `{who|даёт|даёт|даёт|дают}` agrees.
    """

    def value(match: re.Match[str]) -> str:
        name, *forms = match[1].split("|")
        name, _, case = name.partition(":")
        filled = facts.get(name, match[0])
        if forms:
            return russian_agreement.agreeing(filled, forms)
        return russian.inflect(filled, case) if case else filled

    return re.sub(r"\{([^{}]+)\}", value, text)


# ------------------------------------------------------------------------------------------- the cast


def choose_hero(reading: Reading, cast: Sequence[Person], roles: Mapping[str, str]) -> Person:
    """Whom of the cast the logline is about: by name, kind, trade and words of the role; else the first."""
    who = set(re.findall(r"[\w'-]{3,}", reading.who.lower()))
    kind = find_kind(reading.who, tuple(KIND_WORDS))
    trades = set(matching_blocks("trade", reading.who, reading.language))

    def fit(person: Person) -> float:
        words = set(re.findall(r"[\w'-]{3,}", f"{person.name} {roles.get(person.key, '')}".lower()))
        same_kind = person.kind == kind and kind not in PEOPLE
        return (
            3 * len({*person.name.lower().split()} & who)
            + 2 * same_kind
            + len(words & who)
            + (person.trade in trades)
        )

    return max(cast, key=fit)


def details_of(reading: Reading, logline: str) -> tuple[Exchange, ...]:
    """Scenes about what else a logline says: why, what is against it, and single words (templates/room).

    A logline that has nothing else gets scenes in which its whole sentence is said.
    """
    language = reading.language
    scenes = bank.table("detail", language)
    hanging = {"because", "trait", "obstacle"} & reading.facts.keys()
    found = [exchange for name in sorted(hanging) for exchange in scenes[name].exchanges]
    of_hero = reading.who.lower() if not reading.is_foil else ""
    of_rest = logline.lower().replace(reading.who.lower(), " ")
    for block in bank.blocks("word", language):
        said = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, block.fact('word')))})")
        for step, text in (("hero", of_hero), ("other", of_rest)):
            found += block.at(step) if said.search(text) else ()
    if not found and "told" in reading.facts:
        found += scenes["told"].exchanges
    return tuple(found)


def own_nouns(premise: Premise) -> tuple[str, ...]:
    """The things that the logline names, and the settings; no people. Never empty."""
    if bank.bank_language(premise.language) == "ru":
        named = [n for n in russian.nouns_of(premise.logline or "") if russian.kind_of(n) is None]
        places = [russian.SETS.get(setting.look, "") for setting in premise.settings.values()]
        return tuple(dict.fromkeys(n for n in (*named, *places) if n)) or ("квартира",)
    found = [match[1].lower() for match in _DETERMINED.finditer(premise.logline or "")]
    things = [
        noun
        for noun in found
        if not _LIVING.search(noun)
        and not any(find_kind(noun, (kind,)) for kind in KIND_WORDS)
        and not matching_blocks("trade", noun.split()[-1])
    ]
    places = [key.replace("_", " ").replace("-", " ") for key in premise.settings]
    return tuple(dict.fromkeys((*things, *things, *places))) or ("house",)
