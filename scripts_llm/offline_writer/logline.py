"""Reads a logline: who wants to do what, to or about what, and against whom.

Each pursuit says how it is put into words: `run for *`. The first word of such a pattern stands for all its
forms (in Russian every word does), `*` for a noun phrase, the matter; `@` for whom it is about, if not its
subject; `+` for a clause with its verb; `~` for up to nine words; `a|b` for either. A pattern that begins
with `*` takes its subject for the matter; one that ends on `^` casts it as the foil. Behind `=` is what
becomes of the matter: `move in with * = {*}'s flat`. Where no pattern fits, the nearest pursuit by the words
of its family does, then "wants" for somebody who does something, then "oddity".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from scripts_llm import english, russian, russian_agreement
from scripts_llm.clauses import Clauses, split_clauses, spoken_clauses
from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.person import KIND_WORDS, PEOPLE, find_kind, matching_blocks
from scripts_llm.offline_writer.pursuits import LAST_RESORTS, Pursuit, all_pursuits
from scripts_llm.offline_writer.reading import NOBODY, SOMEBODY, Reading, fill, russian_slots, slots_of
from scripts_llm.screenplay.premise import Premise

MOST_BETWEEN = 9  # words that `~` stands for
MOST_WORDS_OF_DEED = 7
MOST_WORDS_TOLD = 10
MOST_OF_CLAUSE = 3  # words of a clause that is a matter
_POSSESSIVES = frozenset({"his", "her", "its", "their", "my", "our", "a", "an", "the", "one"})
_BEFORE_VERB = {
    "en": re.compile(
        r"[\s,]*\b(?:(?:wants?|has|have|tries|try|decides?|hopes?|plans?|dreams? of|is going|must|needs?"
        r"|is forced)(?: to)?|suddenly|secretly|finally|who|that|which|and|to|is|are|can|may|never|always"
        r"|only)$",
        re.IGNORECASE,
    ),
    "ru": re.compile(
        r"[\s,]*(?<!\w)(?:хочет|хотят|мечтает|должен|должна|решил[аи]?|решает|пытается|собирается"
        r"|которы[йе]|которая|и|а|кто|вдруг|тайно|наконец)$",
        re.IGNORECASE,
    ),
}
_AFTER_DEED = re.compile(
    r"\s+(?:but|although|though|because|until|while|when|who|which|signed|and is|and the|and nobody"
    r"|and cannot|но|хотя|потому|пока|а)\b.*$",
    re.IGNORECASE,
)
_STATES = frozenset(
    {"be", "have", "keep", "seem", "this", "thi", "always", "alway", "perhap", "as", "it", "u"}
)
_PLURAL_VERB_WORDS = (
    "want build share live make start try raise keep fly buy sell save cook bake sing dance plan rule "
    "escape adopt marry breed train paint dig grow bury smuggle rescue wake guard feed clean fix collect"
)
_PLURAL_VERBS = frozenset(_PLURAL_VERB_WORDS.split())
_PERSONS = re.compile(r"(?:er|or|ist|ian|monger|man|men|woman|women|boss|lady|lord|captain|keeper|ess)s?$")
_AGAINST = re.compile(r"\b(?:against|versus|rival is|opposes)\s+([^,.;:!?]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A word of the logline with its place; `breaks` if punctuation other than a comma stands before it."""

    text: str
    start: int
    end: int
    breaks: bool

    @property
    def lower(self) -> str:
        return self.text.lower()


def read_logline(logline: str, language: str = "en") -> Reading | None:
    """The reading of a logline; None for an empty one."""
    return _read(" ".join(logline.split()), bank.bank_language(language)) if logline.strip() else None


def read_premise(premise: Premise) -> Reading | None:
    """The reading of a show's logline; None if it has none."""
    return read_logline(premise.logline or "", premise.language)


@lru_cache(maxsize=256)
def _read(logline: str, language: str) -> Reading:
    parts = split_clauses(logline, language, _verbs(language))
    known = [each.pursuit for each in all_pursuits(language).values()]
    for text in dict.fromkeys((parts.main, logline)):  # what happens, else what hangs on it
        tokens = _tokens(text)
        best = min(
            (found for each in known for found in _matches(each, tokens, text, language)),
            key=lambda found: (found.at, -found.length),
            default=None,
        )
        deed = _last_resort(tokens, text, language)
        if best is None and text != logline and deed.pursuit.name == LAST_RESORTS[0]:
            best = deed
        if best is not None:
            return _reading(best, tokens, text, language, parts)
    return _reading(_by_family(known, tokens) or deed, tokens, logline, language, parts)


