"""Loads guests and films with them: text and pictures in, uint8 frames (f, h, w, 3) out, by diffusers."""

from __future__ import annotations

import contextlib
import gc
import inspect
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict, Unpack

import numpy as np
import torch

from t2v.errors import CheckpointError, RenderError, SettingsError
from t2v.guests import folder, placing
from t2v.guests.families import NEGATIVE
from t2v.guests.folder import GuestPreset
from t2v.guests.placing import GuestPlan
from t2v.memory.placement import MemoryLimit, budget_bytes_of, is_out_of_memory
from t2v.memory.precision import best_dtype
from t2v.pipeline import Video

Callback = Callable[[int, int], None]  # step from 1, number of steps; what it raises ends the filming
_WORDS = {
    "none": "no picture",
    "first": "a picture for its first frame",
    "last": "a picture for its last frame",
    "both": "pictures for its first and last frame",
}


class GuestSettings(TypedDict, total=False):
    """The settings of `generate` besides prompt and seed. None, or one left out, is the guest's own."""

    negative_prompt: str | None
    num_frames: int | None
    height: int | None  # pixels
    width: int | None
    num_steps: int | None
    guidance_scale: float | None
    hold: Mapping[int, np.ndarray] | None  # uint8 (h, w, 3), as large as the film; -1 is the last
    references: Sequence[np.ndarray]  # uint8 (h, w, 3) of any size: who and what is to be seen
    callback: Callback | None


@dataclass(frozen=True)
class _Clip:
    """One clip's settings with every value filled in."""

    prompt: str
    negative_prompt: str
    num_frames: int
    height: int
    width: int
    num_steps: int
    guidance_scale: float | None
    hold: Mapping[int, np.ndarray]
    references: tuple[np.ndarray, ...]


