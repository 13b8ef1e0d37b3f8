"""`clip`: one prompt, one clip. No episode, no Prefect: the film model, a bar, a file."""

from __future__ import annotations

import random
import re
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import t2v
from flows.studio.errors import StudioError
from flows.studio.filming.settings import FILM_MODEL, parse_lora
from flows.studio.media import clip_export
from flows.studio.media import frames as frame_files
from flows.studio.media.size import parse_size
from flows.studio.production import console
from flows.studio.production.console import Screen, duration
from flows.studio.production.request import OUTPUT
from t2v.toon.prompts.understand import understand

if TYPE_CHECKING:
    from t2v import TextToVideo
from dataclasses import asdict, fields
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from flows.cli.arguments import Memory
from t2v.configs import Speed

MOST_SEED = 2**32
MOST_FRAMES = 1000


@dataclass(frozen=True)
class _Clip:
    """One clip that is to be made."""

    prompt: str
    seed: int
    out: Path


def make(prompt: str | None, options: ClipOptions, screen: Screen) -> tuple[Path, ...]:
    """Films what is asked for and says where it lies. Raises StudioError, T2VError."""
    before: Mapping[str, Any] = {}
    if options.like is not None:
        before = clip_export.read_settings(options.like)
        options = like(options, before, options.like)
    prompts = _prompts(prompt or before.get("prompt"), options, has_own=prompt is not None)
    wanted = _wanted(prompts, options, screen)
    screen.say(f"filming {len(wanted)} clip{'' if len(wanted) == 1 else 's'}, first {wanted[0].out}")
    _check(options)
    for clip in wanted:
        clip_export.check_target(clip.out)
    model = _loaded(options, before, screen)
    settings = _settings(model, options, screen)
    facts = _facts(options, model)
    for number, clip in enumerate(wanted, start=1):
        label = f"clip {number} of {len(wanted)}, " if len(wanted) > 1 else ""
        _film(model, clip, settings, options, facts, label, screen)
    return tuple(clip.out for clip in wanted)


def _prompts(prompt: str | None, options: ClipOptions, *, has_own: bool) -> list[str]:
    if options.prompts_file is not None and has_own:
        raise StudioError("wanted a prompt or --prompts-file, got both", code=2)
    if options.prompts_file is not None:
        return _read_prompts(options.prompts_file)
    if prompt is None or not prompt.strip():
        raise StudioError('wanted a prompt, try: clip "orange cat dancing in the kitchen"', code=2)
    return [prompt.strip()]


