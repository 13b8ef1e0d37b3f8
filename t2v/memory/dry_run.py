"""What a network holds at once while it runs, found by running it without numbers.

The network runs on PyTorch's meta device, where tensors have shapes and no contents; every operator's answer
is counted from its birth to its end. So the figure follows the code, whatever is cut into pieces and how.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from t2v.networks.kernels import meta_stands_for

_CONVOLUTION = torch.ops.aten.convolution.default


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all tensors born inside that are alive, and remembers the most."""

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
                self._born(tensor)
        self.peak = max(self.peak, self.live + _scratch(func, args, out))
        return out

    def _born(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        if self._owners[key] == 0:
            self.live += size
        self._owners[key] += 1
        weakref.finalize(tensor, self._gone, key, size).atexit = False

    def _gone(self, key: int, size: int) -> None:
        self._owners[key] -= 1
        if self._owners[key] == 0:
            self.live -= size


def _scratch(func: Any, args: tuple[Any, ...], out: Any) -> int:
    """What an operator itself needs while it runs: a convolution reorders what it reads and writes."""
    if func is not _CONVOLUTION:
        return 0
    return sum(tensor.numel() * tensor.element_size() for tensor in (args[0], args[1], out))


@torch.inference_mode(False)
@torch.no_grad()
def peak_bytes(network: nn.Module, run: Callable[[], Any], device: str) -> int:
    """The most bytes beside its weights that a network on meta holds while `run` runs, as on `device`."""
    with meta_stands_for(device), LiveBytes(network) as counted:
        run()
    return counted.peak
