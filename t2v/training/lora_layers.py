"""LoRA (Hu et al. 2021) in training: low-rank changes of attention weights, saved in diffusers' layout."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from t2v.checkpoints.files.safetensors import write_weights
from t2v.checkpoints.names import unet_in_diffusers
from t2v.configs import UNetConfig
from t2v.networks.layers import Attention
from t2v.networks.unet import UNet3D

FILE = "pytorch_lora_weights.safetensors"


class LowRank(nn.Module):
    """A weight (out, in) plus up (out, rank) @ down (rank, in), in fp32; up begins as zero."""

    def __init__(self, weight: Tensor, rank: int, generator: torch.Generator) -> None:
        super().__init__()
        out, inner = weight.shape
        bound = 1 / math.sqrt(inner)
        down = (torch.rand(rank, inner, generator=generator) * 2 - 1) * bound
        self.down = nn.Parameter(down.to(weight.device))
        self.up = nn.Parameter(torch.zeros(out, rank, device=weight.device))

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            return weight + self.up @ self.down


@dataclass(frozen=True)
class LoraLayers:
    """The changes of a network, by names of its weights."""

    layers: Mapping[str, LowRank]

    def parameters(self) -> dict[str, nn.Parameter]:
        """The halves of all changes, by name."""
        halves = ((n, half) for n in self.layers for half in ("down", "up"))
        return {f"{name}.{half}": getattr(self.layers[name], half) for name, half in halves}

    def save(self, folder: Path, config: UNetConfig) -> Path:
        """Write one file in the layout of diffusers and peft, whose alpha is the rank. Returns its path."""
        names = unet_in_diffusers(self.layers, config)
        tensors, rank = {}, 0
        for key, layer in self.layers.items():
            name = names[key][0][0].removesuffix(".weight")
            rank = layer.down.shape[0]
            tensors[f"unet.{name}.lora_A.weight"] = layer.down.detach().cpu().contiguous()
            tensors[f"unet.{name}.lora_B.weight"] = layer.up.detach().cpu().contiguous()
        settings = {"unet.r": rank, "unet.lora_alpha": rank}
        path = folder / FILE
        write_weights(tensors, path, {"format": "pt", "lora_adapter_metadata": json.dumps(settings)})
        return path


def add_lora(unet: UNet3D, rank: int, seed: int) -> LoraLayers:
    """Add changes of this rank to every attention of the network, spatial and temporal."""
    generator = torch.Generator().manual_seed(seed)
    layers = {}
    for name, module in list(unet.named_modules()):
        if not isinstance(module, Attention):
            continue
        for inner in ("to_q", "to_k", "to_v", "to_out.0"):
            linear = module.get_submodule(inner)
            assert isinstance(linear, nn.Linear)
            layer = LowRank(linear.weight, rank, generator)
            parametrize.register_parametrization(linear, "weight", layer)
            layers[f"{name}.{inner}.weight"] = layer
    return LoraLayers(layers)
