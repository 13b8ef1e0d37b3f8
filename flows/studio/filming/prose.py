"""Prompts in full sentences, for film models that were trained on long captions: Wan, LTX and their like.

A shot's own words stand first; then the looks in full, the place, the light, who speaks, and the style.
Weights and brackets, which CLIP and TOON read, are taken out: to these models each is a word.
"""

from __future__ import annotations

import re

from flows.studio.filming.prompt import (
    characters_named,
    names_place,
    place_look,
    replace_names,
    time_of_day,
)
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Line, Scene, Shot

MOST_WORDS = 90
TOKENS_A_WORD = 1.35  # about, of English in T5's tokenizer
_SIZES = {"establishing": "Wide establishing shot", "medium": "Medium shot", "close-up": "Close-up"}
_LIGHT = {"day": "Bright daylight.", "night": "Night, in the light of lamps."}
_WEIGHT = re.compile(r"\(([^():]+):\s*\d*\.?\d+\)")
_SPEECH = re.compile(r"\b(talk|speak|say|shout|whisper|sing|ask|answer|argu)", re.IGNORECASE)


def most_words(prompt_tokens: int | None) -> int:
    """The words that a writer may use in a shot's prompt: looks and place still have to fit after them."""
    return MOST_WORDS if prompt_tokens is None else min(MOST_WORDS, int(0.6 * prompt_tokens))


def compose(shot: Shot, scene: Scene, premise: Premise) -> str:
    """The prompt of a shot in sentences. `premise` has the whole cast and all settings, invented ones too."""
    words = _WEIGHT.sub(r"\1", shot.prompt or scene.action or place_look(scene, premise))
    size = f"{_SIZES[shot.size]}: " if shot.size else ""
    parts = [size + replace_names(words, premise, _first_mention, _later_mention)]
    if not names_place(words, premise):
        place = place_look(scene, premise)
        parts.append(f"The place is {_article(place)}{place}")
    parts.append(_LIGHT[time_of_day(scene)])
    parts.append(_who_speaks(shot, scene, words, premise))
    parts.append(premise.style.prompt)
    parts.append("One continuous shot, without letters or subtitles")
    return " ".join(_sentence(part) for part in parts if part.strip(" ,."))


def _sentence(text: str) -> str:
    plain = " ".join(text.split()).strip(" ,.")
    return plain[:1].upper() + plain[1:] + "."


def _first_mention(look: str) -> str:
    """ "man, blue apron" in a sentence: "a man with blue apron"."""
    head, *details = [part.strip() for part in look.strip(" .").split(",") if part.strip()]
    told = f" with {' and '.join([', '.join(details[:-1]), details[-1]] if details[1:] else details)}"
    return f"{_article(head)}{head}{told if details else ''}"


def _later_mention(look: str) -> str:
    head = look.strip(" .").partition(",")[0].strip()
    return head if _article(head) == "" else f"the {head}"


def _article(head: str) -> str:
    if re.match(r"(?:an?|the|two|three|some|his|her|their)\b", head, re.IGNORECASE):
        return ""
    return "an " if head[:1].lower() in "aeiou" else "a "


def _who_speaks(shot: Shot, scene: Scene, words: str, premise: Premise) -> str:
    """Whose mouth moves: without it, everybody in the picture seems to speak."""
    if shot.who is None or not _SPEECH.search(words):
        return ""
    named = characters_named(words, premise.characters)
    speaks = any(isinstance(one, Line) and one.who == shot.who for one in scene.dialogue)
    look = premise.characters[shot.who].look if shot.who in premise.characters else None
    if not speaks or look is None or len(named) < 2:
        return ""
    return f"Only the mouth of {_later_mention(look)} moves"
