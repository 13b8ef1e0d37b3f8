"""What a person may ask of one clip: the options of `clip`, and what of them a file keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Memory
from flows.studio.errors import StudioError
from t2v.configs import Speed

Sampler = Literal["ddim", "euler", "euler_ancestral", "dpmpp_2m", "unipc", "lcm"]


@dataclass(frozen=True)
class ClipOptions:
    """The options of `clip`. None is what was not said: the film model's own value, or that of `like`."""

    out: Annotated[
        Path | None,
        Parameter(
            help="ufo.mp4, ufo.gif, or a folder for PNG. Left out: output/clips/, named by the prompt."
        ),
    ] = None
    negative: Annotated[str | None, Parameter(help="What is not to be seen.")] = None
    steps: Annotated[int | None, Parameter(help="Sampler steps: more is slower and cleaner.")] = None
    guidance: Annotated[float | None, Parameter(help="How closely it follows the prompt.")] = None
    motion_guidance: Annotated[
        float | None, Parameter(help="How clearly limbs move, at the price of patches; TOON's own is 0.75.")
    ] = None
    frames: Annotated[int | None, Parameter(help="How many; 8 are a second.")] = None
    size: Annotated[str | None, Parameter(help="Width and height: 256x256.")] = None
    seed: Annotated[
        int | None, Parameter(help="Same seed, same clip. Left out or -1: one by chance, which is told.")
    ] = None
    eta: Annotated[float | None, Parameter(help="Of ddim: 0 to 1, how much new noise a step adds.")] = None
    sampler: Annotated[Sampler | None, Parameter(help="How noise becomes a picture.")] = None
    count: Annotated[
        int | None,
        Parameter(validator=Number(gte=1, lte=1000), help="So many clips, each with the next seed."),
    ] = None
    image: Annotated[Path | None, Parameter(help="A picture that is the first frame.")] = None
    last_image: Annotated[Path | None, Parameter(help="A picture that is the last frame.")] = None
    video: Annotated[Path | None, Parameter(help="A film that the clip is made from.")] = None
    strength: Annotated[
        float | None, Parameter(help="With --video: 0 leaves the film as it is, 1 leaves nothing of it.")
    ] = None
    loop: Annotated[bool | None, Parameter(negative=(), help="Without a seam between end and beginning.")] = (
        None
    )
    lora: Annotated[
        tuple[str, ...],
        Parameter(negative=(), show_default=False, help="FILE or FILE:WEIGHT; may be given several times."),
    ] = ()
    video_model: Annotated[
        str | None, Parameter(help="toon, a folder, a weight file or a hub id. Left out: toon.")
    ] = None
    memory: Memory = None
    speed: Annotated[Speed | None, Parameter(help="fast: fewer and cheaper steps.")] = None
    prompts_file: Annotated[
        Path | None, Parameter(help="A text file with a prompt a line; a clip of each.")
    ] = None
    like: Annotated[
        Path | None, Parameter(help="A clip to repeat: what is not said is as it says of itself.")
    ] = None
    device: Annotated[str | None, Parameter(help="cpu, cuda, mps … Left out: the best there is.")] = None


# What decides the clip; the rest says where and how it is made.
_KEPT = (
    "negative",
    "steps",
    "guidance",
    "motion_guidance",
    "frames",
    "size",
    "seed",
    "eta",
    "sampler",
    "image",
    "last_image",
    "video",
    "strength",
    "loop",
    "lora",
    "video_model",
    "speed",
)
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("steps", "frames", "seed"), (int,)),
    **dict.fromkeys(("guidance", "motion_guidance", "eta", "strength"), (int, float)),
    "loop": (bool,),
    "lora": (list,),
}


def kept(options: ClipOptions) -> dict[str, Any]:
    """The options that decide a clip, as plain data for its file; what was not said is left out."""
    told = {name: value for name, value in asdict(options).items() if name in _KEPT}
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in told.items()}
    return {
        name: value for name, value in plain.items() if not (value is None or value is False or value == ())
    }


def like(options: ClipOptions, settings: Mapping[str, Any], source: Path) -> ClipOptions:
    """The options with what they leave open taken from a clip's settings. Raises StudioError."""
    found: dict[str, Any] = {}
    for name in _KEPT:
        if name not in settings or getattr(options, name) not in (None, ()):
            continue
        value = settings[name]
        if not isinstance(value, _KINDS.get(name, (str,))):
            raise StudioError(f"{source}: it says {name} {value!r}, which is none", code=2)
        if isinstance(value, list):
            found[name] = tuple(str(each) for each in value)
        else:
            found[name] = Path(str(value)) if name in ("image", "last_image", "video") else value
    assert {field.name for field in fields(options)} >= found.keys()
    return replace(options, **found)
