"""`prefect run train`: a film model goes on learning from a folder of clips or pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from flows.studio.errors import StudioError
from flows.studio.media import frames as frame_files
from flows.studio.media import gif
from flows.studio.media.size import parse_size
from flows.studio.production.console import Screen

if TYPE_CHECKING:
    from t2v import TextToVideo
    from t2v.training.finetune import Example

PREVIEW_BYTES = 4_000_000


@dataclass(frozen=True)
class TrainOptions:
    """The options of `train`; None means what the model is made for."""

    model: Annotated[str, Parameter(help="toon, a folder, a file, or a hub id.")]
    data: Annotated[Path, Parameter(help="Clips (mp4, gif) or pictures (png, jpg), a .txt beside each.")]
    out: Annotated[Path, Parameter(help="The folder for checkpoint, previews and result.")]
    what: Annotated[Literal["temporal", "lora", "all"], Parameter(help="What of the UNet learns.")] = "lora"
    steps: Annotated[int, Parameter(help="How many batches in all.")] = 1000
    minutes: Annotated[
        float | None, Parameter(help="Stop cleanly after so long. The same command goes on.")
    ] = None
    caption: Annotated[str | None, Parameter(help="For files that have no .txt.")] = None
    learning_rate: Annotated[
        float | None, Parameter(help="Left out: 1e-4 for a LoRA or a small model, else 5e-6.")
    ] = None
    rank: Annotated[int, Parameter(help="Of a LoRA.")] = 16
    batch: Annotated[int, Parameter(help="Examples a step.")] = 1
    frames: Annotated[int | None, Parameter(help="Frames of a clip. Left out: the model's.")] = None
    size: Annotated[str | None, Parameter(help="WIDTHxHEIGHT. Left out: the model's first.")] = None
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"], Parameter(help="auto: bf16 where it is the faster one.")
    ] = "auto"
    checkpointing: Annotated[bool, Parameter(help="Less memory, more time; the gradients are the same.")] = (
        True
    )
    min_snr: Annotated[float, Parameter(help="Gamma of min-SNR weighting, often 5. 0: none.")] = 0.0
    preview: Annotated[
        tuple[str, ...],
        Parameter(negative=(), help="A prompt for the previews, again for more. Left out: two captions."),
    ] = ()
    preview_every: Annotated[int, Parameter(help="Steps from one to the next.")] = 250
    device: Annotated[str | None, Parameter(help="cpu, cuda … Left out: the best there is.")] = None
    seed: Annotated[int, Parameter(help="Same seed, same training.")] = 0


def make(options: TrainOptions, screen: Screen) -> None:
    """Train, or go on training. Raises StudioError, T2VError."""
    stop_at = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    files = frame_files.find_captioned_files(options.data, options.caption)
    screen.say(
        f"{len(files)} clips and pictures in {options.data}; {options.what} of {options.model} learns."
    )
    screen.progress(f"loading {options.model}")
    from t2v.training import finetune
    from t2v.training.resumable import TimeIsUp

    model = finetune.load(options.model, device=options.device)
    framing = _framing(options, model)
    settings = finetune.FineTuning(
        what=options.what,
        num_steps=options.steps,
        learning_rate=options.learning_rate,
        rank=options.rank,
        batch=options.batch,
        min_snr=options.min_snr,
        precision=options.precision,
        checkpointing=options.checkpointing,
        preview_every=options.preview_every,
        seed=options.seed,
    )
    screen.progress("encoding what is trained on")
    file = options.out / f"latents-{_key(files, framing)}.pt"
    try:
        clips = finetune.encoded(
            model, lambda first: _examples(files, first, framing, screen), file, stop_at=stop_at
        )
    except TimeIsUp as over:
        screen.say(f"Stopped after {over.done} of {len(files)} were encoded. The same command goes on.")
        return
    prompts = options.preview or tuple(dict.fromkeys(clips.captions))[:2]

    def show(shown: TextToVideo, step: int) -> None:
        for number, prompt in enumerate(prompts, 1):
            video = shown.generate(
                prompt, num_frames=framing.num_frames, height=framing.height, width=framing.width, seed=number
            )
            place = options.out / "previews" / f"step-{step:06d}-{number}.gif"
            place.parent.mkdir(parents=True, exist_ok=True)
            gif.write_gif(video.frames, video.fps, place, most_bytes=PREVIEW_BYTES)

    screen.progress("training")
    progress = finetune.finetune(
        model, clips, settings, options.out, stop_at=stop_at, log=screen.say, preview=show
    )
    if progress.step < options.steps:
        screen.say(f"Stopped at step {progress.step} of {options.steps}. The same command goes on.")


def _framing(options: TrainOptions, model: TextToVideo) -> frame_files.FrameFormat:
    preset = model.preset
    height, width = next(iter(preset.sizes.values()))
    if options.size is not None:
        width, height = parse_size(options.size, where="--size")
    factor = preset.autoencoder.factor
    if height % factor or width % factor or not height * width:
        raise StudioError(f"--size: wanted multiples of {factor}, got {width}x{height}", code=2)
    num_frames = preset.num_frames if options.frames is None else options.frames
    if num_frames < 1:
        raise StudioError(f"--frames: wanted at least 1, got {num_frames}", code=2)
    return frame_files.FrameFormat(num_frames, preset.fps, height, width)


def _key(files: list[frame_files.CaptionedFile], framing: frame_files.FrameFormat) -> str:
    from t2v.training import finetune

    told = [(c.file.name, c.caption, c.file.stat().st_size, c.file.stat().st_mtime_ns) for c in files]
    return finetune.key_of(framing, *told)


def _examples(
    files: list[frame_files.CaptionedFile], first: int, framing: frame_files.FrameFormat, screen: Screen
) -> Iterator[Example]:
    from t2v.training.finetune import Example

    left = files[first:]
    for done, (captioned, frames) in enumerate(
        zip(left, frame_files.read_frames(left, framing), strict=True), first + 1
    ):
        yield Example(frames, captioned.caption)
        screen.progress("encoding what is trained on", done, len(files))
