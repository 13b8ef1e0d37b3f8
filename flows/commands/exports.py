"""`export`: an episode in the form that another program opens."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from flows.commands.arguments import Episode, Output, Premise
from flows.options import OUTPUT, EpisodeOptions
from flows.screen import Screen

To = Literal["otio"]


def export(
    *,
    to: Annotated[To, Parameter(help="otio: OpenTimelineIO with its stems, for an editor of films.")],
    premise: Premise = None,
    episode: Episode = None,
    output: Output = OUTPUT,
) -> int:
    """Write an episode that is made in the form that another program opens."""
    from flows import editor

    with Screen() as screen:
        path = editor.export_otio(EpisodeOptions(premise, episode, output=output), screen)
        screen.say(f"{path}, with stems/ and timeline.txt beside it")
    return 0
