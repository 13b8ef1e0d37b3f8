"""Data that is made in parts: nothing is made twice, and nothing is lost."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from t2v.training.resumable import Sample, TimeIsUp, prepare_in_parts


class Work:
    """Seven pieces, and which of them were made."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.made: list[int] = []
        self.breaks_at: int | None = None

    def pieces(self, first: int) -> Iterator[Sample]:
        for number in range(first, 7):
            if number == self.breaks_at:
                raise KeyboardInterrupt
            self.made.append(number)
            yield {"x": torch.full((2,), number), "text": f"piece {number}"}

    def make(self, stop_at: float | None = None) -> None:
        def join(found: list[Sample]) -> dict[str, object]:
            return {"x": torch.stack([p["x"] for p in found]), "text": [p["text"] for p in found]}

        prepare_in_parts(self.file, self.pieces, join, every=2, stop_at=stop_at)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "new" / "latents.pt")


def is_whole(work: Work) -> bool:
    kept = torch.load(work.file, weights_only=True)
    return kept["x"][:, 0].tolist() == list(range(7)) and kept["text"] == [f"piece {i}" for i in range(7)]


def test_all_pieces_are_joined_in_one_file_and_made_once(work: Work) -> None:
    work.make()
    work.make()
    assert is_whole(work)
    assert work.made == list(range(7))
    assert list(work.file.parent.iterdir()) == [work.file]


def test_what_was_made_when_the_time_is_up_is_kept_and_the_same_call_goes_on(work: Work) -> None:
    for done in (1, 2):
        with pytest.raises(TimeIsUp, match=f"the time is up after {done} samples"):
            work.make(stop_at=time.monotonic())
    assert not work.file.exists()
    work.make()
    assert is_whole(work)
    assert work.made == list(range(7))
    assert list(work.file.parent.iterdir()) == [work.file]


def test_what_is_broken_off_loses_less_than_a_part(work: Work) -> None:
    work.breaks_at = 5
    with pytest.raises(KeyboardInterrupt):
        work.make()
    work.breaks_at = None
    work.make()
    assert is_whole(work)
    assert work.made == [0, 1, 2, 3, 4, 4, 5, 6]
