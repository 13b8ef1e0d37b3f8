"""Inflects Russian words: case, gender, number (pymorphy3's dictionary with OpenCorpora's tags)."""

from __future__ import annotations

import itertools
import re
from functools import cache, lru_cache
from typing import Any

CASES = {"им": "nomn", "род": "gent", "дат": "datv", "вин": "accs", "тв": "ablt", "пр": "loct"}
SETS = {
    "kitchen": "кухня",
    "living room": "гостиная",
    "office": "контора",
    "bar": "бар",
    "park": "парк",
    "street": "улица",
    "classroom": "класс",
    "stage": "сцена",
    "beach": "пляж",
    "fish shop": "рыбная лавка",
    "spaceship": "звездолёт",
    "bedroom": "спальня",
}
KIND_STEMS = (
    ("old man", ("старик", "дед", "пенсионер")),
    (
        "woman",
        ("женщин", "девушк", "тёт", "бабушк", "старушк", "вдов", "соседк", "продавщиц", "хозяйк", "жен"),
    ),
    ("child", ("ребён", "ребен", "дети ", "мальчик", "девочк", "школьник", "внук", "племянни")),
    ("robot", ("робот", "андроид", "киборг", "пылесос", "компьютер")),
    ("cat", ("кот", "кош", "котён")),
    ("dog", ("пёс", "пес ", "соба", "щен", "такс", "дворняг", "бульдог")),
    ("fish", ("рыбк", "карп", "щук", "карас", "золотая рыб", "сом ")),
    ("ghost", ("привиден", "призрак", "домов", "дух ")),
    ("alien", ("инопланет", "пришел", "марсиан", "зелёный человеч")),
    (
        "monster",
        ("чудищ", "монстр", "чудовищ", "вампир", "леш", "кикимор", "дракон", "змей", "баба-яга", "водян"),
    ),
    ("toaster", ("тостер", "утюг", "чайник", "самовар")),
    ("man", ("мужчин", "мужик", "парень", "дяд", "муж ")),
)
_ABSTRACT = frozenset(
    {
        "покой",
        "конец",
        "начало",
        "время",
        "день",
        "вечер",
        "ночь",
        "год",
        "жизнь",
        "дело",
        "помощь",
        "память",
        "любовь",
        "слава",
        "власть",
        "наследство",
        "право",
        "сила",
        "мечта",
        "раз",
        "пенсия",
        "отставка",
        "секрет",
        "тайна",
        "правда",
        "ложь",
        "счастье",
        "свобода",
        "порядок",
        "серия",
        "край",
        "угол",
    }
)
_SOMEBODY = {"gent": "кого-то", "datv": "кому-то", "accs": "кого-то", "ablt": "кем-то", "loct": "ком-то"}
_GENDERS = {"masc": "masc", "femn": "femn", "neut": "neut"}
_NUMBER_WORDS = re.compile(
    r"\b(?:ноль|одн[аоуимй]\w*|один|дв[аеу]\w{0,2}|тр[иёе]\w{0,2}|четыр\w*|пят[ьи]\w*|шест[ьи]\w*|сем[ьи]\w{0,2}"
    r"|вос[еь]м\w*|девят\w*|десят\w*|одиннадцат\w*|двенадцат\w*|тринадцат\w*|сорок\w?|сто|тысяч\w?)\b"
)


@cache
def _morph() -> Any:
    from pymorphy3 import MorphAnalyzer

    return MorphAnalyzer(lang="ru")


@lru_cache(maxsize=4096)
def _parse(word: str, gender: str | None = None) -> Any:
    """The most likely nominative reading of a word, preferring names, nouns and adjectives."""

    def rank(parse: Any) -> tuple[int, float]:
        tag = parse.tag
        fit = 4 * ("nomn" in tag) + 3 * (tag.POS == "NOUN") + 3 * ("Name" in tag) + 2 * (tag.POS == "ADJF")
        fit += 2 * ("sing" in tag) - 8 * ("Geox" in tag) + 6 * bool(gender and gender in tag)
        return fit, parse.score

    return max(_morph().parse(word.lower()), key=rank)


def parses(word: str) -> Any:
    """All readings of a word in small letters, the likeliest first."""
    return _morph().parse(word)


def is_known(word: str) -> bool:
    """Whether the dictionary has a word."""
    return bool(_morph().word_is_known(word))


def like(word: str, model: str) -> str:
    """The word with the capital of the word that it replaces."""
    return word[:1].upper() + word[1:] if model[:1].isupper() else word


@lru_cache(maxsize=4096)
def inflect(phrase: str, case: str, *, animate: bool = False) -> str:
    """A nominative phrase in another case: "тётя Зина" in "тв" is "тётей Зиной"."""
    grammeme = CASES[case]
    if grammeme == "nomn":
        return phrase
    if phrase == "некто":
        return _SOMEBODY[grammeme]
    words = phrase.split()
    head = gender_of(phrase)
    living = animate or _is_animate(phrase)
    end = next((n for n, word in enumerate(words) if _ends_inflection(words, n)), len(words))
    bent = [_inflect_word(word, grammeme, head, living=living) for word in words[:end]]
    return " ".join((*bent, *words[end:]))


