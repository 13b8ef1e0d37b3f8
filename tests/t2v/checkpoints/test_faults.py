"""Weights that are not this model's, or not whole: one line each."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import t2v
from t2v.errors import CheckpointError, SettingsError
from t2v.pipeline import TextToVideo

FP32 = {"device": "cpu", "dtype": torch.float32}


def refused(source: Path | str, message: str, **settings: Any) -> str:
    with pytest.raises(CheckpointError, match=message) as caught:
        t2v.load(source, **{**FP32, **settings})
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("part", ["unet", "autoencoder", "text_encoder"])
def test_every_missing_unknown_and_misshapen_key_is_counted_and_the_first_is_named(
    official: Path, small: TextToVideo, replaced: Any, part: str
) -> None:
    module = small.text_encoder.tower if part == "text_encoder" else getattr(small, part)
    state = dict(module.state_dict())
    mark = {"unet": "time_embed.0", "autoencoder": "decoder.mid.block_1.norm1", "text_encoder": "token_emb"}
    names = [k for k in state if not k.startswith(mark[part]) and "text_projection" not in k]
    for name in names[:3]:
        del state[name]
    state[names[3]] = torch.zeros(7, 5)
    state |= {"of_another.weight": torch.ones(1), "of_another.bias": torch.ones(1)}
    file = {"unet": "text2video_pytorch_model.pth", "autoencoder": "VQGAN_autoencoder.pth"}
    path = official / file.get(part, "open_clip_pytorch_model.bin")
    replaced(path, lambda p: torch.save(state, p))
    whole = len(module.state_dict())
    told = refused(official, rf"3 of {whole} missing, first {names[0]}")
    assert f"2 of {whole} unknown, first of_another.weight" in told
    assert f"1 of {whole} of another shape, first {names[3]} [7, 5], wanted" in told
    assert told.startswith(str(path))


def test_nothing_is_read_before_all_three_parts_fit(
    official: Path, small: TextToVideo, replaced: Any
) -> None:
    state = {k: torch.full_like(v, torch.nan) for k, v in small.unet.state_dict().items()}
    replaced(official / "text2video_pytorch_model.pth", lambda p: torch.save(state, p))
    vae = dict(small.autoencoder.state_dict())
    vae.pop("quant_conv.bias")
    replaced(official / "VQGAN_autoencoder.pth", lambda p: torch.save(vae, p))
    refused(
        official, r"VQGAN_autoencoder\.pth: not the autoencoder .* 1 of \d+ missing, first quant_conv\.bias"
    )


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_numbers_that_are_none_are_counted_and_their_tensor_is_named(
    official: Path, small: TextToVideo, replaced: Any, value: float
) -> None:
    state = {k: v.clone() for k, v in small.unet.state_dict().items()}
    state["out.2.weight"].view(-1)[5:8] = value
    replaced(official / "text2video_pytorch_model.pth", lambda p: torch.save(state, p))
    refused(official, r"text2video.*: out\.2\.weight: 3 of 1152 numbers are NaN or infinite: fetch")


def test_weights_that_half_precision_cannot_hold_are_told(
    official: Path, small: TextToVideo, replaced: Any
) -> None:
    state = {k: v.clone() for k, v in small.unet.state_dict().items()}
    state["out.2.bias"][0] = 1e5
    replaced(official / "text2video_pytorch_model.pth", lambda p: torch.save(state, p))
    refused(official, r"out\.2\.bias is too large for torch\.float16: load with dtype", dtype=torch.float16)
    assert t2v.load(official, **FP32).unet.out[2].bias[0] == 1e5


WRONG = {
    "a web page": b"<!DOCTYPE html><html></html>",
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5645523456\n",
    "half a download": b"PK\x03\x04" + bytes(500),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize(
    "name",
    [
        "configuration.json",
        "text2video_pytorch_model.pth",
        "VQGAN_autoencoder.pth",
        "open_clip_pytorch_model.bin",
    ],
)
def test_a_wrong_file_of_the_official_folder_is_named_for_what_it_is(
    official: Path, replaced: Any, name: str, kind: str
) -> None:
    replaced(official / name, lambda p: p.write_bytes(WRONG[kind]))
    message = kind if (name, kind) != ("configuration.json", "half a download") else "half a download|JSON"
    assert refused(official, message).startswith(str(official / name))


def test_files_that_were_swapped_are_told(official: Path) -> None:
    a, b = official / "text2video_pytorch_model.pth", official / "VQGAN_autoencoder.pth"
    a.rename(official / "x")
    b.rename(a)
    (official / "x").rename(b)
    refused(official, r"text2video.*\.pth: wanted the weights of unet, got those of autoencoder")


def test_a_folder_with_nothing_of_a_model_says_what_was_wanted(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "empty"
    folder.mkdir(parents=True)
    refused(folder, r"empty: no unet in it or beside it \(wanted text2video_pytorch_model\.pth")
    torch.save({"weight": torch.ones(2)}, folder / "other.pth")
    refused(folder / "other.pth", r"other\.pth: no part of a text-to-video model in it: 1 tensors")


def test_a_source_that_is_nowhere_says_what_it_may_be(tmp_path: Path) -> None:
    refused(str(tmp_path / "gone"), 'gone: no such film model: wanted "toon", a folder, a weight file, or')


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("unet", {"_class_name": "UNetMotionModel"}, "wanted a UNet3DConditionModel, got a UNetMotionModel"),
        ("unet", {"block_out_channels": "many"}, "a setting that this model cannot have"),
        (
            "unet",
            {"down_block_types": ["DownBlock3D"] * 2 + ["CrossAttnDownBlock3D"]},
            "attending ones first",
        ),
        ("text_encoder", {"hidden_act": "quick_gelu"}, "hidden_act 'quick_gelu': wanted 'gelu'"),
        ("scheduler", {"prediction_type": "sample"}, "wanted a network that predicts eps or v, got 'sample'"),
        ("scheduler", {"beta_schedule": "linear"}, "beta_schedule 'linear': wanted 'scaled_linear'"),
    ],
)
def test_settings_of_another_family_are_told(
    diffusers_folder: Path, replaced: Any, file: str, change: dict[str, Any], message: str
) -> None:
    path = diffusers_folder / file / ("scheduler_config.json" if file == "scheduler" else "config.json")
    settings = json.loads(path.read_text()) | change
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    assert refused(diffusers_folder, message).startswith(str(path))


def test_zero_terminal_snr_with_eps_is_told(diffusers_folder: Path, replaced: Any) -> None:
    path = diffusers_folder / "scheduler" / "scheduler_config.json"
    settings = json.loads(path.read_text()) | {"rescale_betas_zero_snr": True}
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    refused(diffusers_folder, "with zero terminal SNR wanted prediction 'v', got 'eps'")


def test_another_width_than_the_configuration_says_is_told(official: Path, replaced: Any) -> None:
    path = official / "configuration.json"
    settings = json.loads(path.read_text())
    settings["model"]["model_cfg"]["unet_dim"] = 64
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    refused(official, r"of another shape, first time_embed\.0\.weight \[128, 32\], wanted \[256, 64\]")


def test_a_folder_that_lost_a_part_is_told_until_a_base_has_it(official: Path, tmp_path: Path) -> None:
    alone = tmp_path / "far" / "away"
    shutil.copytree(official, alone, ignore=shutil.ignore_patterns("open_clip*"))
    refused(alone, r"away: no text_encoder in it .*open_clip_pytorch_model.* as base")
    assert t2v.load(alone, base=official, **FP32).preset.name == "away"


@pytest.mark.parametrize("device", ["banana", "cuda:99"])
def test_a_device_that_is_not_there_is_told_with_those_that_are(device):
    with pytest.raises(SettingsError, match=rf"wanted one that this machine has \(cpu.*got '{device}'"):
        t2v.load("toon", device=device)
