"""Casting: gives every character a voice by its look, so that no two of a cast sound alike."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import log2

from flows.studio.voice.catalog import KOKORO_VOICES, VOICES, find_voice
from flows.studio.voice.settings import Speaker, VoiceSettings
from scripts_llm.screenplay.premise import Character, Voice

APART_SEMITONES = 2.0  # two voices of a cast differ by this much in pitch,
APART_FORMANTS = 0.08  # or by this share in formants

VoicesByRegister = Mapping[str, list[VoiceSettings]]

# Kokoro's voices for people: those that a speech recogniser understands best.
_KOKORO_PEOPLE = {
    "man": "am_puck am_michael bm_george am_fenrir am_eric am_onyx bm_fable am_echo",
    "woman": "af_heart bf_emma af_bella af_kore bf_isabella af_nova af_aoede af_sarah",
    "old man": "bm_lewis am_santa am_onyx",
    "old woman": "bf_alice bf_lily",
}
_RUSSIAN_VOICES = {"man": "pm_alex em_alex jm_kumo", "woman": "ef_dora pf_dora if_sara af_heart"}
_HIGH_REGISTERS = ("woman", "old woman", "child", "fish", "ghost", "toaster")

# The words of a look that decide its register; the first one in the look counts.
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
    """A voice for every character and guest, by key; it depends on keys and looks, not on their order.

    A voice that the premise names is used. The others get one of their register, apart from all those given
    already: one of the package's, or one of Kokoro's. Guests choose after the characters, so that they
    change nobody's voice.

    Raises:
        StudioError: the premise names a voice that does not exist.
    """
    voices: dict[str, VoiceSettings] = {}
    available = _voices_by_register(speaker, language)
    for group in (characters, guests or {}):
        named = {key: who.voice for key, who in group.items() if who.voice is not None}
        for key in sorted(named):
            voices[key] = _premise_voice(key, named[key])
        for key in sorted(set(group) - set(named), key=_digest):
            if key not in voices:
                voices[key] = _choose_voice(key, group[key], tuple(voices.values()), available)
    return {key: voices[key] for key in (*characters, *(guests or {}))}


def register_of(key: str, character: Character) -> str:
    """Man, woman, old man, child, cat, robot …: from the look, else from the role, else from name and key."""
    for words in (character.look, character.role, f"{character.name or ''} {key.replace('_', ' ')}"):
        register = _register_in(words or "")
        if register:
            return register
    return "man" if _digest(key)[0] % 2 else "woman"


def apart(one: VoiceSettings, other: VoiceSettings) -> bool:
    """True if a listener tells the voices apart by pitch or by size."""
    a, b = one.timbre, other.timbre
    high = abs(12 * log2(a.pitch_hz / b.pitch_hz)) >= APART_SEMITONES
    return high or max(a.formants, b.formants) / min(a.formants, b.formants) >= 1 + APART_FORMANTS


def _voices_by_register(speaker: Speaker, language: str) -> VoicesByRegister:
    """Every register's voices. Kokoro's are for people; in Russian, which only they know, for everybody."""
    package: dict[str, list[VoiceSettings]] = defaultdict(list)
    for named in VOICES.values():
        package[named.register].append(named.settings)
    if speaker == "embedded":
        return package
    if language.lower().startswith(("ru", "рус")):
        return {register: _in_russian(register, voices) for register, voices in package.items()}
    return {**package, **{register: _kokoro_voices(names) for register, names in _KOKORO_PEOPLE.items()}}


def _kokoro_voices(names: str) -> list[VoiceSettings]:
    return [KOKORO_VOICES[name].settings for name in names.split()]


def _in_russian(register: str, package: list[VoiceSettings]) -> list[VoiceSettings]:
    """Kokoro's voices: for men and women unchanged, for others moved to the package voices' timbres."""
    voices = _kokoro_voices(_RUSSIAN_VOICES["woman" if register in _HIGH_REGISTERS else "man"])
    if register in _RUSSIAN_VOICES:
        return voices
    moved = []
    for part, voice in zip(package, itertools.cycle(voices), strict=False):
        factor = min(max(part.timbre.pitch_hz / voice.timbre.pitch_hz, 0.75), 1.4)
        timbre = replace(
            voice.timbre,
            pitch_hz=round(voice.timbre.pitch_hz * factor, 2),
            formants=min(max(part.timbre.formants, 0.85), 1.2),
        )
        moved.append(replace(voice, timbre=timbre, speed=part.speed, effect=part.effect))
    return moved


def _premise_voice(key: str, voice: str | Voice) -> VoiceSettings:
    where = f"characters.{key}.voice"
    if isinstance(voice, str):
        return find_voice(voice, where=where)
    settings = find_voice(voice.name, where=where)
    timbre = replace(settings.timbre, pitch_hz=round(settings.timbre.pitch_hz * 2 ** (voice.pitch / 12), 2))
    effect = voice.effect if "effect" in voice.model_fields_set else settings.effect
    return replace(settings, timbre=timbre, speed=settings.speed * voice.speed, effect=effect)


def _choose_voice(
    key: str, character: Character, taken: Sequence[VoiceSettings], available: VoicesByRegister
) -> VoiceSettings:
    """The best voice of the character's register that differs from all `taken` ones."""
    first_choices = _best_first(available[register_of(key, character)], key, character)
    for voice in itertools.chain(first_choices, _variants(first_choices)):
        if all(apart(voice, other) for other in taken):
            return voice
    return first_choices[_digest(key)[1] % len(first_choices)]  # more than a hundred in one register


def _best_first(voices: list[VoiceSettings], key: str, character: Character) -> list[VoiceSettings]:
    """A register's voices, the best fitting first: low ones for a large character, high ones for a small."""
    look = " ".join(
        part for part in (character.look, character.role, character.name, character.speech) if part
    )
    lean = len(_HIGH.findall(look)) - len(_DEEP.findall(look))
    if lean:
        return sorted(voices, key=lambda voice: voice.timbre.pitch_hz, reverse=lean > 0)
    turn = _digest(key)[2] % len(voices)
    return voices[turn:] + voices[:turn]


def _variants(voices: list[VoiceSettings]) -> Iterable[VoiceSettings]:
    """The same voices with other pitches and sizes, the nearest first."""
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
    starts = {register: match.start() for register, word in _WORDS.items() if (match := word.search(words))}
    if not starts:
        return None
    register = min(starts, key=lambda name: starts[name])
    ages = [int(age) for age in _AGE.findall(words)]
    if ages and register in ("man", "woman"):
        register = f"old {register}" if 65 <= ages[0] <= 120 else register
        register = "child" if ages[0] <= 12 else register
    return register


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
