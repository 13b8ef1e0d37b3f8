"""Where a guest's networks are, by what is free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from t2v.guests import folder, placing
from t2v.guests.placing import How


@pytest.mark.parametrize(
    ("name", "card", "memory", "how", "tiles"),
    [
        ("wan2.1-1.3b", 48.0, 64.0, "whole", False),
        ("wan2.1-1.3b", 24.0, 64.0, "whole", True),
        ("wan2.1-14b", 32.0, 64.0, "networks", True),
        ("wan2.1-14b", 16.0, 64.0, "layers", True),
        ("wan2.2-14b", 12.0, 32.0, "layers in fp8", True),
        ("wan2.2-5b", None, 64.0, "cpu", True),
    ],
)
def test_the_fastest_plan_that_fits_is_taken(
    name: str, card: float | None, memory: float, how: How, tiles: bool, monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    plan = placing.plan(folder.preset(name), card_gb=card, memory_gb=memory)
    assert (plan.how, plan.tiles) == (how, tiles)
    assert plan.needs_gb <= (card or 0)


def test_more_memory_is_never_slower() -> None:
    order: list[How] = ["layers", "networks", "whole"]
    preset = folder.preset("cogvideox-5b")
    plans = [placing.plan(preset, card_gb=gigabytes, memory_gb=64) for gigabytes in range(4, 80, 4)]
    places = [order.index(plan.how) for plan in plans]
    assert places == sorted(places)
    assert set(places) == {0, 1, 2}


@pytest.mark.slow
def test_weights_in_eight_bits_film_almost_the_same(tiny_guest: Callable[[str], Path]) -> None:
    from t2v.guests.guest import load

    settings = {"num_frames": 5, "height": 32, "width": 32, "num_steps": 2}
    whole = load(str(tiny_guest("wan")), device="cpu")
    exact = whole.generate("a cat dances", seed=1, **settings)  # type: ignore[arg-type]
    small = load(str(tiny_guest("wan")), device="cpu")
    pipe = small._pipe
    placing.place(pipe, placing.GuestPlan("layers in fp8", tiles=True, needs_gb=1.0), "cpu")
    stored = {p.dtype for p in pipe.transformer.parameters()}
    assert torch.float8_e4m3fn in stored
    film = small.generate("a cat dances", seed=1, **settings)  # type: ignore[arg-type]
    assert abs(film.frames.astype(int) - exact.frames).mean() < 12
