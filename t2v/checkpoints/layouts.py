"""Chooses the files of each part among a folder's or a hub's, by their names alone. No torch."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

PARTS = ("unet", "autoencoder", "text_encoder")
ENDINGS = ("safetensors", "pth", "pt", "bin", "ckpt")
ORIGINAL = {  # the names that ModelScope gave its files
    "unet": "text2video_pytorch_model",
    "autoencoder": "VQGAN_autoencoder",
    "text_encoder": "open_clip_pytorch_model",
}
FOLDERS = {"unet": "unet", "autoencoder": "vae", "text_encoder": "text_encoder"}  # diffusers' own
STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
SETTINGS = {
    "configuration": "configuration.json",
    "unet": "unet/config.json",
    "autoencoder": "vae/config.json",
    "text_encoder": "text_encoder/config.json",
    "scheduler": "scheduler/scheduler_config.json",
    "card": "README.md",
}
WEIGHTS = re.compile(
    r"(?P<stem>.+?)(?:\.(?P<variant>[A-Za-z]\w*))?(?P<shard>-\d{5}-of-\d{5})?(?:\.(?P<late>[A-Za-z]\w*))?"
    rf"\.(?P<ending>{'|'.join(ENDINGS)})"
)


@dataclass(frozen=True)
class FileChoice:
    """The chosen files of a folder, by names relative to it: weights by part, and settings by kind."""

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()  # weight files whose parts are known only from their tensors

    def files(self) -> list[str]:
        """All chosen files."""
        weights = [name for files in self.parts.values() for name in files]
        return [*weights, *self.unnamed, *self.settings.values()]


def choose_files(
    names: Collection[str], *, half: bool = False, renamed: Mapping[str, str] | None = None
) -> FileChoice:
    """The files to read, among all names of a folder.

    `half` prefers a `.fp16.` variant, otherwise files without a variant come first; safetensors come before
    pickles. `renamed` are the names of the parts' files in a `configuration.json`.
    """
    parts: dict[str, tuple[str, ...]] = {}
    for part in PARTS:
        files = _original(names, part, (renamed or {}).get(part)) or _of_diffusers(names, part, half=half)
        if files:
            parts[part] = files
    settings = {kind: name for kind, name in SETTINGS.items() if name in names}
    settings |= {k: f"{f}/config.json" for k, f in FOLDERS.items() if f"{f}/config.json" in names}
    unnamed: tuple[str, ...] = ()
    if "unet" not in parts:
        unnamed = _best(names, "", None, half=half)
    return FileChoice(parts, settings, unnamed)


def _original(names: Collection[str], part: str, renamed: str | None) -> tuple[str, ...]:
    if renamed and renamed in names:
        return (renamed,)
    lower = {name.lower(): name for name in names}
    for ending in ENDINGS:
        name = lower.get(f"{ORIGINAL[part]}.{ending}".lower())
        if name:
            return (name,)
    return ()


def _of_diffusers(names: Collection[str], part: str, *, half: bool) -> tuple[str, ...]:
    return _best(names, FOLDERS[part], STEMS, half=half)


def _best(
    names: Collection[str], folder: str, stems: tuple[str, ...] | None, *, half: bool
) -> tuple[str, ...]:
    """The files of the best set in a folder: one file, or all of its shards."""
    sets: dict[tuple[str, str, str, bool], list[str]] = {}
    for name in names:
        path = PurePosixPath(name)
        if str(path.parent) != (folder or "."):
            continue
        match = WEIGHTS.fullmatch(path.name)
        if match is None or (stems and match["stem"] not in stems):
            continue
        if not stems and any(path.stem.lower() == known.lower() for known in ORIGINAL.values()):
            continue
        variant = match["variant"] or match["late"] or ""
        key = (match["stem"], variant, match["ending"], bool(match["shard"]))
        sets.setdefault(key, []).append(name)
    if not sets or (stems is None and len({stem for stem, *_ in sets}) > 1):
        return ()  # several files, none with a known name: ambiguous

    def rank(key: tuple[str, str, str, bool]) -> tuple[int, int, bool, str]:
        _, variant, ending, sharded = key
        variants = ("fp16", "") if half else ("", "fp16")
        order = variants.index(variant) if variant in variants else len(variants)
        return order, ENDINGS.index(ending), sharded, variant

    return tuple(sorted(sets[min(sets, key=rank)]))


def list_names(folder: Path) -> list[str]:
    """The files of a folder and of its direct subfolders, with forward slashes."""
    return sorted(_walk(folder))


def _walk(folder: Path) -> Iterator[str]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from (f"{entry.name}/{inner.name}" for inner in entry.iterdir() if inner.is_file())
        elif entry.is_file():
            yield entry.name
