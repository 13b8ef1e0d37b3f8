"""Loads models: from weights on disk or on a hub to a `TextToVideo`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from t2v.checkpoints import config_reading, lora
from t2v.checkpoints import save as saving
from t2v.checkpoints.files.safetensors import load_strictly, read_weights
from t2v.checkpoints.files.stored import StoredTensor
from t2v.checkpoints.fill import CheckpointPart, Origin, TensorSource, add_zero_guidance, fill, match_tensors
from t2v.checkpoints.find import Location, find_part, locate, neighbours
from t2v.checkpoints.fingerprint import is_toon, weight_file
from t2v.checkpoints.layouts import FOLDERS, ORIGINAL, PARTS
from t2v.checkpoints.toon_preset import toon_preset
from t2v.configs import MODELSCOPE, TOON, TOON_112, Preset, ScheduleConfig
from t2v.errors import CheckpointError, SettingsError
from t2v.memory.placement import MemoryLimit, budget_bytes_of
from t2v.memory.plan import choose_dtype
from t2v.memory.precision import best_dtype
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

log = logging.getLogger("t2v")


def load(
    source: str | Path,
    *,
    base: str | Path | None = None,
    loras: Sequence[tuple[str | Path, float]] = (),
    device: str | torch.device | None = None,
    dtype: torch.dtype | None = None,
    memory: MemoryLimit = "auto",
) -> TextToVideo:
    """Load a model.

    `source` is "toon", a folder in ModelScope's or diffusers' layout, a weight file, or a hub id
    (`owner/name`, `owner/name@revision`). Parts that it lacks are looked for beside it, then in `base`,
    which is a source too. `loras` are (file, weight) pairs, merged in fp32. A device or dtype of None means
    the best that this machine has, or half precision where the preset's own clip does not fit otherwise.
    `memory` is "auto" (what the device has free when a clip is filmed), a budget such as "8GB", or a
    `t2v.MemoryPlan`. The model's `origin` says what was loaded; it is logged, too.
    Raises CheckpointError, and SettingsError for a device that this machine does not have.
    """
    where = _device(device)
    if is_toon(source):
        model = _toon(weight_file(source), where, dtype or best_dtype(where), memory)
        if loras:
            set_loras(model, loras)
    else:
        model = _load(str(source), base, loras, where, dtype, memory)
    assert model.origin is not None
    log.info("%s: loaded, licence %s", source, model.origin.licence)
    return model


def _device(asked: str | torch.device | None) -> torch.device:
    """The given device, or the best one of this machine. Raises SettingsError for one that it lacks."""
    if asked is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(asked)
        torch.empty(0, device=where)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        available = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        available += ["mps"] if torch.backends.mps.is_available() else []
        raise SettingsError(
            f"device: wanted one that this machine has ({', '.join(available)}), got {str(asked)!r}"
        ) from error
    return where


def _toon(path: Path, where: torch.device, dtype: torch.dtype, memory: MemoryLimit) -> TextToVideo:
    source = "toon" if path == weight_file("toon") else str(path.parent)
    state, metadata = read_weights(path)
    preset = replace(toon_preset(source), schedule=_schedule_of(metadata, path))
    text_encoder, unet = TextEncoder(preset.text_encoder), UNet3D(preset.unet)
    autoencoder = Autoencoder(preset.autoencoder)
    parts = nn.ModuleDict({"text_encoder": text_encoder, "unet": unet, "autoencoder": autoencoder})
    load_strictly(parts, state, path, TOON.name)
    model = TextToVideo(preset, text_encoder, unet, autoencoder, device=where, dtype=dtype, memory=memory)
    # Read again, for LoRAs alone: without one, the file is not kept in memory.
    again = cache(lambda: read_weights(path)[0])
    tensors: dict[str, Mapping[str, TensorSource]] = {
        part: {
            key.removeprefix(prefix): (
                StoredTensor(tuple(value.shape), value.dtype, partial(_tensor, again, key)),
            )
            for key, value in state.items()
            if key.startswith(prefix)
        }
        for part, prefix in (("unet", "unet."), ("text_encoder", "text_encoder.tower."))
    }
    model.origin = Origin(source, dict.fromkeys(PARTS, path), TOON.licence, tensors=tensors)
    return model


def _schedule_of(metadata: Mapping[str, str], path: Path) -> ScheduleConfig:
    """The noise schedule of TOON's weights, from their metadata; older files have none and share no noise."""
    if "preset" not in metadata:
        return replace(TOON_112.schedule, shared_noise=0.0)
    try:
        return ScheduleConfig(**json.loads(metadata["preset"])["schedule"])
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{path}: wanted a preset with a schedule in its metadata, and could not read it ({error}); "
            "try the file of the version that wrote it, or train it again"
        ) from error


