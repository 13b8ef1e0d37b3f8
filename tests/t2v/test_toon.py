"""TOON itself, with the weights that are in the package."""

from __future__ import annotations

import importlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import t2v
from t2v.checkpoints.files.safetensors import compress_weights
from t2v.checkpoints.fingerprint import weight_file
from t2v.configs import TOON
from t2v.networks.autoencoder import Autoencoder
from t2v.networks.text_encoder import TextEncoder
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo

PROMPT = "close-up shot, orange cat with hat talking, in the kitchen, night"


@pytest.fixture(scope="module")
def toon() -> TextToVideo:
    assert weight_file("toon").exists(), "the package has lost its film model"
    return t2v.load("toon", device="cpu")


def test_toon_films_in_colour_at_its_own_size_and_as_its_seed_says(toon: TextToVideo) -> None:
    film = toon.generate(PROMPT, num_frames=2, num_steps=4, seed=7)
    assert film.frames.shape == (2, 128, 224, 3)
    assert film.fps == 8
    assert film.frames.std() > 20
    again = toon.generate(PROMPT, num_frames=2, num_steps=4, seed=7)
    assert np.array_equal(film.frames, again.frames)


def test_toon_hears_where_it_is_night_and_where_day_on_the_beach(toon: TextToVideo) -> None:
    def mean(time: str) -> float:
        prompt = f"establishing shot, empty beach, {time}"
        return float(toon.generate(prompt, num_frames=1, num_steps=8, seed=1).frames.mean())

    assert mean("night") < mean("day") - 15


def test_its_weights_have_a_fingerprint_of_sixteen_digits() -> None:
    assert len(t2v.fingerprint("toon")) == 16
    int(t2v.fingerprint("toon"), 16)


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, randomise: Any) -> Path:
    """A weight file with TOON's names and nobody's weights, in the place of TOON's own."""
    parts = nn.ModuleDict(
        {
            "text_encoder": TextEncoder(TOON.text_encoder),
            "unet": UNet3D(TOON.unet),
            "autoencoder": Autoencoder(TOON.autoencoder),
        }
    )
    randomise(parts, 1)
    monkeypatch.setattr(importlib.import_module("t2v.checkpoints.fingerprint"), "WEIGHTS", tmp_path)
    path = weight_file("toon")
    told = {"preset": json.dumps(asdict(TOON))}
    save_file(compress_weights(parts.state_dict(), int8=True), path, told)
    return path


def test_what_is_written_in_int8_is_loaded_and_films(file: Path) -> None:
    model = t2v.load("toon", device="cpu", dtype=torch.float32)
    assert not model.unet.training
    assert not any(p.requires_grad for p in model.autoencoder.parameters())
    frames = model.generate(PROMPT, num_frames=1, num_steps=1, guidance_scale=1).frames
    assert frames.shape == (1, 128, 224, 3)
    assert frames.std() > 5


def test_a_file_without_one_of_the_parts_is_refused(file: Path) -> None:
    tensors = {k: v for k, v in load_file(file).items() if not k.startswith("unet.")}
    save_file(tensors, file)
    with pytest.raises(
        t2v.CheckpointError, match=r"not the weights of toon: \d+ of \d+ missing, first 'unet\."
    ):
        t2v.load("toon")
