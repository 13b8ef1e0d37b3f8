from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import t2v
from t2v.configs import MODELSCOPE
from t2v.memory.footprint import (
    count_parameters,
    decoder_activation_bytes,
    meta_network,
    peak_bytes,
    unet_activation_bytes,
)
from t2v.memory.plan import (
    GB,
    OVERHEAD_GB,
    STRATEGIES,
    TILE,
    ClipSize,
    candidate_plans,
    choose_dtype,
    expected_peaks,
    leaner_plan,
    most_frames,
)
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Chunks
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

PEAK = Path(__file__).parent.parent.parent / "benchmarks" / "peak.py"


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
    with pytest.raises(t2v.SettingsError, match=r"3 frames of 28x16 want 0\.\d GB at least.*a smaller"):
        t2v.plan(tiny, memory_gb=0.01)


@pytest.mark.parametrize("grows", [lambda f: 100 + 7 * f, lambda f: max(500, 9 * f), lambda f: f * f])
@pytest.mark.parametrize("budget", [99, 107, 499, 500, 5000, 99_999])
def test_the_most_frames_that_fit_are_found_with_a_few_guesses(
    grows: Callable[[int], int], budget: int
) -> None:
    asked: list[int] = []

    def peak(frames: int) -> int:
        asked.append(frames)
        return grows(frames)

    found = most_frames(peak, 100_000, budget)
    assert found == max((f for f in range(1, 20_000) if grows(f) <= budget), default=0)
    assert len(asked) <= 3 * 17  # a third of them halve what is left


def test_leaner_plans_are_leaner_and_end(tiny: TextToVideo) -> None:
    plan = next(candidate_plans(tiny.preset, ClipSize(8, 128, 128), "cuda", torch.float32, None))
    peaks = [plan.peak]
    while (leaner := leaner_plan(plan, tiny.preset)) is not None:
        plan = leaner
        peaks.append(plan.peak)
    assert len(peaks) >= 3
    assert peaks == sorted(set(peaks), reverse=True)


def test_pieces_lower_the_peak_and_half_precision_halves_it(tiny: TextToVideo) -> None:
    def films(chunks: Chunks, dtype: torch.dtype) -> int:
        level = next(r for r in STRATEGIES if r.chunks == chunks and not r.both_branches)
        return expected_peaks(tiny.preset, ClipSize(16, 256, 256), "cpu", dtype, level)["film"]

    base = expected_peaks(tiny.preset, ClipSize(1, 4, 4), "cpu", torch.float32, STRATEGIES[1])["film"]
    whole, pieces = (films(c, torch.float32) - base for c in (Chunks(), Chunks(frames=1, rows=1024)))
    assert pieces < 0.8 * whole
    half = films(Chunks(), torch.bfloat16) - base
    assert 0.4 * whole < half < 0.62 * whole


def test_the_published_network_has_the_weights_that_are_planned_for() -> None:
    total, largest, two = count_parameters(UNet3D, MODELSCOPE.unet)
    assert total == 1_411_233_860
    assert 50e6 < largest < 80e6
    assert largest < two <= 2 * largest
    assert count_parameters(Autoencoder, MODELSCOPE.autoencoder)[0] == 83_653_863
    assert {p.dtype for p in meta_network(UNet3D, MODELSCOPE.unet).parameters()} == {torch.float32}


def test_small_clips_on_a_gpu_take_both_branches_at_once_where_there_is_room(tiny: TextToVideo) -> None:
    small = t2v.plan(tiny.preset, 8, 128, 128, memory_gb=4)
    assert "guidance  both branches at once" in str(small)
    apart = next(
        p for p in candidate_plans(tiny.preset, small.clip, "cuda", torch.float16, None) if p.level == 1
    )
    assert apart.peak < small.peak
    tight = t2v.plan(tiny.preset, 8, 128, 128, memory_gb=(small.peak_gb + apart.peak_gb) / 2)
    large = t2v.plan(tiny.preset, 16, 256, 256, memory_gb=8)
    for plan in (tight, large, t2v.plan(tiny.preset, 8, 128, 128, memory_gb=8, device="cpu")):
        assert "guidance  one branch after the other" in str(plan)