def _tensor(state: Callable[[], Mapping[str, torch.Tensor]], key: str) -> torch.Tensor:
    return state()[key]


def _load(
    source: str,
    base: str | Path | None,
    loras: Sequence[tuple[str | Path, float]],
    where: torch.device,
    asked: torch.dtype | None,
    memory: MemoryLimit,
) -> TextToVideo:
    half = (asked or best_dtype(where)) == torch.float16
    first, parts, preset, read_loras = _describe_source(source, base, loras, half=half)
    dtype = asked or choose_dtype(preset, where.type, budget_bytes_of(memory))
    networks, tensors = _networks(parts, preset, torch.device("cpu"), dtype)
    model = TextToVideo(preset, **networks, device=where, dtype=dtype, memory=memory)
    files = {part: inside.file.path for part, (_, inside) in parts.items()}
    model.origin = Origin(source, files, preset.licence, first.revision, (), tensors)
    if read_loras:
        lora.merge_loras(_lora_modules(model), preset, tensors, read_loras)
        model.origin = replace(model.origin, loras=tuple((Path(f), float(w)) for f, w in loras))
    return model


def preset(
    source: str | Path, *, base: str | Path | None = None, loras: Sequence[tuple[str | Path, float]] = ()
) -> Preset:
    """The preset of a source, for the same arguments as `load`; no weight is read.

    It comes from the settings beside the weights and the names and shapes in them. Raises CheckpointError.
    """
    if is_toon(source):
        return toon_preset(source)
    return _describe_source(str(source), base, loras, half=False)[2]


def _describe_source(
    source: str, base: str | Path | None, loras: Sequence[tuple[str | Path, float]], *, half: bool
) -> tuple[Location, dict[str, tuple[Location, CheckpointPart]], Preset, list[tuple[lora.Lora, float]]]:
    """The location of a source, its parts, its preset and its LoRAs, before any weight is read."""
    first = locate(source, half=half)
    locations = [first, *neighbours(first, half=half)]
    if base is not None:
        locations.append(locate(base, half=half))
    parts = {part: _find_or_raise(locations, part, source) for part in PARTS}
    read_loras = [(lora.read_lora(Path(file)), float(weight)) for file, weight in loras]
    preset = read_preset(
        parts, locations, name=first.path.stem if first.path.is_file() else Path(source).name
    )
    width = lora.guidance_width([read for read, _ in read_loras], preset)
    if width is not None and preset.unet.guidance_embed_dim is None:
        preset = config_reading.as_distilled(preset, width)
        location, unet = parts["unet"]
        parts["unet"] = location, add_zero_guidance(unet, preset)
    return first, parts, preset, read_loras


def set_loras(model: TextToVideo, loras: Sequence[tuple[str | Path, float]]) -> None:
    """Merge exactly these (file, weight) pairs; an empty list restores the loaded weights, bit for bit.

    Every changed tensor is computed anew from its file, in fp32, so that nothing of earlier LoRAs is left. A
    LoRA that brings an embedding of the guidance has to be given to `load`. Waits for the clip that is being
    filmed. Raises CheckpointError.
    """
    with model.lock:
        modules, origin = _lora_modules(model), model.origin
        if origin is None or not origin.tensors:
            raise CheckpointError("this model was not loaded from files that a LoRA can be merged into")
        new = [(lora.read_lora(Path(file)), float(weight)) for file, weight in loras]
        before = [(lora.read_lora(file), 0.0) for file, _ in origin.loras]
        lora.merge_loras(modules, model.preset, origin.tensors, [*before, *new])
        model.origin = replace(origin, loras=tuple((Path(f), float(w)) for f, w in loras))


def _lora_modules(model: TextToVideo) -> dict[str, nn.Module]:
    """The modules that a LoRA may change."""
    return {"unet": model.unet, "text_encoder": model.text_encoder.tower}


