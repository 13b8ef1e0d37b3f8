"""Our own weight files (TOON, the judge): small safetensors, read strictly.

Matrices and kernels may be stored as int8 with one fp16 scale for each output channel (`<name>` and
`<name>.scale`); everything else is fp16. Nothing is unpickled: the file is safetensors.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from t2v.checkpoints.files.atomic import atomic_write
from t2v.errors import CheckpointError

SCALE = ".scale"


def quantize(tensor: Tensor) -> tuple[Tensor, Tensor]:
    """A tensor (n, …) as int8 values of its shape and one fp16 scale (n,) for each output channel."""
    rows = tensor.float().flatten(1)
    scale = (rows.abs().amax(1) / 127).clamp_min(1e-7).half()
    values = (rows / scale.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
    return values.view(tensor.shape), scale


def compress_weights(state: Mapping[str, Tensor], *, int8: bool) -> dict[str, Tensor]:
    """The tensors as a file stores them: fp16, with `int8` large matrices and kernels as int8 and scales."""
    out: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if int8 and tensor.ndim >= 2 and tensor.numel() >= 4096:
            out[name], out[name + SCALE] = quantize(tensor)
        else:
            out[name] = tensor.half().contiguous()
    return out


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors of a file in fp32, and its metadata. Raises CheckpointError."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
            metadata = file.metadata() or {}
    except FileNotFoundError as error:
        raise CheckpointError(f"{path}: not there") from error
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{path}: wanted a safetensors file, and could not read it ({error})"
        ) from error
    out = {}
    for name, tensor in tensors.items():
        if name.endswith(SCALE) and name[: -len(SCALE)] in tensors:
            continue
        scale = tensors.get(name + SCALE)
        value = tensor.float()
        out[name] = value if scale is None else value * scale.float().view(-1, *[1] * (tensor.ndim - 1))
    return out, metadata


def write_weights(tensors: Mapping[str, Tensor], path: Path, metadata: Mapping[str, str]) -> None:
    """Write a safetensors file atomically. Raises OSError."""
    from safetensors.torch import save_file

    with atomic_write(path) as part:
        save_file(dict(tensors), part, metadata=dict(metadata))


def load_strictly(module: nn.Module, state: Mapping[str, Tensor], path: Path, name: str) -> None:
    """Load a state dict that has every tensor of the module in its shape, and no others.

    Raises CheckpointError with counts and first names; `path` and `name` are for that message.
    """
    own = module.state_dict()
    missing = [k for k in own if k not in state]
    extra = [k for k in state if k not in own]
    misshapen = [k for k in own if k in state and own[k].shape != state[k].shape]
    faults = [
        f"{len(names)} of {len(own)} {what}, first {names[0]!r}"
        for what, names in (("missing", missing), ("unknown", extra), ("of another shape", misshapen))
        if names
    ]
    if faults:
        raise CheckpointError(f"{path}: not the weights of {name}: {'; '.join(faults)}")
    module.load_state_dict(dict(state))
