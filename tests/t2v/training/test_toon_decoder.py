"""The training of the slim decoder: on crops of drawn pictures, to a file that an autoencoder loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from t2v.checkpoints.files.safetensors import read_weights
from t2v.configs import TOON_448
from t2v.networks.autoencoder import Autoencoder
from t2v.training import toon_decoder, toon_scenes
from t2v.training.loop import TrainingPlan, train
from t2v.training.toon_decoder import Pictures, SlimDecoder, crop, export, folders, picture_loss, slim_config
from t2v.training.toon_scenes import draw_part
from t2v.training.toon_stages import PACKAGED


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Pictures]:
    """Four pictures of each of two sizes, with latents of nothing."""
    monkeypatch.setattr(toon_scenes, "FRAMES_A_PART", 4)
    monkeypatch.setattr(toon_decoder, "BATCH", 4)
    monkeypatch.setattr(toon_decoder, "SIZES", ((96, 112), (112, 96)))
    for source in folders(tmp_path):
        frames, rest = draw_part(source, 0)
        height, width = source.size
        source.folder.mkdir(parents=True)
        latents = torch.zeros(4, 8, 1, height // 8, width // 8).half()
        torch.save({"latents": latents, "frames": torch.from_numpy(frames), **rest}, source.part(0))
    return [Pictures(source) for source in folders(tmp_path)]


def test_a_crop_of_the_picture_is_where_the_crop_of_the_latents_is(sources: list[Pictures]) -> None:
    pictures = sources[0]
    pictures.refresh()
    pictures.latents[2] = torch.arange(12 * 14).view(1, 12, 14).expand(8, -1, -1).half()
    latents, image, figures = crop(pictures, 2, top=0, left=2, side=12)
    assert latents[0, :2, 0].tolist() == [2, 16]
    right = pictures.frames[2][:96, 16:112].permute(2, 0, 1).float() / 127.5 - 1
    torch.testing.assert_close(image, right)
    assert figures.shape == (1, 12, 12)
    assert [x.shape for x in crop(pictures, 2, 0, 0, None)] == [(8, 12, 14), (3, 96, 112), (1, 12, 14)]


def test_it_begins_with_what_fits_of_the_packages_and_is_a_third_of_its_work() -> None:
    known = read_weights(PACKAGED)[0]
    model = SlimDecoder()
    torch.testing.assert_close(model.decoder.conv_in.weight, known["autoencoder.decoder.conv_in.weight"])
    assert model.decoder.conv_out.weight.shape == (3, 16, 3, 3)
    own = sum(p.numel() for p in model.decoder.parameters())
    whole = Autoencoder(TOON_448.autoencoder).decoder
    assert own < 0.6 * sum(p.numel() for p in whole.parameters())


def test_it_learns_and_an_autoencoder_loads_the_export(sources: list[Pictures], tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = SlimDecoder()
    loss = picture_loss(model, sources, num_steps=10)
    plan = TrainingPlan(num_steps=10, learning_rate=3e-3, warmup_steps=1)
    before = float(loss(0).detach())
    train(model, loss, plan, tmp_path / "slim.pt")
    assert float(loss(0).detach()) < 0.9 * before
    file = tmp_path / "decoder.safetensors"
    export(tmp_path, file)
    tensors, metadata = read_weights(file)
    assert metadata["steps"] == "10"
    encoder = {
        k: v
        for k, v in read_weights(PACKAGED)[0].items()
        if k.startswith(("autoencoder.enc", "autoencoder.quant"))
    }
    state = {k.removeprefix("autoencoder."): v for k, v in (encoder | tensors).items()}
    Autoencoder(slim_config()).load_state_dict(state, strict=True)


def test_the_last_steps_decode_whole_pictures(sources: list[Pictures]) -> None:
    seen: list[tuple[int, ...]] = []
    model = SlimDecoder()
    model.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape)))
    loss = picture_loss(model, sources, num_steps=10)
    loss(3), loss(9)
    assert seen[0] == (4, 8, 12, 12)
    assert seen[1] in {(1, 8, 12, 14), (1, 8, 14, 12)}


def test_nothing_drawn_and_nothing_learned_are_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no picture is drawn yet"):
        picture_loss(SlimDecoder(), [Pictures(source) for source in folders(tmp_path)], 10)(0)
    with pytest.raises(SystemExit, match="nothing is learned yet"):
        export(tmp_path, tmp_path / "x.safetensors")
