"""Three nights in a row of four shows of two short scenes each: nobody looks in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows import batch
from flows.studio.commands import clean
from flows.studio.production.request import BatchRequest
from scripts_llm.files.continuity import read_continuity

pytestmark = pytest.mark.slow

SHOWS = {
    "Robot Roommates": "Two robots share a flat and one toaster.",
    "The Moon Bar": "An alien runs a bar on a spaceship.",
    "Vote Biscuit": "A dog runs for mayor.",
    "Cold Fish": "A fish teaches a class of cats.",
}
PREMISE = """
show: {show}
logline: {logline}
format: {{scenes: 2, shots: 2, length: 12, size: 192x108}}
titles: {{outro_credits: false}}
video: {{steps: 2}}
"""


def test_four_shows_get_an_episode_a_night_and_remember_what_they_told(
    prefect_server: str, tmp_path: Path, heard: Any
) -> None:
    premises, output = tmp_path / "premises", tmp_path / "output"
    premises.mkdir()
    for number, (show, logline) in enumerate(SHOWS.items()):
        text = PREMISE.format(show=show, logline=logline)
        (premises / f"{number}.yaml").write_text(text, "utf-8")
    for number in (1, 2, 3):
        outcome = batch.make_batch(BatchRequest(premises=premises, writer="offline", output=output), heard())
        assert outcome.code == 0, outcome.lines
        assert len(list(output.glob(f"*/s01e{number:02d}/episode.mp4"))) == len(SHOWS)
    for show in output.glob("*/continuity.yaml"):
        told = read_continuity(show).episodes
        assert [each.episode for each in told] == ["s01e01", "s01e02", "s01e03"]
        assert len({each.title for each in told}) == 3
    nights = json.loads((output / "nights.json").read_text("utf-8"))["nights"]
    assert [each["summary"] for each in nights] == ["4 of 4 made."] * 3
    page = (output / "index.html").read_text("utf-8")
    assert page.count("<video ") == 12
    clean.clean(output, keep=1, dry_run=False)
    assert not list(output.glob("*/s01e01/clips/*.mp4"))
    assert len(list(output.glob("*/s01e0*/episode.mp4"))) == 12
