"""Film settings: a premise's `video:` with the film model's own values filled in; and picture sizes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from flows.studio.cameras.facts import (
    DEFAULT_MODEL,
    DialectName,
    ModelFacts,
    Pictures,
    Sampling,
    Speed,
    is_for_sale,
    needs_pictures,
    takes_first_frame,
)
from flows.studio.cameras.film_model import GenerateSettings, ModelError
from flows.studio.cameras.names import read_name
from flows.studio.errors import StudioError
from flows.studio.filming import auto_takes, models
from flows.studio.hosted.camera_prices import Price, find_price
from flows.studio.media.size import parse_size
from flows.studio.rates import FPS
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.video import Video

SMALL = "small"  # in place of a size: the model's own small one
PICTURE_SIZES = {"16:9": (1280, 720), "1:1": (720, 720), "9:16": (720, 1280)}  # width, height


# What follows from the model and its weights, or changes no picture: no part of a recipe.
_OF_THE_MODEL = (
    *("name", "title", "licence", "territory", "dialect", "is_drawn"),
    *("loras", "memory", "pictures", "references"),
    *("price", "max_cost", "inputs", "directed", "lips"),
)


@dataclass(frozen=True)
class FilmSettings:
    """Everything but prompt and seed that decides how a clip looks, and the memory that filming may take.

    The fields go into clips' recipes and manifests under these names. `model` is a source for `open_model`,
    `name` the model's name in recipes and `title` for people, `weights` its fingerprint; sizes are in pixels.
    """

    model: str
    weights: str
    height: int
    width: int
    num_frames: int
    num_steps: int
    guidance_scale: float | None
    negative_prompt: str
    sampler: str | None = "ddim"
    motion_guidance: float = 0.0
    direction_guidance: float = 0.0
    name: str = DEFAULT_MODEL
    title: str = ""
    licence: str = ""
    territory: str = ""
    dialect: DialectName = "short"
    is_drawn: bool = False
    pictures: tuple[Pictures, ...] = ("none", "any")
    references: int = 0
    loras: tuple[tuple[str, float], ...] = ()
    memory: str = "auto"
    speed: Speed = "exact"
    takes: Literal["one", "auto"] = "one"  # auto: a take with a fault is filmed again
    directed: bool = False  # the camera can act: its prompts say what everybody does in each frame
    lips: bool = False  # mouths move with the voices, which are made before the shots
    inputs: tuple[tuple[str, Any], ...] = ()  # of a service's model, by its own names
    price: Price | None = None  # of a second, where a service films
    max_cost: float | None = None  # US dollars that all films of the episode may cost

    @property
    def recipe(self) -> dict[str, Any]:
        """The settings' part of a clip's recipe: the model by its name and its weights, wherever they are.

        Settings that came later are left out at their first value, so that older clips keep their recipes.
        """
        left_out = _OF_THE_MODEL
        defaults = {"motion_guidance": 0.0, "direction_guidance": 0.0, "speed": "exact", "takes": "one"}
        settings = {
            key: value
            for key, value in asdict(self).items()
            if key not in left_out and (key not in defaults or value != defaults[key])
        }
        loras = {"loras": [[Path(file).name, weight] for file, weight in self.loras]} if self.loras else {}
        inputs = {"inputs": dict(self.inputs)} if self.inputs else {}
        return {**settings, "model": self.name, **loras, **inputs}

    @property
    def is_hosted(self) -> bool:
        """Whether a server or a service films, and not this machine."""
        return not read_name(self.model).is_here

    @property
    def dollars(self) -> float | None:
        """The price of one shot; None if it costs nothing, or nobody knows what."""
        return None if self.price is None else self.price.of_film(self.num_frames / FPS)

    @property
    def is_for_sale(self) -> bool:
        """Whether the film may be sold, by the licence of the weights."""
        return is_for_sale(self.licence)

    @property
    def takes_first_frame(self) -> bool:
        """Whether the film model films from a given first frame alone."""
        return takes_first_frame(self.pictures)

    @property
    def needs_pictures(self) -> bool:
        """Whether the film model films nothing without a picture."""
        return needs_pictures(self.pictures)

    @property
    def generate_settings(self) -> GenerateSettings:
        """The arguments of `FilmModel.generate` beside prompt and seed."""
        return {
            "negative_prompt": self.negative_prompt,
            "num_frames": self.num_frames,
            "height": self.height,
            "width": self.width,
            "num_steps": self.num_steps,
            "guidance_scale": self.guidance_scale,
            "motion_guidance": self.motion_guidance,
            "sampler": self.sampler,
            "speed": self.speed,
        }


def resolve_settings(
    premise: Premise,
    *,
    num_steps: int | None = None,
    video: Video | None = None,
    price_files: Sequence[Path] = (),
) -> FilmSettings:
    """The film settings of a premise, or of a `video` in place of the premise's own.

    `num_steps` is what the default model took when the episode was begun: it counts for that model where no
    steps and no speed are given; `price_files` are the user's own prices. Raises StudioError for a film model
    that is missing or broken, and for settings that it cannot film with.
    """
    video = premise.video if video is None else video
    source, loras = video.model or DEFAULT_MODEL, tuple(parse_lora(text) for text in video.lora)
    with _errors_of_video():
        facts = models.describe_model(source, loras=loras)
        weights = models.fingerprint(source, loras=loras)
    height, width = frame_size(facts, premise, video)
    speed = video.speed or facts.speed
    sampling = _sampling(facts, speed)
    steps = sampling.num_steps
    if facts.is_default and num_steps and video.speed is None:
        steps = num_steps
    return FilmSettings(
        model=source,
        weights=weights,
        height=height,
        width=width,
        num_frames=_num_frames(facts, video),
        num_steps=video.steps or steps,
        guidance_scale=facts.guidance_scale if video.guidance is None else video.guidance,
        negative_prompt=premise.style.negative or facts.negative_prompt,
        sampler=sampling.sampler,
        motion_guidance=facts.motion_guidance,
        direction_guidance=facts.direction_guidance,
        name=facts.name,
        title=facts.title,
        dialect=facts.dialect,
        is_drawn=facts.is_drawn,
        pictures=facts.pictures,
        references=facts.references,
        licence=facts.licence,
        territory=facts.territory,
        loras=loras,
        memory=video.memory or "auto",
        speed=speed,
        takes=_takes(facts, (height, width), video),
        directed=facts.directed,
        lips=facts.directed and video.lips != "off",
        inputs=tuple(sorted(video.inputs.items())),
        price=find_price(read_name(source), lines=min(height, width), own=price_files),
        max_cost=video.max_cost,
    )


def own_settings(facts: ModelFacts) -> FilmSettings:
    """A film model's own settings, where no premise asks for anything, without the weights' fingerprint."""
    height, width = facts.default_size
    sampling = facts.sampling[facts.speed]
    return FilmSettings(
        model=facts.source,
        weights="",
        height=height,
        width=width,
        num_frames=facts.num_frames,
        num_steps=sampling.num_steps,
        guidance_scale=facts.guidance_scale,
        negative_prompt=facts.negative_prompt,
        sampler=sampling.sampler,
        motion_guidance=facts.motion_guidance,
        direction_guidance=facts.direction_guidance,
        name=facts.name,
        title=facts.title,
        speed=facts.speed,
    )


def draft_video(video: Video) -> Video:
    """The `video:` of a draft: its own model with that model's settings, if another one films the episode."""
    model = video.draft or DEFAULT_MODEL
    if video.model == model:
        return video
    return Video(model=model, seed=video.seed, fit=video.fit, lips=video.lips, max_cost=video.max_cost)


