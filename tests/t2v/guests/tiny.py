"""Pipelines of diffusers with tiny random weights, one for each family and each kind of its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import torch
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    T5Config,
    T5EncoderModel,
    T5Tokenizer,
)

WORDS = tuple(
    "a an the cat dog robot orange blue dances talking in on kitchen sofa night day shot blurry".split()  # noqa: SIM905
)
VOCABULARY = 1103


def seeded(build: Callable[..., Any], **settings: Any) -> Any:
    """A network whose weights are always the same."""
    torch.manual_seed(0)
    return build(**settings).eval()


def text_parts() -> dict[str, Any]:
    """A T5 of two layers, and a tokenizer of a few words and all letters."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -2.0), ("▁", -3.0)]
    pieces += [(f"▁{word}", -4.0) for word in WORDS] + [
        (letter, -9.0) for letter in "abcdefghijklmnopqrstuvwxyz,.-"
    ]
    config = T5Config(
        vocab_size=VOCABULARY, d_model=32, d_ff=32, d_kv=8, num_layers=2, num_heads=4,
        decoder_start_token_id=0, feed_forward_proj="gated-gelu",
    )  # fmt: skip
    torch.manual_seed(0)
    return {
        "text_encoder": T5EncoderModel(config).eval(),
        "tokenizer": T5Tokenizer(vocab=pieces, extra_ids=0),
    }


def eye(size: int, patch: int) -> dict[str, Any]:
    """A CLIP that looks at the first picture."""
    config = CLIPVisionConfig(
        hidden_size=4, projection_dim=4, num_hidden_layers=2, num_attention_heads=2, image_size=size,
        intermediate_size=8, patch_size=patch,
    )  # fmt: skip
    torch.manual_seed(0)
    encoder = CLIPVisionModelWithProjection(config).eval()
    return {"image_encoder": encoder, "image_processor": CLIPImageProcessor(crop_size=size, size=size)}


# ------------------------------------------------------------------------------------------------- Wan


def _wan_network(kind: Any = diffusers.WanTransformer3DModel, channels: int = 16, **more: Any) -> Any:
    own = {"in_channels": channels, "out_channels": 16, "num_layers": 2, **more}
    return seeded(
        kind, patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, text_dim=32, freq_dim=32,
        ffn_dim=32, cross_attn_norm=True, qk_norm="rms_norm_across_heads", rope_max_seq_len=32, **own,
    )  # fmt: skip


def _wan_vae(**more: Any) -> Any:
    own = {
        "base_dim": 3,
        "z_dim": 16,
        "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
        **more,
    }
    return seeded(diffusers.AutoencoderKLWan, dim_mult=[1, 1, 1, 1], **own)


def _flow(shift: float) -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(shift=shift)


def wan() -> Any:
    return diffusers.WanPipeline(
        transformer=_wan_network(), vae=_wan_vae(), scheduler=_flow(7.0), transformer_2=None, **text_parts()
    )


def wan22() -> Any:
    """Two networks: one for the noisy steps, one for the others."""
    return diffusers.WanPipeline(
        transformer=_wan_network(), transformer_2=_wan_network(), boundary_ratio=0.875, vae=_wan_vae(),
        scheduler=_flow(3.0), **text_parts(),
    )  # fmt: skip


def wan22_5b() -> Any:
    """One network for text and pictures, with a timestep a latent frame."""
    vae = _wan_vae(
        z_dim=48, in_channels=12, out_channels=12, is_residual=True, patch_size=2, latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48, scale_factor_spatial=16, scale_factor_temporal=4,
    )  # fmt: skip
    network = _wan_network(channels=48, out_channels=48)
    return diffusers.WanPipeline(
        transformer=network, vae=vae, scheduler=_flow(3.0), transformer_2=None, expand_timesteps=True,
        **text_parts(),
    )  # fmt: skip


def wan_i2v() -> Any:
    return diffusers.WanImageToVideoPipeline(
        transformer=_wan_network(channels=36, image_dim=4), vae=_wan_vae(), scheduler=_flow(7.0),
        transformer_2=None, **eye(16, 4), **text_parts(),
    )  # fmt: skip


def wan_flf2v() -> Any:
    """Learned places for the tokens of two pictures: never for one."""
    network = _wan_network(channels=36, image_dim=4, pos_embed_seq_len=2 * (4 * 4 + 1))
    return diffusers.WanImageToVideoPipeline(
        transformer=network,
        vae=_wan_vae(),
        scheduler=_flow(7.0),
        transformer_2=None,
        **eye(4, 1),
        **text_parts(),
    )


def wan22_i2v() -> Any:
    return diffusers.WanImageToVideoPipeline(
        transformer=_wan_network(channels=36), transformer_2=_wan_network(channels=36), boundary_ratio=0.9,
        vae=_wan_vae(), scheduler=_flow(3.0), image_encoder=None, image_processor=None, **text_parts(),
    )  # fmt: skip


