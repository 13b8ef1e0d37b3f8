"""Artifacts: files that are known by the hash of their recipe, so that equal recipes are made once.

A recipe is a JSON mapping of everything that the file is made from. The file `s02.1-3fa94c1e.mp4` has the
number that the shot had when it was made, and its recipe's digest; `s02.1-3fa94c1e.json` beside it has the
recipe.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.studio.workspace import files

Recipe = Mapping[str, Any]
SEED_BITS = 63


def canonical_json(recipe: Recipe) -> str:
    """The one JSON text of a recipe: equal recipes give equal text."""
    return json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(recipe: Recipe) -> str:
    """The first eight hexadecimal digits of the recipe's SHA-256, which stand for it in file names."""
    return hashlib.sha256(canonical_json(recipe).encode()).hexdigest()[:8]


@dataclass(frozen=True)
class Artifact:
    """A file with its recipe and the notes that were taken when it was made (`made` in its JSON file)."""

    path: Path
    recipe: Recipe
    notes: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The number that the file had when it was made: s02.1."""
        return self.path.stem.rsplit("-", 1)[0]


Artifacts = Mapping[str, Artifact]


def stored(folder: Path, suffix: str) -> dict[str, Artifact]:
    """The artifacts of one kind in a folder, by their recipe's digest; without valid JSON a file is none."""
    found: dict[str, Artifact] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix != suffix or path.name.startswith("."):
            continue
        note = files.read_json(path.with_suffix(".json")) or {}
        recipe, made = note.get("recipe"), note.get("made")
        if isinstance(recipe, dict) and isinstance(made, dict) and path.stem.endswith(f"-{digest(recipe)}"):
            found[digest(recipe)] = Artifact(path, recipe, made)
    return found


def orphans(folder: Path, suffix: str) -> frozenset[str]:
    """The digests of artifacts that have a JSON file but no media file."""
    notes = folder.glob("*.json") if folder.is_dir() else ()
    return frozenset(
        note.stem.rsplit("-", 1)[-1]
        for note in notes
        if not files.is_clutter(note) and not note.with_suffix(suffix).exists()
    )


def create(
    folder: Path, label: str, recipe: Recipe, suffix: str, *, write: Callable[[Path], Mapping[str, Any]]
) -> Artifact:
    """Makes one artifact: `write` writes the file to a temporary path and returns the notes.

    The file is moved into place before its JSON. Without that it does not count, so that a run that is killed
    between the two makes it again.
    """
    path = folder / f"{label}-{digest(recipe)}{suffix}"
    path.with_suffix(".json").unlink(missing_ok=True)
    with files.atomic_write(path) as part:
        made = write(part)
    files.write_json(path.with_suffix(".json"), {"recipe": recipe, "made": made})
    return Artifact(path, recipe, made)


def seed_from(*names: str | int) -> int:
    """A seed of 63 bits that follows from names alone: the same names give the same seed on every machine."""
    text = json.dumps(names, ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - SEED_BITS)


def changed_keys(before: Recipe, after: Recipe) -> tuple[str, ...]:
    """The keys of two recipes whose values differ, in the order of `after`."""
    keys = [*after, *(key for key in before if key not in after)]
    return tuple(key for key in keys if before.get(key) != after.get(key))
