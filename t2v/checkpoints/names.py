"""The names of the three networks' tensors in every layout.

A map has, for each of our names (the ModelScope checkpoint's), its names in a layout: a tuple of alternatives
for each piece, and several pieces where the layout splits what is one tensor here.
Shapes may differ by trailing axes of length one: a 1x1 convolution and a linear layer are the same matrix.
Sources: diffusers `convert_ms_text_to_video_to_diffusers.py` and `AutoencoderKL`, transformers
`CLIPTextModel`, Text-To-Video-Finetuning's export script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from torch import nn

from t2v.configs import AutoencoderConfig, Preset, UNetConfig

Pieces = tuple[tuple[str, ...], ...]
NameMap = dict[str, Pieces]

RES = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
}
VAE_ATTENTION = {
    "norm": ("group_norm",),
    "q": ("to_q", "query"),
    "k": ("to_k", "key"),
    "v": ("to_v", "value"),
    "proj_out": ("to_out.0", "proj_attn"),
}
TEXT_LAYER = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


def _stage(own: str, theirs: str, i: int, *, attends: bool) -> Iterator[tuple[str, str]]:
    yield from ((f"{own}.0.{a}.", f"{theirs}.resnets.{i}.{b}.") for a, b in RES.items())
    yield f"{own}.0.temopral_conv.", f"{theirs}.temp_convs.{i}."
    if attends:
        yield f"{own}.1.", f"{theirs}.attentions.{i}."
        yield f"{own}.2.", f"{theirs}.temp_attentions.{i}."


def unet_prefixes(config: UNetConfig) -> dict[str, str]:
    """diffusers' prefix for each of ModelScope's."""
    levels, blocks = len(config.channel_multipliers), config.num_res_blocks
    out = {
        "input_blocks.0.0.": "conv_in.",
        "input_blocks.0.1.": "transformer_in.",
        "time_embed.0.": "time_embedding.linear_1.",
        "time_embed.2.": "time_embedding.linear_2.",
        "time_embed.cond_proj.": "time_embedding.cond_proj.",
        "out.0.": "conv_norm_out.",
        "out.2.": "conv_out.",
    }
    for level in range(levels):
        attends = level < config.attention_levels
        for i in range(blocks):
            own = f"input_blocks.{level * (blocks + 1) + i + 1}"
            out |= _stage(own, f"down_blocks.{level}", i, attends=attends)
        out[f"input_blocks.{(level + 1) * (blocks + 1)}.op."] = f"down_blocks.{level}.downsamplers.0.conv."
    out |= _stage("middle_block", "mid_block", 0, attends=True)
    out |= {f"middle_block.3.{a}.": f"mid_block.resnets.1.{b}." for a, b in RES.items()}
    out["middle_block.3.temopral_conv."] = "mid_block.temp_convs.1."
    for i in range(levels):
        attends = levels - 1 - i < config.attention_levels
        for j in range(blocks + 1):
            out |= _stage(f"output_blocks.{i * (blocks + 1) + j}", f"up_blocks.{i}", j, attends=attends)
        last = f"output_blocks.{i * (blocks + 1) + blocks}.{3 if attends else 1}.conv."
        out[last] = f"up_blocks.{i}.upsamplers.0.conv."
    return out


def autoencoder_prefixes(config: AutoencoderConfig) -> dict[str, tuple[str, ...]]:
    """Latent diffusion's prefixes -> diffusers', newer names first; its decoder counts levels from below."""
    levels, blocks = len(config.channel_multipliers), config.num_res_blocks
    out: dict[str, tuple[str, ...]] = {}
    for side in ("encoder", "decoder"):
        out[f"{side}.norm_out."] = (f"{side}.conv_norm_out.",)
        for i in (0, 1):
            out[f"{side}.mid.block_{i + 1}."] = (f"{side}.mid_block.resnets.{i}.",)
        for own, theirs in VAE_ATTENTION.items():
            place = f"{side}.mid_block.attentions.0"
            out[f"{side}.mid.attn_1.{own}."] = tuple(f"{place}.{name}." for name in theirs)
    for level in range(levels):
        up = levels - 1 - level
        for i in range(blocks):
            out[f"encoder.down.{level}.block.{i}."] = (f"encoder.down_blocks.{level}.resnets.{i}.",)
        out[f"encoder.down.{level}.downsample."] = (f"encoder.down_blocks.{level}.downsamplers.0.",)
        for i in range(blocks + 1):
            out[f"decoder.up.{level}.block.{i}."] = (f"decoder.up_blocks.{up}.resnets.{i}.",)
        out[f"decoder.up.{level}.upsample."] = (f"decoder.up_blocks.{up}.upsamplers.0.",)
    return out


def _prefixed(key: str, prefixes: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    own = next((prefix for prefix in prefixes if key.startswith(prefix)), None)
    return (key,) if own is None else tuple(theirs + key.removeprefix(own) for theirs in prefixes[own])


def unet_in_diffusers(keys: Iterable[str], config: UNetConfig) -> NameMap:
    """diffusers' names of the UNet's tensors."""
    prefixes = {own: (theirs,) for own, theirs in unet_prefixes(config).items()}
    return {key: (_prefixed(key, prefixes),) for key in keys}


def autoencoder_in_diffusers(keys: Iterable[str], config: AutoencoderConfig) -> NameMap:
    """diffusers' names of the autoencoder's tensors, older ones as alternatives."""
    prefixes = autoencoder_prefixes(config)
    out: NameMap = {}
    for key in keys:
        names = _prefixed(key, prefixes)
        out[key] = (tuple(name.replace("nin_shortcut", "conv_shortcut") for name in names),)
    return out


def text_in_transformers(keys: Iterable[str]) -> NameMap:
    """transformers' names; it splits the matrix of queries, keys and values, which OpenCLIP has as one."""
    whole = {
        "token_embedding.weight": "embeddings.token_embedding.weight",
        "positional_embedding": "embeddings.position_embedding.weight",
        "ln_final.weight": "final_layer_norm.weight",
        "ln_final.bias": "final_layer_norm.bias",
    }
    out: NameMap = {}
    for key in keys:
        if key in whole:
            out[key] = ((whole[key],),)
            continue
        match = re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+)\.?(weight|bias)", key)
        if match is None:
            out[key] = ((key,),)
            continue
        layer, inner, kind = f"encoder.layers.{match[1]}", match[2].rstrip("._"), match[3]
        if inner == "attn.in_proj":
            out[key] = tuple((f"{layer}.self_attn.{part}_proj.{kind}",) for part in "qkv")
        else:
            out[key] = ((f"{layer}.{TEXT_LAYER[inner]}.{kind}",),)
    return out


