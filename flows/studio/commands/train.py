"""`train`: trains a film model further on a folder of captioned clips and pictures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flows.studio.errors import StudioError
from flows.studio.filming.local.t2v_errors import errors_of_t2v
from flows.studio.media import frames as frame_files
from flows.studio.media import gif
from flows.studio.media.frames import CaptionedFile, FrameFormat
from flows.studio.media.size import parse_size
from flows.studio.production.console import Console

if TYPE_CHECKING:
    from t2v import TextToVideo
    from t2v.training.finetune import EncodedClips, Example, FineTuning

PREVIEW_BYTES = 4_000_000


@dataclass(frozen=True)
class TrainOptions:
    """The options of `train`; the text under a field is its help. None means the film model's own value."""

    model: str
    """toon, a folder, a file, or a hub id."""
    data: Path
    """Clips (mp4, webm, …) or pictures (png, jpg, …), a .txt beside each."""
    out: Path
    """The folder for checkpoint, previews and result."""
    what: Literal["temporal", "lora", "all"] = "lora"
    """What of the UNet learns."""
    steps: int = 1000
    """How many batches in all."""
    minutes: float | None = None
    """Stop cleanly after so long. The same command goes on."""
    caption: str | None = None
    """For files that have no .txt."""
    learning_rate: float | None = None
    """Left out: 1e-4 for a LoRA or a small model, else 5e-6."""
    rank: int = 16
    """Of a LoRA."""
    batch: int = 1
    """Examples a step."""
    frames: int | None = None
    """Frames of a clip. Left out: the model's."""
    size: str | None = None
    """WIDTHxHEIGHT. Left out: the model's first."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """auto: bf16 where it is the faster one."""
    checkpointing: bool = True
    """Less memory, more time; the gradients are the same."""
    min_snr: float = 0.0
    """Gamma of min-SNR weighting, often 5. 0: none."""
    preview: tuple[str, ...] = ()
    """A prompt for the previews, again for more. Left out: two captions."""
    preview_every: int = 250
    """Steps from one to the next."""
    device: str | None = None
    """cpu, cuda … Left out: the best there is."""
    seed: int = 0
    """Same seed, same training."""


def make(options: TrainOptions, screen: Console) -> None:
    """Trains, or goes on training, until the steps or the minutes are done. Raises StudioError."""
    stop_at = None if options.minutes is None else time.monotonic() + 60 * options.minutes
    files = frame_files.find_captioned_files(options.data, options.caption)
    screen.say(
        f"{len(files)} clips and pictures in {options.data}; {options.what} of {options.model} learns."
    )
    with errors_of_t2v():
        _train(options, files, stop_at, screen)


def _train(options: TrainOptions, files: list[CaptionedFile], stop_at: float | None, screen: Console) -> None:
    screen.progress(f"loading {options.model}")
    from t2v.training import finetune  # needs torch

    model = finetune.load_model(options.model, device=options.device)
    frame_format = _frame_format(options, model)
    settings = _fine_tuning(options)
    clips = _encode(options, model, files, frame_format, stop_at, screen)
    if clips is None:
        return
    prompts = options.preview or tuple(dict.fromkeys(clips.captions))[:2]

    def preview(trained: TextToVideo, step: int) -> None:
        folder = options.out / "previews"
        folder.mkdir(parents=True, exist_ok=True)
        for number, prompt in enumerate(prompts, 1):
            video = trained.generate(
                prompt,
                num_frames=frame_format.num_frames,
                height=frame_format.height,
                width=frame_format.width,
                seed=number,
            )
            file = folder / f"step-{step:06d}-{number}.gif"
            gif.write_gif(video.frames, video.fps, file, most_bytes=PREVIEW_BYTES)

    screen.progress("training")
    progress = finetune.finetune(
        model, clips, settings, options.out, stop_at=stop_at, log=screen.say, preview=preview
    )
    if progress.step < options.steps:
        screen.say(f"Stopped at step {progress.step} of {options.steps}. The same command goes on.")


def _fine_tuning(options: TrainOptions) -> FineTuning:
    from t2v.training.finetune import FineTuning  # needs torch

    return FineTuning(
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


def _frame_format(options: TrainOptions, model: TextToVideo) -> FrameFormat:
    """Frames, rate and size that the files are read at. Raises StudioError for what the model cannot film."""
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
    return FrameFormat(num_frames, preset.fps, height, width)


def _encode(
    options: TrainOptions,
    model: TextToVideo,
    files: list[CaptionedFile],
    frame_format: FrameFormat,
    stop_at: float | None,
    screen: Console,
) -> EncodedClips | None:
    """The files' latents, stored in the training's folder; None if the time was up before the last one."""
    from t2v.training import finetune  # needs torch
    from t2v.training.resumable import TimeIsUp

    screen.progress("encoding what is trained on")
    stats = [(c.file.name, c.caption, c.file.stat().st_size, c.file.stat().st_mtime_ns) for c in files]
    cache = options.out / f"latents-{latents_key(frame_format, *stats)}.pt"
    try:
        return finetune.encode_examples(
            model, lambda first: _examples(files, first, frame_format, screen), cache, stop_at=stop_at
        )
    except TimeIsUp as over:
        screen.say(f"Stopped after {over.done} of {len(files)} were encoded. The same command goes on.")
        return None


def latents_key(frame_format: FrameFormat, *files: tuple[str, str, int, int]) -> str:
    """The key of a training's latents, from every file's name, caption, size in bytes and mtime in ns."""
    from t2v.training import finetune  # needs torch

    # The text that earlier versions hashed: their latents are found again.
    read_at = (
        f"Framing(num_frames={frame_format.num_frames}, fps={frame_format.fps}, "
        f"height={frame_format.height}, width={frame_format.width})"
    )
    return finetune.cache_key(read_at, *files)


def _examples(
    files: list[CaptionedFile], first: int, frame_format: FrameFormat, screen: Console
) -> Iterator[Example]:
    """Every file from number `first` on as frames with their caption."""
    from t2v.training.finetune import Example  # needs torch

    remaining = files[first:]
    frames_of_files = frame_files.read_frames(remaining, frame_format)
    for done, (file, frames) in enumerate(zip(remaining, frames_of_files, strict=True), first + 1):
        yield Example(frames, file.caption)
        screen.progress("encoding what is trained on", done, len(files))
