"""A model that is closed: its weights are freed, and using it is an error that says so."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable

import numpy as np
import pytest
import torch

import t2v
from t2v.memory.plan import STRATEGIES, ClipSize, MemoryPlan, expected_peaks
from t2v.pipeline import TextToVideo

PROMPT = "a red fish"


def test_closing_frees_the_weights(make_tiny: Callable[..., TextToVideo]) -> None:
    model = make_tiny()
    model.generate(PROMPT, num_steps=1)
    weights = [weakref.ref(part) for part in model.parts.values()]
    model.close()
    assert [ref() for ref in weights] == [None, None, None]
    model.close()  # once more does nothing


def test_closing_ends_the_streaming_of_weights(make_tiny: Callable[..., TextToVideo]) -> None:
    level, size, preset = len(STRATEGIES) - 1, ClipSize(3, 16, 28), make_tiny().preset
    peaks = expected_peaks(preset, size, "cpu", torch.float32, STRATEGIES[level])
    model = make_tiny(memory=MemoryPlan("tiny", "cpu", torch.float32, size, level, None, 4, peaks))
    model.generate(PROMPT, num_steps=1)
    unet = weakref.ref(model.unet)
    model.close()
    gc.collect()
    assert unet() is None


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.generate(PROMPT),
        lambda model: model.unet,
        lambda model: model.text_encoder([PROMPT]),
        lambda model: model.autoencoder,
        lambda model: t2v.set_loras(model, []),
        lambda model: t2v.save(model, "nowhere"),
    ],
)
def test_a_closed_model_says_that_it_is_closed(
    make_tiny: Callable[..., TextToVideo], use: Callable[[TextToVideo], object]
) -> None:
    with make_tiny() as model:
        model.generate(PROMPT, num_steps=1)
    with pytest.raises(RuntimeError, match="tiny: this model is closed; load it again to use it"):
        use(model)


def test_toon_is_loaded_closed_and_loaded_again() -> None:
    with t2v.load("toon", device="cpu") as model:
        origin = model.origin
        assert origin is not None
        assert origin.tensors
    assert model.origin is not None
    assert not model.origin.tensors
    assert model.origin.licence == origin.licence


def test_a_clip_that_is_being_filmed_is_finished_first(make_tiny: Callable[..., TextToVideo]) -> None:
    model = make_tiny()
    wanted = model.generate(PROMPT).frames
    closing: list[threading.Thread] = []

    def close(step: int, *_: object) -> None:
        if step == 1:
            closing.append(threading.Thread(target=model.close))
            closing[0].start()

    assert np.array_equal(model.generate(PROMPT, callback=close).frames, wanted)
    closing[0].join(timeout=30)
    with pytest.raises(RuntimeError, match="closed"):
        model.generate(PROMPT)
