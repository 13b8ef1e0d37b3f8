"""A line as phonemes: screenplay habits put right first, and made-up syllables where no voice knows the
script.

hibari's own reader turns numbers, money, years, times and abbreviations into words; what it stumbles over is
what writers do: shouting in capitals, stretched vowels, noises, emoji, asterisks.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from flows.studio.voice import espeak, kokoro
from flows.studio.voice.hibari import model

LONGEST = 300  # phonemes the network hears at once; it was trained on no more than about 500

# Noises that a person makes and a dictionary spells out: letters in any number -> misaki phonemes.
_NOISES = {
    r"s+h{2,}|sh": "ʃː",
    r"p+s+t+": "pst",
    r"gr{2,}": "ɡɜɹɹ",
    r"br{2,}": "bɜɹɹ",
    r"h+m+|mm+": "hˈəm",
    r"a+r+g+h+": "ˈɑɹɡ",
    r"a+h+|a{2,}": "ˈɑ",
    r"o+h+": "ˈO",
    r"u+gh+": "ˈʌɡ",
    r"e+w{2,}|ew": "ˈiu",
    r"pf+t*": "pft",
    r"m?wa+h+": "wˈɑ",
    r"(?:ha){2,}h?": "hˈɑ hɑ",
    r"m+e+o{2,}w+": "mɪˈW",
    r"ts+k+": "tɪsk",
}
_NOISE = re.compile("|".join(rf"\b(?:{spelling})\b" for spelling in _NOISES), re.I)
_STRETCHED = re.compile(r"\b\w*?([^\W\d_])\1{2,}\w*", re.I)
_REPEATED = re.compile(r"([^\W\d_])\1{2,}", re.I)
_NUMBERLESS_NO = re.compile(r"\b(no)\.(?!\s*\d)", re.I)  # hibari takes it for "number"
_DOTTED = re.compile(r"\b(vs|lbs?|oz|approx)\.(?=\s+\S)", re.I)  # it takes the dot for the sentence's end
_CAPITALS = re.compile(r"\b[A-Z][A-Z']+\b")
_STAY_CAPITALS = re.compile(
    r"TV|OK|ID|UK|EU|PR|AI|DJ|DNA|CEO|FBI|CIA|NASA|UFO|USA|PC|VIP|ATM|DIY|AM|PM|AC|UN"
)
_SHORT_WORDS = re.compile(r"a[nst]|b[ey]|do|go|he|i[fnst]|m[ey]|no|o[fnr]|so|to|up|we", re.I)
_MARKS = re.compile(r"[*_~`|<>{}\[\]\\^#]+(?!\d)")
_SITE = re.compile(r"(?<=\w)\.(?=(?:com|org|net|io|tv)\b)", re.I)

_CONSONANTS = "bdɡmnlwjfh"
_VOWELS = ("ɑ", "ʌ", "i", "u", "O", "A", "ɛ", "ə")
_PAUSES = {
    "。": ".",
    "、": ",",
    "，": ",",
    "！": "!",
    "？": "?",
    "؟": "?",
    "،": ",",
    "।": ".",
    "…": "…",
    "—": "—",
}
_FULL_STOPS = re.compile(f"[{''.join(_PAUSES)}]")
_SPELLED_VOWELS = frozenset("аеёиоуыэюяіїєѣαεηιουωάέήίόύώאוי" + "AEIOUYaeiouy")


@dataclass(frozen=True)
class Reading:
    """Phonemes, one string a sentence."""

    sentences: tuple[str, ...]
    murmured: bool = False


def read(line: str, *, russian: bool = False) -> Reading:
    """How a line is said, or, when most of it is in a script without a voice, how it is murmured.

    `russian`: the voice can speak it, if the extra is there.
    """
    text = unicodedata.normalize("NFKC", line)
    if russian and is_russian(text):
        spoken = espeak.phonemes(text)
    else:
        spoken = tuple(model().phonemize(_tidied(text))) if _speakable(text) else ()
    sentences = [part for sentence in spoken for part in _pieces(sentence) if _has_sound(part)]
    return Reading(tuple(sentences)) if sentences else Reading(_murmur(line), murmured=True)


def is_russian(text: str) -> bool:
    """Whether it is Cyrillic, and the extra that reads that is there."""
    return is_cyrillic(text) and espeak.available()


def is_cyrillic(text: str) -> bool:
    """Whether most of its letters are."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(1 for sign in letters if "CYRILLIC" in _name(sign)) > len(letters) / 2


def murmur_remedy(murmured: Iterable[str]) -> str:
    """What would give those lines words, to be said after them; nothing if nothing here does."""
    if not any(map(is_cyrillic, murmured)):
        return ""
    first = "coldopen pull kokoro, " if kokoro.folder() is None else ""
    extra = "" if espeak.available() else "pip install 'cold-open[ru]', "
    return f"; Kokoro speaks Russian: {first}{extra}then COLDOPEN_VOICES=kokoro"


def sounds_like(line: str) -> str:
    """A line without a letter as something to hum: as many as there are signs."""
    return f"H{'m' * 3}. " * min(max(_syllables(line), 1), 4)


def _speakable(text: str) -> bool:
    """Whether at least half of its letters are Latin or digits, and there is one."""
    known = sum(1 for sign in text if sign.isdecimal() or (sign.isalpha() and "LATIN" in _name(sign)))
    foreign = sum(1 for sign in text if sign.isalpha() and "LATIN" not in _name(sign))
    return known > 0 and known >= foreign


