from __future__ import annotations

import pytest
import torch
from torch import Tensor

from t2v.configs import ScheduleConfig
from t2v.denoise import clean_of, guided_denoiser
from t2v.samplers import sample_ddim
from t2v.schedule import noise_schedule, timesteps

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
    torch.testing.assert_close(clean_of(noise, latents, (a, sigma), "eps"), clean, rtol=0, atol=1e-12)
    torch.testing.assert_close(clean_of(v, latents, (a, sigma), "v"), clean, rtol=0, atol=1e-12)


def test_where_there_is_no_signal_v_is_the_clean_latents_with_the_other_sign() -> None:
    clean, noise = drawn(1), drawn(2)
    assert torch.equal(clean_of(-clean, noise, ZERO.level(999), "v"), clean)


def test_a_sampler_survives_the_timestep_without_any_signal() -> None:
    clean = drawn(1).float()

    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        a, sigma = ZERO.level(int(t[0]))
        noise = (latents - a * clean) / sigma
        return a * noise - sigma * clean

    text = torch.zeros(1)
    denoise = guided_denoiser(network, ZERO, "v", text=text, negative=text, guidance_scale=1)
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


def guided(network: Echo, scale: float) -> Tensor:
    denoise = guided_denoiser(
        network, SCHEDULE, "eps", text=torch.tensor(2.0), negative=torch.tensor(-1.0), guidance_scale=scale
    )
    return denoise(drawn(3), 400)


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


def test_an_answer_in_half_precision_is_reckoned_with_in_single() -> None:
    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return latents.bfloat16()

    text = torch.zeros(1)
    denoise = guided_denoiser(network, SCHEDULE, "v", text=text, negative=text, guidance_scale=1)
    assert denoise(drawn(1).float(), 500).dtype == torch.float32
