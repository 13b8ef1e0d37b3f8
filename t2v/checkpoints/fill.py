"""Fills a network with the tensors of a file, strict about names and shapes.

Every tensor is copied once, from the mapped file into memory of the wanted dtype.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from t2v.checkpoints import names
from t2v.checkpoints.files.stored import StoredTensor, TensorFile
from t2v.checkpoints.names import NameMap
from t2v.configs import Preset
from t2v.errors import CheckpointError

TensorSource = tuple[StoredTensor, ...]  # parts of one tensor, joined along the first axis


@dataclass(frozen=True)
class Layout:
    """How a part is recognised in a layout: a name that only it has (`anchor`).

    Tensors whose names begin with one of `ignored` may be there too and are not read.
    """

    part: str
    name: str
    anchor: str
    ignored: tuple[str, ...] = ()


LAYOUTS = (
    Layout("unet", "diffusers", "time_embedding.linear_1.weight"),
    Layout("unet", "modelscope", "time_embed.0.weight"),
    Layout("autoencoder", "diffusers", "decoder.mid_block.resnets.0.norm1.weight"),
    Layout("autoencoder", "modelscope", "decoder.mid.block_1.norm1.weight", ("loss.", "model_ema.")),
    Layout(
        "text_encoder",
        "diffusers",
        "embeddings.token_embedding.weight",
        ("embeddings.position_ids",),
    ),
    Layout(
        "text_encoder",
        "modelscope",
        "token_embedding.weight",
        ("visual.", "logit_scale", "logit_bias", "attn_mask", "text_projection"),
    ),
)


@dataclass(frozen=True)
class CheckpointPart:
    """A part of a model in a file: the tensors under its prefix, by name without the prefix."""

    layout: Layout
    file: TensorFile
    tensors: Mapping[str, StoredTensor]


def find_parts(file: TensorFile) -> dict[str, CheckpointPart]:
    """The parts that are in a file, by name."""
    found: dict[str, CheckpointPart] = {}
    for layout in LAYOUTS:
        if layout.part in found:
            continue
        keys = [k for k in file.tensors if k == layout.anchor or k.endswith("." + layout.anchor)]
        prefixes = sorted((k.removesuffix(layout.anchor) for k in keys if not _is_ema(k)), key=len)
        if not prefixes:
            continue
        prefix = prefixes[0]
        inside = {k.removeprefix(prefix): v for k, v in file.tensors.items() if k.startswith(prefix)}
        found[layout.part] = CheckpointPart(layout, file, inside)
    return found


def add_zero_guidance(unet: CheckpointPart, preset: Preset) -> CheckpointPart:
    """The UNet with a guidance embedding of zeros, for a LoRA that brings its own.

    T2V-Turbo's trainer initialises that layer at random in every run and does not save it; its mean is zero.
    """
    shape = preset.unet.width, preset.unet.guidance_embed_dim or 0
    name = "time_embedding" if unet.layout.name == "diffusers" else "time_embed"
    zeros = StoredTensor(shape, torch.float32, lambda: torch.zeros(shape))
    return replace(unet, tensors={**unet.tensors, f"{name}.cond_proj.weight": zeros})


def _is_ema(key: str) -> bool:
    return "ema." in key.partition("time_embed")[0]


def name_map(layout: Layout, keys: Iterable[str], preset: Preset) -> NameMap:
    """For each of our names of a part's tensors, its names in a layout."""
    if layout.part == "unet":
        of = names.unet_in_diffusers if layout.name == "diffusers" else names.unet_in_modelscope
        return of(keys, preset.unet)
    if layout.name == "modelscope":
        return names.identity_names(keys)
    if layout.part == "autoencoder":
        return names.autoencoder_in_diffusers(keys, preset.autoencoder)
    return names.text_in_transformers(keys)


