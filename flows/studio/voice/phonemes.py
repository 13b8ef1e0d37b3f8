"""A line of dialogue as phonemes, in misaki's alphabet; or as a murmur where no speaker knows its words.

hibari reads English and turns numbers, money, years, times and abbreviations into words. What it stumbles
over is put right here first: shouting in capitals, stretched vowels, noises, emoji, asterisks. Russian is
read by espeak-ng, for Kokoro.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from flows.studio.voice import espeak, hibari, kokoro

LONGEST = 300  # phonemes of one piece; the networks were trained on no more than about 500

# Noises that a dictionary would spell out: their spellings -> phonemes.
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
_NUMBERLESS_NO = re.compile(r"\b(no)\.(?!\s*\d)", re.I)  # hibari reads "number"
_DOTTED = re.compile(r"\b(vs|lbs?|oz|approx)\.(?=\s+\S)", re.I)  # hibari ends the sentence at the dot
_CAPITALS = re.compile(r"\b[A-Z][A-Z']+\b")
_STAY_CAPITALS = re.compile(
    r"TV|OK|ID|UK|EU|PR|AI|DJ|DNA|CEO|FBI|CIA|NASA|UFO|USA|PC|VIP|ATM|DIY|AM|PM|AC|UN"
)
_SHORT_WORDS = re.compile(r"a[nst]|b[ey]|do|go|he|i[fnst]|m[ey]|no|o[fnr]|so|to|up|we", re.I)
_MARKS = re.compile(r"[*_~`|<>{}\[\]\\^#]+(?!\d)")
_SITE = re.compile(r"(?<=\w)\.(?=(?:com|org|net|io|tv)\b)", re.I)

_CONSONANTS = "bdɡmnlwjfh"  # of a murmur; formants.CONSONANTS has them all, and formants.VOWELS the vowels
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
class Phonemes:
    """A line's phonemes, one string a sentence; `is_murmur`: they are made up."""

    sentences: tuple[str, ...]
    is_murmur: bool = False


def read_line(line: str, *, russian: bool = False) -> Phonemes:
    """The phonemes of a line, or of a murmur as long as it.

    A line is murmured if most of its letters are in a script that nobody here can read, or if hibari cannot
    be loaded. `russian` is True if the speaker can say Russian.
    """
    text = unicodedata.normalize("NFKC", line)
    sentences: list[str] = []
    if russian and can_read_russian(text):
        sentences = list(espeak.phonemize(text))
    elif _is_latin(text) and hibari.can_speak():
        sentences = hibari.phonemize(_normalized(text))
    pieces = [piece for sentence in sentences for piece in _pieces(sentence) if _has_sound(piece)]
    return Phonemes(tuple(pieces)) if pieces else Phonemes(_murmur(line), is_murmur=True)


def can_read_russian(text: str) -> bool:
    """True if the text is Cyrillic and the extra that reads it is installed."""
    return is_cyrillic(text) and espeak.available()


def is_cyrillic(text: str) -> bool:
    """True if most of the text's letters are Cyrillic."""
    letters = [sign for sign in text if sign.isalpha()]
    return sum(1 for sign in letters if "CYRILLIC" in _name(sign)) > len(letters) / 2


def needs_hibari(text: str) -> bool:
    """True if hibari would read this text: at least half of its letters are Latin, or there are digits."""
    return _is_latin(unicodedata.normalize("NFKC", text))


def murmur_remedy(murmured: Iterable[str]) -> str:
    """What would give words to the murmured texts, as the end of a message: "; …"; "" if nothing would."""
    texts = list(murmured)
    remedy = ""
    if (reason := hibari.missing()) and any(map(needs_hibari, texts)):
        remedy += f"; {reason}, which speaks English here: "
        remedy += f"pip install '{hibari.REQUIREMENT}' and run again"
    if any(map(is_cyrillic, texts)):
        pull = "coldopen pull kokoro, " if kokoro.folder() is None else ""
        extra = "" if espeak.available() else "pip install 'cold-open[ru]', "
        remedy += f"; Kokoro speaks Russian: {pull}{extra}then COLDOPEN_VOICES=kokoro"
    return remedy


def humming(line: str) -> str:
    """A text for a server to hum in place of a line without a letter: up to four "Hmmm"."""
    return f"H{'m' * 3}. " * min(max(_syllables(line), 1), 4)


def _is_latin(text: str) -> bool:
    """Whether at least half of its letters are Latin or digits, and there is one."""
    known = sum(1 for sign in text if sign.isdecimal() or (sign.isalpha() and "LATIN" in _name(sign)))
    foreign = sum(1 for sign in text if sign.isalpha() and "LATIN" not in _name(sign))
    return known > 0 and known >= foreign


def _name(sign: str) -> str:
    return unicodedata.name(sign, "")


def _normalized(text: str) -> str:
    text = "".join(sign for sign in text if _is_readable(sign))
    text = _MARKS.sub(" ", text.replace("...", "…"))
    text = re.sub(r"([!?])[!?]+", r"\1", _SITE.sub(" dot ", text))
    text = _CAPITALS.sub(_lower_words, text) if _shouts(text) else text
    text = _DOTTED.sub(r"\1", _STRETCHED.sub(_unstretch, text))
    text = _NUMBERLESS_NO.sub(r"[\1](/nˈO/).", text)
    return _NOISE.sub(_noise_phonemes, text).strip()


def _noise_phonemes(found: re.Match[str]) -> str:
    spellings = (phonemes for spelling, phonemes in _NOISES.items() if re.fullmatch(spelling, found[0], re.I))
    return f"[{found[0]}](/{next(spellings)}/)"


def _unstretch(found: re.Match[str]) -> str:
    """`Nooooo` is no, `goood` is good: the letter once or twice, whichever the dictionary has."""
    if _NOISE.fullmatch(found[0]):
        return found[0]
    once, twice = (_REPEATED.sub(r"\1" * times, found[0]) for times in (1, 2))
    is_word = hibari.is_word(twice.lower(), common=True)
    return twice if is_word and not _SHORT_WORDS.fullmatch(once) else once


def _is_readable(sign: str) -> bool:
    """Not emoji, not control or invisible signs; other scripts in a Latin line are passed over."""
    category = unicodedata.category(sign)
    if category in ("So", "Sk", "Cf", "Cc", "Co", "Cn", "Cs"):
        return sign in "\n\t°"
    return not sign.isalpha() or "LATIN" in _name(sign)


def _shouts(text: str) -> bool:
    return any(not _STAY_CAPITALS.fullmatch(word) for word in _CAPITALS.findall(text))


def _lower_words(found: re.Match[str]) -> str:
    """`WHERE IS MY FISH` is words, `FBI` is letters: what the dictionary has in small letters is a word."""
    word = found[0]
    if _STAY_CAPITALS.fullmatch(word):
        return word
    if len(word) == 2:
        return word.lower() if _SHORT_WORDS.fullmatch(word) else word
    plain = word.lower()
    return plain if hibari.is_word(plain) or len(word) > 5 or "'" in word else word


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
