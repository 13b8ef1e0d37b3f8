"""The embedded writer over a show's life: episodes that know each other, measures, scripts to read."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from scripts_llm.offline_writer import bank, pursuits, writer
from scripts_llm.offline_writer.season import PastEpisode, Season, past_episode
from tests.benchmarks.bench_writer import WORDS, Measures, measure, shipped

ROOT = Path(__file__).parents[3]


def holds(m: Measures) -> None:
    assert m.longest_words <= 14
    assert m.repeats_within == 0
    assert m.shared_by_neighbours <= 0.05
    assert m.scenes_twice == 0
    assert m.same_three_words == 0
    assert m.naming > 0.5


@pytest.mark.parametrize("show", ["joe_and_the_don", "don_na_rybnoy"])
def test_thirty_episodes_of_a_show_repeat_nothing(show: str) -> None:
    premise = shipped(show)
    holds(measure(premise, list(writer.write_season(premise, WORDS, seed=0, episodes=30))))


@pytest.mark.slow
@pytest.mark.parametrize("show", ["joe_and_the_don", "deck_nine", "the_deep_end", "don_na_rybnoy"])
def test_a_hundred_episodes_of_a_show_repeat_nothing(show: str) -> None:
    premise = shipped(show)
    holds(measure(premise, list(writer.write_season(premise, WORDS, seed=0, episodes=100))))


def test_an_episode_asked_for_alone_is_the_one_of_its_season() -> None:
    premise = shipped("crumbs")
    season = list(writer.write_season(premise, WORDS, seed=4, episodes=4))
    assert [writer.write_script(premise, WORDS, seed=4, episode=n + 1) for n in range(4)] == season


def test_what_was_told_is_not_told_again() -> None:
    premise = shipped("joe_and_the_don")
    first = writer.write_script(premise, WORDS, seed=0)
    continuity = Season().after(past_episode(first, premise))
    again = writer.write_script(premise, WORDS, seed=0, history=continuity)
    assert again.logline != first.logline
    assert measure(premise, [first, again]).shared_by_neighbours == 0


@pytest.mark.parametrize("show", ["joe_and_the_don", "don_na_rybnoy"])
def test_an_episodes_plot_is_recognised_from_its_script(show: str) -> None:
    premise = shipped(show)
    language = bank.bank_language(premise.language)
    for seed in range(12):
        past = past_episode(writer.write_script(premise, WORDS, seed=seed), premise)
        assert past.plot in pursuits.plots(language)
        later = past_episode(writer.write_script(premise, WORDS, seed=seed, episode=2), premise)
        assert later.plot in bank.table("story", language)


def test_a_plot_of_the_past_is_called_back_to() -> None:
    premise = shipped("joe_and_the_don")
    told = PastEpisode("The Late Don", plot="dead"), PastEpisode("Gerald", plot="gerald", turns=True)
    continuity = Season(told)
    texts = [
        line
        for seed in range(60)
        for scene in past_episode(
            writer.write_script(premise, WORDS, seed=seed, episode=3, history=continuity), premise
        ).scenes
        for line in scene
    ]
    assert any("the funeral" in line for line in texts)


def test_the_scripts_in_docs_are_what_the_writer_writes() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "scripts.py"))["pages"]()
    folder = ROOT / "docs" / "scripts"
    assert {file.name for file in folder.glob("*.md")} == set(made)
    for name, text in made.items():
        assert (folder / name).read_text("utf-8") == text, f"{name}: run python docs/scripts.py"
