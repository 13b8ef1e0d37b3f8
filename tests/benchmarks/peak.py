"""The memory that one clip takes in a fresh process, beside what its plan expects; one line of JSON.

    python tests/benchmarks/peak.py --level 1 --dtype bfloat16 --frames 16 --size 128 [--streamed FILE]

The published network with weights of no meaning, one step with guidance. Measured is the anonymous resident
set at its highest, sampled every 2 ms. `--streamed` keeps the UNet's weights in a file that is mapped, as a
checkpoint is: then layers are brought into memory one after the other, and mapped pages do not count.
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
from pathlib import Path

import torch
from torch import nn

from t2v.configs import MODELSCOPE
from t2v.memory.plan import GB, STRATEGIES, ClipSize, MemoryPlan, expected_peaks
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo


class Peak(threading.Thread):
    """The most anonymous memory that this process holds until `stop`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.002):
            self.look()

    def look(self) -> None:
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("RssAnon"):
                self.most = max(self.most, int(line.split()[1]) * 1024)

    def stop(self) -> int:
        self._ended.set()
        self.join()
        self.look()
        return self.most


def fill(network: nn.Module, dtype: torch.dtype) -> None:
    """Weights in memory of their own."""
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            value = torch.full(parameter.shape, 1.0 if "Norm" in type(module).__name__ else 1e-3, dtype=dtype)
            setattr(module, name, nn.Parameter(value, requires_grad=False))


def map_file(network: nn.Module, dtype: torch.dtype, path: Path) -> None:
    """Weights that lie in a mapped file."""
    total = sum(p.numel() for p in network.parameters())
    with path.open("wb") as file:
        file.truncate(total * dtype.itemsize)
    flat = torch.from_file(str(path), shared=True, size=total, dtype=dtype)
    offset = 0
    for module in network.modules():
        for name, parameter in module.named_parameters(recurse=False):
            values = flat[offset : offset + parameter.numel()].view(parameter.shape)
            offset += parameter.numel()
            setattr(module, name, nn.Parameter(values, requires_grad=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--level", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="bfloat16")
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--streamed", type=Path)
    options = parser.parse_args()
    dtype = getattr(torch, options.dtype)
    clip = ClipSize(options.frames, options.size, options.size)
    peaks = expected_peaks(MODELSCOPE, clip, "cpu", dtype, STRATEGIES[options.level])
    with torch.device("meta"):
        text_encoder, unet = TextEncoder(MODELSCOPE.text_encoder), UNet3D(MODELSCOPE.unet)
        autoencoder = Autoencoder(MODELSCOPE.autoencoder)
    peak = Peak()
    peak.start()
    for network in (text_encoder, autoencoder):
        fill(network, dtype)
    if options.streamed is None:
        fill(unet, dtype)
    else:
        map_file(unet, dtype, options.streamed)
    mask = text_encoder.tower.build_causal_mask()
    text_encoder.tower.register_buffer("attn_mask", mask.to(dtype), persistent=False)
    plan = MemoryPlan(
        "modelscope", "cpu", dtype, clip, options.level, None, MODELSCOPE.autoencoder.factor, peaks
    )
    model = TextToVideo(
        MODELSCOPE, text_encoder, unet, autoencoder, device=torch.device("cpu"), dtype=dtype, memory=plan
    )
    model.generate("a cat", num_frames=clip.frames, height=clip.height, width=clip.width, num_steps=1)
    measured = peak.stop()
    report = {
        "level": options.level,
        "dtype": options.dtype,
        "clip": clip,
        "streamed": bool(options.streamed),
    }
    report |= {"expected_gb": round(plan.peak_gb, 3), "measured_gb": round(measured / GB, 3)}
    report |= {"measured / expected": round(measured / plan.peak, 3)}
    report |= {"stages": {k: round(v / GB, 3) for k, v in plan.peaks.items()}}
    sys.stdout.write(json.dumps(report) + "\n")


if __name__ == "__main__":
    main()
