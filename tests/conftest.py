"""What every test gets: one thread, its own Prefect home, no key and no option of the person's."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("steady", derandomize=True, deadline=None)  # the same examples on every machine
settings.load_profile("steady")

ROOT = Path(__file__).resolve().parent.parent
OWN = ("OPENAI_", "PREFECT_", "COLDOPEN_")


def pytest_configure(config: pytest.Config) -> None:
    """Set before Prefect and torch are imported, and inherited by the processes that tests start."""
    for name in [name for name in os.environ if name.startswith(OWN)]:
        del os.environ[name]
    for threads in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[threads] = "1"
    home = tempfile.mkdtemp(prefix="coldopen-tests-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["PREFECT_HOME"] = home
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    os.environ["COLDOPEN_VOICES"] = "embedded"  # whatever has been pulled on this machine


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The folder that README.md and Makefile lie in."""
    return ROOT
