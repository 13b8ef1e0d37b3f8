"""Models on a hub, by `owner/name` or `owner/name@revision`, through huggingface_hub.

Its cache, resumption, tokens and switches (`HF_HOME`, `HF_ENDPOINT`, `HF_HUB_OFFLINE`) are its own. Only the
files that will be read are fetched. Without a network what the cache has is used.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path

from t2v.checkpoints.layouts import Choice, choose
from t2v.errors import CheckpointError

log = logging.getLogger(__name__)
ID = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def is_id(source: str) -> bool:
    """Whether a source may be a hub id: an owner and a name, and no path that says where it lies."""
    match = ID.fullmatch(source)
    return match is not None and not source.startswith((".", "~")) and not source.endswith((".pth", ".bin"))


def fetch(source: str, *, half: bool) -> tuple[Path, str]:
    """The folder of a repository with the files that are needed, and the commit that they are of.

    Raises CheckpointError.
    """
    match = ID.fullmatch(source)
    assert match is not None
    repo, revision = match["repo"], match["revision"]
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        info = HfApi().model_info(repo, revision=revision)
        choice = choose([file.rfilename for file in info.siblings or ()], half=half)
        _refuse_nothing(choice, source)
        folder = snapshot_download(repo, revision=info.sha, allow_patterns=choice.files())
        return Path(folder), str(info.sha)
    except GatedRepoError as error:
        raise CheckpointError(
            f"{source}: its owner wants to be asked first: accept on its page, then log in "
            "with `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(f"{source}: {repo} has no revision {revision!r}") from error
    except RepositoryNotFoundError as error:
        raise CheckpointError(f"{source}: neither a folder here nor a model on the hub") from error
    except (OfflineModeIsEnabled, HfHubHTTPError, OSError) as error:
        why = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    try:
        folder = snapshot_download(repo, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, OSError) as error:
        raise CheckpointError(
            f"{source}: not in the cache, and the hub cannot be reached ({why[:160]}): fetch it once with a "
            "network, or give a folder"
        ) from error
    log.info("%s: the hub was not asked (%s); what the cache has is used", source, why[:160])
    return Path(folder), Path(folder).name


def _refuse_nothing(choice: Choice, source: str) -> None:
    if not choice.parts and not choice.unnamed:
        raise CheckpointError(f"{source}: no weights of a text-to-video model in this repository")
