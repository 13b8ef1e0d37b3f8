"""Words single lines: fills slots, sets articles and capitals, adapts them to the speaker, finds faults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random

from scripts_llm import russian, russian_agreement
from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.person import Person

MAX_WORDS = 14
_SLOT = re.compile(
    r"\{(a |the )?([A-Za-z0-9.]+)(?::([а-я]+))?(?:\|([^{}|]*)\|([^{}|]*)(?:\|([^{}|]*))?(?:\|([^{}|]*))?)?\}"
)
_NUMBER_WORDS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|twenty|thirty|forty|fifty"
    r"|sixty|seventy|eighty|ninety|hundred|thousand|half)\b"
)
_AN = re.compile(
    r"^(?:[ai]|o(?!ne\b|nce\b)|e(?!u)|u(?!n[is]|fo|k|s[eu])|x\b|hour|honest|heir|x-ray|mp\b|é)", re.IGNORECASE
)
_LONG_FORMS: Mapping[str, str] = {
    "can't": "cannot",
    "won't": "will not",
    "don't": "do not",
    "doesn't": "does not",
    "didn't": "did not",
    "isn't": "is not",
    "aren't": "are not",
    "wasn't": "was not",
    "weren't": "were not",
    "couldn't": "could not",
    "wouldn't": "would not",
    "shouldn't": "should not",
    "hasn't": "has not",
    "haven't": "have not",
    "i'm": "I am",
    "i've": "I have",
    "i'll": "I shall",
    "you're": "you are",
    "you've": "you have",
    "you'll": "you will",
    "we're": "we are",
    "we've": "we have",
    "we'll": "we shall",
    "they're": "they are",
    "they've": "they have",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "what's": "what is",
}
_SHORT_FORM = re.compile(
    rf"(?<![\w'])(?:{'|'.join(_LONG_FORMS)})(?![\w']| (?:been|got|had)\b)"
    r"(?!(?<=n't) (?:I|it|you|he|she|we|they)\b)",  # "isn't it?"
    re.IGNORECASE,
)
_OPENED = {
    "okay",
    "sorry",
    "listen",
    "right",
    "fine",
    "wait",
    "good",
    "lovely",
    "for",
    "oh",
    "well",
    "yes",
    "no",
    "three",
}
_TAKES_LONG_FORMS = {"formal", "flat", "grand"}


class Unsayable(Exception):
    """This wording does not work here: a slot has no value left, or the line is faulty."""


def article(word: str) -> str:
    """ "an" before a vowel sound, else "a"."""
    return "an" if _AN.match(word) else "a"


def count_words(text: str) -> int:
    """The number of words between spaces."""
    return len(text.split())


@lru_cache(maxsize=256)
def _any_name(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted((name.lower() for name in names), key=len, reverse=True)
    return re.compile(rf"\b(?:{'|'.join(re.escape(name) for name in longest_first)})\b")


def flatten_line(text: str, names: Sequence[str] = ()) -> str:
    """A line in lower case without names, numbers and punctuation."""
    lowered = text.lower()
    if names:
        lowered = _any_name(tuple(names)).sub(" ", lowered)
    return " ".join(re.findall(r"[^\W\d_]+", lowered.replace("'", "").replace("’", "")))


def skeleton(text: str, names: Sequence[str]) -> str:
    """A line's key for finding repeats: `flatten_line` without number words, unless nothing would be left."""
    flat = flatten_line(text, names)
    return " ".join(russian.without_numbers(_NUMBER_WORDS.sub(" ", flat)).split()) or flat or text.lower()