def save(model: TextToVideo, folder: str | Path, *, layout: str = "modelscope") -> Path:
    """Write a loaded model; see `t2v.checkpoints.save.save_checkpoint`. Raises CheckpointError."""
    with model.lock:
        modules = {**model.parts, "text_encoder": model.text_encoder.tower}
        return saving.save_checkpoint(modules, model.preset, folder, layout=layout)


def _find_or_raise(locations: Sequence[Location], part: str, source: str) -> tuple[Location, CheckpointPart]:
    located = find_part(list(locations), part)
    if located is None:
        raise CheckpointError(
            f"{source}: no {part} in it or beside it (wanted {ORIGINAL[part]}.pth or .bin, or a folder "
            f"{FOLDERS[part]}/): name a folder that has it as base"
        )
    return located


def read_preset(
    parts: Mapping[str, tuple[Location, CheckpointPart]], locations: Sequence[Location], *, name: str
) -> Preset:
    """The preset that the settings beside the weights describe; a value that they lack is ModelScope's."""
    preset = replace(MODELSCOPE, name=name)
    configuration = next((p for location in locations if (p := location.config_file("configuration"))), None)
    if configuration is not None:
        preset = config_reading.with_modelscope(preset, configuration)
    location, unet = parts["unet"]
    scheduler = location.config_file("scheduler")
    if unet.layout.name == "diffusers" and scheduler is not None:
        preset = config_reading.with_diffusers_scheduler(preset, scheduler)
    readers: dict[str, Callable[[Preset, Path], Preset]] = {
        "unet": config_reading.with_diffusers_unet,
        "autoencoder": config_reading.with_diffusers_autoencoder,
        "text_encoder": config_reading.with_transformers_text,
    }
    for part, (location, inside) in parts.items():
        path = location.config_file(part)
        if inside.layout.name == "diffusers" and path is not None:
            preset = readers[part](preset, path)
    preset = replace(preset, text_encoder=_tower(parts["text_encoder"][1], preset))
    cond = next((v for k, v in unet.tensors.items() if k.endswith("cond_proj.weight")), None)
    width = cond.shape[1] if cond else preset.unet.guidance_embed_dim
    if width is not None:
        preset = config_reading.as_distilled(preset, width)
    card = next((p for location, _ in parts.values() if (p := location.config_file("card"))), None)
    return replace(preset, licence=(config_reading.read_licence(card) if card else None) or preset.licence)


def _tower(part: CheckpointPart, preset: Preset) -> Any:
    """The text tower's config, as deep as the file: without the layers that a pruned file lacks."""
    config = preset.text_encoder
    inner = "encoder.layers." if part.layout.name == "diffusers" else "transformer.resblocks."
    layers = 1 + max(
        (int(k.removeprefix(inner).partition(".")[0]) for k in part.tensors if k.startswith(inner)),
        default=-1,
    )
    used = config.layers - config.skipped_layers
    whole = layers >= config.layers
    return replace(
        config,
        layers=config.layers if whole else max(layers, used),
        skipped_layers=config.skipped_layers if whole else max(layers, used) - used,
        projection="text_projection" in part.tensors and part.layout.name == "modelscope",
    )


def _networks(
    parts: Mapping[str, tuple[Location, CheckpointPart]],
    preset: Preset,
    where: torch.device,
    dtype: torch.dtype,
) -> tuple[dict[str, Any], dict[str, Mapping[str, TensorSource]]]:
    """The three networks, matched with their files before any tensor is read, then filled one by one."""
    with torch.device("meta"):
        text_encoder = TextEncoder(preset.text_encoder)
        networks = {
            "unet": UNet3D(preset.unet),
            "autoencoder": Autoencoder(preset.autoencoder),
            "text_encoder": text_encoder,
        }
    modules: dict[str, nn.Module] = {**networks, "text_encoder": text_encoder.tower}
    tensors: dict[str, Mapping[str, TensorSource]] = {
        part: match_tensors(parts[part][1], module, preset) for part, module in modules.items()
    }
    for part, module in modules.items():
        fill(module, tensors[part], parts[part][1].file.path, device=where, dtype=dtype)
    tower = text_encoder.tower
    tower.register_buffer("attn_mask", tower.build_causal_mask().to(where, dtype), persistent=False)
    return networks, tensors
