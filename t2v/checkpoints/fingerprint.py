"""A short hash of a model's weights, without torch and without loading the model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from t2v.checkpoints.files.atomic import atomic_write
from t2v.checkpoints.find import list_files
from t2v.errors import CheckpointError

WEIGHTS = Path(__file__).parent.parent / "weights"
TOON_FILE = "toon.safetensors"  # a folder with this file is TOON as someone has trained it further


def is_toon(source: str | Path) -> bool:
    """Whether a source is TOON, ours or as someone has trained it further. Reads no weights."""
    return source == "toon" or (Path(source) / TOON_FILE).is_file()


def weight_file(source: str | Path) -> Path:
    """The path of TOON's weights, ours or as someone has trained it further. Raises CheckpointError."""
    if not is_toon(source):
        raise CheckpointError(f"no film model {source!r} here; there is: toon")
    return (WEIGHTS if source == "toon" else Path(source)) / TOON_FILE


def fingerprint(
    source: str | Path, *, base: str | Path | None = None, loras: Sequence[tuple[str | Path, float]] = ()
) -> str:
    """Sixteen hexadecimal digits that change with the weights, for the same arguments as `t2v.load`.

    Of one file they are the first of its SHA-256, of several those of the list of their hashes, with the
    LoRAs' weights. Hashes are cached by path, size and time of change. Raises CheckpointError.
    """
    if source == "toon" and not loras:
        return file_hash(weight_file("toon"))[:16]
    parts = [file_hash(path) for path in _files(source, base)]
    for file, weight in loras:
        path = Path(file)
        inside = sorted(p for p in path.iterdir() if _counts(p)) if path.is_dir() else [path]
        parts += [f"{float(weight)!r} {file_hash(p)}" for p in inside]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _counts(path: Path) -> bool:
    """Whether an entry of a LoRA's folder is a file that no file manager has left there."""
    is_left = path.name.startswith("._") or path.name.lower() in (".ds_store", "thumbs.db", "desktop.ini")
    return path.is_file() and not is_left


def _files(source: str | Path, base: str | Path | None) -> list[Path]:
    if is_toon(source):
        return [weight_file(source)]
    return list_files(source, base)


def file_hash(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal, from the cache if it is there."""
    try:
        stat = path.stat()
    except OSError as error:
        raise CheckpointError(f"{path}: the film model's weights are not there ({error.strerror})") from error
    key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    cache = _cache_file()
    hashes = _read_cache(cache)
    if len(hashes.get(key, "")) != 64:
        hashes[key] = _sha256(path)
        _write_cache(cache, hashes)
    return hashes[key]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cold-open" / "fingerprints.json"


def _read_cache(cache: Path) -> dict[str, str]:
    try:
        hashes = json.loads(cache.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return hashes if isinstance(hashes, dict) else {}


def _write_cache(cache: Path, hashes: dict[str, str]) -> None:
    """Write the last 256 hashes; where nothing can be written they are computed again next time."""
    with contextlib.suppress(OSError):
        cache.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(cache, shared=True) as part:
            part.write_text(json.dumps(dict(list(hashes.items())[-256:])), "utf-8")
