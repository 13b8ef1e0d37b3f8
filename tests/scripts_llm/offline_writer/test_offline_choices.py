"""The embedded writer's choices: what changes a script, what a format asks for, what the bank must hold."""

from __future__ import annotations

import itertools
import re

import pytest

from scripts_llm.offline_writer import bank, places, writer
from scripts_llm.offline_writer.person import call_name, find_kind, find_topic, matching_blocks, read_person
from scripts_llm.offline_writer.wording import (
    article,
    expand_contractions,
    find_fault,
    flatten_line,
    tidy_line,
    title_case,
)
from scripts_llm.screenplay.film_vocabulary import FilmWords
from scripts_llm.screenplay.premise import Character, Format, Premise, Setting
from scripts_llm.screenplay.script import Line, Script
from t2v.toon import world

WORDS = FilmWords(world.SETS, world.KINDS, world.COLOURS, world.ACTIONS, world.ACCESSORIES, world.PROPS)


@pytest.fixture
def premise() -> Premise:
    return Premise(
        schema=1,
        show="Two Rooms",
        logline="A baker shares two rooms with a robot.",
        characters={
            "ann": Character(
                look="woman, red apron",
                role="baker of the street",
                wants="a quiet evening",
                flaw="cannot say no",
                catchphrase="It rises!",
                speech="nervous",
            ),
            "bolt": Character(
                look="blue robot",
                role="robot on trial",
                wants="order in the drawers",
                flaw="takes things literally",
                catchphrase="Please stand clear.",
                speech="flat",
            ),
        },
        settings={
            "bakery": Setting(look="kitchen"),
            "hall": Setting(look="living room"),
            "bar": Setting(look="bar"),
        },
    )


def told(script: Script) -> list[str]:
    return [
        element.line for scene in script.scenes for element in scene.dialogue if isinstance(element, Line)
    ]


def changed(before: Script, after: Script) -> float:
    """The share of the new script's lines that the old one does not have."""
    old = set(told(before))
    new = told(after)
    return sum(line not in old for line in new) / len(new)


def recast(premise: Premise, **fields: str) -> Premise:
    ann = premise.characters["ann"].model_copy(update=fields)
    return premise.model_copy(update={"characters": {**premise.characters, "ann": ann}})


def test_the_same_seed_writes_the_same_script(premise: Premise) -> None:
    assert writer.write_script(premise, WORDS, seed=5) == writer.write_script(premise, WORDS, seed=5)


def test_other_wants_change_a_third_of_the_lines(premise: Premise) -> None:
    greedy = recast(premise, wants="all the money in the street")
    shares = [
        changed(
            writer.write_script(premise, WORDS, seed=s, episode=2),
            writer.write_script(greedy, WORDS, seed=s, episode=2),
        )
        for s in range(20)
    ]
    assert min(shares) >= 1 / 3, shares


def test_another_flaw_changes_a_third_of_the_lines(premise: Premise) -> None:
    vain = recast(premise, flaw="vain, in front of any mirror")
    shares = [
        changed(
            writer.write_script(premise, WORDS, seed=s, episode=2),
            writer.write_script(vain, WORDS, seed=s, episode=2),
        )
        for s in range(20)
    ]
    assert min(shares) >= 1 / 3, shares


def test_what_somebody_wants_is_what_the_episode_is_about(premise: Premise) -> None:
    """Money talks of money: the drive's own words turn up in the lines."""
    goals = [part for goal in bank.table("drive")["money"].fact("goal") for part in goal.split(" ; ")]
    rich = recast(premise, wants="to be rich by Friday")
    texts = [" ".join(told(writer.write_script(rich, WORDS, seed=s, episode=2))).lower() for s in range(40)]
    hits = sum(any(goal.lower() in text for goal in goals) for text in texts)
    assert hits >= 20, hits


def test_episodes_of_one_seed_tell_different_stories(premise: Premise) -> None:
    scripts = [writer.write_script(premise, WORDS, seed=3, episode=n) for n in range(1, 7)]
    assert len({script.title for script in scripts}) >= 5
    for before, after in itertools.pairwise(scripts):
        assert changed(before, after) > 0.5


def test_two_hundred_seeds_use_every_plot(premise: Premise) -> None:
    titles = {writer.write_script(premise, WORDS, seed=s, episode=2).logline for s in range(200)}
    assert len(titles) >= 16, len(titles)