def tidy_line(text: str) -> str:
    """The line with capitals at the start of sentences, single spaces, clean punctuation."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([,.!?;:])", r"\1", text)
    text = re.sub(r"([,.!?;:])\1+", r"\1", text)
    text = re.sub(r"\.»(?=\s|$)", "».", text)
    text = re.sub(r"!\.|\?\.|\.,", lambda m: m[0][0], text)
    return re.sub(r"(^[\"“‘«]?|(?<=[.!?…] )[\"“«]?|(?<=[.!?]\" ))(\w)", lambda m: m[1] + m[2].upper(), text)


def title_case(text: str) -> str:
    """A title in English title case."""
    small = {"a", "an", "the", "of", "and", "in", "on", "to", "for", "with", "at"}
    words = text.split()
    return " ".join(
        word if n and word.lower() in small else re.sub(r"^\W*\w", lambda m: m[0].upper(), word)
        for n, word in enumerate(words)
    )


def find_fault(text: str) -> str | None:
    """The fault of a finished line, or None."""
    if "{" in text or "}" in text:
        return "unfilled slot"
    if count_words(text) > MAX_WORDS:
        return "too long"
    if re.search(r"\b(\w+)\W+\1\b", text, re.IGNORECASE):
        return "doubled word"
    if re.search(r"[,.!?;:]{2,}|\s[,.!?]| ,", text):
        return "doubled punctuation"
    return None


@dataclass
class Phrasing:
    """The words that an episode's lines can use, and those they have used; the search undoes its steps."""

    rng: Random
    people: Mapping[str, Person]  # by role: A, B, C
    facts: dict[str, str]  # the story's own slots: thing, V, time, n ...
    goals: Mapping[str, tuple[str, str]]  # by key of the person: long and short
    forbidden: tuple[str, ...]  # premise fields, flat: never quoted
    spent: set[str] = field(default_factory=set)
    said: set[str] = field(default_factory=set)
    openers: set[str] = field(default_factory=set)
    here: dict[str, str] = field(default_factory=dict)  # a slot in this exchange: a squid stays a squid
    language: str = "en"
    names: tuple[str, ...] = ()  # in all their forms: lines are compared without them
    stale: frozenset[str] = frozenset()  # what the last episodes said
    seen: frozenset[str] = frozenset()  # every scene that the show has had
    greeted: float = 0.15  # share of the plot's scenes that the other one opens with a word
    alternative: bool = False  # whether this exchange uses its `alt:` wordings
    tries: int = 0  # exchanges worded so far; the search ends at a limit

    def phrase(self, kind: str, name: str, key: str) -> str:
        """An unused phrase of a block. Raises Unsayable if all are used."""
        options = [p for p in bank.table(kind, self.language)[name].fact(key) if p not in self.spent]
        if not options:
            raise Unsayable(f"{kind}.{name}.{key}")
        chosen = self.rng.choice(options)
        self.spent.add(chosen)
        return chosen

    def slot(self, name: str) -> str:
        """The value of a slot: `A`, `thing`, `B.excuse`. Raises Unsayable if it has none."""
        role, dot, key = name.partition(".")
        if not dot:
            if role in self.people:
                return self.people[role].call
            if role not in self.facts:
                raise Unsayable(name)
            return self.facts[role]
        person = self.people.get(role)
        if person is None:
            raise Unsayable(name)
        if name not in self.here:
            self.here[name] = self._of_person(person, key)
        return self.here[name]

    def _of_person(self, person: Person, key: str) -> str:
        own = {
            "name": person.spoken_name,
            "kind": person.kind,
            "job": person.job,
            "catch": person.catchphrase,
            "goal": self.goals[person.key][0],
            "goals": self.goals[person.key][1],
        }
        if key in own:
            if not own[key]:
                raise Unsayable(key)
            return own[key]
        table = {"motive": "drive", "price": "drive", "dream": "drive", "excuse": "flaw"}.get(key, "trade")
        return self.phrase(
            table, {"drive": person.drive, "flaw": person.flaw, "trade": person.trade}[table], key
        )

    def fill(self, text: str) -> str:
        """The text with its slots filled; `{a thing}` gets the right article."""

        def value(match: re.Match[str]) -> str:
            lead, name, case, *forms = match.groups()
            if forms[0] is not None:
                return self._agreeing(name, forms)
            lead = lead or ""
            if f"{lead}{name}" in self.facts:  # a reading knows the article itself: "Norway", "the dishes"
                lead, name = "", f"{lead}{name}"
            filled = self.slot(name)
            if case:
                return russian.inflect(filled, case, animate=name in {*self.people, "V"})
            if "{" in filled:  # a phrase of a person's own, with its verbs in that person's gender
                filled = self.fill(filled.replace("{S|", f"{{{name.partition('.')[0]}|"))
            return f"{article(filled)} {filled}" if lead == "a " else f"{lead}{filled}"

        if self.language == "ru" and russian_agreement.is_plural(self.facts.get("object", "")):
            text = russian_agreement.with_plural_verbs(text, "object")
        return _SLOT.sub(value, text)

    def _agreeing(self, name: str, forms: Sequence[str | None]) -> str:
        """The masculine, feminine, neuter or plural form, by what the slot names."""
        if person := self.people.get(name):
            return (forms[1] if person.gender == "femn" else forms[0]) or ""
        return russian_agreement.agreeing(self.slot(name), forms)

    def quotes_premise(self, text: str) -> bool:
        """Whether the text contains a field of the premise."""
        flat = f" {flatten_line(text)} "
        return any(f" {phrase} " in flat for phrase in self.forbidden)