def _ends_inflection(words: list[str], at: int) -> bool:
    """Whether a phrase's words keep their case from here on: "из лавки", and "рождения" behind "день"."""
    if _parse(words[at]).tag.POS == "PREP":
        return True
    if not at or not words[at].islower() or "NOUN" not in _parse(words[at - 1]).tag:
        return False
    parses = [parse for parse in _morph().parse(words[at]) if parse.tag.POS == "NOUN"]
    return bool(parses) and any("gent" in parse.tag for parse in parses)


def _inflect_word(word: str, grammeme: str, gender: str, *, living: bool) -> str:
    bare = word.strip("«»\"'.,")
    if not bare or not re.fullmatch(r"[А-Яа-яЁё-]+", bare):
        return word
    parse = _parse(bare, gender)
    if parse.tag.POS not in {"NOUN", "ADJF", "PRTF", "ADJS"} or "nomn" not in parse.tag:
        return word
    if grammeme == "accs" and living and "masc" in parse.tag and "plur" not in parse.tag:
        grammeme = "gent" if not bare.lower().endswith(("а", "я")) else grammeme
    if grammeme == "accs" and not living and gender == "masc" and parse.tag.POS in {"ADJF", "PRTF"}:
        return word  # "тихий вечер", where the dictionary offers "тихого"
    wanted = {grammeme, "plur" if "plur" in parse.tag else "sing"}
    if parse.tag.POS != "NOUN" and "plur" not in parse.tag:
        wanted.add(gender)
    bent = parse.inflect(wanted)
    return word.replace(bare, like(bent.word, bare)) if bent else word


@lru_cache(maxsize=4096)
def gender_of(phrase: str) -> str:
    """ "masc", "femn" or "neut": the gender of the phrase's first noun, else guessed from its ending."""
    for word in phrase.split():
        if not re.fullmatch(r"[А-Яа-яЁё-]+", word):
            continue
        parse = _parse(word)
        if parse.tag.POS == "NOUN" and parse.tag.gender:
            return _GENDERS.get(str(parse.tag.gender), "masc")
    return "femn" if phrase.lower().endswith(("а", "я")) else "masc"


def _is_animate(phrase: str) -> bool:
    """Whether the phrase's noun differs between accusative and nominative."""
    words = phrase.split()  # "тихий" in front of a noun is no surname
    nouns = [
        _parse(word)
        for at, word in enumerate(words)
        if re.fullmatch(r"[А-Яа-яЁё-]+", word) and not (word[-2:] in {"ий", "ый"} and at + 1 < len(words))
    ]
    bent = [(n, n.inflect({"accs"})) for n in nouns if n.tag.POS == "NOUN" and "nomn" in n.tag]
    return any(other is not None and other.word != noun.word for noun, other in bent)


@lru_cache(maxsize=1024)
def forms(name: str) -> tuple[str, ...]:
    """A name in all its cases."""
    return tuple(dict.fromkeys(inflect(name, case, animate=True) for case in CASES))


def is_name(word: str) -> bool:
    """Whether a word can be a name of a person or place, and so keeps its capital inside a sentence."""
    return any(
        {"Name", "Surn", "Patr", "Geox"} & set(p.tag.grammemes) for p in _morph().parse(word.lower())[:3]
    )


def is_mostly_name(word: str) -> bool:
    """Whether a word is a name more often than not: "Трофим", and not "машина" or "короче"."""
    kinds = {"Name", "Surn", "Patr", "Geox"}
    return sum(p.score for p in _morph().parse(word.lower()) if kinds & set(p.tag.grammemes)) > 0.5


def without_numbers(text: str) -> str:
    """The text without number words."""
    return _NUMBER_WORDS.sub(" ", text)


@lru_cache(maxsize=256)
def nouns_of(text: str, *, living: bool = False) -> tuple[str, ...]:
    """The nouns of a text in the nominative, in its order: "лавка" from "в рыбной лавке".

    Those of animals and people are among them if they may be `living`.
    """
    found: list[str] = []
    for word in re.findall(r"[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*", text):
        parse = max(_morph().parse(word.lower()), key=lambda p: (p.tag.POS == "NOUN", p.score))
        lasting = "NOUN" in parse.tag and (living or "inan" in parse.tag) and len(word) > 3
        if lasting and not {"Name", "Geox", "Abbr"} & set(parse.tag.grammemes):
            normal = parse.inflect({"sing", "nomn"})
            found.append(normal.word if normal else parse.normal_form)
    return tuple(dict.fromkeys(noun for noun in found if noun not in _ABSTRACT))


@lru_cache(maxsize=4096)
def lemmas(word: str) -> frozenset[str]:
    """The dictionary forms that a word may belong to: "идёт" gives "идти"."""
    return frozenset(parse.normal_form.replace("ё", "е") for parse in _morph().parse(word)) | frozenset(
        parse.normal_form for parse in _morph().parse(word)
    )


