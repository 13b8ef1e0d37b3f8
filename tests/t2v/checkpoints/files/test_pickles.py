"""Files that would run a program when they are unpickled, and files that are damaged."""

from __future__ import annotations

import contextlib
import io
import pickle
import sys
import tracemalloc
import types
import warnings
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from t2v.checkpoints.files.pickles import KNOWN
from t2v.checkpoints.files.tensor_files import open_tensors
from t2v.errors import CheckpointError

FORMS = pytest.mark.parametrize("zipped", [True, False], ids=["zip archive", "old form"])


class Calls:
    """Pickles as a call of a function that is named, not imported."""

    def __init__(self, function: str, *args: object) -> None:
        self.function, self.args = function, args

    def __reduce__(self) -> tuple[Any, ...]:
        return _by_name(self.function), self.args


def _by_name(function: str) -> Any:
    module, _, name = function.rpartition(".")
    return getattr(__import__(module, fromlist=["x"]), name)


def hostile(marker: Path) -> dict[str, object]:
    """Objects whose unpickling would leave a file behind, or fetch a program."""
    touch = f"open({str(marker)!r}, 'w').close()"
    return {
        "os.system": Calls("os.system", f"touch '{marker}'"),
        "builtins.eval": Calls("builtins.eval", f"open({str(marker)!r}, 'w').close()"),
        "builtins.exec": Calls("builtins.exec", touch),
        "torch.hub": Calls("torch.hub._load_local", str(marker.parent), "model"),
        "runpy": Calls("runpy.run_path", str(marker.parent / "program.py")),
        "nested in a pickle": Calls("pickle.loads", pickle.dumps(Calls("builtins.exec", touch))),
        "nested in a storage": Calls("torch.storage._load_from_bytes", saved(Calls("builtins.exec", touch))),
        "nested in a rebuilding": Calls("torch._tensor._rebuild_from_type_v2", exec, int, (touch,), {}),
    }


def saved(value: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


KINDS = [
    "os.system", "builtins.eval", "builtins.exec", "torch.hub", "runpy",
    "nested in a pickle", "nested in a storage", "nested in a rebuilding",
]  # fmt: skip


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """A file that a program in a pickle would make; `hubconf.py` and `program.py` make it too."""
    path = tmp_path / "executed"
    for name in ("hubconf.py", "program.py"):
        (tmp_path / name).write_text(f"open({str(path)!r}, 'w').close()\nmodel = dict\n")
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_the_hostile_files_of_these_tests_are_hostile_indeed(kind: str, marker: Path) -> None:
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.load(io.BytesIO(saved(hostile(marker)[kind])), weights_only=False)
    assert marker.exists()


@FORMS
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_in_a_file_is_executed_and_its_tensors_are_read(
    kind: str, zipped: bool, marker: Path
) -> None:
    bad = hostile(marker)[kind]
    weight = torch.arange(6.0).view(2, 3)
    path = marker.parent / "weights.pth"
    path.write_bytes(saved(OrderedDict(first=bad, weight=weight, deep={"er": [bad]}), zipped=zipped))
    got = open_tensors(path)
    assert not marker.exists()
    assert list(got.tensors) == ["weight"]
    assert torch.equal(got.tensors["weight"].read(), weight)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_pickle_is_refused_and_not_executed(kind: str, marker: Path) -> None:
    path = marker.parent / "weights.pth"
    path.write_bytes(pickle.dumps(hostile(marker)[kind]))
    with pytest.raises(CheckpointError, match=r"weights\.pth: a pickle, and none of PyTorch's"):
        open_tensors(path)
    assert not marker.exists()


@FORMS
def test_a_program_cannot_change_what_is_known(zipped: bool, tmp_path: Path) -> None:
    class Changing:
        """Names the function that rebuilds tensors, and gives it other defaults and another name."""

        def __reduce__(self) -> tuple[Any, ...]:
            known = torch._utils._rebuild_tensor_v2
            return _by_name("builtins.getattr"), (known, "__name__"), (None, {"__defaults__": (1, 2)})

    before = [vars(value) for value in KNOWN.values() if hasattr(value, "__dict__")]
    path = tmp_path / "weights.pth"
    path.write_bytes(saved({"bad": Changing(), "a": torch.ones(2)}, zipped=zipped))
    assert list(open_tensors(path).tensors) == ["a"]
    assert [vars(value) for value in KNOWN.values() if hasattr(value, "__dict__")] == before


def test_a_few_bytes_cannot_ask_for_gigabytes(tmp_path: Path) -> None:
    program = b"\x80\x02}r" + (2**31 - 1).to_bytes(4, "little") + b"."
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    tracemalloc.start()
    with pytest.raises(CheckpointError, match="without tensors"):
        open_tensors(path)
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()


def test_a_name_that_hides_behind_a_known_one_stays_a_name(tmp_path: Path) -> None:
    """Attributes of what is known are not reached by a dotted name."""
    program = b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93)R."
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    with pytest.raises(CheckpointError, match="without tensors"):
        open_tensors(path)


