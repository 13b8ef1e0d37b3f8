"""Invents the characters and settings that a premise leaves out, in the film model's words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from scripts_llm import russian, russian_agreement
from scripts_llm.offline_writer import bank, logline, places
from scripts_llm.offline_writer.person import (
    KIND_WORDS,
    PEOPLE,
    find_kind,
    flatten,
    matching_blocks,
    read_person,
)
from scripts_llm.offline_writer.reading import Reading, fill
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Character, Premise, Setting, display_name

_FIELDS = ("look", "role", "wants", "flaw", "catchphrase", "speech")
_COLOURS_OF: Mapping[str, tuple[str, ...]] = {
    "cat": ("orange", "black", "white"),
    "dog": ("brown", "white", "black"),
    "fish": ("orange", "red", "yellow"),
    "robot": ("blue", "red", "yellow"),
    "ghost": ("white", "purple", "pink"),
    "alien": ("green", "purple", "pink"),
    "monster": ("purple", "green", "red"),
    "toaster": ("red", "yellow", "pink"),
}
_WEARS: Mapping[str, tuple[str, ...]] = {
    "politician": ("hat",),
    "fishmonger": ("apron",),
    "gangster": ("hat", "cigar"),
    "captain": ("hat",),
    "cook": ("apron",),
    "detective": ("hat", "moustache"),
    "scientist": ("glasses",),
    "teacher": ("glasses",),
    "manager": ("glasses",),
    "lawyer": ("glasses",),
    "actor": ("hat",),
    "salesman": ("moustache",),
    "pensioner": ("glasses",),
    "barkeeper": ("apron",),
}
_SETS_OF: Mapping[str, tuple[str, ...]] = {
    "politician": ("office", "stage", "street", "living room"),
    "fishmonger": ("fish shop", "kitchen", "living room", "street"),
    "gangster": ("bar", "living room", "street", "kitchen"),
    "captain": ("spaceship", "bedroom", "kitchen", "office"),
    "alien": ("spaceship", "living room", "park", "street"),
    "robot": ("living room", "kitchen", "office", "street"),
    "ghost": ("living room", "bedroom", "kitchen", "street"),
    "monster": ("bedroom", "living room", "park", "street"),
    "toaster": ("kitchen", "living room", "bedroom", "street"),
    "detective": ("office", "street", "bar", "park"),
    "barkeeper": ("bar", "street", "kitchen", "park"),
    "cook": ("kitchen", "bar", "street", "living room"),
    "actor": ("stage", "bar", "living room", "street"),
    "teacher": ("classroom", "office", "park", "street"),
    "child": ("bedroom", "kitchen", "classroom", "park"),
    "sailor": ("beach", "bar", "street", "kitchen"),
    "scientist": ("office", "kitchen", "park", "bedroom"),
    "doctor": ("office", "bedroom", "street", "bar"),
    "lawyer": ("office", "bar", "street", "living room"),
    "barber": ("stage", "park", "street", "bar"),
    "gardener": ("park", "kitchen", "street", "bar"),
    "fish": ("living room", "kitchen", "fish shop", "beach"),
}
_HOME = ("living room", "kitchen", "street", "bedroom")
MOST_SETTINGS = 4
_PARTNERS = ("landlady", "neighbour", "rival", "manager", "butler", "nephew", "lodger")


def _options(block_kind: str, names: Sequence[str], key: str, language: str) -> tuple[str, ...]:
    """The phrases under a key, from the first of the named blocks that has it."""
    table = bank.table(block_kind, language)
    for name in names:
        if name in table and table[name].fact(key):
            return table[name].fact(key)
    return ()


def _kinds_of(logline: str, words: FilmWords) -> list[str]:
    """The film model's kinds that the logline names, in its order."""
    rest, found = logline, []
    while (kind := find_kind(rest, words.kinds)) is not None and kind not in found:
        found.append(kind)
        for word in KIND_WORDS.get(kind, (kind,)):
            rest = re.sub(rf"\b{word}s?\b", " ", rest, flags=re.IGNORECASE)
    return found


def _suits(name: str, kind: str, gender: str | None = None) -> bool:
    """Whether a Russian name has the gender of its bearer, which people have by kind."""
    gender = {"man": "masc", "old man": "masc", "woman": "femn"}.get(kind, gender)
    return gender is None or russian.gender_of(name) == gender