def _name(sign: str) -> str:
    return unicodedata.name(sign, "")


def _tidied(text: str) -> str:
    text = "".join(sign for sign in text if _is_read(sign))
    text = _MARKS.sub(" ", text.replace("...", "…"))
    text = re.sub(r"([!?])[!?]+", r"\1", _SITE.sub(" dot ", text))
    text = _CAPITALS.sub(_spoken_capitals, text) if _shouts(text) else text
    text = _DOTTED.sub(r"\1", _STRETCHED.sub(_unstretched, text))
    text = _NUMBERLESS_NO.sub(r"[\1](/nˈO/).", text)
    return _NOISE.sub(_noise, text).strip()


def _noise(found: re.Match[str]) -> str:
    spellings = (phonemes for spelling, phonemes in _NOISES.items() if re.fullmatch(spelling, found[0], re.I))
    return f"[{found[0]}](/{next(spellings)}/)"


def _unstretched(found: re.Match[str]) -> str:
    """`Nooooo` is no, `goood` is good: the letter once or twice, whichever the dictionary has."""
    if _NOISE.fullmatch(found[0]):
        return found[0]
    once, twice = (_REPEATED.sub(r"\1" * times, found[0]) for times in (1, 2))
    golds = model().g2p.lexicon.golds
    return twice if twice.lower() in golds and not _SHORT_WORDS.fullmatch(once) else once


def _is_read(sign: str) -> bool:
    """Not emoji, not control or invisible signs; other scripts in a Latin line are passed over."""
    category = unicodedata.category(sign)
    if category in ("So", "Sk", "Cf", "Cc", "Co", "Cn", "Cs"):
        return sign in "\n\t°"
    return not sign.isalpha() or "LATIN" in _name(sign)


def _shouts(text: str) -> bool:
    return any(not _STAY_CAPITALS.fullmatch(word) for word in _CAPITALS.findall(text))


def _spoken_capitals(found: re.Match[str]) -> str:
    """`WHERE IS MY FISH` is words, `FBI` is letters: what the dictionary has in small letters is a word."""
    word = found[0]
    if _STAY_CAPITALS.fullmatch(word):
        return word
    if len(word) == 2:
        return word.lower() if _SHORT_WORDS.fullmatch(word) else word
    lexicon = model().g2p.lexicon
    plain = word.lower()
    known = plain in lexicon.golds or plain in lexicon.silvers
    return plain if known or len(word) > 5 or "'" in word else word


def _pieces(phonemes: str) -> list[str]:
    """A sentence too long for one breath, cut between words."""
    pieces, rest = [], phonemes
    while len(rest) > LONGEST:
        at = max(rest.rfind(mark, LONGEST // 3, LONGEST) for mark in (",", ";", ":", "—")) + 1
        at = at or rest.rfind(" ", 1, LONGEST) + 1 or LONGEST
        pieces.append(rest[:at].strip())
        rest = rest[at:]
    return [*pieces, rest.strip()]


def _has_sound(phonemes: str) -> bool:
    return any(sign.isalpha() for sign in phonemes)


# ------------------------------------------------------------------------------------------- murmur


def _murmur(line: str) -> tuple[str, ...]:
    """Made-up syllables, as many as the line's own, with its words and its punctuation."""
    rng = np.random.default_rng(list(hashlib.sha256(line.encode("utf-8", "replace")).digest()))
    sentences, words = [], []
    for word in _FULL_STOPS.sub(r"\g<0> ", line).split() or [line]:
        count = min(_syllables(word), 60)
        words += _nonsense(count, rng)
        pause = next(
            (_PAUSES.get(sign, sign) for sign in reversed(word) if _PAUSES.get(sign, sign) in ".,!?…—"), ""
        )
        if words and pause:
            words[-1] += pause
        if words and (pause in (".", "!", "?") or sum(map(len, words)) > LONGEST // 2):
            sentences.append(" ".join(words))
            words = []
    if words:
        sentences.append(" ".join(words) + ".")
    return tuple(sentences) or ("hˈəm.",)


def _syllables(word: str) -> int:
    """One for a vowel of an alphabet, one for an ideograph, a kana, a hangul block or an emoji."""
    letters = [sign for sign in unicodedata.normalize("NFC", word) if sign.isalpha()]
    signs = sum(1 for sign in letters if _is_syllable(sign))
    vowels = sum(1 for sign in letters if sign.lower() in _SPELLED_VOWELS)
    others = len(letters) - signs
    emoji = sum(1 for sign in word if unicodedata.category(sign) == "So")
    return signs + emoji + (vowels or -(-others // 3))


def _is_syllable(sign: str) -> bool:
    return any(script in _name(sign) for script in ("CJK", "HIRAGANA", "KATAKANA", "HANGUL"))


def _nonsense(count: int, rng: np.random.Generator) -> list[str]:
    """Words of one to three syllables, the first stressed."""
    words: list[str] = []
    while count > 0:
        length = min(count, int(rng.integers(1, 4)))
        signs = [
            rng.choice(list(_CONSONANTS)) + mark + rng.choice(_VOWELS) for mark in ["ˈ", "", ""][:length]
        ]
        words.append("".join(signs))
        count -= length
    return words