@lru_cache(maxsize=2)
def _verbs(language: str) -> frozenset[str]:
    """The forms of the verbs that pursuits begin with; none in Russian, where commas tell clauses apart."""
    if language == "ru":
        return frozenset()
    first = (pattern.split()[0] for each in all_pursuits(language).values() for pattern in each.pursuit.says)
    bases = {base for word in first for base in word.split("|") if base.isalpha()} | _PLURAL_VERBS
    return frozenset(form for base in bases for form in english.verb_forms(base))


# ------------------------------------------------------------------------------------------- patterns


@dataclass(frozen=True)
class _Match:
    """A pursuit found at a token: its matter, the length of its pattern, and what follows the verb."""

    pursuit: Pursuit
    at: int
    length: int = 0
    matter: str = ""
    clause: str = ""
    who: str = ""
    is_foil: bool = False


@dataclass(frozen=True)
class _Captured:
    """What a pattern captures: `*`, `+` and `@`."""

    matter: str = ""
    clause: str = ""
    who: str = ""


def _tokens(text: str) -> tuple[Token, ...]:
    found, end = [], 0
    for match in re.finditer(r"[\w'’-]*\w[\w'’-]*", text):
        breaks = re.search(r"[.;:!?]", text[end : match.start()]) is not None
        found.append(Token(match[0], match.start(), match.end(), breaks))
        end = match.end()
    return tuple(found)


def _matches(pursuit: Pursuit, tokens: Sequence[Token], text: str, language: str) -> Iterator[_Match]:
    for pattern in pursuit.says:
        words, _, template = pattern.partition(" = ")
        parts = words.removesuffix(" ^").split()
        subject = parts[0] == "*"
        parts = parts[1:] if subject else parts
        for at in range(len(tokens)):
            found = _match_from(parts, tokens, at, text, language, first=True)
            if found is None:
                continue
            matter, clause = found.matter, found.clause
            if subject:
                matter = _phrase(_subject(text[: tokens[at].start], language), language)
            if (subject or "*" in parts or "+" in parts) and not (matter or clause):
                continue
            matter = fill(template.replace("{*", "{object"), {"object": matter}) if template else matter
            who = SOMEBODY[language] if subject else found.who
            length = len(words.replace("*", ""))
            yield _Match(pursuit, at, length, matter, clause, who, words.endswith(" ^"))
            break


def _match_from(
    parts: Sequence[str], tokens: Sequence[Token], at: int, text: str, language: str, *, first: bool
) -> _Captured | None:
    """What a pattern captures that fits from a token on; None if it does not fit."""
    if not parts:
        return _Captured()
    if at >= len(tokens) or (tokens[at].breaks and not first):
        return None
    part, rest = parts[0], parts[1:]
    if part == "+":
        is_clause = language != "ru" or russian.is_infinitive(tokens[at].lower)
        return _Captured(clause=_clause(text[tokens[at].start :])) if is_clause else None
    if part == "~":
        return _skip(rest, tokens, at, text, language)
    if part in "*@":
        return _capture(parts, tokens, at, text, language)
    if not _is_word(tokens[at], part, language, first=first):
        return None
    return _match_from(rest, tokens, at + 1, text, language, first=False)


def _skip(
    parts: Sequence[str], tokens: Sequence[Token], at: int, text: str, language: str
) -> _Captured | None:
    """The rest of a pattern behind `~`, up to nine words on."""
    for skipped in range(MOST_BETWEEN + 1):
        if any(token.breaks for token in tokens[at + 1 : at + skipped + 1]):
            return None
        if (found := _match_from(parts, tokens, at + skipped, text, language, first=False)) is not None:
            return found
    return None


def _capture(
    parts: Sequence[str], tokens: Sequence[Token], at: int, text: str, language: str
) -> _Captured | None:
    """The noun phrase that begins at a token, if the rest of the pattern stands behind it."""
    key, rest = ("matter" if parts[0] == "*" else "who"), parts[1:]
    if not rest:
        phrase = _phrase(text[tokens[at].start :], language)
        return replace(_Captured(), **{key: phrase}) if phrase else None
    for end in range(at + 1, min(at + 5, len(tokens))):
        phrase = _phrase(text[tokens[at].start : tokens[end].start], language)
        found = _match_from(rest, tokens, end, text, language, first=False) if phrase else None
        if found is not None:
            return replace(found, **{key: phrase})
    return None