@dataclass
class _CastState:
    """The kinds, colours and names that this cast has used."""

    words: FilmWords
    rng: Random
    kinds: set[str]
    colours: set[str]
    names: set[str]
    language: str = "en"
    reading: Reading | None = None  # of the show's logline

    def colour_for(self, kind: str) -> str:
        """A colour that suits the kind and is still free, if there is one."""
        wished = [c for c in _COLOURS_OF.get(kind, self.words.colours) if c in self.words.colours]
        free = [c for c in wished if c not in self.colours] or [
            c for c in self.words.colours if c not in self.colours
        ]
        chosen = self.rng.choice(free or list(self.words.colours))
        self.colours.add(chosen)
        return chosen

    def kind_from(self, wished: Sequence[str]) -> str:
        """A kind that is still free, preferably a wished one."""
        free = [k for k in wished if k in self.words.kinds and k not in self.kinds]
        chosen = self.rng.choice(
            free or [k for k in self.words.kinds if k not in self.kinds] or list(self.words.kinds)
        )
        self.kinds.add(chosen)
        return chosen

    def name_from(self, wished: Sequence[str], kind: str, gender: str | None = None) -> str:
        """A name that is still free, preferably a wished one."""
        own: Sequence[str] = _options("names", (kind.replace(" ", ""),), "name", self.language)
        spare = ("Саша", "Женя", "Валя") if self.language == "ru" else ("Alex", "Sam", "Robin")
        if self.language == "ru":  # Russian names are a man's or a woman's
            wished = [name for name in wished if _suits(name, kind)]
            own = [name for name in own if _suits(name, kind, gender)] or own
        free = [name for name in (*wished, *own) if name not in self.names] or list(spare)
        chosen = self.rng.choice(free[: max(1, len(wished))] if wished else free[:3])
        self.names.add(chosen)
        return chosen

    def look_for(self, kind: str, trades: Sequence[str]) -> str:
        """A look in the film model's words: kind, colour, and the accessories of the trade."""
        worn = next((_WEARS[trade] for trade in trades if trade in _WEARS), ())
        worn = tuple(w for w in worn if w in self.words.accessories)
        colour = self.colour_for(kind)
        if kind in PEOPLE:
            return ", ".join((f"{kind} in {colour} clothes", *worn))
        return ", ".join((f"{colour} {kind}", *worn))


def _key(name: str, taken: Mapping[str, object]) -> str:
    base = re.sub(r"[^a-z0-9]+", "_", russian.latin(name)).strip("_")[:24] or "someone"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


def _invent_lead(premise: Premise, state: _CastState) -> Character:
    told = premise.logline or premise.show
    kinds, trades = (
        _kinds_of(_people_of(told, state.reading), state.words),
        matching_blocks("trade", told, state.language),
    )
    named = state.reading.name if state.reading else ""
    gender = _gender_of_hero(state.reading)
    kind = state.kind_from(kinds[:1] or _people_called(named, gender, state.language))
    work = [trade for trade in trades if trade not in KIND_WORDS]
    pools = (*work, kind, "any")
    lead = Character(
        name=state.name_from((named,) if named else (), kind, gender),
        look=state.look_for(kind, trades),
        role=_role_from(trades, kind, state.language),
        **{
            field: state.rng.choice(_options("lead", pools, field, state.language))
            for field in ("wants", "flaw", "catchphrase", "speech")
        },
    )
    return lead.model_copy(update=_pursued(state.reading))


def _people_of(told: str, reading: Reading | None) -> str:
    """A logline without its matter: who fights over a goldfish is no goldfish."""
    matter = reading.matter if reading is not None and reading.language == "en" else ""
    return re.sub(rf"\b{re.escape(matter)}\b", " ", told, flags=re.IGNORECASE) if matter else told


def _gender_of_hero(reading: Reading | None) -> str | None:
    """The gender of whom a Russian logline is about: "captain" is a man's word there."""
    return russian_agreement.head_gender(reading.who) if reading and reading.language == "ru" else None


