"""A small model of ModelScope's shape with random weights, as every layout has it on disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

import t2v
from t2v.configs import MODELSCOPE, Preset
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

SMALL = replace(
    MODELSCOPE,
    name="small",
    text_encoder=replace(MODELSCOPE.text_encoder, width=32, heads=2, layers=3),
    unet=replace(
        MODELSCOPE.unet,
        width=32,
        channel_multipliers=(1, 2, 2),
        attention_levels=2,
        num_res_blocks=1,
        head_dim=16,
        context_dim=32,
        norm_groups=8,
    ),
    autoencoder=replace(
        MODELSCOPE.autoencoder, width=16, channel_multipliers=(1, 2, 2), num_res_blocks=1, norm_groups=4
    ),
)


@pytest.fixture(scope="session")
def make_small(randomise: Any) -> Callable[..., TextToVideo]:
    def make(preset: Preset = SMALL, dtype: torch.dtype = torch.float32, seed: int = 0) -> TextToVideo:
        parts = TextEncoder(preset.text_encoder), UNet3D(preset.unet), Autoencoder(preset.autoencoder)
        for i, part in enumerate(parts):
            randomise(part, 10 * seed + i)
            part.to(dtype)
        return TextToVideo(preset, *parts, device=torch.device("cpu"), dtype=dtype)

    return make


@pytest.fixture(scope="session")
def small(make_small: Callable[..., TextToVideo]) -> TextToVideo:
    return make_small()


@pytest.fixture(scope="session")
def saved_official(small: TextToVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ModelScope's folder as it is published: pickles, the picture tower beside the text tower, and in the
    autoencoder's file the rest of Stable Diffusion."""
    folder = t2v.save(small, tmp_path_factory.mktemp("models") / "official")
    tower = torch.load(folder / "open_clip_pytorch_model.bin", weights_only=True)
    tower |= {"logit_scale": torch.tensor(4.6), "visual.conv1.weight": torch.ones(4, 3, 2, 2)}
    torch.save(tower, folder / "open_clip_pytorch_model.bin")
    path = folder / "VQGAN_autoencoder.pth"
    state = torch.load(path, weights_only=True)["state_dict"]
    state |= {"model.diffusion_model.out.2.bias": torch.zeros(4), "betas": torch.zeros(1000)}
    torch.save({"epoch": 3, "state_dict": OrderedDict(state), "callbacks": {}}, path)
    return folder


@pytest.fixture(scope="session")
def saved_diffusers(small: TextToVideo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return t2v.save(small, tmp_path_factory.mktemp("models") / "diffusers", layout="diffusers")


@pytest.fixture
def official(saved_official: Path, tmp_path: Path) -> Path:
    """A folder of its own for a test that changes it; nothing lies beside it."""
    return linked(saved_official, tmp_path / "models" / "official")


@pytest.fixture
def diffusers_folder(saved_diffusers: Path, tmp_path: Path) -> Path:
    return linked(saved_diffusers, tmp_path / "diffusers-models" / "diffusers")


def linked(source: Path, target: Path) -> Path:
    """A copy of a folder whose files are hard links: a test replaces files, it never writes into one."""
    for path in source.rglob("*"):
        if path.is_file():
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            to.hardlink_to(path)
    return target


@pytest.fixture(scope="session")
def replaced() -> Callable[[Path, Callable[[Path], object]], None]:
    def replace_file(path: Path, write: Callable[[Path], object]) -> None:
        """Another file in the place of one."""
        path.unlink(missing_ok=True)
        write(path)

    return replace_file


@pytest.fixture(scope="session")
def different() -> Callable[[TextToVideo, TextToVideo], list[str]]:
    return differences


def differences(model: TextToVideo, other: TextToVideo) -> list[str]:
    """The tensors that films read and that are not equal, bit for bit."""
    out = []
    for part in ("unet", "autoencoder", "text_encoder"):
        ours, theirs = getattr(model, part).state_dict(), getattr(other, part).state_dict()
        if part == "text_encoder":
            used = range(model.preset.text_encoder.layers - model.preset.text_encoder.skipped_layers)
            keep = {k for k in ours if "text_projection" not in k}
            keep = {k for k in keep if ".resblocks." not in k or int(k.split(".")[3]) in used}
            ours, theirs = ({k: s.get(k) for k in keep} for s in (ours, theirs))
        elif ours.keys() != theirs.keys():
            out.append(f"{part}: other keys")
            continue
        out += [f"{part}.{k}" for k, v in ours.items() if theirs[k] is None or not torch.equal(v, theirs[k])]
    return out
