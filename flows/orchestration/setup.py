"""`coldopen setup`: what is done once on a machine."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flows.orchestration import server as api_server
from flows.studio.production.console import Screen


def prepare(screen: Screen) -> None:
    """Switches Prefect's plug-ins on, and makes the empty database that private servers start from.

    A Prefect home that cannot be written to is told, and no error: `coldopen` works without either.
    """
    screen.progress("setting up Prefect")
    try:
        screen.say(_switch_plugins_on())
        _keep_empty_database(screen)
    except OSError as error:
        screen.warn(
            f"{error.filename}: {error.strerror}; `coldopen` works, `prefect run` in this folder only."
        )


def _switch_plugins_on() -> str:
    """What was done, in a sentence."""
    from prefect.settings import PREFECT_PLUGINS_ENABLED, load_current_profile, update_current_profile

    profile = load_current_profile()
    if profile.settings.get(PREFECT_PLUGINS_ENABLED):
        return f"Prefect's plug-ins are on (profile {profile.name}): `prefect run` is there in every folder."
    update_current_profile({PREFECT_PLUGINS_ENABLED: True})
    return (
        f"Switched Prefect's plug-ins on (profile {profile.name}): `prefect run` is there in every folder. "
        "To undo: prefect config unset PREFECT_PLUGINS_ENABLED"
    )


def _keep_empty_database(screen: Screen) -> None:
    """Runs a private server once; it keeps its database while that is still empty."""
    if api_server.kept_database().is_file():
        return
    screen.progress("making an empty database for Prefect")
    with tempfile.TemporaryDirectory() as folder:
        server = api_server.start_private(Path(folder) / api_server.SERVER_LOG)
        server.wait()
        server.stop()
    screen.say("Made an empty database for Prefect: from now on a run starts in seconds.")
