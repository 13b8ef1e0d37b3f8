"""A guest's folder: its facts, what is refused, and its fingerprint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from t2v.errors import CheckpointError
from t2v.guests import folder, guest

Tiny = Callable[[str], Path]


@pytest.fixture
def wan(tiny_guest: Tiny, tmp_path: Path) -> Path:
    """A copy of a tiny Wan, to be broken."""
    return Path(shutil.copytree(tiny_guest("wan"), tmp_path / "wan"))


def test_a_folder_says_its_facts(tiny_guest: Tiny) -> None:
    found = folder.preset(str(tiny_guest("wan")))
    assert (found.name, found.pipeline, found.size_step) == ("wan", "WanPipeline", 16)
    assert (found.height, found.width, found.family.fps) == (480, 832, 16)
    assert found.sizes == {"16:9": (480, 832), "1:1": (624, 624), "9:16": (832, 480)}
    assert found.is_here
    assert found.bytes_of.keys() == {"text_encoder", "transformer", "vae"}
    assert found.licence.name == "Apache-2.0"


def test_a_short_name_has_its_facts_before_it_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    found = folder.preset("hunyuan1.5")
    assert (found.name, found.is_here, found.gigabytes > 20) == ("hunyuan1.5", False, True)
    assert "European Union" in found.licence.terms
    assert folder.is_guest("Wan-AI/Wan2.2-TI2V-5B-Diffusers@main")
    assert folder.preset("Wan-AI/Wan2.2-TI2V-5B-Diffusers").name == "wan2.2-5b"


def test_folders_of_others_are_no_guests(tmp_path: Path) -> None:
    assert not folder.is_guest("toon")
    assert not folder.is_guest(str(tmp_path))
    assert not folder.is_guest("owner/unheard-of")
    (tmp_path / "model_index.json").write_text('{"_class_name": "TextToVideoSDPipeline"}')
    assert not folder.is_guest(str(tmp_path))


def test_another_kind_of_pipeline_is_named(wan: Path) -> None:
    index = json.loads((wan / "model_index.json").read_text())
    (wan / "model_index.json").write_text(json.dumps({**index, "_class_name": "FluxPipeline"}))
    with pytest.raises(CheckpointError, match="'FluxPipeline' is no film model that is known here"):
        folder.preset(str(wan))


def test_the_fingerprint_changes_with_weights_and_settings_alone(wan: Path, tiny_guest: Tiny) -> None:
    before = folder.fingerprint(str(wan))
    assert before == folder.fingerprint(str(tiny_guest("wan")))
    (wan / "notes.txt").write_text("mine")
    (wan / "transformer" / ".DS_Store").touch()
    assert folder.fingerprint(str(wan)) == before
    scheduler = wan / "scheduler" / "scheduler_config.json"
    scheduler.write_text(scheduler.read_text().replace('"shift": 7.0', '"shift": 3.0'))
    after = folder.fingerprint(str(wan))
    assert after != before
    weights = wan / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    assert folder.fingerprint(str(wan)) not in (before, after)


def _without_weights(wan: Path) -> None:
    next((wan / "transformer").glob("*.safetensors")).unlink()


def _pickles_alone(wan: Path) -> None:
    for weights in (wan / "transformer").glob("*.safetensors"):
        weights.rename(weights.with_suffix(".bin"))


def _cut_short(wan: Path) -> None:
    weights = next((wan / "vae").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])


def _code(wan: Path) -> None:
    index = json.loads((wan / "model_index.json").read_text())
    index["transformer"] = ["mine", "Network"]
    (wan / "model_index.json").write_text(json.dumps(index))
    (wan / "mine.py").write_text("raise SystemExit('run')")
    (wan / "transformer" / "mine.py").write_text("raise SystemExit('run')")


def _no_json(wan: Path) -> None:
    (wan / "vae" / "config.json").write_text("{")


@pytest.mark.parametrize("damage", [_without_weights, _pickles_alone, _cut_short, _code, _no_json])
def test_a_broken_folder_is_one_line_and_runs_nothing(wan: Path, damage: Callable[[Path], None]) -> None:
    damage(wan)
    with pytest.raises(CheckpointError) as refused:
        guest.load(str(wan), device="cpu")
    assert "\n" not in str(refused.value)
    assert str(wan) in str(refused.value)
