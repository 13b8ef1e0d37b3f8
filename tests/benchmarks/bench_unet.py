"""UNet forward against diffusers' UNet3DConditionModel, 16 frames of 16x16 latents (128² pixels).

    python tests/benchmarks/bench_unet.py [--width 64] [--threads 2] [--rounds 5] [--profile]

Width 320 is the published network: 1.41 billion parameters, 5.7 GB a copy in fp32. Both networks then share
every tensor.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from pairs import fill, flops, gemm, latents_and_text, parity, say, seconds, table
from torch import Tensor, nn

from t2v.configs import MODELSCOPE, UNetConfig
from t2v.networks.unet import UNet3D


def networks(config: UNetConfig) -> tuple[Any, UNet3D]:
    """diffusers' network and ours, on the same memory."""
    unet = parity("test_unet_parity")
    theirs = unet.reference(config).eval().requires_grad_(False)
    fill(theirs, 1)
    with torch.device("meta"):
        ours = UNet3D(config).eval().requires_grad_(False)
    ours.load_state_dict(unet.as_modelscope(theirs.state_dict(), config), strict=True, assign=True)
    return theirs, ours


def runs(theirs: Any, ours: nn.Module, inputs: tuple[Tensor, Tensor, Tensor]) -> dict[str, Callable[[], Any]]:
    kind = "bf16" if inputs[0].dtype == torch.bfloat16 else "fp32"
    return {
        f"diffusers {kind}": lambda: theirs(*inputs).sample,
        f"t2v {kind}": lambda: ours(*inputs),
    }


def profile(run: Callable[[], Any]) -> None:
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as record

    with record(activities=[ProfilerActivity.CPU]) as recorded:
        run()
    say(str(recorded.key_averages().table(sort_by="self_cpu_time_total", row_limit=16)))


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    config = replace(MODELSCOPE.unet, width=options.width)
    theirs, ours = networks(config)
    inputs = latents_and_text(config.context_dim)
    limit = {"fp32": gemm(torch.float32), "bf16": gemm(torch.bfloat16)}
    both = runs(theirs, ours, inputs)
    work = flops(next(iter(both.values())))
    wanted, got = (run() for run in both.values())
    say(f"UNet of width {options.width}, {sum(p.numel() for p in ours.parameters()) / 1e6:.0f}M parameters")
    say(f"  {options.threads} threads; GEMM {limit['fp32']:.0f} (fp32), {limit['bf16']:.0f} (bf16) GFLOP/s")
    say(
        f"  largest difference / standard deviation: {((got - wanted).abs().max() / wanted.std()).item():.1e}"
    )
    took = seconds(both, options.rounds)
    if options.profile:
        for run in both.values():
            profile(run)
    theirs.bfloat16()
    state = parity("test_unet_parity").as_modelscope(theirs.state_dict(), config)
    ours.load_state_dict(state, strict=True, assign=True)
    half = (inputs[0].bfloat16(), inputs[1], inputs[2].bfloat16())
    both = runs(theirs, ours, half)
    took |= seconds(both, options.rounds)
    if options.profile:
        for run in both.values():
            profile(run)
    table("forward, 16 frames of 16x16 latents", took, work, limit)
    say(f"  fp32: {took['diffusers fp32'] / took['t2v fp32']:.3f} × diffusers' fp32")
    say(f"  bf16: {took['diffusers bf16'] / took['t2v bf16']:.3f} × diffusers' bf16")


if __name__ == "__main__":
    main()
