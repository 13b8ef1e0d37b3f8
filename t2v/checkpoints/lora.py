"""LoRA (Hu et al. 2021): low-rank changes of weights, read in every common layout and merged in fp32.

| layout | recognised by | a change |
| --- | --- | --- |
| stable_lora (sd-webui-text2video) | `….lora_A`, `….lora_B` | B A, kernels folded in |
| diffusers, peft | `….lora_A.weight`, `….lora.down.weight`, … | up down · alpha / rank |
| kohya | `lora_unet_…lora_down.weight` | the same, dots written as underscores |
| cloneofsimo (T2V-Turbo) | a list: up, down, up, down, …; or `unet:0:up` | up down, in the network's order |
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2v.checkpoints import names
from t2v.checkpoints.files.stored import StoredTensor, TensorFile
from t2v.checkpoints.files.tensor_files import open_tensors
from t2v.checkpoints.files.wrong_files import read_json
from t2v.checkpoints.fill import TensorSource, read_into
from t2v.checkpoints.names import WeightSlice
from t2v.configs import Preset
from t2v.errors import CheckpointError

DOWN, UP = "down", "up"
SIDES = (  # what ends a name, and whether it is the half that comes first or last
    (".lora_A.default.weight", DOWN),
    (".lora_B.default.weight", UP),
    (".lora_A.weight", DOWN),
    (".lora_B.weight", UP),
    (".lora.down.weight", DOWN),
    (".lora.up.weight", UP),
    ("_lora.down.weight", DOWN),
    ("_lora.up.weight", UP),
    (".lora_down.weight", DOWN),
    (".lora_up.weight", UP),
    (".lora_A", DOWN),
    (".lora_B", UP),
)


@dataclass(frozen=True)
class WeightChange:
    """The two halves of one weight's change, and their factor. `folded`: kernels as stable_lora has them."""

    down: StoredTensor
    up: StoredTensor
    scale: float = 1.0
    folded: bool = False

    def delta(self, shape: tuple[int, ...]) -> Tensor:
        """The change of a weight of this shape, in fp32. Raises ValueError for halves of another shape."""
        down, up = self.down.read().float(), self.up.read().float()
        if self.folded:
            return _folded(down, up, shape) * self.scale
        return (up.flatten(1) @ down.flatten(1)).reshape(shape) * self.scale


