from __future__ import annotations

import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from torch import Tensor

from t2v.configs import ScheduleConfig
from t2v.sampling.guidance import Branches, Denoiser, Guidance, Network, clean_latents, guided_denoiser
from t2v.sampling.samplers import sample_ddim
from t2v.sampling.schedule import noise_schedule, timesteps

SCHEDULE = noise_schedule(ScheduleConfig())
ZERO = noise_schedule(ScheduleConfig(zero_terminal_snr=True))


def drawn(seed: int) -> Tensor:
    return torch.randn(2, 4, 3, 5, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("timestep", [0, 1, 250, 700, 999])
def test_from_noise_and_from_v_come_the_same_clean_latents(timestep: int) -> None:
    clean, noise = drawn(1), drawn(2)
    a, sigma = SCHEDULE.level(timestep)
    latents = a * clean + sigma * noise
    v = a * noise - sigma * clean
    torch.testing.assert_close(clean_latents(noise, latents, (a, sigma), "eps"), clean, rtol=0, atol=1e-12)
    torch.testing.assert_close(clean_latents(v, latents, (a, sigma), "v"), clean, rtol=0, atol=1e-12)


def test_where_there_is_no_signal_v_is_the_clean_latents_with_the_other_sign() -> None:
    clean, noise = drawn(1), drawn(2)
    assert torch.equal(clean_latents(-clean, noise, ZERO.level(999), "v"), clean)


def test_a_sampler_survives_the_timestep_without_any_signal() -> None:
    clean = drawn(1).float()

    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        a, sigma = ZERO.level(int(t[0]))
        noise = (latents - a * clean) / sigma
        return a * noise - sigma * clean

    text = torch.zeros(1)
    denoise = guided_denoiser(Branches(network, text, text), ZERO, "v", Guidance(1))
    got = sample_ddim(denoise, drawn(2).float(), ZERO, timesteps(8, ZERO, "trailing"))
    assert got.isfinite().all()
    torch.testing.assert_close(got, clean, rtol=0, atol=1e-4)


class Echo:
    """A network that answers with the text's value, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []
        self.timesteps: list[Tensor] = []

    def __call__(self, latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        self.asked.append(float(text))
        self.timesteps.append(t)
        return torch.full_like(latents, float(text))


def guided_by(network: Network, guidance: Guidance) -> Denoiser:
    text, negative = torch.tensor(2.0), torch.tensor(-1.0)
    return guided_denoiser(Branches(network, text, negative), SCHEDULE, "eps", guidance)


def guided(network: Echo, scale: float) -> Tensor:
    return guided_by(network, Guidance(scale))(drawn(3), 400)


def test_a_guidance_scale_of_1_asks_the_network_once_and_any_other_twice() -> None:
    once, twice = Echo(), Echo()
    guided(once, 1)
    guided(twice, 1.5)
    assert once.asked == [2.0]
    assert twice.asked == [2.0, -1.0]
    assert twice.timesteps[0].tolist() == [400, 400]


@pytest.mark.parametrize(("scale", "eps"), [(0.0, -1.0), (1.0, 2.0), (4.0, 11.0)])
def test_guidance_goes_from_the_negative_answer_through_the_texts_and_on_in_all_channels(
    scale: float, eps: float
) -> None:
    a, sigma = SCHEDULE.level(400)
    torch.testing.assert_close(guided(Echo(), scale), ((drawn(3) - sigma * eps) / a), check_dtype=False)


def test_outside_its_interval_there_is_no_guidance_and_the_network_is_asked_once() -> None:
    network = Echo()
    denoise = guided_by(network, Guidance(4, interval=(0.2, 0.7)))
    for timestep in (999, 700, 699, 400, 200, 199, 0):
        denoise(drawn(3), timestep)
    assert network.asked == [2, 2, 2, -1, 2, -1, 2, -1, 2, 2]


def test_the_negative_branch_asked_in_every_third_step_lends_its_distance_to_the_steps_between() -> None:
    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return torch.full_like(latents, float(text) * (1 + float(t[0]) / 100))

    asked = Echo()
    thrifty = guided_by(asked, Guidance(4, every=3))
    for timestep in (900, 800, 700, 600):
        thrifty(drawn(3), timestep)
    assert asked.asked == [2, -1, 2, 2, 2, -1]

    thrifty = guided_by(network, Guidance(4, every=3))
    thrifty(drawn(3), 900)  # the branches are 2 * 10 and -1 * 10 there
    a, sigma = SCHEDULE.level(800)
    torch.testing.assert_close(thrifty(drawn(3), 800), (drawn(3) - sigma * (18 + 3 * 30)) / a)


def test_a_rescaled_answer_has_the_spread_of_the_unguided_one_and_lies_where_diffusers_puts_it() -> None:
    cond, uncond = drawn(4), drawn(5)

    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return cond if float(text) == 2 else uncond

    wanted = rescale_noise_cfg(uncond + 7 * (cond - uncond), cond, guidance_rescale=0.7)
    a, sigma = SCHEDULE.level(400)
    got = guided_by(network, Guidance(7, rescale=0.7))(drawn(3), 400)
    torch.testing.assert_close((drawn(3) - a * got) / sigma, wanted, rtol=0, atol=1e-5, check_dtype=False)
    whole = (drawn(3) - a * guided_by(network, Guidance(7, rescale=1.0))(drawn(3), 400)) / sigma
    torch.testing.assert_close(
        whole.std((1, 2, 3, 4)), cond.std((1, 2, 3, 4)), rtol=0, atol=1e-5, check_dtype=False
    )


def test_an_answer_in_half_precision_is_reckoned_with_in_single() -> None:
    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return latents.bfloat16()

    text = torch.zeros(1)
    denoise = guided_denoiser(Branches(network, text, text), SCHEDULE, "v", Guidance(1))
    assert denoise(drawn(1).float(), 500).dtype == torch.float32


def test_motion_is_driven_away_from_what_the_network_shows_without_it() -> None:
    moving, standing = Echo(), Echo()
    text, negative = torch.tensor(2.0), torch.tensor(-1.0)

    def still(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return standing(latents, t, text) * 0.25

    def driven(guidance: Guidance) -> Tensor:
        branches = Branches(moving, text, negative, still)
        latents, (a, sigma) = drawn(3), SCHEDULE.level(400)
        clean = guided_denoiser(branches, SCHEDULE, "eps", guidance)(latents, 400)
        return ((latents - a * clean) / sigma).mean()

    assert float(driven(Guidance(1, motion=2))) == pytest.approx(2 + 2 * (2 - 0.5), abs=1e-4)
    assert (moving.asked, standing.asked) == ([2.0], [2.0])
    assert float(driven(Guidance(3, motion=2))) == pytest.approx(2 + 2 * 3 + 2 * 1.5, abs=1e-4)
    assert float(driven(Guidance(3, motion=2, interval=(0.5, 1)))) == pytest.approx(2, abs=1e-4)


def test_acting_is_driven_away_from_the_answer_in_which_nobody_acts() -> None:
    network = Echo()
    text, negative, unacted = torch.tensor(2.0), torch.tensor(-1.0), torch.tensor(0.5)

    def driven(guidance: Guidance, plain: Tensor | None = unacted) -> float:
        branches = Branches(network, text, negative, unacted=plain)
        latents, (a, sigma) = drawn(3), SCHEDULE.level(400)
        clean = guided_denoiser(branches, SCHEDULE, "eps", guidance)(latents, 400)
        return float(((latents - a * clean) / sigma).mean())

    assert driven(Guidance(1, direction=2)) == pytest.approx(2 + 2 * 1.5, abs=1e-4)
    assert network.asked == [2.0, 0.5]
    assert driven(Guidance(3, direction=2)) == pytest.approx(2 + 2 * 3 + 2 * 1.5, abs=1e-4)
    assert driven(Guidance(3, direction=2), None) == pytest.approx(2 + 2 * 3, abs=1e-4)
    assert Guidance(3, direction=2).branches == 3
