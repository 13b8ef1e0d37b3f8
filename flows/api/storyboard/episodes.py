"""Episodes by the names in addresses: looked up in the folders that there are, never made into a path."""

from __future__ import annotations

from pathlib import Path

from flows.api.jobs.errors import NotThere
from flows.studio.production.request import EpisodeRequest, MemeText
from flows.studio.workspace import folder as folders
from flows.studio.workspace import manifest
from flows.studio.workspace.folder import EpisodeFolder
from flows.studio.workspace.manifest import EpisodeMemory


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
    """The request that works on this episode; its premise is where the episode remembers it.

    A meme that has no premise file is asked for by its texts.
    """
    memory = manifest.read_memory(folder)
    path = Path(memory.premise_path) if memory.premise_path else None
    text = meme_text(memory) if path is None else None
    meme = MemeText.model_validate(text) if text else None
    return EpisodeRequest(premise=path, episode=str(folder.code), output=output, meme=meme)


def meme_text(memory: EpisodeMemory) -> dict[str, str] | None:
    """Picture and texts of a meme as its episode remembers them; None for anything else."""
    meme = (memory.premise or {}).get("meme")
    if not isinstance(meme, dict) or not meme.get("picture"):
        return None
    return {key: str(meme.get(key) or "") for key in MemeText.model_fields}
