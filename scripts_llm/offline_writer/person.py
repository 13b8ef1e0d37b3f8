"""Reads a character's free text into the traits that the bank knows: drive, flaw, trade, register."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from scripts_llm import russian
from scripts_llm.offline_writer import bank
from scripts_llm.screenplay.premise import Character, display_name

TITLES = (
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "captain",
    "mayor",
    "professor",
    "aunt",
    "uncle",
    "sir",
    "lady",
    "king",
    "queen",
    "count",
    "father",
    "sister",
    "brother",
    "judge",
    "officer",
    "inspector",
    "agent",
    "sergeant",
    "chef",
    "lord",
    "madame",
    "baron",
    "saint",
    "commander",
    "nurse",
    "granny",
    "grandma",
    "grandpa",
    "big",
    "old",
    "little",
    "unit",
    "cousin",
    "тётя",
    "тетя",
    "дядя",
    "баба",
    "дед",
    "капитан",
    "доктор",
    "профессор",
    "товарищ",
    "сосед",
    "соседка",
    "майор",
    "граф",
    "царь",
)

KIND_WORDS: Mapping[str, tuple[str, ...]] = {
    "old man": (
        "old man",
        "grandfather",
        "grandpa",
        "elderly man",
        "pensioner",
        "old fisherman",
        "old wizard",
    ),
    "woman": (
        "woman",
        "lady",
        "waitress",
        "actress",
        "landlady",
        "grandmother",
        "grandma",
        "aunt",
        "mother",
        "queen",
        "nun",
        "witch",
        "wife",
        "widow",
        "barmaid",
        "housewife",
        "sister",
        "princess",
        "headmistress",
    ),
    "child": ("child", "boy", "girl", "kid", "toddler", "baby", "teenager", "nephew", "niece", "schoolboy"),
    "robot": ("robot", "android", "cyborg", "machine", "computer"),
    "cat": ("cat", "kitten", "tomcat", "feline"),
    "dog": ("dog", "puppy", "poodle", "hound", "terrier", "dachshund", "bulldog", "corgi"),
    "fish": ("goldfish", "fish", "trout", "salmon", "mackerel", "carp", "shark", "cod"),
    "ghost": ("ghost", "phantom", "spirit", "spectre", "poltergeist"),
    "alien": ("alien", "martian", "extraterrestrial"),
    "monster": ("monster", "vampire", "werewolf", "dragon", "demon", "yeti", "zombie", "troll", "ogre"),
    "toaster": ("toaster", "appliance"),
    "man": (
        "man",
        "guy",
        "gentleman",
        "bloke",
        "fellow",
        "boss",
        "father",
        "uncle",
        "king",
        "wizard",
        "brother",
        "widower",
        "monk",
        "priest",
        "husband",
        "groom",
    ),
}
PEOPLE = frozenset({"man", "woman", "old man", "child"})
FALLBACK_REGISTER = {
    "robot": "flat",
    "toaster": "bright",
    "ghost": "grand",
    "child": "young",
    "monster": "gruff",
    "old man": "gruff",
    "cat": "boss",
    "dog": "bright",
    "alien": "flat",
    "fish": "nervous",
}
_ARTICLES = ("a ", "an ", "the ", "his ", "her ", "its ", "their ", "my ", "one ", "some ", "more ")
_STOP = re.compile(
    r"\b(?:in|on|at|of|for|to|from|with|and|or|but|that|who|which|before|after|until|so|as|by|every|without|because|"
    r"is|are|was|again|than|over|under|about|into|than|instead|while|when|where|if)\b|[,.;:()!?–-]"
)


@dataclass(frozen=True)
class Person:
    """A character with the traits that choose plots and wordings."""

    key: str
    name: str  # as captions show it
    call: str  # what others call them to their face
    kind: str
    drive: str
    flaw: str
    register: str
    trade: str
    job: str
    catchphrase: str
    topic: tuple[str, str] | None  # what they want in a few words: "one quiet evening", "the quiet evening"
    traits: frozenset[str]
    language: str = "en"
    gender: str = "masc"  # the grammatical one; Russian verbs follow it

    @property
    def spoken_name(self) -> str:
        """The name inside a sentence: "the Don"."""
        return f"the {self.name[4:]}" if self.name.startswith("The ") else self.name


def pick_stably(options: Sequence[str], *salt: str) -> str:
    """One of the options, always the same for the same salt."""
    digest = sha256("\x1f".join(salt).encode()).digest()
    return options[int.from_bytes(digest[:4], "big") % len(options)]


def flatten(text: str) -> str:
    """The text in lower case with single spaces and without punctuation, for matching against word tables."""
    return " ".join(re.findall(r"[\w'-]+", text.lower()))


@lru_cache(maxsize=2048)
def matching_blocks(kind: str, text: str, language: str = "en") -> tuple[str, ...]:
    """The names of the blocks whose words occur in the text, by position, longer words first."""
    flat = f" {flatten(text)}"
    found: list[tuple[int, int, str]] = []
    for block in bank.blocks(kind, language):
        for word in block.fact("match"):
            position = flat.find(f" {word}")
            whole = position >= 0 and (
                language == "ru"
                or len(word) > 4
                or not flat[position + len(word) + 1 : position + len(word) + 3].isalpha()
            )
            if whole:
                found.append((position, -len(word), block.name))
    return tuple(dict.fromkeys(name for _, _, name in sorted(found)))


@lru_cache(maxsize=2048)
def find_kind(text: str, kinds: tuple[str, ...]) -> str | None:
    """The first of the film model's kinds that the text names, by its own word or a synonym; None if none."""
    flat = f" {flatten(text)} "
    found: list[tuple[int, int, str]] = []
    for kind in kinds:
        for word in KIND_WORDS.get(kind, (kind,)):
            position = flat.find(f" {word} ")
            if position < 0:
                position = flat.find(f" {word}s ")
            if position >= 0:
                found.append((position, -len(word), kind))
    return min(found)[2] if found else russian_kind(text, kinds)


