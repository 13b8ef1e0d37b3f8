"""The published sizes, with random weights in half precision: minutes, 8 GB of memory, 8 GB of disk."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import t2v
from t2v.configs import MODELSCOPE
from t2v.pipeline import TextToVideo

HALF: dict[str, Any] = {"device": "cpu", "dtype": torch.float16}

MEASURE = """
import sys, threading, torch, t2v, open_clip.transformer, safetensors.torch
from t2v import loading
from t2v.networks.unet import UNet3D

def anonymous():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) * 1024

torch.zeros(10).sum()
before, peak, done = anonymous(), [0], threading.Event()

def watch():
    while not done.wait(0.002):
        peak[0] = max(peak[0], anonymous())

watcher = threading.Thread(target=watch)
watcher.start()
model = t2v.load(sys.argv[1], device="cpu", dtype=getattr(torch, sys.argv[2]))
done.set(), watcher.join()
modules = model.unet, model.autoencoder, model.text_encoder
weights = sum(p.nbytes for m in modules for p in m.parameters())
print((max(peak[0], anonymous()) - before) / weights)
"""


def ratio(folder: Path, dtype: str) -> float:
    """Peak of anonymous memory at loading, in a fresh process, over the weights in that precision."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), dtype],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(t2v.__file__).parent.parent)},
        check=True,
    )
    return float(done.stdout)


def fill(module: nn.Module, seed: int) -> None:
    """Random weights of a fitting size, cut from one pool."""
    pool = torch.randn(1_000_003, generator=torch.Generator().manual_seed(seed)).half()
    start = 0
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            copies = parameter.numel() // len(pool) + 2
            flat = pool.repeat(copies)[start : start + parameter.numel()].view(parameter.shape)
            norm = parameter.ndim == 1 and name.endswith("weight")
            scale = parameter[0].numel() ** -0.5 if parameter.ndim > 1 else 0.1
            parameter.copy_(flat * scale + (1.0 if norm else 0.0))
            start = (start + parameter.numel()) % len(pool)


def published() -> TextToVideo:
    from t2v.networks.autoencoder import Autoencoder
    from t2v.networks.text_encoder import TextEncoder
    from t2v.networks.unet import UNet3D

    with torch.device("meta"):
        text_encoder = TextEncoder(MODELSCOPE.text_encoder)
        parts = [UNet3D(MODELSCOPE.unet), Autoencoder(MODELSCOPE.autoencoder)]
    for i, module in enumerate([text_encoder, *parts]):
        module.half().to_empty(device="cpu")
        fill(module, i)
    return TextToVideo(MODELSCOPE, text_encoder, *parts, device=torch.device("cpu"), dtype=torch.float16)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = t2v.save(published(), tmp_path_factory.mktemp("models") / "official")
    yield folder
    for path in folder.glob("*.*"):
        path.unlink()  # pytest keeps its folders, and this one is large


@pytest.mark.slow
def test_the_official_folder_films_a_step(official: Path) -> None:
    """In bf16 or fp32, whichever the processor has: half precision takes it minutes a step."""
    video = t2v.load(official, device="cpu").generate("a cat", num_steps=1, num_frames=2, height=64, width=64)
    assert video.frames.shape == (2, 64, 64, 3)
    assert video.frames.std() > 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch_dtype:FutureWarning")
def test_the_official_folder_is_saved_for_diffusers_and_loaded_there(official: Path, tmp_path: Path) -> None:
    from diffusers import TextToVideoSDPipeline

    model = t2v.load(official, **HALF)
    assert len(model.unet.state_dict()) == 1480
    assert sum(p.numel() for p in model.unet.parameters()) == 1_411_233_860
    assert sum(p.numel() for p in model.autoencoder.parameters()) == 83_653_863
    assert sum(p.numel() for p in model.text_encoder.parameters()) == 354_032_640
    folder = t2v.save(model, tmp_path / "diffusers", layout="diffusers")
    latents = torch.randn(1, 4, 2, 8, 8, generator=torch.Generator().manual_seed(1)).half()
    t, text = torch.tensor([981]), model.text_encoder(["a cat"])
    with torch.inference_mode():
        ours = model.unet(latents, t, text)
    own = {k: fingerprint(v) for k, v in model.unet.state_dict().items()}
    del model
    pipe = TextToVideoSDPipeline.from_pretrained(folder, torch_dtype=torch.float16)
    theirs = pipe.unet.state_dict()
    assert len(theirs) == 1480
    assert sorted(own.values()) == sorted(fingerprint(v) for v in theirs.values())
    with torch.inference_mode():
        wanted = pipe.unet(latents, t, text).sample
    assert (ours - wanted).float().abs().max() < 0.03 * wanted.float().std()
    for path in folder.rglob("*.safetensors"):
        path.unlink()


def fingerprint(tensor: Tensor) -> tuple[int, int, int]:
    """Count and two sums over the bits: equal for equal numbers in whatever shape."""
    bits = tensor.contiguous().view(torch.int16).flatten().long()
    weights = torch.arange(len(bits)) % 8191
    return len(bits), int(bits.sum()), int((bits * weights).sum())


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what is anonymous")
def test_loading_takes_no_more_memory_than_the_weights(official: Path) -> None:
    assert ratio(official, "float16") <= 1.1
    assert ratio(official, "float32") <= 1.1
