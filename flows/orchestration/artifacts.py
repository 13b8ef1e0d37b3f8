"""What a run leaves on Prefect's pages: progress, the table of shots, the contact sheet. None is vital."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import artifacts
from prefect.context import FlowRunContext

log = logging.getLogger(__name__)

SHEET_WIDTH = 960


@contextlib.contextmanager
def _at_most_a_note() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("the run goes on without an artifact: %s", error)


def key_of(name: str) -> str:
    """A name as Prefect takes it for the key of an artifact."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "episode"


def begin_progress(name: str, description: str) -> UUID | None:
    """A progress artifact of the run; None outside of a flow run."""
    made: UUID | None = None
    if FlowRunContext.get():
        with _at_most_a_note():
            found = artifacts.create_progress_artifact(0.0, key=key_of(name), description=description)
            made = cast(UUID, found)  # in a flow that is no coroutine it is no promise either
    return made


def progress(artifact: UUID | None, done: float, total: float) -> None:
    """Moves it on."""
    if artifact is not None and total:
        with _at_most_a_note():
            artifacts.update_progress_artifact(artifact, progress=min(100.0, 100 * done / total))


def table(name: str, rows: Sequence[dict[str, str]], description: str) -> None:
    """A table of the run."""
    if FlowRunContext.get() and rows:
        with _at_most_a_note():
            artifacts.create_table_artifact(key=key_of(name), table=list(rows), description=description)


def picture(name: str, path: Path, description: str) -> None:
    """A picture of the run, small, inside the artifact itself: the server need not see our disk."""
    if FlowRunContext.get() and path.is_file():
        with _at_most_a_note():
            artifacts.create_image_artifact(
                image_url=_as_url(path), key=key_of(name), description=description
            )


def _as_url(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as sheet:
        small = sheet.convert("RGB")
        small.thumbnail((SHEET_WIDTH, SHEET_WIDTH * 8))
        jpeg = io.BytesIO()
        small.save(jpeg, "JPEG", quality=72)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"
