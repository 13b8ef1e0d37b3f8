"""What an episode is filmed with: model, size, steps; and the size of the finished picture. No torch here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import t2v
from flows.studio.errors import StudioError
from flows.studio.media.size import parse_size
from scripts_llm.screenplay.premise import Premise
from scripts_llm.screenplay.video import Video
from t2v.configs import Speed, fast

FILM_MODEL = "toon"
PICTURE_SIZES = {"16:9": (1280, 720), "1:1": (720, 720), "9:16": (720, 1280)}  # width, height
T = TypeVar("T")


@dataclass(frozen=True)
class FilmSettings:
    """Everything but prompt and seed that decides what a clip looks like, and the memory that it may take.

    `model` is what `t2v.load` takes, `name` what people call it.
    """

    model: str
    weights: str
    height: int
    width: int
    num_frames: int
    num_steps: int
    guidance_scale: float
    negative_prompt: str
    sampler: str = "ddim"
    motion_guidance: float = 0.0
    name: str = FILM_MODEL
    licence: str = t2v.TOON.licence
    loras: tuple[tuple[str, float], ...] = ()
    memory: str = "auto"
    speed: Speed = "exact"
    takes: Literal["one", "auto"] = "one"  # auto: what is judged wrong is filmed again

    @property
    def recipe(self) -> dict[str, Any]:
        """What a clip hangs on: the model by its name and its weights, wherever they lie."""
        apart = ("name", "licence", "loras", "memory")
        unsaid = {"motion_guidance": 0.0, "speed": "exact", "takes": "one"}
        said = {key: value for key, value in asdict(self).items() if key not in apart}
        kept = {key: value for key, value in said.items() if key not in unsaid or value != unsaid[key]}
        loras = {"loras": [[Path(file).name, weight] for file, weight in self.loras]} if self.loras else {}
        return {**kept, "model": self.name, **loras}

    @property
    def title(self) -> str:
        """The film model as credits name it."""
        return title_of(self.name)

    @property
    def is_for_sale(self) -> bool:
        """Whether the licence of the weights allows commercial use."""
        return allows_commerce(self.licence)


def title_of(name: str) -> str:
    """A film model's name as people read it."""
    return name.upper() if name == FILM_MODEL else name


def allows_commerce(licence: str) -> bool:
    """Whether weights under this licence may earn money: not if it is a Creative Commons NC one."""
    return "NC" not in licence.upper().split("-")


def film_settings(
    premise: Premise, *, num_steps: int | None = None, video: Video | None = None
) -> FilmSettings:
    """The settings that a premise asks for, or a `video` in its place.

    `num_steps` is what TOON took when the episode was begun; it counts where nothing else is said. Raises
    StudioError for a film model that is not there or a size that it cannot film.
    """
    video = premise.video if video is None else video
    source, loras = video.model or FILM_MODEL, tuple(parse_lora(text) for text in video.lora)
    preset = _told_in_a_line(lambda: t2v.preset(source, loras=loras))
    height, width = frame_size(preset, premise, video)
    speed = video.speed or preset.speed
    own = steps_of(preset, speed)
    if preset.speaks_toon and num_steps and video.speed is None:
        own["num_steps"] = num_steps
    return FilmSettings(
        model=source,
        weights=_told_in_a_line(lambda: t2v.fingerprint(source, loras=loras)),
        height=height,
        width=width,
        num_frames=video.frames or preset.num_frames,
        num_steps=video.steps or own["num_steps"],
        guidance_scale=preset.guidance_scale if video.guidance is None else video.guidance,
        negative_prompt=premise.style.negative or preset.negative_prompt,
        sampler=own["sampler"],
        motion_guidance=preset.motion_guidance,
        name=preset.name,
        licence=preset.licence,
        loras=loras,
        memory=video.memory or "auto",
        speed=speed,
        takes=_takes(preset, (height, width), video),
    )


