"""Where a model's parts lie: a folder, a file, a hub; beside it; in a base. Only opening them takes torch."""

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
    """A folder or file, with what was chosen in it; `revision` is the commit of a hub's repository."""

    path: Path
    choice: FileChoice
    revision: str | None = None
    parts: dict[str, CheckpointPart] = field(default_factory=dict)

    def setting(self, kind: str) -> Path | None:
        name = self.choice.settings.get(kind)
        return self.folder / name if name else None

    @property
    def folder(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent


def locate(source: str | Path, *, half: bool) -> Location:
    """The place that a source names. Raises CheckpointError."""
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
    """What `configuration.json` calls the weight files."""
    if "configuration.json" not in names:
        return {}
    model = read_json(folder / "configuration.json").get("model", {})
    args = model.get("model_args", {}) if isinstance(model, dict) else {}
    keys = {"unet": "ckpt_unet", "autoencoder": "ckpt_autoencoder", "text_encoder": "ckpt_clip"}
    return {part: str(args[key]) for part, key in keys.items() if isinstance(args, dict) and key in args}


def neighbours(place: Location, *, half: bool) -> list[Location]:
    """Places next to a source that may hold what it lacks: around a file or a folder, and its siblings.

    Only files that bear ModelScope's own names are taken from there.
    """
    parent = place.folder if place.path.is_file() else place.path.parent
    found = []
    if place.path.is_file():
        found.append(_in_folder(parent, half=half))
        parent = parent.parent
    folders = [parent, *sorted(p for p in _subfolders(parent) if p != place.folder)]
    for folder in folders:
        names = [name for name in _files(folder) if _is_original(name)]
        found.append(Location(folder, choose_files(names, half=half)))
    return found


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


def read_part(place: Location, part: str) -> CheckpointPart | None:
    """A part of a place, its files opened; None where the place has none.

    A file that bears the part's name and holds something else is an error, and so is one that cannot be read.
    """
    from t2v.checkpoints.files.tensor_files import open_shards
    from t2v.checkpoints.fill import find_parts

    if part in place.parts:
        return place.parts[part]
    files = place.choice.parts.get(part)
    if files:
        opened = open_shards(tuple(place.folder / name for name in files))
        inside = find_parts(opened)
        if part not in inside:
            raise CheckpointError(
                f"{opened.path}: wanted the weights of {part}, got {_told(inside, len(opened.tensors))}"
            )
        place.parts[part] = inside[part]
    elif place.choice.unnamed and not place.parts:
        opened = open_shards(tuple(place.folder / name for name in place.choice.unnamed))
        for name, found in find_parts(opened).items():
            place.parts.setdefault(name, found)
        if not place.parts and place.path.is_file():
            raise CheckpointError(
                f"{opened.path}: no part of a text-to-video model in it: {_told({}, len(opened.tensors))}"
            )
    return place.parts.get(part)


def list_files(source: str | Path, base: str | Path | None = None) -> list[Path]:
    """Every file that a model is made of, settings too, told by the names alone; nothing is opened.

    Raises CheckpointError for a source that is nowhere.
    """
    first = locate(source, half=False)
    places = [
        first,
        *neighbours(first, half=False),
        *([locate(base, half=False)] if base is not None else []),
    ]
    found: list[Path] = [first.folder / name for name in first.choice.unnamed]
    for part in PARTS:
        place = next((p for p in places if part in p.choice.parts), None)
        if place is not None:
            found += [place.folder / name for name in place.choice.parts[part]]
            settings = (place.setting(kind) for kind in (part, "scheduler"))
            found += [path for path in settings if path is not None]
    configuration = next((path for p in places if (path := p.setting("configuration"))), None)
    return sorted({*found, *([configuration] if configuration else [])})


def _told(inside: Mapping[str, CheckpointPart], count: int) -> str:
    return f"those of {', '.join(inside)}" if inside else f"{count} tensors of another model"


def find_part(places: list[Location], part: str) -> tuple[Location, CheckpointPart] | None:
    """The first place that has a part."""
    for place in places:
        found = read_part(place, part)
        if found is not None:
            log.info("%s: %s, layout %s", found.file.path, part, found.layout.name)
            return place, found
    return None