def describe_film(premise: Premise, video: Video) -> str:
    """The film model with frame size and licence in a few words; a hub id alone, for the hub is not asked.

    Raises StudioError as `resolve_settings` does, but reads no weights.
    """
    source = video.model or DEFAULT_MODEL
    if models.is_on_hub(source):
        return source
    with _errors_of_video():
        facts = models.describe_model(source, loras=[parse_lora(text) for text in video.lora])
    height, width = frame_size(facts, premise, video)
    _num_frames(facts, video)
    _takes(facts, (height, width), video)
    _sampling(facts, video.speed or facts.speed)
    about = facts.about or f"licence {facts.licence or 'not told'}"
    return f"{facts.title} ({width}x{height}, {about})"


def check_model(source: str, loras: Iterable[str]) -> None:
    """Raises StudioError for a film model that is missing or broken; a hub is not asked."""
    if not models.is_on_hub(source):
        with _errors_of_video():
            models.describe_model(source, loras=[parse_lora(text) for text in loras])


def frame_size(facts: ModelFacts, premise: Premise, video: Video) -> tuple[int, int]:
    """(height, width) of the film model's frames: as `video` asks, else the model's own for the aspect.

    Raises StudioError for a size that the model cannot film.
    """
    aspect = premise.format.aspect
    if video.size is None:
        return facts.size_of(aspect)
    if video.size == SMALL:
        aspect = "16:9" if aspect == "16:9" else "1:1"
        return small_size(facts, aspect, where="video: size")
    width, height = parse_size(video.size, where="video: size")
    step = facts.size_step
    if facts.has_one_size and (height, width) not in facts.sizes.values():
        own = " or ".join(f"{each[1]}x{each[0]}" for each in facts.sizes.values())
        raise StudioError(f"video: size: {facts.title} films {own} alone, got {video.size}", code=2)
    if height % step or width % step:
        raise StudioError(
            f"video: size: {facts.title} wants width and height in steps of {step}, got "
            f"{video.size}, try {_nearest(width, step)}x{_nearest(height, step)}",
            code=2,
        )
    return height, width


