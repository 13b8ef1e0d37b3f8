"""The pieces of TOON's training that can be tried without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import t2v
from t2v.checkpoints.files.safetensors import read_weights
from t2v.configs import TOON_112
from t2v.networks.autoencoder import Autoencoder
from t2v.training import toon_autoencoder, toon_recipe
from t2v.training.loop import TrainingPlan
from t2v.training.toon_autoencoder import trained_autoencoder
from t2v.training.toon_dataset import draw_many, to_tensor
from t2v.training.toon_recipe import TextToLatents
from t2v.training.toon_stages import PACKAGED, after, beginning, stages_before, stages_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, randomise: Any) -> Path:
    """A folder with an autoencoder that has been trained on nothing, and pictures to measure it on."""
    model = Autoencoder(TOON_112.autoencoder)
    randomise(model, 3)
    torch.save({"ema": model.state_dict()}, tmp_path / "autoencoder.pt")
    pictures = np.random.default_rng(1).integers(0, 256, (12, 32, 32, 3), np.uint8)
    monkeypatch.setattr(toon_autoencoder, "pictures", lambda *_: (pictures, None))
    return tmp_path


@torch.inference_mode()
def test_the_latents_are_made_to_have_mean_0_and_deviation_1_and_the_pictures_stay(folder: Path) -> None:
    raw = Autoencoder(TOON_112.autoencoder).eval()
    raw.load_state_dict(torch.load(folder / "autoencoder.pt", weights_only=True)["ema"])
    model = trained_autoencoder(folder)
    frames = to_tensor(toon_autoencoder.pictures(folder, "16:9", 12)[0][:, None])
    latents = model.encode(frames)
    assert raw.encode(frames).mean((0, 2, 3, 4)).abs().max() > 0.1
    torch.testing.assert_close(latents.mean((0, 2, 3, 4)), torch.zeros(8), rtol=0, atol=1e-3)
    torch.testing.assert_close(latents.std((0, 2, 3, 4)), torch.ones(8), rtol=0, atol=1e-3)
    before, after = raw.decode(raw.encode(frames)), model.decode(latents)
    assert (after - before).abs().max() < 1e-3 * before.std()


def test_bytes_become_numbers_from_minus_1_to_1_with_the_colours_in_front() -> None:
    frames = np.zeros((2, 3, 4, 5, 3), np.uint8)
    frames[..., 1] = 255
    out = to_tensor(frames)
    assert out.shape == (2, 3, 3, 4, 5)
    assert out[:, 0].unique().tolist() == [-1.0]
    assert out[:, 1].unique().tolist() == [1.0]


def test_the_names_that_are_trained_are_the_names_that_are_loaded() -> None:
    with torch.device("meta"):
        trained = TextToLatents(temporal=True).state_dict()
        painted = TextToLatents(temporal=False).state_dict()
    assert {name.split(".")[0] for name in trained} == {"text_encoder", "unet"}
    assert painted.keys() < trained.keys()


def test_nothing_is_made_of_the_latents_of_an_autoencoder_that_is_still_in_training(folder: Path) -> None:
    state = torch.load(folder / "autoencoder.pt", weights_only=True)
    torch.save(state | {"step": 800}, folder / "autoencoder.pt")
    trained_autoencoder(folder)  # to look at what it can do by now
    cpu = torch.device("cpu")
    with pytest.raises(SystemExit, match="the autoencoder has 800 of its 1700 steps: go on with"):
        toon_recipe.encoded(folder, "16:9", 4, 1, cpu)
    with pytest.raises(SystemExit, match="the autoencoder has 800 of its 1700 steps: go on with"):
        toon_autoencoder.train_decoder(folder, None, cpu)


def test_drawing_goes_on_from_any_job() -> None:
    (frames, figures, captions), *others = draw_many(2, 64, (32, 32), 5, first=1)
    whole = list(draw_many(2, 64, (32, 32), 5))
    assert (len(whole), others) == (2, [])
    assert np.array_equal(frames, whole[1][0])
    assert np.array_equal(figures, whole[1][1])
    assert captions == whole[1][2] != whole[0][2]


def test_the_decoder_learns_alone_and_goes_on_from_the_packages_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, 256, (4, 64, 64, 3), np.uint8), rng.integers(0, 256, (4, 8, 8), np.uint8)
    monkeypatch.setattr(toon_autoencoder, "pictures", lambda *_: drawn)
    monkeypatch.setattr(toon_autoencoder, "DECODER", TrainingPlan(num_steps=2, learning_rate=1e-3))
    toon_recipe.begin_with_package(tmp_path)
    before = trained_autoencoder(tmp_path).state_dict()
    packaged = read_weights(PACKAGED)[0]
    assert all(torch.equal(v, packaged[f"autoencoder.{k}"]) for k, v in before.items())
    toon_autoencoder.train_decoder(tmp_path, None, torch.device("cpu"))
    after = trained_autoencoder(tmp_path).state_dict()
    changed = {k.split(".")[0] for k in before if not torch.equal(before[k], after[k])}
    assert changed == {"decoder", "post_quant_conv"}


def test_the_unet_may_learn_from_nothing_behind_the_packages_autoencoder(tmp_path: Path) -> None:
    toon_recipe.begin_with_package(tmp_path)
    assert beginning(tmp_path, "autoencoder.")
    assert not beginning(tmp_path, "unet.")
    assert stages_before(tmp_path).keys() == {"autoencoder", "decoder"}


def test_an_export_tells_of_its_stages_beside_those_of_the_packages_autoencoder(tmp_path: Path) -> None:
    toon_recipe.begin_with_package(tmp_path)
    with pytest.raises(SystemExit, match=r"wanted images\.pt or clips\.pt: nothing to export"):
        toon_recipe.export(tmp_path)
    decoder = {"ema": beginning(tmp_path, "autoencoder."), "seconds": 9.7, "losses": [(20, 0.51234)]}
    torch.save(decoder | {"step": 40}, tmp_path / "decoder.pt")
    learned = TextToLatents(temporal=True).state_dict()
    torch.save({"ema": learned, "step": 30, "seconds": 2, "losses": []}, tmp_path / "clips.pt")
    toon_recipe.export(tmp_path)
    file = tmp_path / "toon.safetensors"
    told = stages_of(file)
    assert told["decoder 2"] == {"steps": 40, "seconds": 10, "losses": [[20, 0.5123]]}
    assert {name: stage["steps"] for name, stage in told.items()} == {
        "autoencoder": 1700,
        "decoder": 2500,
        "decoder 2": 40,
        "clips": 30,
    }
    toon_recipe.export(tmp_path)  # again: not a third time
    assert stages_of(file) == told
    after = read_weights(file)[0]
    before = learned | {f"autoencoder.{k}": v for k, v in beginning(tmp_path, "autoencoder.").items()}
    assert after.keys() == before.keys()
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, rtol=2e-3, atol=float(value.abs().max()) / 200)
    assert t2v.preset(tmp_path) == TOON_112


def test_a_stage_that_is_trained_again_stands_beside_what_it_was() -> None:
    once = after({}, {"images": {"steps": 1}, "clips": {"steps": 2}})
    again = after(after(once, {"clips": {"steps": 3}}), {"clips": {"steps": 4}})
    assert {name: stage["steps"] for name, stage in again.items()} == {
        "images": 1,
        "clips": 2,
        "clips 2": 3,
        "clips 3": 4,
    }


def test_heads_count_most_then_limbs_and_what_moves_and_the_set_least() -> None:
    figures = torch.zeros(1, 1, 2, 1, 4, dtype=torch.uint8)
    figures[..., 1], figures[..., 2] = 128, 255
    latents = torch.zeros(1, 8, 2, 1, 4)
    latents[:, :, 1, :, 3] = 1.0
    weight = toon_recipe.importance(figures, latents)
    still, limb, head, moving = weight[0, 0, 0, 0].tolist()
    assert still < moving < limb < head
    assert weight.mean().item() == pytest.approx(1.0)
