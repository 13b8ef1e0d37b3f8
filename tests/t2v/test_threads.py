"""One model in several threads: films and plans are those made alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor

import t2v
from t2v.memory.footprint import (
    count_parameters,
    decoder_activation_bytes,
    meta_network,
    unet_activation_bytes,
)
from t2v.memory.plan import STRATEGIES, ClipSize, MemoryPlan, candidate_plans, expected_peaks
from t2v.networks.conditioning import Chunks, LayerOptions
from t2v.pipeline import TextToVideo
from t2v.sampling.settings import GenerateSettings

T = TypeVar("T")
PROMPT = "a red fish"
SETTINGS: tuple[GenerateSettings, ...] = (
    {"num_steps": 2, "height": 20, "width": 20},
    {"num_steps": 2, "num_frames": 5, "loop": True},
    {"num_steps": 3, "speed": "fast"},
    {"num_steps": 2, "num_frames": 4, "window": 3, "cache_every": 2},
)


def at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """The results of jobs that begin together, a thread each."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T:
        start.wait(timeout=30)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def films(model: TextToVideo) -> list[Callable[[], np.ndarray]]:
    def film(settings: GenerateSettings) -> Callable[[], np.ndarray]:
        return lambda: model.generate(PROMPT, seed=3, **settings).frames

    return [film(settings) for settings in SETTINGS]


def plan_at(level: int, preset: t2v.Preset) -> MemoryPlan:
    size = ClipSize(3, 16, 28)
    peaks = expected_peaks(preset, size, "cpu", torch.float32, STRATEGIES[level])
    return MemoryPlan("tiny", "cpu", torch.float32, size, level, None, 4, peaks)


@pytest.mark.parametrize(
    "level", [None, 4, len(STRATEGIES) - 1], ids=["auto", "in chunks", "streamed, in tiles"]
)
def test_films_made_at_once_with_one_model_are_those_made_alone(
    make_tiny: Callable[..., TextToVideo], level: int | None
) -> None:
    model = make_tiny()
    if level is not None:
        model = make_tiny(memory=plan_at(level, model.preset))
    alone = [film() for film in films(model)]
    assert all(map(np.array_equal, at_once(films(model)), alone))


def test_a_clip_that_half_precision_cannot_hold_disturbs_no_film_beside_it(
    make_tiny: Callable[..., TextToVideo],
) -> None:
    model = make_tiny(dtype=torch.float16)
    with torch.no_grad():
        model.unet.out[0].weight.fill_(6e4)
        model.unet.out[2].weight.mul_(100)
    with pytest.warns(t2v.PrecisionWarning):
        alone = [film() for film in films(model)]
    with pytest.warns(t2v.PrecisionWarning):
        assert all(map(np.array_equal, at_once(films(model)), alone))
    assert {p.dtype for part in model.parts.values() for p in part.parameters()} == {torch.float16}


@torch.inference_mode()
def test_the_networks_keep_no_state_so_that_passes_of_other_options_may_cross(tiny: TextToVideo) -> None:
    latents = torch.randn(1, 4, 3, 4, 7, generator=torch.Generator().manual_seed(1))
    t, text = torch.tensor([500]), tiny.text_encoder([PROMPT])
    options = [
        LayerOptions(),
        LayerOptions(Chunks(1, 8)),
        LayerOptions(ring=True),
        LayerOptions(Chunks(2), still=True),
    ]

    def passes(one: LayerOptions, tile: int | None) -> Callable[[], list[Tensor]]:
        @torch.inference_mode()
        def run() -> list[Tensor]:
            return [
                *(tiny.unet(latents, t, text, options=one) for _ in range(4)),
                tiny.autoencoder.decode(latents, tile),
            ]

        return run

    jobs = [passes(one, tile) for one, tile in zip(options, (None, 3, 4, None), strict=True)]
    alone = [job() for job in jobs]
    for together, wanted in zip(at_once(jobs), alone, strict=True):
        assert all(map(torch.equal, together, wanted))


def test_plans_made_at_once_are_those_made_alone(tiny: TextToVideo) -> None:
    def every_plan(frames: int, side: int, device: str, dtype: torch.dtype) -> Callable[[], list[MemoryPlan]]:
        return lambda: list(candidate_plans(tiny.preset, ClipSize(frames, side, side), device, dtype, None))

    jobs = [
        every_plan(3, 64, "cuda", torch.float32),
        every_plan(8, 128, "cuda", torch.float16),
        every_plan(8, 128, "cpu", torch.bfloat16),
    ]

    def forget() -> None:
        for function in (meta_network, unet_activation_bytes, decoder_activation_bytes, count_parameters):
            function.cache_clear()

    forget()
    alone = [job() for job in jobs]
    forget()
    assert at_once(jobs) == alone


def test_a_callback_may_film_with_the_same_model(tiny: TextToVideo) -> None:
    inner: list[np.ndarray] = []

    def film(step: int, *_: object) -> None:
        if step == 1:
            inner.append(tiny.generate(PROMPT, height=20, width=20).frames)

    outer = tiny.generate(PROMPT, callback=film).frames
    assert np.array_equal(outer, tiny.generate(PROMPT).frames)
    assert np.array_equal(inner[0], tiny.generate(PROMPT, height=20, width=20).frames)
