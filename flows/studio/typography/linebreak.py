"""Line breaking for captions, in any script: after punctuation, before a conjunction, never after an article.

Words are parted at spaces. Text without them (Chinese, Japanese, Thai) is parted into phrases by BudouX, at
the places that UAX 14 allows, and at last between the grapheme clusters of UAX 29.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scripts_llm.plain_text import display_width

CLOSERS = "\"'”’)»」』】"
OPENERS = "\"'“‘(«¿¡「『【"

_STOPS = tuple(".!?…。！？؟।")
_COMMAS = tuple(",;:—–،؛、，")
_CONJUNCTIONS = frozenset({"and", "but", "or", "so", "because", "when", "while", "if", "that", "than", "who"})
_LEANING = frozenset(
    {"a", "an", "the", "of", "to", "in", "on", "at", "for", "with", "from", "by", "is", "are"}
    | {"my", "your", "his", "her", "its", "our", "their"}
)
_TITLES = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "sgt.", "vs."})
_VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýÿœаеёиоуыэюяєіїґαάεέηήιίοόυύωώ]+", re.IGNORECASE)

_SILENT_E = re.compile(r"([aeiouy][bcdfgjkmnpqstvwxz]{1,2})e(?=\W*$|s\W*$)", re.IGNORECASE)


@dataclass(frozen=True)
class TextPiece:
    """A part of a text that is never broken: a word, or a phrase of a script without spaces.

    `is_glued` pieces follow the one before without a space.
    """

    text: str
    is_glued: bool = False


def split_pieces(text: str, limit: int) -> list[TextPiece]:
    """Splits a text into pieces, none wider than `limit` letters."""
    found: list[TextPiece] = []
    for word in text.split():
        parts = [part for phrase in _phrases(word) for part in _short(phrase, limit)]
        found += [TextPiece(part, is_glued=i > 0) for i, part in enumerate(parts)]
    return found


def join_pieces(parts: Sequence[TextPiece]) -> str:
    """Joins the pieces to one row."""
    return "".join(("" if part.is_glued or not i else " ") + part.text for i, part in enumerate(parts))


def count_syllables(word: str) -> int:
    """The number of syllables of a word, roughly: its groups of vowels, or a part of its letters."""
    letters = sum(unicodedata.category(letter)[0] == "L" for letter in word)
    full = sum(unicodedata.east_asian_width(letter) in "WF" for letter in word)
    figures = sum(letter.isdecimal() for letter in word)
    known = len(_VOWELS.findall(_SILENT_E.sub(r"\1", word)))
    return max(1, full, 2 * figures + (known or letters // 3))


# ------------------------------------------------------------------------------------------- phrases


def _phrases(word: str) -> list[str]:
    parser = _parser_of(word)
    return [word] if parser is None else [phrase for phrase in parser(word) if phrase]


def _parser_of(word: str) -> Callable[[str], list[str]] | None:
    """BudouX's model for the script of a word without spaces."""
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in word}
    if names & {"HIRAGANA", "KATAKANA"}:
        return _parser("japanese")
    if "CJK" in names:
        return _parser("simplified_chinese")
    return _parser("thai") if "THAI" in names else None


@lru_cache(maxsize=4)
def _parser(language: str) -> Callable[[str], list[str]]:
    import budoux

    parse: Callable[[str], list[str]] = getattr(budoux, f"load_default_{language}_parser")().parse
    return parse


def _short(word: str, limit: int) -> Iterator[str]:
    """The word, in parts that are no wider than `limit`: where UAX 14 allows it, else between letters."""
    if display_width(word) <= limit:
        yield word
        return
    from uniseg.graphemecluster import grapheme_clusters
    from uniseg.linebreak import line_break_units

    part = ""
    for unit in line_break_units(word):
        for piece in [unit] if display_width(unit) <= limit else grapheme_clusters(unit):
            if part and display_width(part + piece) > limit:
                yield part
                part = ""
            part += piece
    if part:
        yield part


# -------------------------------------------------------------------------------------- where to break


def break_cost(parts: Sequence[TextPiece], at: int) -> int:
    """How bad a break before the piece number `at` is; 0 is the best place."""
    before, after = parts[at - 1].text.rstrip(CLOSERS).lower(), parts[at].text.strip(OPENERS).lower()
    if before.endswith(_STOPS) and before not in _TITLES:
        return 0
    if before.endswith(_COMMAS):
        return 4
    if after in _CONJUNCTIONS:
        return 10
    return 28 if before in _LEANING or before in _TITLES else 16


def split_cues(parts: Sequence[TextPiece], limit: int, most: int) -> list[Sequence[TextPiece]]:
    """Splits the pieces into captions of two rows of `limit` letters and `most` letters in all.

    As few captions as possible, broken at the best places, of about equal length, with rows that look well.
    """
    best = [(0.0, 0)]  # for so many pieces: the cost so far, and where their last cue begins
    mean = min(most, display_width(join_pieces(parts))) or 1
    for n in range(1, len(parts) + 1):
        choices = []
        for first in range(n - 1, -1, -1):
            long = display_width(join_pieces(parts[first:n]))
            split = _best_split(parts[first:n], limit)
            if first < n - 1 and (long > most or split is None):
                break
            lack = 1 - long / mean
            where = break_cost(parts, first) if first else 0
            rough = split[0] / 2 if split else 0
            choices.append((best[first][0] + 100 + 40 * lack * lack + where + rough, first))
        best.append(min(choices))
    found: list[Sequence[TextPiece]] = []
    n = len(parts)
    while n:
        first = best[n][1]
        found.insert(0, parts[first:n])
        n = first
    return found


def break_rows(parts: Sequence[TextPiece], limit: int) -> str:
    """The pieces on one row, or on two of about the same width, broken at the best place."""
    split = _best_split(parts, limit)
    if split is None or not split[1]:
        return join_pieces(parts)
    return f"{join_pieces(parts[: split[1]])}\n{join_pieces(parts[split[1] :])}"


def _best_split(parts: Sequence[TextPiece], limit: int) -> tuple[float, int] | None:
    """How rough the best rows are, and where the second begins (0: there is one); None if none fit."""
    if display_width(join_pieces(parts)) <= limit:
        return 0.0, 0
    splits = []
    for at in range(1, len(parts)):
        above, below = display_width(join_pieces(parts[:at])), display_width(join_pieces(parts[at:]))
        if max(above, below) <= limit:
            splits.append((abs(above - below) * 42 / limit + break_cost(parts, at), at))
    return min(splits, default=None)
