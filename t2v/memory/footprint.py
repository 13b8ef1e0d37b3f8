"""The memory of networks, weights and activations, measured without numbers on PyTorch's meta device."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from t2v.configs import AutoencoderConfig, UNetConfig
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.conditioning import Chunks, LayerOptions
from t2v.networks.kernels import simulate_device
from t2v.networks.unet import UNet3D


@cache
def count_parameters(kind: Callable[[Any], nn.Module], config: object) -> tuple[int, int, int]:
    """How many parameters a network has, its largest streamed layer, and the largest two in a row."""
    network = meta_network(kind, config)
    layers = [sum(p.numel() for p in layer.parameters()) for layer in streamed_layers(network)]
    pairs = [a + b for a, b in zip(layers, [*layers[1:], 0], strict=True)]
    return sum(p.numel() for p in network.parameters()), max(layers), max(pairs)


@cache
@torch.inference_mode(False)
def meta_network(
    kind: Callable[[Any], nn.Module], config: object, dtype: torch.dtype = torch.float32
) -> nn.Module:
    """A network without numbers. It is shared by all callers and never changed."""
    with torch.device("meta"):
        return kind(config).eval().requires_grad_(False).to(dtype)


def streamed_layers(network: nn.Module) -> list[nn.Module]:
    """The layers that are brought to the device one by one, where the whole network does not fit."""
    if isinstance(network, UNet3D):
        inner = [
            child
            for stage in [*network.input_blocks, network.middle_block, *network.output_blocks]
            for child in (stage if isinstance(stage, nn.ModuleList) else [stage])
        ]
        outer = [layer for level in network.outer_levels for layer in _layers_of(level)]
        return [network.time_embed, *inner, network.out, *outer]
    return [network]


def _layers_of(level: nn.Module) -> list[nn.Module]:
    """The layers of an outer level, which are called one by one."""
    return [
        layer
        for child in level.children()
        for layer in (child if isinstance(child, nn.ModuleList) else [child])
    ]


@cache
@torch.inference_mode(False)  # outside, operators are not split into their parts
def unet_activation_bytes(
    config: UNetConfig,
    latents: tuple[int, int, int],
    branches: int,
    chunks: Chunks,
    device: str,
    dtype: torch.dtype,
    outer_levels: int | None = None,
) -> int:
    """The UNet's peak of activations in bytes, for latents (frames, height, width)."""
    network = meta_network(UNet3D, config, dtype)
    inputs = (
        torch.empty(branches, config.in_channels, *latents, device="meta"),
        torch.empty(branches, device="meta"),
        torch.empty(branches, 77, config.context_dim, device="meta", dtype=dtype),
    )
    options = LayerOptions(chunks, outer_levels=outer_levels)
    return peak_bytes(network, lambda: network(*inputs, options=options), device)


@cache
@torch.inference_mode(False)
def decoder_activation_bytes(
    config: AutoencoderConfig, size: tuple[int, int], device: str, dtype: torch.dtype, tile: int | None
) -> int:
    """The decoder's peak of activations in bytes, for one frame of `size` (height, width) in latents."""
    network = meta_network(Autoencoder, config)
    assert isinstance(network, Autoencoder)
    latents = torch.empty(1, config.latent_channels, 1, *size, device="meta")
    return peak_bytes(network, lambda: network.decode(latents, tile), device) * dtype.itemsize // 4


_CONVOLUTION = torch.ops.aten.convolution.default


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of living tensors that are created inside, and their peak."""

    def __init__(self, weights: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = 0
        self._owners: Counter[int] = Counter()
        self._known = {p.untyped_storage()._cdata for p in weights.parameters()}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {id(x) for x in tree_leaves((args, kwargs)) if isinstance(x, Tensor)}
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor) and id(tensor) not in given:
                self._add(tensor)
        self.peak = max(self.peak, self.live + _scratch(func, args, out))
        return out

    def _add(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        if self._owners[key] == 0:
            self.live += size
        self._owners[key] += 1
        weakref.finalize(tensor, self._remove, key, size).atexit = False

    def _remove(self, key: int, size: int) -> None:
        self._owners[key] -= 1
        if self._owners[key] == 0:
            self.live -= size


def _scratch(func: Any, args: tuple[Any, ...], out: Any) -> int:
    """The scratch memory of an operator in bytes: a convolution reorders its input, weight and output."""
    if func is not _CONVOLUTION:
        return 0
    return sum(tensor.numel() * tensor.element_size() for tensor in (args[0], args[1], out))


@torch.inference_mode(False)
@torch.no_grad()
def peak_bytes(network: nn.Module, run: Callable[[], Any], device: str) -> int:
    """The peak of activations in bytes while `run` runs a meta network, with the operators of `device`."""
    with simulate_device(device), LiveBytes(network) as counted:
        run()
    return counted.peak