def test_only_the_leanest_plan_decodes_in_tiles_and_says_that_it_is_approximate(tiny: TextToVideo) -> None:
    for device in ("cuda", "cpu"):
        *others, leanest = candidate_plans(tiny.preset, ClipSize(1, 600, 600), device, torch.float32, None)
        run, whole = (p.peaks["decode"] - OVERHEAD_GB[device] * GB for p in (leanest, others[-1]))
        assert run < 0.6 * whole
        assert f"in overlapping tiles of {TILE}x{TILE} latents: approximate in tone" in str(leanest)
        assert not any("approximate" in str(plan) for plan in others)


def test_windows_are_planned_for_their_own_frames(tiny: TextToVideo) -> None:
    whole, windows, short = (
        t2v.plan(tiny.preset, frames, 128, 128, window=window, memory_gb=8).peaks["film"]
        for frames, window in ((128, None), (128, 16), (16, None))
    )
    assert short < windows < short + 0.1 * (whole - short)


def without_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2v.memory.precision._cpu_is_faster_in_bf16", lambda: False)


def test_where_fp32_would_not_fit_and_none_was_asked_for_the_plan_takes_half_and_says_so(
    tiny: TextToVideo, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    without_half(monkeypatch)
    preset = replace(tiny.preset, num_frames=8, sizes={"1:1": (256, 256)})
    single, half = (
        [p.peak for p in candidate_plans(preset, ClipSize(8, 256, 256), "cpu", dtype, None)][-1]
        for dtype in (torch.float32, torch.bfloat16)
    )
    between = (single + half) / 2
    plan = t2v.plan(preset, memory_gb=between / GB, device="cpu")
    assert plan.dtype == torch.bfloat16
    assert "bfloat16 (float32 would not fit) on cpu" in str(plan)
    assert t2v.plan(preset, memory_gb=2 * single / GB, device="cpu").dtype == torch.float32
    assert choose_dtype(preset, "cpu", int(2 * single)) == torch.float32
    assert not caplog.records
    assert choose_dtype(preset, "cpu", int(between)) == torch.bfloat16
    assert "float32 would not fit into the memory there is, so it is loaded in bfloat16" in caplog.text
    with pytest.raises(t2v.SettingsError, match="all 8 in bfloat16"):  # asked for, so never changed
        t2v.plan(preset, memory_gb=between / GB, device="cpu", dtype=torch.float32)


def test_what_a_plan_expects_is_the_same_inside_inference_mode(tiny: TextToVideo) -> None:
    def peaks() -> list[dict[str, int]]:
        for function in (meta_network, unet_activation_bytes, decoder_activation_bytes):
            function.cache_clear()
        return [
            p.peaks for p in candidate_plans(tiny.preset, ClipSize(3, 32, 32), "cpu", torch.float32, None)
        ]

    outside = peaks()
    with torch.inference_mode():
        assert peaks() == outside


@pytest.mark.parametrize("memory", ["", "much", "-3", "0GB", "8TB"])
def test_a_budget_that_is_none_is_refused(make_tiny: Callable[..., TextToVideo], memory: str) -> None:
    with pytest.raises(t2v.SettingsError, match='wanted "auto" or gigabytes'):
        make_tiny(memory=memory)


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", [[], ["--level", "4", "--dtype", "float32"], ["--level", "5", "--streamed"]], ids=str
)
def test_a_clip_takes_the_memory_that_its_plan_expects(case: list[str], tmp_path: Path) -> None:
    where = [str(tmp_path / "weights")] if "--streamed" in case else []
    done = subprocess.run(
        [sys.executable, str(PEAK), *case, *where], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["measured_gb"] * GB > 0.5 * GB
    assert 0.9 < told["measured / expected"] < 1.1, told


@pytest.mark.slow
def test_the_page_about_models_has_the_tables_that_the_plans_give() -> None:
    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "models.md").read_text("utf-8")
    done = subprocess.run([sys.executable, docs / "memory.py"], capture_output=True, text=True, check=True)
    of_memory, of_models = done.stdout.rsplit("\n\n", 1)
    assert of_memory in page
    assert of_models in page


@pytest.mark.slow
def test_the_example_of_the_page_about_models_prints_a_plan(capsys: pytest.CaptureFixture[str]) -> None:
    page = Path(__file__).parents[3] / "docs" / "models.md"
    (example,) = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    exec(compile(example, str(page), "exec"), {})
    assert capsys.readouterr().out.startswith(
        "modelscope in float16 on cuda, 30 frames of 576x320, in 4.0 GB\n"
    )
