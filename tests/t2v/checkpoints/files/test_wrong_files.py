"""What people have under the name of a weight file, and what they are told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from t2v.checkpoints.files.tensor_files import open_shards, open_tensors
from t2v.checkpoints.files.wrong_files import read_json
from t2v.errors import CheckpointError

PAGE = b"\n<!DOCTYPE html>\n<html><head><title>configuration.json - Hugging Face</title></head></html>"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5645523456\n"
WRONG = {
    "a web page": (PAGE, "a web page: fetch the file itself, not the page that shows it"),
    "an XML error": (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "a web page"),
    "a Git LFS pointer": (POINTER, r"a Git LFS pointer.*run `git lfs pull`.*\(5,645,523,456 bytes\)"),
    "nothing": (b"", "an empty file: fetch it again"),
    "a message": (b"Entry not found", "text, not weights; it begins 'Entry not found'"),
    "a packed archive": (b"\x1f\x8b\x08\x00" + bytes(range(256)), "a packed archive: unpack it first"),
    "another format": (b"GGUF\x03\x00\x00\x00" + bytes(100), "a GGUF file"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("name", ["text2video_pytorch_model.pth", "model.safetensors"])
def test_a_wrong_file_is_named_for_what_it_is(kind: str, name: str, tmp_path: Path) -> None:
    content, message = WRONG[kind]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        open_tensors(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_half_a_safetensors_file_is_named_for_what_it_is(share: float, tmp_path: Path) -> None:
    whole = save({"a": torch.ones(1000), "b": torch.ones(10)})
    path = tmp_path / "model.safetensors"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(CheckpointError, match=r"safetensors file of .* bytes that is half a download"):
        open_tensors(path)


def test_the_bytes_tell_the_kind_and_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    path.write_bytes(save({"a": torch.ones(3)}))
    assert torch.equal(open_tensors(path).tensors["a"].read(), torch.ones(3))
    buffer = io.BytesIO()
    torch.save({"a": torch.zeros(3)}, buffer)
    path = tmp_path / "model.safetensors"
    path.write_bytes(buffer.getvalue())
    assert torch.equal(open_tensors(path).tensors["a"].read(), torch.zeros(3))


def test_what_is_not_there_and_a_folder_in_its_place_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.pth: not there"):
        open_tensors(tmp_path / "gone.pth")
    with pytest.raises(CheckpointError, match="cannot be read"):
        open_tensors(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (PAGE, "a web page: fetch the file itself"),
        (POINTER, "a Git LFS pointer"),
        (b"", "an empty file"),
        (b'{"model": {', r"configuration\.json:1:12: wanted JSON"),
        (b'{"model":\n  oops}', r"configuration\.json:2:3: wanted JSON"),
        (b"[1, 2]", "wanted a JSON object, got list"),
        (b"\xff\xfe{}", "got bytes that are no text"),
    ],
    ids=["page", "pointer", "empty", "half", "damaged", "list", "bytes"],
)
def test_a_wrong_configuration_is_named_for_what_it_is(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "configuration.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=message):
        read_json(path)


def shards(folder: Path, count: int) -> tuple[Path, ...]:
    paths = []
    for i in range(1, count + 1):
        path = folder / f"model-{i:05}-of-{count:05}.safetensors"
        path.write_bytes(save({f"t{i}": torch.full((2,), float(i))}))
        paths.append(path)
    return tuple(paths)


def test_shards_are_one_file_and_a_missing_or_doubled_one_is_told(tmp_path: Path) -> None:
    paths = shards(tmp_path, 3)
    assert sorted(open_shards(paths).tensors) == ["t1", "t2", "t3"]
    with pytest.raises(CheckpointError, match="1 of 3 shards are not there, first number 2"):
        open_shards((paths[0], paths[2]))
    paths[1].write_bytes(paths[0].read_bytes())
    with pytest.raises(CheckpointError, match="'t1' is in another shard too"):
        open_shards(paths)
