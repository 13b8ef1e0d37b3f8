"""Reads ModelScope's `configuration.json` and the settings of a diffusers folder into a preset. No torch.

A key that a file lacks has ModelScope's published value; unknown keys are ignored.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from t2v.checkpoints.files.wrong_files import read_json
from t2v.configs import (
    AutoencoderConfig,
    Preset,
    ScheduleConfig,
    Spacing,
    TextEncoderConfig,
    UNetConfig,
)
from t2v.errors import CheckpointError

Json = Mapping[str, Any]


def with_modelscope(preset: Preset, path: Path) -> Preset:
    """The preset with the values of a `configuration.json`. `model_cfg` keys may begin with `unet_`.

    Besides the published keys it may have latent diffusion's `ddconfig` and `scale_factor`, OpenCLIP's
    `text_cfg`, and `zero_terminal_snr` and `spacing`. Raises CheckpointError.
    """
    model = _section(read_json(path), "model", path)
    cfg = _section(model, "model_cfg", path)
    args = _section(model, "model_args", path)

    def of(name: str, default: Any) -> Any:
        return cfg.get(f"unet_{name}", cfg.get(name, default))

    old = preset.unet
    with _errors_named(path):
        unet = UNetConfig(
            in_channels=int(of("in_dim", old.in_channels)),
            out_channels=int(of("out_dim", old.out_channels)),
            width=int(of("dim", old.width)),
            channel_multipliers=tuple(int(m) for m in of("dim_mult", old.channel_multipliers)),
            attention_levels=len(of("attn_scales", range(old.attention_levels))),
            num_res_blocks=int(of("res_blocks", old.num_res_blocks)),
            num_heads=int(of("num_heads", old.num_heads)),
            head_dim=int(of("head_dim", old.head_dim)),
            context_dim=int(of("context_dim", old.context_dim)),
            dropout=float(of("dropout", old.dropout)),
            norm_groups=int(of("norm_groups", old.norm_groups)),
            guidance_embed_dim=of("time_cond_proj_dim", old.guidance_embed_dim),
            temporal=str(cfg.get("temporal_attention", "True")) == "True",
        )
        schedule = replace(
            preset.schedule,
            num_timesteps=int(cfg.get("num_timesteps", preset.schedule.num_timesteps)),
            beta_start=float(cfg.get("linear_start", preset.schedule.beta_start)),
            beta_end=float(cfg.get("linear_end", preset.schedule.beta_end)),
            zero_terminal_snr=cfg.get("zero_terminal_snr", False) in (True, "True"),
        )
        return replace(
            preset,
            unet=unet,
            autoencoder=_ddconfig(preset.autoencoder, cfg),
            text_encoder=_text_cfg(preset.text_encoder, cfg),
            schedule=schedule,
            prediction=_prediction(cfg.get("mean_type", "eps"), path),
            spacing=cfg.get("spacing", "trailing" if schedule.zero_terminal_snr else "modelscope"),
            num_frames=int(args.get("max_frames", preset.num_frames)),
        )


def _ddconfig(old: AutoencoderConfig, cfg: Json) -> AutoencoderConfig:
    dd = cfg.get("ddconfig", {})
    return AutoencoderConfig(
        width=int(dd.get("ch", old.width)),
        channel_multipliers=tuple(int(m) for m in dd.get("ch_mult", old.channel_multipliers)),
        num_res_blocks=int(dd.get("num_res_blocks", old.num_res_blocks)),
        norm_groups=int(dd.get("norm_groups", old.norm_groups)),
        latent_channels=int(dd.get("z_channels", old.latent_channels)),
        latent_scale=float(cfg.get("scale_factor", old.latent_scale)),
    )


def _text_cfg(old: TextEncoderConfig, cfg: Json) -> TextEncoderConfig:
    text = cfg.get("text_cfg", {})
    return replace(
        old,
        width=int(text.get("width", old.width)),
        heads=int(text.get("heads", old.heads)),
        layers=int(text.get("layers", old.layers)),
        context_length=int(text.get("context_length", old.context_length)),
        vocabulary_size=int(text.get("vocab_size", old.vocabulary_size)),
        skipped_layers=int(text.get("skipped_layers", old.skipped_layers)),
    )


def with_diffusers_unet(preset: Preset, path: Path) -> Preset:
    """The preset with the values of a diffusers `unet/config.json`. Raises CheckpointError."""
    c = read_json(path)
    _refuse_other_class(c, "UNet3DConditionModel", path)
    with _errors_named(path):
        channels = [int(n) for n in c.get("block_out_channels", (320, 640, 1280, 1280))]
        kinds = c.get("down_block_types") or ["CrossAttnDownBlock3D"] * 3 + ["DownBlock3D"]
        levels = sum("CrossAttn" in kind for kind in kinds)
        if kinds != ["CrossAttnDownBlock3D"] * levels + ["DownBlock3D"] * (len(channels) - levels):
            raise ValueError(f"down_block_types {kinds}: wanted the attending ones first")
        unet = UNetConfig(
            in_channels=int(c.get("in_channels", 4)),
            out_channels=int(c.get("out_channels", 4)),
            width=channels[0],
            channel_multipliers=tuple(n // channels[0] for n in channels),
            attention_levels=levels,
            num_res_blocks=int(c.get("layers_per_block", 2)),
            num_heads=8,  # of the first temporal transformer, whatever the file says: diffusers fixes it
            head_dim=int(c.get("attention_head_dim", 64)),
            context_dim=int(c.get("cross_attention_dim", 1024)),
            norm_groups=int(c.get("norm_num_groups", 32)),
            guidance_embed_dim=c.get("time_cond_proj_dim"),
        )
    return replace(preset, unet=unet)


def with_diffusers_autoencoder(preset: Preset, path: Path) -> Preset:
    """The preset with the values of a diffusers `vae/config.json`. Raises CheckpointError."""
    c = read_json(path)
    _refuse_other_class(c, "AutoencoderKL", path)
    with _errors_named(path):
        channels = [int(n) for n in c.get("block_out_channels", (128, 256, 512, 512))]
        autoencoder = AutoencoderConfig(
            width=channels[0],
            channel_multipliers=tuple(n // channels[0] for n in channels),
            num_res_blocks=int(c.get("layers_per_block", 2)),
            norm_groups=int(c.get("norm_num_groups", 32)),
            latent_channels=int(c.get("latent_channels", 4)),
            latent_scale=float(c.get("scaling_factor", 0.18215)),
        )
    return replace(preset, autoencoder=autoencoder)


def with_transformers_text(preset: Preset, path: Path) -> Preset:
    """The preset with the values of a `text_encoder/config.json`, whose layers all run.

    Raises CheckpointError.
    """
    c = read_json(path)
    c = c.get("text_config") or c
    with _errors_named(path):
        if c.get("hidden_act", "gelu") != "gelu":
            raise ValueError(f"hidden_act {c['hidden_act']!r}: wanted 'gelu', as OpenCLIP's ViT-H has it")
        text = TextEncoderConfig(
            width=int(c.get("hidden_size", 1024)),
            heads=int(c.get("num_attention_heads", 16)),
            layers=int(c.get("num_hidden_layers", 23)),
            context_length=int(c.get("max_position_embeddings", 77)),
            vocabulary_size=int(c.get("vocab_size", 49_408)),
            skipped_layers=0,
            projection=False,
        )
        if c.get("intermediate_size", 4 * text.width) != 4 * text.width:
            raise ValueError(f"intermediate_size {c['intermediate_size']}: wanted {4 * text.width}")
    return replace(preset, text_encoder=text)


def with_diffusers_scheduler(preset: Preset, path: Path) -> Preset:
    """The preset with a `scheduler_config.json`'s prediction, noise schedule and spacing.

    Raises CheckpointError.
    """
    c = read_json(path)
    with _errors_named(path):
        if c.get("beta_schedule", "scaled_linear") != "scaled_linear":
            raise ValueError(f"beta_schedule {c['beta_schedule']!r}: wanted 'scaled_linear'")
        schedule = ScheduleConfig(
            num_timesteps=int(c.get("num_train_timesteps", 1000)),
            beta_start=float(c.get("beta_start", 0.00085)),
            beta_end=float(c.get("beta_end", 0.012)),
            zero_terminal_snr=bool(c.get("rescale_betas_zero_snr")),
        )
        usual: Spacing = "trailing" if schedule.zero_terminal_snr else "leading"
        spacing = c.get("timestep_spacing", usual)
        return replace(
            preset,
            schedule=schedule,
            prediction=_prediction(c.get("prediction_type", "epsilon"), path),
            spacing=spacing if spacing in ("leading", "trailing") else usual,
        )


def as_distilled(preset: Preset, guidance_embed_dim: int) -> Preset:
    """The preset for a network distilled with its guidance inside, as T2V-Turbo is (Li et al. 2024)."""
    return replace(
        preset,
        unet=replace(preset.unet, guidance_embed_dim=guidance_embed_dim),
        sampler="lcm",
        spacing="lcm",
        num_steps=4,
        guidance_scale=7.5,
    )


def read_licence(card: Path) -> str | None:
    """The licence in a model card's front matter, in capitals; None if there is none."""
    try:
        head = card.read_text("utf-8", errors="replace")[:4000]
    except OSError:
        return None
    front = re.match(r"\s*---\n(.*?)\n---", head, re.DOTALL)
    named = re.search(r"^license:\s*[\"']?([\w.+-]+)", front[1], re.MULTILINE) if front else None
    return named[1].upper() if named else None


def _prediction(word: Any, path: Path) -> Any:
    known = {"eps": "eps", "epsilon": "eps", "v": "v", "v_prediction": "v"}
    if word not in known:
        raise CheckpointError(f"{path}: wanted a network that predicts eps or v, got {word!r}")
    return known[word]


def _refuse_other_class(config: Json, wanted: str, path: Path) -> None:
    name = config.get("_class_name", wanted)
    if name != wanted:
        raise CheckpointError(f"{path}: wanted a {wanted}, got a {name}: a model of another family")


def _section(value: Json, name: str, path: Path) -> Json:
    section = value.get(name, {})
    if not isinstance(section, dict):
        raise CheckpointError(f"{path}: wanted {name!r} to be an object, got {type(section).__name__}")
    return section


@contextlib.contextmanager
def _errors_named(path: Path) -> Iterator[None]:
    """Turns the error of a wrong value in a settings file into a CheckpointError that names the file."""
    try:
        yield
    except (TypeError, ValueError, ZeroDivisionError, AttributeError, IndexError) as error:
        raise CheckpointError(f"{path}: a setting that this model cannot have: {error}") from error
