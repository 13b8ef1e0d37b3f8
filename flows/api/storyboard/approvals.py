"""Approvals: which scenes a person has said yes to, and to what of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flows.studio.workspace import files


def path_of(output: Path) -> Path:
    """The file of all approvals of an output folder."""
    return output / ".board" / "approvals.json"


def read(output: Path, episode: str) -> Mapping[str, str]:
    """What was approved of an episode: the digest of a scene's content, by the scene's id."""
    found = (files.read_json(path_of(output)) or {}).get(episode)
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def approve(output: Path, episode: str, scene: str, content: str | None) -> None:
    """Approves a scene with this content; None takes the approval back."""
    every = files.read_json(path_of(output)) or {}
    known = {**read(output, episode)}
    if content is None:
        known.pop(scene, None)
    else:
        known[scene] = content
    files.write_json(path_of(output), {**every, episode: known})
