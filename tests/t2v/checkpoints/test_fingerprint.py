from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path
from typing import Any

import pytest

import t2v
from t2v.checkpoints.fingerprint import is_toon
from t2v.configs import TOON_112
from t2v.errors import CheckpointError

module: Any = importlib.import_module("t2v.checkpoints.fingerprint")


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weight file of our own, and a memory of our own."""
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(module, "WEIGHTS", folder)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = folder / "toon.safetensors"
    path.write_bytes(b"weights" * 1000)
    return path


def sixteen(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def test_it_is_the_beginning_of_the_files_sha256(weights: Path) -> None:
    assert t2v.fingerprint("toon") == sixteen(weights)


def test_the_file_is_read_once_as_long_as_its_size_and_time_stay(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = t2v.fingerprint("toon")
    monkeypatch.setattr(module, "_sha256", lambda path: pytest.fail("it was read again"))
    assert t2v.fingerprint("toon") == first


def test_another_file_in_its_place_is_another_fingerprint(weights: Path) -> None:
    first = t2v.fingerprint("toon")
    weights.write_bytes(b"others!" * 1000)
    os.utime(weights, ns=(1, 1))
    assert t2v.fingerprint("toon") == sixteen(weights) != first


def test_a_longer_file_with_the_same_time_is_another_fingerprint(weights: Path) -> None:
    time = weights.stat().st_mtime_ns
    first = t2v.fingerprint("toon")
    weights.write_bytes(b"weights" * 1001)
    os.utime(weights, ns=(time, time))
    assert t2v.fingerprint("toon") == sixteen(weights) != first


@pytest.mark.parametrize("memory", ["", "not json", "[1, 2]", "null"])
def test_a_memory_that_cannot_be_read_is_made_anew(weights: Path, memory: str, tmp_path: Path) -> None:
    file = tmp_path / "cache" / "cold-open" / "fingerprints.json"
    file.parent.mkdir(parents=True)
    file.write_text(memory)
    assert t2v.fingerprint("toon") == sixteen(weights)
    assert sixteen(weights) in file.read_text()


def test_where_nothing_can_be_remembered_the_answer_is_the_same(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder would be")
    assert t2v.fingerprint("toon") == sixteen(weights)


def test_weights_that_are_not_there_are_one_clear_error(weights: Path) -> None:
    weights.unlink()
    with pytest.raises(CheckpointError, match=r"toon\.safetensors: the film model's weights are not there"):
        t2v.fingerprint("toon")


def test_a_source_that_is_nowhere_is_one_clear_error() -> None:
    with pytest.raises(CheckpointError, match="sora: no such film model"):
        t2v.fingerprint("sora")


def test_another_models_changes_with_any_of_its_files_and_with_its_loras(
    weights: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    names = ("configuration.json", "text2video_pytorch_model.pth", "open_clip_pytorch_model.bin")
    for name in names:
        (folder / name).write_text("{}")
    beside = folder.parent / "VQGAN_autoencoder.pth"
    beside.write_bytes(b"beside it")
    lora = tmp_path / "lora.safetensors"
    lora.write_bytes(b"lora")
    seen = [t2v.fingerprint(folder), t2v.fingerprint(folder, loras=[(lora, 1.0)])]
    seen.append(t2v.fingerprint(folder, loras=[(lora, 0.5)]))
    for path in (folder / names[1], beside, folder / names[2]):
        path.write_bytes(b"another, longer one")
        seen.append(t2v.fingerprint(folder))
    assert len(set(seen)) == 6
    assert all(len(value) == 16 for value in seen)
    (folder / "notes.txt").write_text("no weights")
    assert t2v.fingerprint(folder) == seen[-1]


def test_toon_with_a_lora_and_toon_trained_further_have_fingerprints_of_their_own(tmp_path: Path) -> None:
    plain, style = t2v.fingerprint("toon"), tmp_path / "style.safetensors"
    style.write_bytes(b"a style")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "toon.safetensors").write_bytes(b"trained further")
    styled = [t2v.fingerprint("toon", loras=[(style, weight)]) for weight in (0.5, 1.0)]
    mine = t2v.fingerprint(tmp_path / "mine")
    assert len({plain, *styled, mine}) == 4
    assert t2v.preset(tmp_path / "mine") == TOON_112  # of a file that tells nothing


def test_toon_is_known_by_its_name_or_by_its_file_in_a_folder(tmp_path: Path) -> None:
    assert is_toon("toon")
    assert not is_toon(tmp_path)
    assert not is_toon("owner/toon")
    (tmp_path / "toon.safetensors").touch()
    assert is_toon(tmp_path)
    assert is_toon(str(tmp_path))
    assert not is_toon(tmp_path / "toon.safetensors"), "a file alone is not loaded as TOON"
