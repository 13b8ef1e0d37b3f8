"""Finds the nouns that only this show is about, in its logline and settings."""

from __future__ import annotations

import re

from scripts_llm import russian
from scripts_llm.offline_writer import bank
from scripts_llm.offline_writer.person import KIND_WORDS, find_kind, matching_blocks
from scripts_llm.screenplay.premise import Premise

_DETERMINED = re.compile(
    r"\b(?:a|an|the|his|her|its|their|one|this|that) ((?:[\w'-]+ ){0,2}?[\w'-]+)"
    r"(?=[,.;:!?]|$| (?:of|in|on|at|to|for|from|with|and|or|but|who|which|that|is|are|was|has|have|by|into"
    r"|\w+s) )",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    r"(?:er|or|ist|monger|man|men|woman|women|boss|lady|lord|captain|people|one|end|year|day)$"
)


def own_nouns(premise: Premise) -> tuple[str, ...]:
    """The things that the logline names, and the settings; no people. Never empty."""
    if bank.bank_language(premise.language) == "ru":
        named = [n for n in russian.nouns_of(premise.logline or "") if russian.kind_of(n) is None]
        places = [russian.SETS.get(setting.look, "") for setting in premise.settings.values()]
        return tuple(dict.fromkeys(n for n in (*named, *places) if n)) or ("квартира",)
    found = [match[1].lower() for match in _DETERMINED.finditer(premise.logline or "")]
    things = [
        noun
        for noun in found
        if not _SOMEBODY.search(noun)
        and not any(find_kind(noun, (kind,)) for kind in KIND_WORDS)
        and not matching_blocks("trade", noun.split()[-1])
    ]
    places = [key.replace("_", " ").replace("-", " ") for key in premise.settings]
    return tuple(dict.fromkeys((*things, *things, *places))) or ("house",)
