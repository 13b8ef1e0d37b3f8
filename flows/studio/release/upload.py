"""Copies of finished episodes in object storage or another folder, by fsspec: COLDOPEN_PUBLISH=s3://bucket/shows.

The live folder stays on a disk: object storage has no rename and no lock, and ffmpeg wants files. The
manifest is copied last, so that an episode that has one there is whole. What was copied where is noted in
`copied.json`; a copy that failed, or was made before the last cut, is made by the next run.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flows.studio.errors import StudioError
from flows.studio.workspace import files
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.llm.network import without_credentials
from scripts_llm.plain_text import one_line

PUBLISH = "COLDOPEN_PUBLISH"
WAITS = (2.0, 6.0, 18.0)  # seconds before another try
EXTRAS = {"s3": 'pip install "cold-open[s3]"', "gs": "pip install gcsfs", "abfs": "pip install adlfs"}


def target(env: Mapping[str, str] = os.environ) -> str | None:
    """Where finished episodes are copied to; None if nowhere."""
    return env.get(PUBLISH) or None


def is_copied(folder: EpisodeFolder, url: str) -> bool:
    """Whether the film and the files beside it, as they are, were copied to this place. Asks no network."""
    return files.read_json(folder.copied) == _copy_of(folder, url)


def upload_episode(
    folder: EpisodeFolder, url: str, *, on_wait: Callable[[float, str], None] = lambda seconds, why: None
) -> str:
    """Copies an episode's film and what belongs to it to URL/show/code; returns that place.

    Whatever may pass (no connection, a server that is busy) is tried again, after seconds of which `on_wait`
    is told, and why. Raises StudioError, in a line, whatever the storage says.
    """
    place = _place(folder, url)
    missing = [*_published(folder)]
    try:
        for seconds in (*WAITS, None):
            try:
                _copy(missing, place)
                break
            except Exception as error:
                if seconds is None or not _may_pass(error):
                    raise
                on_wait(seconds, without_credentials(one_line(f"{type(error).__name__}: {error}")))
                time.sleep(seconds)
    except ImportError as error:
        extra = EXTRAS.get(url.partition("://")[0], "the package that it names")
        reason = f"{one_line(str(error))}; try {extra}"
        raise StudioError(f"{PUBLISH}={without_credentials(url)}: {reason}") from error
    except Exception as error:  # every storage has its own
        reason = without_credentials(one_line(f"{type(error).__name__}: {error}"))
        raise StudioError(f"{PUBLISH}={without_credentials(url)}: {reason}") from error
    with contextlib.suppress(OSError):  # a folder that nobody may write to
        files.write_json(folder.copied, _copy_of(folder, url))
    return without_credentials(place)


def _place(folder: EpisodeFolder, url: str) -> str:
    return f"{url.rstrip('/')}/{folder.root.parent.name}/{folder.code}"


def _copy_of(folder: EpisodeFolder, url: str) -> dict[str, Any]:
    """What `copied.json` says of a copy of the files as they are, by the manifest's hashes."""
    made = (files.read_json(folder.manifest) or {}).get("files", {})
    return {"to": without_credentials(_place(folder, url)), "files": made}


def _may_pass(error: Exception) -> bool:
    """Whether the same request may succeed later: not where a package, a right or a bucket is missing."""
    lasting = (
        ImportError,
        ValueError,
        PermissionError,
        FileNotFoundError,
        FileExistsError,
        NotADirectoryError,
    )
    return not isinstance(error, lasting) and type(error).__name__ != "NoCredentialsError"


def _copy(missing: list[Path], place: str) -> None:
    """Copies the `missing` files, in their order, and takes out of the list what is there."""
    from fsspec.core import url_to_fs  # not needed by most runs

    storage: Any
    storage, root = url_to_fs(place)
    if (
        place.partition("://")[0] not in EXTRAS
    ):  # object storage has no folders, and fsspec would make a bucket
        storage.makedirs(root, exist_ok=True)
    is_disk = "file" in (storage.protocol if isinstance(storage.protocol, tuple) else (storage.protocol,))
    while missing:
        path = missing[0]
        if is_disk:  # a reader never sees half a film there; in object storage a put is whole anyway
            storage.put_file(str(path), f"{root}/.{path.name}.part")
            storage.mv(f"{root}/.{path.name}.part", f"{root}/{path.name}")
        else:
            storage.put_file(str(path), f"{root}/{path.name}")
        del missing[0]


def _published(folder: EpisodeFolder) -> tuple[Path, ...]:
    """The files that are copied, of those that are there; the manifest last."""
    report = folder.root / "report.html"
    films = (folder.film, folder.gif, folder.srt, folder.vtt, folder.ass)
    pictures = (folder.poster, folder.contact_sheet)
    paths = (*films, *pictures, folder.publish, report, folder.script, folder.manifest)
    return tuple(path for path in paths if path.exists())
