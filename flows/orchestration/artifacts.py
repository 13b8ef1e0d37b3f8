"""Artifacts on a run's page in Prefect: progress, tables, pictures. A failure to create one is a log line."""

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
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext

log = logging.getLogger(__name__)

MAX_WIDTH = 960  # pixels, of a picture in an artifact


def artifact_key(name: str) -> str:
    """A name as the key of an artifact: small letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "episode"


def create_progress(name: str, description: str) -> UUID | None:
    """Creates a progress bar at 0 %; None outside of a flow run."""
    artifact: UUID | None = None
    if FlowRunContext.get():
        with _errors_as_warnings():
            created = artifacts.create_progress_artifact(0.0, key=artifact_key(name), description=description)
            artifact = cast(UUID, created)  # a coroutine only in a flow that is one
    return artifact


def update_progress(artifact: UUID | None, done: float, total: float) -> None:
    """Moves a progress bar to `done` of `total`."""
    if artifact is not None and total:
        with _errors_as_warnings():
            artifacts.update_progress_artifact(artifact, progress=min(100.0, 100 * done / total))


def create_table(name: str, rows: Sequence[dict[str, str]], description: str) -> None:
    """Creates a table; nothing outside of a flow run or without rows."""
    if FlowRunContext.get() and rows:
        with _errors_as_warnings():
            artifacts.create_table_artifact(key=artifact_key(name), table=list(rows), description=description)


def create_image(name: str, path: Path, description: str) -> None:
    """Creates a picture from a file, at most 960 pixels wide.

    The picture is in the artifact itself, because the server need not see this machine's disk.
    """
    if FlowRunContext.get() and path.is_file():
        with _errors_as_warnings():
            artifacts.create_image_artifact(
                image_url=_data_url(path), key=artifact_key(name), description=description
            )


@contextlib.contextmanager
def _errors_as_warnings() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        log.warning("the run goes on without an artifact: %s", error)


def _data_url(path: Path) -> str:
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB")
        small.thumbnail((MAX_WIDTH, MAX_WIDTH * 8))
        jpeg = io.BytesIO()
        small.save(jpeg, "JPEG", quality=72)
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg.getvalue()).decode()}"


def literal_name(name: str) -> str:
    """A name as Prefect's template of a run's name: braces stand for themselves."""
    return name.replace("{", "{{").replace("}", "}}")


def name_run(name: str) -> None:
    """Gives the flow run that is at work its name, which is known only once its input is read."""
    context = FlowRunContext.get()
    if context is not None and context.flow_run is not None:
        with _errors_as_warnings(), get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, name=name)
