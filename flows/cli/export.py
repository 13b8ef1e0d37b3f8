"""`export` and `import`: an episode or its script in the form that another program opens, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.cli.arguments import Episode, Output, Premise
from flows.cli.output import run_command
from flows.studio.production.request import OUTPUT, EpisodeRequest

To = Literal["otio", "fountain"]


def export(
    *,
    to: Annotated[
        To,
        Parameter(
            help="otio: OpenTimelineIO with its stems, for an editor of films. fountain: the script, for "
            "screenwriting programs."
        ),
    ],
    out: Annotated[
        Path | None, Parameter(help="For fountain: the file. Left out: script.fountain beside the script.")
    ] = None,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Write an episode that is made, or its script, in the form that another program opens."""
    from flows.studio.commands.export import export_fountain, export_otio
    from scripts_llm.errors import ScriptError

    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    if to == "fountain":
        return run_command(lambda console: export_fountain(request, out))
    if out is not None:
        raise ScriptError("--out: wanted with --to fountain alone; otio lies in the episode's folder")
    return run_command(lambda console: export_otio(request, console))


def import_(
    file: Annotated[Path, Parameter(help="A screenplay: Fountain (.fountain, .txt) or Final Draft (.fdx).")],
    /,
    *,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Make a screenplay the episode's script; one that is there is kept as script.1.yaml."""
    from flows.studio.commands.export import import_screenplay

    request = EpisodeRequest(premise=premise, episode=episode, output=output)
    return run_command(lambda console: import_screenplay(file, request))
