"""Tensors in a file, of known shape and dtype, that are read on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file. `read` returns it, memory-mapped where the format allows it."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    read: Callable[[], Tensor] = field(repr=False)


@dataclass(frozen=True)
class TensorFile:
    """The tensors of one file by name; `loose` are those of a file that has a list without names."""

    path: Path
    tensors: Mapping[str, StoredTensor]
    metadata: Mapping[str, str] = field(default_factory=dict)
    loose: tuple[StoredTensor, ...] = ()