def russian_kind(text: str, kinds: tuple[str, ...]) -> str | None:
    """The kind that a Russian text names, if the film model has it."""
    kind = russian.kind_of(text) if re.search("[а-яё]", text, re.IGNORECASE) else None
    return kind if kind in kinds else None


def call_name(name: str) -> str:
    """How others address someone: "Joe" for Joe Carp, "Don" for The Don, "Mrs. Pike" for Mrs. Pike."""
    words = name.split()
    if words and words[0] == "The":
        words = words[1:]
    if len(words) > 1 and (
        words[0].strip(".").lower() in TITLES
        or words[1][:1].isdigit()
        or len(words[1]) < 2
        or words[1].endswith(("вич", "вна", "ична", "ьмич"))
    ):
        return " ".join(words[:2])
    return words[0] if words else name


def find_topic(wants: str, drive: str) -> tuple[str, str] | None:
    """The wanted thing in a long and a short form of at most three words; None if no phrase is clean."""
    text = f" {flatten(wants)} "
    plain_words = set(bank.table("drive")[drive].fact("match"))
    for lead in _ARTICLES:
        position = text.find(f" {lead}")
        if position < 0:
            continue
        rest = text[position + 1 + len(lead) :]
        stop = _STOP.search(rest)
        noun = (rest[: stop.start()] if stop else rest).split()
        thing = " ".join(noun)
        if (
            2 <= len(noun) <= 3
            and thing.replace(" ", "").isalpha()
            and noun[-1] not in plain_words - {"evening"}
        ):
            long = f"one {thing}" if lead in {"a ", "an ", "one "} else f"the {thing}"
            return long, f"the {thing}"
    return None


def read_person(
    key: str,
    character: Character,
    *,
    kinds: tuple[str, ...],
    trade: str | None = None,
    language: str = "en",
) -> Person:
    """A character as a Person; what a field leaves open is chosen by a hash of its text."""
    name = display_name(key, character)
    look, role = character.look or "", character.role or ""
    kind = find_kind(look, kinds) or find_kind(role, kinds) or find_kind(name, kinds) or "man"
    wants, flaw_text, speech = character.wants or "", character.flaw or "", character.speech or ""
    drives = matching_blocks("drive", wants, language)
    flaws = matching_blocks("flaw", flaw_text, language)
    registers = matching_blocks("register", speech, language)
    trades = [t for t in (*matching_blocks("trade", role, language), trade) if t] or matching_blocks(
        "trade", kind, language
    )
    table = {
        block_kind: sorted(bank.table(block_kind, language)) for block_kind in ("trade", "drive", "flaw")
    }
    chosen_trade = trades[0] if trades else pick_stably(table["trade"], name, look)
    drive = drives[0] if drives else pick_stably(table["drive"], wants, name)
    flaw = flaws[0] if flaws else pick_stably(table["flaw"], flaw_text, name)
    register = registers[0] if registers else FALLBACK_REGISTER.get(kind, "plain")
    nature = {"human"} if kind in PEOPLE else {"creature"}
    gender = _grammatical_gender(kind, role, name) if language == "ru" else "masc"
    nature |= {gender} if language == "ru" else set()
    return Person(
        key=key,
        name=name,
        call=call_name(name),
        kind=kind,
        drive=drive,
        flaw=flaw,
        register=register,
        trade=chosen_trade,
        job=chosen_trade if chosen_trade not in {"cat", "dog", "fish"} else "lodger",
        catchphrase=(character.catchphrase or "").strip(),
        topic=find_topic(wants, drive) if language == "en" else None,
        traits=frozenset({kind.replace(" ", ""), drive, flaw, register, chosen_trade, *trades} | nature),
        language=language,
        gender=gender,
    )


def _grammatical_gender(kind: str, role: str, name: str) -> str:
    """The grammatical gender of a character in Russian: by body, else by name, else by role."""
    if kind in {"man", "old man"}:
        return "masc"
    if kind == "woman":
        return "femn"
    known = russian.gender_of(name) if re.search("[а-яё]", name, re.IGNORECASE) else None
    gender = known or (russian.gender_of(role) if role else "masc")
    return gender if gender != "neut" else "masc"