def wan_vace() -> Any:
    network = _wan_network(
        diffusers.WanVACETransformer3DModel, num_layers=3, vace_layers=[0, 2], vace_in_channels=96
    )
    vae = _wan_vae()  # weights by chance hardly hear a later frame's picture: less than a byte
    network.vace_patch_embedding.weight.data.mul_(20)
    for name, module in vae.encoder.named_modules():
        if name.endswith(("time_conv", "conv_in", "conv_out")):
            module.weight.data.mul_(10)
    return diffusers.WanVACEPipeline(
        transformer=network, vae=vae, scheduler=_flow(7.0), transformer_2=None, **text_parts()
    )


# ----------------------------------------------------------------------------------------- LTX-Video, LTX-2


def _ltx(kind: Any) -> Any:
    network = seeded(
        diffusers.LTXVideoTransformer3DModel, in_channels=8, out_channels=8, patch_size=1, patch_size_t=1,
        num_attention_heads=4, attention_head_dim=8, cross_attention_dim=32, num_layers=1,
        caption_channels=32,
    )  # fmt: skip
    scales = (True, True, False, False)
    vae = seeded(
        diffusers.AutoencoderKLLTXVideo, latent_channels=8, block_out_channels=(8,) * 4, patch_size=1,
        decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=scales, decoder_spatio_temporal_scaling=scales, patch_size_t=1,
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    return kind(transformer=network, vae=vae, scheduler=_flow(1.0), **text_parts())


def ltx() -> Any:
    return _ltx(diffusers.LTXPipeline)


def ltx_condition() -> Any:
    return _ltx(diffusers.LTXConditionPipeline)


def ltx2() -> Any:
    """Pictures and sound in one network, with a Gemma for the words."""
    from diffusers.pipelines.ltx2 import LTX2TextConnectors, LTX2Vocoder
    from transformers import Gemma3Config, Gemma3ForConditionalGeneration

    reader = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    looker = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Gemma3Config(
        text_config={**reader, "vocab_size": VOCABULARY, "num_key_value_heads": 2, "head_dim": 8,
                     "max_position_embeddings": 2048},
        vision_config={**looker, "image_size": 28, "patch_size": 14},
        mm_tokens_per_image=1, image_token_index=5, boi_token_index=6, eoi_token_index=7,
    )  # fmt: skip
    torch.manual_seed(0)
    text = Gemma3ForConditionalGeneration(config).eval()
    network = seeded(
        diffusers.LTX2VideoTransformer3DModel, in_channels=4, out_channels=4, patch_size=1, patch_size_t=1,
        num_attention_heads=2, attention_head_dim=8, cross_attention_dim=16, audio_in_channels=4,
        audio_out_channels=4, audio_num_attention_heads=2, audio_attention_head_dim=4,
        audio_cross_attention_dim=8, num_layers=29, qk_norm="rms_norm_across_heads", caption_channels=32,
        rope_double_precision=False, rope_type="split",
    )  # fmt: skip
    sides = {
        f"{side}_connector_{name}": value
        for side in ("video", "audio")
        for name, value in {"num_attention_heads": 4, "attention_head_dim": 8, "num_layers": 1,
                            "num_learnable_registers": None}.items()
    }  # fmt: skip
    connectors = seeded(
        LTX2TextConnectors, caption_channels=32, text_proj_in_factor=3, connector_rope_base_seq_len=32,
        rope_theta=10000.0, rope_double_precision=False, causal_temporal_positioning=False, rope_type="split",
        **sides,
    )  # fmt: skip
    vae = seeded(
        diffusers.AutoencoderKLLTX2Video, latent_channels=4, block_out_channels=(8,), patch_size=1,
        decoder_block_out_channels=(8,), layers_per_block=(1,), decoder_layers_per_block=(1, 1),
        spatio_temporal_scaling=(True,), decoder_spatio_temporal_scaling=(True,), patch_size_t=1,
        decoder_inject_noise=(False, False), downsample_type=("spatial",), upsample_residual=(False,),
        upsample_factor=(1,), timestep_conditioning=False, encoder_causal=True, decoder_causal=False,
    )  # fmt: skip
    hearing = seeded(
        diffusers.AutoencoderKLLTX2Audio, base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1,
        attn_resolutions=None, in_channels=2, resolution=32, latent_channels=2, norm_type="pixel",
        causality_axis="height", dropout=0.0, mid_block_add_attention=False, sample_rate=16000,
        mel_hop_length=160, is_causal=True, mel_bins=8,
    )  # fmt: skip
    vocoder = seeded(
        LTX2Vocoder, in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4],
        upsample_factors=[2, 2], resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]],
        leaky_relu_negative_slope=0.1, output_sampling_rate=16000,
    )  # fmt: skip
    return diffusers.LTX2Pipeline(
        transformer=network, vae=vae, audio_vae=hearing, scheduler=_flow(1.0), text_encoder=text,
        tokenizer=text_parts()["tokenizer"], connectors=connectors, vocoder=vocoder, processor=None,
        prompt_enhancer=None, duration_head=None,
    )  # fmt: skip


