"""Makes Russian words agree: number and gender of a subject, verbs beside a plural, infinitives as nouns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from scripts_llm import russian

_NUMERALS = re.compile(r"(?:два|две|двое|три|трое|четыре|четверо|пять|шесть|семь|десять|оба|обе|все)\s")
_BESIDE = r"(?:(?: (?:же|уже|ещё|опять|снова|тоже|сегодня|теперь))?)"  # what may stand before a verb
_HE = re.compile(r"\b(?:он|она|оно|они)\b", re.IGNORECASE)
_PRONOUNS = (  # about the hero, in the hero's mouth, said to the hero
    ("с ним|с ней|с ними", "со мной", "с тобой"),
    ("к нему|к ней|к ним", "ко мне", "к тебе"),
    ("него|неё|них|его|её|их", "меня", "тебя"),
    ("ему|ей|им", "мне", "тебе"),
    ("нём|ней|них", "мне", "тебе"),
)
_NOUNS: Mapping[str, str] = {
    "танцевать": "танцы",
    "петь": "пение",
    "готовить": "готовка",
    "рисовать": "рисование",
    "играть": "игра",
    "водить": "вождение",
    "врать": "враньё",
    "лгать": "ложь",
    "читать": "чтение",
    "писать": "письмо",
    "шить": "шитьё",
    "стрелять": "стрельба",
    "драться": "драка",
    "бороться": "борьба",
    "ездить": "езда",
    "ловить": "ловля",
    "торговать": "торговля",
    "летать": "полёты",
    "прыгать": "прыжки",
    "бегать": "бег",
    "ходить": "ходьба",
    "спать": "сон",
    "работать": "работа",
    "говорить": "речь",
    "считать": "счёт",
    "дышать": "дыхание",
    "любить": "любовь",
    "молчать": "молчание",
    "жить": "жизнь",
    "стричь": "стрижка",
    "печь": "выпечка",
    "варить": "варка",
    "целоваться": "поцелуи",
    "смеяться": "смех",
    "улыбаться": "улыбки",
    "знакомиться": "знакомства",
}


@lru_cache(maxsize=1024)
def is_plural(phrase: str) -> bool:
    """Whether a nominative phrase takes a plural verb: "грибы", "две монахини", "бабушка и робот"."""
    words = phrase.lower().split()
    if not words:
        return False
    if " и " in f" {' '.join(words)} " or _NUMERALS.match(f"{words[0]} "):
        return True
    for word in words:
        readings = [p for p in russian.parses(word) if p.tag.POS == "NOUN" and "nomn" in p.tag]
        if readings:
            return "plur" in max(readings, key=lambda p: p.score).tag
    return False


def is_subject(phrase: str) -> bool:
    """Whether a phrase can be a subject: it has words, and no preposition in front."""
    return bool(phrase) and russian.parses(phrase.split()[0].lower())[0].tag.POS != "PREP"


@lru_cache(maxsize=1024)
def head_gender(phrase: str) -> str | None:
    """ "masc" or "femn" for the first living noun of a nominative phrase, singular or not; else None."""
    for word in re.findall(r"[а-яё-]+", phrase.lower()):
        readings = [
            p
            for p in russian.parses(word)
            if p.tag.POS == "NOUN" and "anim" in p.tag and {"nomn", "gent"} & set(p.tag.grammemes)
        ]
        if readings:
            lemma = max(readings, key=lambda p: ("nomn" in p.tag, p.score)).inflect({"nomn", "sing"})
            gender = str(lemma.tag.gender) if lemma is not None else ""
            return gender if gender in {"masc", "femn"} else None
    return None


@lru_cache(maxsize=1024)
def plural_of(words: str) -> str:
    """ "мои" of "мой", "должны" of "должен", "приехали настоящие" of "приехал настоящий"."""
    return " ".join(_plural_word(word) for word in words.split())


def _plural_word(word: str) -> str:
    if re.search(r"[А-Яа-яЁё]", word) is None:
        return word
    for parse in russian.parses(word.lower()):
        if parse.tag.POS in {"ADJF", "ADJS", "PRTF", "PRTS", "VERB", "NPRO", "NUMR"}:
            bent = parse.inflect({"plur"})
            if bent:
                return russian.like(bent.word, word)
    return word


def agreeing(phrase: str, forms: Sequence[str | None]) -> str:
    """The masculine, feminine, neuter or plural form that fits a phrase; a plural that lacks is made."""
    masculine = forms[0] or ""
    if is_plural(phrase):
        return (forms[3] if len(forms) > 3 and forms[3] else None) or plural_of(masculine)
    gender = russian.gender_of(phrase)
    neuter = forms[2] if gender == "neut" and len(forms) > 2 else None
    return neuter or (forms[1] if gender == "femn" else masculine) or ""


def with_plural_verbs(text: str, slot: str) -> str:
    """A text in which the verbs beside a slot, its subject, are plural: "Придёт {object}"."""

    def swap(match: re.Match[str]) -> str:
        return match[0].replace(match["verb"], _plural_verb(match["verb"]))

    place = re.escape(f"{{{slot}}}")
    text = re.sub(rf"{place}{_BESIDE} (?P<verb>[а-яё]+)(?![\w{{])", swap, text)
    return re.sub(rf"(?<![\w}}])(?P<verb>[А-Яа-яё]+) {place}", swap, text)


def _plural_verb(word: str) -> str:
    parse = russian.parses(word.lower())[0]
    is_third = parse.tag.POS == "VERB" and (parse.tag.person == "3per" or parse.tag.tense == "past")
    bent = parse.inflect({"plur"}) if is_third and "sing" in parse.tag else None
    return russian.like(bent.word, word) if bent else word


def in_first_person(clause: str) -> str:
    """A clause about the hero in the hero's mouth: "с ним говорит печь" is "со мной говорит печь".

    Empty if the hero is its subject: "он", or nobody named.
    """
    return (
        _with_pronouns(clause, 0) if clause and not _HE.search(clause) and _may_have_subject(clause) else ""
    )


def in_second_person(clause: str, *, of_hero: bool = False) -> str:
    """What is said of the hero, said to the hero: "плавать не умеет" is "плавать не умеешь".

    A clause with a noun that may be its subject keeps its verb, unless it is known to be `of_hero`.
    """
    if not clause or _HE.search(clause):
        return ""
    said = _with_pronouns(clause, 1)
    if _may_have_subject(clause) and not of_hero:
        return said
    return " ".join(_second_person(word) for word in said.split())


def _with_pronouns(clause: str, person: int) -> str:
    for said, *own in _PRONOUNS:
        clause = re.sub(rf"\b(?:{said})\b", own[person], clause)
    return clause


def _may_have_subject(clause: str) -> bool:
    """Whether a word of a clause may be who does it."""
    words = re.findall(r"[А-Яа-яЁё-]+", clause)
    readings = (p.tag for word in words for p in russian.parses(word.lower()) if p.score > 0.1)
    return any(tag.POS in {"NOUN", "NPRO"} and "nomn" in tag for tag in readings)


def _second_person(word: str) -> str:
    parse = russian.parses(word)[0]
    is_third = parse.tag.POS == "VERB" and parse.tag.person == "3per" and "sing" in parse.tag
    bent = parse.inflect({"2per"}) if is_third else None
    return bent.word if bent else word


def as_lesson(clause: str) -> str:
    """What is taught, as a noun: "танцы" of "танцевать", "игра на рояле" of "играть на рояле".

    A verb whose noun nobody knows stays one, in quotation marks: «не бояться темноты».
    """
    verb, _, rest = clause.partition(" ")
    noun = _NOUNS.get(verb) or _verbal_noun(verb)
    if not noun:
        return f"«{clause}»"
    taken = russian.parses(rest.split()[0].lower())[0].tag.POS == "PREP" if rest else True
    what = rest if taken else russian.inflect(russian.nominative_phrase(rest) or rest, "род")
    return f"{noun} {what}".strip()


def _verbal_noun(verb: str) -> str:
    """ "плавание" of "плавать", "вязание" of "вязать", if the dictionary has it."""
    for ending, put in (("ать", "ание"), ("ять", "яние"), ("еть", "ение")):
        if verb.endswith(ending) and russian.is_known(word := verb.removesuffix(ending) + put):
            return word
    return ""
