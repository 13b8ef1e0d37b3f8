"""The offline writer writes the same scripts as before, to the byte, for the shipped premises.

The digests are those of version 0.1.0 (commit a4bd3a6). After a change of templates/room or of the writer
that is meant to change scripts: `python tests/scripts_llm/offline_writer/test_same_scripts.py`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts_llm.files.write import script_rows
from scripts_llm.offline_writer import writer
from scripts_llm.screenplay.premise import Format
from scripts_llm.screenplay.script import Script
from tests.benchmarks.bench_writer import WORDS, shipped

DIGESTS = Path(__file__).parents[2] / "data" / "offline_scripts.json"
SEEDS = range(1, 6)
FORMATS = (Format(length=30), Format(length=60, scenes="5-7"), Format(scenes=12), Format(scenes=3))
SHOWS = (
    "crumbs",
    "deck_nine",
    "don_na_rybnoy",
    "joe_and_the_don",
    "last_orders",
    "monday_toaster",
    "the_deep_end",
    "vote_biscuit",
)


def digest(script: Script) -> str:
    return hashlib.sha256("\n".join(script_rows(script)).encode()).hexdigest()[:16]


def digests(show: str) -> Iterator[str]:
    """Of five seeds, then of four episodes in a row, then of four formats."""
    premise = shipped(show)
    for seed in SEEDS:
        yield digest(writer.write_script(premise, WORDS, seed=seed))
    for script in writer.write_season(premise, WORDS, seed=7, episodes=4):
        yield digest(script)
    for shape in FORMATS:
        yield digest(writer.write_script(premise.model_copy(update={"format": shape}), WORDS, seed=2))


@pytest.mark.parametrize("show", SHOWS)
def test_a_show_gets_the_scripts_that_it_always_got(show: str) -> None:
    assert list(digests(show)) == json.loads(DIGESTS.read_text("utf-8"))[show]


if __name__ == "__main__":
    DIGESTS.write_text(json.dumps({show: list(digests(show)) for show in SHOWS}, indent=1) + "\n", "utf-8")
