"""Loglines are read, and the first episode is about them: the ninety of tests/benchmarks/loglines.txt."""

from __future__ import annotations

import re

import pytest

from scripts_llm import russian
from scripts_llm.errors import ScriptError
from scripts_llm.offline_writer import writer
from scripts_llm.offline_writer.logline import read_logline, read_premise
from scripts_llm.offline_writer.person import find_kind
from scripts_llm.offline_writer.pursuits import STEPS, all_pursuits, read_pursuit
from scripts_llm.offline_writer.season import Season, past_episode, split_logline
from scripts_llm.screenplay.premise import Character, Premise
from tests.benchmarks.bench_loglines import loglines, measure, naming, premise_of
from tests.benchmarks.bench_writer import WORDS, lines_of, shipped

SHORT = """
about: keeping bees
says: [keep bees]
object: bee
reads: "{who} keep{ws} bees"
matter: the bees
prize: a jar ; the jar
since: [The bees are back.]
more: |
  --- mid
  A: Bees?
  B: Bees.
plots:
  swarm:
    title: [The Swarm]
    logline: "{A.name} keeps bees."
    scenes: |
"""


@pytest.mark.parametrize("language", ["en", "ru"])
def test_there_are_twenty_pursuits_with_three_plots_of_every_step(language: str) -> None:
    pursuits = all_pursuits(language)
    assert len(pursuits) >= 20
    for blocks in pursuits.values():
        assert len(blocks.plots) >= 3
        assert all(plot.at(step) for plot in blocks.plots for step in (*STEPS, "mid"))
        assert blocks.later.at("later")
    assert pursuits.keys() == all_pursuits("en").keys()


def test_every_logline_is_read_as_what_is_written_beside_it() -> None:
    wrong = [
        (wanted, logline, row.pursuit)
        for wanted, logline in loglines()
        if not (row := measure(wanted, logline, range(1))).is_as_wanted
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("logline", "pursuit", "matter", "who"),
    [
        ("A cat runs for mayor", "office", "mayor", "A cat"),
        (
            "A fishmonger rents his spare room to a retired mob boss",
            "moving",
            "spare room",
            "a retired mob boss",
        ),
        ("Bruno fell in love with the fridge", "courtship", "fridge", "Bruno"),
        ("The Queen is coming to tea", "visit", "Queen", "somebody"),
        ("Two nuns set out to cross the desert", "journey", "desert", "Two nuns"),
        ("My aunt bets the vicar that she can go a year without gin", "bet", "gin", "My aunt"),
        ("A gardener waters the moon", "wants", "moon", "A gardener"),
        ("The ballot box", "office", "mayor", "somebody"),
        ("Cheese", "oddity", "cheese", "somebody"),
    ],
)
def test_a_logline_says_who_wants_what(logline: str, pursuit: str, matter: str, who: str) -> None:
    reading = read_logline(logline)
    assert reading is not None
    assert (reading.pursuit.name, reading.matter, reading.who) == (pursuit, matter, who)


@pytest.mark.parametrize(
    ("logline", "pursuit", "matter"),
    [
        ("Кот идёт в мэры", "office", "мэр"),
        ("Бабушка открыла подпольную шашлычную", "business", "шашлычная"),
        ("Домовой пишет любовные письма почтальонше", "courtship", "почтальонша"),
        ("Вор прячется в детском саду под видом логопеда", "hiding", "логопед"),
        ("У всей деревни день рождения в один день", "oddity", "день рождения"),
    ],
)
def test_a_russian_logline_is_read_into_the_nominative(logline: str, pursuit: str, matter: str) -> None:
    reading = read_logline(logline, "ru")
    assert reading is not None
    assert (reading.pursuit.name, reading.matter) == (pursuit, matter)


