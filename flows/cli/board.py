"""`board`: the page where shows are written, looked at and made."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Farm, Output
from flows.studio.production.console import Console
from flows.studio.production.request import OUTPUT, PREMISES


def board(
    *,
    host: Annotated[
        str, Parameter(help="The address it answers at; 0.0.0.0 lets other machines in, with the key.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        Parameter(validator=Number(gte=0, lte=65535), help="Left out: 8612, or the next that is free."),
    ] = None,
    name: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(), show_default=False, help="A further name of this machine, as browsers type it."
        ),
    ] = (),
    key: Annotated[bool, Parameter(help="Without it everybody on this machine comes in.")] = True,
    browser: Annotated[bool, Parameter(help="Open the page.")] = True,
    paused: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Begin nothing that waits in the queue.")
    ] = False,
    farm: Farm = None,
    premises: Annotated[Path, Parameter(help="The folder that premises are written into.")] = PREMISES,
    output: Output = OUTPUT,
) -> int:
    """Open the storyboard in the browser: write, look, take again, make. Ctrl-C closes it."""
    from flows.api.server.serve import BoardOptions, serve
    from flows.studio.farm import address as addresses

    address = addresses.chosen_address(farm)
    if address is not None:
        os.environ[addresses.FARM] = str(address)  # for its worker

    options = BoardOptions(
        output=output,
        premises=premises,
        host=host,
        port=port,
        names=name,
        with_key=key,
        browser=browser,
        paused=paused,
        farm=address,
    )
    with Console(terminal=False, silence=1e9) as console:
        return serve(options, console)
