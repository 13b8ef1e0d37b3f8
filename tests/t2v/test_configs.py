from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from t2v.configs import (
    MODELSCOPE,
    TOON,
    TOON_112,
    TOON_448,
    TOON_PRESETS,
    Preset,
    num_outer_levels,
    small_sizes,
    timestep_shift,
)

PRESETS = pytest.mark.parametrize(
    "preset", [MODELSCOPE, *TOON_PRESETS], ids=["modelscope", "toon-112", "toon", "toon-448"]
)


@PRESETS
def test_the_parts_of_a_preset_fit_together(preset: Preset) -> None:
    unet, autoencoder = preset.unet, preset.autoencoder
    assert unet.in_channels == unet.out_channels == autoencoder.latent_channels
    assert unet.context_dim == preset.text_encoder.width
    assert all(unet.width * m % unet.head_dim == 0 for m in unet.channel_multipliers)
    assert all(unet.width * m % unet.norm_groups == 0 for m in unet.channel_multipliers)
    assert all(autoencoder.width * m % autoencoder.norm_groups == 0 for m in autoencoder.channel_multipliers)
    assert 1 <= preset.num_steps <= preset.schedule.num_timesteps


@PRESETS
def test_its_sizes_are_whole_latents_in_the_aspect_that_they_are_named_for(preset: Preset) -> None:
    for aspect, (height, width) in preset.sizes.items():
        assert height % preset.autoencoder.factor == width % preset.autoencoder.factor == 0
        wide, high = map(int, aspect.split(":"))
        assert width / height == pytest.approx(wide / high, rel=0.02)


@PRESETS
def test_it_says_under_which_licence_its_weights_may_be_used(preset: Preset) -> None:
    assert preset.licence


def test_where_there_is_no_signal_noise_cannot_be_predicted_and_v_must_be() -> None:
    assert TOON_112.schedule.zero_terminal_snr
    with pytest.raises(ValueError, match="toon: with zero terminal SNR wanted prediction 'v', got 'eps'"):
        replace(TOON_112, prediction="eps")


def test_a_preset_cannot_be_changed_under_somebodys_feet() -> None:
    with pytest.raises(FrozenInstanceError):
        TOON_112.num_steps = 3  # type: ignore[misc]


def test_a_toon_of_two_sizes_runs_one_level_less_for_the_small_one() -> None:
    assert small_sizes(TOON_448) == TOON.sizes
    assert small_sizes(TOON) == small_sizes(TOON_112) == small_sizes(MODELSCOPE) == {}
    for aspect, size in TOON_448.sizes.items():
        assert num_outer_levels(TOON_448, *size) == 2
        assert num_outer_levels(TOON_448, *small_sizes(TOON_448)[aspect]) == 1
        assert num_outer_levels(TOON, *TOON.sizes[aspect]) == 1
    assert num_outer_levels(TOON, 64, 112) == 1  # never the coarse network alone
    assert num_outer_levels(TOON_112, 64, 112) == num_outer_levels(MODELSCOPE, 256, 256) == 0


def test_timesteps_are_shifted_as_far_as_the_size_asks() -> None:
    assert timestep_shift(MODELSCOPE, 256, 256) == timestep_shift(TOON_112, 64, 112) == 1
    assert timestep_shift(TOON, 128, 224) == timestep_shift(TOON_448, 128, 224) == 2
    assert timestep_shift(TOON_448, 256, 448) == 4
