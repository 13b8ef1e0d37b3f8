"""The embedded writer in Russian: what holds for every script, and words bent to their sentence."""

from __future__ import annotations

import itertools
import re
from collections import Counter

import pytest

from scripts_llm import russian
from scripts_llm.offline_writer import bank, writer
from scripts_llm.offline_writer import cast as casting
from scripts_llm.offline_writer.premises import premise_from_logline
from scripts_llm.offline_writer.wording import count_words, skeleton
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.script import Script
from t2v.toon import world
from tests.benchmarks.bench_writer import WORDS, lines_of, shipped

BARE = (
    "Кот становится мэром маленького города.",
    "Робот-пылесос и привидение держат столовую.",
    "Две соседки, которые не разговаривают, получают в наследство рояль.",
)
ROLES = ("story", "runner", "want", "third", "catch")


def bare(logline: str) -> Premise:
    return Premise(schema=1, show="Проба", logline=logline, language="ru")


@pytest.fixture(scope="module")
def scripts() -> list[tuple[Premise, Script]]:
    """First and second episodes of the shipped show over 100 seeds, and shows of a logline alone."""
    show = shipped("don_na_rybnoy")
    seasons = (writer.write_season(show, WORDS, seed=seed, episodes=2) for seed in range(100))
    told = [(show, script) for season in seasons for script in season]
    return told + [
        (bare(line), writer.write_script(bare(line), WORDS, seed=seed)) for line in BARE for seed in range(30)
    ]


def test_every_line_is_finished_russian_and_short(scripts: list[tuple[Premise, Script]]) -> None:
    for _, script in scripts:
        assert not re.search(r"[{}|A-Za-z]", script.title + (script.logline or "")), script.title
        for line in (line for scene in script.scenes for line in lines_of(scene)):
            assert not re.search(r"[{}<>|_A-Za-z]", line.line), line.line
            assert count_words(line.line) <= 14, line.line
            assert not re.search(r"\b(\w+)\W+\1\b", line.line, re.IGNORECASE), line.line
            assert not re.search(r"[,.!?;:]{2,}(?<!\?!)|  |\s[,.!?;:]", line.line), line.line
            assert line.line.rstrip("»")[-1] in ".!?…", line.line
            assert line.line.count("«") == line.line.count("»"), line.line
            starts = re.findall(r"(?:^|(?<=[.!?…] ))[«]?(\w)", line.line)
            assert all(not letter.islower() for letter in starts), line.line


def test_nobody_answers_himself_and_a_scene_ends_on_its_laugh(scripts: list[tuple[Premise, Script]]) -> None:
    for premise, script in scripts:
        cast = {**premise.characters, **script.cast}
        for scene in script.scenes:
            spoken = lines_of(scene)
            assert all(a.who != b.who for a, b in itertools.pairwise(spoken))
            assert 2 <= len(spoken) <= 7
            assert {line.who for line in spoken} <= cast.keys()
            assert spoken[-1].laugh


def test_no_line_comes_twice_in_an_episode(scripts: list[tuple[Premise, Script]]) -> None:
    for premise, script in scripts:
        cast = {**premise.characters, **script.cast}
        names = writer.spoken_names(premise.model_copy(update={"characters": cast}))
        catches = {c.catchphrase for c in cast.values()}
        told = [line.line for scene in script.scenes for line in lines_of(scene)]
        keys = Counter(skeleton(line, names) for line in told if line not in catches)
        assert max(keys.values()) == 1, keys.most_common(1)


def test_the_structure_is_a_sitcoms(scripts: list[tuple[Premise, Script]]) -> None:
    for _, script in scripts:
        parts = Counter(scene.part for scene in script.scenes)
        assert parts["cold_open"] == parts["tag"] == 1
        assert {parts["act_1"], parts["act_2"]} <= {3, 4}
        assert count_words(lines_of(script.scenes[0])[0].line) <= 6
        for scene in script.scenes:
            assert re.search(rf" is ({'|'.join(world.ACTIONS)})\b", scene.action), scene.action


