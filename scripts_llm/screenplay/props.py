"""Things that a film model's drawn world can show, and the words by which lines talk about them."""

from __future__ import annotations

import re
from collections.abc import Mapping

PROP_WORDS: Mapping[str, tuple[str, ...]] = {
    "fish": ("fish", "goldfish", "trout", "cod", "salmon", "рыб", "карп", "селёд", "аквариум"),
    "cup": ("tea", "coffee", "cup", "soup", "чай", "чаш", "кубок", "кофе", "суп"),
    "phone": ("phone", "телефон"),
    "ufo": ("ufo", "saucer", "нло", "тарелк"),
}
_SHORTEST_STEM = 3


def prop_of(matter: str) -> str:
    """The prop that a matter is or contains; empty if none."""
    return next((prop for prop in PROP_WORDS if word_for(prop, matter)), "")


def word_for(prop: str, text: str) -> str:
    """The word by which a text talks about a prop, as it stands there; empty if it does not."""
    stems = PROP_WORDS.get(prop, (prop.lower(),))
    return next((word for word in re.findall(r"\w[\w-]*", text) if _begins(word.lower(), stems)), "")


def _begins(word: str, stems: tuple[str, ...]) -> bool:
    """Whether a word is one of the English stems, or begins with a Russian one, whose endings change."""
    return any(word in {stem, f"{stem}s"} if stem.isascii() else word.startswith(stem) for stem in stems)


def names(text: str, thing: str) -> bool:
    """Whether a text talks about a thing, by its word in any form: "goldfish's", "аквариумом"."""
    stem = thing.lower()[: max(_SHORTEST_STEM, len(thing) - 2)]
    return bool(stem) and any(word.startswith(stem) for word in re.findall(r"\w[\w-]*", text.lower()))
