"""The words of a shot: who is named in a text, and the prompt that the film model gets in the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from scripts_llm.screenplay import Character, Premise, Scene, Shot, display_name

_TIME = re.compile(r"\b(day|night|morning|noon|afternoon|evening|midnight|dawn|dusk)\b", re.IGNORECASE)
_NIGHT = re.compile(r"\b(night|evening|midnight|dusk)\b", re.IGNORECASE)
_NOT_AFTER = r"(?!['’]?\w)"


def compose(shot: Shot, scene: Scene, premise: Premise) -> str:
    """What the film model is asked for: names become looks, and set, time, size and style are said.

    `premise` holds the whole cast and all settings, invented ones too. A `prompt_exact` is left as it is.
    """
    if shot.prompt_exact is not None:
        return shot.prompt_exact
    words = shot.prompt or scene.action or place(scene, premise)
    filled = _fill_settings(_fill_names(words, premise.characters), premise)
    parts = [f"{shot.size} shot" if shot.size else "", filled.strip(" ,.")]
    if not _says_where(words, premise):
        parts.append(_look_of_place(scene, premise))
    if not _TIME.search(words):
        parts.append(time_of_day(scene))
    parts.append(premise.style.prompt.strip(" ,."))
    return ", ".join(part for part in parts if part)


def time_of_day(scene: Scene) -> str:
    """Day or night, as the slugline says; day if it does not."""
    ending = scene.slugline.rsplit("-", 1)[-1] if "-" in scene.slugline else ""
    return "night" if _NIGHT.search(ending) else "day"


def place(scene: Scene, premise: Premise) -> str:
    """Where a scene plays, in people's words: its setting's name, else what its slugline says."""
    if scene.setting:
        return spoken_key(scene.setting)
    where = re.sub(r"^\s*(?:INT|EXT|I/E)[./ ]+(?:EXT[./ ]+)?", "", scene.slugline, flags=re.IGNORECASE)
    return where.rsplit(" - ", 1)[0].strip().lower()


def spoken_key(key: str) -> str:
    """A key as it is said: joes_flat is "joes flat"."""
    return key.replace("_", " ").replace("-", " ")


# --------------------------------------------------------------------------------------------- names


def mentions(words: str, characters: Mapping[str, Character]) -> tuple[str, ...]:
    """The characters that a text names, in its order, each once; "Joe's kitchen" names nobody."""
    found = (key for key, _ in _matches(words, characters))
    return tuple(dict.fromkeys(found))


def _matches(words: str, characters: Mapping[str, Character]) -> Iterator[tuple[str, re.Match[str]]]:
    names = tuple((key, display_name(key, who)) for key, who in characters.items())
    pattern, keys = _name_pattern(names)
    for match in pattern.finditer(words):
        yield keys[int(str(match.lastgroup)[1:])], match


@lru_cache(maxsize=64)
def _name_pattern(names: tuple[tuple[str, str], ...]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """One pattern for a whole cast: full names and keys in any case, parts of names with their capital."""
    words = [word for _, name in names for word in set(name.split())]
    spellings: list[tuple[str, str, bool]] = []
    for key, name in names:
        spellings += [(name, key, True), (spoken_key(key), key, True)]
        parts = (word for word in name.split() if len(word) > 2 and word[0].isupper() and word != "The")
        spellings += [(word, key, False) for word in parts if words.count(word) == 1]
    spellings.sort(key=lambda spelling: -len(spelling[0]))
    choices: list[str] = []
    keys: list[str] = []
    for spelling, key, any_case in spellings:
        article, bare = r"(?:[Tt]he\s+)?", re.sub(r"^the\s+", "", spelling, flags=re.IGNORECASE)
        body = re.escape(bare).replace(r"\ ", r"\s+")
        choices.append(f"(?P<n{len(keys)}>{article}(?{'i' if any_case else ''}:{body}))")
        keys.append(key)
    nobody = r"(?!)"
    return re.compile(rf"(?<!\w)(?:{'|'.join(choices) or nobody}){_NOT_AFTER}"), tuple(keys)


def _fill_names(words: str, characters: Mapping[str, Character]) -> str:
    """The first mention of a character becomes the look, later ones a pronoun: one figure each."""
    pieces, end, seen = [], 0, set[str]()
    for key, match in _matches(words, characters):
        look = characters[key].look
        pieces.append(words[end : match.start()])
        pieces.append("them" if key in seen else (figure(look) if look else match[0]))
        end = match.end()
        seen.add(key)
    return "".join([*pieces, words[end:]])


def figure(look: str) -> str:
    """A look with its details in brackets, so that a comma in it does not end the figure."""
    head, _, details = look.strip(" .").partition(",")
    return f"{head.strip()} ({details.strip()})" if details.strip() else head.strip()


# ------------------------------------------------------------------------------------------ settings


def _fill_settings(words: str, premise: Premise) -> str:
    for key, setting in premise.settings.items():
        pattern = re.compile(rf"(?<!\w){re.escape(spoken_key(key))}{_NOT_AFTER}", re.IGNORECASE)
        before, *after = pattern.split(words, maxsplit=1)
        words = setting.look.strip(" .").join([before, *after])
    return words


def _says_where(words: str, premise: Premise) -> bool:
    from t2v.toon.world import SETS

    places = [*(spoken_key(key) for key in premise.settings), *SETS]
    return any(re.search(rf"(?<!\w){re.escape(where)}{_NOT_AFTER}", words, re.IGNORECASE) for where in places)


def _look_of_place(scene: Scene, premise: Premise) -> str:
    setting = premise.settings.get(scene.setting or "")
    return setting.look.strip(" .") if setting else place(scene, premise)