def unet_in_modelscope(keys: Iterable[str], config: UNetConfig) -> NameMap:
    """Our own names; a common export script numbers the upsampling layers one too low."""
    out: NameMap = {}
    for key in keys:
        misnumbered = re.sub(r"^(output_blocks\.\d+)\.3\.conv\.", r"\1.2.conv.", key)
        out[key] = ((key,) if misnumbered == key else (key, misnumbered),)
    return out


def identity_names(keys: Iterable[str]) -> NameMap:
    """The map of a layout with our own names."""
    return {key: ((key,),) for key in keys}


class WeightSlice(NamedTuple):
    """One of our weights, or some of its rows."""

    module: str  # "unet" or "text_encoder"
    key: str
    rows: slice = slice(None)


WRAPPERS = ("base_model.model.", "unet.", "text_encoder.", "text_model.", "model.diffusion_model.", "module.")


SUFFIX = ".weight"


def bare_name(name: str) -> str:
    """A change's name without its trainer's additions: `unet.`, `.processor.`, a trailing `to_out`."""
    found = True
    while found:
        found = False
        for wrapper in WRAPPERS:
            if name.startswith(wrapper):
                name, found = name.removeprefix(wrapper), True
    name = re.sub(r"\.processor\.(to_[qkv]|to_out)$", r".\1", name)
    return re.sub(r"\.to_out$", ".to_out.0", name)


def weights_by_name(modules: Mapping[str, nn.Module], preset: Preset) -> dict[str, WeightSlice]:
    """The weight, and its rows, for every name that a LoRA file may give to its layer."""
    out: dict[str, WeightSlice] = {}
    keys = [k for k, v in modules["unet"].named_parameters() if k.endswith(SUFFIX) and v.ndim > 1]
    for names in (unet_in_diffusers(keys, preset.unet), unet_in_modelscope(keys, preset.unet)):
        for key, (options,) in names.items():
            for option in options:
                layer = option.removesuffix(SUFFIX)
                out.setdefault(layer, WeightSlice("unet", key))
                out.setdefault(f"lora_unet_{layer.replace('.', '_')}", WeightSlice("unet", key))
    out.update(_text_weights(modules["text_encoder"], preset.text_encoder.width))
    return out


def _text_weights(tower: nn.Module, width: int) -> dict[str, WeightSlice]:
    out: dict[str, WeightSlice] = {}
    keys = [k for k, v in tower.named_parameters() if v.ndim > 1 and k.endswith("weight")]
    for key, pieces in text_in_transformers(keys).items():
        for i, (theirs,) in enumerate(pieces):
            rows = slice(i * width, (i + 1) * width) if len(pieces) == 3 else slice(None)
            target = WeightSlice("text_encoder", key, rows)
            layer = theirs.removesuffix(SUFFIX)
            own = key.removesuffix(SUFFIX)
            if len(pieces) == 3:
                own = key.replace("in_proj_weight", f"{'qkv'[i]}_proj")
            flat = layer.replace(".", "_")
            for name in (layer, own, own.removeprefix("transformer."), f"lora_te_text_model_{flat}"):
                out.setdefault(name, target)
    return out


def unet_weights_in_order(keys: Iterable[str], config: UNetConfig) -> list[str]:
    """Our names of linear and convolutional weights, in the order in which diffusers creates its layers."""
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
    """The sort key of a layer: numbers as they are, words by the order in which diffusers creates modules.

    In the middle block, too, residual blocks come before temporal convolutions.
    """
    return tuple(int(part) if part.isdigit() else RANKS.get(part, 0) for part in name.split("."))


def diffusers_shape(key: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A weight's shape in diffusers, where the temporal projections are linear."""
    return shape[:2] if len(shape) == 3 else shape
