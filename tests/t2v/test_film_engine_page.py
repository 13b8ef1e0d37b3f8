"""The examples of docs/film-engine.md run, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import t2v
from t2v.pipeline import TextToVideo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "film-engine.md"


def examples(section: str) -> list[str]:
    """The Python blocks of a section of the page."""
    text = re.split(rf"^## {section}.*$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1]
    return re.findall(r"```python\n(.*?)```", re.split(r"^## ", text, flags=re.MULTILINE)[0], re.DOTALL)


def test_the_examples_of_filming_run_on_a_small_model_at_the_size_that_they_ask_for(
    make_tiny: Callable[..., TextToVideo], monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = make_tiny().preset
    model = make_tiny(replace(preset, num_frames=16, num_steps=1, sizes={"1:1": (16, 16)}))
    monkeypatch.setattr(t2v, "load", lambda source: model)
    assert len(examples("Filming")) >= 6
    names: dict[str, Any] = {}
    for example in examples("Filming"):
        exec(compile(example, str(PAGE), "exec"), names)
    assert names["video"].frames.shape == (16, 16, 16, 3)


def test_the_examples_of_how_it_works_hold_on_toon() -> None:
    assert len(examples("How it works")) == 5
    names: dict[str, Any] = {}
    for example in examples("How it works"):
        exec(compile(example, str(PAGE), "exec"), names)
