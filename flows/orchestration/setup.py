"""`coldopen setup`: Prefect's settings on a new machine, made once."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flows.orchestration import server as api_server
from flows.orchestration.environment import import_prefect
from flows.studio.production.console import Console


def set_up_prefect(screen: Console) -> None:
    """Enables Prefect's plug-ins, and makes the empty database that private servers start from.

    A Prefect home that cannot be written to is a warning: `coldopen` works without either.
    """
    screen.progress("setting up Prefect")
    import_prefect(warn=screen.warn)
    try:
        screen.say(_enable_plugins())
        _make_empty_database(screen)
    except OSError as error:
        screen.warn(
            f"{error.filename}: {error.strerror}; `coldopen` works, `prefect run` in this folder only."
        )


def _enable_plugins() -> str:
    """Enables plug-ins in Prefect's current profile, and says so in a sentence."""
    from prefect.settings import PREFECT_PLUGINS_ENABLED, load_current_profile, update_current_profile

    profile = load_current_profile()
    if profile.settings.get(PREFECT_PLUGINS_ENABLED):
        return f"Prefect's plug-ins are on (profile {profile.name}): `prefect run` works in every folder."
    update_current_profile({PREFECT_PLUGINS_ENABLED: True})
    return (
        f"Switched Prefect's plug-ins on (profile {profile.name}): `prefect run` works in every folder. "
        "To undo: prefect config unset PREFECT_PLUGINS_ENABLED"
    )


def _make_empty_database(screen: Console) -> None:
    """Runs a private server once, which saves its database while that is still empty."""
    if api_server.empty_database().is_file():
        return
    screen.progress("making an empty database for Prefect")
    with tempfile.TemporaryDirectory() as folder:
        server = api_server.start_private_server(Path(folder) / api_server.SERVER_LOG)
        server.wait()
        server.stop()
    screen.say("Made an empty database for Prefect: from now on a run starts in seconds.")
