"""`export` and `import`: an episode or its script in the form that another program opens, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from flows.cli.arguments import Episode, Output, Premise
from flows.studio.production.console import Screen
from flows.studio.production.request import OUTPUT, EpisodeOptions, Outcome

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
    options = EpisodeOptions(premise, episode, output=output)
    if to == "fountain":
        from flows.studio.commands import export as export_command

        return _told(export_command.export(options, out))
    if out is not None:
        from scripts_llm.errors import ScriptError

        raise ScriptError("--out: wanted with --to fountain alone; otio lies in the episode's folder")

    with Screen() as screen:
        path = export_command.export_otio(options, screen)
        screen.say(f"{path}, with stems/ and timeline.txt beside it")
    return 0


def import_(
    file: Annotated[Path, Parameter(help="A screenplay in Fountain.")],
    /,
    *,
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Make a Fountain screenplay the episode's script; one that is there is kept as script.1.yaml."""
    from flows.studio.commands import export as export_command

    return _told(export_command.import_fountain(file, EpisodeOptions(premise, episode, output=output)))


def _told(outcome: Outcome) -> int:
    with Screen() as screen:
        for line in outcome.lines:
            screen.say(line)
    return outcome.code
