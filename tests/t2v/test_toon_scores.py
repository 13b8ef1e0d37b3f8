"""How the benchmark counts: what of a staging a verdict gets right, and which prompts are asked."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from t2v.judge import SeenFigure, Verdict
from t2v.toon.world import Figure, Staging, is_held_out

FILE = Path(__file__).parent.parent / "benchmarks" / "toon_scores.py"
PAIR = Staging(
    "bar",
    "day",
    "medium",
    "still",
    (Figure("cat", "red", "talking", place="left"), Figure("dog", "blue", "waving", place="right")),
    1,
)


@pytest.fixture(scope="module")
def scores() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toon_scores", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def seen(kind: str, colour: str, action: str, place: str) -> SeenFigure:
    return SeenFigure(kind, colour, action, place, 0.9)


def test_a_right_verdict_scores_everything(scores: ModuleType) -> None:
    figures = (seen("cat", "red", "talking", "left"), seen("dog", "blue", "waving", "right"))
    found = scores.score(PAIR, Verdict("bar", "day", "medium", figures))
    assert found["set"] == found["size"] == found["two"] == found["both"] == 1
    assert found["kind"] == found["colour"] == found["action"] == found["figures"] == 2


def test_colours_that_changed_sides_are_wrong(scores: ModuleType) -> None:
    figures = (seen("cat", "blue", "talking", "left"), seen("dog", "red", "waving", "right"))
    found = scores.score(PAIR, Verdict("bar", "night", "close-up", figures))
    assert (found["kind"], found["colour"], found["two"], found["both"], found["size"]) == (2, 0, 1, 0, 0)


def test_who_is_missing_is_wrong_in_all(scores: ModuleType) -> None:
    found = scores.score(PAIR, Verdict("park", "day", "medium", (seen("cat", "red", "talking", "left"),)))
    assert (found["set"], found["kind"], found["colour"], found["two"], found["both"]) == (0, 1, 1, 0, 0)


def test_all_prompts_are_held_out_and_the_first_ones_are_always_the_same(scores: ModuleType) -> None:
    many, few = scores.prompts(60), scores.prompts(20)
    assert all(is_held_out(staging) for staging, _ in many)
    assert not any(is_held_out(staging) for staging, _ in scores.prompts(20, held_out=False))
    assert many[:20] == few
    assert len({prompt for _, prompt in many}) >= 58


def test_the_table_names_what_is_wanted_and_how_sure_a_share_is(scores: ModuleType) -> None:
    one = scores.score(PAIR, Verdict("bar", "day", "medium", ()))
    lines = scores.table({"first-takes": [one] * 100})
    assert lines[2] == "| set | 99 | 100.0 ± 0.0 |"
    assert lines[4] == "| kind | 96 | 0.0 ± 0.0 |"


def test_two_films_of_one_prompt_are_compared_as_a_pair(scores: ModuleType) -> None:
    hard, easy = {"kind": 0, "figures": 1}, {"kind": 1, "figures": 1}
    both = {"kind": 2, "figures": 2}
    assert scores.difference([hard, easy, both], [hard, easy, both], "kind", "figures") == (0.0, 0.0)
    better, half = scores.difference([easy, easy, both, easy], [hard, easy, both, easy], "kind", "figures")
    assert better == pytest.approx(1 / 5)
    errors = np.array([1 - 0.2, -0.2, -0.4, -0.2])
    assert half == pytest.approx(1.96 * np.sqrt((errors**2).sum()) / 5)
    worse, same_half = scores.difference(
        [hard, easy, both, easy], [easy, easy, both, easy], "kind", "figures"
    )
    assert (worse, same_half) == (pytest.approx(-1 / 5), pytest.approx(half))


def test_flicker_is_measured_where_least_moves(scores: ModuleType) -> None:
    still = np.full((4, 8, 8, 3), 100, np.uint8)
    moving = still.copy()
    moving[1::2, :, :3] += 50
    noisy = still.copy()
    noisy[1::2] += 5
    assert [scores.flicker(film) for film in (still, moving, noisy)] == [0, 0, 5]
    place, distance = scores.nearest(
        np.ones(4, np.float32), np.array([[0, 0, 0, 0], [1, 1, 1, 2]], np.float16)
    )
    assert (place, distance) == (1, 0.5)
