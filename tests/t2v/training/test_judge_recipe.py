"""A judge's training: in pieces, from drawings made once, to a file that says how often it is right."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.judge import Judge
from t2v.training import judge_recipe

torch.set_num_threads(1)


def test_it_is_trained_in_pieces_and_written_with_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judge_recipe, "NUM_CLIPS", {"16:9": 8, "1:1": 8})
    monkeypatch.setattr(judge_recipe, "NUM_RECONSTRUCTED", {"16:9": 2, "1:1": 2})
    monkeypatch.setattr(judge_recipe, "NUM_FRESH", 4)
    monkeypatch.setattr("t2v.training.judge_dataset.CLIPS_AT_ONCE", 4)
    monkeypatch.setattr(judge_recipe, "BATCH", 6)
    folder, path = tmp_path / "judge", tmp_path / "judge.safetensors"
    for num_steps in (1, 3):
        plan = replace(judge_recipe.PLAN, num_steps=num_steps)
        done = judge_recipe.train_judge(Judge(), folder, seed=1, stop_at=None, processes=1, plan=plan)
        assert done == num_steps
    judge_recipe.export(Judge(), folder, path, seed=1, processes=1)
    state, metadata = read_weights(path)
    load_strictly(Judge(), state, path, "the judge")
    assert metadata["steps"] == "3"
    shares = json.loads(metadata["right"])
    assert list(shares) == ["drawn", "reconstructed", "reconstructed, medium and close-up"]
    assert all(0 <= share <= 1 for share in shares["drawn"].values())
    assert path.stat().st_size <= 2_000_000


def test_the_drawings_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge_recipe, "NUM_CLIPS", {"1:1": 4})
    monkeypatch.setattr(judge_recipe, "NUM_RECONSTRUCTED", {"1:1": 1})
    monkeypatch.setattr("t2v.training.judge_dataset.CLIPS_AT_ONCE", 4)
    first = judge_recipe.load_data(tmp_path, "1:1", 1)
    monkeypatch.setattr(judge_recipe, "draw_many", None)
    again = judge_recipe.load_data(tmp_path, "1:1", 1)
    assert (first.drawn.clips == again.drawn.clips).all()
    assert first.soft.shape == (1, 6, 160, 160, 3)
    assert (first.soft != first.drawn.clips[:1]).any()
