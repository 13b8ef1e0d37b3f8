"""Splits a logline into what happens and what hangs on it: what is said of whom, why, and what is against it.

By conjunctions and pronouns, in English and Russian; no parser. What is cut out of the main clause becomes
spaces, so that places in the text stay places.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass

from scripts_llm import english, russian_agreement

_REASON: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r",?\s*\bbecause (?!of\b)([^,.;:!?]+)", re.IGNORECASE),
    "ru": re.compile(r",?\s*(?:потому,? что|так как|ведь|из-за того,? что) ([^,.;:!?]+)", re.IGNORECASE),
}
_CONCESSION: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r",?\s*\b(?:although|even though|though) ([^,.;:!?]+)", re.IGNORECASE),
    "ru": re.compile(r",?\s*\bхотя ([^,.;:!?]+)", re.IGNORECASE),
}
_OBSTACLE: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r",? (?:but|and(?= (?:cannot|there is|there are|only|nobody)\b)) ([^,.;:!?]+)"),
    "ru": re.compile(r", (?:но|а) ([^,.;:!?]+)"),
}
_RELATIVE: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(r"(,?) (who|which|that) (?=\w)"),
    "ru": re.compile(r"(,) (котор(?:ый|ая|ое|ые)) (?=\w)"),
}
_NO_NOUN = re.compile(  # a question follows these, not something about a noun
    r"\b(?:about|over|of|on|to|asks?|wonders?|knows?|says?|investigates?|finds? out|argues?|sees?|all|so"
    r"|is)$",
    re.IGNORECASE,
)
_NO_CLAUSE = re.compile(r"(?:only |not |just )?(?:in|on|at|for|with|when|if|to|только|лишь) ", re.IGNORECASE)
_PERSONS = {"I": ("I", "me", "my", "am", "was", "have"), "you": ("you", "you", "your", "are", "were", "have")}
_FINITE = frozenset(
    {"is", "are", "was", "has", "have", "had", "wants", "must", "decides", "tries", "cannot", "can"}
)
_PAST = frozenset(
    {"did", "had", "lost", "found", "went", "said", "was", "won", "made", "took", "came", "ate"}
)
MOST_OF_TRAIT = 9  # words


@dataclass(frozen=True)
class Clauses:
    """A logline's main clause, with spaces for the rest, and the rest; each may be empty."""

    main: str
    relative: str = ""  # of the subject: "lost his recipe"
    reason: str = ""  # "the oven talks to him"
    obstacle: str = ""  # "cannot swim", "it does not wear clothes"


def split_clauses(text: str, language: str, verbs: Set[str]) -> Clauses:
    """The clauses of a logline. `verbs` are the forms that may end what is said of the subject."""
    main, relative = _without_relative(text, language, verbs)
    main, reason = _without(main, _REASON[language])
    main, concession = _without(main, _CONCESSION[language])
    against = _OBSTACLE[language].search(main)
    obstacle = concession or (against[1].strip() if against else "")
    obstacle = "" if _NO_CLAUSE.match(obstacle) else obstacle
    return Clauses(main, relative, reason, obstacle)


def _without(text: str, clause: re.Pattern[str]) -> tuple[str, str]:
    """The text with a clause blanked, and the clause; a text that would be empty keeps it."""
    match = clause.search(text)
    if match is None or not (text[: match.start()] + text[match.end() :]).strip(" ,.;:!?"):
        return text, ""
    return _blanked(text, match.start(), match.end()), match[1].strip()


def _blanked(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]


def _without_relative(text: str, language: str, verbs: Set[str]) -> tuple[str, str]:
    """The text without what it says of its subject, and that: "A baker … opens a shop", "lost his recipe"."""
    match = _RELATIVE[language].search(text)
    if match is None or _NO_NOUN.search(text[: match.start()]) or _has_verb(text[: match.start()], verbs):
        return text, ""
    rest = text[match.end() :]
    comma = rest.find(",")
    if match[1] and comma >= 0:
        return _blanked(text, match.start(), match.end() + comma + 1), rest[:comma].strip()
    if language == "ru":
        return text, ""
    words = list(re.finditer(r"[\w'’-]+", rest))
    for before, word in itertools.pairwise(words[1:]):
        if before[0].lower() in english.DETERMINERS | {"to", "and", "who", "never", "not"}:
            continue
        if word[0].lower() in verbs | _FINITE:
            said = rest[: word.start()].strip(" ,")
            return _blanked(text, match.start(), match.end() + word.start()), said
    return text, ""


def _has_verb(text: str, verbs: Set[str]) -> bool:
    """Whether a text, without its first word, has a verb that loglines begin with."""
    return any(word.lower() in verbs for word in re.findall(r"[\w'’-]+", text)[1:])


def spoken_clauses(clauses: Clauses, language: str, *, creature: bool) -> dict[str, str]:
    """What hangs on a logline as slots of lines, of those that it has: `because`, `trait`, `obstacle`.

    The reason is the hero's own words, the others are said to the hero.
    """
    if language == "ru":
        said = {
            "because": russian_agreement.in_first_person(clauses.reason),
            "trait": russian_agreement.in_second_person(clauses.relative, of_hero=True),
            "obstacle": russian_agreement.in_second_person(clauses.obstacle),
        }
    else:
        trait = f"they {clauses.relative}" if clauses.relative else ""
        said = {
            "because": spoken(clauses.reason, "I", creature=creature),
            "trait": spoken(trait, "you", creature=creature),
            "obstacle": spoken(clauses.obstacle, "you", creature=creature),
        }
    return {slot: text for slot, text in said.items() if 0 < len(text.split()) <= MOST_OF_TRAIT}


def spoken(clause: str, person: str, *, creature: bool) -> str:
    """A clause about the hero as the hero says it ("I"), or as it is said to the hero ("you").

    "the oven talks to him" is "the oven talks to me", "lost his recipe" is "you lost your recipe". "It" is
    the hero if that is a creature.
    """
    subject, object_, own, be, was, have = _PERSONS[person]
    pronoun = "he|she|they|it" if creature else "he|she|they"
    first = clause.split()[0].lower() if clause.split() else ""

    def verb(word: str) -> str:
        known = {"is": be, "are": be, "was": was, "were": was, "has": have, "does": "do", "doesn't": "don't"}
        third = re.search(r"[^s]s$", word) is not None
        return known.get(word.lower(), english.base_form(word) if third else word)

    def follow(match: re.Match[str]) -> str:
        return f"{subject} {verb(match[1])}"

    if _is_predicate(first):  # "cannot swim", "lost his recipe"
        clause = f"{subject} {verb(first)} {clause.partition(' ')[2]}".strip()
    clause = re.sub(rf"\b(?:{pronoun}) ([\w']+)", follow, clause, flags=re.IGNORECASE)
    clause = re.sub(r"\b(?:him|them)\b", object_, clause)
    clause = re.sub(r"\b(?:himself|herself|itself)\b", "myself" if person == "I" else "yourself", clause)
    return re.sub(r"\b(?:his|her|their|its)\b(?= \w)", own, clause)


def _is_predicate(word: str) -> bool:
    """Whether a clause begins with its verb."""
    is_third = re.search(r"[^s'u]s$", word) is not None and word not in {"this", "always", "his", "its", "as"}
    return word in _FINITE | _PAST or is_third