def _people_called(name: str, gender: str | None, language: str) -> tuple[str, ...]:
    """The kinds of people that may have a name, or are called by a noun of a gender."""
    gender = russian.gender_of(name) if language == "ru" and name else gender
    return {"femn": ("woman",), "masc": ("man",)}.get(gender or "", ("man", "woman"))


def _kind_of_other(reading: Reading | None, kind: str) -> str | None:
    """The kind of the second of "two nuns", "two neighbours", "a couple"; None if the logline has one hero.

    A second woman is a woman in another colour: the film model has one kind of them.
    """
    if reading is None or kind not in {"man", "woman", "old man"}:
        return None
    if reading.is_couple:
        return "man" if kind == "woman" else "woman"
    if not reading.is_several or (kind == "woman" and not _are_women(reading)):
        return None
    return "woman" if kind == "woman" else "old man"


def _are_women(reading: Reading) -> bool:
    """Whether a logline says of its heroes that they are women: "two nuns", "две продавщицы"."""
    return find_kind(reading.who, ("woman",)) == "woman" or _gender_of_hero(reading) == "femn"


def _pursued(reading: Reading | None) -> dict[str, str]:
    """What drives the lead of a logline, and what keeps them from it."""
    if reading is None:
        return {}
    own = {"wants": reading.pursuit.wants, "flaw": reading.pursuit.flaw}
    return {field: fill(text, reading.facts) for field, text in own.items() if text}


def _role_from(trades: Sequence[str], kind: str, language: str) -> str:
    """The lead's role: the trade that the logline names, else the kind."""
    work = [trade for trade in trades if trade not in KIND_WORDS]
    if language == "ru":
        return bank.table("trade", language)[work[0]].fact("word")[0] if work else "в центре всех событий"
    if not work:
        return f"{kind} at the centre of it all"
    return f"{work[0]} by trade" if kind in PEOPLE else f"{work[0]}, though a {kind}"


def _invent_side(name: str, state: _CastState, kind: str | None = None) -> Character:
    """A supporting character of the bank, of the given kind or of one that is still free."""
    block = bank.table("side", state.language)[name]
    if kind is None:
        kind = state.kind_from([k.replace("_", " ") for k in block.fact("kinds")[0].split()])
        wished: tuple[str, ...] = block.fact("name")
    else:
        state.kinds.add(kind)
        wished = ()
    fields = {field: block.fact(field)[0] for field in ("role", "wants", "flaw", "catchphrase", "speech")}
    return Character(
        name=state.name_from(wished, kind),
        look=state.look_for(kind, matching_blocks("trade", fields["role"], state.language)),
        **fields,
    )


def _invent_partners(premise: Premise, state: _CastState, lead: Character, count: int) -> list[Character]:
    told = premise.logline or premise.show
    named = [
        kind for kind in _kinds_of(_people_of(told, state.reading), state.words) if kind not in state.kinds
    ]
    side = bank.table("side", state.language)
    trades = {
        *matching_blocks("trade", told, state.language),
        *matching_blocks("drive", lead.wants or "", state.language)[:1],
    }
    taken = set(matching_blocks("register", lead.speech or "", state.language)[:1])
    parts = list(_PARTNERS)
    state.rng.shuffle(parts)
    parts.sort(key=lambda part: not trades & set(side[part].fact("for")[0].split()))
    rival = state.reading.pursuit.rival if state.reading else ""
    parts.sort(key=lambda part: part != rival)
    chosen: list[str] = []
    for part in parts:
        talk = set(matching_blocks("register", side[part].fact("speech")[0], state.language)[:1])
        if not talk & taken and len(chosen) < count:
            chosen.append(part)
            taken |= talk
    other = _kind_of_other(state.reading, find_kind(lead.look or "", state.words.kinds) or "")
    named = named or [kind for kind in [other] if kind in state.words.kinds]
    return [_invent_side(part, state, named[n] if n < len(named) else None) for n, part in enumerate(chosen)]


def _invent_cast(premise: Premise, state: _CastState, notes: list[str]) -> dict[str, Character]:
    cast = dict(premise.characters)
    newcomers: list[Character] = []
    lead = next(iter(cast.values()), None)
    if lead is None:
        lead = _invent_lead(premise, state)
        newcomers.append(lead)
    wanted = 3 if not premise.characters and state.rng.random() < 0.6 else 2
    newcomers += _invent_partners(premise, state, lead, max(0, wanted - len(cast) - len(newcomers)))
    for character in newcomers:
        key = _key(character.name or "someone", cast)
        cast[key] = character
        who = f"{character.name} ({character.look}), {character.role}"
        notes.append(f"{who}, wants {character.wants}; flaw: {character.flaw}")
    return cast


