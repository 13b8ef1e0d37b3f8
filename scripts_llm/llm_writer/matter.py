"""What an episode is about, as data for the prompts and for the check that its scenes name it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scripts_llm.screenplay.premise import Premise, display_name

RETURNS = 3  # episodes from one that is about the show's logline to the next one
MOST_WORDS = 8
_STEM = 5  # letters by which the forms of a word are known: мэром is мэр, election is elections
_STOP = frozenset(
    """anybody anyone anything about after again against along already also always another around away back
    because been before being behind between both cannot come could does doing done down during each
    else even ever every everybody everything find from gets getting give goes going gone have having
    here herself himself house however into itself just keep kept less like live lives living made make
    makes making many more most much must myself named never nobody nothing once only onto other others
    over people rather really same secretly several should since some somebody someone something soon
    still such take takes taking than that their them then there these they thing things this those
    though three through together toward trying tries under until upon very wants want wanted were what
    when where which while whole whom whose will with within without would year years your
    было быть весь всегда вместо возле время всего вдруг даже делает день дома если есть ещё живёт живут
    жить зато затем здесь иногда каждый кажется когда кого которая которого которой которую которые который
    кроме куда лишь между меня много может могут надо него неё нельзя несколько никогда никто ничего один
    однажды около опять очень перед после потом потому почти почему просто против пытается пытаются раньше
    свой своего своей своём своих свою себе себя сейчас снова собой сразу становится стать также такой тоже
    только тогда хочет хотят хотя чего через чтобы этого этой этом этот""".replace("ё", "е").split()
)


@dataclass(frozen=True)
class Matter:
    """Who does what, to or about what, and what is against it; `words` are those that name it.

    Every text is taken from the premise: it is data wherever it is used.
    """

    who: str = ""
    does: str = ""
    about: str = ""
    against: str = ""
    words: tuple[str, ...] = ()


def is_due(episode: int) -> bool:
    """Whether an episode of this number is the logline's own: the first one and every third after it."""
    return (episode - 1) % RETURNS == 0


def matter_of_logline(premise: Premise) -> Matter:
    """The logline's own words, without those that name the cast: for loglines that nothing else reads."""
    cast = " ".join(
        f"{key} {display_name(key, who)} {who.look or ''} {who.role or ''}"
        for key, who in premise.characters.items()
    )
    words = content_words(premise.logline or "", without=cast)
    return Matter(about=premise.logline or "", words=words[:MOST_WORDS])


def content_words(text: str, *, without: str = "") -> tuple[str, ...]:
    """The words of a text that say what it is about, but for those that another text has."""
    known = {_stem(word) for word in _words(without)}
    words = [w for w in _words(text) if len(w) >= 4 and w not in _STOP and _stem(w) not in known]
    return tuple(dict.fromkeys(words))


def names_matter(text: str, words: Iterable[str]) -> bool:
    """Whether a text has one of the words, in any form; a word of several must be there whole."""
    flat = f" {' '.join(_words(text))} "
    return any(_is_in(flat, word) for word in words)


def unnamed(texts: Sequence[str], words: Sequence[str]) -> list[int]:
    """The indexes of the texts that have none of the words."""
    return [index for index, text in enumerate(texts) if not names_matter(text, words)]


def _is_in(flat: str, word: str) -> bool:
    parts = _words(word)
    if not parts:
        return False
    if re.search(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0e7f]", word):  # no spaces between words
        return "".join(parts) in flat.replace(" ", "")
    forms = [re.escape(stem) + (r"\w*" if len(stem) == _STEM else r"\w{0,3}") for stem in map(_stem, parts)]
    return re.search(f" {' '.join(forms)} ", flat) is not None


def _stem(word: str) -> str:
    """The beginning that a word keeps in all its forms: five letters; of a short Russian word all but one."""
    return word[:_STEM] if word.isascii() or len(word) > _STEM else word[: max(3, len(word) - 1)]


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower().replace("ё", "е"))