@pytest.mark.parametrize("scenes", range(1, 13))
def test_the_format_says_how_many_scenes(premise: Premise, scenes: int) -> None:
    asked = premise.model_copy(update={"format": Format(scenes=scenes)})
    for seed in range(5):
        script = writer.write_script(asked, WORDS, seed=seed)
        assert len(script.scenes) == scenes
        assert script.scenes[0].part == "cold_open"


def test_one_scene_of_two_or_three_lines_is_possible(premise: Premise) -> None:
    asked = premise.model_copy(update={"format": Format(scenes=1, shots=1)})
    for seed in range(20):
        assert 2 <= len(told(writer.write_script(asked, WORDS, seed=seed))) <= 4


def test_a_short_length_makes_a_short_script(premise: Premise) -> None:
    short = premise.model_copy(update={"format": Format(length="30s")})
    for seed in range(10):
        assert len(told(writer.write_script(short, WORDS, seed=seed))) <= 16


def test_the_cold_opens_thing_comes_back_in_the_tag(premise: Premise) -> None:
    """Both are told from one runner; the tag shares a rare word with the opening or its middle."""
    for block in bank.blocks("runner"):
        opening = " ".join(
            w.text for e in (*block.at("open"), *block.at("mid")) for x in e.lines for w in x.wordings
        )
        for tag in block.at("tag"):
            text = " ".join(w.text for x in tag.lines for w in x.wordings)
            assert set(flatten_line(opening).split()) & {
                w for w in flatten_line(text).split() if len(w) > 2
            }, (
                block.name,
                text,
            )


def test_a_payoff_is_planted_two_scenes_before(premise: Premise) -> None:
    for block in bank.blocks("story"):
        order = ("trouble", "scheme", "first", "backfire", "worse", "reversal")
        for number, step in enumerate(order):
            exchanges = block.at(step)
            assert len(exchanges) >= 2, (block.name, step)
            for exchange in exchanges:
                early = {
                    plant for s in order[: max(0, number - 1)] for e in block.at(s) for plant in e.plants
                }
                before = {plant for s in order[:number] for e in block.at(s) for plant in e.plants}
                assert exchange.pays <= early, (block.name, step, exchange.pays - early)
                assert exchange.needs <= before, (block.name, step, exchange.needs - before)
        assert all(exchange.pays for exchange in block.at("reversal")), block.name


def test_every_exchange_alternates_and_opens_short() -> None:
    everything = [
        (b, e)
        for kind in ("story", "runner", "want", "third", "catch")
        for b in bank.blocks(kind)
        for e in b.exchanges
    ]
    assert len(everything) > 400
    for block, exchange in everything:
        roles = [line.role for line in exchange.lines]
        assert all(a != b for a, b in itertools.pairwise(roles)), (block.name, roles)
        assert 2 <= len(roles) <= 6, (block.name, roles)
        if exchange.step == "open":
            assert len(exchange.lines[0].wordings[0].text.split()) <= 5, (block.name, exchange.lines[0])


def test_every_trait_named_in_the_bank_exists() -> None:
    traits = {name for kind in ("drive", "flaw", "trade", "register") for name in bank.table(kind)}
    traits |= {kind.replace(" ", "") for kind in world.KINDS} | {"human", "creature", "plain", "alt"}
    for block in bank.blocks("story") + bank.blocks("runner") + bank.blocks("want") + bank.blocks("third"):
        for key in ("fits", "only", "foil"):
            assert set(block.fact(key)) <= traits, (block.name, set(block.fact(key)) - traits)
        for exchange in block.exchanges:
            for line in exchange.lines:
                for wording in line.wordings:
                    assert {tag.removeprefix("to-") for tag in wording.tags} <= traits, (block.name, wording)
            for _, wanted in exchange.wants:
                assert wanted <= traits, (block.name, wanted)


def test_every_stage_direction_is_in_the_film_models_words() -> None:
    for kind in ("story", "runner", "want", "third", "catch"):
        for block in bank.blocks(kind):
            assert set(block.fact("prop")) <= set(world.PROPS), block.name
            for exchange in block.exchanges:
                assert set(exchange.sets) <= set(world.SETS), (block.name, exchange.sets)
                for _, verb, prop in exchange.stage:
                    assert verb in world.ACTIONS, (block.name, verb)
                    assert prop in {"", "thing", *world.PROPS}, (block.name, prop)


def test_every_drive_flaw_and_third_has_its_scenes() -> None:
    assert set(bank.table("want")) == set(bank.table("drive"))
    assert set(bank.table("third")) == set(bank.table("flaw"))
    for flaw in bank.table("flaw"):
        assert sum(flaw in block.fact("only") for block in bank.blocks("runner")) >= 2, flaw


