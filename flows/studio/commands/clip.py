"""`clip`: films one prompt, or several, each into one file. No episode and no Prefect."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from flows.studio.cameras.facts import DEFAULT_MODEL, ModelFacts, Speed
from flows.studio.cameras.film_model import FilmModel, GenerateSettings, OnStep, Preview, Video
from flows.studio.errors import StudioError
from flows.studio.farm.film_model import FarmModel
from flows.studio.filming import vocabulary
from flows.studio.filming.local.t2v_errors import collected_warnings
from flows.studio.filming.models import Loras, fingerprint
from flows.studio.filming.settings import SMALL, parse_lora, small_size
from flows.studio.hosted.camera import HostedCamera
from flows.studio.media import clip_export
from flows.studio.media import frames as frame_files
from flows.studio.media.size import parse_size
from flows.studio.production.console import Console, duration
from flows.studio.production.request import OUTPUT
from scripts_llm.errors import ScriptError
from scripts_llm.files.source import read_text
from scripts_llm.screenplay.video import find_lora_tag

if TYPE_CHECKING:
    import numpy as np


class Models(Protocol):
    """Gives open film models: `LoadedModels`, which this machine films with, or a `Farm`."""

    def get(self, source: str, *, loras: Loras = (), memory: str = "auto") -> FilmModel: ...


SEEDS = 2**32  # a random seed is below
MOST_CLIPS = 1000  # of a prompt
MOST_FRAMES = 1000  # that are read of a film
Sampler = Literal["ddim", "euler", "euler_ancestral", "dpmpp_2m", "unipc", "lcm"]


# ----------------------------------------------------------------------------------------------- options


@dataclass(frozen=True)
class ClipOptions:
    """The options of `clip`; the text under a field is its help.

    None means not given: the film model's own value counts, or that of the clip that `like` names.
    """

    out: Path | None = None
    """ufo.mp4, ufo.gif, or a folder for PNG. Left out: output/clips/, named by the prompt."""
    gif: bool | None = None
    """A gif beside the mp4."""
    negative: str | None = None
    """What is not to be seen."""
    steps: int | None = None
    """Sampler steps: more is slower and cleaner."""
    guidance: float | None = None
    """How closely it follows the prompt."""
    motion_guidance: float | None = None
    """How clearly limbs move, at the price of patches; TOON's own is 0."""
    frames: int | None = None
    """How many; 8 are a second."""
    size: str | None = None
    """Width and height: 256x256."""
    seed: int | None = None
    """Same seed, same clip. Left out or -1: one by chance, which is told."""
    eta: float | None = None
    """Of ddim: 0 to 1, how much new noise a step adds."""
    sampler: Sampler | None = None
    """How noise becomes a picture."""
    count: int | None = None
    """So many clips, each with the next seed."""
    image: Path | None = None
    """A picture that is the first frame."""
    last_image: Path | None = None
    """A picture that is the last frame."""
    video: Path | None = None
    """A film that the clip is made from."""
    strength: float | None = None
    """Of a film to start from: 0 leaves it as it is, 1 leaves nothing of it."""
    loop: bool | None = None
    """Without a seam between end and beginning."""
    lora: tuple[str, ...] = ()
    """FILE or FILE:WEIGHT; may be given several times."""
    video_model: str | None = None
    """toon, a folder, a weight file, a hub id, MODEL@URL, fal:MODEL, replicate:MODEL. Left out: toon."""
    memory: str | None = None
    """8GB, or auto: what the device has free."""
    speed: Speed | None = None
    """fast: fewer and cheaper steps."""
    max_cost: float | None = None
    """US dollars that a service may cost, all clips of this command together."""
    prompts_file: Path | None = None
    """A text file with a prompt a line; a clip of each."""
    like: Path | None = None
    """A clip to repeat: what is not said is as it says of itself."""
    device: str | None = None
    """cpu, cuda, mps … Left out: the best there is."""
    farm: str | None = None
    """tls://head.lan:8786: other machines film. Left out: COLDOPEN_FARM, else this one films."""


