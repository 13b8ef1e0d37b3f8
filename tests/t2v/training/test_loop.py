from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from t2v.configs import ScheduleConfig
from t2v.sampling.schedule import noise_schedule
from t2v.training import loop
from t2v.training.loop import MovingAverage, TrainingPlan, diffusion_loss, train

PLAN = TrainingPlan(num_steps=20, learning_rate=0.05, warmup_steps=4, ema_decay=0.9, log_every=5)


def small() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))


def loss_of(module: nn.Module, then: Callable[[int], None] = lambda step: None) -> Callable[[int], Tensor]:
    """Learn the sum of three numbers, from a batch that the step decides."""

    def loss(step: int) -> Tensor:
        then(step)
        x = torch.randn(16, 3, generator=torch.Generator().manual_seed(step))
        return (module(x)[:, 0] - x.sum(1)).square().mean()

    return loss


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def tick(self, step: int) -> None:
        self.now += 1


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    out = Clock()
    monkeypatch.setattr(loop, "time", out)
    return out


def saved(path: Path) -> dict[str, Any]:
    return torch.load(path, weights_only=True)


def same(a: Any, b: Any) -> bool:
    """Whether two checkpoints are the same to the last bit."""
    if isinstance(a, Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def test_training_learns_and_says_how_it_goes(tmp_path: Path) -> None:
    module, lines = small(), []
    plan = TrainingPlan(num_steps=300, learning_rate=0.05, warmup_steps=10, log_every=100)
    progress = train(module, loss_of(module), plan, tmp_path / "x.pt", log=lines.append)
    assert progress.step == 300
    assert [step for step, _ in progress.losses] == [100, 200, 300]
    assert progress.losses[-1][1] < 0.1
    assert [line.split(" loss ")[0] for line in lines] == ["step 100/300", "step 200/300", "step 300/300"]


def test_it_stops_on_time_and_says_where(tmp_path: Path, clock: Clock) -> None:
    module = small()
    progress = train(module, loss_of(module, clock.tick), PLAN, tmp_path / "x.pt", stop_at=clock.now + 7)
    assert progress.step == 7
    assert progress.seconds == 7
    assert saved(tmp_path / "x.pt")["step"] == 7


def test_in_two_sittings_it_learns_to_the_last_bit_what_it_learns_in_one(
    tmp_path: Path, clock: Clock
) -> None:
    whole = small()
    train(whole, loss_of(whole, clock.tick), PLAN, tmp_path / "whole.pt")
    for _ in range(4):
        part = small()
        train(part, loss_of(part, clock.tick), PLAN, tmp_path / "parts.pt", stop_at=clock.now + 5)
    assert same(saved(tmp_path / "parts.pt"), saved(tmp_path / "whole.pt"))
    assert all(map(torch.equal, part.parameters(), whole.parameters()))


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    module = small()
    train(module, loss_of(module), PLAN, tmp_path / "x.pt")
    steps: list[int] = []
    progress = train(small(), loss_of(module, steps.append), PLAN, tmp_path / "x.pt")
    assert progress.step == 20
    assert not steps


def test_a_checkpoint_is_written_every_so_often_and_an_error_loses_only_what_came_after(
    tmp_path: Path, clock: Clock
) -> None:
    module = small()
    plan = TrainingPlan(num_steps=20, learning_rate=0.05, checkpoint_seconds=4.5)

    def then(step: int) -> None:
        clock.tick(step)
        if step == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(module, loss_of(module, then), plan, tmp_path / "x.pt")
    assert saved(tmp_path / "x.pt")["step"] == 10


def test_killed_in_the_middle_of_writing_the_checkpoint_before_it_is_whole(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, path = small(), tmp_path / "x.pt"
    train(module, loss_of(module, clock.tick), PLAN, path, stop_at=clock.now + 10)
    before = path.read_bytes()

    def half(state: dict[str, Any], part: Path) -> None:
        part.write_bytes(before[: len(before) // 2])
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", half)
        with pytest.raises(KeyboardInterrupt):
            train(module, loss_of(module, clock.tick), PLAN, path)
    assert path.read_bytes() == before

    again = small()
    train(again, loss_of(again, clock.tick), PLAN, path)
    whole = small()
    train(whole, loss_of(whole, clock.tick), PLAN, tmp_path / "whole.pt")
    assert same(saved(path)["model"], saved(tmp_path / "whole.pt")["model"])
    assert sorted(os.listdir(tmp_path)) == ["whole.pt", "x.pt"]


def test_groups_learn_at_their_own_rate(tmp_path: Path) -> None:
    module = small()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    groups = [
        {"params": list(module[0].parameters()), "scale": 0.0},  # type: ignore[index]
        {"params": list(module[2].parameters()), "scale": 1.0},  # type: ignore[index]
    ]
    train(module, loss_of(module), PLAN, tmp_path / "x.pt", groups=groups)
    after = module.state_dict()
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["2.weight"], before["2.weight"])


def test_the_rate_warms_up_and_falls_to_a_twentieth() -> None:
    plan = TrainingPlan(num_steps=1000, learning_rate=2.0, warmup_steps=100)
    assert plan.rate(0) == pytest.approx(0.02)
    assert plan.rate(49) == pytest.approx(1.0)
    assert plan.rate(100) == pytest.approx(2.0)
    assert plan.rate(550) == pytest.approx(2.0 * 0.525)
    assert plan.rate(1000) == plan.rate(5000) == pytest.approx(0.1)
    assert all(plan.rate(s) > plan.rate(s + 1) for s in range(100, 999))


def test_the_average_is_a_moving_one_that_forgets_its_beginning_fast() -> None:
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    average = MovingAverage(module, 0.9)
    wanted = 0.0
    for step in range(1, 60):
        nn.init.constant_(module.weight, float(step))
        average.update(module, step)
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * step
    assert average.values["weight"].item() == pytest.approx(wanted, rel=1e-5)
    assert 45 < wanted < 55  # some steps behind


def test_the_checkpoint_has_the_average_beside_the_model(tmp_path: Path) -> None:
    module = small()
    train(module, loss_of(module), PLAN, tmp_path / "x.pt")
    state = saved(tmp_path / "x.pt")
    assert same(state["model"], dict(module.state_dict()))
    assert state["ema"].keys() == state["model"].keys()
    assert not same(state["ema"], state["model"])


SCHEDULE = noise_schedule(ScheduleConfig(zero_terminal_snr=True))
CLEAN = torch.randn(8, 4, 2, 3, 3, generator=torch.Generator().manual_seed(1))


class Knows:
    """A network that knows the clean latents and so what v is; `off` makes it wrong by as much."""

    def __init__(self, off: Tensor | float = 0.0) -> None:
        self.off = off
        self.timesteps = torch.zeros(0)

    def __call__(self, latents: Tensor, timesteps: Tensor, text: Tensor) -> Tensor:
        self.timesteps = timesteps
        signal = SCHEDULE.alphas_cumprod[timesteps].float().view(-1, 1, 1, 1, 1)
        a, sigma = signal.sqrt(), (1 - signal).sqrt()
        noise = (latents - a * CLEAN) / sigma
        return a * noise - sigma * CLEAN + self.off


def loss_for(network: Knows, weight: Tensor | None = None) -> float:
    generator = torch.Generator().manual_seed(2)
    text = torch.zeros(8)
    return float(diffusion_loss(network, CLEAN, text, SCHEDULE, generator=generator, weight=weight))


def test_a_network_that_knows_the_answer_has_no_loss_and_one_that_is_off_by_two_has_four() -> None:
    assert loss_for(Knows()) < 1e-6
    assert loss_for(Knows(off=2.0)) == pytest.approx(4.0, rel=1e-3)


def test_what_matters_more_counts_more() -> None:
    off = torch.zeros(1, 1, 1, 3, 3)
    off[..., 0, 0] = 3.0
    weight = torch.ones(8, 1, 2, 3, 3)
    weight[..., 0, 0] = 2.0
    assert loss_for(Knows(off=off), weight) == pytest.approx(2 * loss_for(Knows(off=off)), rel=1e-4)
    assert loss_for(Knows(off=off)) == pytest.approx(1.0, rel=1e-3)


def test_the_timesteps_of_a_batch_lie_one_in_each_eighth_of_the_schedule() -> None:
    network = Knows()
    loss_for(network)
    assert (network.timesteps // 125).tolist() == list(range(8))
