"""Saves a model in ModelScope's or diffusers' layout, losslessly and file by file atomically."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2v.checkpoints import config_writing
from t2v.checkpoints.files.atomic import atomic_write
from t2v.checkpoints.fill import LAYOUTS, name_map
from t2v.checkpoints.layouts import ORIGINAL
from t2v.configs import Preset
from t2v.errors import CheckpointError


def save_checkpoint(
    modules: Mapping[str, nn.Module], preset: Preset, folder: str | Path, *, layout: str = "modelscope"
) -> Path:
    """Write a model's weights, in their own dtype, and its settings; merged LoRAs are written merged.

    "modelscope": `configuration.json` and the three pickled files of the official folder, the text tower
    without the picture tower beside it. "diffusers": what `TextToVideoSDPipeline.from_pretrained` reads.
    `modules` are "unet", "autoencoder" and "text_encoder", the text tower. Returns the folder. Raises
    CheckpointError.
    """
    writers = {"modelscope": _save_modelscope, "diffusers": _save_diffusers}
    if layout not in writers:
        raise CheckpointError(f"wanted a layout of {', '.join(writers)}, got {layout!r}")
    if preset.speaks_toon:
        raise CheckpointError("toon is saved by its own recipe, not in another model's layout")
    folder = Path(folder)
    writers[layout](modules, preset, folder)
    return folder


def _save_modelscope(modules: Mapping[str, nn.Module], preset: Preset, folder: Path) -> None:
    _write_json(folder / "configuration.json", config_writing.modelscope_config(preset))
    for part, module in modules.items():
        prefix = "first_stage_model." if part == "autoencoder" else ""
        state = OrderedDict((prefix + k, v.detach().cpu()) for k, v in module.state_dict().items())
        content: object = {"state_dict": state} if part == "autoencoder" else state
        ending = "bin" if part == "text_encoder" else "pth"
        _write(folder / f"{ORIGINAL[part]}.{ending}", partial(torch.save, content))


def _save_diffusers(modules: Mapping[str, nn.Module], preset: Preset, folder: Path) -> None:
    if preset.unet.num_heads != 8 or not preset.unet.temporal:
        raise CheckpointError(
            f"{preset.name}: diffusers' UNet3D has 8 heads in its first temporal layer, this one "
            f"{preset.unet.num_heads if preset.unet.temporal else 'no temporal layers'}: save as modelscope"
        )
    _write_json(folder / "model_index.json", config_writing.MODEL_INDEX)
    for name, value in config_writing.diffusers_configs(preset).items():
        _write_json(folder / name, value)
    _write_tokenizer(folder / "tokenizer", preset.text_encoder.context_length)
    files = {
        "unet": "unet/diffusion_pytorch_model",
        "autoencoder": "vae/diffusion_pytorch_model",
        "text_encoder": "text_encoder/model",
    }
    for part, module in modules.items():
        layout = next(x for x in LAYOUTS if (x.part, x.name) == (part, "diffusers"))
        state = _renamed(preset, module, layout)
        _write_safetensors(folder / f"{files[part]}.safetensors", state)


def _renamed(preset: Preset, module: nn.Module, layout: Any) -> dict[str, Tensor]:
    """A module's tensors under diffusers' names and in its shapes, without those that diffusers lacks."""
    out: dict[str, Tensor] = {}
    own = module.state_dict()
    for key, pieces in name_map(layout, own, preset).items():
        if layout.part == "text_encoder" and not _is_read(key, preset):
            continue
        value = own[key].detach().cpu()
        for (name, *_), piece in zip(pieces, value.chunk(len(pieces)), strict=True):
            flat = ".attentions." in name or "temp_attentions" in name or name.startswith("transformer_in")
            linear = flat and piece.ndim > 2 and name.endswith(".weight")
            prefix = "text_model." if layout.part == "text_encoder" else ""
            out[prefix + name] = (piece.flatten(1) if linear else piece).contiguous()
    return out


def _is_read(key: str, preset: Preset) -> bool:
    """Whether filming uses this tensor of the tower: not the projection, nor a skipped layer."""
    config = preset.text_encoder
    skipped = range(config.layers - config.skipped_layers, config.layers)
    return key != "text_projection" and not any(f".resblocks.{i}." in key for i in skipped)


def _write_tokenizer(folder: Path, context_length: int) -> None:
    """CLIP's byte-pair vocabulary in the files that transformers reads; token 0 pads, as in training."""
    from t2v.networks.text_encoder import bpe

    tokenizer = bpe()
    start, end = "<|startoftext|>", "<|endoftext|>"
    renamed = {tokenizer.sot_token_id: start, tokenizer.eot_token_id: end}  # open_clip writes them otherwise
    _write_json(folder / "vocab.json", {renamed.get(i, token): i for token, i in tokenizer.encoder.items()})
    ranks = sorted(tokenizer.bpe_ranks, key=tokenizer.bpe_ranks.__getitem__)
    merges = "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in ranks)
    _write(folder / "merges.txt", lambda path: path.write_text(merges, "utf-8"))
    special = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "!"}
    _write_json(folder / "special_tokens_map.json", special)
    _write_json(
        folder / "tokenizer_config.json",
        {**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": context_length},
    )


def _write_safetensors(path: Path, state: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save_file

    _write(path, lambda part: save_file(dict(state), part, metadata={"format": "pt"}))


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    _write(path, lambda part: part.write_text(text, "utf-8"))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as part:
            write(part)
    except OSError as error:
        raise CheckpointError(f"{path}: could not be written ({error.strerror})") from error
