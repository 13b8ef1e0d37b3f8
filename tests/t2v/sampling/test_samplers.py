from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
import torch
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    UniPCMultistepScheduler,
)
from torch import Tensor

from t2v.configs import Prediction, ScheduleConfig, Spacing
from t2v.sampling.guidance import Branches, Denoiser, Guidance, guided_denoiser
from t2v.sampling.samplers import (
    SAMPLERS,
    Sampler,
    sample_ddim,
    sample_dpmpp_2m,
    sample_euler,
    sample_euler_ancestral,
    sample_lcm,
    sample_unipc,
)
from t2v.sampling.schedule import NoiseSchedule, noise_schedule, timesteps

SCHEDULE = noise_schedule(ScheduleConfig())
ZERO = noise_schedule(ScheduleConfig(zero_terminal_snr=True))
SHAPE = (1, 4, 3, 5, 6)


def noise(seed: int, shape: tuple[int, ...] = SHAPE) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def knows(answer: Tensor) -> Denoiser:
    return lambda latents, timestep: answer


def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
    """Something that is neither linear nor the same at every timestep."""
    return torch.tanh(latents * 1.3 + text) + 0.5 * torch.sin(latents * 2 + t.view(-1, 1, 1, 1, 1) / 150)


@pytest.mark.parametrize("num_steps", [1, 2, 7, 50])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("schedule", [SCHEDULE, ZERO], ids=["as published", "zero terminal SNR"])
def test_a_denoiser_that_knows_the_answer_gets_it_back_exactly(
    num_steps: int, eta: float, schedule: NoiseSchedule
) -> None:
    answer = noise(1) * 3
    visited = timesteps(num_steps, schedule, "trailing")
    generator = torch.Generator().manual_seed(2)
    got = sample_ddim(knows(answer), noise(0), schedule, visited, eta=eta, generator=generator)
    assert torch.equal(got, answer)


@pytest.mark.parametrize("num_steps", [1, 7, 50])
def test_as_modelscope_does_it_the_noise_of_timestep_0_is_left_and_nothing_else(num_steps: int) -> None:
    answer = noise(1) * 3
    visited = timesteps(num_steps, SCHEDULE, "modelscope")
    a, sigma = SCHEDULE.level(visited[0])
    got = sample_ddim(knows(answer), a * answer + sigma * noise(0), SCHEDULE, visited)
    a_end, sigma_end = SCHEDULE.level(0)
    torch.testing.assert_close(got, a_end * answer + sigma_end * noise(0), rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("kind", "spacing", "zero_snr", "eta"),
    [
        ("eps", "leading", False, 0.0),
        ("eps", "leading", False, 0.6),
        ("v", "leading", False, 1.0),
        ("v", "trailing", True, 0.0),  # with an eta diffusers takes the root of -1e-8 here
    ],
)
@pytest.mark.parametrize("num_steps", [4, 20, 50])
def test_ddim_goes_where_diffusers_ddim_goes(
    kind: Prediction, spacing: Spacing, zero_snr: bool, eta: float, num_steps: int
) -> None:
    schedule = ZERO if zero_snr else SCHEDULE
    theirs = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        steps_offset=1,
        set_alpha_to_one=spacing == "trailing",
        timestep_spacing=spacing,
        prediction_type={"eps": "epsilon", "v": "v_prediction"}[kind],
        rescale_betas_zero_snr=zero_snr,
    )
    theirs.set_timesteps(num_steps)
    text, wanted = noise(5), noise(0)
    drawn = torch.Generator().manual_seed(9)
    for t in theirs.timesteps:
        prediction = network(wanted, t.view(1), text)
        more = torch.randn(SHAPE, generator=drawn) if eta else None
        wanted = theirs.step(prediction, int(t), wanted, eta=eta, variance_noise=more).prev_sample

    denoise = guided_denoiser(Branches(network, text, text), schedule, kind, Guidance(1))
    generator = torch.Generator().manual_seed(9)
    visited = timesteps(num_steps, schedule, spacing)
    got = sample_ddim(denoise, noise(0), schedule, visited, eta=eta, generator=generator)
    assert (got - wanted).abs().max() < 1e-4 * max(1.0, float(wanted.abs().max()))


pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of diffusers

THEIRS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
PREDICTION = {"eps": "epsilon", "v": "v_prediction"}