def _folded(a: Tensor, b: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The product of loralib's halves, which have the kernel of a convolution inside both matrices.

    For a temporal convolution, whose kernel is k x 1 x 1, stable_lora stores k x k, and the mean is taken.
    """
    a, b = (half.squeeze(-1) if half.ndim == 3 else half for half in (a, b))
    product = b @ a
    if len(shape) == 5:
        out, inner, k = shape[:3]
        return product.reshape(out, inner, k, k, 1).mean(dim=-2, keepdim=True)
    if product.shape == tuple(reversed(shape)) and product.shape != tuple(shape):
        return product.t()  # an embedding
    return product.reshape(shape)


@dataclass(frozen=True)
class Lora:
    """The changes of a LoRA file, by name, or in order where the file has a list without names."""

    path: Path
    named: Mapping[str, WeightChange] = field(default_factory=dict)
    listed: tuple[WeightChange, ...] = ()
    whole: Mapping[str, StoredTensor] = field(
        default_factory=dict
    )  # whole weights, which the base model lacks


def read_lora(path: Path) -> Lora:
    """A LoRA from a file, or from a folder as peft saves it. Raises CheckpointError for anything else."""
    settings: Mapping[str, Any] = {}
    if path.is_dir():
        if (path / "adapter_config.json").is_file():
            settings = read_json(path / "adapter_config.json")
        path = _file_in(path)
    file = open_tensors(path)
    if file.loose:
        return Lora(path, listed=_pairs(file.loose, path))
    numbered = _numbered(file)
    if numbered:
        return Lora(path, listed=_pairs(numbered, path))
    lora = _named(file, settings or _metadata(file))
    if not lora.named:
        raise CheckpointError(
            f"{path}: no LoRA: none of its {len(file.tensors)} tensors is named as one half of a change, "
            f"first {min(file.tensors)!r}"
        )
    return lora


def _file_in(folder: Path) -> Path:
    for name in ("adapter_model.safetensors", "pytorch_lora_weights.safetensors", "adapter_model.bin"):
        if (folder / name).is_file():
            return folder / name
    raise CheckpointError(f"{folder}: no LoRA in this folder: name its file")


def _numbered(file: TensorFile) -> list[StoredTensor]:
    """cloneofsimo's safetensors: `unet:<number>:up` and `unet:<number>:down`."""
    out = []
    for i in range(len(file.tensors)):
        for side in (UP, DOWN):
            if f"unet:{i}:{side}" in file.tensors:
                out.append(file.tensors[f"unet:{i}:{side}"])
    return out


def _pairs(tensors: Sequence[StoredTensor], path: Path) -> tuple[WeightChange, ...]:
    if len(tensors) % 2:
        raise CheckpointError(f"{path}: {len(tensors)} tensors in a list: wanted pairs of up and down")
    return tuple(WeightChange(down, up) for up, down in zip(tensors[::2], tensors[1::2], strict=True))


def _named(file: TensorFile, settings: Mapping[str, Any]) -> Lora:
    halves: dict[str, dict[str, StoredTensor]] = {}
    alphas: dict[str, float] = {}
    whole: dict[str, StoredTensor] = {}
    folded: set[str] = set()
    strange = []
    for key, tensor in file.tensors.items():
        ending, side = next(((e, s) for e, s in SIDES if key.endswith(e)), ("", ""))
        if side:
            name = key.removesuffix(ending)
            halves.setdefault(name, {})[side] = tensor
            if ending in (".lora_A", ".lora_B"):
                folded.add(name)
        elif key.endswith(".alpha"):
            alphas[key.removesuffix(".alpha")] = float(tensor.read())
        elif key.endswith("cond_proj.weight"):
            whole[key] = tensor
        else:
            strange.append(key)
    strange += [name for name, pair in halves.items() if len(pair) < 2]
    if strange and halves:
        raise CheckpointError(
            f"{file.path}: {len(strange)} of {len(file.tensors)} tensors are no half of a LoRA's change, "
            f"first {strange[0]}"
        )
    named = {
        name: WeightChange(
            pair[DOWN], pair[UP], _scale(name, pair[DOWN].shape[0], alphas, settings), name in folded
        )
        for name, pair in halves.items()
        if len(pair) == 2
    }
    return Lora(file.path, named, whole=whole)


def _metadata(file: TensorFile) -> Mapping[str, Any]:
    """peft's settings, which diffusers writes to a file's header, without the prefix of the part."""
    try:
        raw = json.loads(file.metadata.get("lora_adapter_metadata", "{}"))
    except ValueError as error:
        raise CheckpointError(f"{file.path}: lora_adapter_metadata is no JSON ({error})") from error
    return {key.split(".", 1)[-1]: value for key, value in raw.items()} if isinstance(raw, dict) else {}


def _scale(name: str, rank: int, alphas: Mapping[str, float], settings: Mapping[str, Any]) -> float:
    """alpha / rank; 1 for a file without an alpha."""
    if name in alphas:
        return alphas[name] / rank
    patterns = settings.get("alpha_pattern") or {}
    alpha = next(
        (v for k, v in patterns.items() if re.search(rf"(^|\.){k}$", name)), settings.get("lora_alpha")
    )
    if alpha is None:
        return 1.0
    return float(alpha) / (rank**0.5 if settings.get("use_rslora") else rank)


def guidance_width(loras: Sequence[Lora], preset: Preset) -> int | None:
    """The width of the guidance embedding that one of the LoRAs brings; None if none does."""
    for lora in loras:
        for name, tensor in lora.whole.items():
            if name.endswith("cond_proj.weight"):
                return tensor.shape[1]
        for name, change in lora.named.items():
            if name.endswith("cond_proj"):
                return change.down.shape[1]
        if len(lora.listed) > 2:
            down = lora.listed[2].down  # after conv_in and the first linear layer of the time embedding
            up = lora.listed[2].up
            if len(down.shape) == 2 and up.shape[0] == preset.unet.width != down.shape[1]:
                return down.shape[1]
    return None


def merge_loras(
    modules: Mapping[str, nn.Module],
    preset: Preset,
    tensors: Mapping[str, Mapping[str, TensorSource]],
    loras: Sequence[tuple[Lora, float]],
) -> None:
    """Set every weight that a LoRA touches to the checkpoint's value plus all changes, summed in fp32.

    `modules` are "unet" and "text_encoder" (the tower); `tensors` are the checkpoint's, by module and name.
    Raises CheckpointError for a change that belongs to no weight or does not fit it.
    """
    changes: dict[tuple[str, str], list[tuple[slice, WeightChange, float]]] = {}
    wholes: dict[tuple[str, str], StoredTensor] = {}
    for lora, weight in loras:
        for target, change in _located_changes(lora, modules, preset):
            changes.setdefault((target.module, target.key), []).append((target.rows, change, weight))
        if lora.whole:
            wholes["unet", "time_embed.cond_proj.weight"] = next(iter(lora.whole.values()))
    for key in wholes:
        changes.setdefault(key, [])
    with torch.no_grad():
        for (module, name), added in changes.items():
            parameter = modules[module].get_parameter(name)
            total = torch.empty(parameter.shape, dtype=torch.float32)
            source = (wholes[module, name],) if (module, name) in wholes else tensors[module][name]
            read_into(total, source)
            for rows, change, weight in added:
                if weight:
                    total[rows] += weight * change.delta(tuple(total[rows].shape))
            parameter.copy_(total)


def _located_changes(
    lora: Lora, modules: Mapping[str, nn.Module], preset: Preset
) -> Iterator[tuple[WeightSlice, WeightChange]]:
    """Each change and the weight that it belongs to. Raises CheckpointError if there is no such weight."""
    if lora.listed:
        yield from _in_order(lora, modules["unet"], preset)
        return
    known = names.weights_by_name(modules, preset)
    unknown = [name for name in lora.named if names.bare_name(name) not in known]
    if unknown:
        raise CheckpointError(
            f"{lora.path}: {len(unknown)} of {len(lora.named)} changes belong to no weight of {preset.name}, "
            f"first {unknown[0]}"
        )
    for name, change in lora.named.items():
        target = known[names.bare_name(name)]
        weight = modules[target.module].get_parameter(target.key)[target.rows]
        _check_shapes(lora.path, name, change, weight)
        yield target, change


def _check_shapes(path: Path, name: str, change: WeightChange, weight: Tensor) -> None:
    inner, outer = change.down.shape, change.up.shape
    shape = tuple(weight.shape)
    if change.folded:
        count = outer[0] * inner[1]
        fits = count in (weight.numel(), weight.numel() * (shape[2] if len(shape) == 5 else 1))
    else:
        rest = 1
        for n in inner[1:]:
            rest *= n
        fits = outer[0] == shape[0] and rest * shape[0] == weight.numel() and inner[0] == outer[1]
    if not fits:
        raise CheckpointError(
            f"{path}: {name}: halves of shapes {list(inner)} and {list(outer)} for a weight of {list(shape)}"
        )


def _in_order(lora: Lora, unet: nn.Module, preset: Preset) -> Iterator[tuple[WeightSlice, WeightChange]]:
    """Changes without names, matched to layers in the order of diffusers' network.

    A layer whose shape the next pair does not fit is skipped: trainers leave out some kinds of layers.
    """
    waiting = list(lora.listed)
    shapes = {key: tuple(value.shape) for key, value in unet.named_parameters()}
    for key in names.unet_weights_in_order(shapes, preset.unet):
        if not waiting:
            break
        change, shape = waiting[0], names.diffusers_shape(key, shapes[key])
        kind = len(change.down.shape) == len(shape)
        if kind and change.down.shape[1:] == shape[1:] and change.up.shape[0] == shape[0]:
            yield WeightSlice("unet", key), waiting.pop(0)
        elif kind:
            raise CheckpointError(
                f"{lora.path}: pair {len(lora.listed) - len(waiting)}: halves of shapes "
                f"{list(change.down.shape)} and {list(change.up.shape)} for {key} of {list(shape)}"
            )
    if waiting:
        raise CheckpointError(
            f"{lora.path}: {len(waiting)} of {len(lora.listed)} pairs are left over: of another network"
        )
