"""Measures the episodes of the offline writer: `make bench-writer` prints a table, its tests hold the bounds.

A line is compared without names, numbers and punctuation; catchphrases, and the runner's own scenes (the gag
that comes back and the tag's callback), are left out where repeats are counted.
"""

from __future__ import annotations

import argparse
import itertools
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

import yaml
from pymorphy3 import MorphAnalyzer

from scripts_llm.offline_writer import bank, cast, dialogue, writer
from scripts_llm.offline_writer.person import read_person
from scripts_llm.offline_writer.reading import own_nouns
from scripts_llm.offline_writer.season import recognise_block
from scripts_llm.offline_writer.wording import count_words, skeleton
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Premise, display_name
from scripts_llm.screenplay.script import Line, Scene, Script
from t2v.toon import world

WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)
SHOWS = ("joe_and_the_don", "deck_nine", "the_deep_end", "don_na_rybnoy")
_ENGLISH = (
    "the and that this for with you your was not but are have has had one from they them what who how why "
    "out his her all"
)
_RUSSIAN = (
    "про что это как вот так мне его она они нас для без или весь быть мой твой тот один два три при под над "
    "раз себя наш хотеть"
)
_COMMON = frozenset(f"{_ENGLISH} {_RUSSIAN}".split())
_RUSSIAN_KINDS = {
    "man": "мужчина",
    "woman": "женщина",
    "old man": "старик",
    "child": "ребёнок",
    "robot": "робот",
    "cat": "кот",
    "dog": "пёс",
    "fish": "рыба",
    "ghost": "привидение",
    "alien": "инопланетянин",
    "monster": "чудище",
    "toaster": "тостер",
}


@dataclass(frozen=True)
class Measures:
    """Over the episodes of one show."""

    episodes: int
    lines: int
    mean_words: float
    longest_words: int
    distinct: tuple[float, float, float]  # share of 1-, 2- and 3-grams that come once
    repeats_within: int  # lines said twice in one episode
    shared_by_neighbours: float  # the largest share of an episode's lines that the one before has
    scenes_twice: int
    same_three_words: int  # neighbouring lines that start alike
    naming: float  # share of lines that name something of this premise
    scenes_by_lines: tuple[tuple[int, int], ...]


def shipped(name: str) -> Premise:
    file = resources.files("templates") / "premises" / f"{name}.yaml"
    return Premise.model_validate(yaml.safe_load(file.read_text("utf-8")))


def lines_of(scene: Scene) -> list[Line]:
    return [element for element in scene.dialogue if isinstance(element, Line)]


def measure(premise: Premise, scripts: Sequence[Script]) -> Measures:
    """The measures of one show's episodes in their order."""
    filled, _ = cast.complete_premise(premise, WORDS, seed=0)
    names = writer.spoken_names(filled)
    catches = {skeleton(c.catchphrase, names) for c in filled.characters.values() if c.catchphrase}
    told = [line.line for script in scripts for scene in script.scenes for line in lines_of(scene)]
    compared = [
        [key for scene in script.scenes for line in lines_of(scene) if (key := _key(line, names, catches))]
        for script in scripts
    ]
    shared = [
        sum(key in set(before) for key in after) / max(1, len(after))
        for before, after in itertools.pairwise(compared)
    ]
    scenes = Counter(
        dialogue.scene_key([line.line for line in lines_of(scene)], names)
        for script in scripts
        for scene in script.scenes
    )
    starts = [
        [line.line.lower().split()[:3] for scene in script.scenes for line in lines_of(scene)]
        for script in scripts
    ]
    return Measures(
        episodes=len(scripts),
        lines=len(told),
        mean_words=sum(map(count_words, told)) / len(told),
        longest_words=max(map(count_words, told)),
        distinct=(_distinct(told, 1), _distinct(told, 2), _distinct(told, 3)),
        repeats_within=sum(count - 1 for keys in compared for count in Counter(keys).values()),
        shared_by_neighbours=max(shared, default=0.0),
        scenes_twice=sum(count > 1 for count in scenes.values()),
        same_three_words=sum(
            a == b and len(a) == 3 for heads in starts for a, b in itertools.pairwise(heads)
        ),
        naming=_naming(filled, scripts),
        scenes_by_lines=tuple(
            sorted(Counter(len(lines_of(scene)) for s in scripts for scene in s.scenes).items())
        ),
    )


