from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import t2v
from t2v.autoencoder import Autoencoder
from t2v.conditioning import Chunks
from t2v.configs import MODELSCOPE
from t2v.dry_run import peak_bytes
from t2v.memory import GB, LADDER, expected_peaks, on_meta, plans, smaller, weights_of
from t2v.pipeline import TextToVideo
from t2v.unet import UNet3D

PEAK = Path(__file__).parent.parent / "benchmarks" / "peak.py"


def test_the_memory_of_a_run_is_what_is_alive_at_once_and_not_what_was_ever_made() -> None:
    network = nn.Linear(1000, 1000, device="meta")

    def run() -> None:
        x = torch.empty(1000, 1000, device="meta")
        for _ in range(5):
            x = network(x)
        x.t()[:10]

    assert peak_bytes(network, run, "cuda") == 2 * 4_000_000


def test_a_view_of_a_weight_costs_nothing() -> None:
    network = nn.Linear(1000, 1000, device="meta")
    assert peak_bytes(network, lambda: network.weight.t()[:5], "cpu") == 0


def test_a_plan_in_4_6_and_8_gb_films_what_people_film_there_and_prints_what_it_does() -> None:
    four = t2v.plan(t2v.MODELSCOPE, num_frames=24, height=192, width=192, memory_gb=4)
    six = t2v.plan(t2v.MODELSCOPE, num_frames=24, height=256, width=256, memory_gb=6)
    assert four.peak_gb < 4
    assert six.peak_gb < 6
    assert str(four).splitlines()[:2] == [
        "modelscope in float16 on cuda, 24 frames of 192x192, in 4.0 GB",
        "  weights   one network at a time on the device",
    ]
    assert f"expected  {four.peak_gb:.2f} GB at the peak" in str(four)


@pytest.mark.slow
@pytest.mark.parametrize("gb", [24, 16, 12, 8, 6, 4])
def test_there_is_a_plan_for_every_card_and_its_peak_is_within_the_card(gb: int) -> None:
    sizes = {24: (24, 576, 1024), 16: (24, 576, 1024), 12: (24, 320, 576), 8: (30, 320, 576)}
    frames, height, width = sizes.get(gb, (24, 192, 192))
    assert t2v.plan(t2v.MODELSCOPE, frames, height, width, memory_gb=gb).peak_gb < gb


def test_what_no_plan_fits_is_refused_in_one_line_with_what_it_would_want(tiny: TextToVideo) -> None:
    with pytest.raises(t2v.SettingsError, match=r"3 frames of 28x16 want 0\.\d GB at least.*fewer frames"):
        t2v.plan(tiny, memory_gb=0.01)


def test_leaner_plans_are_leaner_and_end(tiny: TextToVideo) -> None:
    plan = next(plans(tiny.preset, (8, 128, 128), "cuda", torch.float32, None))
    peaks = [plan.peak]
    while (leaner := smaller(plan, tiny.preset)) is not None:
        plan = leaner
        peaks.append(plan.peak)
    assert len(peaks) >= 3
    assert peaks == sorted(set(peaks), reverse=True)


def test_pieces_lower_the_peak_and_half_precision_halves_it(tiny: TextToVideo) -> None:
    def films(chunks: Chunks, dtype: torch.dtype) -> int:
        rung = next(r for r in LADDER if r.chunks == chunks)
        return expected_peaks(tiny.preset, (16, 256, 256), "cpu", dtype, rung)["film"]

    base = expected_peaks(tiny.preset, (1, 4, 4), "cpu", torch.float32, LADDER[0])["film"]
    whole, pieces = (films(c, torch.float32) - base for c in (Chunks(), Chunks(frames=1, rows=1024)))
    assert pieces < 0.8 * whole
    half = films(Chunks(), torch.bfloat16) - base
    assert 0.4 * whole < half < 0.62 * whole


def test_the_published_network_has_the_weights_that_are_planned_for() -> None:
    total, largest = weights_of(UNet3D, MODELSCOPE.unet)
    assert total == 1_411_233_860
    assert 50e6 < largest < 80e6
    assert weights_of(Autoencoder, MODELSCOPE.autoencoder)[0] == 83_653_863
    assert {p.dtype for p in on_meta(UNet3D, MODELSCOPE.unet).parameters()} == {torch.float32}


@pytest.mark.parametrize("memory", ["", "much", "-3", "0GB", "8TB"])
def test_a_budget_that_is_none_is_refused(make_tiny: Callable[..., TextToVideo], memory: str) -> None:
    with pytest.raises(t2v.SettingsError, match='wanted "auto" or gigabytes'):
        make_tiny(memory=memory)


@pytest.mark.slow
@pytest.mark.parametrize("case", [[], ["--rung", "3"], ["--rung", "4", "--streamed"]], ids=str)
def test_a_clip_takes_the_memory_that_its_plan_expects(case: list[str], tmp_path: Path) -> None:
    where = [str(tmp_path / "weights")] if "--streamed" in case else []
    done = subprocess.run(
        [sys.executable, str(PEAK), *case, *where], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["measured_gb"] * GB > 0.5 * GB
    assert 0.9 < told["measured / expected"] < 1.1, told