def is_infinitive(word: str) -> bool:
    """Whether a word is an infinitive."""
    return any(parse.tag.POS == "INFN" for parse in _morph().parse(word))


def amount_in(text: str) -> str:
    """The first number with its noun, "сорок рублей"; "тысяча рублей" if the text has none."""
    words = re.findall(r"[\w-]+", text.lower())
    for word, following in itertools.pairwise(words):
        if word.isdigit() or _morph().parse(word)[0].tag.POS == "NUMR":
            return f"{word} {following}"
    return "тысяча рублей"


def is_verb(word: str) -> bool:
    """Whether a word is, most likely, a verb with a person or a past form."""
    parse = _morph().parse(word)[0]
    return parse.tag.POS == "VERB"


def infinitive(verb: str) -> str:
    """ "вязать" of "вяжет"; another word as it is."""
    for parse in _morph().parse(verb.lower()):
        if parse.tag.POS in {"VERB", "INFN"}:
            return str(parse.normal_form)
    return verb.lower()


@lru_cache(maxsize=1024)
def nominative_phrase(text: str) -> str:
    """The noun phrase that a text begins with, in the nominative: "подпольную пекарню в".

    It is "подпольная пекарня": adjectives and the first noun; a name keeps its capital. Empty without a noun.
    """
    adjectives: list[str] = []
    for word in re.findall(r"[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*|[^\sА-Яа-яЁё]", text)[:4]:
        parses = _morph().parse(word.lower())
        noun = max((p for p in parses if p.tag.POS == "NOUN"), key=lambda p: p.score, default=None)
        if parses[0].tag.POS not in {"NOUN", "ADJF", "PRTF", "NUMR"}:
            break
        is_adjective = parses[0].tag.POS != "NOUN"
        if noun is not None and not is_adjective:
            bent = noun.inflect({"nomn"}) or noun
            head = like(bent.word, word) if is_name(word) else bent.word
            plural = "plur" in bent.tag
            gender = str(bent.tag.gender or "masc")
            return " ".join((*(_agree(each, gender, plural=plural) for each in adjectives), head))
        if not is_adjective:
            break
        if "Apro" not in parses[0].tag.grammemes:  # pronouns: свой, этот
            adjectives.append(word)
    return _as_noun(adjectives[-1]) if adjectives else ""


def _as_noun(adjective: str) -> str:
    """An adjective that stands for a thing, in the nominative: "шашлычную" is "шашлычная"."""
    bent = _morph().parse(adjective.lower())[0].inflect({"nomn"})
    return str(bent.word) if bent else adjective.lower()


def singular(phrase: str) -> str:
    """ "мэр" of "мэры"; a phrase of several words and one without a singular stay as they are."""
    parse = _parse(phrase) if " " not in phrase and phrase else None
    bent = parse.inflect({"sing", "nomn"}) if parse is not None and "plur" in parse.tag else None
    return like(bent.word, phrase) if bent else phrase


def _agree(adjective: str, gender: str, *, plural: bool) -> str:
    parse = _morph().parse(adjective.lower())[0]
    bent = parse.inflect({"nomn", "plur"} if plural else {"nomn", "sing", gender})
    return bent.word if bent else adjective.lower()


@lru_cache(maxsize=256)
def all_nouns(text: str) -> tuple[str, ...]:
    """The nouns of a text in the nominative, living ones too, with a genitive behind them, in its order."""
    found: list[str] = []
    before = False  # whether the word before is a noun
    for word in re.findall(r"[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*", text):
        parse = max(_morph().parse(word.lower()), key=lambda p: p.score)
        if found and before and word.islower() and parse.tag.POS == "NOUN" and "gent" in parse.tag:
            found[-1] = f"{found[-1]} {word}"  # "день рождения"
        elif parse.tag.POS == "NOUN":
            bent = parse.inflect({"nomn"})
            found.append(like(bent.word, word) if bent and is_name(word) else parse.normal_form)
        before = parse.tag.POS == "NOUN"
    return tuple(dict.fromkeys(found))


def kind_of(text: str) -> str | None:
    """The film model's kind that a Russian text names first, or None."""
    flat = f" {' '.join(re.findall(r'[а-яё-]+', text.lower()))} "
    found = [
        (flat.find(f" {stem}"), kind) for kind, stems in KIND_STEMS for stem in stems if f" {stem}" in flat
    ]
    return min(found)[1] if found else None


_LATIN: dict[str, str] = {
    **dict(zip("абвгдеёзийклмнопрстуфыэ", "abvgdeezijklmnoprstufye", strict=True)),
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "sch",
    "ъ": "",
    "ь": "",
    "ю": "yu",
    "я": "ya",
}


def latin(text: str) -> str:
    """Russian letters transliterated, for keys."""
    return "".join(_LATIN.get(letter, letter) for letter in text.lower())
