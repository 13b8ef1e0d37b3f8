"""Adds `prefect run` to Prefect's own command line, as an entry point of the group `prefect.plugins`.

Prefect imports this file on `import prefect` if its plug-ins are enabled, so it is small and does nothing
outside the `prefect` program. The entry point is Prefect's documented way; the command is added to
`prefect.cli._app._app`, which is private. If that name moves, `prefect` warns once; `coldopen` still works.
"""

from __future__ import annotations

import sys
from pathlib import Path

from prefect.plugins import HookContext, register_hook

PREFECT_PLUGIN_API_REQUIRES = ">=0.1,<1"


def is_prefect_program() -> bool:
    """True if this process is `prefect …` or `python -m prefect …`."""
    return Path(sys.argv[0]).stem == "prefect" or "prefect" in sys.orig_argv[1:3]


@register_hook
def setup_environment(*, ctx: HookContext) -> None:
    """Prefect's hook at start-up, under the name that Prefect gives it."""
    if not is_prefect_program():
        return
    try:
        _add_run_command()
    except Exception as error:  # whatever Prefect changes, `prefect` itself goes on working
        ctx.logger_factory("coldopen").warning(
            "could not add `prefect run` to Prefect %s (%s); use `coldopen` instead",
            ctx.prefect_version,
            error,
        )


def _add_run_command() -> None:
    """Adds the command, unless Prefect has a `run` of its own by now."""
    from prefect.cli._app import _app

    if "run" not in _app:
        _app.command("flows.cli.app:prefect_run", name="run", help="Make an episode: Cold Open's commands.")
