"""Copies of finished episodes in object storage or another folder, by fsspec: COLDOPEN_PUBLISH=s3://bucket/shows.

The live folder stays on a disk: object storage has no rename and no lock, and ffmpeg wants files. The
manifest is copied last, so that an episode that has one there is whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flows.studio.errors import StudioError
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.llm.network import without_credentials
from scripts_llm.plain_text import one_line

PUBLISH = "COLDOPEN_PUBLISH"
EXTRAS = {"s3": 'pip install "cold-open[s3]"', "gs": "pip install gcsfs", "abfs": "pip install adlfs"}


def target(env: Mapping[str, str] = os.environ) -> str | None:
    """Where finished episodes are copied to; None if nowhere."""
    return env.get(PUBLISH) or None


def upload_episode(folder: EpisodeFolder, url: str) -> str:
    """Copies an episode's film and what belongs to it to URL/show/code; returns that place.

    Raises StudioError, in a line, whatever the storage says.
    """
    place = f"{url.rstrip('/')}/{folder.root.parent.name}/{folder.code}"
    try:
        _copy(folder, place)
    except ImportError as error:
        extra = EXTRAS.get(url.partition("://")[0], "the package that it names")
        reason = f"{one_line(str(error))}; try {extra}"
        raise StudioError(f"{PUBLISH}={without_credentials(url)}: {reason}") from error
    except Exception as error:  # every storage has its own
        reason = without_credentials(one_line(f"{type(error).__name__}: {error}"))
        raise StudioError(f"{PUBLISH}={without_credentials(url)}: {reason}") from error
    return without_credentials(place)


def _copy(folder: EpisodeFolder, place: str) -> None:
    from fsspec.core import url_to_fs  # not needed by most runs

    files: Any
    files, root = url_to_fs(place)
    if (
        place.partition("://")[0] not in EXTRAS
    ):  # object storage has no folders, and fsspec would make a bucket
        files.makedirs(root, exist_ok=True)
    is_disk = "file" in (files.protocol if isinstance(files.protocol, tuple) else (files.protocol,))
    for path in _published(folder):
        if is_disk:  # a reader never sees half a film there; in object storage a put is whole anyway
            files.put_file(str(path), f"{root}/.{path.name}.part")
            files.mv(f"{root}/.{path.name}.part", f"{root}/{path.name}")
        else:
            files.put_file(str(path), f"{root}/{path.name}")


def _published(folder: EpisodeFolder) -> tuple[Path, ...]:
    """The files that are copied, of those that are there; the manifest last."""
    report = folder.root / "report.html"
    films = (folder.film, folder.gif, folder.srt, folder.vtt, folder.ass)
    pictures = (folder.poster, folder.contact_sheet)
    paths = (*films, *pictures, folder.publish, report, folder.script, folder.manifest)
    return tuple(path for path in paths if path.exists())
