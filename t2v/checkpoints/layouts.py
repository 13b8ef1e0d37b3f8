"""Which of a folder's files hold which part, told by their names alone, on disk or on a hub. No torch."""

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
    """Names, relative to the folder, of the files that hold each part and of the settings beside them."""

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    unnamed: tuple[str, ...] = ()  # weight files whose names say no part; their tensors do

    def files(self) -> list[str]:
        """Everything that has to be fetched."""
        weights = [name for files in self.parts.values() for name in files]
        return [*weights, *self.unnamed, *self.settings.values()]


def choose_files(
    names: Collection[str], *, half: bool = False, renamed: Mapping[str, str] | None = None
) -> FileChoice:
    """The files to read among all that are there.

    `half` prefers a `.fp16.` variant, else the one without a variant is preferred; safetensors come before
    pickles. `renamed` says what a `configuration.json` calls the files of the parts.
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
    """The files of the best set in a folder: one file, or all the shards that are there."""
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
        return ()  # several files of which none has a name that is known: which is meant cannot be told

    def rank(key: tuple[str, str, str, bool]) -> tuple[int, int, bool, str]:
        _, variant, ending, sharded = key
        wanted = ("fp16", "") if half else ("", "fp16")
        place = wanted.index(variant) if variant in wanted else len(wanted)
        return place, ENDINGS.index(ending), sharded, variant

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
