"""Finds the files of a model's parts: in a folder, a file or a hub, beside it, or in a base.

Only opening the files needs torch.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from t2v.checkpoints import hub
from t2v.checkpoints.files.wrong_files import read_json
from t2v.checkpoints.layouts import ORIGINAL, PARTS, FileChoice, choose_files, list_names
from t2v.errors import CheckpointError

if TYPE_CHECKING:
    from t2v.checkpoints.fill import CheckpointPart

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Location:
    """A folder or weight file, and the files of it that are read; `revision` is the commit on the hub.

    `parts` are those that are open already.
    """

    path: Path
    choice: FileChoice
    revision: str | None = None
    parts: dict[str, CheckpointPart] = field(default_factory=dict)

    def config_file(self, kind: str) -> Path | None:
        """The settings file of a kind, a key of `layouts.SETTINGS`; None if there is none."""
        name = self.choice.settings.get(kind)
        return self.folder / name if name else None

    @property
    def folder(self) -> Path:
        """The folder, or that of the file."""
        return self.path if self.path.is_dir() else self.path.parent


def locate(source: str | Path, *, half: bool) -> Location:
    """The location that a source names; a hub id is fetched. `half` prefers fp16 files.

    Raises CheckpointError.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return Location(path, FileChoice(unnamed=(path.name,)))
    if path.is_dir():
        return _in_folder(path, half=half)
    if hub.is_hub_id(str(source)):
        folder, revision = hub.fetch_repository(str(source), half=half)
        return _in_folder(folder, half=half, revision=revision)
    raise CheckpointError(
        f'{source}: no such film model: wanted "toon", a folder, a weight file, or a hub id as owner/name'
    )


def _in_folder(folder: Path, *, half: bool, revision: str | None = None) -> Location:
    names = list_names(folder)
    return Location(folder, choose_files(names, half=half, renamed=_renamed(folder, names)), revision)


def _renamed(folder: Path, names: list[str]) -> Mapping[str, str]:
    """The names of the weight files, by part, in a folder's `configuration.json`."""
    if "configuration.json" not in names:
        return {}
    model = read_json(folder / "configuration.json").get("model", {})
    args = model.get("model_args", {}) if isinstance(model, dict) else {}
    keys = {"unet": "ckpt_unet", "autoencoder": "ckpt_autoencoder", "text_encoder": "ckpt_clip"}
    return {part: str(args[key]) for part, key in keys.items() if isinstance(args, dict) and key in args}


def neighbours(location: Location, *, half: bool) -> list[Location]:
    """Folders next to a source that may have the parts that it lacks: its parent, and its siblings.

    Only files with ModelScope's own names are taken from there.
    """
    parent = location.folder if location.path.is_file() else location.path.parent
    out = []
    if location.path.is_file():
        out.append(_in_folder(parent, half=half))
        parent = parent.parent
    for folder in (parent, *sorted(p for p in _subfolders(parent) if p != location.folder)):
        names = [name for name in _files(folder) if _is_original(name)]
        out.append(Location(folder, choose_files(names, half=half)))
    return out


def _subfolders(folder: Path) -> list[Path]:
    try:
        return [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
    except OSError:
        return []


def _files(folder: Path) -> list[str]:
    try:
        return [p.name for p in folder.iterdir() if p.is_file()]
    except OSError:
        return []


def _is_original(name: str) -> bool:
    stem = name.partition(".")[0].lower()
    return name == "configuration.json" or stem in {known.lower() for known in ORIGINAL.values()}


def read_part(location: Location, part: str) -> CheckpointPart | None:
    """A part of a location, its files opened but unread; None if the location does not have it.

    Raises CheckpointError for a file that has the part's name and other content, or that cannot be read.
    """
    from t2v.checkpoints.files.tensor_files import open_shards  # needs torch
    from t2v.checkpoints.fill import find_parts  # needs torch

    if part in location.parts:
        return location.parts[part]
    files = location.choice.parts.get(part)
    if files:
        opened = open_shards(tuple(location.folder / name for name in files))
        inside = find_parts(opened)
        if part not in inside:
            content = _describe_content(inside, len(opened.tensors))
            raise CheckpointError(f"{opened.path}: wanted the weights of {part}, got {content}")
        location.parts[part] = inside[part]
    elif location.choice.unnamed and not location.parts:
        opened = open_shards(tuple(location.folder / name for name in location.choice.unnamed))
        for name, found in find_parts(opened).items():
            location.parts.setdefault(name, found)
        if not location.parts and location.path.is_file():
            content = _describe_content({}, len(opened.tensors))
            raise CheckpointError(f"{opened.path}: no part of a text-to-video model in it: {content}")
    return location.parts.get(part)


def list_files(source: str | Path, base: str | Path | None = None) -> list[Path]:
    """Every file of a model, settings too, by the names alone; no weight is opened.

    Raises CheckpointError for a source that does not exist.
    """
    first = locate(source, half=False)
    locations = [first, *neighbours(first, half=False)]
    if base is not None:
        locations.append(locate(base, half=False))
    paths: list[Path] = [first.folder / name for name in first.choice.unnamed]
    for part in PARTS:
        location = next((x for x in locations if part in x.choice.parts), None)
        if location is not None:
            paths += [location.folder / name for name in location.choice.parts[part]]
            settings = (location.config_file(kind) for kind in (part, "scheduler"))
            paths += [path for path in settings if path is not None]
    configuration = next((path for x in locations if (path := x.config_file("configuration"))), None)
    return sorted({*paths, *([configuration] if configuration else [])})


def _describe_content(inside: Mapping[str, CheckpointPart], count: int) -> str:
    return f"those of {', '.join(inside)}" if inside else f"{count} tensors of another model"


def find_part(locations: list[Location], part: str) -> tuple[Location, CheckpointPart] | None:
    """The first location that has a part, and the part. Raises CheckpointError."""
    for location in locations:
        found = read_part(location, part)
        if found is not None:
            log.info("%s: %s, layout %s", found.file.path, part, found.layout.name)
            return location, found
    return None