def expand_contractions(text: str) -> str:
    """ "don't" as "do not", with its capital."""

    def swap(match: re.Match[str]) -> str:
        long = _LONG_FORMS[match[0].lower()]
        return long[0].upper() + long[1:] if match[0][0].isupper() else long

    return _SHORT_FORM.sub(swap, text)


def apply_voice(person: Person, text: str, *, bare: bool, phrasing: Phrasing) -> str:
    """The line in the person's manner: without contractions, or now and then with an opening word."""
    if text == person.catchphrase:
        return text
    if person.register in _TAKES_LONG_FORMS:
        longer = expand_contractions(text)
        text = longer if count_words(longer) <= MAX_WORDS else text
    block = bank.table("register", person.language).get(person.register)
    if block is None or bare or not 3 <= count_words(text) <= 9 or phrasing.rng.random() > 0.1:
        return text
    openers = [word for word in block.fact("opener") if word not in phrasing.openers]
    if not openers or text.split()[0].strip(",.").lower() in _OPENED:
        return text
    opener = phrasing.rng.choice(openers)
    if text.endswith("?") or text[0] in '"“' or any(f", {p.call}" in text for p in phrasing.people.values()):
        return text
    phrasing.openers.add(opener)
    joined = opener[-1] in ",:" or opener[-1].isalpha()
    return f"{opener} {_lower_first(text, phrasing) if joined else text}"


def add_address(text: str, addressee: Person, phrasing: Phrasing, *, first: bool) -> str:
    """The Russian line, now and then with the addressee's name in front; once a scene."""
    if phrasing.language != "ru" or "called" in phrasing.here or not 2 <= count_words(text) <= 10:
        return text
    asks = text.endswith("?") and "." not in text and not text.startswith("А ")
    named = any(name.lower() in text.lower() for name in phrasing.names)
    if named or not text[0].isalpha() or not (asks or first) or phrasing.rng.random() > 0.9:
        return text
    phrasing.here["called"] = addressee.call
    return f"{addressee.call}, {_lower_first(text, phrasing)}"


def _lower_first(text: str, phrasing: Phrasing) -> str:
    first = text.split()[0].strip(",.!?'s")
    named = (*(person.call for person in phrasing.people.values()), phrasing.facts.get("V", ""))
    names = {word.strip(",.!?'s") for name in named for word in name.split()}
    if phrasing.language == "ru" and russian.is_mostly_name(first):
        return text
    if first in names or first.startswith(("I'", "I’")) or first == "I" or text.startswith("I'"):
        return text
    return text[0].lower() + text[1:]
