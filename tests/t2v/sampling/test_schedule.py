from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler
from torch import Tensor

from t2v.configs import ScheduleConfig, Spacing
from t2v.sampling.guidance import clean_latents
from t2v.sampling.samplers import sample_ddim
from t2v.sampling.schedule import noise_schedule, shift_timestep, timesteps

SCHEDULE = noise_schedule(ScheduleConfig())
ZERO = noise_schedule(ScheduleConfig(zero_terminal_snr=True))


def diffusers_ddim(**settings: Any) -> DDIMScheduler:
    return DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **settings)


def test_the_schedule_is_the_one_that_diffusers_has() -> None:
    wanted = diffusers_ddim().alphas_cumprod.double()
    torch.testing.assert_close(SCHEDULE.alphas_cumprod, wanted, rtol=2e-5, atol=1e-7)


def test_zero_terminal_snr_is_the_one_that_diffusers_has() -> None:
    wanted = diffusers_ddim(rescale_betas_zero_snr=True).alphas_cumprod.double()
    torch.testing.assert_close(ZERO.alphas_cumprod, wanted, rtol=1e-4, atol=1e-6)


def test_with_zero_terminal_snr_the_last_timestep_is_noise_alone_and_the_first_is_as_it_was() -> None:
    assert ZERO.level(999) == (0.0, 1.0)
    assert ZERO.level(0) == pytest.approx(SCHEDULE.level(0), abs=1e-12)
    assert SCHEDULE.level(999)[0] == pytest.approx(0.0683, abs=1e-4)


@pytest.mark.parametrize("schedule", [SCHEDULE, ZERO], ids=["as published", "zero terminal SNR"])
def test_every_timestep_is_noisier_than_the_one_before_it(schedule: Any) -> None:
    assert (schedule.alphas_cumprod.diff() < 0).all()


def test_signal_and_noise_together_have_variance_one_and_before_timestep_0_there_is_no_noise() -> None:
    for t in (0, 1, 500, 999):
        a, sigma = SCHEDULE.level(t)
        assert a**2 + sigma**2 == pytest.approx(1, abs=1e-12)
    assert SCHEDULE.level(-1) == (1.0, 0.0)


def test_modelscope_takes_50_steps_from_981_to_1_and_arrives_at_0() -> None:
    assert timesteps(50, SCHEDULE, "modelscope") == [*range(981, 0, -20), 0]


def test_modelscope_takes_a_step_more_where_1000_does_not_divide() -> None:
    thirty = timesteps(30, SCHEDULE, "modelscope")
    assert thirty == [*range(991, 0, -33), 0]
    assert len(thirty) - 1 == 31
    assert [len(timesteps(n, SCHEDULE, "modelscope")) - 1 for n in (15, 7, 25)] == [16, 8, 25]


@pytest.mark.parametrize("num_steps", [1, 4, 7, 15, 20, 30, 50, 333])
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
def test_leading_and_trailing_visit_the_timesteps_that_diffusers_visits(
    num_steps: int, spacing: Spacing
) -> None:
    theirs = diffusers_ddim(timestep_spacing=spacing, steps_offset=1)
    theirs.set_timesteps(num_steps)
    assert timesteps(num_steps, SCHEDULE, spacing)[:-1] == theirs.timesteps.tolist()


def test_trailing_starts_at_noise_alone_and_arrives_where_there_is_none() -> None:
    visited = timesteps(20, ZERO, "trailing")
    assert visited[:2] == [999, 949]
    assert visited[-2:] == [49, -1]
    assert ZERO.level(visited[0]) == (0.0, 1.0)
    assert ZERO.level(visited[-1]) == (1.0, 0.0)


@pytest.mark.parametrize("spacing", ["modelscope", "leading", "trailing"])
def test_every_step_goes_to_a_cleaner_timestep_whatever_their_number(spacing: Spacing) -> None:
    for num_steps in (*range(1, 501), 750, 999, 1000):
        assert all(t > t_next for t, t_next in pairwise(timesteps(num_steps, SCHEDULE, spacing)))


@pytest.mark.parametrize("num_steps", [0, -3, 1001])
def test_a_number_of_steps_that_cannot_be_taken_is_refused(num_steps: int) -> None:
    with pytest.raises(ValueError, match=f"wanted 1 to 1000 steps, got {num_steps}"):
        timesteps(num_steps, SCHEDULE, "trailing")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of diffusers
@pytest.mark.parametrize("num_steps", [2, 7, 20])
def test_karras_spacing_has_the_sigmas_that_diffusers_has(num_steps: int) -> None:
    theirs = DPMSolverMultistepScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", use_karras_sigmas=True
    )
    theirs.set_timesteps(num_steps)
    visited = timesteps(num_steps, SCHEDULE, "karras")
    levels = [SCHEDULE.level(t) for t in visited]
    torch.testing.assert_close(
        torch.tensor([sigma / a for a, sigma in levels]), theirs.sigmas, rtol=1e-5, atol=1e-6
    )
    assert [round(t) for t in visited[:-1]] == theirs.timesteps.tolist()


