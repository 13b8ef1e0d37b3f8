"""The training loop: AdamW, a moving average, checkpoints that survive `kill -9`, and diffusion losses.

The caller brings the module and its data.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2v.checkpoints.files.atomic import atomic_write
from t2v.configs import Prediction
from t2v.sampling.schedule import NoiseSchedule, shift_timestep


@dataclass(frozen=True)
class TrainingPlan:
    """The schedule of a training: linear warm-up, then a cosine down to a twentieth of the learning rate."""

    num_steps: int
    learning_rate: float
    warmup_steps: int = 100
    ema_decay: float = 0.999
    checkpoint_seconds: float = 240.0
    log_every: int = 20
    fp16: bool = False  # losses are scaled, so that small gradients survive half precision

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        progress = min(1.0, (step - self.warmup_steps) / max(1, self.num_steps - self.warmup_steps))
        cosine = 0.5 * (1 + torch.cos(torch.tensor(progress * torch.pi)).item())
        return self.learning_rate * (0.05 + 0.95 * cosine)


@dataclass(frozen=True)
class Objective:
    """The prediction of the network, and gamma of min-SNR weighting (Hang et al. 2023), 0 for none."""

    prediction: Prediction
    min_snr: float = 0.0

    def weights(self, signal: Tensor) -> Tensor:
        """The weight of the squared error, for the signal's share of the variance.

        At zero SNR the weight would be 0, and the first step of a schedule with zero terminal SNR would stay
        untrained; there it is 1.
        """
        if not self.min_snr:
            return torch.ones_like(signal)
        snr = signal / (1 - signal).clamp_min(1e-12)
        over = snr if self.prediction == "eps" else snr + 1
        return torch.where(snr > 0, snr.clamp_max(self.min_snr) / over.clamp_min(1e-12), 1.0)


V = Objective("v")


@dataclass
class Progress:
    """The state of a training besides its tensors; the checkpoint has all of it."""

    step: int = 0
    seconds: float = 0.0
    losses: list[tuple[int, float]] = field(default_factory=list)


def save_atomically(state: Mapping[str, Any], path: Path) -> None:
    """`torch.save` to a file that is replaced only once it is complete."""
    with atomic_write(path) as part:
        torch.save(dict(state), part)


class MovingAverage:
    """An exponential moving average of a module's parameters and buffers."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move the average towards the module's values after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        names, live = zip(*module.state_dict().items(), strict=True)
        torch._foreach_lerp_([self.values[n] for n in names], list(live), 1 - decay)