def test_a_womans_verbs_are_a_womans(scripts: list[tuple[Premise, Script]]) -> None:
    """Zina never speaks of herself as a man does, nor the Don as a woman."""
    men = re.compile(r"\bЯ (?:не |уже |только )?(?:сказал|купил|понял|нашёл|ответил|думал|был)\b")
    women = re.compile(r"\bЯ (?:не |уже |только )?(?:сказала|купила|поняла|нашла|ответила|думала|была)\b")
    heard = Counter[str]()
    for _, script in scripts[:200]:
        for line in (line for scene in script.scenes for line in lines_of(scene)):
            if line.who == "zina":
                assert not men.search(line.line), line.line
                heard["zina"] += bool(women.search(line.line))
            else:
                assert not women.search(line.line), line.line
                heard["men"] += bool(men.search(line.line))
    assert min(heard["zina"], heard["men"]) > 10


def test_there_are_twelve_plots_whose_payoffs_are_planted_two_scenes_before() -> None:
    assert len(bank.blocks("story", "ru")) >= 12
    order = ("trouble", "scheme", "first", "backfire", "worse", "reversal")
    for block in bank.blocks("story", "ru"):
        assert block.fact("fits"), block.name
        for number, step in enumerate(order):
            assert len(block.at(step)) >= 2, (block.name, step)
            for exchange in block.at(step):
                early = {p for s in order[: max(0, number - 1)] for e in block.at(s) for p in e.plants}
                before = {p for s in order[:number] for e in block.at(s) for p in e.plants}
                assert exchange.pays <= early, (block.name, step)
                assert exchange.needs <= before, (block.name, step)


def test_every_exchange_alternates_and_every_trait_and_prop_exists() -> None:
    traits = {name for kind in ("drive", "flaw", "trade", "register") for name in bank.table(kind, "ru")}
    traits |= {kind.replace(" ", "") for kind in world.KINDS} | {"human", "creature", "plain", "masc", "femn"}
    for block in (block for kind in ROLES for block in bank.blocks(kind, "ru")):
        for key in ("fits", "only", "foil"):
            assert set(block.fact(key)) <= traits, (block.name, set(block.fact(key)) - traits)
        assert set(block.fact("prop")) <= set(world.PROPS), block.name
        for exchange in block.exchanges:
            roles = [line.role for line in exchange.lines]
            assert all(a != b for a, b in itertools.pairwise(roles)), (block.name, exchange.step)
            tags = {tag for line in exchange.lines for wording in line.wordings for tag in wording.tags}
            assert tags <= traits | {bank.ALTERNATIVE}, (block.name, tags - traits)
            for _, verb, prop in exchange.stage:
                assert verb in world.ACTIONS, (block.name, verb)
                assert prop in {"", "thing", *world.PROPS}, (block.name, prop)


def test_names_keep_their_capitals_after_a_call(scripts: list[tuple[Premise, Script]]) -> None:
    for _, script in scripts:
        told = " ".join(line.line for scene in script.scenes for line in lines_of(scene))
        assert not re.search(r"\b(?:геннади[йюея]|сызран[ьи]|зин[аеуы]|кузьмич\w*)\b", told), told


@pytest.mark.parametrize(
    ("phrase", "case", "expected"),
    [
        ("тётя Зина", "тв", "тётей Зиной"),
        ("Пётр Кузьмич", "род", "Петра Кузьмича"),
        ("Клавдия Ивановна", "дат", "Клавдии Ивановне"),
        ("рыбная лавка", "вин", "рыбную лавку"),
        ("гость из Сызрани", "род", "гостя из Сызрани"),
        ("Барсик", "вин", "Барсика"),
    ],
)
def test_names_and_things_are_declined(phrase: str, case: str, expected: str) -> None:
    assert russian.inflect(phrase, case, animate=phrase[0].isupper()) == expected


def test_a_russian_logline_gets_a_russian_cast_that_the_film_model_can_show() -> None:
    for logline in BARE:
        for seed in range(10):
            filled, told = casting.complete_premise(bare(logline), WORDS, seed=seed)
            for key, character in filled.characters.items():
                assert key.isascii()
                assert re.fullmatch(r"[А-ЯЁа-яё -]+", character.name or ""), character.name
                assert re.fullmatch(r"[a-z ,]+", character.look or ""), character.look
                assert re.search("[а-яё]", character.wants or "")
            assert told


def test_a_russian_logline_becomes_a_russian_premise_file() -> None:
    text = premise_from_logline("Кот становится мэром", WORDS, seed=1)
    assert "language: ru\n" in text
    assert 'show: "Кот становится мэром"' in text