@pytest.mark.parametrize(
    ("logline", "language", "who", "matter", "slots"),
    [
        (
            "A baker who lost his recipe opens a shop because the oven talks to him",
            "en",
            "A baker",
            "shop",
            {"trait": "you lost your recipe", "because": "the oven talks to me"},
        ),
        ("A man who owes money runs for mayor", "en", "A man", "mayor", {"trait": "you owe money"}),
        ("A goldfish investigates who ate the flakes", "en", "A goldfish", "flakes", {}),
        (
            "Пекарь, который потерял рецепт, открывает лавку, потому что с ним говорит печь",
            "ru",
            "Пекарь",
            "лавка",
            {"trait": "потерял рецепт", "because": "со мной говорит печь"},
        ),
    ],
)
def test_what_hangs_on_a_logline_is_no_part_of_what_happens(
    logline: str, language: str, who: str, matter: str, slots: dict[str, str]
) -> None:
    reading = read_logline(logline, language)
    assert reading is not None
    assert (reading.who, reading.matter) == (who, matter)
    told = {slot: reading.facts[slot] for slot in ("because", "trait", "obstacle") if slot in reading.facts}
    assert told == slots


def test_a_deed_before_a_reason_is_read_before_the_reason() -> None:
    reading = read_logline("A baker knits scarves because she wants quiet")
    assert reading is not None
    assert (reading.pursuit.name, reading.facts["deed"]) == ("wants", "knit scarves")


@pytest.mark.parametrize(
    ("logline", "words"),
    [
        ("A vampire moves in with a dentist", ("dentist", "teeth", "mirror", "wardrobe", "drill")),
        ("К учительнице географии вселяется дракон", ("учительниц", "шторы")),
        ("A dog is hired as a lifeguard, and cannot swim", ("swim", "ankles", "buried")),
        ("A baker opens a shop because the oven talks to him", ("oven",)),
    ],
)
def test_first_episodes_tell_what_else_the_logline_says(logline: str, words: tuple[str, ...]) -> None:
    for seed in range(4):
        script = writer.write_script(premise_of(logline, seed), WORDS, seed=seed)
        told = " ".join(line.line.lower() for scene in script.scenes for line in lines_of(scene))
        assert any(word in told for word in words), (seed, told)


def test_an_inanimate_matter_is_declined_as_one() -> None:
    assert russian.inflect("тихий вечер", "вин") == "тихий вечер"
    assert russian.inflect("серый кот", "вин") == "серого кота"


@pytest.mark.parametrize(
    ("logline", "language", "told"),
    [
        ("A cat runs for mayor", "en", "I read: a cat wants to be mayor; against: Bruno."),
        ("Кот идёт в мэры", "ru", "Понято так: кот идёт на выборы, должность: мэр; против: Bruno."),
        (
            "Две соседки спорят из-за посуды",
            "ru",
            "Понято так: две соседки ссорятся из-за посуды; против: Bruno.",
        ),
        (
            "К учительнице географии вселяется дракон",
            "ru",
            "Понято так: дракон въезжает, новый адрес: комната учительницы; против: Bruno.",
        ),
    ],
)
def test_a_reading_is_told_in_a_sentence_of_its_language(logline: str, language: str, told: str) -> None:
    reading = read_logline(logline, language)
    assert reading is not None
    assert reading.sentence(["Bruno"]) == told
    assert read_logline("  ") is None


@pytest.mark.parametrize(
    ("logline", "kinds"),
    [
        ("Две монахини едут к морю", ["woman", "woman"]),
        ("Бывшие супруги делят аквариум", ["man", "woman"]),
        ("Два соседа спорят из-за забора", ["man", "old man"]),
        ("Two nuns travel to the sea", ["woman", "woman"]),
    ],
)
def test_two_of_a_kind_are_cast_as_two_of_a_kind(logline: str, kinds: list[str]) -> None:
    for seed in range(4):
        cast = list(premise_of(logline, seed).characters.values())
        assert sorted(find_kind(c.look or "", WORDS.kinds) or "" for c in cast[:2]) == sorted(kinds), cast


@pytest.mark.parametrize("every", [0, 1, 2, 3])
def test_first_episodes_are_about_their_loglines(every: int) -> None:
    for number, (wanted, logline) in enumerate(loglines()):
        if number % 4 != every:
            continue
        row = measure(wanted, logline, range(3))
        assert row.own_plots == 1, row
        assert row.naming >= 0.4, row
        assert row.said_twice == row.open_slots == 0, row
        assert row.longest <= 14, row


