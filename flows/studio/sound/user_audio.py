"""A person's own music and laughs: found beside the script or the premise, and known by their content."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media import audio as audio_files
from flows.studio.media import user_files
from flows.studio.media.audio import Samples
from flows.studio.media.loudness import at_loudness
from flows.studio.sound.laughs import PEOPLE_LUFS
from flows.studio.workspace.files import list_files
from scripts_llm.screenplay.premise import Audio, LaughTrack

NO_MUSIC = ("none", "off")
KINDS = (".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aif", ".aiff", ".aac", ".wma", ".mp4", ".mka")


def locate_audio(audio: Audio, places: Sequence[Path]) -> Audio:
    """The settings with whole paths.

    Raises:
        StudioError: the music or the folder of laughs is in none of the `places`.
    """
    changes: dict[str, Any] = {}
    if audio.music and audio.music not in NO_MUSIC:
        music = user_files.locate(audio.music, places, where="audio.music").absolute()
        if not audio_files.has_sound(music):
            raise StudioError(f"audio.music: wanted music, got a file without sound: {music}", code=2)
        changes["music"] = str(music)
    if isinstance(audio.laugh_track, LaughTrack) and audio.laugh_track.pack:
        pack = _folder(audio.laugh_track.pack, places)
        changes["laugh_track"] = audio.laugh_track.model_copy(update={"pack": str(pack)})
    return audio.model_copy(update=changes)


def audio_recipe(audio: Audio) -> dict[str, Any]:
    """The recipe of the sound's settings: files by their content and not by their path."""
    recipe: dict[str, Any] = audio.model_dump(mode="json", exclude=None if audio.mood else {"mood"})
    if audio.music and audio.music not in NO_MUSIC and Path(audio.music).is_file():
        recipe["music"] = audio_files.sound_hash(Path(audio.music))
    if isinstance(audio.laugh_track, LaughTrack) and audio.laugh_track.pack:
        files = [audio_files.sound_hash(path) for path in _files(Path(audio.laugh_track.pack))]
        recipe["laugh_track"]["pack"] = hashlib.sha256(" ".join(files).encode()).hexdigest()[:16]
    return recipe


def read_laugh(pack: Path, size: str, *, num_samples: int, seed: int) -> Samples | None:
    """A laugh of that size from the folder, cut to its place, (n, 2); None if the folder has none.

    Its file's name begins with the size: `big-2.wav`. `seed` chooses among several.
    """
    files = [path for path in _files(pack) if path.stem.lower().startswith(size)]
    if not files:
        return None
    whole = _read(files[seed % len(files)])
    fall = 0.25 * num_samples / audio_files.samples_in(1)
    return audio_files.with_fades(whole[:num_samples], rise=0.01, fall=fall)


def check_laughs(name: str, places: Sequence[Path]) -> None:
    """Reads every laugh of the folder of that name.

    Raises:
        StudioError: the folder is in none of the `places`, or a laugh in it cannot be read.
    """
    for path in _files(_folder(name, places)):
        _read(path)


@functools.lru_cache(maxsize=32)
def _read(path: Path) -> Samples:
    samples = audio_files.read_effect(path)
    heard = np.flatnonzero(audio_files.levels_db(audio_files.fold_to_mono(samples)) > -40)
    first = int(heard[0]) * audio_files.samples_in(0.01)  # a laugh begins where the line ends
    return audio_files.soft_clip(at_loudness(samples[first:], PEOPLE_LUFS))


def _folder(name: str, places: Sequence[Path]) -> Path:
    for place in places:
        folder = (place / Path(name).expanduser()).absolute()
        if folder.is_dir() and _files(folder):
            return folder
    looked = " or in ".join(dict.fromkeys(str(place) for place in places))
    raise StudioError(
        f"audio.laugh_track.pack: wanted a folder with sounds like big-1.wav, got none at {name} in {looked}",
        code=2,
    )


def _files(folder: Path) -> list[Path]:
    return list_files(folder, KINDS)
