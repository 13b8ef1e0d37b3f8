"""Tiny pipelines of diffusers on disk, each built once a test run, and where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_guest(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline by its name in `tiny.PIPELINES`."""
    pytest.importorskip("diffusers")
    folders: dict[str, Path] = {}

    def saved(name: str) -> Path:
        from tests.t2v.guests import tiny

        if name not in folders:
            folders[name] = tiny.save(name, tmp_path_factory.mktemp("guests"))
        return folders[name]

    return saved
