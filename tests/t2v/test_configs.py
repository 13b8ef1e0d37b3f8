from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from t2v.configs import MODELSCOPE, TOON, Preset

PRESETS = pytest.mark.parametrize("preset", [MODELSCOPE, TOON], ids=lambda preset: preset.name)


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
    assert TOON.schedule.zero_terminal_snr
    with pytest.raises(ValueError, match="toon: with zero terminal SNR wanted prediction 'v', got 'eps'"):
        replace(TOON, prediction="eps")


def test_a_preset_cannot_be_changed_under_somebodys_feet() -> None:
    with pytest.raises(FrozenInstanceError):
        TOON.num_steps = 3  # type: ignore[misc]
