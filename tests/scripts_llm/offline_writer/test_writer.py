"""The embedded writer: what holds for every script it writes, over many seeds and shows."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from importlib import resources

import pytest
import yaml

from scripts_llm.offline_writer import bank, writer
from scripts_llm.offline_writer import cast as casting
from scripts_llm.offline_writer.person import read_person
from scripts_llm.offline_writer.wording import article, count_words, flatten_line
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Character, Premise, display_name
from scripts_llm.screenplay.script import Beat, Line, Scene, Script
from t2v.toon import world

SEEDS = range(200)
WORDS = FilmWords(
    sets=world.SETS,
    kinds=world.KINDS,
    colours=world.COLOURS,
    actions=world.ACTIONS,
    accessories=world.ACCESSORIES,
    props=world.PROPS,
)
BARE = (
    ("The Mayor of Elm Street", "A cat runs for mayor."),
    ("Last Orders", "An alien and an old man open a bar at the end of the world."),
    ("The Long Lease", "Two people who cannot stand each other inherit one small house."),
)


def shipped() -> dict[str, Premise]:
    folder = resources.files("templates") / "premises"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name)
    return {f.name: Premise.model_validate(yaml.safe_load(f.read_text("utf-8"))) for f in files}


def shows() -> dict[str, Premise]:
    sitcoms = {n: p for n, p in shipped().items() if p.genre == "sitcom" and p.language == "en"}
    return sitcoms | {show: Premise(schema=1, show=show, logline=logline) for show, logline in BARE}


@pytest.fixture(scope="module", params=sorted(shows()))
def sweep(request: pytest.FixtureRequest) -> tuple[Premise, list[Script]]:
    """A show with a script for each of the seeds."""
    premise = shows()[request.param]
    return premise, [writer.write_script(premise, WORDS, seed=seed) for seed in SEEDS]


def lines_of(script: Script) -> list[Line]:
    return [element for scene in script.scenes for element in scene.dialogue if isinstance(element, Line)]


def scene_lines(scene: Scene) -> list[Line]:
    return [element for element in scene.dialogue if isinstance(element, Line)]


def cast_of(premise: Premise, script: Script) -> dict[str, Character]:
    return {**premise.characters, **script.cast}


def every_line(scripts: list[Script]) -> Iterator[tuple[int, Line]]:
    for seed, script in enumerate(scripts):
        for line in lines_of(script):
            yield seed, line


def catchphrases(premise: Premise, script: Script) -> list[str]:
    filled, _ = casting.complete_premise(premise, WORDS, seed=0)
    people = (*cast_of(premise, script).values(), *filled.characters.values())
    return [c.catchphrase for c in people if c.catchphrase]


def words_flat(text: str) -> str:
    return f" {' '.join(re.findall(r'[a-z0-9]+', text.lower()))} "


def seconds(script: Script) -> float:
    """The brief reckoning: 0.4 s a word, pauses, a laugh for each scene, title and credits."""
    total = 7.0
    for scene in script.scenes:
        total += 1.0
        for element in scene.dialogue:
            total += element.beat if isinstance(element, Beat) else 0.4 * count_words(element.line) + 0.3
    return total


def test_every_line_is_finished_and_short(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, line in every_line(sweep[1]):
        assert not re.search(r"[{}<>_]", line.line), (seed, line.line)
        assert count_words(line.line) <= 14, (seed, line.line)
        assert not re.search(r"\b(\w+)\W+\1\b", line.line, re.IGNORECASE), (seed, line.line)
        assert not re.search(r"[,.!?;:]{2,}|  |\s[,.!?;:]", line.line), (seed, line.line)
        assert line.line.rstrip('"')[-1] in ".!?", (seed, line.line)
        assert line.line.count('"') % 2 == 0, (seed, line.line)


def test_capitals_and_articles_are_right(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, line in every_line(sweep[1]):
        starts = re.findall(
            r'(?:^|(?<=[.!?] )|(?<=[.!?]" ))"?(\w)', re.sub(r"\b(Mrs?|Dr|St)\.", r"\1", line.line)
        )
        assert all(not letter.islower() for letter in starts), (seed, line.line)
        for found, word in re.findall(r"\b([Aa]n?) ([\w'-]+)", line.line):
            assert found.lower() == article(word), (seed, line.line)
        assert not re.search(r"\b[a-z]+ (?:The|A|An) (?!to Z)[a-z]", line.line), (seed, line.line)
        assert not re.search(r"\b(?:the|a|an|my|your) (?:the|a|an|my|your)\b", line.line.lower()), (
            seed,
            line.line,
        )


def test_nobody_answers_himself_or_someone_who_is_not_there(sweep: tuple[Premise, list[Script]]) -> None:
    premise, scripts = sweep
    for seed, script in enumerate(scripts):
        cast = cast_of(premise, script)
        for scene in script.scenes:
            spoken = [line.who for line in scene_lines(scene)]
            assert all(a != b for a, b in itertools.pairwise(spoken)), (seed, scene.id)
            assert 2 <= len(spoken) <= 7, (seed, scene.id)
            assert 2 <= len(set(spoken)) <= 3, (seed, scene.id)
            assert set(spoken) <= cast.keys(), (seed, scene.id)
            for who in set(spoken):
                name = display_name(who, cast[who]).removeprefix("The ")
                assert name.lower() in scene.action.lower(), (seed, scene.id, scene.action)


def test_every_scene_ends_on_its_laugh(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, script in enumerate(sweep[1]):
        before = False
        for scene in script.scenes:
            button = scene.dialogue[-1]
            assert isinstance(button, Line), (seed, scene.id)
            assert button.laugh in {"small", "big"}, (seed, scene.id)
            for line in scene_lines(scene):
                laughed = line.laugh is not None
                assert not (before and laughed), (seed, scene.id)
                before = laughed


def test_no_line_comes_twice(sweep: tuple[Premise, list[Script]]) -> None:
    premise, scripts = sweep
    for seed, script in enumerate(scripts):
        names = [display_name(k, c).removeprefix("The ") for k, c in cast_of(premise, script).items()]
        allowed = {flatten_line(phrase, names) for phrase in catchphrases(premise, script)}
        counted = Counter(flatten_line(line.line, names) for line in lines_of(script))
        for text, count in counted.items():
            assert count <= (3 if text in allowed else 1), (seed, text)


def test_neighbours_do_not_start_alike(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, script in enumerate(sweep[1]):
        heads = [line.line.lower().split()[:3] for line in lines_of(script)]
        pairs = [(a, b) for a, b in itertools.pairwise(heads) if len(a) == 3 and a == b]
        assert not pairs, (seed, pairs)


def test_no_field_is_quoted_but_the_catchphrase(sweep: tuple[Premise, list[Script]]) -> None:
    premise, scripts = sweep
    for seed, script in enumerate(scripts):
        fields = [premise.logline or "", *premise.running_gags]
        for character in cast_of(premise, script).values():
            fields += [
                character.look or "",
                character.role or "",
                character.wants or "",
                character.flaw or "",
            ]
            fields += [character.speech or ""]
        spoken = catchphrases(premise, script)
        for line in lines_of(script):
            flat = words_flat(line.line)
            hits = [f for f in fields if f and words_flat(f) in flat and line.line not in spoken]
            assert not hits, (seed, line.line, hits)


def test_the_film_opens_at_once_and_laughs_soon(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, script in enumerate(sweep[1]):
        opening = scene_lines(script.scenes[0])
        assert count_words(opening[0].line) <= 5, (seed, opening[0].line)
        assert not opening[0].pause_before, seed
        spent = 0.0
        for line in opening:
            spent += 0.4 * count_words(line.line) + 0.3
            if line.laugh:
                break
        assert spent <= 11.0, (seed, spent)


def test_the_structure_is_a_sitcoms(sweep: tuple[Premise, list[Script]]) -> None:
    for seed, script in enumerate(sweep[1]):
        parts = Counter(scene.part for scene in script.scenes)
        assert parts["cold_open"] == parts["tag"] == 1, seed
        assert {parts["act_1"], parts["act_2"]} <= {3, 4}, (seed, parts)
        assert 60 <= seconds(script) <= 120, (seed, seconds(script))
        assert 3 <= len({scene.setting for scene in script.scenes}) <= 5, seed
        assert [scene.id for scene in script.scenes] == [f"s{n + 1:02d}" for n in range(len(script.scenes))]
        assert all(scene.shots is None for scene in script.scenes)


def test_the_film_model_can_show_what_is_seen(sweep: tuple[Premise, list[Script]]) -> None:
    premise, scripts = sweep
    filled, _ = casting.complete_premise(premise, WORDS, seed=0)
    settings = set(filled.settings) | set(WORDS.sets) | {n.replace(" ", "_") for n in WORDS.sets}
    for seed, script in enumerate(scripts):
        for scene in script.scenes:
            assert scene.setting in settings, (seed, scene.setting)
            for sentence in re.findall(r"[^.]+\.(?= [A-Z]|$)", re.sub(r"\b(Mrs?|Dr)\.", r"\1", scene.action)):
                told = re.search(r" is (\w+)(?: on the (?:left|right))?(?:, holding a (\w+))?\.$", sentence)
                assert told, (seed, sentence)
                assert told[1] in WORDS.actions, (seed, sentence)
                assert told[2] is None or told[2] in WORDS.props, (seed, sentence)


def test_most_lines_could_stand_in_no_other_show(sweep: tuple[Premise, list[Script]]) -> None:
    premise, scripts = sweep
    anywhere = total = 0
    for script in scripts:
        own = own_words(premise, script)
        for line in lines_of(script):
            total += 1
            anywhere += not own & set(re.findall(r"[a-z]{3,}", line.line.lower().replace("'s", "")))
    assert anywhere / total < 0.5, anywhere / total


def own_words(premise: Premise, script: Script) -> set[str]:
    """The show's words: names, kinds, trades, settings, what the episode is about."""
    texts = [premise.show, premise.logline or "", script.title, script.logline or ""]
    for key, character in cast_of(premise, script).items():
        person = read_person(key, character, kinds=WORDS.kinds)
        texts += [
            display_name(key, character),
            person.kind,
            character.role or "",
            character.catchphrase or "",
        ]
        for kind, name in (("trade", person.trade), ("drive", person.drive), ("flaw", person.flaw)):
            block = bank.table(kind)[name]
            texts += [
                p
                for k in ("ware", "tool", "like", "saying", "goal", "price", "motive", "excuse")
                for p in block.fact(k)
            ]
    texts += [p for block in bank.blocks("story") for p in block.fact("thing") if block.fact("logline")]
    texts += list(writer.VISITORS["en"]) + [
        w for scene in script.scenes for w in (scene.setting or "").split("_")
    ]
    common = {
        "the",
        "and",
        "that",
        "this",
        "for",
        "with",
        "you",
        "your",
        "was",
        "not",
        "but",
        "are",
        "have",
        "has",
        "had",
        "one",
        "from",
        "they",
        "them",
        "what",
        "who",
        "how",
        "why",
        "out",
        "his",
        "her",
        "all",
    }
    return set(re.findall(r"[a-z]{3,}", " ".join(texts).lower())) - common
