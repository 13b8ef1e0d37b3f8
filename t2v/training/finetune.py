"""Fine-tunes a loaded model on clips and pictures: the UNet, its temporal layers, or a LoRA.

Frames and captions are arrays and text; video files are read elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from t2v import loading
from t2v.checkpoints.files.atomic import atomic_write
from t2v.checkpoints.files.safetensors import compress_weights, write_weights
from t2v.checkpoints.fingerprint import TOON_FILE
from t2v.errors import SettingsError
from t2v.memory.precision import best_dtype
from t2v.networks.layers import TemporalConvBlock, TemporalTransformer
from t2v.networks.outer import OuterLevel
from t2v.pipeline import TextToVideo
from t2v.sampling.held_frames import frames_to_tensor
from t2v.sampling.prompts import embed_prompt, translate_prompt
from t2v.training.loop import Objective, Progress, TrainingPlan, diffusion_loss, loss_at, train
from t2v.training.lora_layers import LoraLayers, add_lora
from t2v.training.resumable import Sample, prepare_in_parts

TrainedPart = Literal["temporal", "lora", "all"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
CHECKPOINT = "checkpoint.pt"
VALIDATION = "validation.jsonl"
ENCODED_AT_ONCE = 32  # examples in a saved part: as many may be lost when the process is killed
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the timesteps, at which the validation loss is measured


@dataclass(frozen=True)
class Example:
    """A clip, uint8 (f, h, w, 3), or a picture as a clip of one frame, and its caption."""

    frames: np.ndarray
    caption: str


@dataclass(frozen=True)
class FineTuning:
    """The settings of a fine-tuning. `learning_rate` None: 1e-4 for a LoRA or a small model, else 5e-6."""

    what: TrainedPart = "lora"
    num_steps: int = 1000
    learning_rate: float | None = None
    rank: int = 16
    batch: int = 1
    min_snr: float = 0.0
    caption_dropout: float = 0.1
    precision: Precision = "auto"
    checkpointing: bool = True
    validate_every: int = 100
    preview_every: int = 250
    seed: int = 0
    checkpoint_seconds: float = 240.0


@dataclass(frozen=True)
class EncodedClips:
    """Latents (c, f, h, w) in fp16, and captions. Every tenth example is held out for validation."""

    latents: list[Tensor]
    captions: list[str]

    def held_out(self) -> list[int]:
        """The indices of the examples for validation."""
        return list(range(9, len(self.latents), 10)) or list(range(len(self.latents)))[1:][-1:]

    def trained(self) -> list[int]:
        """The indices of the examples to train on."""
        held = set(self.held_out())
        return [i for i in range(len(self.latents)) if i not in held]


def load_model(source: str, device: str | None = None) -> TextToVideo:
    """Load a model in fp32, to train it. Raises CheckpointError, SettingsError."""
    return loading.load(source, device=device, dtype=torch.float32)


def encode_examples(
    model: TextToVideo,
    examples: Callable[[int], Iterable[Example]],
    file: Path,
    *,
    stop_at: float | None = None,
) -> EncodedClips:
    """Encode the examples with the autoencoder, once; the latents are saved in `file` and read from there.

    `examples(first)` are all from that index on, in the same order every time. Raises TimeIsUp at `stop_at`.
    """

    def samples(first: int) -> Iterator[Sample]:
        model.autoencoder.to(model.device)
        for example in examples(first):
            with torch.inference_mode():
                out = model.autoencoder.encode(frames_to_tensor(example.frames).to(model.device))
            yield {"latents": out[0].half().cpu(), "captions": example.caption}

    def join(samples: list[Sample]) -> dict[str, list[Any]]:
        return {key: [sample[key] for sample in samples] for key in ("latents", "captions")}

    prepare_in_parts(file, samples, join, every=ENCODED_AT_ONCE, stop_at=stop_at)
    return EncodedClips(**torch.load(file, weights_only=True))


def checkpoint_stages(model: TextToVideo) -> None:
    """Turn on gradient checkpointing: stages of the UNet recompute their activations for the gradients."""
    unet = model.unet
    levels = [level for level in unet.outer_levels if isinstance(level, OuterLevel)]
    outer = [block for level in levels for block in (*level.down, *level.up)]
    for stage in (*unet.input_blocks, unet.middle_block, *unet.output_blocks, *outer):
        stage.forward = partial(checkpoint, stage.forward, use_reentrant=False)


def trainable_parameters(
    model: TextToVideo, settings: FineTuning
) -> tuple[dict[str, nn.Parameter], LoraLayers | None]:
    """The parameters to train, by name, and the LoRA if it is one."""
    unet = model.unet
    if settings.what == "lora":
        adapters = add_lora(unet, settings.rank, settings.seed)
        return adapters.parameters(), adapters
    if settings.what == "all":
        return dict(unet.named_parameters()), None
    kinds = (TemporalConvBlock, TemporalTransformer)
    prefixes = tuple(f"{name}." for name, m in unet.named_modules() if isinstance(m, kinds))
    return {n: p for n, p in unet.named_parameters() if n.startswith(prefixes)}, None


def finetune(
    model: TextToVideo,
    clips: EncodedClips,
    settings: FineTuning,
    folder: Path,
    *,
    stop_at: float | None = None,
    log: Callable[[str], None] = lambda line: None,
    preview: Callable[[TextToVideo, int], None] = lambda model, step: None,
) -> Progress:
    """Train a model in fp32 to the end or to `stop_at`, from the folder's checkpoint if it exists.

    `preview(model, step)` is called every `preview_every` steps. At the end a LoRA is saved to the folder as
    `pytorch_lora_weights.safetensors`, anything else as a model in `model/`, both of the moving average.
    Raises SettingsError.
    """
    _check(model, clips, settings)
    _check_resumed_settings(settings, model, folder)
    parameters, adapters = trainable_parameters(model, settings)
    held = nn.ParameterDict({name.replace(".", "/"): p for name, p in parameters.items()})
    held.requires_grad_(True)
    if settings.checkpointing:
        checkpoint_stages(model)
    run = _Run(model, clips, settings, folder, log)

    def loss(step: int) -> Tensor:
        if step and step % settings.validate_every == 0:
            run.validate(step)
        if step and step % settings.preview_every == 0:
            run.show(preview, step)
        return run.loss(step)

    run.ready()
    plan = TrainingPlan(
        settings.num_steps,
        settings.learning_rate or default_rate(model, settings),
        warmup_steps=min(100, max(1, settings.num_steps // 10)),
        checkpoint_seconds=settings.checkpoint_seconds,
        log_every=min(20, settings.num_steps),
        fp16=run.dtype == torch.float16,
    )
    progress = train(held, loss, plan, folder / CHECKPOINT, stop_at=stop_at, log=log)
    if progress.step >= settings.num_steps:
        held.load_state_dict(torch.load(folder / CHECKPOINT, weights_only=True, map_location="cpu")["ema"])
        run.validate(progress.step)
        written = _export(model, adapters, folder)
        log(f"wrote {written}")
        run.show(preview, progress.step)
    return progress


def default_rate(model: TextToVideo, settings: FineTuning) -> float:
    """The learning rate: 1e-4 for a LoRA and for small models, 5e-6 for the weights of the large one."""
    return 1e-4 if settings.what == "lora" or model.preset.unet.width < 320 else 5e-6


def _check(model: TextToVideo, clips: EncodedClips, settings: FineTuning) -> None:
    if model.dtype != torch.float32:
        raise SettingsError(f"wanted a model in fp32 to train, got {model.dtype}: load it with dtype fp32")
    if not clips.trained():
        raise SettingsError("wanted at least one clip or picture to train on, got none")
    for name in ("num_steps", "rank", "batch", "validate_every", "preview_every"):
        if getattr(settings, name) < 1:
            raise SettingsError(f"{name}: wanted at least 1, got {getattr(settings, name)}")
    if settings.precision == "fp16" and model.device.type != "cuda":
        raise SettingsError(f"precision: fp16 trains on CUDA alone, got {model.device}: try bf16 or fp32")
    if model.preset.unet.guidance_embed_dim is not None:
        raise SettingsError(
            f"{model.preset.name}: was distilled to a few steps, and training would undo it: "
            "train the model that it comes from"
        )
    if settings.what == "temporal" and not model.preset.unet.temporal:
        raise SettingsError(f"{model.preset.name}: wanted temporal layers to train, it has none")


def _check_resumed_settings(settings: FineTuning, model: TextToVideo, folder: Path) -> None:
    """Write the settings beside the checkpoint. Raises SettingsError if it was begun with others."""
    file = folder / "training.json"
    source = "" if model.origin is None else model.origin.source
    free = ("validate_every", "preview_every", "checkpoint_seconds", "checkpointing")
    now = {"model": source, **{k: v for k, v in asdict(settings).items() if k not in free}}
    if (folder / CHECKPOINT).exists() and file.exists():
        before = json.loads(file.read_text("utf-8"))
        other = [f"{k} {before.get(k)!r}, not {v!r}" for k, v in now.items() if before.get(k) != v]
        if other:
            raise SettingsError(
                f"{folder}: was begun with {', '.join(other)}: go on so, or name a new folder"
            )
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as part:
        part.write_text(json.dumps(now, indent=2) + "\n", "utf-8")


class _Run:
    """A model in training: its losses, its validation, and switching between training and filming."""

    def __init__(
        self,
        model: TextToVideo,
        clips: EncodedClips,
        settings: FineTuning,
        folder: Path,
        log: Callable[[str], None],
    ) -> None:
        self.model, self.clips, self.settings, self.folder, self.log = model, clips, settings, folder, log
        self.objective = Objective(model.preset.prediction, settings.min_snr)
        self.dtype = _precision(model.device, settings.precision)
        captions = sorted({"", *clips.captions})
        model.text_encoder.to(model.device)
        with torch.inference_mode():
            texts = {text: _as_filmed(model, text) for text in captions}
        self.texts = {text: value.clone() for text, value in texts.items()}
        self.shapes: dict[tuple[int, ...], list[int]] = {}
        for i in clips.trained():
            self.shapes.setdefault(tuple(clips.latents[i].shape), []).append(i)
        self.of_shape = [shape for shape, inside in self.shapes.items() for _ in inside]

    def ready(self) -> None:
        """Put the model into training mode: only the UNet on the device, with dropout."""
        model = self.model
        if model.device.type != "cpu":
            model.text_encoder.to("cpu")
            model.autoencoder.to("cpu")
        model.unet.to(model.device).train()

    def loss(self, step: int) -> Tensor:
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + step)
        shape = self.of_shape[int(torch.randint(len(self.of_shape), (1,), generator=generator))]
        inside = self.shapes[shape]
        picks = torch.randint(len(inside), (self.settings.batch,), generator=generator).tolist()
        chosen = [inside[i] for i in picks]
        dropped = torch.rand(len(chosen), generator=generator) < self.settings.caption_dropout
        captions = [
            "" if d else self.clips.captions[i] for i, d in zip(chosen, dropped.tolist(), strict=True)
        ]
        clean, text = self._batch(chosen, captions)
        device = self.model.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(self.settings.seed * 1_000_003 + step)  # dropout's, the same after a restart
            return diffusion_loss(
                self._network,
                clean,
                text,
                self.model.schedule,
                generator=generator,
                objective=self.objective,
            )

    def validate(self, step: int) -> None:
        """Write the mean loss of the held-out examples, with the same noise and timesteps every time."""
        held = self.clips.held_out()
        if not held:
            return
        self.model.unet.eval()
        schedule, losses = self.model.schedule, []
        objective = Objective(self.objective.prediction)
        for i in held:
            clean, text = self._batch([i], [self.clips.captions[i]])
            noise = schedule.noise(clean.shape, torch.Generator().manual_seed(i)).to(clean.device)
            for share in SHARES:
                t = torch.tensor([int(share * len(schedule))])
                with torch.no_grad():
                    value = loss_at(self._network, clean, text, t, noise, schedule, objective)
                losses.append(float(value))
        self.model.unet.train()
        mean = sum(losses) / len(losses)
        _append_row(self.folder / VALIDATION, {"step": step, "loss": mean, "examples": len(held)})
        self.log(f"step {step}: {mean:.4f} on {len(held)} held out")

    def show(self, preview: Callable[[TextToVideo, int], None], step: int) -> None:
        model = self.model
        model.unet.eval()
        if model.device.type == "cpu":
            preview(model, step)
        else:
            with torch.autocast(model.device.type, self.dtype, enabled=self.dtype != torch.float32):
                preview(model, step)
        self.ready()

    def _batch(self, chosen: list[int], captions: list[str]) -> tuple[Tensor, Tensor]:
        clean = torch.stack([self.clips.latents[i] for i in chosen]).float()
        text = torch.stack([self.texts[caption] for caption in captions])
        return clean.to(self.model.device), text.to(self.model.device)

    def _network(self, latents: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
        with self._autocast():
            return self.model.unet(latents, timesteps, text)

    @contextlib.contextmanager
    def _autocast(self) -> Iterator[None]:
        if self.dtype == torch.float32:
            yield
        else:
            with torch.autocast(self.model.device.type, self.dtype):
                yield


def _as_filmed(model: TextToVideo, caption: str) -> Tensor:
    """The embedding (l, d) of a caption, as in filming, with its weights; only its first chunk."""
    read = embed_prompt(model.text_encoder, translate_prompt(caption, model.preset))
    return read[0, : model.text_encoder.config.context_length].cpu()


def _append_row(file: Path, row: dict[str, Any]) -> None:
    """Append a row to a JSONL file, replacing rows of this step and later ones from an interrupted run."""
    rows = []
    for line in file.read_text("utf-8").splitlines() if file.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):  # the end of a run that was killed
            rows.append(json.loads(line))
    rows = [*(old for old in rows if old["step"] < row["step"]), row]
    with atomic_write(file) as part:
        part.write_text("".join(f"{json.dumps(one)}\n" for one in rows), "utf-8")


def _precision(device: torch.device, asked: Precision) -> torch.dtype:
    named = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
    return best_dtype(device) if asked == "auto" else named[asked]


def _export(model: TextToVideo, adapters: LoraLayers | None, folder: Path) -> Path:
    if adapters is not None:
        return adapters.save(folder, model.preset.unet)
    if not model.preset.speaks_toon:
        return loading.save(model, folder / "model")
    state = {f"{part}.{k}": v.cpu() for part, m in model.parts.items() for k, v in m.state_dict().items()}
    out = folder / "model"
    out.mkdir(exist_ok=True)
    write_weights(
        compress_weights(state, int8=False), out / TOON_FILE, {"preset": json.dumps(asdict(model.preset))}
    )
    return out


def cache_key(*parts: object) -> str:
    """Sixteen hexadecimal digits that name a cache of latents by its ingredients."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]
