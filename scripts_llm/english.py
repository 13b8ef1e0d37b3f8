"""Inflects English verbs and cuts noun phrases out of sentences, by rules and a small table of exceptions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

_IRREGULAR: Mapping[str, tuple[str, ...]] = {
    "be": ("is", "are", "was", "were", "been", "being"),
    "have": ("has", "had", "having"),
    "do": ("does", "did", "done", "doing"),
    "go": ("goes", "went", "gone", "going"),
    "get": ("gets", "got", "getting"),
    "run": ("runs", "ran", "running"),
    "stand": ("stands", "stood", "standing"),
    "become": ("becomes", "became", "becoming"),
    "find": ("finds", "found", "finding"),
    "fall": ("falls", "fell", "falling"),
    "hide": ("hides", "hid", "hidden", "hiding"),
    "swear": ("swears", "swore", "sworn", "swearing"),
    "bet": ("bets", "betting"),
    "fight": ("fights", "fought", "fighting"),
    "come": ("comes", "came", "coming"),
    "write": ("writes", "wrote", "written", "writing"),
    "teach": ("teaches", "taught", "teaching"),
    "take": ("takes", "took", "taken", "taking"),
    "set": ("sets", "setting"),
    "steal": ("steals", "stole", "stolen", "stealing"),
    "eat": ("eats", "ate", "eaten", "eating"),
    "lose": ("loses", "lost", "losing"),
    "win": ("wins", "won", "winning"),
    "give": ("gives", "gave", "given", "giving"),
    "say": ("says", "said", "saying"),
    "rise": ("rises", "rose", "rising"),
    "build": ("builds", "built", "building"),
    "drive": ("drives", "drove", "driving"),
    "ride": ("rides", "rode", "riding"),
    "leave": ("leaves", "left", "leaving"),
    "keep": ("keeps", "kept", "keeping"),
    "buy": ("buys", "bought", "buying"),
    "sell": ("sells", "sold", "selling"),
    "lend": ("lends", "lent", "lending"),
    "forbid": ("forbids", "forbade", "forbidden"),
    "lie": ("lies", "lied", "lying"),
    "pay": ("pays", "paid", "paying"),
    "meet": ("meets", "met", "meeting"),
    "sleep": ("sleeps", "slept", "sleeping"),
}
_BASES: Mapping[str, str] = {form: base for base, forms in _IRREGULAR.items() for form in forms}
_DETERMINERS_WORDS = (
    "a an the his her its their my our your one this that these those some any every no another "
    "somebody's everyone's"
)
DETERMINERS = frozenset(_DETERMINERS_WORDS.split())
_ENDS_PHRASE_WORDS = (
    "in on at of for to from with and or but that who which whom whose where when while because although "
    "though until so as by without before after than over under about into instead if is are was were has "
    "have had can cannot could may might must will would shall should does do did against during across "
    "behind between among through towards toward near next again back away only just never always not "
    "signed called left inside outside above below beside upstairs downstairs"
)
_ENDS_PHRASE = frozenset(_ENDS_PHRASE_WORDS.split())
_MASS_WORDS = (
    "salt sugar water money oil peace quiet silence food cheese music work bread milk rice tea coffee "
    "land rent love justice revenge respect truth sleep gold luck time nothing everything meat alcohol "
    "beer attention approval rain snow soup glory fame happiness monday mondays"
)
_MASS = frozenset(_MASS_WORDS.split())
_THING_WORDS = (
    "machine machines room rooms pool pan pans stick bag bags lot space saucer saucers lesson lessons "
    "licence school mall trolley list chair table board club booth car tower post pitch"
)
_THINGS_FOR = frozenset(_THING_WORDS.split())  # "vending machine", "driving licence"
_GERUND = re.compile(r"(?!(?:evening|morning|building|wedding|nothing|ceiling|painting|something)$)\w{3,}ing")
MOST_WORDS = 3  # of an object: it has to fit into lines of fourteen words


@lru_cache(maxsize=1024)
def verb_forms(base: str) -> tuple[str, ...]:
    """All forms of a verb: "run" gives run, runs, ran, running."""
    return (base, *_IRREGULAR.get(base, (third_person(base), _past(base), gerund(base))))


def third_person(base: str) -> str:
    """ "goes" of "go"."""
    if base in _IRREGULAR:
        return _IRREGULAR[base][0]
    if re.search(r"(?:s|x|z|ch|sh|o)$", base):
        return f"{base}es"
    return re.sub(r"([^aeiou])y$", r"\1ie", base) + "s"


def _past(base: str) -> str:
    if base.endswith("e"):
        return f"{base}d"
    return re.sub(r"([^aeiou])y$", r"\1i", _doubled(base)) + "ed"


def _doubled(base: str) -> str:
    """The stem with its last consonant doubled where a short vowel asks for it: "plan" is "plann"."""
    if re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", base) or base in {"begin", "forget", "admit"}:
        return base + base[-1]
    return base


def gerund(base: str) -> str:
    """ "running" of "run"."""
    if base in _IRREGULAR:
        return next((form for form in _IRREGULAR[base] if form.endswith("ing")), f"{base}ing")
    if base.endswith("ie"):
        return f"{base[:-2]}ying"
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        return f"{base[:-1]}ing"
    return f"{_doubled(base)}ing"


def base_form(third: str) -> str:
    """ "knit" of "knits"."""
    word = third.lower()
    if word in _BASES:
        return _BASES[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if re.search(r"(?:ss|x|zz|ch|sh)es$", word):
        return word[:-2]
    return word if word.endswith("ss") else word.removesuffix("s")


def noun_phrase(text: str) -> str:
    """The noun phrase that a text begins with, without its determiner: "the dishes in" gives "dishes".

    At most three words, the last ones, as the head of an English phrase is its last word. Empty if none.
    """
    words: list[str] = []
    for token in re.findall(r"[\w'’-]+|[^\w\s]", text.lstrip(" \"“‘«'")):
        word = token.lower()
        if not re.match(r"\w", token) or (word in _ENDS_PHRASE and words):
            break
        if word in DETERMINERS and not words:
            continue
        if word in _ENDS_PHRASE or word in DETERMINERS:
            break
        words.append(token)
    return " ".join(words[-MOST_WORDS:])


def is_plural(noun: str) -> bool:
    """Whether a noun phrase takes "are", by its last word."""
    head = noun.lower().split()[-1] if noun else ""
    if head in {"people", "children", "men", "women", "police", "fish", "teeth", "mice", "feet"}:
        return head != "fish"
    return bool(re.search(r"[^s'iu]s$", head)) and not re.search(
        r"(?:ness|news|gas|bus|lens|mars|paris)$", head
    )


def is_proper(noun: str) -> bool:
    """Whether a phrase is a name: every word has a capital."""
    return all(word[:1].isupper() for word in noun.split()) and bool(noun)


def is_mass(noun: str) -> bool:
    """Whether a noun goes without "a": salt, peace."""
    first, *more = noun.lower().split() or [""]
    thing = bool(more) and more[-1] in _THINGS_FOR  # "vending machine" is a thing, "lying to anybody" is not
    return (not more and first in _MASS) or (bool(_GERUND.fullmatch(first)) and not thing)


def with_the(noun: str) -> str:
    """ "the dishes", "Norway", "salt"."""
    return noun if is_proper(noun) or is_mass(noun) else f"the {noun}"


def as_spoken(words: str, *, mine: bool) -> str:
    """A clause of a logline in somebody's mouth: "his bed" is "my bed", or "your bed" in another's."""
    own, self = ("my", "myself") if mine else ("your", "yourself")
    words = re.sub(r"\b(?:himself|herself|itself|themselves)\b", self, words)
    return re.sub(r"\b(?:his|her|its|their)\b(?= \w)", own, words)