def _takes(preset: t2v.Preset, size: tuple[int, int], video: Video) -> Literal["one", "auto"]:
    """`auto` can be judged only of TOON, at its own sizes."""
    if video.takes != "auto" or (preset.speaks_toon and size in preset.sizes.values()):
        return video.takes or "one"
    sizes = " or ".join(f"{width}x{height}" for height, width in t2v.TOON.sizes.values())
    raise StudioError(
        f"video: takes: auto judges films of TOON at {sizes}, got {title_of(preset.name)} at "
        f"{size[1]}x{size[0]}; leave takes out",
        code=2,
    )


def told(premise: Premise, video: Video) -> str:
    """The film model in a few words, with its frame size and a licence that forbids something.

    One that a hub may have to send first is told by its name alone. Raises StudioError, also for what the
    model cannot film or be judged in.
    """
    source = video.model or FILM_MODEL
    if _is_on_a_hub(source):
        return source
    preset = _told_in_a_line(lambda: t2v.preset(source, loras=[parse_lora(text) for text in video.lora]))
    height, width = frame_size(preset, premise, video)
    _takes(preset, (height, width), video)
    if preset.speaks_toon:
        return f"{title_of(preset.name)} ({width}x{height}, our own small cartoon model)"
    return f"{preset.name} ({width}x{height}, licence {preset.licence or 'not told'})"


def check_model(source: str, loras: Iterable[str]) -> None:
    """Raises StudioError for a film model that is not there, or is none; a hub is not asked."""
    if not _is_on_a_hub(source):
        _told_in_a_line(lambda: t2v.preset(source, loras=[parse_lora(text) for text in loras]))


def frame_size(preset: t2v.Preset, premise: Premise, video: Video) -> tuple[int, int]:
    """Height and width of the film model's frames: what is said, else the model's own for the shape."""
    if video.size is None:
        shape = "16:9" if premise.format.aspect == "16:9" else "1:1"
        return preset.sizes.get(shape) or next(iter(preset.sizes.values()))
    width, height = parse_size(video.size, where="video: size")
    factor = preset.autoencoder.factor
    if height % factor or width % factor:
        raise StudioError(
            f"video: size: {title_of(preset.name)} wants width and height in steps of {factor}, got "
            f"{video.size}, try {_near(width, factor)}x{_near(height, factor)}",
            code=2,
        )
    return height, width


def _near(pixels: int, factor: int) -> int:
    return max(1, round(pixels / factor)) * factor


def steps_of(preset: t2v.Preset, speed: Speed) -> dict[str, Any]:
    """The number of steps and the sampler that a film model takes by itself at this speed."""
    quick = fast(preset) if speed == "fast" else {}
    return {key: quick.get(key, getattr(preset, key)) for key in ("num_steps", "sampler")}


def _is_on_a_hub(source: str) -> bool:
    if source == FILM_MODEL:
        return False
    from t2v.checkpoints.hub import is_id

    return not Path(source).expanduser().exists() and is_id(source)


def _told_in_a_line(ask: Callable[[], T]) -> T:
    """Weights that are not there, or are none, are wrong input: told before anything is written or filmed."""
    try:
        return ask()
    except t2v.CheckpointError as error:
        raise StudioError(f"video: {error}", code=2) from error
    except FileNotFoundError as error:
        raise StudioError(f"video: lora: {error.filename}: there is no such file", code=2) from error


def size_of_lines(aspect: str, lines: int) -> tuple[int, int]:
    """Width and height of a shape whose shorter side has so many pixels, both even."""
    wide, high = (int(number) for number in aspect.split(":"))
    scale = lines / min(wide, high)
    return 2 * round(wide * scale / 2), 2 * round(high * scale / 2)


def picture_size(premise: Premise) -> tuple[int, int]:
    """Width and height of the finished picture."""
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


def parse_lora(text: str) -> tuple[str, float]:
    """File and weight of "FILE" or "FILE:0.7"; without a weight it is 1."""
    file, colon, weight = text.rpartition(":")
    try:
        return (file, float(weight)) if colon and file else (text, 1.0)
    except ValueError:
        return text, 1.0  # a colon of the path's own