def walked(theirs: Any, text: Tensor, *, random: bool = False) -> Tensor:
    """Where a scheduler of diffusers arrives from `noise(0)`, with the network of this file."""
    drawn = torch.Generator().manual_seed(9)
    sample = noise(0)
    if isinstance(theirs, EulerDiscreteScheduler | EulerAncestralDiscreteScheduler):
        sample = sample * (theirs.sigmas[0] ** 2 + 1) ** 0.5  # so that the network sees the noise itself
    for t in theirs.timesteps:
        prediction = network(theirs.scale_model_input(sample, t), t.view(1), text)
        sample = theirs.step(prediction, t, sample, **({"generator": drawn} if random else {})).prev_sample
    return sample


def ours(
    sampler: Sampler, visited: list[float], kind: Prediction, text: Tensor, *, whole: bool = False
) -> Tensor:
    """Where one of ours arrives; `whole`: the network is asked at whole timesteps."""

    def asked(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return network(latents, t.round() if whole else t, text)

    denoise = guided_denoiser(Branches(asked, text, text), SCHEDULE, kind, Guidance(1))
    return sampler(denoise, noise(0), SCHEDULE, visited, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("kind", ["eps", "v"])
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
@pytest.mark.parametrize("num_steps", [1, 4, 20])
@pytest.mark.parametrize(
    ("sampler", "scheduler", "random"),
    [
        (sample_euler, EulerDiscreteScheduler, False),
        (sample_euler_ancestral, EulerAncestralDiscreteScheduler, True),
        (sample_dpmpp_2m, DPMSolverMultistepScheduler, False),
        (sample_unipc, UniPCMultistepScheduler, False),
    ],
)
def test_every_sampler_goes_where_that_of_diffusers_goes(
    sampler: Sampler, scheduler: Any, random: bool, num_steps: int, spacing: Spacing, kind: Prediction
) -> None:
    theirs = scheduler(**THEIRS, timestep_spacing=spacing, prediction_type=PREDICTION[kind], steps_offset=1)
    theirs.set_timesteps(num_steps)
    visited = timesteps(num_steps, SCHEDULE, spacing, to_clean=True)
    if scheduler in (DPMSolverMultistepScheduler, UniPCMultistepScheduler) and spacing == "leading":
        visited = [*theirs.timesteps.tolist(), -1]  # they count one timestep more when they lead
    wanted = walked(theirs, noise(5), random=random)
    got = ours(sampler, visited, kind, noise(5))
    assert (got - wanted).abs().max() < 1e-4 * max(1.0, float(wanted.abs().max()))


@pytest.mark.parametrize("num_steps", [2, 5, 12, 25])
def test_dpmpp_2m_in_karras_spacing_goes_where_that_of_diffusers_goes(num_steps: int) -> None:
    theirs = DPMSolverMultistepScheduler(**THEIRS, use_karras_sigmas=True)
    theirs.set_timesteps(num_steps)
    wanted = walked(theirs, noise(5))
    got = ours(sample_dpmpp_2m, timesteps(num_steps, SCHEDULE, "karras"), "eps", noise(5), whole=True)
    assert (got - wanted).abs().max() < 1e-4 * max(1.0, float(wanted.abs().max()))


def test_lcm_goes_where_that_of_diffusers_goes() -> None:
    theirs = LCMScheduler(**THEIRS, clip_sample=False)
    visited = timesteps(4, SCHEDULE, "lcm")
    theirs.set_timesteps(timesteps=visited[:-1], original_inference_steps=50)
    wanted = walked(theirs, noise(5), random=True)
    got = ours(sample_lcm, visited, "eps", noise(5))
    assert (got - wanted).abs().max() < 1e-4 * max(1.0, float(wanted.abs().max()))


@pytest.mark.parametrize("num_steps", [1, 2, 7, 50])
@pytest.mark.parametrize("schedule", [SCHEDULE, ZERO], ids=["as published", "zero terminal SNR"])
@pytest.mark.parametrize("spacing", ["modelscope", "leading", "trailing", "karras", "lcm"])
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_gives_a_denoiser_that_knows_the_answer_the_answer(
    name: str, spacing: Spacing, schedule: NoiseSchedule, num_steps: int
) -> None:
    answer = noise(1) * 3
    visited = timesteps(num_steps, schedule, spacing, to_clean=True)
    generator = torch.Generator().manual_seed(2)
    got = SAMPLERS[name](knows(answer), noise(0), schedule, visited, generator=generator)
    assert torch.equal(got, answer)


def gaussian_errors(name: str, steps: tuple[int, ...], spacing: Spacing) -> list[float]:
    """How far each number of steps ends from where an endless number of them leads, at most."""
    mean, deviation = 0.5, 0.2
    start = noise(3, (1000,)).double()
    errors = []
    for num_steps in steps:
        visited = timesteps(num_steps, SCHEDULE, spacing)[
            :-1
        ]  # to timestep 0: the step to -1 is of first order
        got = SAMPLERS[name](gaussian(mean, deviation, SCHEDULE), start, SCHEDULE, visited)
        (a, sigma), (a_end, sigma_end) = SCHEDULE.level(visited[0]), SCHEDULE.level(visited[-1])
        spread, spread_end = math.hypot(a * deviation, sigma), math.hypot(a_end * deviation, sigma_end)
        exact = a_end * mean + (start - a * mean) * spread_end / spread
        errors.append(float((got - exact).abs().max()))
    return errors


@pytest.mark.parametrize(
    ("name", "order"),
    [("ddim", 1), ("euler", 1), ("dpmpp_2m", 2), ("unipc", 2)],
    ids=lambda value: str(value),
)
def test_gaussian_data_go_where_the_exact_flow_takes_them_at_each_samplers_own_order(
    name: str, order: int
) -> None:
    some, four_times = gaussian_errors(name, (40, 160), "karras")
    assert some < 0.04
    assert some / four_times > 0.95 * 4**order


@pytest.mark.parametrize("name", ["euler_ancestral", "lcm"])
def test_samplers_that_throw_dice_are_told_by_the_generator(name: str) -> None:
    def run(seed: int) -> Tensor:
        visited = timesteps(5, SCHEDULE, "trailing")
        generator = torch.Generator().manual_seed(seed)
        return SAMPLERS[name](gaussian(0.5, 0.2, SCHEDULE), noise(0), SCHEDULE, visited, generator=generator)

    assert torch.equal(run(1), run(1))
    assert not torch.equal(run(1), run(2))


def test_euler_ancestral_keeps_the_spread_of_gaussian_data() -> None:
    got = sample_euler_ancestral(
        gaussian(0.5, 0.2, SCHEDULE),
        noise(3, (20_000,)),
        SCHEDULE,
        timesteps(200, SCHEDULE, "trailing"),
        generator=torch.Generator().manual_seed(4),
    )
    assert float(got.mean()) == pytest.approx(0.5, abs=0.01)
    assert float(got.std()) == pytest.approx(0.2, abs=0.025)


def gaussian(mean: float, deviation: float, schedule: NoiseSchedule) -> Denoiser:
    """The best denoiser that there is for data from one Gaussian: the mean of clean given noisy."""

    def denoise(latents: Tensor, timestep: int) -> Tensor:
        a, sigma = schedule.level(timestep)
        share = a * deviation**2 / (a**2 * deviation**2 + sigma**2)
        return mean + share * (latents - a * mean)

    return denoise


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_gaussian_data_come_out_with_their_mean_and_deviation_the_better_the_more_steps(eta: float) -> None:
    errors = []
    for num_steps in (10, 50, 200):
        got = sample_ddim(
            gaussian(0.5, 0.2, ZERO),
            noise(3, (20_000,)),
            ZERO,
            timesteps(num_steps, ZERO, "trailing"),
            eta=eta,
            generator=torch.Generator().manual_seed(4),
        )
        errors.append(abs(float(got.std()) - 0.2))
        assert float(got.mean()) == pytest.approx(0.5, abs=0.01)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.025


def test_deterministic_ddim_on_gaussian_data_is_the_closed_form_to_the_last_digit() -> None:
    mean, deviation, num_steps = 0.5, 0.2, 30
    visited = timesteps(num_steps, SCHEDULE, "trailing")
    start = noise(3, (1000,)).double()
    got = sample_ddim(gaussian(mean, deviation, SCHEDULE), start, SCHEDULE, visited)
    # about its mean every latent is scaled by (a a' d^2 + s s') / (a^2 d^2 + s^2), step after step
    scale = 1.0
    for t, t_next in pairwise(visited):
        (a, s), (a_next, s_next) = SCHEDULE.level(t), SCHEDULE.level(t_next)
        scale *= (a * a_next * deviation**2 + s * s_next) / (a**2 * deviation**2 + s**2)
    first = SCHEDULE.level(visited[0])[0]
    torch.testing.assert_close(got, mean + scale * (start - first * mean), rtol=0, atol=1e-12)
    assert math.isclose(scale, 0.17, abs_tol=0.03)


def film(eta: float, seed: int) -> Tensor:
    visited = timesteps(10, SCHEDULE, "trailing")
    denoise = gaussian(0.0, 1.0, SCHEDULE)
    generator = torch.Generator().manual_seed(seed)
    return sample_ddim(denoise, noise(0), SCHEDULE, visited, eta=eta, generator=generator)


def test_without_eta_no_noise_is_drawn_and_with_it_the_generator_decides() -> None:
    assert torch.equal(film(0.0, seed=1), film(0.0, seed=2))
    assert torch.equal(film(1.0, seed=1), film(1.0, seed=1))
    assert not torch.equal(film(1.0, seed=1), film(1.0, seed=2))


@pytest.mark.parametrize(("spacing", "num_steps", "calls"), [("trailing", 7, 7), ("modelscope", 30, 31)])
def test_the_callback_hears_of_every_step_and_of_how_many_there_are(
    spacing: Spacing, num_steps: int, calls: int
) -> None:
    heard: list[tuple[int, int]] = []
    asked: list[int] = []
    answer = noise(1)

    def denoise(latents: Tensor, timestep: int) -> Tensor:
        asked.append(timestep)
        return answer

    last: list[Tensor] = []

    def callback(step: int, num_steps: int, clean: Tensor) -> None:
        heard.append((step, num_steps))
        last.append(clean)

    visited = timesteps(num_steps, SCHEDULE, spacing)
    got = sample_ddim(denoise, noise(0), SCHEDULE, visited, callback=callback)
    assert heard == [(i + 1, calls) for i in range(calls)]
    assert asked == visited[:-1]
    assert all(torch.equal(clean, answer) for clean in last)
    a, sigma = SCHEDULE.level(visited[-1])  # at timestep 0 a little noise is left, as ModelScope leaves it
    assert (got - a * answer).abs().max() <= 6 * sigma


@pytest.mark.parametrize("name", SAMPLERS)
def test_the_callback_gets_the_denoisers_answers_and_the_last_is_the_result(name: str) -> None:
    answers: list[Tensor] = []
    seen: list[Tensor] = []

    def denoise(latents: Tensor, timestep: float) -> Tensor:
        answers.append(0.5 * latents + timestep / 1000)
        return answers[-1]

    visited = timesteps(6, SCHEDULE, "modelscope", to_clean=True)
    generator = torch.Generator().manual_seed(3)
    got = SAMPLERS[name](
        denoise, noise(0), SCHEDULE, visited, generator=generator, callback=lambda *step: seen.append(step[2])
    )
    assert len(seen) == len(visited) - 1
    assert all(torch.equal(one, other) for one, other in zip(seen, answers, strict=True))
    torch.testing.assert_close(got, seen[-1], rtol=0, atol=1e-12)


def test_an_error_in_the_callback_stops_the_sampling() -> None:
    def stop(step: int, num_steps: int, latents: Tensor) -> None:
        if step == 2:
            raise KeyboardInterrupt

    asked: list[int] = []

    def denoise(latents: Tensor, timestep: int) -> Tensor:
        asked.append(timestep)
        return latents

    with pytest.raises(KeyboardInterrupt):
        sample_ddim(denoise, noise(0), SCHEDULE, timesteps(5, SCHEDULE, "trailing"), callback=stop)
    assert len(asked) == 2


@pytest.mark.parametrize("sample", [partial(sample_ddim, eta=1.0), sample_euler_ancestral, sample_lcm])
def test_noise_that_is_added_on_the_way_is_shared_by_the_frames_too(sample: Sampler) -> None:
    schedule = noise_schedule(ScheduleConfig(shared_noise=1.0))
    alike = noise(0)[:, :, :1].expand(SHAPE)
    generator = torch.Generator().manual_seed(2)
    seen: list[Tensor] = []

    def denoise(latents: Tensor, timestep: float) -> Tensor:
        seen.append(latents)
        return torch.zeros(SHAPE)

    sample(denoise, alike, schedule, timesteps(4, schedule, "trailing"), generator=generator)
    assert all(torch.equal(frame, latents[:, :, 0]) for latents in seen for frame in latents.unbind(2))
    assert not torch.equal(seen[1], seen[2])
