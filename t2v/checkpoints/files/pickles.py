"""Reads PyTorch's pickled files (`.pth`, `.bin`, `.ckpt`, `.pt`) without executing anything in them.

A pickle is a program: it may call any function by name. Here it can name tensors, dictionaries and number
types; every other name becomes an inert object that accepts any call and does nothing. Both formats are read:
the zip archive (PyTorch 1.6 and newer; storages are mapped, not copied) and the old stream of pickles.
Source: `torch/serialization.py`.
"""

from __future__ import annotations

import logging
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple, TypeVar

import torch
from torch import Tensor

from t2v.checkpoints.files.stored import StoredTensor
from t2v.errors import CheckpointError

log = logging.getLogger(__name__)
Result = TypeVar("Result")

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "UntypedStorage": torch.uint8,
}
DTYPES = {
    str(dtype).removeprefix("torch."): dtype for dtype in STORAGES.values() if dtype is not torch.bool
} | {"bool": torch.bool}


class StorageType(NamedTuple):
    """The dtype of a storage class such as `torch.FloatStorage`."""

    dtype: torch.dtype


class StorageRef(NamedTuple):
    """A reference to a storage elsewhere in the file; `length` in numbers."""

    dtype: torch.dtype
    key: str
    length: int


class PickledTensor(NamedTuple):
    """A strided view of a storage, not yet read."""

    storage: StorageRef
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class Inert:
    """Stands for every name in a pickle that is no tensor: it accepts calls and items, and does nothing."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        pass

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __call__(self, *args: object, **kwargs: object) -> Inert:
        return self

    def __setitem__(self, key: object, value: object) -> None:
        pass

    def append(self, value: object) -> None:
        pass

    def extend(self, values: object) -> None:
        pass

    def add(self, value: object) -> None:
        pass


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> PickledTensor:
    """`torch._utils._rebuild_tensor` and its later forms; v3 has the dtype as an argument."""
    dtype = next((value for value in rest if isinstance(value, torch.dtype)), storage.dtype)
    return PickledTensor(storage, dtype, int(offset), tuple(map(int, size)), tuple(map(int, stride)))


def _parameter(tensor: Any, *rest: Any) -> Any:
    return tensor


def _size(values: Any = ()) -> tuple[int, ...]:
    return tuple(map(int, values))


KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): dict,
    ("torch", "Size"): _size,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("torch._utils", "_rebuild_parameter_with_state"): _parameter,
    **{("torch", name): StorageType(dtype) for name, dtype in STORAGES.items()},
    ("torch.storage", "UntypedStorage"): StorageType(torch.uint8),
    **{("torch", name): dtype for name, dtype in DTYPES.items()},
}


class RestrictedUnpickler(pickle._Unpickler):
    """An unpickler that knows tensors only; `inert` are the other names in the pickle.

    It derives from the unpickler written in Python, whose memo is a dictionary: in the one written in C, a
    single damaged byte can allocate gigabytes.
    """

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8", errors="replace")
        self.inert: set[str] = set()

    def load_build(self) -> None:
        """Objects' state is never set, not even that of known types."""
        self.stack.pop()  # type: ignore[attr-defined]

    dispatch[pickle.BUILD[0]] = load_build

    def find_class(self, module: str, name: str, /) -> Any:
        """The known object of a name, or Inert."""
        known = KNOWN.get((module, name))
        if known is None:
            self.inert.add(f"{module}.{name}")
            return Inert
        return known

    def persistent_load(self, pid: Any) -> StorageRef:
        """A reference to a storage. Raises UnpicklingError for anything else."""
        kind, storage, key, _, length, *rest = pid
        if kind != "storage" or not isinstance(storage, StorageType) or any(x is not None for x in rest):
            raise pickle.UnpicklingError(f"an unknown kind of storage, {pid!r}")
        return StorageRef(storage.dtype, str(key), int(length))


def read_pickled(path: Path) -> object:
    """The saved value, with a `StoredTensor` for every tensor and an `Inert` for every other object.

    Raises CheckpointError for a file that is cut off, damaged or no PyTorch file.
    """
    with path.open("rb") as file:
        archive = file.read(4) == b"PK\x03\x04"
    return _guarded(_read_archive if archive else _read_stream, path)


def _guarded(read: Callable[[Path], Result], path: Path) -> Result:
    """`read(path)`; any error that damaged bytes cause becomes a CheckpointError that names the file."""
    try:
        return read(path)
    except CheckpointError:
        raise
    except Exception as error:
        raise CheckpointError(
            f"{path}: wanted a PyTorch file, and this one is damaged or half a download: fetch it again "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]})"
        ) from error


def _unpickled(file: IO[bytes], path: Path) -> object:
    unpickler = RestrictedUnpickler(file)
    value = unpickler.load()
    if unpickler.inert:
        log.info("%s: left out what is no tensor: %s", path, ", ".join(sorted(unpickler.inert)[:5]))
    return value


