"""Casting: who gets which voice. A register is read from the look, and no two of a cast sound alike."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from math import log2

from flows.studio.voice.catalog import KOKORO_VOICES, VOICES, Speaker, VoiceSettings, find_voice
from scripts_llm.screenplay.premise import Character, Voice

APART_SEMITONES = 2.0  # two voices differ by this much in pitch,
APART_FORMANTS = 0.08  # or by this much in the size of the throat

Book = Mapping[str, list[VoiceSettings]]  # register -> its voices

# Which of Kokoro's speakers play whom: those that a recogniser understands best.
_ACTORS = {
    "man": "am_puck am_michael bm_george am_fenrir am_eric am_onyx bm_fable am_echo",
    "woman": "af_heart bf_emma af_bella af_kore bf_isabella af_nova af_aoede af_sarah",
    "old man": "bm_lewis am_santa am_onyx",
    "old woman": "bf_alice bf_lily",
}
_RUSSIAN_ACTORS = {"man": "pm_alex em_alex jm_kumo", "woman": "ef_dora pf_dora if_sara af_heart"}
_HIGH_REGISTERS = ("woman", "old woman", "child", "fish", "ghost", "toaster")

# Which words of a look say which register; the first that stands in the look decides.
_OLD = r"(?:old|elderly|aged|ancient|grey-haired|gray-haired|white-haired)\W+(?:[\w-]+\W+){0,2}?"
_MALE = r"(?:man|guy|fellow|gentleman|janitor|waiter|king|uncle|father|husband|mr)"
_FEMALE = r"(?:woman|lady|waitress|queen|aunt|mother|wife|mrs|ms|miss)"
_REGISTER_WORDS = {
    "robot": r"robots?|androids?|droids?|cyborg|computer|machine",
    "toaster": r"toaster|fridge|kettle|oven|microwave|appliance|vacuum cleaner|lamp|television",
    "ghost": r"ghosts?|spirit|phantom|spectre|specter|poltergeist",
    "alien": r"aliens?|martian|extraterrestrial",
    "monster": r"monster|troll|ogre|dragon|demon|beast|yeti|bear|werewolf|giant",
    "cat": r"cats?|kitten|tomcat|tiger|lion|lioness|panther",
    "dog": r"dogs?|puppy|hound|poodle|wolf|fox",
    "fish": r"fish|goldfish|shark|octopus|lobster|crab|whale|squid",
    "child": r"child|kid|boy|girl|baby|toddler|mouse|bird|parrot|duck|chicken|hamster",
    "old man": rf"{_OLD}{_MALE}|grandfather|grandpa|grandad",
    "old woman": rf"{_OLD}{_FEMALE}|grandmother|grandma|granny|nana",
    "woman": rf"{_FEMALE}|she|her|actress|nun|businesswoman|policewoman|fishwife",
    "man": rf"{_MALE}|he|his|businessman|policeman|fishmonger|mobster|priest|monk",
}
_WORDS = {register: re.compile(rf"\b(?:{words})\b", re.I) for register, words in _REGISTER_WORDS.items()}
_AGE = re.compile(r"\b(\d{1,3})\b")
_DEEP = re.compile(r"\b(?:large|big|fat|huge|giant|heavy|boss|don|gruff|deep|tall|burly)\b", re.I)
_HIGH = re.compile(r"\b(?:small|tiny|little|thin|skinny|slim|young|nervous|cute|short|high)\b", re.I)


def cast_voices(
    characters: Mapping[str, Character],
    *,
    guests: Mapping[str, Character] | None = None,
    speaker: Speaker = "embedded",
    language: str = "en",
) -> dict[str, VoiceSettings]:
    """A voice for everybody, the same in every episode: keys and looks decide, not who comes first.

    A voice that the premise names is theirs; the others get one of their register, apart from all those
    given already: out of the package's own, or out of Kokoro's. `guests` choose from what the characters
    leave, so that they change nobody's voice.

    Raises:
        StudioError: the premise names a voice that does not exist.
    """
    voices: dict[str, VoiceSettings] = {}
    book = _book(speaker, language)
    for company in (characters, guests or {}):
        named = {key: who.voice for key, who in company.items() if who.voice is not None}
        for key in sorted(named):
            voices[key] = _asked_for(key, named[key])
        for key in sorted(set(company) - set(named), key=_digest):
            if key not in voices:
                voices[key] = _chosen(key, company[key], voices.values(), book)
    return {key: voices[key] for key in (*characters, *(guests or {}))}


def register_of(key: str, character: Character) -> str:
    """Man, woman, old man, child, cat, robot …, read from the look, else from role, name and key."""
    for words in (character.look, character.role, f"{character.name or ''} {key.replace('_', ' ')}"):
        register = _register_in(words or "")
        if register:
            return register
    return "man" if _digest(key)[0] % 2 else "woman"


def apart(one: VoiceSettings, other: VoiceSettings) -> bool:
    """Whether an ear tells them from each other by pitch or by size."""
    a, b = one.timbre, other.timbre
    high = abs(12 * log2(a.pitch_hz / b.pitch_hz)) >= APART_SEMITONES
    return high or max(a.formants, b.formants) / min(a.formants, b.formants) >= 1 + APART_FORMANTS


def _book(speaker: Speaker, language: str) -> Book:
    """Every register's voices. Kokoro's play people; in Russian they play everybody, for nobody else can."""
    book: dict[str, list[VoiceSettings]] = defaultdict(list)
    for entry in VOICES.values():
        book[entry.register].append(entry.settings)
    if speaker == "embedded":
        return book
    if language.lower().startswith(("ru", "рус")):
        return {register: _in_russian(register, voices) for register, voices in book.items()}
    return {**book, **{register: _actors(names) for register, names in _ACTORS.items()}}


def _actors(names: str) -> list[VoiceSettings]:
    return [KOKORO_VOICES[name].settings for name in names.split()]


def _in_russian(register: str, parts: list[VoiceSettings]) -> list[VoiceSettings]:
    """Kokoro's speakers as they come for a man and a woman; in the throats of the book's others."""
    actors = _actors(_RUSSIAN_ACTORS["woman" if register in _HIGH_REGISTERS else "man"])
    if register in _RUSSIAN_ACTORS:
        return actors
    voices = []
    for part, actor in zip(parts, itertools.cycle(actors), strict=False):
        steps = min(max(part.timbre.pitch_hz / actor.timbre.pitch_hz, 0.75), 1.4)
        timbre = replace(
            actor.timbre,
            pitch_hz=round(actor.timbre.pitch_hz * steps, 2),
            formants=min(max(part.timbre.formants, 0.85), 1.2),
        )
        voices.append(replace(actor, timbre=timbre, speed=part.speed, effect=part.effect))
    return voices


def _asked_for(key: str, voice: str | Voice) -> VoiceSettings:
    where = f"characters.{key}.voice"
    if isinstance(voice, str):
        return find_voice(voice, where=where)
    settings = find_voice(voice.name, where=where)
    timbre = replace(settings.timbre, pitch_hz=round(settings.timbre.pitch_hz * 2 ** (voice.pitch / 12), 2))
    effect = voice.effect if "effect" in voice.model_fields_set else settings.effect
    return replace(settings, timbre=timbre, speed=settings.speed * voice.speed, effect=effect)


def _chosen(key: str, character: Character, given: Iterable[VoiceSettings], book: Book) -> VoiceSettings:
    taken = list(given)
    first_choices = _in_register(book[register_of(key, character)], key, character)
    for voice in itertools.chain(first_choices, _variants(first_choices)):
        if all(apart(voice, other) for other in taken):
            return voice
    return first_choices[_digest(key)[1] % len(first_choices)]  # a crowd: more than a hundred in one register


def _in_register(voices: list[VoiceSettings], key: str, character: Character) -> list[VoiceSettings]:
    """The register's voices, the best fitting first: a large one is deep, a small one high."""
    look = " ".join(
        part for part in (character.look, character.role, character.name, character.speech) if part
    )
    lean = len(_HIGH.findall(look)) - len(_DEEP.findall(look))
    if lean:
        return sorted(voices, key=lambda voice: voice.timbre.pitch_hz, reverse=lean > 0)
    turn = _digest(key)[2] % len(voices)
    return voices[turn:] + voices[:turn]


def _variants(voices: list[VoiceSettings]) -> Iterable[VoiceSettings]:
    """The same voices in other throats, the nearest first."""
    steps = [(pitch, size) for pitch in (0, 1, -1, 2, -2, 3) for size in (0, 1, -1, 2)]
    for pitch, size in sorted(steps[1:], key=lambda step: abs(step[0]) + abs(step[1])):
        for voice in voices:
            timbre = replace(
                voice.timbre,
                pitch_hz=round(voice.timbre.pitch_hz * 2 ** (pitch * 2.2 / 12), 2),
                formants=round(voice.timbre.formants * 1.09**size, 4),
            )
            yield replace(voice, timbre=timbre)


def _register_in(words: str) -> str | None:
    places = {register: found.start() for register, word in _WORDS.items() if (found := word.search(words))}
    if not places:
        return None
    register = min(places, key=lambda name: places[name])
    ages = [int(age) for age in _AGE.findall(words)]
    if ages and register in ("man", "woman"):
        register = f"old {register}" if 65 <= ages[0] <= 120 else register
        register = "child" if ages[0] <= 12 else register
    return register


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