class Guest:
    """A loaded pipeline. Threads take turns, clip by clip; `close` frees its networks."""

    def __init__(self, preset: GuestPreset, pipe: Any, device: torch.device, plan: GuestPlan) -> None:
        self.preset, self.device, self.plan = preset, device, plan
        self.revision: str | None = None
        self.lock = threading.RLock()
        self._pipe: Any = pipe
        self._begun: Any = None  # the same networks in the pipeline that films from pictures

    def generate(self, prompt: str, *, seed: int = 0, **settings: Unpack[GuestSettings]) -> Video:
        """Films a prompt. The noise is drawn on the CPU from `seed`, whatever the device.

        Raises SettingsError for what diffusers would round, or fail at in the middle; RenderError for frames
        that are no numbers, or where memory ran out; TypeError for an unknown setting.
        """
        if unknown := sorted(settings.keys() - GuestSettings.__annotations__.keys()):
            raise TypeError(f"generate() got an unexpected keyword argument {unknown[0]!r}")
        clip = self._resolve(prompt, settings)
        self._check(clip, seed)
        with self.lock:
            pipe = self._pipeline(clip)
            self._warn_of_long(clip.prompt)
            watched = _Told(settings.get("callback"))
            try:
                film = self._film(pipe, clip, seed, watched)
            except (RuntimeError, ValueError, TypeError, IndexError, MemoryError) as error:
                if error is watched.error:  # the caller's own, to end the filming
                    raise
                raise self._failure(error) from error
        if not np.isfinite(film).all():
            raise RenderError(f"{self.preset.title}: its frames are not finite; try another seed or guidance")
        frames = (film * 255).round().clip(0, 255).astype(np.uint8)
        used = {key: value for key, value in vars(clip).items() if key not in ("hold", "references")}
        told = {**used, "hold": sorted(clip.hold), "references": len(clip.references), "seed": seed}
        told |= {"sampler": None, "motion_guidance": None, "model": self.preset.name}
        return Video(frames, self.preset.family.fps, told)

    def close(self) -> None:
        """Frees the networks. Using the guest afterwards is an error; closing twice does nothing."""
        with self.lock:
            self._pipe = self._begun = None
            gc.collect()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    # ------------------------------------------------------------------------------------------ settings

    def _resolve(self, prompt: str, settings: GuestSettings) -> _Clip:
        own, family = self.preset, self.preset.family

        def value(name: str, default: Any) -> Any:
            given = settings.get(name)
            return default if given is None else given

        num_frames = value("num_frames", family.num_frames)
        hold = {number % max(1, num_frames): frame for number, frame in value("hold", {}).items()}
        return _Clip(
            prompt=prompt,
            negative_prompt=value("negative_prompt", NEGATIVE),
            num_frames=num_frames,
            height=value("height", own.height),
            width=value("width", own.width),
            num_steps=value("num_steps", family.num_steps),
            guidance_scale=value("guidance_scale", family.guidance_scale),
            hold=hold,
            references=tuple(settings.get("references") or ()),
        )

    def _check(self, clip: _Clip, seed: int) -> None:
        own, step = self.preset, self.preset.family.frame_step
        wanted = [
            (
                clip.num_frames > 0 and (clip.num_frames - 1) % step == 0,
                f"a multiple of {step} and one more frames, got {clip.num_frames}, "
                f"try {max(0, round((clip.num_frames - 1) / step)) * step + 1}",
            ),
            *(
                (
                    pixels > 0 and pixels % own.size_step == 0,
                    f"a {side} in steps of {own.size_step}, got {pixels}, "
                    f"try {max(1, round(pixels / own.size_step)) * own.size_step}",
                )
                for side, pixels in (("height", clip.height), ("width", clip.width))
            ),
            (
                not own.has_one_size or (clip.height, clip.width) == (own.height, own.width),
                f"{own.width}x{own.height}, its only size, got {clip.width}x{clip.height}",
            ),
            (clip.num_steps > 0, f"steps, got {clip.num_steps}"),
            (0 <= seed < 2**63, f"a seed from 0 to 2**63 - 1, got {seed}"),
            (isinstance(clip.prompt, str), "one prompt for all frames, got one for each of several"),
            (
                len(clip.references) <= own.family.references,
                f"at most {own.family.references} reference pictures, got {len(clip.references)}"
                if own.family.references
                else f"no reference pictures, got {len(clip.references)}",
            ),
            (self._takes(clip), self._describe_pictures(clip)),
            (
                all(
                    frame.shape == (clip.height, clip.width, 3) and frame.dtype == np.uint8
                    for frame in clip.hold.values()
                ),
                f"held frames as uint8 ({clip.height}, {clip.width}, 3)",
            ),
        ]
        if faults := [text for is_good, text in wanted if not is_good]:
            raise SettingsError(f"{own.title} wants {'; '.join(faults)}")

    def _takes(self, clip: _Clip) -> bool:
        return _kind(clip) in self.preset.family.pictures or "any" in self.preset.family.pictures

    def _describe_pictures(self, clip: _Clip) -> str:
        takes = [_WORDS[kind] for kind in self.preset.family.pictures if kind in _WORDS]
        got = _WORDS.get(_kind(clip), f"pictures for frames {', '.join(map(str, sorted(clip.hold)))}")
        return f"{' or '.join(takes)}, got {got}"

    def _warn_of_long(self, prompt: str) -> None:
        tokenizer, most = getattr(self._pipe, "tokenizer", None), self.preset.family.tokens
        if tokenizer is None:
            return
        with _quiet():
            count = len(tokenizer(prompt).input_ids)
        if count > most:
            warnings.warn(
                f"{self.preset.title} reads {most} tokens of a prompt, got {count}: its end is not seen",
                RuntimeWarning,
                stacklevel=4,
            )

    # ------------------------------------------------------------------------------------------- filming

    def _pipeline(self, clip: _Clip) -> Any:
        if self._pipe is None:
            raise RuntimeError(f"{self.preset.name}: this model is closed; load it again to use it")
        name = self.preset.family.begun
        if not clip.hold or name is None:
            return self._pipe
        if self._begun is None:
            kind = find_class(name)  # `from_pipe` would cast every network to fp32, twice the memory
            takes = inspect.signature(kind.__init__).parameters
            parts = {key: part for key, part in self._pipe.components.items() if key in takes}
            config = {key: value for key, value in self._pipe.config.items() if key in takes}
            own = {key: config[key] for key in ("boundary_ratio", "expand_timesteps") if key in config}
            self._begun = kind(**parts, **own)
        return self._begun

    def _failure(self, error: Exception) -> RenderError:
        """Why a pipeline failed in the middle, in a line."""
        if is_out_of_memory(error):
            advice = "try fewer frames, a smaller size, or a smaller memory:"
            return RenderError(f"{self.preset.title}: memory ran out ({self.plan.words}); {advice}")
        return RenderError(f"{self.preset.title}: diffusers cannot film this: {_first_line(error)}")

    def _film(self, pipe: Any, clip: _Clip, seed: int, callback: _Told) -> np.ndarray:
        arguments = self._arguments(pipe, clip)
        generator = torch.Generator("cpu").manual_seed(seed)
        before = pipe.progress_bar
        pipe.progress_bar = lambda iterable=None, total=None: _Bar(iterable, total, callback)
        try:
            with _quiet(), torch.inference_mode():
                made = pipe(prompt=clip.prompt, generator=generator, output_type="np", **arguments)
        finally:
            pipe.progress_bar = before
            pipe.maybe_free_model_hooks()
        return np.asarray(made.frames[0])

    def _arguments(self, pipe: Any, clip: _Clip) -> dict[str, Any]:
        """The settings under the names that the pipeline's own call has for them."""
        takes = inspect.signature(pipe.__call__).parameters
        given: dict[str, Any] = {"num_frames": clip.num_frames, "num_inference_steps": clip.num_steps}
        if "height" in takes:  # else it films as large as the picture that it is given
            given |= {"height": clip.height, "width": clip.width}
        if clip.negative_prompt and "negative_prompt" in takes:
            given["negative_prompt"] = clip.negative_prompt
        if clip.guidance_scale is not None:
            if "guidance_scale" in takes:
                given["guidance_scale"] = clip.guidance_scale
            elif getattr(pipe, "guider", None) is not None:
                pipe.guider = pipe.guider.new(guidance_scale=clip.guidance_scale)
            else:
                raise SettingsError(f"{self.preset.title} wants no guidance scale, got {clip.guidance_scale}")
        if "frame_rate" in takes:
            given["frame_rate"] = float(self.preset.family.fps)
        if clip.references:
            given["reference_images"] = [_picture(frame) for frame in clip.references]
        return given | (_masked(clip) if "mask" in takes and clip.hold else _pictures(pipe, takes, clip))


