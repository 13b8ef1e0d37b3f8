"""Each layout that people have, loaded: the same model every time."""

from __future__ import annotations

import json
import logging
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import t2v
from t2v.checkpoints.files.safetensors import compress_weights
from t2v.checkpoints.fingerprint import TOON_FILE, weight_file
from t2v.configs import MODELSCOPE, TOON_112
from t2v.errors import CheckpointError
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

FP32 = {"device": "cpu", "dtype": torch.float32}


def loaded(source: Path | str, **settings: Any) -> TextToVideo:
    return t2v.load(source, **{**FP32, **settings})


def test_the_official_folder(official: Path, small: TextToVideo, different: Any) -> None:
    model = loaded(official)
    assert different(small, model) == []
    assert replace(model.preset, name="small") == small.preset


def test_the_defaults_of_an_official_folder_are_the_originals(official: Path) -> None:
    preset = loaded(official).preset
    said = preset.num_frames, preset.num_steps, preset.guidance_scale, preset.sampler, preset.fps
    assert said == (16, 50, 9.0, "ddim", 8)
    assert (preset.prediction, preset.spacing, preset.negative_prompt) == ("eps", "modelscope", "")
    assert next(iter(preset.sizes.values())) == (256, 256)
    assert preset.schedule == MODELSCOPE.schedule


