"""A short hash of a model's weights, without torch, so that a plan can be made without loading a model."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from t2v.errors import CheckpointError

WEIGHTS = Path(__file__).parent.parent / "weights"
TOON_FILE = "toon.safetensors"  # in a folder: TOON as someone has trained it further


def is_toon(source: str | Path) -> bool:
    """Whether a source is TOON, ours or as someone has trained it further; reads no weights."""
    return source == "toon" or (Path(source) / TOON_FILE).is_file()


def weight_file(source: str | Path) -> Path:
    """Where the weights of a TOON lie. Raises CheckpointError for what is none."""
    if not is_toon(source):
        raise CheckpointError(f"no film model {source!r} here; there is: toon")
    return (WEIGHTS if source == "toon" else Path(source)) / TOON_FILE


def fingerprint(
    source: str | Path, *, base: str | Path | None = None, loras: Sequence[tuple[str | Path, float]] = ()
) -> str:
    """Sixteen hexadecimal digits that change whenever the weights do, for the arguments of `t2v.load`.

    Of one file the first of its SHA-256, of several those of all their hashes, with the LoRAs' weights.
    A file's hash is remembered by path, size and time. Raises CheckpointError.
    """
    if source == "toon" and not loras:
        return _hash(weight_file("toon"))[:16]
    parts = [_hash(path) for path in _files(source, base)]
    for file, weight in loras:
        path = Path(file)
        inside = sorted(p for p in path.iterdir() if p.is_file()) if path.is_dir() else [path]
        parts += [f"{float(weight)!r} {_hash(p)}" for p in inside]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _files(source: str | Path, base: str | Path | None) -> list[Path]:
    if is_toon(source):
        return [weight_file(source)]
    from t2v.checkpoints.find import list_files

    return list_files(source, base)


def _hash(path: Path) -> str:
    """The SHA-256 of a file, remembered."""
    try:
        stat = path.stat()
    except OSError as error:
        raise CheckpointError(f"{path}: the film model's weights are not there ({error.strerror})") from error
    key = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
    memory = _memory_file()
    known = _remembered(memory)
    if len(known.get(key, "")) != 64:
        known[key] = _sha256(path)
        _remember(memory, known)
    return known[key]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _memory_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "cold-open" / "fingerprints.json"


def _remembered(memory: Path) -> dict[str, str]:
    try:
        known = json.loads(memory.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _remember(memory: Path, known: dict[str, str]) -> None:
    """Best effort: where nothing can be written the hash is taken again next time."""
    part = memory.with_suffix(f".{os.getpid()}.part")
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(dict(list(known.items())[-256:])), "utf-8")
        os.replace(part, memory)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
