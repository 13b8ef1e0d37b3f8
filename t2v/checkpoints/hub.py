"""Fetches models from a hub, by `owner/name` or `owner/name@revision`, through huggingface_hub.

Cache, resumption, tokens and switches (`HF_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`) are that library's. Only
the files that will be read are fetched. Without a network the cached files are used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from t2v.checkpoints.layouts import ENDINGS, FOLDERS, ORIGINAL, SETTINGS, STEMS, choose_files
from t2v.errors import CheckpointError

log = logging.getLogger(__name__)
ID = re.compile(r"(?P<repo>[\w-][\w.-]*/[\w-][\w.-]*)(?:@(?P<revision>[\w./-]+))?")


def is_hub_id(source: str) -> bool:
    """Whether a source may be a hub id: owner and name, without the ending of a weight file."""
    match = ID.fullmatch(source)
    return match is not None and match["repo"].rpartition(".")[2] not in ENDINGS


def fetch_repository(source: str, *, half: bool) -> tuple[Path, str]:
    """The folder with a repository's files, and their commit. `half` prefers fp16 files.

    Raises CheckpointError for a repository that there is not, that is gated, or that cannot be reached.
    """
    match = ID.fullmatch(source)
    assert match is not None
    repo, revision = match["repo"], match["revision"]
    with hub_errors(source, repo, revision) as unreachable:
        return _fetched(source, repo, revision, half=half)
    folder = find_cached(repo, revision)
    if folder is None:
        raise CheckpointError(
            f"{source}: not in the cache, and the hub cannot be reached ({unreachable[0]}): fetch it once "
            "with a network, or give a folder"
        )
    log.info("%s: the hub was not asked (%s); what the cache has is used", source, unreachable[0])
    return folder, folder.name


def open_hub() -> Any:
    from huggingface_hub import HfApi

    return HfApi()


def _fetched(source: str, repo: str, revision: str | None, *, half: bool) -> tuple[Path, str]:
    hub = open_hub()
    info = hub.model_info(repo, revision=revision)
    choice = choose_files([file.rfilename for file in info.siblings or ()], half=half)
    files = choice.files()
    if not choice.parts and not choice.unnamed:
        raise CheckpointError(f"{source}: no weights of a text-to-video model in this repository")
    log.info("%s: commit %s, %d files", source, info.sha, len(files))
    paths = {name: Path(hub.hf_hub_download(repo, name, revision=info.sha)) for name in files}
    if revision != info.sha:
        smallest = min(paths, key=lambda name: paths[name].stat().st_size)
        hub.hf_hub_download(repo, smallest, revision=revision)  # so that the cache knows the branch as well
    name, path = next(iter(paths.items()))
    return path.parents[name.count("/")], str(info.sha)


def find_cached(repo: str, revision: str | None) -> Path | None:
    """The folder of a revision in the cache; None if none of its files is there."""
    from huggingface_hub import try_to_load_from_cache

    weights = [f"{ORIGINAL[part]}.{ending}" for part in ORIGINAL for ending in ENDINGS]
    weights += [f"{f}/{s}.{e}" for f in FOLDERS.values() for s in STEMS for e in ENDINGS]
    for name in [*SETTINGS.values(), *weights]:
        path = try_to_load_from_cache(repo, name, revision=revision)
        if isinstance(path, str):
            return Path(path).parents[name.count("/")]
    return None


@contextmanager
def hub_errors(source: str, repo: str, revision: str | None) -> Iterator[list[str]]:
    """Turns the hub's errors into CheckpointErrors; a failure to reach it is added to the list."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    unreachable: list[str] = []
    try:
        yield unreachable
    except GatedRepoError as error:
        raise CheckpointError(
            f"{source}: its owner wants to be asked first: accept on its page, then `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(f"{source}: {repo} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"{source}: neither a folder here nor a model on the hub") from error
    except CheckpointError:
        raise
    except Exception as error:  # the library that it speaks through differs from release to release
        if not isinstance(error, OSError | HfHubHTTPError) and not _of_network(error):
            raise
        unreachable.append(f"{type(error).__name__}: {' '.join(str(error).split())}"[:160])


def _of_network(error: Exception) -> bool:
    names = [kind.__module__.partition(".")[0] for kind in type(error).__mro__]
    return any(name.startswith(("httpx", "requests", "urllib3")) for name in names)
