"""The voices there are, and who gets which: a register read from the look, and no two sound alike."""

from __future__ import annotations

import difflib
import hashlib
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import log2

from flows.studio.errors import StudioError
from flows.studio.vocoder import Timbre
from scripts_llm.screenplay import Character, Voice

APART_SEMITONES = 2.0  # two voices differ by this much in pitch,
APART_FORMANTS = 0.08  # or by this much in the size of the throat


@dataclass(frozen=True)
class VoiceSettings:
    """All that makes a character's voice: a voice's name, its throat, its pace, and what is done to it."""

    name: str
    timbre: Timbre
    speed: float = 1.0
    effect: str = "none"  # none, phone, robot, ghost


@dataclass(frozen=True)
class NamedVoice:
    """A voice of the book."""

    register: str
    description: str
    settings: VoiceSettings


def _entry(
    register: str, description: str, name: str, timbre: Timbre, *, speed: float = 1.0, effect: str = "none"
) -> NamedVoice:
    return NamedVoice(register, description, VoiceSettings(name, timbre, speed, effect))


_BOOK = (
    _entry("man", "an ordinary man", "frank", Timbre(118, 0.86)),
    _entry("man", "a young man, quick and eager", "nico", Timbre(142, 0.90, intonation=1.2), speed=1.06),
    _entry("man", "a big man who takes his time", "duke", Timbre(100, 0.82, intonation=0.9), speed=0.95),
    _entry("man", "a hollow, important man", "walt", Timbre(122, 0.78, intonation=0.85)),
    _entry("woman", "an ordinary woman", "rosa", Timbre(205, 1.0)),
    _entry("woman", "a dry, low woman", "vera", Timbre(172, 0.96, intonation=0.8), speed=0.97),
    _entry("woman", "a bright, quick woman", "daisy", Timbre(262, 1.07, intonation=1.15), speed=1.06),
    _entry("woman", "a warm, high woman", "june", Timbre(232, 0.98)),
    _entry("old man", "a deep old man", "gus", Timbre(84, 0.78, growl=0.12, tremor=0.4), speed=0.92),
    _entry("old man", "a thin old man", "otto", Timbre(162, 0.86, tremor=0.7), speed=0.94),
    _entry("old woman", "an old woman", "agnes", Timbre(186, 0.88, tremor=0.6), speed=0.93),
    _entry("child", "a child", "pip", Timbre(290, 1.20, intonation=1.2), speed=1.03),
    _entry("child", "a small child", "dot", Timbre(330, 1.14, intonation=1.1)),
    _entry("cat", "a large cat with a purr", "tom", Timbre(104, 1.0, growl=0.22), speed=0.93),
    _entry("cat", "a small cat", "minka", Timbre(300, 1.05, intonation=1.3)),
    _entry("dog", "a hoarse dog", "rex", Timbre(140, 1.02, intonation=1.25, growl=0.25), speed=1.05),
    _entry("fish", "a fish, wobbling", "coral", Timbre(218, 1.15, intonation=1.1, tremor=0.35)),
    _entry("robot", "a robot on one note", "bolt", Timbre(124, 0.94, intonation=0.15), effect="robot"),
    _entry("toaster", "an appliance", "pop", Timbre(190, 1.12, intonation=0.4), effect="phone"),
    _entry("ghost", "a ghost", "boo", Timbre(160, 1.06, 0.75, breath=0.45), speed=0.92, effect="ghost"),
    _entry("alien", "an alien with a long throat", "zed", Timbre(208, 0.80, intonation=1.5)),
    _entry("monster", "a monster", "grum", Timbre(74, 0.72, growl=0.45), speed=0.92),
)  # fmt: skip

VOICES: Mapping[str, NamedVoice] = {entry.settings.name: entry for entry in _BOOK}

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


def cast(
    characters: Mapping[str, Character], *, guests: Mapping[str, Character] | None = None
) -> dict[str, VoiceSettings]:
    """A voice for everybody, the same in every episode: keys and looks decide, not who comes first.

    A voice that the premise names is theirs; the others get one of their register, apart from all those
    given already. `guests` choose from what the characters leave, so that they change nobody's voice.

    Raises:
        StudioError: the premise names a voice that does not exist.
    """
    voices: dict[str, VoiceSettings] = {}
    for company in (characters, guests or {}):
        named = {key: who.voice for key, who in company.items() if who.voice is not None}
        for key in sorted(named):
            voices[key] = _asked_for(key, named[key])
        for key in sorted(set(company) - set(named), key=_digest):
            if key not in voices:
                voices[key] = _chosen(key, company[key], voices.values())
    return {key: voices[key] for key in (*characters, *(guests or {}))}


def named_voice(name: str, *, where: str) -> VoiceSettings:
    """The voice of that name, or a StudioError that lists them all."""
    entry = VOICES.get(name.strip().lower())
    if entry is None:
        close = difflib.get_close_matches(name.lower(), VOICES, n=1)
        hint = f"did you mean {close[0]}?" if close else "try one of these:"
        raise StudioError(f"{where}: no voice is called {name!r}; {hint} There are {', '.join(VOICES)}.")
    return entry.settings


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


def _asked_for(key: str, voice: str | Voice) -> VoiceSettings:
    where = f"characters.{key}.voice"
    if isinstance(voice, str):
        return named_voice(voice, where=where)
    settings = named_voice(voice.name, where=where)
    timbre = replace(settings.timbre, pitch_hz=round(settings.timbre.pitch_hz * 2 ** (voice.pitch / 12), 2))
    effect = voice.effect if "effect" in voice.model_fields_set else settings.effect
    return replace(settings, timbre=timbre, speed=settings.speed * voice.speed, effect=effect)


def _chosen(key: str, character: Character, given: Iterable[VoiceSettings]) -> VoiceSettings:
    taken = list(given)
    first_choices = _in_register(register_of(key, character), key, character)
    for voice in itertools.chain(first_choices, _variants(first_choices)):
        if all(apart(voice, other) for other in taken):
            return voice
    return first_choices[_digest(key)[1] % len(first_choices)]  # a crowd: more than a hundred in one register


def _in_register(register: str, key: str, character: Character) -> list[VoiceSettings]:
    """The register's voices, the best fitting first: a large one is deep, a small one high."""
    voices = [entry.settings for entry in VOICES.values() if entry.register == register]
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