# The options that decide how a clip looks. They are written into its file, and `like` reads them there.
_LOOK: Mapping[str, type | tuple[type, ...]] = {
    "negative": str,
    "steps": int,
    "guidance": (int, float),
    "motion_guidance": (int, float),
    "frames": int,
    "size": str,
    "seed": int,
    "eta": (int, float),
    "sampler": str,
    "image": str,
    "last_image": str,
    "video": str,
    "strength": (int, float),
    "loop": bool,
    "lora": list,
    "video_model": str,
    "speed": str,
}


def look_of(options: ClipOptions) -> dict[str, Any]:
    """The options that decide how a clip looks, as plain data for its file; those not given are left out."""
    plain = {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(options).items()
        if name in _LOOK
    }
    return {
        name: value for name, value in plain.items() if not (value is None or value is False or value == ())
    }


def like(options: ClipOptions, settings: Mapping[str, Any], source: Path) -> ClipOptions:
    """The options; those not given are a clip's `settings`. Raises StudioError for one of a wrong type."""
    taken: dict[str, Any] = {}
    for name, kind in _LOOK.items():
        if name not in settings or getattr(options, name) not in (None, ()):
            continue
        value = settings[name]
        if not isinstance(value, kind):
            raise StudioError(f"{source}: it says {name} {value!r}, which is none", code=2)
        if isinstance(value, list):
            taken[name] = tuple(str(each) for each in value)
        else:
            taken[name] = Path(str(value)) if name in ("image", "last_image", "video") else value
    assert {field.name for field in fields(options)} >= taken.keys()
    return replace(options, **taken)


# ----------------------------------------------------------------------------------------------- the clips


@dataclass(frozen=True)
class _PlannedClip:
    """One clip: its prompt, its seed, its file, and the beginning of its progress label."""

    prompt: str
    seed: int
    out: Path
    label: str


def make(prompt: str | None, options: ClipOptions, screen: Console, models: Models) -> tuple[Path, ...]:
    """Films every clip of the options and returns the files. Raises StudioError."""
    before: Mapping[str, Any] = {}
    if options.like is not None:
        before = clip_export.read_settings(options.like)
        options = like(options, before, options.like)
    prompts = _prompts(prompt or before.get("prompt"), options, is_given=prompt is not None)
    planned = _plan_clips(prompts, options, screen)
    screen.say(f"filming {len(planned)} clip{'' if len(planned) == 1 else 's'}, first {planned[0].out}")
    _check_options(options)
    for clip in planned:
        clip_export.check_target(clip.out)
    model = _open_model(options, models, screen)
    if isinstance(model, HostedCamera):
        model.limit_clips(options.max_cost)
    notes = _notes(options, model.facts)
    if before.get("weights", notes["weights"]) != notes["weights"]:
        screen.warn(f"{options.like} was filmed with other weights than these; it will not be the same")
    settings = _settings(model.facts, options, screen)
    if isinstance(model, FarmModel):
        model.film_ahead([(clip.prompt, clip.seed) for clip in planned])
    for clip in planned:
        _film(model, clip, settings, options, notes, screen)
    return tuple(clip.out for clip in planned)


def _prompts(prompt: str | None, options: ClipOptions, *, is_given: bool) -> list[str]:
    if options.prompts_file is not None and is_given:
        raise StudioError("wanted a prompt or --prompts-file, got both", code=2)
    if options.prompts_file is not None:
        return _read_prompts(options.prompts_file)
    if prompt is None or not prompt.strip():
        raise StudioError('wanted a prompt, try: clip "orange cat dancing in the kitchen"', code=2)
    return [prompt.strip()]


