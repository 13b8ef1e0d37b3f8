"""The examples of docs/filming.md run, on a small model at the size that they ask for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import t2v
from t2v.pipeline import TextToVideo

PAGE = Path(__file__).resolve().parents[2] / "docs" / "filming.md"


def test_the_examples_of_the_page_run_one_after_the_other(
    make_tiny: Callable[..., TextToVideo], monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = make_tiny().preset
    model = make_tiny(replace(preset, num_frames=16, num_steps=1, sizes={"1:1": (16, 16)}))
    monkeypatch.setattr(t2v, "load", lambda source: model)
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(examples) >= 6
    names: dict[str, Any] = {}
    for example in examples:
        exec(compile(example, str(PAGE), "exec"), names)
    assert names["video"].frames.shape == (16, 16, 16, 3)
