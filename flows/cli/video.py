"""The options of `episode`, `batch` and `meme` that decide what an episode is filmed with."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Memory
from flows.studio.cameras.facts import Speed

NO_LORA = "none"


@dataclass(frozen=True)
class VideoOptions:
    """The keys of a premise's `video:` that have an option; an episode remembers them.

    None means not given: the episode's memory counts, then the premise, then the film model's own value.
    """

    model: Annotated[
        str | None,
        Parameter(
            name="--video-model",
            help="toon, a folder, a weight file, a hub id, MODEL@URL, fal:MODEL, replicate:MODEL. New "
            "episodes: the premise's, COLDOPEN_VIDEO_MODEL, toon.",
        ),
    ] = None
    size: Annotated[
        str | None, Parameter(help="Of the film model's own frames, width and height: 256x256; or small.")
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
    max_cost: Annotated[
        float | None,
        Parameter(
            validator=Number(gte=0), help="US dollars that films by a service may cost; batch: in the night."
        ),
    ] = None
    takes: Annotated[
        Literal["one", "auto"] | None,
        Parameter(help="auto: TOON films again what shows another kind, colour or arms, at most 3 takes."),
    ] = None


NO_VIDEO_OPTIONS = VideoOptions()
Video = Annotated[VideoOptions, Parameter(name="*")]


def video_keys(options: VideoOptions) -> dict[str, Any]:
    """The options that were given, by the keys of a premise's `video:`; `--lora none` is an empty list."""
    given = {key: value for key, value in asdict(options).items() if value not in (None, ())}
    if "lora" in given:
        given["lora"] = [] if options.lora == (NO_LORA,) else list(options.lora)
    return given