# --------------------------------------------------------------------------------------- CogVideoX, Hunyuan


def _cog(kind: Any, channels: int, **more: Any) -> Any:
    network = seeded(
        diffusers.CogVideoXTransformer3DModel, num_attention_heads=2, attention_head_dim=16,
        in_channels=channels, out_channels=4, time_embed_dim=2, text_embed_dim=32, num_layers=1,
        sample_width=2, sample_height=2, sample_frames=9, patch_size=2, temporal_compression_ratio=4,
        max_text_seq_length=226, **more,
    )  # fmt: skip
    vae = seeded(
        diffusers.AutoencoderKLCogVideoX, down_block_types=("CogVideoXDownBlock3D",) * 4,
        up_block_types=("CogVideoXUpBlock3D",) * 4, block_out_channels=(8,) * 4, latent_channels=4,
        layers_per_block=1, norm_num_groups=2, temporal_compression_ratio=4,
    )  # fmt: skip
    return kind(transformer=network, vae=vae, scheduler=diffusers.CogVideoXDDIMScheduler(), **text_parts())


def cog() -> Any:
    return _cog(diffusers.CogVideoXPipeline, 4)


def cog_i2v() -> Any:
    learned = {"use_learned_positional_embeddings": True, "use_rotary_positional_embeddings": True}
    return _cog(diffusers.CogVideoXImageToVideoPipeline, 8, **learned)


def hunyuan15() -> Any:
    from transformers import ByT5Tokenizer, Qwen2Tokenizer
    from transformers.models.qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel

    letters = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *map(chr, range(33, 127)), "\u0120", "\u010a"]
    tokenizer = Qwen2Tokenizer(vocab={letter: number for number, letter in enumerate(letters)}, merges=[])
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }} {{ m.content }} {% endfor %}"
    rope = {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"}
    config = Qwen2_5_VLTextConfig(
        vocab_size=512, hidden_size=16, intermediate_size=16, num_hidden_layers=4, num_attention_heads=2,
        num_key_value_heads=2, rope_scaling=rope, rope_theta=1e6,
    )  # fmt: skip
    torch.manual_seed(0)
    text = Qwen2_5_VLTextModel(config).eval()
    network = seeded(
        diffusers.HunyuanVideo15Transformer3DModel, in_channels=9, out_channels=4, num_attention_heads=2,
        attention_head_dim=8, num_layers=1, num_refiner_layers=1, mlp_ratio=2.0, patch_size=1, patch_size_t=1,
        text_embed_dim=16, text_embed_2_dim=32, image_embed_dim=12, rope_axes_dim=(2, 2, 4), target_size=16,
        task_type="t2v",
    )  # fmt: skip
    vae = seeded(
        diffusers.AutoencoderKLHunyuanVideo15, latent_channels=4, block_out_channels=(16, 16),
        layers_per_block=1, spatial_compression_ratio=4, temporal_compression_ratio=2,
        downsample_match_channel=False, upsample_match_channel=False,
    )  # fmt: skip
    return diffusers.HunyuanVideo15Pipeline(
        transformer=network, vae=vae, scheduler=_flow(7.0), text_encoder=text, tokenizer=tokenizer,
        text_encoder_2=text_parts()["text_encoder"], tokenizer_2=ByT5Tokenizer(),
        guider=diffusers.ClassifierFreeGuidance(guidance_scale=6.0),
    )  # fmt: skip


def mochi() -> Any:
    network = seeded(
        diffusers.MochiTransformer3DModel, patch_size=2, num_attention_heads=2, attention_head_dim=8,
        num_layers=2, pooled_projection_dim=16, in_channels=12, out_channels=None, qk_norm="rms_norm",
        text_embed_dim=32, time_embed_dim=4, activation_fn="swiglu", max_sequence_length=16,
    )  # fmt: skip
    vae = seeded(
        diffusers.AutoencoderKLMochi, latent_channels=12, out_channels=3, layers_per_block=(1,) * 5,
        encoder_block_out_channels=(32,) * 4, decoder_block_out_channels=(32,) * 4,
    )  # fmt: skip
    return diffusers.MochiPipeline(
        transformer=network, vae=vae, scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), **text_parts()
    )


PIPELINES: dict[str, Callable[[], Any]] = {
    "wan": wan,
    "wan22": wan22,
    "wan22-5b": wan22_5b,
    "wan-i2v": wan_i2v,
    "wan-flf2v": wan_flf2v,
    "wan22-i2v": wan22_i2v,
    "wan-vace": wan_vace,
    "ltx": ltx,
    "ltx-condition": ltx_condition,
    "ltx2": ltx2,
    "cog": cog,
    "cog-i2v": cog_i2v,
    "hunyuan15": hunyuan15,
    "mochi": mochi,
}


def save(name: str, folder: Path) -> Path:
    """Writes a pipeline as diffusers does, in a folder of its name."""
    PIPELINES[name]().save_pretrained(folder / name)
    return folder / name
