"""Memory that is short changes how a clip is filmed, never what it shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import t2v
from t2v.memory import LADDER, Plan, expected_peaks
from t2v.pipeline import TextToVideo
from t2v.placement import is_out_of_memory, stream

CLIP = (3, 16, 28)
PROMPT = "a red fish"


def by_rung(tiny: TextToVideo, rung: int) -> Plan:
    peaks = expected_peaks(tiny.preset, CLIP, "cpu", torch.float32, LADDER[rung])
    return Plan("tiny", "cpu", torch.float32, CLIP, rung, None, peaks)


@pytest.mark.parametrize("rung", range(len(LADDER)))
def test_every_plan_films_the_same_clip(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo, rung: int
) -> None:
    model = make_tiny(memory=by_rung(tiny, rung))
    difference = np.abs(model.generate(PROMPT).frames.astype(int) - tiny.generate(PROMPT).frames)
    assert difference.max() <= 1


def test_a_layer_that_is_streamed_has_copies_of_its_weights_only_while_it_runs() -> None:
    layer, x = nn.Linear(4, 4), torch.ones(1, 4)
    kept, wanted = layer.weight.data_ptr(), layer(x)
    inside: list[int] = []
    hooks = stream(layer, torch.device("cpu"))
    hooks.append(layer.register_forward_pre_hook(lambda m, _: inside.append(m.weight.data_ptr())))
    assert torch.equal(layer(x), wanted)
    assert inside != [kept]
    assert layer.weight.data_ptr() == kept
    for hook in hooks:
        hook.remove()


def test_a_streamed_layer_that_fails_gives_its_weights_back_too() -> None:
    layer = nn.Linear(4, 4)
    kept = layer.weight.data_ptr()
    stream(layer, torch.device("cpu"))
    with pytest.raises(RuntimeError):
        layer(torch.ones(1, 5))
    assert layer.weight.data_ptr() == kept


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
    assert model.placement.plan.rung > 0
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
        assert model.placement.plan.rung == 0


def test_a_cancelled_clip_leaves_nothing_streamed_in(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    model = make_tiny(memory=by_rung(tiny, len(LADDER) - 1))
    before = [p.data_ptr() for p in model.unet.parameters()]

    def cancel(step: int, steps: int, latents: Tensor) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.generate(PROMPT, callback=cancel)
    assert [p.data_ptr() for p in model.unet.parameters()] == before
