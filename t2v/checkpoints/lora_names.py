"""What LoRA files call the weights of the UNet and the text tower, and in which order they list them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import nn

from t2v.checkpoints.names import text_in_transformers, unet_in_diffusers, unet_in_modelscope
from t2v.configs import Preset, UNetConfig

Place = tuple[str, str, slice]
WRAPPERS = ("base_model.model.", "unet.", "text_encoder.", "text_model.", "model.diffusion_model.", "module.")
SUFFIX = ".weight"


def bare(name: str) -> str:
    """A change's name without what its trainer put around it: `unet.`, `.processor.`, a trailing `to_out`."""
    found = True
    while found:
        found = False
        for wrapper in WRAPPERS:
            if name.startswith(wrapper):
                name, found = name.removeprefix(wrapper), True
    name = re.sub(r"\.processor\.(to_[qkv]|to_out)$", r".\1", name)
    return re.sub(r"\.to_out$", ".to_out.0", name)


def weights_by_name(modules: Mapping[str, nn.Module], preset: Preset) -> dict[str, Place]:
    """Every name that a file may give to a weight's layer -> the weight and its rows."""
    out: dict[str, Place] = {}
    keys = [k for k, v in modules["unet"].named_parameters() if k.endswith(SUFFIX) and v.ndim > 1]
    for names in (unet_in_diffusers(keys, preset.unet), unet_in_modelscope(keys, preset.unet)):
        for key, (options,) in names.items():
            for option in options:
                layer = option.removesuffix(SUFFIX)
                out.setdefault(layer, ("unet", key, slice(None)))
                out.setdefault(f"lora_unet_{layer.replace('.', '_')}", ("unet", key, slice(None)))
    out.update(_text_weights(modules["text_encoder"], preset.text_encoder.width))
    return out


def _text_weights(tower: nn.Module, width: int) -> dict[str, Place]:
    out: dict[str, Place] = {}
    keys = [k for k, v in tower.named_parameters() if v.ndim > 1 and k.endswith("weight")]
    for key, pieces in text_in_transformers(keys).items():
        for i, (theirs,) in enumerate(pieces):
            rows = slice(i * width, (i + 1) * width) if len(pieces) == 3 else slice(None)
            place = ("text_encoder", key, rows)
            layer = theirs.removesuffix(SUFFIX)
            own = key.removesuffix(SUFFIX)
            if len(pieces) == 3:
                own = key.replace("in_proj_weight", f"{'qkv'[i]}_proj")
            flat = layer.replace(".", "_")
            for name in (layer, own, own.removeprefix("transformer."), f"lora_te_text_model_{flat}"):
                out.setdefault(name, place)
    return out


def unet_weights_in_order(keys: Iterable[str], config: UNetConfig) -> list[str]:
    """Our names of linear and convolutional weights, in the order in which diffusers makes its layers."""
    norms = re.compile(r"norm|\.(in|out)_layers\.0|conv\d\.0")
    weights = [k for k in keys if k.endswith(SUFFIX) and not norms.search(k)]
    theirs = unet_in_diffusers([k for k in weights if k != "out.0.weight"], config)
    return sorted(theirs, key=lambda key: _rank(theirs[key][0][0]))


ORDERS = (
    ("conv_in", "time_embedding", "transformer_in", "down_blocks", "up_blocks", "mid_block", "conv_out"),
    ("linear_1", "cond_proj", "linear_2"),
    ("resnets", "temp_convs", "attentions", "temp_attentions", "downsamplers", "upsamplers"),
    ("proj_in", "transformer_blocks", "proj_out"),
    ("conv1", "time_emb_proj", "conv2", "conv_shortcut", "conv3", "conv4"),
    ("attn1", "attn2", "ff"),
    ("to_q", "to_k", "to_v", "to_out"),
)
RANKS = {word: i for order in ORDERS for i, word in enumerate(order)}


def _rank(name: str) -> tuple[int, ...]:
    """Where a layer stands: numbers as they are, words as their modules are made one after the other.

    In the middle block the residual blocks are made before the temporal convolutions, as in the others.
    """
    return tuple(int(part) if part.isdigit() else RANKS.get(part, 0) for part in name.split("."))


def diffusers_shape(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A weight's shape as diffusers has it, where the temporal projections are linear."""
    return shape[:2] if len(shape) == 3 else shape
