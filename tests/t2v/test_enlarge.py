"""The network that enlarges drawn pictures four times, and networks of one's own."""

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from t2v.enlarge import SCALE, enlarge, load_enlarger, load_own_enlarger
from t2v.errors import CheckpointError, SettingsError


def drawing():
    """A disc with a dark outline on a flat ground, uint8 (32, 56, 3): the mean over 4x4 of a larger one."""
    y, x = np.mgrid[0:128, 0:224]
    large = np.full((128, 224, 3), (120, 180, 230), np.uint8)
    large[(x - 100) ** 2 + (y - 60) ** 2 < 40**2] = (20, 20, 30)
    large[(x - 100) ** 2 + (y - 60) ** 2 < 32**2] = (230, 90, 40)
    return large.reshape(32, 4, 56, 4, 3).mean((1, 3)).round().astype(np.uint8)


def steepest(picture):
    """The largest step from a pixel to the next, along the row through the disc's middle."""
    return int(np.abs(np.diff(picture[60, :, 0].astype(int))).max())


def test_outlines_are_steeper_than_by_lanczos():
    small = drawing()
    large = enlarge(small)
    assert large.shape == (32 * SCALE, 56 * SCALE, 3)
    assert large.dtype == np.uint8
    plain = np.asarray(Image.fromarray(small).resize((224, 128), Image.Resampling.LANCZOS))
    assert steepest(large) > 1.5 * steepest(plain)


def test_the_same_frame_gives_the_same_pixels_and_flat_colours_stay():
    small = drawing()
    assert np.array_equal(enlarge(small), enlarge(small[:, ::-1][:, ::-1]))
    flat = np.full((8, 12, 3), (230, 90, 40), np.uint8)
    assert np.abs(enlarge(flat)[4:-4, 4:-4].astype(int) - flat[0, 0]).max() <= 8


def own_network(path):
    """The package's network as Real-ESRGAN's own files name its tensors, which spandrel knows."""
    names = {"convolutions": 0, "slopes": 1}
    state = {}
    for name, tensor in load_enlarger().state_dict().items():
        part, index, kind = name.split(".")
        state[f"body.{2 * int(index) + names[part]}.{kind}"] = tensor.contiguous()
    if path.suffix == ".pth":
        torch.save({"params": state}, path)
    else:
        save_file(state, path)
    return path


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_network_of_ones_own_is_known_by_its_weights_and_gives_its_own_pixels(tmp_path, suffix):
    small = drawing()
    found = load_own_enlarger(own_network(tmp_path / f"mine{suffix}"))(small)
    assert np.abs(found.astype(int) - enlarge(small)).max() <= 1


def test_files_that_are_no_such_network_are_one_line(tmp_path):
    text = tmp_path / "notes.pth"
    text.write_text("no weights", "utf-8")
    with pytest.raises(CheckpointError, match=r"notes\.pth: wanted a \.safetensors or \.pth file"):
        load_own_enlarger(text)
    with pytest.raises(CheckpointError, match=r"nowhere\.pth: not there"):
        load_own_enlarger(tmp_path / "nowhere.pth")
    other = tmp_path / "other.safetensors"
    save_file({"weight": torch.ones(3)}, other)
    with pytest.raises(CheckpointError, match="wanted a network that enlarges pictures"):
        load_own_enlarger(other)
    code = tmp_path / "code.pth"
    code.write_bytes(pickle.dumps(Path("/etc"), protocol=2))
    with pytest.raises(CheckpointError, match="could not read it"):
        load_own_enlarger(code)


def test_without_spandrel_what_to_install_is_said(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(SettingsError, match=r'pip install "cold-open\[upscale\]"'):
        load_own_enlarger(own_network(tmp_path / "mine.safetensors"))