def _read_archive(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        program = next((name for name in names if name.endswith("/data.pkl")), None)
        if program is None or any(name.endswith("/constants.pkl") for name in names):
            kind = "a TorchScript program" if program else "a zip archive without weights"
            raise CheckpointError(f"{path}: wanted a checkpoint, this is {kind}: unpack or fetch the weights")
        root = program.removesuffix("data.pkl")
        if f"{root}byteorder" in names and archive.read(f"{root}byteorder") != b"little":
            raise CheckpointError(f"{path}: saved on a big-endian machine, which is not read here")
        with archive.open(program) as file:
            value = _unpickled(file, path)
        entries = {name: archive.getinfo(name) for name in names if name.startswith(f"{root}data/")}
        mapped = _mapped(path)

        def numbers(ref: StorageRef) -> Tensor:
            entry = entries[f"{root}data/{ref.key}"]
            if entry.file_size != ref.length * ref.dtype.itemsize:
                raise CheckpointError(
                    f"{path}: storage {ref.key}: wanted {ref.length * ref.dtype.itemsize} bytes, "
                    f"got {entry.file_size}: damaged, fetch it again"
                )
            if entry.compress_type != zipfile.ZIP_STORED:
                with zipfile.ZipFile(path) as packed:
                    return torch.frombuffer(bytearray(packed.read(entry)), dtype=torch.uint8)
            start = _data_start(path, entry)
            if start + entry.file_size > len(mapped):
                raise CheckpointError(f"{path}: ends inside storage {ref.key}: fetch it again")
            return mapped[start : start + entry.file_size]

        return _resolved(value, numbers, path)


def _data_start(path: Path, entry: zipfile.ZipInfo) -> int:
    """The offset of an entry's bytes, by the lengths in its local header, not in the directory."""
    with path.open("rb") as file:
        file.seek(entry.header_offset + 26)
        name_length, extra_length = struct.unpack("<HH", file.read(4))
    return entry.header_offset + 30 + int(name_length) + int(extra_length)


def _mapped(path: Path) -> Tensor:
    """The file as bytes, mapped privately: (size,) uint8."""
    size = path.stat().st_size
    storage: Any = torch.UntypedStorage.from_file(str(path), False, size)
    return torch.empty(0, dtype=torch.uint8).set_(storage, 0, (size,), (1,))


def _read_stream(path: Path) -> object:
    """The form before PyTorch 1.6: magic number, version, system, object, storage keys, storages."""
    with path.open("rb") as file:
        if _unpickled(file, path) != LEGACY_MAGIC:
            raise CheckpointError(f"{path}: a pickle, and none of PyTorch's: nothing in it is executed")
        _unpickled(file, path), _unpickled(file, path)
        value = _unpickled(file, path)
        keys = _unpickled(file, path)
        if not isinstance(keys, list):
            raise CheckpointError(f"{path}: no list of storages after the object: damaged, fetch it again")
        refs = {ref.key: ref for ref in _storages(value)}
        starts: dict[str, int] = {}
        for key in map(str, keys):
            (length,) = struct.unpack("<q", file.read(8))
            starts[key] = file.tell()
            itemsize = refs[key].dtype.itemsize if key in refs else 1
            if length < 0 or (key in refs and length != refs[key].length):
                raise CheckpointError(f"{path}: storage {key} has {length} numbers: damaged, fetch it again")
            file.seek(length * itemsize, 1)
        if file.tell() > path.stat().st_size:
            raise CheckpointError(f"{path}: a PyTorch file that ends too early: fetch it again")
    mapped = _mapped(path)

    def numbers(ref: StorageRef) -> Tensor:
        return mapped[starts[ref.key] : starts[ref.key] + ref.length * ref.dtype.itemsize]

    return _resolved(value, numbers, path)


def _storages(value: object) -> list[StorageRef]:
    if isinstance(value, PickledTensor):
        return [value.storage]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [ref for child in children for ref in _storages(child)]


def _resolved(value: object, numbers: Callable[[StorageRef], Tensor], path: Path) -> object:
    """The same dictionaries and lists with `Stored` for pickled tensors."""
    if isinstance(value, PickledTensor):
        return _stored(value, numbers, path)
    if isinstance(value, dict):
        return {key: _resolved(child, numbers, path) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_resolved(child, numbers, path) for child in value]
    return value


def _stored(tensor: PickledTensor, numbers: Callable[[StorageRef], Tensor], path: Path) -> StoredTensor:
    whole = tensor.storage.length * tensor.storage.dtype.itemsize // tensor.dtype.itemsize
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.size, tensor.stride, strict=True))
    empty = 0 in tensor.size
    if min(tensor.offset, *tensor.size, *tensor.stride, 0) < 0 or (not empty and last >= whole):
        raise CheckpointError(
            f"{path}: a tensor of shape {tensor.size} reaches outside its storage of {whole} numbers"
        )

    def read(_: Path) -> Tensor:
        raw = numbers(tensor.storage)
        if raw.storage_offset() % tensor.dtype.itemsize:
            raw = raw.clone()  # numbers in the old form may begin at any byte
        return raw.view(tensor.dtype).as_strided(
            tensor.size, tensor.stride, raw.storage_offset() // tensor.dtype.itemsize + tensor.offset
        )

    return StoredTensor(tensor.size, tensor.dtype, lambda: _guarded(read, path))