def match_tensors(part: CheckpointPart, module: nn.Module, preset: Preset) -> dict[str, TensorSource]:
    """For every tensor of the module, its source in the file.

    Raises CheckpointError with counts and first names for tensors that are missing, unknown or of another
    shape.
    """
    own = {k: tuple(v.shape) for k, v in module.state_dict().items()}
    used: set[str] = set()
    missing, misshapen = [], []
    out: dict[str, TensorSource] = {}
    for key, pieces in name_map(part.layout, own, preset).items():
        chosen = [next((n for n in options if n in part.tensors), None) for options in pieces]
        if None in chosen:
            missing.append(pieces[chosen.index(None)][0])
            continue
        present = [name for name in chosen if name is not None]
        used.update(present)
        out[key] = tuple(part.tensors[name] for name in present)
        if not _fits(own[key], out[key]):
            misshapen.append(f"{present[0]} {list(out[key][0].shape)}, wanted {list(own[key])}")
    unknown = [k for k in part.tensors if k not in used and not k.startswith(part.layout.ignored or "\0")]
    faults = [
        f"{len(found)} of {len(own)} {what}, first {found[0]}"
        for what, found in (("missing", missing), ("unknown", unknown), ("of another shape", misshapen))
        if found
    ]
    if faults:
        raise CheckpointError(
            f"{part.file.path}: not the {_title(part.layout.part)} of this configuration: {'; '.join(faults)}"
        )
    return out


def _title(part: str) -> str:
    return {"unet": "UNet", "text_encoder": "text encoder"}.get(part, part)


def _fits(shape: tuple[int, ...], source: TensorSource) -> bool:
    rows = sum(piece.shape[0] if piece.shape else 1 for piece in source)
    rest = {_trimmed(piece.shape[1:]) for piece in source}
    return (shape[0] if shape else 1) == rows and rest == {_trimmed(shape[1:])}


def _trimmed(shape: Sequence[int]) -> tuple[int, ...]:
    out = list(shape)
    while out and out[-1] == 1:
        out.pop()
    return tuple(out)


def read_into(out: Tensor, source: TensorSource) -> None:
    """Copy a source into a tensor, converted to its dtype. Raises CheckpointError for integer weights."""
    start = 0
    for piece in source:
        if not piece.dtype.is_floating_point:
            raise CheckpointError(f"wanted floating-point weights, got {piece.dtype}")
        rows = piece.shape[0] if piece.shape else 1
        target = out[start : start + rows] if out.ndim else out
        target.copy_(piece.read().reshape(target.shape))
        start += rows


def fill(
    module: nn.Module,
    sources: Mapping[str, TensorSource],
    path: Path,
    *,
    device: torch.device,
    dtype: torch.dtype,
) -> None:
    """Load the tensors of a module that was built on the meta device.

    Raises CheckpointError for NaN and infinity.
    """
    state = {}
    for key, value in module.state_dict().items():
        tensor = torch.empty(value.shape, dtype=dtype, device=device)
        read_into(tensor, sources[key])
        check_finite(tensor, sources[key], f"{path}: {key}")
        state[key] = tensor
    module.load_state_dict(state, assign=True)


def check_finite(tensor: Tensor, source: TensorSource, name: str) -> None:
    """Raise CheckpointError for NaN and infinity, also where the file's values do not fit the dtype."""
    if tensor.numel() == 0 or all(bool(end.isfinite()) for end in tensor.aminmax()):
        return
    if all(bool(end.isfinite()) for piece in source for end in piece.read().aminmax()):
        raise CheckpointError(f"{name} is too large for {tensor.dtype}: load with dtype torch.float32")
    broken = sum(int((~piece.read().isfinite()).sum()) for piece in source)
    raise CheckpointError(
        f"{name}: {broken} of {tensor.numel()} numbers are NaN or infinite: fetch the file again, or train "
        "the model again"
    )


@dataclass(frozen=True)
class Origin:
    """The origin of a loaded model.

    `files` are its weight files by part, `revision` is the commit on the hub, `loras` are the merged (file,
    weight) pairs, and `tensors` are the sources of its weights, from which `set_loras` starts.
    """

    source: str
    files: Mapping[str, Path]
    licence: str
    revision: str | None = None
    loras: tuple[tuple[Path, float], ...] = ()
    tensors: Mapping[str, Mapping[str, TensorSource]] = field(default_factory=dict, repr=False)
