"""What an episode may be filmed with: options of `episode`, `batch` and `meme`, which it remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Memory
from t2v.configs import Speed

NO_LORA = "none"


@dataclass(frozen=True)
class VideoOptions:
    """None is what was not said: what the episode remembers, the premise, the film model's own value."""

    video_model: Annotated[
        str | None,
        Parameter(
            help="toon, a folder, a weight file or a hub id. New episodes: the premise's, "
            "COLDOPEN_VIDEO_MODEL, toon."
        ),
    ] = None
    size: Annotated[
        str | None, Parameter(help="Of the film model's own frames, width and height: 256x256.")
    ] = None
    steps: Annotated[
        int | None,
        Parameter(validator=Number(gte=1, lte=1000), help="Sampler steps: more is slower and cleaner."),
    ] = None
    lora: Annotated[
        tuple[str, ...],
        Parameter(
            negative=(),
            show_default=False,
            help="FILE or FILE:WEIGHT; may be given several times. none takes them away.",
        ),
    ] = ()
    memory: Memory = None
    speed: Annotated[Speed | None, Parameter(help="fast: fewer and cheaper steps.")] = None
    takes: Annotated[
        Literal["one", "auto"] | None,
        Parameter(help="auto: TOON films a wrong kind or colour again, at most 3 takes a shot."),
    ] = None


def said(options: VideoOptions) -> dict[str, Any]:
    """What was said, by the names of the premise's `video:`."""
    lora = [] if options.lora == (NO_LORA,) else list(options.lora)
    told = {
        "model": options.video_model,
        "size": options.size,
        "steps": options.steps,
        "lora": lora if options.lora else None,
        "memory": options.memory,
        "speed": options.speed,
        "takes": options.takes,
    }
    return {name: value for name, value in told.items() if value is not None}