def test_a_broken_bank_names_file_and_row() -> None:
    with pytest.raises(ValueError, match=r"x\.txt:1: wanted `=== kind\.name` first"):
        list(bank.parse_blocks("A: Hello.\n", "x.txt"))
    with pytest.raises(ValueError, match=r"x\.txt:3: wanted a line of dialogue"):
        list(bank.parse_blocks("=== story.x\n--- open\nnonsense\n", "x.txt"))


def test_a_show_with_one_character_gets_a_second(premise: Premise) -> None:
    alone = premise.model_copy(update={"characters": {"ann": premise.characters["ann"]}})
    script = writer.write_script(alone, WORDS, seed=1)
    assert len(script.cast) == 1
    assert {line.who for scene in script.scenes for line in scene.dialogue if isinstance(line, Line)} == {
        "ann",
        *script.cast,
    }


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Joe Carp", "Joe"),
        ("The Don", "Don"),
        ("Mrs. Pike", "Mrs. Pike"),
        ("Captain Vera Stone", "Captain Vera"),
        ("Ёж", "Ёж"),
    ],
)
def test_people_are_called_as_people_call_each_other(name: str, called: str) -> None:
    assert call_name(name) == called


@pytest.mark.parametrize(
    ("kind", "text", "first"),
    [
        ("drive", "peace", "peace"),
        ("drive", "to be famous", "fame"),
        ("drive", "to rule the world", "power"),
        ("flaw", "cannot say no", "yes"),
        ("flaw", "lies when it is easier", "liar"),
        ("flaw", "afraid of everything", "coward"),
        ("trade", "retired mob boss", "gangster"),
        ("trade", "fishmonger", "fishmonger"),
        ("register", "short, gruff", "gruff"),
        ("register", "like a lawyer", "formal"),
    ],
)
def test_free_text_is_read_for_what_it_means(kind: str, text: str, first: str) -> None:
    assert matching_blocks(kind, text)[0] == first


def test_fields_that_say_nothing_known_still_make_a_person() -> None:
    person = read_person("x", Character(look="???", wants="фжщ", flaw="---"), kinds=world.KINDS)
    assert person.drive in bank.table("drive")
    assert person.flaw in bank.table("flaw")


def test_what_is_wanted_is_shortened_never_quoted() -> None:
    assert find_topic("a quiet evening", "peace") == ("one quiet evening", "the quiet evening")
    assert find_topic("peace", "peace") is None
    assert find_topic("the respect of the old days", "respect") is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("urn", "an"),
        ("UFO", "a"),
        ("hour", "an"),
        ("eulogy", "a"),
        ("one-off", "a"),
        ("éclair", "an"),
        ("mackerel", "a"),
    ],
)
def test_articles_follow_the_sound(word: str, expected: str) -> None:
    assert article(word) == expected


def test_wording_is_tidied_and_faults_are_found() -> None:
    assert tidy_line("the Don's late. is it   4:15 ?") == "The Don's late. Is it 4:15?"
    assert find_fault("He said the the thing.") == "doubled word"
    assert find_fault("A {slot} here.") == "unfilled slot"
    assert (
        find_fault(
            "One two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen."
        )
        == "too long"
    )
    assert find_fault("It's fine.") is None


def test_the_stiff_speak_in_long_forms() -> None:
    assert expand_contractions("I'm late. Don't ask.") == "I am late. Do not ask."
    assert expand_contractions("It's been a day.") == "It's been a day."


def test_kinds_are_read_from_their_synonyms() -> None:
    assert find_kind("a grumpy landlady", world.KINDS) == "woman"
    assert find_kind("small kitten", world.KINDS) == "cat"
    assert find_kind("an old man in a coat", world.KINDS) == "old man"
    assert find_kind("a lamp", world.KINDS) is None


def test_settings_are_read_as_the_film_models_sets() -> None:
    assert places.find_set("cosy apartment, warm light", world.SETS) == "living room"
    assert places.find_set("fish_shop", world.SETS) == "fish shop"
    assert places.find_set("volcano", world.SETS) is None


def test_sluglines_say_in_or_out() -> None:
    assert places.format_slugline("fish_shop", "fish shop", night=False) == "INT. FISH SHOP - DAY"
    assert places.format_slugline("street", "street", night=True) == "EXT. STREET - NIGHT"


def test_titles_have_capitals_where_titles_have_them() -> None:
    assert title_case("the list on the fridge") == "The List on the Fridge"
    assert re.fullmatch(r"Two Z's", title_case("two z's"))