def small_size(facts: ModelFacts, aspect: str, *, where: str) -> tuple[int, int]:
    """(height, width) of a model's smaller and quicker films. Raises StudioError if it has none.

    `where` begins the message.
    """
    if aspect not in facts.small_sizes:
        height, width = facts.size_of(aspect)
        raise StudioError(
            f"{where}: {facts.title} films in one size alone, {width}x{height}; leave size out", code=2
        )
    return facts.small_sizes[aspect]


def _nearest(pixels: int, step: int) -> int:
    return max(1, round(pixels / step)) * step


def _num_frames(facts: ModelFacts, video: Video) -> int:
    num_frames, step = video.frames or facts.num_frames, facts.frame_step
    if (num_frames - 1) % step:
        raise StudioError(
            f"video: frames: {facts.title} wants a multiple of {step} and one more, got {num_frames}, "
            f"try {round((num_frames - 1) / step) * step + 1}",
            code=2,
        )
    return num_frames


def _sampling(facts: ModelFacts, speed: Speed) -> Sampling:
    if speed not in facts.sampling:
        told = f"{facts.title} films at one speed, got {speed}; leave it out"
        raise StudioError(f"video: speed: {told}", code=2)
    return facts.sampling[speed]


def _takes(facts: ModelFacts, size: tuple[int, int], video: Video) -> Literal["one", "auto"]:
    if video.takes == "auto":
        auto_takes.check_can_judge(facts, size)
    return video.takes or "one"


@contextmanager
def _errors_of_video() -> Iterator[None]:
    """Names the key of the premise in errors about a film model or its LoRAs."""
    try:
        yield
    except ModelError as error:
        raise StudioError(f"video: {error}", code=2) from error
    except FileNotFoundError as error:
        raise StudioError(f"video: lora: {error.filename}: there is no such file", code=2) from error


def parse_lora(text: str) -> tuple[str, float]:
    """(file, weight) of "FILE" or "FILE:0.7"; without a weight it is 1."""
    file, colon, weight = text.rpartition(":")
    try:
        number = float(weight) if colon and file else 1.0
    except ValueError:
        return text, 1.0  # a colon of the path's own
    if not math.isfinite(number):
        raise StudioError(f"lora: wanted a weight like 0.7 behind {file}:, got {weight}", code=2)
    return (file if colon and file else text), number


# -------------------------------------------------------------------------------------- picture sizes


def picture_size(premise: Premise) -> tuple[int, int]:
    """(width, height) of the finished picture in pixels. Raises StudioError for a size of another aspect."""
    aspect = premise.format.aspect
    if premise.format.size is None:
        return PICTURE_SIZES[aspect]
    width, height = parse_size(premise.format.size, where="format: size")
    wide, high = (int(number) for number in aspect.split(":"))
    if abs(width * high - height * wide) > 2 * wide * high:
        usual = "{}x{}".format(*PICTURE_SIZES[aspect])
        raise StudioError(
            f"format: size: wanted a picture in the shape {aspect}, got {premise.format.size}, "
            f"try {usual}, or aspect: another one of {', '.join(PICTURE_SIZES)}",
            code=2,
        )
    return width, height


def size_of_aspect(aspect: str, shorter_side: int) -> tuple[int, int]:
    """(width, height) in pixels, both even, of an aspect such as "16:9" with this shorter side."""
    wide, high = (int(number) for number in aspect.split(":"))
    scale = shorter_side / min(wide, high)
    return 2 * round(wide * scale / 2), 2 * round(high * scale / 2)