@FORMS
@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8]
)
def test_tensors_of_every_type_shape_and_view_come_back_bit_for_bit(
    dtype: torch.dtype, zipped: bool, tmp_path: Path
) -> None:
    whole = torch.arange(60).to(dtype).view(5, 12)
    state = OrderedDict(
        odd=torch.ones(3, dtype=torch.uint8),  # what follows in the old form lies at any byte
        whole=whole,
        view=whole[1:4, ::3],
        turned=whole.t(),
        scalar=whole[2, 2],
        parameter=nn.Parameter(whole[0], requires_grad=False),
        nothing=whole[:0],
    )
    path = tmp_path / "weights.pth"
    path.write_bytes(saved(state, zipped=zipped))
    got = open_tensors(path).tensors
    assert got.keys() == state.keys()
    for name, wanted in state.items():
        assert (got[name].shape, got[name].dtype) == (wanted.shape, wanted.dtype)
        assert torch.equal(got[name].read(), wanted)


class ModelCheckpoint:
    """As PyTorch Lightning's callback, whose class is not installed where the weights are read."""

    __module__ = "pytorch_lightning.callbacks.model_checkpoint"


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], bytes]:
    """Writes a Lightning checkpoint with its module there, and takes it away again."""

    def write(state: dict[str, Any]) -> bytes:
        names = ModelCheckpoint.__module__.split(".")
        with monkeypatch.context() as patch:
            for i in range(1, len(names) + 1):
                module = types.ModuleType(".".join(names[:i]))
                module.ModelCheckpoint = ModelCheckpoint  # type: ignore[attr-defined]
                patch.setitem(sys.modules, module.__name__, module)
            return saved(
                {
                    "epoch": 7,
                    "callbacks": {ModelCheckpoint: {"best_model_score": np.float64(0.25), "dirpath": "x"}},
                    "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(2)}}}],
                    "lr_schedulers": [np.dtype("float32"), np.arange(3)],
                    "state_dict": OrderedDict(state),
                }
            )

    return write


def test_a_lightning_checkpoint_gives_its_state_dict_without_lightning(
    lightning: Callable[[dict[str, Any]], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "VQGAN_autoencoder.pth"
    path.write_bytes(lightning({"first_stage_model.x": torch.ones(2), "betas": torch.zeros(3)}))
    with pytest.raises(pickle.UnpicklingError):
        torch.load(path, weights_only=True)
    got = open_tensors(path)
    assert list(got.tensors) == ["first_stage_model.x", "betas"]
    assert torch.equal(got.tensors["first_stage_model.x"].read(), torch.ones(2))


def test_tensors_of_a_zip_archive_are_mapped_and_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(saved({"a": torch.ones(1000), "b": torch.zeros(1000)}))
    tensors = open_tensors(path).tensors
    storages = {tensors[name].read().untyped_storage().data_ptr() for name in "ab"}
    assert len(storages) == 1


def rezipped(data: bytes, change: Callable[[str, bytes], bytes], compression: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", compression) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return out.getvalue()


def test_an_archive_that_someone_compressed_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    packed = rezipped(saved({"a": torch.ones(1000)}), lambda _, data: data, zipfile.ZIP_DEFLATED)
    path.write_bytes(packed)
    assert torch.equal(open_tensors(path).tensors["a"].read(), torch.ones(1000))


def test_a_storage_that_is_shorter_than_it_says_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    short = rezipped(
        saved({"a": torch.ones(1000)}),
        lambda name, data: data[:100] if "/data/" in name else data,
        zipfile.ZIP_STORED,
    )
    path.write_bytes(short)
    with pytest.raises(CheckpointError, match="storage 0: wanted 4000 bytes, got 100: damaged"):
        open_tensors(path).tensors["a"].read()


@FORMS
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95, 0.999])
def test_half_a_download_is_one_clear_error_wherever_it_stops(
    share: float, zipped: bool, tmp_path: Path
) -> None:
    data = saved({"a": torch.ones(3000), "b": torch.zeros(2000)}, zipped=zipped)
    path = tmp_path / "weights.pth"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(CheckpointError, match=r"weights\.pth: .*fetch it again") as caught:
        open_tensors(path)
    assert "\n" not in str(caught.value)


@FORMS
def test_damage_anywhere_is_an_error_of_ours_or_none(zipped: bool, tmp_path: Path) -> None:
    data = saved({"a": torch.ones(30), "b": {"c": torch.zeros(20)}}, zipped=zipped)
    path = tmp_path / "weights.pth"
    generator = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data)
        for place in generator.integers(0, len(data), 4):
            broken[place] = generator.integers(0, 256)
        path.write_bytes(bytes(broken))
        with contextlib.suppress(CheckpointError):
            for tensor in open_tensors(path).tensors.values():
                tensor.read()


def test_a_torchscript_program_is_named_for_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps({}))
        archive.writestr("model/constants.pkl", pickle.dumps(()))
    with pytest.raises(CheckpointError, match="this is a TorchScript program"):
        open_tensors(path)


def test_a_list_of_tensors_keeps_their_order(tmp_path: Path) -> None:
    path = tmp_path / "lora.pt"
    path.write_bytes(saved([nn.Parameter(torch.full((2,), float(i))) for i in range(4)]))
    got = open_tensors(path).loose
    assert [float(t.read()[0]) for t in got] == [0, 1, 2, 3]
