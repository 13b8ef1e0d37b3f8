"""Prompts: a shot's own words with looks in place of names, and with place, time, size and style."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from flows.studio.filming.vocabulary import film_words
from scripts_llm.screenplay import names
from scripts_llm.screenplay.premise import Character, Premise, display_name
from scripts_llm.screenplay.script import Scene, Shot

_TIME = re.compile(r"\b(day|night|morning|noon|afternoon|evening|midnight|dawn|dusk)\b", re.IGNORECASE)
_NIGHT = re.compile(r"\b(night|evening|midnight|dusk)\b", re.IGNORECASE)
_NOT_AFTER = r"(?!['’]?\w)"


def compose(shot: Shot, scene: Scene, premise: Premise) -> str:
    """The prompt of a shot in full: names become looks; size, place, time and style are added.

    `premise` has the whole cast and all settings, invented ones too. A `prompt_exact` stays as it is.
    """
    if shot.prompt_exact is not None:
        return shot.prompt_exact
    words = shot.prompt or scene.action or place_name(scene, premise)
    with_looks = _fill_settings(_fill_names(words, premise.characters), premise)
    parts = [f"{shot.size} shot" if shot.size else "", with_looks.strip(" ,.")]
    if not names_place(words, premise):
        parts.append(place_look(scene, premise))
    if not _TIME.search(words):
        parts.append(time_of_day(scene))
    parts.append(premise.style.prompt.strip(" ,."))
    return ", ".join(part for part in parts if part)


def time_of_day(scene: Scene) -> str:
    """ "day" or "night" by the end of the slugline; day if it has neither."""
    ending = scene.slugline.rsplit("-", 1)[-1] if "-" in scene.slugline else ""
    return "night" if _NIGHT.search(ending) else "day"


def place_name(scene: Scene, premise: Premise) -> str:
    """The name of a scene's place: its setting's, else the one in its slugline."""
    if scene.setting:
        return words_of_key(scene.setting)
    where = re.sub(r"^\s*(?:INT|EXT|I/E)[./ ]+(?:EXT[./ ]+)?", "", scene.slugline, flags=re.IGNORECASE)
    return where.rsplit(" - ", 1)[0].strip().lower()


def words_of_key(key: str) -> str:
    """A key in words: joes_flat is "joes flat"."""
    return key.replace("_", " ").replace("-", " ")


# --------------------------------------------------------------------------------------------- names


def characters_named(words: str, characters: Mapping[str, Character]) -> tuple[str, ...]:
    """Keys of the characters that a text names, in its order, each once; "Joe's kitchen" names nobody."""
    return names.people_named(words, _names_of(characters))


def clause_of(words: str, characters: Mapping[str, Character], key: str) -> str:
    """The part of a text that names this character first; "" if none does."""
    for clause in re.split(r"[.,;]|\band\b|\bwhile\b|\bas\b", words):
        if characters_named(clause, characters)[:1] == (key,):
            return clause
    return ""


def _names_of(characters: Mapping[str, Character]) -> dict[str, str]:
    return {key: display_name(key, who) for key, who in characters.items()}


def _fill_names(words: str, characters: Mapping[str, Character]) -> str:
    """A character's first mention becomes the look, later ones "them": one figure each."""
    return _with_looks(words, characters, describe_figure, lambda look: "them", unknown="them")


def _with_looks(
    words: str,
    characters: Mapping[str, Character],
    first: Callable[[str], str],
    later: Callable[[str], str],
    *,
    unknown: str | None = None,
) -> str:
    """The words with each character's look in place of the name: `first`, then `later`.

    A character without a look keeps the name, and is `unknown` later on, if that is given.
    """
    pieces, end, seen = [], 0, set[str]()
    for key, match in names.name_matches(words, _names_of(characters)):
        look = characters[key].look
        pieces.append(words[end : match.start()])
        if look:
            pieces.append(later(look) if key in seen else first(look))
        else:
            pieces.append(unknown if key in seen and unknown else match[0])
        end = match.end()
        seen.add(key)
    return "".join([*pieces, words[end:]])


def replace_names(
    words: str, premise: Premise, first: Callable[[str], str], later: Callable[[str], str]
) -> str:
    """The words with looks in place of the names of characters and settings."""
    return _fill_settings(_with_looks(words, premise.characters, first, later), premise)


def describe_figure(look: str) -> str:
    """A look with its details in brackets, so that no comma in it ends the figure.

    A number after a colon would be read as the brackets' weight: "robot, model: 3" loses the colon.
    """
    head, _, details = look.strip(" .").partition(",")
    plain = re.sub(r":(?=\s*\d*\.?\d+$)", "", details.strip())
    return f"{head.strip()} ({plain})" if plain else head.strip()


# ------------------------------------------------------------------------------------------ settings


def _fill_settings(words: str, premise: Premise) -> str:
    for key, setting in premise.settings.items():
        pattern = re.compile(rf"(?<!\w){re.escape(words_of_key(key))}{_NOT_AFTER}", re.IGNORECASE)
        before, *after = pattern.split(words, maxsplit=1)
        words = setting.look.strip(" .").join([before, *after])
    return words


def names_place(words: str, premise: Premise) -> bool:
    """Whether a text names a setting of the premise, or a set that TOON draws."""
    places = [*(words_of_key(key) for key in premise.settings), *film_words().sets]
    return any(re.search(rf"(?<!\w){re.escape(where)}{_NOT_AFTER}", words, re.IGNORECASE) for where in places)


def place_look(scene: Scene, premise: Premise) -> str:
    """The look of a scene's setting, else the name of its place."""
    setting = premise.settings.get(scene.setting or "")
    return setting.look.strip(" .") if setting else place_name(scene, premise)