def _read_prompts(path: Path) -> list[str]:
    """One prompt a line; empty lines and lines that begin with # are left out."""
    try:
        lines = read_text(path, what="text").removeprefix("\ufeff").splitlines()
    except ScriptError as error:
        raise StudioError(str(error), code=2) from None
    prompts = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not prompts:
        raise StudioError(f"{path}: wanted a prompt a line, there is none", code=2)
    return prompts


def _plan_clips(prompts: Sequence[str], options: ClipOptions, screen: Console) -> list[_PlannedClip]:
    """Every prompt with every seed, numbered if there are several."""
    count, first = 1 if options.count is None else options.count, options.seed
    if not 1 <= count <= MOST_CLIPS:
        raise StudioError(f"--count: wanted 1 to {MOST_CLIPS}, got {count}", code=2)
    if first is None or first == -1:
        first = random.randrange(SEEDS)
        screen.say(f"seed {first}, by chance")
    if first < 0:
        raise StudioError(f"--seed: wanted -1, or 0 and more, got {first}", code=2)
    total = len(prompts) * count
    own_out = options.out if options.out is None or options.out.name else options.out.absolute()  # `.`
    if own_out is not None and not own_out.name:
        raise StudioError(f"--out {options.out}: wanted a file or a folder for PNG, got a whole disk", code=2)
    planned: list[_PlannedClip] = []
    for prompt in prompts:
        if tag := find_lora_tag(prompt):
            raise StudioError(f"a LoRA is no word of a prompt: {tag[0]}, try --lora {tag[1]}", code=2)
        for seed in range(first, first + count):
            number = len(planned) + 1
            ending = f"-{number:0{len(str(total))}d}" if total > 1 else ""
            label = f"clip {number} of {total}, " if total > 1 else ""
            out = own_out or OUTPUT / "clips" / f"{slug(prompt)}-{seed}.mp4"
            planned.append(
                _PlannedClip(prompt, seed, out.with_name(f"{out.stem}{ending}{out.suffix}"), label)
            )
    return planned


def slug(prompt: str) -> str:
    """A prompt as the name of a file."""
    return "-".join(re.findall(r"\w+", prompt.lower()))[:48].strip("-") or "clip"


def _check_options(options: ClipOptions) -> None:
    """Refuses what it can before the film model is loaded, which may take a minute."""
    if options.strength is not None and options.video is None:
        raise StudioError("--strength: wanted with --video FILM alone", code=2)
    if options.size not in (None, SMALL):
        parse_size(options.size, where="--size")
    for file in (options.image, options.last_image, options.video):
        if file is not None and not file.is_file():
            raise StudioError(f"{file}: there is no such file", code=2)


# ----------------------------------------------------------------------------------------------- the model


def _source(options: ClipOptions) -> str:
    return options.video_model or DEFAULT_MODEL


def _loras(options: ClipOptions) -> tuple[tuple[str, float], ...]:
    return tuple(parse_lora(lora) for lora in options.lora)


def _open_model(options: ClipOptions, models: Models, screen: Console) -> FilmModel:
    source = _source(options)
    screen.progress(f"loading the film model {source}")
    model = models.get(source, loras=_loras(options), memory=options.memory or "auto")
    facts = model.facts
    screen.say(f"film model {facts.name}, on {model.device}; licence {facts.licence or 'not told'}")
    if facts.territory:
        screen.warn(f"the licence {facts.licence}: {facts.territory}")
    if not facts.is_for_sale:
        screen.warn("not for commercial use: the licence of these weights does not allow it")
    return model