def test_the_preset_is_known_without_reading_a_weight(
    official: Path, small: TextToVideo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_diffusers = t2v.save(small, tmp_path / "small-diffusers", layout="diffusers")
    presets = [loaded(source).preset for source in (official, in_diffusers)]
    monkeypatch.setattr("t2v.loading._networks", None)
    assert [t2v.preset(source) for source in (official, in_diffusers)] == presets
    assert t2v.preset("toon") == t2v.TOON
    with pytest.raises(CheckpointError, match="no such film model"):
        t2v.preset(tmp_path / "nowhere")


def test_the_licence_is_data_and_a_line_in_the_log(official: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="t2v"):
        model = loaded(official)
    assert model.origin is not None
    assert model.origin.licence == model.preset.licence == "CC-BY-NC-4.0"
    assert f"{official}: loaded, licence CC-BY-NC-4.0" in caplog.messages


def test_a_model_card_names_another_licence(official: Path) -> None:
    (official / "README.md").write_text("---\ntags: [video]\nlicense: apache-2.0\n---\n# My own\n")
    assert loaded(official).preset.licence == "APACHE-2.0"


def test_a_folder_whose_configuration_names_its_files_otherwise(
    official: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    path = official / "configuration.json"
    settings = json.loads(path.read_text())
    settings["model"]["model_args"]["ckpt_unet"] = "my_tune.pth"
    settings["model"]["model_args"]["max_frames"] = 24
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    (official / "text2video_pytorch_model.pth").rename(official / "my_tune.pth")
    model = loaded(official)
    assert different(small, model) == []
    assert model.preset.num_frames == 24


@pytest.mark.parametrize(
    ("prefix", "ending"), [("model.diffusion_model.", "ckpt"), ("module.", "ckpt"), ("unet.", "safetensors")]
)
def test_a_single_file_with_any_prefix_takes_the_rest_from_beside_it(
    official: Path, small: TextToVideo, prefix: str, ending: str, different: Any
) -> None:
    state = {prefix + k: v for k, v in small.unet.state_dict().items()}
    (official / "text2video_pytorch_model.pth").unlink()
    path = official / f"my_tune.{ending}"
    save_file(state, path) if ending == "safetensors" else torch.save({"state_dict": state}, path)
    assert different(small, loaded(path)) == []
    assert different(small, loaded(official)) == []  # the one file with another name is the UNet


def test_a_single_file_elsewhere_takes_the_rest_from_the_base(
    official: Path, small: TextToVideo, tmp_path: Path, make_small: Callable[..., TextToVideo], different: Any
) -> None:
    path = tmp_path / "alone" / "deep" / "tune.safetensors"
    path.parent.mkdir(parents=True)
    tuned = make_small(seed=3)
    save_file(tuned.unet.state_dict(), path)
    with pytest.raises(CheckpointError, match=r"no autoencoder in it or beside it .* as base"):
        loaded(path)
    model = loaded(path, base=official)
    assert torch.equal(model.unet.out[2].bias, tuned.unet.out[2].bias)
    assert torch.equal(model.autoencoder.post_quant_conv.bias, small.autoencoder.post_quant_conv.bias)
    assert model.origin is not None
    assert model.origin.files["unet"] == path
    assert model.origin.files["autoencoder"] == official / "VQGAN_autoencoder.pth"


def test_one_file_with_all_three_parts(
    official: Path, small: TextToVideo, tmp_path: Path, different: Any
) -> None:
    state = {
        **{f"model.diffusion_model.{k}": v for k, v in small.unet.state_dict().items()},
        **{f"first_stage_model.{k}": v for k, v in small.autoencoder.state_dict().items()},
        **{f"cond_stage_model.model.{k}": v for k, v in small.text_encoder.tower.state_dict().items()},
        "alphas_cumprod": torch.ones(1000),
    }
    folder = tmp_path / "all"
    folder.mkdir()
    shutil.copy(official / "configuration.json", folder)
    save_file(state, folder / "everything.safetensors")
    assert different(small, loaded(folder / "everything.safetensors")) == []


@pytest.mark.parametrize("where", ["around", "sibling", "base"])
def test_zeroscopes_folder_takes_the_official_autoencoder(
    official: Path, tmp_path: Path, make_small: Callable[..., TextToVideo], where: str, small: TextToVideo
) -> None:
    zeroscope = make_small(seed=5)
    place = {"around": official, "sibling": official.parent, "base": tmp_path / "elsewhere"}[where]
    folder = place / "zs2_576w"
    folder.mkdir(parents=True)
    torch.save(zeroscope.unet.state_dict(), folder / "text2video_pytorch_model.pth")
    torch.save(zeroscope.text_encoder.tower.state_dict(), folder / "open_clip_pytorch_model.bin")
    model = loaded(folder, base=official if where == "base" else None)
    assert torch.equal(model.unet.out[2].bias, zeroscope.unet.out[2].bias)
    assert torch.equal(model.text_encoder.tower.ln_final.bias, zeroscope.text_encoder.tower.ln_final.bias)
    assert torch.equal(model.autoencoder.post_quant_conv.bias, small.autoencoder.post_quant_conv.bias)
    assert model.preset.name == "zs2_576w"


def test_a_pruned_autoencoder_and_a_cut_tower_are_enough(
    official: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    pruned = small.autoencoder.state_dict()
    replaced(official / "VQGAN_autoencoder.pth", lambda p: torch.save(pruned, p))
    tower = {k: v for k, v in small.text_encoder.tower.state_dict().items() if "resblocks.2" not in k}
    tower.pop("text_projection")
    replaced(official / "open_clip_pytorch_model.bin", lambda p: torch.save(tower, p))
    model = loaded(official)
    assert different(small, model) == []
    assert (model.preset.text_encoder.layers, model.preset.text_encoder.skipped_layers) == (2, 0)
    assert torch.equal(model.text_encoder(["a cat"]), small.text_encoder(["a cat"]))


def test_the_old_form_of_pickles(official: Path, small: TextToVideo, replaced: Any, different: Any) -> None:
    for name in ("text2video_pytorch_model.pth", "VQGAN_autoencoder.pth"):
        value = torch.load(official / name, weights_only=True)
        replaced(
            official / name,
            lambda p, value=value: torch.save(value, p, _use_new_zipfile_serialization=False),
        )
    assert different(small, loaded(official)) == []


def test_a_file_of_the_common_export_script(
    official: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    """It numbers upsampling layers one too low and leaves the temporal projections linear."""
    state = OrderedDict()
    for key, value in small.unet.state_dict().items():
        temporal = value.ndim == 3 and "proj_" in key
        name = key.replace("output_blocks.3.3.conv", "output_blocks.3.2.conv")
        state[name] = value[:, :, 0] if temporal else value
    assert state.keys() != small.unet.state_dict().keys()
    replaced(official / "text2video_pytorch_model.pth", lambda p: torch.save(state, p))
    assert different(small, loaded(official)) == []


def test_a_diffusers_folder(diffusers_folder: Path, small: TextToVideo, different: Any) -> None:
    model = loaded(diffusers_folder)
    assert different(small, model) == []
    assert model.preset.spacing == "leading"
    assert (model.preset.unet.num_heads, model.preset.unet.head_dim) == (8, 16)


def test_a_diffusers_folder_of_pickles(diffusers_folder: Path, small: TextToVideo, different: Any) -> None:
    for old, new in (
        ("unet/diffusion_pytorch_model", "unet/diffusion_pytorch_model"),
        ("vae/diffusion_pytorch_model", "vae/diffusion_pytorch_model"),
        ("text_encoder/model", "text_encoder/pytorch_model"),
    ):
        state = load_file(diffusers_folder / f"{old}.safetensors")
        if "text" in old:
            state["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        (diffusers_folder / f"{old}.safetensors").unlink()
        torch.save(state, diffusers_folder / f"{new}.bin")
    assert different(small, loaded(diffusers_folder)) == []


@pytest.mark.parametrize("variant", ["", "fp16."])
def test_a_sharded_unet(diffusers_folder: Path, small: TextToVideo, variant: str, different: Any) -> None:
    path = diffusers_folder / "unet" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    names = sorted(state)
    stem = "diffusion_pytorch_model." if variant else "diffusion_pytorch_model"
    for i in range(3):
        shard = {k: state[k] for k in names[i::3]}
        save_file(shard, path.parent / f"{stem}{variant.rstrip('.')}-{i + 1:05}-of-00003.safetensors")
    path.unlink()
    assert different(small, loaded(diffusers_folder)) == []
    next(path.parent.glob("*-00002-of-*")).unlink()
    with pytest.raises(CheckpointError, match="1 of 3 shards are not there, first number 2"):
        loaded(diffusers_folder)


def test_the_variant_is_read_that_suits_the_precision(diffusers_folder: Path) -> None:
    path = diffusers_folder / "unet" / "diffusion_pytorch_model.safetensors"
    half = {k: (v + 1).half() for k, v in load_file(path).items()}
    save_file(half, path.with_name("diffusion_pytorch_model.fp16.safetensors"))
    for dtype, name in ((torch.float16, "diffusion_pytorch_model.fp16"), (torch.float32, path.stem)):
        model = loaded(diffusers_folder, dtype=dtype)
        assert model.origin is not None
        assert model.origin.files["unet"].stem == name
        assert {p.dtype for p in model.unet.parameters()} == {dtype}


def test_half_precision_in_the_plain_names(diffusers_folder: Path, small: TextToVideo, replaced: Any) -> None:
    path = diffusers_folder / "unet" / "diffusion_pytorch_model.safetensors"
    state = {k: v.half() for k, v in load_file(path).items()}
    replaced(path, lambda p: save_file(state, p))
    model = loaded(diffusers_folder)
    assert {p.dtype for p in model.unet.parameters()} == {torch.float32}
    assert torch.equal(model.unet.out[2].weight, small.unet.out[2].weight.half().float())


def test_missing_and_additional_settings_of_a_diffusers_folder(
    diffusers_folder: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    for name, drop in (
        ("unet", ["in_channels", "sample_size", "time_cond_proj_dim"]),
        ("vae", ["scaling_factor"]),
    ):
        path = diffusers_folder / name / "config.json"
        settings = json.loads(path.read_text())
        settings |= {"class_embed_type": None, "use_linear_projection": True, "sample_size": 64}
        kept = {k: v for k, v in settings.items() if k not in drop}
        replaced(path, lambda p, kept=kept: p.write_text(json.dumps(kept)))
    model = loaded(diffusers_folder)
    assert different(small, model) == []
    assert next(iter(model.preset.sizes.values())) == (256, 256)


def test_older_names_of_the_autoencoders_attention(
    diffusers_folder: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    path = diffusers_folder / "vae" / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    for new, name in old.items():
        state = {k.replace(f".{new}.", f".{name}."): v for k, v in state.items()}
    replaced(path, lambda p: save_file(state, p))
    assert different(small, loaded(diffusers_folder)) == []


def test_the_unet_of_a_diffusers_folder_with_the_rest_of_an_official_one(
    diffusers_folder: Path, official: Path, small: TextToVideo, different: Any
) -> None:
    shutil.rmtree(diffusers_folder / "vae")
    shutil.rmtree(diffusers_folder / "text_encoder")
    assert different(small, loaded(diffusers_folder, base=official)) == []


def test_v_prediction_and_zero_terminal_snr_are_told_by_the_scheduler_and_not_by_a_name(
    diffusers_folder: Path, replaced: Any
) -> None:
    path = diffusers_folder / "scheduler" / "scheduler_config.json"
    settings = json.loads(path.read_text())
    del settings["timestep_spacing"]
    settings |= {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    preset = loaded(diffusers_folder).preset
    assert (preset.prediction, preset.schedule.zero_terminal_snr, preset.spacing) == ("v", True, "trailing")


def test_v_prediction_and_zero_terminal_snr_in_an_official_configuration(
    official: Path, replaced: Any
) -> None:
    path = official / "configuration.json"
    settings = json.loads(path.read_text())
    settings["model"]["model_cfg"] |= {"mean_type": "v", "zero_terminal_snr": True}
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    preset = loaded(official).preset
    assert (preset.prediction, preset.schedule.zero_terminal_snr, preset.spacing) == ("v", True, "trailing")


def test_a_configuration_without_the_prefix_of_its_keys(
    official: Path, small: TextToVideo, replaced: Any, different: Any
) -> None:
    path = official / "configuration.json"
    settings = json.loads(path.read_text())
    cfg = settings["model"]["model_cfg"]
    settings["model"]["model_cfg"] = {k.removeprefix("unet_"): v for k, v in cfg.items()}
    replaced(path, lambda p: p.write_text(json.dumps(settings)))
    assert different(small, loaded(official)) == []


def test_a_distilled_network_is_told_by_its_own_layer(
    official: Path, make_small: Callable[..., TextToVideo], small: TextToVideo, replaced: Any
) -> None:
    preset = replace(small.preset, unet=replace(small.preset.unet, guidance_embed_dim=24))
    turbo = make_small(preset).unet.state_dict()
    replaced(official / "text2video_pytorch_model.pth", lambda p: torch.save(turbo, p))
    preset = loaded(official).preset
    assert preset.unet.guidance_embed_dim == 24
    said = preset.sampler, preset.spacing, preset.num_steps, preset.guidance_scale
    assert said == ("lcm", "lcm", 4, 7.5)


@pytest.mark.parametrize(("said", "wanted"), [({"shared_noise": 0.5}, 0.5), ({}, 0.0), (None, 0.0)])
def test_weights_of_toon_are_given_the_noise_that_they_learned_to_take_away(
    tmp_path: Path, said: dict[str, float] | None, wanted: float
) -> None:
    preset = TOON_112 if said is None else t2v.TOON  # the first files told nothing of themselves
    schedule = {"zero_terminal_snr": True, **(said or {})}
    told = {"unet": {"outer_widths": preset.unet.outer_widths}, "schedule": schedule}
    metadata = {} if said is None else {"preset": json.dumps(told)}
    parts = {
        "text_encoder": TextEncoder(preset.text_encoder),
        "unet": UNet3D(preset.unet),
        "autoencoder": Autoencoder(preset.autoencoder),
    }
    state = nn.ModuleDict(parts).state_dict()
    save_file(compress_weights(state, int8=True), tmp_path / TOON_FILE, metadata=metadata)
    model = loaded(tmp_path)
    assert model.preset == replace(preset, schedule=replace(preset.schedule, shared_noise=wanted))
    assert model.schedule.shared_noise == wanted


@pytest.mark.parametrize("said", ["{", "{}", '{"schedule": {"shared": 1}}'])
def test_a_preset_of_toons_that_cannot_be_read_is_told_with_its_file(tmp_path: Path, said: str) -> None:
    save_file(load_file(weight_file("toon")), tmp_path / TOON_FILE, metadata={"preset": said})
    with pytest.raises(CheckpointError, match=r"toon\.safetensors: wanted a preset with a schedule"):
        loaded(tmp_path)


def test_the_weights_in_the_package_are_what_the_preset_says() -> None:
    assert loaded("toon").preset == t2v.TOON