class _Told:
    """A caller's callback, and what it raised."""

    def __init__(self, callback: Callback | None) -> None:
        self._callback = callback
        self.error: BaseException | None = None

    def __call__(self, step: int, num_steps: int) -> None:
        try:
            if self._callback is not None:
                self._callback(step, num_steps)
        except BaseException as error:
            self.error = error
            raise


class _Bar:
    """A progress bar's place in a pipeline, which tells its steps to a callback."""

    def __init__(self, iterable: Any, total: int | None, callback: _Told) -> None:
        self._iterable, self._callback, self._step = iterable, callback, 0
        self._total = len(iterable) if total is None and iterable is not None else total or 0

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def __iter__(self) -> Iterator[Any]:
        for each in self._iterable:
            yield each
            self.update()

    def update(self, steps: int = 1) -> None:
        """Called by the pipeline after a step."""
        self._step += steps
        self._callback(self._step, max(self._total, self._step))


def _kind(clip: _Clip) -> str:
    """Which set of frames is held, by name; "any" for others than the first and the last."""
    last = clip.num_frames - 1
    names = {(): "none", (0,): "first", (last,): "last", (0, last): "both"}
    return names.get(tuple(sorted(clip.hold)), "any")


def _picture(frame: np.ndarray, mode: str = "RGB") -> Any:
    from PIL import Image

    return Image.fromarray(frame).convert(mode)


def _masked(clip: _Clip) -> dict[str, Any]:
    """VACE: a film that is grey where nothing is known, and a mask that is white there."""
    shape = (clip.height, clip.width, 3)
    grey, white, black = (np.full(shape, value, np.uint8) for value in (127, 255, 0))
    numbers = range(clip.num_frames)
    return {
        "video": [_picture(clip.hold.get(number, grey)) for number in numbers],
        "mask": [_picture(black if number in clip.hold else white, "L") for number in numbers],
    }