def _settings(facts: ModelFacts, options: ClipOptions, screen: Console) -> GenerateSettings:
    """The settings of `generate`. Raises StudioError for those that the model cannot take."""
    _check_facts(facts, options)
    height, width = facts.default_size
    if options.size == SMALL:
        height, width = small_size(facts, next(iter(facts.sizes)), where="--size")
    elif options.size is not None:
        width, height = parse_size(options.size, where="--size")
    hold: dict[int, np.ndarray] = {}
    if options.image is not None:
        hold[0] = frame_files.read_picture(options.image, height=height, width=width)
    if options.last_image is not None:
        hold[-1] = frame_files.read_picture(options.last_image, height=height, width=width)
    film = None
    if options.video is not None:
        most = options.frames or facts.num_frames
        film, is_longer = frame_files.read_film(
            options.video, fps=facts.fps, height=height, width=width, most=min(most, MOST_FRAMES)
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


def _check_facts(facts: ModelFacts, options: ClipOptions) -> None:
    """Raises StudioError for options that this film model has no use for."""
    refused = {
        "--negative": options.negative is not None and not facts.has_negative_prompt,
        "--seed": options.seed is not None and not facts.has_seed,
        "--image": options.image is not None and not facts.takes_first_frame,
        "--last-image": options.last_image is not None and not {"last", "both", "any"} & set(facts.pictures),
        "--video": options.video is not None and not facts.takes_film,
    }
    for option, is_refused in refused.items():
        if is_refused:
            raise StudioError(f"{option}: the film model {facts.title} takes none; leave it out", code=2)


def _notes(options: ClipOptions, facts: ModelFacts) -> dict[str, Any]:
    """The notes in a clip's file, beside its settings."""
    notes = {
        "note": f"AI-generated: made with Cold Open {metadata.version('cold-open')}",
        "weights": fingerprint(_source(options), loras=_loras(options)),
        "revision": facts.revision,
        "licence": facts.licence,
    }
    return {name: value for name, value in notes.items() if value is not None}


# -------------------------------------------------------------------------------------------- the filming


def _film(
    model: FilmModel,
    clip: _PlannedClip,
    settings: GenerateSettings,
    options: ClipOptions,
    notes: Mapping[str, Any],
    screen: Console,
) -> None:
    start = time.monotonic()
    facts = model.facts
    understood = vocabulary.read_prompt(clip.prompt, facts.dialect, directed=facts.directed)
    if understood is not None:
        screen.say(f"{facts.title} reads it as: {understood.prompt}")
    on_step = _progress(clip.label, screen)
    with collected_warnings() as warnings:
        video = model.generate(clip.prompt, seed=clip.seed, on_step=on_step, **settings)
    for warning in warnings:
        screen.warn(warning)
    used = _used_options(options, clip, facts, video)
    told = {"prompt": clip.prompt, **look_of(used), **notes}
    outs = [clip.out, *([clip.out.with_suffix(".gif")] if options.gif and clip.out.suffix else [])]
    for out in dict.fromkeys(outs):
        clip_export.export_clip(video.frames, video.fps, out, told)
    steps = f"{used.steps} steps{f' of {used.sampler}' if used.sampler else ''}"
    frames = f"{used.frames} frames of {used.size}, {steps}"
    screen.say(f"{clip.out}: {frames}, seed {clip.seed}, in {duration(time.monotonic() - start)}")


def _used_options(options: ClipOptions, clip: _PlannedClip, facts: ModelFacts, video: Video) -> ClipOptions:
    """The options with the values that counted in place of those not given."""
    used = video.settings
    return replace(
        options,
        negative=used["negative_prompt"] or None,
        steps=used["num_steps"],
        guidance=used["guidance_scale"],
        motion_guidance=used["motion_guidance"],
        frames=used["num_frames"],
        size=f"{used['width']}x{used['height']}",
        seed=clip.seed,
        sampler=used["sampler"],
        strength=used["strength"] if options.video is not None else None,
        video_model=_source(options),
        speed=options.speed or facts.speed,
    )


def _progress(label: str, screen: Console) -> OnStep:
    """Moves the bar, and shows a preview of the clip."""

    def on_step(step: int, num_steps: int, preview: Preview | None) -> None:
        screen.show_preview(preview)
        screen.progress(f"{label}step {step} of {num_steps}", step, num_steps)

    return on_step
