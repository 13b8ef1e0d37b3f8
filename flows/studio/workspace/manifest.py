"""The manifest of an episode: what it was begun with, and everything that is needed to make it again."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.premise import Premise

SCHEMA = 1
_PACKAGES = ("cold-open", "torch", "open_clip_torch", "imageio-ffmpeg", "hibari-tts", "prefect")
_OPTIONAL_PACKAGES = ("diffusers", "transformers")  # named where they are there


@dataclass(frozen=True)
class EpisodeMemory:
    """Values that an episode keeps from run to run: an option that is not given again keeps its value.

    `seed`, `writer` and `video` are those of the command line, `video` by the premise's keys. `film_model` is
    what nobody named: the environment's at the beginning, else TOON, and `num_steps` TOON's own number then.
    `speaker` is who speaks for characters without a `voice:`.
    `suggestion` is the viewer's that its script tells: `name` and `text`.
    `program_script` is the hash of script.yaml as the program left it last, `told` that of the episode's
    entry in continuity.yaml.
    """

    premise_path: str | None = None
    premise: Mapping[str, Any] | None = None
    seed: int | None = None
    writer: str | None = None
    film_model: str | None = None
    speaker: str | None = None
    weights: str | None = None
    num_steps: int | None = None
    size: str | None = None
    program_script: str | None = None
    written_by: str | None = None
    fell_back: str | None = None
    promised: tuple[str, ...] = ()
    suggestion: Mapping[str, str] | None = None
    written_from: Mapping[str, Any] | None = None
    failed: tuple[str, ...] = ()
    film_recipe: str | None = None
    told: str | None = None
    video: Mapping[str, Any] | None = None


_OF_THE_FILM = ("failed", "film_recipe", "weights")
_CHAPTERS_OF_THE_FILM = {"film_model", "shots", "gag_cards", "film", "files", "timeline"}


def read_memory(folder: EpisodeFolder) -> EpisodeMemory:
    """Reads the memory of an episode; an empty one if it was never begun or its manifest is lost.

    A draft's memory is the episode's, but for what it says of the film.
    """
    memory = _read(folder.manifest)
    return _with_film_of(_read(_of_the_draft(folder)), memory) if folder.draft else memory


def _read(path: Path) -> EpisodeMemory:
    begun = (files.read_json(path) or {}).get("remembered")
    if not isinstance(begun, dict):
        return EpisodeMemory()
    known = {field.name for field in fields(EpisodeMemory)}
    memory = EpisodeMemory(**{key: value for key, value in begun.items() if key in known})
    return replace(memory, failed=tuple(memory.failed or ()), promised=tuple(memory.promised or ()))


def _of_the_draft(folder: EpisodeFolder) -> Path:
    return folder.media_root / folder.manifest.name


def _with_film_of(other: EpisodeMemory, memory: EpisodeMemory) -> EpisodeMemory:
    return replace(memory, **{name: getattr(other, name) for name in _OF_THE_FILM})


def write(folder: EpisodeFolder, memory: EpisodeMemory, **chapters: Any) -> None:
    """Writes the memory and replaces the chapters that are given; the others stay.

    A draft writes beside its film, and in the episode's own manifest leaves alone what is said of the film.
    """
    if folder.draft:
        _write(_of_the_draft(folder), folder, memory, chapters)
        memory = _with_film_of(_read(folder.manifest), memory)
        chapters = {key: value for key, value in chapters.items() if key not in _CHAPTERS_OF_THE_FILM}
    _write(folder.manifest, folder, memory, chapters)


def _write(path: Path, folder: EpisodeFolder, memory: EpisodeMemory, chapters: Mapping[str, Any]) -> None:
    before = files.read_json(path) or {}
    head = {
        "schema": SCHEMA,
        "episode": str(folder.code),
        "note": "AI-generated",
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "versions": versions(),
    }
    kept = {key: value for key, value in before.items() if key not in head}
    files.write_json(path, {**head, **kept, **chapters, "remembered": asdict(memory)})


def versions() -> dict[str, str]:
    """The versions of Python, the platform and the packages that an episode is made with."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    for package in _OPTIONAL_PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def with_script_hash(memory: EpisodeMemory, script: Path) -> EpisodeMemory:
    """The memory with the hash of a script that the program has just written."""
    return replace(memory, program_script=files.hash_if_present(script))


def writer_inputs(premise: Premise) -> dict[str, Any]:
    """The part of a premise that a script is written from: logline, characters without looks and voices."""
    cast = {
        key: who.model_dump(
            include={"name", "role", "wants", "flaw", "catchphrase", "speech"}, exclude_none=True
        )
        for key, who in premise.characters.items()
    }
    return {"logline": premise.logline, "characters": cast}


def changed_writer_inputs(memory: EpisodeMemory, premise: Premise) -> tuple[str, ...]:
    """The parts of the premise that changed since the script was written: "logline", "joe"."""
    before, now = memory.written_from, writer_inputs(premise)
    if before is None:
        return ()
    changed = ["logline"] if before.get("logline") != now["logline"] else []
    old, new = before.get("characters") or {}, now["characters"]
    return (*changed, *(key for key in {**old, **new} if old.get(key) != new.get(key)))
