from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from t2v.checkpoints.files.safetensors import SCALE, compress_weights, load_strictly, quantize, read_weights
from t2v.errors import CheckpointError


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def written(state: dict[str, Tensor], folder: Path, *, int8: bool = False) -> Path:
    path = folder / "model.safetensors"
    save_file(compress_weights(state, int8=int8), path, metadata={"licence": "mine"})
    return path


def test_int8_is_off_by_at_most_half_a_step_in_every_output_channel() -> None:
    kernel = drawn(32, 16, 3, 3) * torch.logspace(-4, 2, 32)[:, None, None, None]
    values, scale = quantize(kernel)
    assert values.dtype == torch.int8
    assert scale.dtype == torch.float16
    error = (values.float() * scale.float().view(-1, 1, 1, 1) - kernel).flatten(1).abs().amax(1)
    largest = kernel.flatten(1).abs().amax(1)
    assert (error <= largest * (0.5 / 127 + 2**-11)).all()


def test_a_channel_of_zeros_stays_zeros() -> None:
    kernel = drawn(8, 1024)
    kernel[3] = 0
    values, scale = quantize(kernel)
    assert not values[3].any()
    assert scale.isfinite().all()


@pytest.mark.parametrize(("int8", "tolerance"), [(False, 0.002), (True, 0.02)], ids=["fp16", "int8"])
def test_what_is_written_is_read_again_in_single_precision(
    tmp_path: Path, int8: bool, tolerance: float
) -> None:
    state = {"large.weight": drawn(64, 64, 3), "small.weight": drawn(8, 8), "bias": drawn(5000)}
    got, metadata = read_weights(written(state, tmp_path, int8=int8))
    assert metadata == {"licence": "mine"}
    assert got.keys() == state.keys()
    for name, value in state.items():
        assert got[name].dtype == torch.float32
        assert (got[name] - value).abs().max() < tolerance * value.abs().max()


def test_int8_makes_large_matrices_half_as_large_and_leaves_small_ones_and_vectors_alone() -> None:
    state = {"large": drawn(64, 64), "small": drawn(63, 64), "vector": drawn(5000)}
    out = compress_weights(state, int8=True)
    assert {name: value.dtype for name, value in out.items()} == {
        "large": torch.int8,
        "large" + SCALE: torch.float16,
        "small": torch.float16,
        "vector": torch.float16,
    }


def test_a_parameter_that_is_called_scale_is_not_taken_for_somebody_elses(tmp_path: Path) -> None:
    state = {"norm.scale": drawn(7)}
    got, _ = read_weights(written(state, tmp_path))
    torch.testing.assert_close(got["norm.scale"], state["norm.scale"], rtol=1e-3, atol=1e-3)


class Small(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.second = nn.Linear(8, 2)


def test_weights_that_fit_are_loaded() -> None:
    state = {name: drawn(*value.shape, seed=1) for name, value in Small().state_dict().items()}
    model = Small()
    load_strictly(model, state, Path("film.safetensors"), "toon")
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


def test_what_is_missing_unknown_or_misshapen_is_counted_and_named_and_nothing_is_loaded() -> None:
    model = Small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = {"first.weight": drawn(4, 8), "first.bias": drawn(8), "third.bias": drawn(2), "fourth": drawn(1)}
    with pytest.raises(CheckpointError) as caught:
        load_strictly(model, state, Path("film.safetensors"), "toon")
    assert str(caught.value) == (
        "film.safetensors: not the weights of toon: 2 of 4 missing, first 'second.weight'; "
        "2 of 4 unknown, first 'third.bias'; 1 of 4 of another shape, first 'first.weight'"
    )
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemError('a pickle was executed')",)


def broken_files(folder: Path) -> dict[str, bytes]:
    whole = written({"weight": drawn(64, 64)}, folder).read_bytes()
    return {
        "empty": b"",
        "cut in half": whole[: len(whole) // 2],
        "a web page": b"<!DOCTYPE html><html><body>404</body></html>" * 20,
        "a pickle": pickle.dumps(Bomb()),
        "a length that lies": (2**60).to_bytes(8, "little") + whole[8:],
    }


@pytest.mark.parametrize("kind", ["empty", "cut in half", "a web page", "a pickle", "a length that lies"])
def test_a_broken_file_is_one_clear_error(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(broken_files(tmp_path)[kind])
    with pytest.raises(CheckpointError, match=r"broken\.safetensors: wanted a safetensors file") as caught:
        read_weights(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_and_a_folder_are_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors: not there"):
        read_weights(tmp_path / "gone.safetensors")
    with pytest.raises(CheckpointError, match="wanted a safetensors file"):
        read_weights(tmp_path)
