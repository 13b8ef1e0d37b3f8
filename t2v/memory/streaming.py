"""Streams weights to the device layer by layer, where the whole network does not fit.

On CUDA the weights are in pinned memory, and the next layer's are copied on a stream of their own while one
runs. That part was written without a GPU and is untested; the order of copies is tested on a CPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn


class LayerStream:
    """Layers whose weights are on `device` only while they run; `ahead` copies the next one's meanwhile."""

    def __init__(self, layers: Sequence[nn.Module], device: torch.device, *, ahead: bool) -> None:
        self.layers, self.device, self.ahead = list(layers), device, ahead
        self._fetched: dict[int, list[Tensor]] = {}
        self._kept: list[Tensor] = []  # of the layer that runs
        self._copying: torch.cuda.Stream | None = None
        if device.type == "cuda" and ahead:
            self._copying = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._ended: torch.cuda.Event | None = None  # the end of the layer that ran before
        if self._copying is not None:
            for layer in self.layers:
                pin_weights(layer)
        self._hooks = [
            hook
            for i, layer in enumerate(self.layers)
            for hook in (
                layer.register_forward_pre_hook(partial(self._bring, i)),
                layer.register_forward_hook(self._drop, always_call=True),
            )
        ]

    def end(self) -> None:
        """Stop streaming."""
        for hook in self._hooks:
            hook.remove()
        self._hooks.clear()
        self._fetched.clear()

    def _fetch(self, i: int) -> list[Tensor]:
        parameters = self.layers[i].parameters()
        if self._copying is None:
            return [p.data.to(self.device, copy=True) for p in parameters]
        with torch.cuda.stream(self._copying):
            return [p.data.to(self.device, copy=True, non_blocking=True) for p in parameters]

    def _bring(self, i: int, layer: nn.Module, args: object) -> None:
        copies = self._fetched.pop(i, None) or self._fetch(i)
        self._fetched.clear()  # of a layer that was expected and did not run
        parameters = list(layer.parameters())
        if self._copying is not None:
            running = torch.cuda.current_stream(self.device)
            running.wait_stream(self._copying)
            for copy in copies:
                copy.record_stream(running)  # else its memory is given to the next copy too early
        self._kept = [p.data for p in parameters]
        for parameter, copy in zip(parameters, copies, strict=True):
            parameter.data = copy
        if self.ahead and i + 1 < len(self.layers):
            if self._ended is not None:
                self._ended.synchronize()  # else Python runs on, and copies of many layers are there at once
            self._fetched[i + 1] = self._fetch(i + 1)

    def _drop(self, layer: nn.Module, args: object, out: object) -> None:
        for parameter, data in zip(layer.parameters(), self._kept, strict=False):
            parameter.data = data
        self._kept = []
        if self._copying is not None:
            self._ended = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._ended.record(torch.cuda.current_stream(self.device))


def pin_weights(layer: nn.Module) -> None:
    """Move weights to pinned memory, from which a GPU copies by itself, as far as the system has some."""
    for parameter in layer.parameters():
        if not parameter.data.is_pinned():
            try:
                parameter.data = parameter.data.pin_memory()
            except RuntimeError:
                return