def test_later_episodes_turn_to_the_logline_and_say_what_became_of_it() -> None:
    for name in ("vote_biscuit", "don_na_rybnoy"):
        premise = shipped(name)
        reading = read_premise(premise)
        season = Season()
        for script in writer.write_season(premise, WORDS, seed=1, episodes=12):
            season = season.after(past_episode(script, premise))
        turns = [past.turns for past in season.episodes]
        assert turns[0]
        assert all(any(turns[n : n + 3]) for n in range(10)), turns
        became = [split_logline(past.logline, reading)[1] for past in season.episodes]
        assert sum(map(bool, became)) + sum("." in past.plot for past in season.episodes) == sum(turns)


@pytest.mark.parametrize("scenes", [1, 2, 4])
def test_short_episodes_about_the_logline_have_a_title_of_its_plot_and_none_comes_twice(scenes: int) -> None:
    for logline in ("Two robots share a flat and one toaster.", "A dog runs for mayor."):
        premise = Premise.model_validate({"show": "Short", "logline": logline, "format": {"scenes": scenes}})
        season = list(writer.write_season(premise, WORDS, seed=1, episodes=4))
        plots = {plot.name: plot for each in all_pursuits("en").values() for plot in each.plots}
        first = past_episode(season[0], premise)
        assert season[0].title.lower() in {title.lower() for title in plots[first.plot].fact("title")}
        assert len({script.title for script in season}) == 4


def test_a_show_that_began_before_turns_to_its_logline_next() -> None:
    premise = shipped("vote_biscuit")
    old = list(writer.write_season(premise, WORDS, seed=1, episodes=2))[1]
    assert not past_episode(old, premise).turns
    script = writer.write_script(
        premise, WORDS, seed=1, episode=2, history=Season().after(past_episode(old, premise))
    )
    assert past_episode(script, premise).turns


def test_a_season_without_a_logline_has_its_plots_as_before() -> None:
    premise = Premise(show="Nothing", characters={"ann": Character(name="Ann")})
    script = writer.write_script(premise, WORDS, seed=1)
    assert "." not in past_episode(script, premise).plot


def test_the_hero_is_whom_the_logline_is_about() -> None:
    script = writer.write_script(shipped("joe_and_the_don"), WORDS, seed=0)
    assert (script.logline or "").startswith("The Don")


def test_new_casts_what_the_logline_says() -> None:
    premise = premise_of("Joe opens a bakery", 3)
    lead = next(iter(premise.characters.values()))
    assert lead.name == "Joe"
    assert "money" in (lead.wants or "")
    assert premise.settings["bakery"].look == "kitchen"
    assert premise_of("a cat runs for mayor", 1).logline == "A cat runs for mayor."
    race = premise_of("A cat runs for mayor", 1)
    assert {"stage", "office", "street"} <= {setting.look for setting in race.settings.values()}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SHORT, "wanted a scene for every step, none for open, trouble"),
        (SHORT.replace("matter: the bees", "mattter: the bees"), "mattter"),
        (SHORT.replace("says: [keep bees]", "says: [keep bees"), "bees.yaml"),
        ("", "bees.yaml"),
    ],
)
def test_a_faulty_pursuit_is_one_clear_error(text: str, told: str) -> None:
    with pytest.raises(ScriptError, match=re.escape(told)) as error:
        read_pursuit(text, "bees.yaml")
    assert "\n" not in str(error.value)


def test_naming_counts_scenes() -> None:
    premise = premise_of("A cat runs for mayor", 1)
    reading = read_premise(premise)
    assert reading is not None
    assert 0.5 <= naming(writer.write_script(premise, WORDS, seed=1), reading) <= 1


@pytest.mark.parametrize(
    ("cast", "against"), [(("Joe", "The Don"), "Joe"), (("The Don", "Joe"), "Joe"), (("The Don",), "")]
)
def test_nobody_is_against_what_they_want_themselves(cast: tuple[str, ...], against: str) -> None:
    looks = {"Joe": "man", "The Don": "orange cat"}
    people = {str(i): Character(name=name, look=looks[name], role="?") for i, name in enumerate(cast)}
    show = Premise(show="?", logline="The Don moves into the spare room.", characters=people)
    ending = f"; against: {against}." if against else "room."
    assert str(writer.describe_reading(show, WORDS)).endswith(ending)
