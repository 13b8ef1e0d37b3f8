"""Commands about this machine: `clean`, `voices`, `pull`, `setup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Output
from flows.cli.output import run_command
from flows.studio.production.console import Console
from flows.studio.production.request import OUTPUT


def clean(
    *,
    keep: Annotated[
        int, Parameter(validator=Number(gte=0), help="Episodes of every show that stay whole.")
    ] = 5,
    dry_run: Annotated[bool, Parameter(negative=(), help="Only say how much it would free.")] = False,
    paid: Annotated[
        bool, Parameter(negative=(), show_default=False, help="Films that a service was paid for as well.")
    ] = False,
    output: Output = OUTPUT,
) -> int:
    """Take clips, voices and segments of older episodes away. Scripts, recipes and films stay."""
    from flows.studio.commands.clean import clean

    return run_command(lambda console: clean(output, keep=keep, dry_run=dry_run, paid=paid))


def voices(
    *,
    try_: Annotated[str | None, Parameter(name="--try", help="A voice to hear.")] = None,
    say: Annotated[str | None, Parameter(help="What it says.")] = None,
    cast: Annotated[Path | None, Parameter(help="A premise: every character says a line.")] = None,
    out: Annotated[Path | None, Parameter(help="The WAV file, or for --cast the folder.")] = None,
) -> int:
    """List every voice there is, with its language and pitch; or hear one; or a show's whole cast."""
    from flows.studio.commands import voices as voices_command

    with Console() as console:
        if cast is not None:
            voices_command.speak_cast(cast, console, folder=out)
        elif try_ is not None:
            voices_command.try_voice(try_, console, text=say, path=out)
        else:
            for line in voices_command.list_voices():
                console.say(line)
    return 0


def pull(
    name: Annotated[str | None, Parameter(help="Which. Left out: what there is.")] = None,
    /,
) -> int:
    """Fetch weights that are not in the package. Without a name: what there is, how big, on whose terms."""
    from flows.studio.workspace import downloads

    with Console() as console:
        if name is None:
            for line in downloads.catalog_lines():
                console.say(line)
            return 0
        entry = downloads.find_entry(name)
        folder = downloads.pull(entry, say=console.progress)
        console.say(f"{folder}: {entry.about} ({entry.licence})")
    return 0


def setup() -> int:
    """Switch on `prefect run` for every folder, and make the first start quick. Once is enough."""
    from flows.orchestration.setup import set_up_prefect

    with Console() as console:
        set_up_prefect(console)
    return 0
