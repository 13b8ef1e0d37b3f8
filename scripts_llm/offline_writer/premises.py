"""Writes the text of a new premise from a logline, for `coldopen new`."""

from __future__ import annotations

import re

from scripts_llm.offline_writer.cast import complete_premise
from scripts_llm.offline_writer.wording import title_case
from scripts_llm.offline_writer.writer import describe_reading
from scripts_llm.screenplay.fields import MAX_SENTENCE
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise

_OPEN_ENDED_WORDS = (
    "a an the of in on at to for with and or as his her its their one against by from behind under over "
    "above into than very so never not still only first is are was has have goes gets takes sets comes puts "
    "makes в во на с со к ко за из от о об под над у и или но не для по до"
)
_OPEN_ENDED = frozenset(_OPEN_ENDED_WORDS.split())
MOST_WORDS_OF_TITLE = 7


def title_from(logline: str) -> str:
    """A show's name from its logline: at most seven words, capitalised as a title."""
    head = re.split(r"[,.;:!?]|\b(?:who|which|that|because|until)\b", logline.strip())[0]
    whole = (head or logline).split()
    words = whole[:MOST_WORDS_OF_TITLE]
    cut = len(words) < len(whole)
    while len(words) > 2 and (words[-1].lower() in _OPEN_ENDED or (cut and _is_half_a_deed(words))):
        words.pop()
    return title_case(" ".join(words))[:80].strip() or "Untitled"


def _is_half_a_deed(words: list[str]) -> bool:
    """Whether words end on a deed without what it is done to: "swears never to set"."""
    return words[-2].lower() == "to" and words[-1].islower()


def _sentence_case(title: str) -> str:
    """A Russian title: only the first word and names have capitals."""
    words = title.split()
    return " ".join(word if n == 0 or not word.istitle() else word.lower() for n, word in enumerate(words))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def tidy_logline(logline: str) -> str:
    """The logline with a capital in front and a full stop behind, and otherwise as it was said."""
    said = " ".join(logline.split())[:MAX_SENTENCE]
    ended = said.endswith((".", "!", "?", "…", '"', "»")) or len(said) == MAX_SENTENCE
    return said[:1].upper() + said[1:] + ("" if ended else ".")


def premise_from_logline(logline: str, words: FilmWords, *, seed: int) -> str:
    """The text of a commented premise file: cast, wants and settings follow from how the logline is read."""
    logline = tidy_logline(logline)
    language = "ru" if re.search("[а-яё]", logline, re.IGNORECASE) else "en"
    title = title_from(logline)
    bare = Premise(
        show=title if language == "en" else _sentence_case(title), logline=logline, language=language
    )
    premise, _ = complete_premise(bare, words, seed=seed)
    reading = describe_reading(premise, words)
    rows = [
        *([f"# {reading}"] if reading else []),
        "# A premise: what the show is. Change anything; the next episode follows.",
        "schema: 1",
        f"show: {_quoted(premise.show)}",
        f"logline: {_quoted(logline)}",
        "genre: sitcom                  # or meme",
        *(["language: ru"] if language == "ru" else []),
        'format: {scenes: 8-12, aspect: "16:9"}     # aspect: 16:9, 1:1 or 9:16',
        "",
        "# The cast was invented from the logline. `look` is what the film model draws:",
        "# give nobody another's kind or colour.",
        f"# kinds: {', '.join(words.kinds)}",
        f"# colours: {', '.join(words.colours)}; to wear: {', '.join(words.accessories)}",
        "characters:",
    ]
    for key, c in premise.characters.items():
        rows += [
            f"  {key}:",
            f"    name: {_quoted(c.name or key)}",
            f"    look: {_quoted(c.look or '')}",
            f"    role: {_quoted(c.role or '')}",
            f"    wants: {_quoted(c.wants or '')}          # what they are after, in every scene",
            f"    flaw: {_quoted(c.flaw or '')}            # what keeps them from it",
            f"    catchphrase: {_quoted(c.catchphrase or '')}",
            f"    speech: {_quoted(c.speech or '')}",
        ]
    rows += ["", f"# Where it plays. The film model has: {', '.join(words.sets)}.", "settings:"]
    rows += [f"  {key}: {{look: {_quoted(setting.look)}}}" for key, setting in premise.settings.items()]
    rows += ["", f"seed: {seed}          # another number, another story", ""]
    return "\n".join(rows)