def test_with_zero_terminal_snr_karras_spacing_begins_at_noise_alone() -> None:
    visited = timesteps(10, ZERO, "karras")
    assert visited[0] == 999
    assert visited[-2:] == [0.0, -1]
    assert all(t > t_next for t, t_next in pairwise(visited))


def test_a_distilled_network_is_asked_at_the_timesteps_it_was_distilled_at() -> None:
    assert timesteps(4, SCHEDULE, "lcm") == [999, 759, 519, 279, -1]
    assert timesteps(50, SCHEDULE, "lcm") == [*range(999, 0, -20), -1]
    with pytest.raises(ValueError, match="wanted 1 to 50 steps with spacing 'lcm', got 51"):
        timesteps(51, SCHEDULE, "lcm")


def test_between_two_timesteps_the_level_is_between_theirs_and_whole_ones_are_the_tables_own() -> None:
    sigma_over_a = [sigma / a for a, sigma in (SCHEDULE.level(t) for t in (400, 400.25, 401))]
    assert sigma_over_a[1] == pytest.approx(sigma_over_a[0] ** 0.75 * sigma_over_a[2] ** 0.25)
    assert SCHEDULE.level(400.0) == SCHEDULE.level(400)


@pytest.mark.parametrize("spacing", ["modelscope", "leading", "trailing"])
def test_a_sampler_that_goes_all_the_way_arrives_where_there_is_no_noise(spacing: Spacing) -> None:
    part, whole = (timesteps(20, SCHEDULE, spacing, to_clean=clean) for clean in (False, True))
    assert whole[:-1] == part[:-1]
    assert whole[-1] == -1


def official_ddim(noise: Tensor, num_steps: int, answer: Callable[[Tensor, int], Tensor]) -> Tensor:
    """The loop of ModelScope's `ddim_sample_loop` at eta 0, in its own terms."""
    stride = 1000 // num_steps
    steps = (1 + torch.arange(0, 1000, stride)).clamp(0, 999).flip(0)
    alphas = SCHEDULE.alphas_cumprod
    xt = noise
    for step in steps.tolist():
        eps = answer(xt, step)
        x0 = (1 / alphas[step]).sqrt() * xt - (1 / alphas[step] - 1).sqrt() * eps
        eps = ((1 / alphas[step]).sqrt() * xt - x0) / (1 / alphas[step] - 1).sqrt()
        before = alphas[max(step - stride, 0)]
        xt = before.sqrt() * x0 + (1 - before).sqrt() * eps
    return xt


@pytest.mark.parametrize("num_steps", [1, 7, 15, 20, 25, 30, 40, 50, 100, 500])
def test_modelscope_spacing_takes_the_steps_of_the_original_whatever_their_number(num_steps: int) -> None:
    def answer(latents: Tensor, t: float) -> Tensor:
        return torch.tanh(latents * 1.3) + 0.3 * torch.sin(latents * 2 + t / 150)

    def denoise(latents: Tensor, t: float) -> Tensor:
        return clean_latents(answer(latents, t), latents, SCHEDULE.level(t), "eps")

    noise = torch.randn(1, 4, 2, 3, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    got = sample_ddim(denoise, noise, SCHEDULE, timesteps(num_steps, SCHEDULE, "modelscope"))
    wanted = official_ddim(noise, num_steps, answer)
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)


def test_frames_share_their_part_of_the_noise_and_every_frame_has_variance_one() -> None:
    schedule = noise_schedule(ScheduleConfig(shared_noise=0.75))
    noise = schedule.noise((2, 4, 16, 32, 32), torch.Generator().manual_seed(1))
    assert noise.var() == pytest.approx(1, abs=0.03)
    frames = noise.transpose(1, 2).flatten(2)
    alike = torch.corrcoef(frames[0])
    apart = alike[~torch.eye(16, dtype=torch.bool)]
    torch.testing.assert_close(apart, torch.full_like(apart, 0.75), rtol=0, atol=0.05)
    two_clips = torch.corrcoef(torch.stack([frames[0, 0], frames[1, 0]]))
    assert two_clips[0, 1].abs() < 0.05


def test_where_frames_share_nothing_noise_is_what_the_seed_gives() -> None:
    noise = SCHEDULE.noise((1, 2, 3, 4, 5), torch.Generator().manual_seed(1))
    assert torch.equal(noise, torch.randn(1, 2, 3, 4, 5, generator=torch.Generator().manual_seed(1)))


def test_shifted_timesteps_lie_nearer_to_noise_and_begin_and_end_where_the_others_do() -> None:
    schedule = noise_schedule(ScheduleConfig(zero_terminal_snr=True))
    plain, moved = (timesteps(16, schedule, "trailing", shift=shift) for shift in (1.0, 2.0))
    assert (moved[0], moved[-1]) == (plain[0], plain[-1]) == (999, -1)
    assert all(m > p for m, p in zip(moved[1:-1], plain[1:-1], strict=True))
    assert moved == sorted(set(moved), reverse=True)
    assert shift_timestep(499, 1000, 2.0) == round(2 / 3 * 1000) - 1
    assert shift_timestep(-1, 1000, 2.0) == -1
    assert timesteps(16, schedule, "trailing") == plain
