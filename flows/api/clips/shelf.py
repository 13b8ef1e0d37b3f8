"""The clips that jobs have filmed, and the film models and LoRAs that they may name.

<output>/clips/orange-cat-dancing-3fa94c1e.mp4 and .gif; with -1, -2 … those of a batch
models/ and loras/ beside premises/: what a page may choose from
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.api.clips.controls import controls
from flows.api.jobs.errors import NotThere
from flows.studio.cameras.facts import DEFAULT_MODEL, ModelFacts
from flows.studio.commands.clip import ClipOptions, slug
from flows.studio.errors import StudioError
from flows.studio.filming.models import describe_model
from flows.studio.filming.settings import parse_lora

KINDS = {".mp4": "video/mp4", ".gif": "image/gif"}
WEIGHTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")


@dataclass(frozen=True)
class Clip:
    """A filmed clip by the names of its files; `gif` is None until there is one."""

    name: str
    gif: str | None


@dataclass(frozen=True)
class Shelf:
    """Where clips lie, and the folders that film models, LoRAs and sent files are looked up in."""

    output: Path
    models: Path
    loras: Path
    uploads: Path

    @classmethod
    def of(cls, output: Path, premises: Path) -> Shelf:
        """The shelf of an output folder; models and LoRAs lie beside the premises."""
        place = premises.absolute().parent
        return cls(output, place / "models", place / "loras", output / ".board" / "uploads")

    @property
    def clips(self) -> Path:
        """The folder of all clips."""
        return self.output / "clips"

    def of_job(self, name: str) -> tuple[Clip, ...]:
        """The clips of a job by the name that `new_name` gave it, in the order of their making."""
        named = re.compile(rf"{re.escape(name)}(?:-\d+)?\.(?:mp4|gif)")
        names = {path.name for path in _files(self.clips) if named.fullmatch(path.name)}
        found = sorted(name for name in names if name.endswith(".mp4"))
        return _with_gifs(found, names)

    def of_files(self, made: Sequence[str]) -> tuple[Clip, ...]:
        """The clips among these files, absolute paths, that lie here."""
        names = {path.absolute(): path.name for path in _files(self.clips)}
        found = [names[path] for each in made if (path := Path(each)) in names and path.suffix == ".mp4"]
        return _with_gifs(found, names.values())

    def find(self, name: str) -> Path:
        """A clip's file by its name. Raises NotThere."""
        for path in _files(self.clips):
            if path.name == name and path.suffix in KINDS:
                return path
        raise NotThere(f"there is no clip {name[:80]!r}")

    def model_names(self) -> tuple[str, ...]:
        """The film models that there are, TOON first."""
        found = [
            path.name
            for path in _entries(self.models)
            if path.is_dir() or (path.is_file() and path.suffix in WEIGHTS)
        ]
        return (DEFAULT_MODEL, *(name for name in found if name != DEFAULT_MODEL))

    def lora_names(self) -> tuple[str, ...]:
        """The LoRAs that there are."""
        return tuple(path.name for path in _files(self.loras) if path.suffix in WEIGHTS)

    def source(self, name: str | None) -> str | None:
        """A film model's source by its name here. Raises StudioError for one that is not here."""
        if name in (None, DEFAULT_MODEL):
            return name
        if name not in self.model_names():
            there = ", ".join(self.model_names())
            raise StudioError(
                f"video_model: wanted one of {there} (from {self.models}), got {name!r}", code=2
            )
        return str(self.models / str(name))

    def facts(self, name: str | None) -> ModelFacts | None:
        """The facts of a film model; None for one that cannot be read."""
        try:
            return describe_model(self.source(name) or DEFAULT_MODEL)
        except StudioError:
            return None

    def options(self, asked: Mapping[str, Any]) -> ClipOptions:
        """The command's options for what a page asked for.

        Raises StudioError for a file that is not here, and for a clip of a terminal that had one.
        """
        if lost := asked.get("lost"):
            raise StudioError(
                f"it was begun in a terminal, with what a page cannot name ({', '.join(lost)}); "
                "run the same command again there",
                code=2,
            )
        names = (control.name for control in controls())
        given = {name: asked[name] for name in names if asked.get(name) not in (None, (), [], "")}
        for control in controls():
            if control.kind == "file" and control.name in given:
                given[control.name] = self._upload(str(given[control.name]))
        given["lora"] = tuple(self._lora(each) for each in given.get("lora", ()))
        given["video_model"] = self.source(given.get("video_model"))
        out = self.clips / f"{asked['name']}.mp4"
        return replace(ClipOptions(), out=out, gif=True, **given)

    def _upload(self, name: str) -> Path:
        path = self.uploads / name
        if path not in _files(self.uploads):
            raise NotThere(f"the file {name[:40]!r} is not here any more; send it again")
        return path

    def _lora(self, text: str) -> str:
        name, weight = parse_lora(text)
        if name not in self.lora_names():
            there = ", ".join(self.lora_names()) or "none"
            raise StudioError(f"lora: wanted one of those in {self.loras} ({there}), got {text!r}", code=2)
        return f"{self.loras / name}:{weight}"


def new_name(prompt: str) -> str:
    """A name for the files of a job that films a prompt."""
    return f"{slug(prompt)}-{secrets.token_hex(4)}"


def as_controls(settings: Mapping[str, Any], shelf: Shelf) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a clip says that it was filmed with as values of the controls, and what cannot be filled in."""
    values: dict[str, Any] = {"prompt": str(settings.get("prompt", ""))}
    lost = []
    for control in controls():
        value = settings.get(control.name)
        if value is None or isinstance(value, dict):
            continue
        if control.kind == "file":
            lost.append(f"{control.name}: {Path(str(value)).name}")
        elif control.kind == "several":
            names = [re.split(r"[/\\]", str(each))[-1] for each in value] if isinstance(value, list) else []
            known = [each for each in names if each.partition(":")[0] in shelf.lora_names()]
            values[control.name] = known
            lost += [f"{control.name}: {each}" for each in names if each not in known]
        elif control.name == "video_model":
            name = re.split(r"[/\\]", str(value))[-1]
            if name in shelf.model_names():
                values[control.name] = name
            else:
                lost.append(f"{control.name}: {value}")
        else:
            values[control.name] = value
    return values, tuple(lost)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _with_gifs(names: Sequence[str], there: Collection[str]) -> tuple[Clip, ...]:
    """The clips of these names, each with its gif if that is there."""
    return tuple(Clip(name, gif if (gif := f"{name[:-4]}.gif") in there else None) for name in names)


def _files(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_file() and not path.is_symlink()]
