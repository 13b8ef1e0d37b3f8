"""Opens weight files, safetensors or PyTorch's, without reading their tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from t2v.checkpoints.files.pickles import read_pickled
from t2v.checkpoints.files.stored import StoredTensor, TensorFile
from t2v.checkpoints.files.wrong_files import check_file_kind
from t2v.errors import CheckpointError

WRAPPERS = ("state_dict", "model_state_dict", "module", "model", "unet", "weights")
SAFETENSORS_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def open_tensors(path: Path) -> TensorFile:
    """The tensors of a safetensors or PyTorch file, unread. The content decides the kind, not the name.

    Raises CheckpointError for anything else; a web page, a Git LFS pointer or half a download is called that.
    """
    check_file_kind(path)
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:9] == b"{":
        return _open_safetensors(path)
    value = read_pickled(path)
    if isinstance(value, list):
        return TensorFile(path, {}, loose=tuple(t for t in value if isinstance(t, StoredTensor)))
    tensors = _named(value)
    if not tensors:
        raise CheckpointError(f"{path}: a PyTorch file without tensors in it; wanted a state dict")
    return TensorFile(path, tensors)


def _named(value: object) -> Mapping[str, StoredTensor]:
    """The state dict of a saved value: the dictionary itself, or the one under a usual key (WRAPPERS)."""
    if not isinstance(value, dict):
        return {}
    for wrapper in WRAPPERS:
        inner = value.get(wrapper)
        if isinstance(inner, dict) and any(isinstance(child, StoredTensor) for child in inner.values()):
            return _named(inner)
    return {str(key): child for key, child in value.items() if isinstance(child, StoredTensor)}


def _open_safetensors(path: Path) -> TensorFile:
    from safetensors import SafetensorError, safe_open

    try:
        file: Any = safe_open(path, framework="pt")
    except (SafetensorError, OSError) as error:
        size = path.stat().st_size
        length = int.from_bytes(_head(path, 8), "little")
        why = "half a download" if length + 8 > size or "not fully covered" in str(error) else "damaged"
        raise CheckpointError(
            f"{path}: a safetensors file of {size:,} bytes that is {why}: fetch it again ({error})"
        ) from error
    tensors = {}
    for name in file.keys():  # noqa: SIM118 (not a mapping)
        part = file.get_slice(name)
        kind = part.get_dtype()
        if kind not in SAFETENSORS_DTYPES:
            raise CheckpointError(f"{path}: {name} is {kind}, wanted one of {', '.join(SAFETENSORS_DTYPES)}")
        tensors[name] = StoredTensor(
            tuple(part.get_shape()), SAFETENSORS_DTYPES[kind], partial(file.get_tensor, name)
        )
    return TensorFile(path, tensors, file.metadata() or {})


def _head(path: Path, length: int) -> bytes:
    with path.open("rb") as file:
        return file.read(length)


def open_shards(paths: tuple[Path, ...]) -> TensorFile:
    """The files of one part as one.

    Raises CheckpointError if a shard is missing or two shards have the same tensor.
    """
    _refuse_missing_shards(paths)
    files = [open_tensors(path) for path in paths]
    if len(files) == 1:
        return files[0]
    tensors: dict[str, StoredTensor] = {}
    for file in files:
        twice = tensors.keys() & file.tensors.keys()
        if twice:
            raise CheckpointError(f"{file.path}: {min(twice)!r} is in another shard too")
        tensors |= file.tensors
    return TensorFile(paths[0], tensors, files[0].metadata)


def _refuse_missing_shards(paths: tuple[Path, ...]) -> None:
    numbers = [re.search(r"-(\d{5})-of-(\d{5})", path.name) for path in paths]
    found = {int(m[1]) for m in numbers if m}
    wanted = {int(m[2]) for m in numbers if m}
    if not wanted:
        return
    missing = set(range(1, max(wanted) + 1)) - found
    if missing:
        raise CheckpointError(
            f"{paths[0].parent}: {len(missing)} of {max(wanted)} shards are not there, first number "
            f"{min(missing)}: fetch the rest"
        )