def _read_prompts(path: Path) -> list[str]:
    """A prompt a line; empty lines and those that begin with # are none."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise StudioError(f"{path}: wanted a text file with a prompt a line, got {error}", code=2) from None
    prompts = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not prompts:
        raise StudioError(f"{path}: wanted a prompt a line, there is none", code=2)
    return prompts


def _wanted(prompts: Sequence[str], options: ClipOptions, screen: Screen) -> list[_Clip]:
    """Every prompt with every seed, and the file that each goes into."""
    count, first = options.count or 1, options.seed
    if first is None or first == -1:
        first = random.randrange(MOST_SEED)
        screen.say(f"seed {first}, by chance")
    if first < 0:
        raise StudioError(f"--seed: wanted -1, or 0 and more, got {first}", code=2)
    total = len(prompts) * count
    found: list[_Clip] = []
    for prompt in prompts:
        for seed in range(first, first + count):
            number = f"-{len(found) + 1:0{len(str(total))}d}" if total > 1 else ""
            out = options.out or OUTPUT / "clips" / f"{_slug(prompt)}-{seed}.mp4"
            found.append(_Clip(prompt, seed, out.with_name(f"{out.stem}{number}{out.suffix}")))
    return found


def _slug(prompt: str) -> str:
    return "-".join(re.findall(r"\w+", prompt.lower()))[:48].strip("-") or "clip"


def _check(options: ClipOptions) -> None:
    """What can be refused before the film model is loaded, which may take a minute."""
    if options.strength is not None and options.video is None:
        raise StudioError("--strength: wanted with --video FILM alone", code=2)
    if options.size is not None:
        parse_size(options.size, where="--size")
    for file in (options.image, options.last_image, options.video):
        if file is not None and not file.is_file():
            raise StudioError(f"{file}: there is no such file", code=2)


# ------------------------------------------------------------------------------------------ the model


def _loaded(options: ClipOptions, before: Mapping[str, Any], screen: Screen) -> TextToVideo:
    from flows.studio.filming import camera

    source = options.video_model or FILM_MODEL
    screen.progress(f"loading the film model {source}")
    loras = tuple(parse_lora(lora) for lora in options.lora)
    model = camera.loaded_model(source, options.device, loras, options.memory or "auto")
    assert model.origin is not None
    screen.say(f"film model {model.preset.name}, on {model.device}; licence {model.origin.licence}")
    if "NC" in model.origin.licence:
        screen.warn("not for commercial use: the licence of these weights does not allow it")
    weights = before.get("weights")
    if weights is not None and weights != t2v.fingerprint(source, loras=loras):
        screen.warn(f"{options.like} was filmed with other weights than these; it will not be the same")
    return model


def _settings(model: TextToVideo, options: ClipOptions, screen: Screen) -> dict[str, Any]:
    """What `generate` is given beside prompt and seed."""
    height, width = next(iter(model.preset.sizes.values()))
    if options.size is not None:
        width, height = parse_size(options.size, where="--size")
    hold = {}
    if options.image is not None:
        hold[0] = frame_files.read_picture(options.image, height=height, width=width)
    if options.last_image is not None:
        hold[-1] = frame_files.read_picture(options.last_image, height=height, width=width)
    film = None
    if options.video is not None:
        most = options.frames or model.preset.num_frames
        film, is_longer = frame_files.read_film(
            options.video, fps=model.preset.fps, height=height, width=width, most=min(most, MOST_FRAMES)
        )
        if is_longer and options.frames is None:
            screen.say(f"of {options.video} the first {len(film)} frames; --frames takes more")
    return {
        "negative_prompt": options.negative,
        "num_frames": options.frames if film is None else len(film),
        "height": height,
        "width": width,
        "num_steps": options.steps,
        "guidance_scale": options.guidance,
        "motion_guidance": options.motion_guidance,
        "sampler": options.sampler,
        "eta": options.eta or 0.0,
        "speed": options.speed,
        "init_frames": film,
        "strength": options.strength,
        "hold": hold or None,
        "loop": bool(options.loop),
    }


def _facts(options: ClipOptions, model: TextToVideo) -> dict[str, Any]:
    """What a clip's file says besides its settings."""
    assert model.origin is not None
    source, loras = options.video_model or FILM_MODEL, tuple(parse_lora(lora) for lora in options.lora)
    facts = {
        "note": f"AI-generated: made with Cold Open {metadata.version('cold-open')}",
        "weights": t2v.fingerprint(source, loras=loras),
        "revision": model.origin.revision,
        "licence": model.origin.licence,
    }
    return {name: value for name, value in facts.items() if value is not None}


# ----------------------------------------------------------------------------------------- the filming


def _film(
    model: TextToVideo,
    clip: _Clip,
    settings: Mapping[str, Any],
    options: ClipOptions,
    facts: Mapping[str, Any],
    label: str,
    screen: Screen,
) -> None:
    begun = time.monotonic()
    if model.preset.speaks_toon:
        screen.say(f"TOON reads it as: {understand(clip.prompt).prompt}")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        video = model.generate(
            clip.prompt, seed=clip.seed, callback=_on_step(model, label, screen), **settings
        )
    for warning in told:
        if issubclass(warning.category, RuntimeWarning | t2v.PrecisionWarning):
            screen.warn(str(warning.message))
    filmed = video.settings
    used = replace(
        options,
        negative=filmed["negative_prompt"] or None,
        steps=filmed["num_steps"],
        guidance=filmed["guidance_scale"],
        motion_guidance=filmed["motion_guidance"],
        frames=filmed["num_frames"],
        size=f"{filmed['width']}x{filmed['height']}",
        seed=clip.seed,
        sampler=filmed["sampler"],
        strength=filmed["strength"] if options.video is not None else None,
        video_model=options.video_model or FILM_MODEL,
        speed=options.speed or model.preset.speed,
    )
    clip_export.export_clip(video.frames, video.fps, clip.out, {"prompt": clip.prompt, **kept(used), **facts})
    frames = f"{filmed['num_frames']} frames of {used.size}, {used.steps} steps of {used.sampler}"
    screen.say(f"{clip.out}: {frames}, seed {clip.seed}, in {duration(time.monotonic() - begun)}")


def _on_step(model: TextToVideo, label: str, screen: Screen) -> Any:
    """Moves the bar, and shows what is there so far where there is somewhere to show it."""
    from t2v.sampling.preview import colours_of
    from t2v.sampling.preview import preview as shown

    colours = colours_of(model) if screen.shows_pictures else None

    def on_step(step: int, num_steps: int, latents: Any) -> None:
        if colours is not None:
            screen.show(console.half_blocks(shown(latents, colours)))
        screen.progress(f"{label}step {step} of {num_steps}", step, num_steps)

    return on_step


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
