"""Saved and loaded again, in both layouts; and what diffusers makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import t2v
from t2v.checkpoints import config_writing
from t2v.configs import MODELSCOPE, TOON
from t2v.errors import CheckpointError
from t2v.pipeline import TextToVideo

LAYOUTS = pytest.mark.parametrize("layout", ["modelscope", "diffusers"])
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])


@LAYOUTS
@DTYPES
def test_the_round_trip_is_bit_exact(
    make_small: Callable[..., TextToVideo],
    tmp_path: Path,
    layout: str,
    dtype: torch.dtype,
    different: Callable[..., list[str]],
) -> None:
    model = make_small(dtype=dtype)
    folder = t2v.save(model, tmp_path / "model", layout=layout)
    assert different(model, t2v.load(folder, device="cpu", dtype=dtype)) == []
    assert not list(folder.rglob("*.part"))


def test_one_layout_becomes_the_other_and_back(
    official: Path, tmp_path: Path, different: Callable[..., list[str]]
) -> None:
    first = t2v.load(official, device="cpu", dtype=torch.float32)
    second = t2v.load(
        t2v.save(first, tmp_path / "a" / "b", layout="diffusers"), device="cpu", dtype=torch.float32
    )
    third = t2v.load(t2v.save(second, tmp_path / "c" / "d"), device="cpu", dtype=torch.float32)
    assert different(first, third) == []
    text = ["a tiny cute green monster", ""]
    assert torch.equal(first.text_encoder(text), third.text_encoder(text))


@LAYOUTS
def test_what_a_model_predicts_and_how_it_was_distilled_is_saved_too(
    make_small: Callable[..., TextToVideo], small: TextToVideo, tmp_path: Path, layout: str
) -> None:
    schedule = replace(small.preset.schedule, zero_terminal_snr=True, beta_end=0.013)
    unet = replace(small.preset.unet, guidance_embed_dim=24)
    preset = replace(small.preset, schedule=schedule, prediction="v", spacing="trailing", unet=unet)
    folder = t2v.save(make_small(preset), tmp_path / "model", layout=layout)
    got = t2v.load(folder, device="cpu", dtype=torch.float32).preset
    assert (got.prediction, got.schedule) == ("v", schedule)
    assert got.unet.guidance_embed_dim == 24
    assert got.sampler == "lcm"


def test_the_published_model_is_saved_with_the_published_keys_alone() -> None:
    cfg = config_writing.modelscope_config(MODELSCOPE)["model"]["model_cfg"]
    assert sorted(cfg) == sorted(
        [
            "unet_in_dim",
            "unet_dim",
            "unet_y_dim",
            "unet_context_dim",
            "unet_out_dim",
            "unet_dim_mult",
            "unet_num_heads",
            "unet_head_dim",
            "unet_res_blocks",
            "unet_attn_scales",
            "unet_dropout",
            "temporal_attention",
            "num_timesteps",
            "mean_type",
            "var_type",
            "loss_type",
        ]
    )
    assert cfg["unet_attn_scales"] == [1, 0.5, 0.25]
    assert cfg["temporal_attention"] == "True"


def test_diffusers_loads_what_was_saved_and_films_the_same(
    small: TextToVideo, diffusers_folder: Path
) -> None:
    from diffusers import TextToVideoSDPipeline

    pipe = TextToVideoSDPipeline.from_pretrained(diffusers_folder, low_cpu_mem_usage=False)
    pipe.set_progress_bar_config(disable=True)
    noise = torch.randn(1, 4, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    prompt = "a tiny cute green monster and the big flying UFO"
    ids = pipe.tokenizer(prompt, padding="max_length", truncation=True, return_tensors="pt").input_ids
    wanted = pipe.text_encoder(ids).last_hidden_state
    got = small.text_encoder([prompt])
    assert (got - wanted).abs().max() < 1e-4 * wanted.std()
    t = torch.tensor([981])
    with torch.inference_mode():
        theirs = pipe.unet(noise, t, wanted).sample
        assert (small.unet(noise, t, got) - theirs).abs().max() < 1e-4 * theirs.std()
        frames = pipe.decode_latents(noise)
    assert (small.autoencoder.decode(noise) - frames).abs().max() < 1e-4 * frames.std()


def test_loras_are_saved_merged(official: Path, tmp_path: Path, small: TextToVideo) -> None:
    from safetensors.torch import save_file

    name = "input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    save_file(
        {f"{name}.lora_A": torch.ones(1, 32), f"{name}.lora_B": torch.ones(32, 1)},
        tmp_path / "lora.safetensors",
    )
    model = t2v.load(
        official, loras=[(tmp_path / "lora.safetensors", 1.0)], device="cpu", dtype=torch.float32
    )
    again = t2v.load(t2v.save(model, tmp_path / "merged"), device="cpu", dtype=torch.float32)
    got = again.unet.get_parameter(f"{name}.weight")
    assert torch.equal(got, small.unet.get_parameter(f"{name}.weight") + 1)


def test_what_cannot_be_saved_is_one_clear_error(
    small: TextToVideo, make_small: Callable[..., TextToVideo], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="wanted a layout of modelscope, diffusers, got 'onnx'"):
        t2v.save(small, tmp_path / "a", layout="onnx")
    two_heads = replace(small.preset, unet=replace(small.preset.unet, num_heads=2))
    with pytest.raises(CheckpointError, match="8 heads in its first temporal layer, this one 2: save as"):
        t2v.save(make_small(two_heads), tmp_path / "b", layout="diffusers")
    toon = make_small(replace(small.preset, speaks_toon=TOON.speaks_toon))
    with pytest.raises(CheckpointError, match="toon is saved by its own recipe"):
        t2v.save(toon, tmp_path / "c")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"configuration\.json: could not be written \(File exists"):
        t2v.save(small, tmp_path / "file")