def _pictures(pipe: Any, takes: Mapping[str, Any], clip: _Clip) -> dict[str, Any]:
    """The held first and last frame, as LTX's conditions or as pictures by name."""
    pictures = {number: _picture(frame) for number, frame in sorted(clip.hold.items())}
    if not pictures:
        return {}
    if "conditions" in takes:
        module: Any = inspect.getmodule(type(pipe))
        if hasattr(module, "LTX2VideoCondition"):
            kind = module.LTX2VideoCondition  # crf=0: it is not compressed first, which would need PyAV
            made = [kind(frames=x, index=0 if n == 0 else -1, crf=0) for n, x in pictures.items()]
        else:
            made = [module.LTXVideoCondition(image=x, frame_index=n) for n, x in pictures.items()]
        return {"conditions": made}
    named = {"image": pictures.pop(0, None), "last_image": next(iter(pictures.values()), None)}
    return {name: picture for name, picture in named.items() if picture is not None}


# -------------------------------------------------------------------------------------------- loading


def load(
    source: str, *, device: str | None = None, dtype: torch.dtype | None = None, memory: MemoryLimit = "auto"
) -> Guest:
    """Loads a guest ready to film; what is missing of a hub's is fetched.

    Safetensors alone are read, and no code that lies in the folder is run. Raises CheckpointError, and
    SettingsError for a memory limit that is none.
    """
    path, revision = folder.fetch(source)
    preset = folder.preset(source)
    where = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
    kind = find_class(preset.pipeline)
    half = dtype or best_dtype(where)
    precision: Any = half
    if preset.pipeline.startswith("Wan") and half != torch.float32:  # its makers decode in fp32
        precision = {"default": half, "vae": torch.float32}
    try:
        with _quiet():
            pipe = kind.from_pretrained(
                str(path),
                dtype=precision,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
    except (OSError, ValueError, ImportError, RuntimeError, TypeError, KeyError) as error:
        fault = _first_line(error)
        raise CheckpointError(f"{source}: {preset.pipeline} cannot be loaded: {fault}") from error
    chosen = placing.plan(preset, card_gb=_card_gb(where, memory), memory_gb=placing.free_memory_gb())
    placing.place(pipe, chosen, where)
    guest = Guest(preset, pipe, where, chosen)
    guest.revision = revision
    return guest


def _card_gb(device: torch.device, memory: MemoryLimit) -> float | None:
    """The gigabytes to plan with: those of `memory`, else what the card has free; None without a card."""
    if device.type == "cpu":
        return None
    budget = budget_bytes_of(memory)
    if budget is not None:
        return budget / 1e9
    is_cuda = device.type == "cuda"
    return torch.cuda.mem_get_info(device)[0] / 1e9 if is_cuda else placing.free_memory_gb()


def find_class(name: str) -> Any:
    """A pipeline of the installed diffusers. Raises CheckpointError with what to install."""
    try:
        import diffusers
        import transformers  # noqa: F401
    except ImportError as error:
        raise CheckpointError(
            f'{name} is filmed by diffusers, which is not installed: pip install "cold-open[cameras]"'
        ) from error
    found = getattr(diffusers, name, None)
    if found is None:
        version = diffusers.__version__
        raise CheckpointError(f"diffusers {version} has no {name}; try pip install -U diffusers")
    return found


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside, neither library writes bars or hints to the terminal; what is wrong is raised."""
    import diffusers.utils.logging as diffusers_log
    import transformers.utils.logging as transformers_log

    before = [(log, log.get_verbosity()) for log in (diffusers_log, transformers_log)]
    for log, _ in before:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            for kind in (DeprecationWarning, FutureWarning):  # meant for the libraries' own authors
                warnings.simplefilter("ignore", kind)
            warnings.filterwarnings("ignore", "In CPU autocast", UserWarning)  # Mochi's own, of no effect
            yield
    finally:
        for log, verbosity in before:
            log.set_verbosity(verbosity)
            log.enable_progress_bar()
