"""`clip`: a prompt goes in, a clip comes out."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from flows.studio.commands.clip import ClipOptions
from flows.studio.production.console import Console

NOTHING = ClipOptions()


def clip(
    prompt: Annotated[str | None, Parameter(help="What is seen.")] = None,
    /,
    *,
    options: Annotated[ClipOptions, Parameter(name="*", negative=(), show_default=False)] = NOTHING,
) -> int:
    """Film one prompt into one file, which says what it was filmed with."""
    from flows.cli import shown
    from flows.studio.cameras.facts import DEFAULT_MODEL
    from flows.studio.cameras.names import read_name
    from flows.studio.commands import clip as clip_command
    from flows.studio.farm import head as farms
    from flows.studio.filming.models import LoadedModels

    with (
        Console() as screen,
        farms.opened(options.farm, say=screen.say, progress=screen.progress) as farm,
        LoadedModels(options.device) as models,
    ):
        is_here = read_name(options.video_model or DEFAULT_MODEL).is_here  # a service films for this machine
        camera = farm if farm and is_here else models
        shown.film_shown(prompt, options, screen, lambda: clip_command.make(prompt, options, screen, camera))
    return 0
