"""`clip`: a prompt goes in, a clip comes out."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from flows.clip_options import ClipOptions
from flows.screen import Screen

NOTHING = ClipOptions()


def clip(
    prompt: Annotated[str | None, Parameter(help="What is seen.")] = None,
    /,
    *,
    options: Annotated[ClipOptions, Parameter(name="*")] = NOTHING,
) -> int:
    """Film one prompt into one file, which says what it was filmed with."""
    from flows import clipping

    with Screen() as screen:
        clipping.make(prompt, options, screen)
    return 0
