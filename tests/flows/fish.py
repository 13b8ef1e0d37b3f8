"""The story of the tiny show, run as `episode` runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows import episode
from flows.studio.production import episode as episodes
from flows.studio.production.request import EpisodeOptions, Outcome

FISH = "fish-chips/s01e01"


def fish_options(home: Path, **more: Any) -> EpisodeOptions:
    return EpisodeOptions(premise=home / "fish.yaml", output=home / "output", writer="offline", **more)


def fish_story(home: Path, heard: Any, **more: Any) -> tuple[Outcome, Any]:
    """What came of it, and the screen that heard it."""
    screen = heard()
    return episode.story(episodes.prepare(fish_options(home, **more)), screen), screen
