"""The names of film models, as `--video-model` and `video: model:` have them, and where each one films.

    toon, a folder, a weight file, a hub id, a short name    on this machine
    MODEL@http://host:8091/v1                                a server that speaks `/v1/videos`
    shot.json@http://host:8188                               a ComfyUI server, with a workflow
    fal:OWNER/MODEL, replicate:OWNER/MODEL                   a service that is paid

Reading a name opens no file and asks no network.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

Place = Literal["here", "server", "comfyui", "fal", "replicate"]

_SERVICE = re.compile(r"(fal|replicate):(\S+)")
_SERVER = re.compile(r"(.+)@(https?://\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class CameraName:
    """A film model's name, read: where it films, and its model there.

    `model` is the model as the place knows it, of `comfyui` the path of the workflow; `url` the address of a
    server in the house.
    """

    place: Place
    model: str
    url: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether it films on this machine."""
        return self.place == "here"

    def __str__(self) -> str:
        """The name, as it is written."""
        if self.url is not None:
            return f"{self.model}@{self.url}"
        return self.model if self.is_here else f"{self.place}:{self.model}"


def read_name(source: str) -> CameraName:
    """The film model that a name means. Any text is one: what is no server and no service films here."""
    if found := _SERVER.fullmatch(source):
        model, url = found.groups()
        return CameraName("comfyui" if model.lower().endswith(".json") else "server", model, url)
    if found := _SERVICE.fullmatch(source):
        place: Place = "fal" if found[1] == "fal" else "replicate"
        return CameraName(place, found[2])
    return CameraName("here", source)


def with_whole_path(name: CameraName, folder: Path | None = None) -> CameraName:
    """The same with the absolute path of a file or folder that it names, here or in `folder`."""
    if name.place not in ("here", "comfyui"):
        return name
    path = Path(name.model).expanduser()
    candidates = [path, *([folder / path] if folder else [])]
    existing = next((candidate for candidate in candidates if candidate.exists()), None)
    return name if existing is None else replace(name, model=str(existing.resolve()))