def _key(line: Line, names: Sequence[str], catches: set[str]) -> str:
    key = skeleton(line.line, names)
    return "" if any(catch in key for catch in catches) else key


def _distinct(lines: Sequence[str], size: int) -> float:
    grams: Counter[tuple[str, ...]] = Counter()
    for line in lines:
        words = re.findall(r"[^\W\d_]+", line.lower())
        grams.update(zip(*(words[n:] for n in range(size)), strict=False))
    return len(grams) / max(1, sum(grams.values()))


@cache
def _dictionary() -> MorphAnalyzer:
    return MorphAnalyzer(lang="ru")


@lru_cache(maxsize=50_000)
def _lemma(word: str) -> str:
    if re.match("[а-яё]", word):
        return str(_dictionary().parse(word)[0].normal_form)
    return re.sub(r"(?:'s|s)$", "", word)


def lemmas_of(text: str) -> set[str]:
    """The lemmas of a text without the most common words."""
    found = {_lemma(word) for word in re.findall(r"[a-zа-яё][a-zа-яё'-]{2,}", text.lower())}
    return found - _COMMON


def _naming(premise: Premise, scripts: Sequence[Script]) -> float:
    """The share of lines with a word of the premise or of what this episode of it is about."""
    show = _words_of_show(premise)
    naming = total = 0
    for script in scripts:
        own = show | lemmas_of(f"{script.title} {script.logline or ''}")
        past = bank.blocks("story", bank.bank_language(premise.language))
        about = next((b for b in past if _tells(b, script)), None)
        own |= lemmas_of(" ".join((*about.fact("thing"), *about.fact("matter")))) if about else set()
        for scene in script.scenes:
            for line in lines_of(scene):
                total += 1
                naming += bool(lemmas_of(line.line) & own)
    return naming / total


def _tells(block: bank.Block, script: Script) -> bool:
    return block.name == recognise_block("story", (script.logline or "", script.title), "en") or (
        block.name == recognise_block("story", (script.logline or "", script.title), "ru")
    )


def _words_of_show(premise: Premise) -> set[str]:
    language = bank.bank_language(premise.language)
    texts = [premise.show, premise.logline or "", *own_nouns(premise)]
    texts += [visitor for block in bank.blocks("story", language) for visitor in block.fact("visitor")]
    texts += writer.VISITORS[language]
    for key, character in premise.characters.items():
        person = read_person(key, character, kinds=WORDS.kinds, language=language)
        texts += [display_name(key, character), person.kind, _RUSSIAN_KINDS.get(person.kind, "")]
        texts += [character.role or "", character.catchphrase or "", character.wants or ""]
        trade = bank.table("trade", language)[person.trade]
        texts += [p for k in ("ware", "tool", "like", "saying", "lair") for p in trade.fact(k)]
        texts += [p for k in ("goal", "price") for p in bank.table("drive", language)[person.drive].fact(k)]
    return lemmas_of(" ".join(texts))


def row(name: str, m: Measures) -> str:
    """One line of the table."""
    shape = " ".join(f"{length}:{count}" for length, count in m.scenes_by_lines)
    grams = " ".join(f"{share:.2f}" for share in m.distinct)
    return (
        f"| {name} | {m.episodes} | {m.lines} | {m.mean_words:.1f} | {m.longest_words} | {grams} | "
        f"{m.repeats_within} | {m.shared_by_neighbours:.1%} | {m.scenes_twice} | {m.same_three_words} | "
        f"{m.naming:.0%} | {shape} |"
    )


HEAD = (
    "| show | episodes | lines | words a line | longest | distinct 1- 2- 3-grams | said twice "
    "| shared with the one before, at most | scenes twice | start alike | name something of the show | "
    "scenes by lines |\n" + "| --- " * 12 + "|"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shows", nargs="*", default=SHOWS, help="names of shipped premises, or premise files")
    parser.add_argument("--episodes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sys.stdout.write(HEAD + "\n")
    for show in args.shows:
        file = Path(show)
        premise = (
            Premise.model_validate(yaml.safe_load(file.read_text("utf-8")))
            if file.exists()
            else shipped(show)
        )
        scripts = list(writer.write_season(premise, WORDS, seed=args.seed, episodes=args.episodes))
        sys.stdout.write(row(file.stem, measure(premise, scripts)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
