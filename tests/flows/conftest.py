"""A tiny show, and a screen that keeps what is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

TINY = """\
show: Fish & Chips
logline: A fishmonger rents his spare room to a retired boss, who is a cat.
format: {scenes: 1, shots: 2, size: 192x108}
characters:
  joe: {name: Joe, look: "man, blue apron", wants: a quiet evening, flaw: cannot say no, speech: nervous}
  don: {name: The Don, look: "large orange cat, black hat", wants: respect, flaw: too proud, speech: slow}
settings:
  fish_shop: {look: fish shop}
titles: {outro_credits: false}
video: {steps: 2}
seed: 7
"""

SCRIPT = """\
# my own comment
schema: 1
title: The Fish
scenes:
  - id: s01
    slugline: INT. FISH SHOP - DAY
    setting: fish_shop
    action: Joe and the Don look at a fish.
    shots:
      - {size: medium, prompt: "Joe talking, the Don listening", who: joe}
      - {size: close-up, prompt: "The Don talking", who: don}
    dialogue:
      - joe: It blinked.
      - {who: don, line: Cod., laugh: small}
"""


class Heard:
    """A screen that keeps its lines; `at` is called with every label of the bar."""

    def __init__(self, at: Callable[[str], None] = lambda label: None) -> None:
        self.lines: list[str] = []
        self.labels: list[str] = []
        self._at = at

    def say(self, text: str) -> None:
        self.lines.append(text)

    def warn(self, text: str) -> None:
        self.lines.append(f"! {text}")

    def progress(self, label: str, done: float = 0, total: float = 0) -> None:
        assert 0 <= done <= total or total == 0
        self.labels.append(label)
        self._at(label)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="session")
def heard() -> type[Heard]:
    return Heard


@pytest.fixture(scope="session")
def tiny_premise() -> str:
    return TINY


@pytest.fixture(scope="session")
def tiny_script() -> str:
    return SCRIPT


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The premise of the tiny show, as a file."""
    path = tmp_path / "fish.yaml"
    path.write_text(TINY, "utf-8")
    return path