def _complete(
    key: str, character: Character, trade: str | None, state: _CastState, notes: list[str]
) -> Character:
    """The character with every missing field invented."""
    missing = [field for field in _FIELDS if not getattr(character, field)]
    if not missing:
        return character
    language = state.language
    person = read_person(key, character, kinds=state.words.kinds, trade=trade, language=language)
    pools = [
        t for t in (trade, *matching_blocks("trade", character.role or "", language), person.kind, "any") if t
    ]
    changes: dict[str, str] = {}
    for field in missing:
        if field == "look":
            named = find_kind(f"{character.role or ''} {display_name(key, character)}", state.words.kinds)
            kind = named if named else state.kind_from(("man", "woman", "old man"))
            state.kinds.add(kind)
            changes[field] = state.look_for(kind, pools)
        elif field == "role":
            changes[field] = _fallback_role(trade, person.kind, language)
        else:
            changes[field] = state.rng.choice(_options("lead", pools, field, language))
    said = ", ".join(f"{field}: {_quote_sentence(value)}" for field, value in changes.items())
    notes.append(f"{display_name(key, character)} has {said}")
    return character.model_copy(update=changes)


def _fallback_role(trade: str | None, kind: str, language: str) -> str:
    if language == "ru":
        return bank.table("trade", language)[trade].fact("word")[0] if trade else "здесь живёт"
    return f"{trade or kind} of the show"


def _quote_sentence(text: str) -> str:
    """A text that ends like a sentence in quotes, so that two full stops never meet."""
    return f'"{text}"' if text.endswith((".", "!", "?")) else text


def _invent_settings(premise: Premise, state: _CastState, notes: list[str]) -> dict[str, Setting]:
    if premise.settings:
        return dict(premise.settings)
    told = flatten(f"{premise.logline or ''} {premise.show}")
    named = places.named_places(told, state.words.sets)
    trades = matching_blocks("trade", told, state.language)
    usual = next((_SETS_OF[trade] for trade in trades if trade in _SETS_OF), ())
    pursued = state.reading.pursuit.places if state.reading else ()
    for name in (*pursued, *usual, *_HOME):
        if name in state.words.sets and name not in named.values() and len(named) < MOST_SETTINGS:
            named[name.replace(" ", "_")] = name
    named = named or {name.replace(" ", "_"): name for name in state.words.sets[:MOST_SETTINGS]}
    chosen = [key.replace("_", " ") for key in named]
    notes.append(f"it plays in the {', the '.join(chosen)}")
    return {key: Setting(look=look) for key, look in named.items()}


def complete_premise(premise: Premise, words: FilmWords, *, seed: int) -> tuple[Premise, tuple[str, ...]]:
    """The premise with every missing character, field and setting, and one "I assumed: ..." for each."""
    rng = Random(f"cast {seed} {premise.show} {premise.logline}")
    language = bank.bank_language(premise.language)
    reading = logline.read_premise(premise) if premise.genre != "meme" else None
    state = _CastState(words, rng, set(), set(), set(), language, reading)
    for key, character in premise.characters.items():
        look = character.look or ""
        state.names.add(display_name(key, character))
        kind = find_kind(look, words.kinds)
        state.kinds |= {kind} if kind else set()
        state.colours |= {c for c in words.colours[:] if f" {c} " in f" {flatten(look)} "}
    notes: list[str] = []
    cast = _invent_cast(premise, state, notes)
    trades = matching_blocks("trade", premise.logline or "", language)
    cast = {
        key: _complete(key, character, trades[n] if n < len(trades) else None, state, notes)
        for n, (key, character) in enumerate(cast.items())
    }
    settings = _invent_settings(premise, state, notes)
    if not notes:
        return premise, ()
    filled = premise.model_copy(update={"characters": cast, "settings": settings})
    return filled, tuple(f"I assumed: {sentence}." for sentence in notes)
