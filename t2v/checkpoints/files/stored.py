"""A tensor that lies in a file: its shape and type are known, its numbers are read when they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class StoredTensor:
    """`read` gives a tensor whose memory is the mapped file wherever the format allows it."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor] = field(repr=False)


@dataclass(frozen=True)
class TensorFile:
    """What one file holds. `loose` are tensors in a list, without names, in their order."""

    path: Path
    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    loose: tuple[StoredTensor, ...] = ()
