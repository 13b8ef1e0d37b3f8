"""Memory that is short changes how a clip is filmed, never what it shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import t2v
from t2v.memory.placement import is_out_of_memory
from t2v.memory.plan import STRATEGIES, ClipSize, MemoryPlan, expected_peaks
from t2v.pipeline import TextToVideo

CLIP = ClipSize(3, 16, 28)
PROMPT = "a red fish"


def by_level(tiny: TextToVideo, level: int) -> MemoryPlan:
    peaks = expected_peaks(tiny.preset, CLIP, "cpu", torch.float32, STRATEGIES[level])
    return MemoryPlan("tiny", "cpu", torch.float32, CLIP, level, None, 4, peaks)


@pytest.mark.parametrize("level", range(len(STRATEGIES)))
def test_every_plan_films_the_same_clip(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo, level: int
) -> None:
    model = make_tiny(memory=by_level(tiny, level))
    difference = np.abs(model.generate(PROMPT).frames.astype(int) - tiny.generate(PROMPT).frames)
    assert difference.max() <= 1


def failing(model: TextToVideo, times: int, error: Exception) -> None:
    """The UNet runs out of memory so many times."""
    left = [times]

    def fail(*_: object) -> None:
        if left[0]:
            left[0] -= 1
            raise error

    model.unet.register_forward_pre_hook(fail)


def test_out_of_memory_is_told_and_the_clip_is_made_by_the_next_smaller_plan(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    model = make_tiny(memory=8.0)
    failing(model, 1, torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    with pytest.warns(RuntimeWarning, match="out of memory at an expected .* filmed again in an expected"):
        frames = model.generate(PROMPT, seed=3).frames
    assert np.abs(frames.astype(int) - tiny.generate(PROMPT, seed=3).frames).max() <= 1
    assert model.placement.plan is not None
    assert model.placement.plan.level > 1
    model.generate(PROMPT)  # the next clip begins with what worked, so nothing is told again


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_when_the_leanest_plan_fails_one_line_says_what_to_try(make_tiny: Callable[..., TextToVideo]) -> None:
    model = make_tiny(memory=8.0)
    failing(model, 100, MemoryError())
    with pytest.raises(t2v.SettingsError, match=r"by the leanest plan there is.*try fewer frames"):
        model.generate(PROMPT)


def test_another_fault_is_not_taken_for_lack_of_memory(make_tiny: Callable[..., TextToVideo]) -> None:
    model = make_tiny(memory=8.0)
    failing(model, 100, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        model.generate(PROMPT)
    assert is_out_of_memory(RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"))
    assert is_out_of_memory(RuntimeError("MPS backend out of memory"))


def test_a_budget_by_name_or_number_films(make_tiny: Callable[..., TextToVideo], tiny: TextToVideo) -> None:
    wanted = tiny.generate(PROMPT).frames
    for memory in ("8GB", "8 gb", 8, 4.5):
        model = make_tiny(memory=memory)
        assert np.array_equal(model.generate(PROMPT).frames, wanted)
        assert model.placement.plan is not None
        assert model.placement.plan.level == 1


def test_a_cancelled_clip_leaves_nothing_streamed_in(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    model = make_tiny(memory=by_level(tiny, len(STRATEGIES) - 1))
    before = [p.data_ptr() for p in model.unet.parameters()]

    def cancel(step: int, steps: int, latents: Tensor) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.generate(PROMPT, callback=cancel)
    assert [p.data_ptr() for p in model.unet.parameters()] == before


def test_a_budget_too_small_for_a_clip_is_refused_with_what_would_fit(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    small = t2v.plan(tiny, 3, 16, 28).peak_gb
    model = make_tiny(memory=small + 0.001)
    assert np.array_equal(model.generate(PROMPT).frames, tiny.generate(PROMPT).frames)
    with pytest.raises(t2v.SettingsError, match=r"^tiny: 400 frames of 28x16 want") as refused:
        model.generate(PROMPT, num_frames=400)
    told = re.search(r"what would fit: (\d+) frames of 28x16 in float32", str(refused.value))
    assert told is not None, refused.value
    frames, gb = int(told[1]), small + 0.001
    assert t2v.plan(tiny, frames, 16, 28, memory_gb=gb).peak_gb <= gb
    with pytest.raises(t2v.SettingsError):
        t2v.plan(tiny, frames + 1, 16, 28, memory_gb=gb)


def test_what_a_processor_would_be_killed_for_is_refused_without_a_budget_too(
    make_tiny: Callable[..., TextToVideo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("t2v.memory.placement.free_bytes", lambda device: 100_000_000)
    model = make_tiny()
    with pytest.raises(
        t2v.SettingsError, match=r"^tiny: 200000 frames of 28x16 want .* what would fit: \d+ fr"
    ):
        model.generate(PROMPT, num_frames=200_000)
    assert len(model.generate(PROMPT).frames) == 3  # a little more than there seems to be is tried


def test_a_plan_by_hand_holds_for_every_size_that_its_budget_has_room_for(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    plan = t2v.plan(tiny, 3, 16, 28, memory_gb=t2v.plan(tiny, 5, 16, 28).peak_gb + 0.001)
    model = make_tiny(memory=plan)
    assert np.array_equal(
        model.generate(PROMPT, num_frames=5).frames, tiny.generate(PROMPT, num_frames=5).frames
    )
    assert model.placement.plan is not None
    assert model.placement.plan.clip.frames == 5
    assert model.placement.plan.level == plan.level
    with pytest.raises(
        t2v.SettingsError, match=r"^tiny: 400 frames of 28x16 want .* what would fit: \d+ frame"
    ):
        model.generate(PROMPT, num_frames=400)


def test_a_clip_in_windows_is_planned_for_the_windows_frames(make_tiny: Callable[..., TextToVideo]) -> None:
    model = make_tiny(memory=4)
    model.generate(PROMPT, num_frames=6, window=3, num_steps=1)
    assert model.placement.plan is not None
    assert model.placement.plan.clip == ClipSize(6, 16, 28, 3)
    assert "6 frames, 3 at once, of 28x16" in str(model.placement.plan)


def test_deep_features_that_are_kept_of_every_window_and_branch_are_planned_for(
    make_tiny: Callable[..., TextToVideo],
) -> None:
    model = make_tiny(memory=4)
    model.generate(PROMPT, num_frames=6, window=3, num_steps=1)
    assert model.placement.plan is not None
    plain = model.placement.plan.peaks["film"]
    model.generate(PROMPT, num_frames=6, window=3, num_steps=1, cache_every=2)
    config = model.preset.unet
    one = 3 * 4 * 7 * config.width * config.channel_multipliers[0] * 4  # bytes
    assert model.placement.plan.clip.cached_passes == 8  # four windows of 3 frames, two branches of guidance
    assert model.placement.plan.peaks["film"] - plain == 8 * one


@pytest.mark.parametrize("settings", [{}, {"guidance_every": 2}, {"window": 2, "window_stride": 1}])
def test_both_branches_of_guidance_in_one_pass_give_the_same_latents(
    make_tiny: Callable[..., TextToVideo], settings: dict[str, Any]
) -> None:
    def latents(model: TextToVideo) -> Tensor:
        seen: list[Tensor] = []
        model.generate(PROMPT, callback=lambda *step: seen.append(step[2].clone()), **settings)
        return seen[-1]

    rows: list[int] = []
    model = make_tiny(memory=by_level(make_tiny(), 0))
    model.unet.register_forward_pre_hook(lambda _, args: rows.append(len(args[0])))
    apart, together = latents(make_tiny()), latents(model)
    assert 2 in rows
    assert (apart - together).abs().max() <= 1e-5 * apart.abs().max()
