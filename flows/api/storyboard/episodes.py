"""Episodes by the names in addresses: looked up in the folders that there are, never made into a path."""

from __future__ import annotations

from pathlib import Path

from flows.api.jobs.errors import NotThere
from flows.studio.production.request import EpisodeRequest
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeFolder


def name_of(folder: EpisodeFolder) -> str:
    """An episode's name in addresses: joe-and-the-don/s01e01."""
    return f"{folder.root.parent.name}/{folder.code}"


def find_folder(output: Path, name: str) -> EpisodeFolder:
    """The folder of the episode "show/s01e01". Raises NotThere."""
    for folder in folders.all_episodes(output):
        if name_of(folder) == name:
            return folder
    raise NotThere(f"there is no episode {name[:120]!r}")


def request_of(folder: EpisodeFolder, output: Path) -> EpisodeRequest:
    """The request that works on this episode; its premise is where the episode remembers it."""
    premise = manifest.read_memory(folder).premise_path
    path = Path(premise) if premise else None
    return EpisodeRequest(premise=path, episode=str(folder.code), output=output)