def _resume(
    state: Mapping[str, Any],
    module: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> Progress:
    """Load a checkpoint's state into everything."""
    module.load_state_dict(state["model"])
    for name, value in average.values.items():
        value.copy_(state["ema"][name])
    optimizer.load_state_dict(state["optimizer"])
    if state.get("scaler"):
        scaler.load_state_dict(state["scaler"])
    return Progress(state["step"], state["seconds"], [tuple(pair) for pair in state["losses"]])


def _state(
    module: nn.Module,
    average: MovingAverage,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    progress: Progress,
) -> dict[str, Any]:
    """The content of a checkpoint, which `_resume` reads."""
    return {
        "model": module.state_dict(),
        "ema": average.values,
        "optimizer": optimizer.state_dict(),
        "scaler": scaler.state_dict(),
        "step": progress.step,
        "seconds": progress.seconds,
        "losses": progress.losses,
    }


def train(
    module: nn.Module,
    loss: Callable[[int], Tensor],
    plan: TrainingPlan,
    checkpoint: Path,
    *,
    groups: list[dict[str, Any]] | None = None,
    stop_at: float | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> Progress:
    """Train to the plan's end or to `stop_at` (of `time.monotonic()`), from `checkpoint` if it exists.

    `loss(step)` draws its own batch and returns a scalar. `groups` are the optimizer's parameter groups, each
    with a `scale` that multiplies the learning rate.
    """
    groups = groups or [{"params": [p for p in module.parameters() if p.requires_grad], "scale": 1.0}]
    optimizer = torch.optim.AdamW(groups, lr=plan.learning_rate, betas=(0.9, 0.99), weight_decay=0.01)
    average = MovingAverage(module, plan.ema_decay)
    scaler = torch.amp.GradScaler(enabled=plan.fp16)
    progress = Progress()
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        progress = _resume(state, module, average, optimizer, scaler)

    def save() -> None:
        save_atomically(_state(module, average, optimizer, scaler, progress), checkpoint)

    module.train()
    began = saved = time.monotonic()
    before, recent = progress.seconds, []
    while progress.step < plan.num_steps and (stop_at is None or time.monotonic() < stop_at):
        for group in optimizer.param_groups:
            group["lr"] = plan.rate(progress.step) * group["scale"]
        value = loss(progress.step)
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(value).backward()  # type: ignore[no-untyped-call]
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        progress.step += 1
        average.update(module, progress.step)
        recent.append(float(value.detach()))
        progress.seconds = before + time.monotonic() - began
        if progress.step % plan.log_every == 0:
            mean = sum(recent) / len(recent)
            recent = []
            progress.losses.append((progress.step, mean))
            left = (plan.num_steps - progress.step) * progress.seconds / progress.step / 60
            log(
                f"step {progress.step}/{plan.num_steps} loss {mean:.4f} {progress.seconds:.0f} s, "
                f"{left:.0f} min left"
            )
        if time.monotonic() - saved > plan.checkpoint_seconds:
            save()
            saved = time.monotonic()
    save()
    return progress


def diffusion_loss(  # noqa: PLR0913 (a loss's terms)
    network: Callable[[Tensor, Tensor, Tensor], Tensor],
    clean: Tensor,
    text: Tensor,
    schedule: NoiseSchedule,
    *,
    generator: torch.Generator,
    weight: Tensor | None = None,
    objective: Objective = V,
    shift: float = 1.0,
) -> Tensor:
    """The loss for clean latents (b, c, f, h, w), each noised to a random timestep.

    Timesteps are stratified over the batch; `shift` moves every second one towards noise
    (`t2v.sampling.schedule.shift_timestep`). `weight` (b, 1, f, h, w) multiplies the squared error.
    """
    b = clean.shape[0]
    offsets = (torch.arange(b) + torch.rand(b, generator=generator)) / b
    timesteps = (offsets * len(schedule)).long().clamp(0, len(schedule) - 1)
    if shift != 1:
        moved = torch.tensor([shift_timestep(float(t), len(schedule), shift) for t in timesteps])
        second = torch.arange(b) % 2 == int(torch.randint(2, (1,), generator=generator))
        timesteps = torch.where(second, moved, timesteps)
    noise = schedule.noise(clean.shape, generator).to(clean.device)
    return loss_at(network, clean, text, timesteps, noise, schedule, objective, weight)


def loss_at(  # noqa: PLR0913 (an equation's terms)
    network: Callable[[Tensor, Tensor, Tensor], Tensor],
    clean: Tensor,
    text: Tensor,
    timesteps: Tensor,
    noise: Tensor,
    schedule: NoiseSchedule,
    objective: Objective,
    weight: Tensor | None = None,
) -> Tensor:
    """The mean squared error of the predicted noise, or v (Salimans & Ho 2022), at timesteps (b,)."""
    signal = schedule.alphas_cumprod[timesteps].float().view(-1, 1, 1, 1, 1).to(clean.device)
    a, sigma = signal.sqrt(), (1 - signal).sqrt()
    prediction = network(a * clean + sigma * noise, timesteps.to(clean.device), text).float()
    target = noise if objective.prediction == "eps" else a * noise - sigma * clean
    error = (prediction - target).square() * objective.weights(signal)
    return (error if weight is None else error * weight).mean()
