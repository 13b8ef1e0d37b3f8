"""A preset as the settings files of ModelScope's and diffusers' layout. No torch."""

from __future__ import annotations

from typing import Any

from t2v.configs import MODELSCOPE, Preset

MODEL_INDEX: dict[str, Any] = {
    "_class_name": "TextToVideoSDPipeline",
    "_diffusers_version": "0.15.0",
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet3DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def modelscope_config(preset: Preset) -> dict[str, Any]:
    """`configuration.json`: the published keys, and more where the model differs from the published one."""
    unet, usual = preset.unet, MODELSCOPE
    cfg: dict[str, Any] = {
        "unet_in_dim": unet.in_channels,
        "unet_dim": unet.width,
        "unet_y_dim": 768,
        "unet_context_dim": unet.context_dim,
        "unet_out_dim": unet.out_channels,
        "unet_dim_mult": list(unet.channel_multipliers),
        "unet_num_heads": unet.num_heads,
        "unet_head_dim": unet.head_dim,
        "unet_res_blocks": unet.num_res_blocks,
        "unet_attn_scales": [1 / 2**i for i in range(unet.attention_levels)],
        "unet_dropout": unet.dropout,
        "temporal_attention": str(unet.temporal),
        "num_timesteps": preset.schedule.num_timesteps,
        "mean_type": preset.prediction,
        "var_type": "fixed_small",
        "loss_type": "mse",
    }
    if unet.norm_groups != usual.unet.norm_groups:
        cfg["unet_norm_groups"] = unet.norm_groups
    if unet.guidance_embed_dim is not None:
        cfg["unet_time_cond_proj_dim"] = unet.guidance_embed_dim
    if preset.schedule.zero_terminal_snr:
        cfg["zero_terminal_snr"] = True
    if preset.spacing != ("trailing" if preset.schedule.zero_terminal_snr else "modelscope"):
        cfg["spacing"] = preset.spacing
    if preset.schedule.beta_start != usual.schedule.beta_start:
        cfg["linear_start"] = preset.schedule.beta_start
    if preset.schedule.beta_end != usual.schedule.beta_end:
        cfg["linear_end"] = preset.schedule.beta_end
    cfg |= _other_parts(preset)
    names = {
        "ckpt_clip": "open_clip_pytorch_model.bin",
        "ckpt_unet": "text2video_pytorch_model.pth",
        "ckpt_autoencoder": "VQGAN_autoencoder.pth",
    }
    kind = "latent-text-to-video-synthesis"
    return {
        "framework": "pytorch",
        "task": "text-to-video-synthesis",
        "model": {
            "type": kind,
            "model_args": {**names, "max_frames": preset.num_frames, "tiny_gpu": 1},
            "model_cfg": cfg,
        },
        "pipeline": {"type": kind},
    }


def _other_parts(preset: Preset) -> dict[str, Any]:
    """The values that ModelScope has in its source code instead of the file, where the preset differs."""
    out: dict[str, Any] = {}
    if preset.autoencoder != MODELSCOPE.autoencoder:
        a = preset.autoencoder
        out["ddconfig"] = {
            "double_z": True,
            "z_channels": a.latent_channels,
            "in_channels": 3,
            "out_ch": 3,
            "ch": a.width,
            "ch_mult": list(a.channel_multipliers),
            "num_res_blocks": a.num_res_blocks,
            "norm_groups": a.norm_groups,
        }
        out["scale_factor"] = a.latent_scale
    text = preset.text_encoder
    if text != MODELSCOPE.text_encoder:
        out["text_cfg"] = {
            "width": text.width,
            "heads": text.heads,
            "layers": text.layers,
            "context_length": text.context_length,
            "vocab_size": text.vocabulary_size,
            "skipped_layers": text.skipped_layers,
        }
    return out


def diffusers_configs(preset: Preset) -> dict[str, dict[str, Any]]:
    """The settings files of a diffusers folder, by path in the folder."""
    unet, a, text, schedule = preset.unet, preset.autoencoder, preset.text_encoder, preset.schedule
    levels, attending = len(unet.channel_multipliers), unet.attention_levels
    rest = levels - attending
    spacing = "trailing" if preset.spacing == "trailing" else "leading"
    return {
        "unet/config.json": {
            "_class_name": "UNet3DConditionModel",
            "in_channels": unet.in_channels,
            "out_channels": unet.out_channels,
            "block_out_channels": [unet.width * m for m in unet.channel_multipliers],
            "down_block_types": ["CrossAttnDownBlock3D"] * attending + ["DownBlock3D"] * rest,
            "up_block_types": ["UpBlock3D"] * rest + ["CrossAttnUpBlock3D"] * attending,
            "layers_per_block": unet.num_res_blocks,
            "cross_attention_dim": unet.context_dim,
            "attention_head_dim": unet.head_dim,
            "norm_num_groups": unet.norm_groups,
            "time_cond_proj_dim": unet.guidance_embed_dim,
            "sample_size": 32,
        },
        "vae/config.json": {
            "_class_name": "AutoencoderKL",
            "block_out_channels": [a.width * m for m in a.channel_multipliers],
            "down_block_types": ["DownEncoderBlock2D"] * len(a.channel_multipliers),
            "up_block_types": ["UpDecoderBlock2D"] * len(a.channel_multipliers),
            "layers_per_block": a.num_res_blocks,
            "latent_channels": a.latent_channels,
            "norm_num_groups": a.norm_groups,
            "scaling_factor": a.latent_scale,
        },
        "text_encoder/config.json": {
            "architectures": ["CLIPTextModel"],
            "model_type": "clip_text_model",
            "hidden_size": text.width,
            "intermediate_size": text.width * 4,
            "num_attention_heads": text.heads,
            "num_hidden_layers": text.layers - text.skipped_layers,
            "max_position_embeddings": text.context_length,
            "vocab_size": text.vocabulary_size,
            "hidden_act": "gelu",
            "layer_norm_eps": 1e-5,
        },
        "scheduler/scheduler_config.json": {
            "_class_name": "DDIMScheduler",
            "beta_schedule": "scaled_linear",
            "beta_start": schedule.beta_start,
            "beta_end": schedule.beta_end,
            "num_train_timesteps": schedule.num_timesteps,
            "prediction_type": {"eps": "epsilon", "v": "v_prediction"}[preset.prediction],
            "rescale_betas_zero_snr": schedule.zero_terminal_snr,
            "timestep_spacing": spacing,
            "steps_offset": 0 if spacing == "trailing" else 1,
            "set_alpha_to_one": spacing == "trailing",
            "clip_sample": False,
        },
    }
