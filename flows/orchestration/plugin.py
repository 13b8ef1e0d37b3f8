"""Adds `prefect run` to Prefect's own command line, through the entry point group `prefect.plugins`.

Prefect imports this file on `import prefect` where its plug-ins are switched on, so it stays tiny and
does nothing outside the `prefect` program. Finding it is Prefect's documented way; the one private name
is `prefect.cli._app._app`, to which a command is added. If that name moves, `prefect` warns once and
`coldopen` goes on working.
"""

from __future__ import annotations

import sys
from pathlib import Path

from prefect.plugins import HookContext, register_hook

PREFECT_PLUGIN_API_REQUIRES = ">=0.1,<1"


def is_prefect_program() -> bool:
    """Whether this process is `prefect …` or `python -m prefect …`."""
    return Path(sys.argv[0]).stem == "prefect" or "prefect" in sys.orig_argv[1:3]


@register_hook
def setup_environment(*, ctx: HookContext) -> None:
    """Prefect's hook at start-up."""
    if not is_prefect_program():
        return
    try:
        _add_run()
    except Exception as error:  # whatever Prefect changes, `prefect` itself goes on working
        ctx.logger_factory("coldopen").warning(
            "could not add `prefect run` to Prefect %s (%s); use `coldopen` instead",
            ctx.prefect_version,
            error,
        )


def _add_run() -> None:
    from prefect.cli._app import _app

    if "run" not in _app:  # else Prefect has its own now: never override it
        _app.command("flows.cli.app:prefect_run", name="run", help="Make an episode: Cold Open's commands.")