def _is_word(token: Token, part: str, language: str, *, first: bool) -> bool:
    if language == "ru":
        return bool(russian.lemmas(token.lower) & set(part.split("|"))) or token.lower in part.split("|")
    for word in part.split("|"):
        if token.lower == word or (word == "his" and token.lower in _POSSESSIVES):
            return True
        if first and token.lower in english.verb_forms(word):
            return True
    return False


def _phrase(text: str, language: str) -> str:
    return russian.nominative_phrase(text) if language == "ru" else english.noun_phrase(text)


def _clause(text: str) -> str:
    """A clause up to its punctuation or its "but", at most seven words."""
    clause = re.split(r"[,.;:!?—–]", text)[0].strip()
    words = _AFTER_DEED.sub("", clause).split()
    if len(words) > MOST_WORDS_OF_DEED:
        cut = [
            n for n, word in enumerate(words) if n > 2 and word.lower() in _CUTS and n <= MOST_WORDS_OF_DEED
        ]
        words = words[: cut[-1] if cut else MOST_WORDS_OF_DEED]
    return " ".join(words)


_CUT_WORDS = "in on at for from with by and as under behind в на у под для и с за из"
_CUTS = frozenset(_CUT_WORDS.split())


def _subject(before: str, language: str) -> str:
    """Whom a clause is about, out of the words before its verb."""
    said = re.split(r"[.;:!?]", before)[-1].strip(" ,—–")
    while (shorter := _BEFORE_VERB[language].sub("", said).strip(" ,—–")) != said:
        said = shorter
    return re.sub(
        r"^(?:what if|when|if|all|all that|после того как|когда|если)\s+", "", said, flags=re.IGNORECASE
    )


# ---------------------------------------------------------------------------- what no pattern knows


def _by_family(known: Sequence[Pursuit], tokens: Sequence[Token]) -> _Match | None:
    """The pursuit most of whose words come; None if none does."""
    hits = {
        pursuit.name: sum(any(token.lower.startswith(word) for word in pursuit.words) for token in tokens)
        for pursuit in known
        if pursuit.name not in LAST_RESORTS
    }
    best = max(known, key=lambda pursuit: hits.get(pursuit.name, 0))
    at = next((n for n, t in enumerate(tokens) if t.lower.startswith(best.words or ("\0",))), 0)
    return _Match(best, at) if hits.get(best.name) else None


def _last_resort(tokens: Sequence[Token], text: str, language: str) -> _Match:
    """Somebody does something ("wants"), or something is odd."""
    pursuits = all_pursuits(language)
    wants, oddity = (pursuits[name].pursuit for name in LAST_RESORTS)
    at = _verb_at(tokens, text, language)
    if at is not None and _is_somebody(text[: tokens[at].start], language):
        return _Match(wants, at, matter=_phrase(text[tokens[at].end :], language))
    return _Match(oddity, len(tokens), matter=_odd_thing(tokens, text, language))


def _verb_at(tokens: Sequence[Token], text: str, language: str) -> int | None:
    """The index of the verb of a deed; None for a state, and for no verb."""
    if language == "ru":
        return next((at for at, token in enumerate(tokens) if at and russian.is_verb(token.lower)), None)
    for at, token in enumerate(tokens):
        word, base = token.lower, english.base_form(token.lower)
        if word in english.DETERMINERS:
            continue
        if not at or base in _STATES or tokens[at - 1].lower in english.DETERMINERS:
            if base in {"be", "have", "keep"} and at:
                return None
            continue
        third = re.search(r"[^s'’]s$", word) is not None and not token.text[:1].isupper()
        follows = at + 1 == len(tokens) or not text[token.end :].startswith((" of ", ","))
        if (third and follows and english.third_person(base) == word) or word in _PLURAL_VERBS:
            return at
        if tokens[at - 1].lower in {"wants", "tries", "want", "try", "to"} and word != "to":
            return at
    return None


def _is_somebody(words: str, language: str) -> bool:
    subject = _subject(words, language)
    if language == "ru":
        return True
    kind = find_kind(subject, tuple(KIND_WORDS))
    last = subject.lower().split()[-1:] or [""]
    head = re.split(r" (?:in|of|with|from|who|that|under) ", subject.lower())[0].split()[-1:] or [""]
    return bool(
        kind
        or matching_blocks("trade", subject)
        or any(_PERSONS.search(word) for word in (*last, *head))
        or (english.is_proper(subject) and subject.lower() not in NOBODY)
        or re.match(r"(?:two|three|four|five|my) ", subject.lower())
    )


