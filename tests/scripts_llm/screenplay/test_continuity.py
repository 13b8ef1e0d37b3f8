"""What a show remembers: an entry an episode, whatever is deleted or made again."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scripts_llm.screenplay.continuity import Continuity, ContinuityEntry, continuity_entry
from scripts_llm.screenplay.script import Line, Scene, Script

GAG = "the fish blinks"
SCRIPT = Script(
    title="The Ninth Lemon",
    logline="Joe hides nine lemons.",
    scenes=(
        Scene(
            slugline="INT. KITCHEN - DAY",
            action="Joe is talking, a fish is blinking.",
            dialogue=(
                Line(who="joe", line="Nine?", laugh="big"),
                Line(who="joe", line="Ten.", laugh="small"),
            ),
        ),
        Scene(
            slugline="INT. BAR - DAY",
            dialogue=(
                Line(who="joe", line="Did that fish blink?", laugh="small"),
                Line(who="don", line="Nine?", laugh="big"),
            ),
        ),
        Scene(slugline="INT. BAR - DAY", dialogue=(Line(who="joe", line="I sell fish."),)),
    ),
)


def told(episode: str, **gags: int) -> ContinuityEntry:
    return ContinuityEntry(episode=episode, title=episode, happened="It got worse.", gags=gags)


def test_an_episode_is_remembered_by_its_story_its_gags_and_its_best_lines() -> None:
    known = continuity_entry(
        SCRIPT, episode="s01e02", gags=[GAG, "the lamp hums"], promised=["Who took the tenth?"]
    )
    assert (known.title, known.happened) == ("The Ninth Lemon", "Joe hides nine lemons.")
    assert known.gags == {GAG: 2}
    assert known.jokes == ("Nine?",)
    assert known.promised == ("Who took the tenth?",)


def test_a_script_without_big_laughs_is_remembered_by_its_last_line() -> None:
    quiet = SCRIPT.model_copy(update={"scenes": SCRIPT.scenes[2:], "logline": None})
    known = continuity_entry(quiet, episode="s01e01", gags=[])
    assert (known.jokes, known.happened, known.gags) == (("I sell fish.",), "The Ninth Lemon", {})


def test_gags_are_counted_over_all_episodes_and_one_made_again_counts_once() -> None:
    show = Continuity().with_episode(told("s01e10", fish=1)).with_episode(told("s01e02", fish=2, lamp=1))
    assert [each.episode for each in show.episodes] == ["s01e02", "s01e10"]
    assert show.gags() == {"fish": 3, "lamp": 1}
    again = show.with_episode(told("s01e02", fish=1))
    assert again.gags() == {"fish": 2}
    assert len(again.episodes) == 2


def test_an_episode_knows_only_what_was_told_before_it() -> None:
    show = Continuity(episodes=(told("s01e02"), told("s01e10"), told("s02e01")))
    assert [each.episode for each in show.before("s01e10").episodes] == ["s01e02"]
    assert [each.episode for each in show.before("s02e02").episodes] == ["s01e02", "s01e10", "s02e01"]
    assert show.before("s01e01").gags() == {}


def test_it_is_frozen_and_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValidationError):
        Continuity.model_validate({"episodes": [{"episode": "three", "title": "x", "happened": "y"}]})
    with pytest.raises(ValidationError):
        Continuity.model_validate({"mood": "good"})
    assert Continuity.model_validate({"schema": 1, "episodes": []}) == Continuity()
