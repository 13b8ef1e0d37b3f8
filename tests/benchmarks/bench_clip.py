"""Autoencoder, whole clips and what they cost against frames and size, beside diffusers on the same weights.

    python tests/benchmarks/bench_clip.py [--width 64] [--steps 50] [--threads 2] [--rounds 5]

The clip has 16 frames of 128² and guidance 9: every step asks the network twice. "shared once" is the text's
keys and values over all steps and the timestep's embedding for both branches.
"""

from __future__ import annotations

import argparse
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from bench_unet import networks
from pairs import fill, flops, gemm, latents_and_text, parity, say, seconds, table
from torch import Tensor

from t2v.configs import MODELSCOPE
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Memo
from t2v.networks.unet import UNet3D
from t2v.sampling.guidance import Branches, Guidance, guided_denoiser
from t2v.sampling.samplers import sample_ddim
from t2v.sampling.schedule import noise_schedule, timesteps

LOADING = """
import time
begin = time.perf_counter()
import t2v
t2v.load("toon")
print(time.perf_counter() - begin)
"""


def autoencoder(rounds: int, limit: dict[str, float]) -> None:
    module, config = parity("test_autoencoder_parity"), MODELSCOPE.autoencoder
    theirs = module.reference(config).eval().requires_grad_(False)
    fill(theirs, 2)
    ours = Autoencoder(config).eval().requires_grad_(False)
    took: dict[str, float] = {}
    latents = torch.randn(1, 4, 1, 16, 16, generator=torch.Generator().manual_seed(1))
    work = flops(lambda: theirs.decode(latents[:, :, 0]).sample)
    for kind, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        theirs.to(dtype)
        ours.load_state_dict(module.as_latent_diffusion(theirs.state_dict(), config), assign=True)
        image = latents[:, :, 0].to(dtype)
        took |= seconds(
            {
                f"diffusers {kind}": lambda image=image: theirs.decode(image).sample,  # type: ignore[misc]
                f"t2v {kind}": lambda: ours.decode(latents),
            },
            rounds,
        )
    table("autoencoder, decoding one frame of 128²", took, work, limit)


def sampled(network: Callable[..., Tensor], steps: int, *, context: int, once: bool) -> Tensor:
    """A clip's latents, DDIM with guidance 9."""
    noise, _, text = latents_and_text(context)
    schedule, extra = noise_schedule(MODELSCOPE.schedule), {"once": Memo()} if once else {}

    def predict(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        answer: Any = network(latents, t, text, **extra)
        return answer if isinstance(answer, Tensor) else answer.sample

    denoise = guided_denoiser(Branches(predict, text, text * 0.5), schedule, "eps", Guidance(9.0))
    return sample_ddim(denoise, noise, schedule, timesteps(steps, schedule, "modelscope"))


def clips(theirs: Any, ours: UNet3D, steps: int, rounds: int) -> None:
    context = ours.config.context_dim
    took = seconds(
        {
            "diffusers": lambda: sampled(theirs, steps, context=context, once=False),
            "t2v": lambda: sampled(ours, steps, context=context, once=False),
            "t2v, shared once": lambda: sampled(ours, steps, context=context, once=True),
        },
        rounds,
    )
    say(f"\nwhole clip, {steps} steps, guidance 9, fp32")
    for name, value in took.items():
        say(f"  {name:28s} {value:8.2f} s   {took['diffusers'] / value:5.2f} ×")


def curve(ours: UNet3D, rounds: int) -> None:
    """Seconds of a forward against frames and size, with the exponent of the power law nearest to them."""
    for title, shapes in (
        ("frames of 16x16 latents", [(f, 16) for f in (4, 8, 16, 32)]),
        ("latents on a side, 16 frames", [(16, s) for s in (8, 16, 24, 32)]),
    ):
        inputs = {f"{f} x {s}": latents_and_text(ours.config.context_dim, s, f) for f, s in shapes}
        took = seconds({k: lambda v=v: ours(*v) for k, v in inputs.items()}, rounds)  # type: ignore[misc]
        xs = [math.log(f if "frames of" in title else s) for f, s in shapes]
        ys = [math.log(value) for value in took.values()]
        x, y = sum(xs) / len(xs), sum(ys) / len(ys)
        slope = sum((a - x) * (b - y) for a, b in zip(xs, ys, strict=True)) / sum((a - x) ** 2 for a in xs)
        said = ", ".join(f"{name}: {value:.3f} s" for name, value in took.items())
        say(f"\n{title}: {said}; exponent {slope:.2f}")


def loading() -> None:
    """Seconds to load TOON in a fresh process; the first one may have to read from the disk."""
    took = [
        float(subprocess.run([sys.executable, "-c", LOADING], capture_output=True, check=True).stdout)
        for _ in range(3)
    ]
    say(f"\nloading TOON in a fresh process: first {took[0]:.2f} s, then {min(took[1:]):.2f} s")


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    limit = {"fp32": gemm(torch.float32), "bf16": gemm(torch.bfloat16)}
    say(f"GEMM {limit['fp32']:.0f} (fp32), {limit['bf16']:.0f} (bf16) GFLOP/s, {options.threads} threads")
    autoencoder(options.rounds, limit)
    theirs, ours = networks(replace(MODELSCOPE.unet, width=options.width))
    clips(theirs, ours, options.steps, options.rounds)
    curve(ours, options.rounds)
    loading()


if __name__ == "__main__":
    main()