def _odd_thing(tokens: Sequence[Token], text: str, language: str) -> str:
    """What is odd: what somebody is, has, keeps doing or comes with; else the last thing that is named."""
    if language == "ru":
        nouns = russian.all_nouns(text)
        return max(reversed(nouns), key=lambda noun: noun.count(" ")) if nouns else ""
    for pattern in (
        r"\bkeeps? (\w+ing)\b",
        r"\b(?:could|can) \w+ (.+)",
        r"\b(?:is|are|has|have|with|and) (.+)",
    ):
        if (match := re.search(pattern, text)) and (phrase := english.noun_phrase(match[1])):
            return phrase
    phrase = english.noun_phrase(text)
    words = [token.text for token in tokens]
    return phrase.lower() if len(words) <= 2 else " ".join(words[:1]).lower() if words else "thing"


# ------------------------------------------------------------------------------------------- the slots


def _reading(found: _Match, tokens: Sequence[Token], text: str, language: str, clauses: Clauses) -> Reading:
    pursuit = found.pursuit
    at = min(found.at, len(tokens) - 1) if tokens else 0
    before = text[: tokens[at].start] if tokens and found.at < len(tokens) else ""
    who = _with_article(found.who, language) or _subject(before, language)
    if language == "ru" and found.who == "" and not russian_agreement.is_subject(who):
        who = _subject_behind(tokens, at, text) or who
    who = re.sub(r"^nobody\b", "everybody", who, flags=re.IGNORECASE)  # "nobody may say it" is their vow
    if not who or who == found.matter or who.lower() in english.DETERMINERS:
        who = SOMEBODY[language]
    matter = _plain(found.matter) or _done(found.clause, language) or pursuit.object
    matter = russian.singular(matter) if language == "ru" and pursuit.singular else matter
    verb = tokens[at].text if tokens and found.at < len(tokens) else ""
    after = _clause(text[tokens[at].end :]) if verb else ""
    facts = slots_of(pursuit, matter, who, verb, after, language)
    if language == "ru":
        facts |= russian_slots(pursuit, matter, found.clause, text)
    if language == "en" and re.search(rf"\bthe {re.escape(matter)}\b", text, re.IGNORECASE):
        facts["the object"] = f"the {matter}"  # the Queen
    creature = find_kind(who, tuple(KIND_WORDS)) not in {None, *PEOPLE}
    facts |= spoken_clauses(clauses, language, creature=creature)
    told = fill(pursuit.reads, facts)
    if ":" not in told and len(told.split()) <= MOST_WORDS_TOLD:
        facts["told"] = told
    against = (_AGAINST.search(text) or [None, ""])[1] if language == "en" else ""
    return Reading(pursuit, who, matter, str(against).strip(), facts, language, found.is_foil)


def _subject_behind(tokens: Sequence[Token], at: int, text: str) -> str:
    """Whom a Russian clause is about that puts its verb first: "вселяется старый дракон"."""
    for token in tokens[at : at + MOST_BETWEEN]:
        if russian.is_verb(token.lower):
            said = text[token.end :].strip()
            phrase = russian.nominative_phrase(said)
            return phrase if phrase and said.startswith(phrase) else ""
    return ""


def _with_article(who: str, language: str) -> str:
    """A captured hero as a subject: "retired boss" is "a retired boss"."""
    bare = (
        not who
        or language == "ru"
        or who == SOMEBODY["en"]
        or english.is_proper(who)
        or english.is_plural(who)
    )
    return who if bare else f"{'an' if who[0].lower() in 'aeiou' else 'a'} {who}"


def _done(clause: str, language: str) -> str:
    """A clause as a matter: "lie to anybody" is "lying"; in Russian clauses stay what they are."""
    words = clause.split()
    if not words or language == "ru":
        return ""
    return " ".join((english.gerund(english.base_form(words[0].lower())), *words[1:MOST_OF_CLAUSE]))


def _plain(matter: str) -> str:
    """A matter without words that only point at it: "biscuit thief" is about biscuits."""
    matter = re.sub(r"^(?:same|own|very|first|last|new) ", "", matter)
    return re.sub(r"(?<=\w) (?:thief|thieves|case|mystery|robbery|lessons?)$", "", matter)
