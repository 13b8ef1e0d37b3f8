from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from t2v.errors import SettingsError
from t2v.pipeline import TextToVideo, to_uint8
from t2v.sampling.held_frames import correction_shares, frames_to_tensor, hold_frames, resize_frames
from t2v.sampling.samplers import SAMPLERS

PROMPT = "a red cat"


def film(num_frames: int, height: int = 16, width: int = 28) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (num_frames, height, width, 3), np.uint8)


def through_the_autoencoder(model: TextToVideo, frames: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return to_uint8(model.autoencoder.decode(model.autoencoder.encode(frames_to_tensor(frames)))[0])


def test_a_strength_of_0_gives_the_film_back_and_asks_no_network(tiny: TextToVideo) -> None:
    asked: list[int] = []
    hook = tiny.unet.register_forward_hook(lambda *_: asked.append(1))
    given = film(5)
    assert np.array_equal(tiny.generate(PROMPT, init_frames=given, strength=0).frames, given)
    hook.remove()
    assert asked == []


def test_a_film_that_is_given_keeps_its_frames_at_their_places_in_a_loop_and_beside_held_ones(
    tiny: TextToVideo,
) -> None:
    given, picture = film(5), film(1)[0]
    given[:3] = 7  # the smallest step is not at the end
    assert np.array_equal(tiny.generate(PROMPT, init_frames=given, strength=0, loop=True).frames, given)
    held = tiny.generate(PROMPT, init_frames=given, strength=0, hold={0: picture, -1: picture}).frames
    assert np.array_equal(held, np.stack([picture, *given[1:-1], picture]))


def test_the_stronger_the_fewer_of_the_films_own_steps_and_the_farther_from_it(tiny: TextToVideo) -> None:
    given = film(3)
    own = through_the_autoencoder(tiny, given).astype(int)
    taken, away = [], []
    for strength in (0.01, 0.25, 0.5, 1.0):
        steps: list[int] = []
        video = tiny.generate(
            PROMPT,
            init_frames=given,
            strength=strength,
            num_steps=8,
            callback=lambda step, *_, steps=steps: steps.append(step),
        )
        taken.append(steps[-1])
        away.append(float(np.abs(video.frames - own).mean()))
    assert taken == [1, 2, 4, 8]
    assert away[0] < away[-1]


def test_the_size_of_a_clip_is_that_of_the_film_it_begins_with(tiny: TextToVideo) -> None:
    video = tiny.generate(PROMPT, init_frames=film(2, 20, 12), num_steps=2)
    assert video.frames.shape == (2, 20, 12, 3)
    assert (video.settings["init_frames"], video.settings["strength"]) == (2, 0.6)


def test_two_stages_film_small_and_then_again_at_twice_the_size(tiny: TextToVideo) -> None:
    small = tiny.generate(PROMPT, height=16, width=20).frames
    large = tiny.generate(PROMPT, init_frames=small, height=32, width=40, strength=0.25).frames
    assert large.shape == (3, 32, 40, 3)
    assert np.array_equal(
        tiny.generate(PROMPT, init_frames=small, height=32, width=40, strength=0).frames,
        resize_frames(small, 32, 40),
    )


def test_resizing_keeps_a_colour_and_the_frames_apart() -> None:
    given = np.zeros((2, 4, 4, 3), np.uint8)
    given[1] = (10, 200, 30)
    out = resize_frames(given, 8, 12)
    assert out.shape == (2, 8, 12, 3)
    assert out[0].max() == 0
    assert out[1].reshape(-1, 3).tolist() == [[10, 200, 30]] * 96


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("hold", [[0], [0, 4], [0, 1, 2], [-1]])
def test_held_frames_come_out_as_the_autoencoder_gives_them_back(
    tiny: TextToVideo, sampler: str, hold: list[int]
) -> None:
    pictures = film(len(hold))
    video = tiny.generate(
        PROMPT, num_frames=5, num_steps=3, sampler=sampler, hold=dict(zip(hold, pictures, strict=True))
    )
    wanted = through_the_autoencoder(tiny, pictures).astype(int)
    assert np.abs(video.frames[hold] - wanted).max() <= 1
    assert video.settings["hold"] == sorted(hold)


@pytest.mark.parametrize("settings", [{"window": 3}, {"loop": True}, {"window": 3, "loop": True}], ids=str)
def test_frames_are_held_in_windows_and_in_loops_and_stay_at_their_places(
    tiny: TextToVideo, settings: dict[str, Any]
) -> None:
    pictures = film(2)
    video = tiny.generate(
        PROMPT, num_frames=7, num_steps=2, hold={1: pictures[0], 5: pictures[1]}, **settings
    )
    wanted = through_the_autoencoder(tiny, pictures).astype(int)
    assert np.abs(video.frames[[1, 5]] - wanted).max() <= 1


def test_the_other_frames_see_the_held_one(tiny: TextToVideo) -> None:
    settings: dict[str, Any] = {"num_frames": 3, "num_steps": 3}
    free = tiny.generate(PROMPT, **settings).frames
    one, other = (tiny.generate(PROMPT, hold={0: film(2)[i]}, **settings).frames for i in (0, 1))
    assert not np.array_equal(free[1:], one[1:])
    assert not np.array_equal(one[1:], other[1:])


def test_at_every_step_the_network_sees_the_held_frame_as_noisy_as_all_the_others(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    model = make_tiny(tiny.preset)
    picture = film(1)[0]
    with torch.inference_mode():
        held = model.autoencoder.encode(frames_to_tensor(picture[None]))
    noise = torch.randn(1, 4, 3, 4, 7, generator=torch.Generator().manual_seed(0))
    seen: list[tuple[int, Tensor]] = []
    hook = model.unet.register_forward_pre_hook(
        lambda _, args: seen.append((int(args[1]), args[0][:, :, 1].clone()))
    )
    model.generate(PROMPT, hold={1: picture}, guidance_scale=1.0, num_steps=5)
    hook.remove()
    assert len(seen) == 5
    for t, latents in seen:
        a, sigma = model.schedule.level(t)
        torch.testing.assert_close(latents, a * held[:, :, 0] + sigma * noise[:, :, 1], rtol=0, atol=1e-4)


def of_one_number(*values: float) -> Tensor:
    """Latents (1, 1, f, 1, 1)."""
    return torch.tensor(values)[None, None, :, None, None]


@pytest.mark.parametrize(
    ("places", "loop", "corrections", "distances"),
    [
        ([0], False, [4, 4, 4, 4, 4, 4], [0, 1, 2, 3, 4, 5]),
        ([0], True, [4, 4, 4, 4, 4, 4], [0, 1, 2, 3, 2, 1]),
        ([0, 4], False, [4, 5, 6, 7, 8, 8], [0, 1, 2, 1, 0, 1]),
        ([0, 4], True, [4, 5, 6, 7, 8, 6], [0, 1, 2, 1, 0, 1]),
        ([1, 2], False, [4, 4, 8, 8, 8, 8], [1, 0, 0, 1, 2, 3]),
        ([1, 2], True, [4.8, 4, 8, 7.2, 6.4, 5.6], [1, 0, 0, 1, 2, 2]),
    ],
)
def test_held_frames_pull_what_lies_between_and_the_nearest_pulls_beyond(
    places: list[int], loop: bool, corrections: list[float], distances: list[int]
) -> None:
    held = torch.tensor([4.0, 8.0])[: len(places)]
    found = correction_shares(places, 6, loop=loop) @ held
    wanted = [value * (1 if loop else 0.8) ** d for value, d in zip(corrections, distances, strict=True)]
    assert found.tolist() == pytest.approx(wanted)


def test_a_held_frames_correction_moves_the_others_and_leaves_what_differs_between_them() -> None:
    own = of_one_number(1.0, 1.5, 3.0)
    alike = hold_frames(lambda latents, t: own, of_one_number(5.0), [0], torch.ones(3, 1))
    assert alike(own, 400).flatten().tolist() == pytest.approx([5, 5.5, 7])
    less = hold_frames(lambda latents, t: own, of_one_number(5.0), [0], correction_shares([0], 3, loop=False))
    assert less(own, 400).flatten().tolist() == pytest.approx([5, 1.5 + 4 * 0.8, 3 + 4 * 0.64])


def test_a_film_to_start_from_is_not_drawn_towards_the_held_frame(tiny: TextToVideo) -> None:
    given = film(3)
    settings: dict[str, Any] = {"init_frames": given, "strength": 1.0, "num_steps": 1, "guidance_scale": 1.0}
    clean: list[Tensor] = []
    for hold in ({}, {0: film(1)[0]}):
        video = tiny.generate(PROMPT, **settings, hold=hold, callback=lambda *a: clean.append(a[2]))
        assert len(video.frames) == 3
    torch.testing.assert_close(clean[1][:, :, 1:], clean[0][:, :, 1:])


def test_a_clip_goes_on_from_another_whose_last_frames_it_holds(tiny: TextToVideo) -> None:
    before = tiny.generate(PROMPT, num_frames=4).frames
    after = tiny.generate(PROMPT, num_frames=6, hold=dict(enumerate(before[-2:])), seed=1).frames
    assert np.abs(after[:2].astype(int) - through_the_autoencoder(tiny, before[-2:])).max() <= 1


def test_keyframes_first_and_then_what_lies_between_them(tiny: TextToVideo) -> None:
    keys = tiny.generate(PROMPT, num_frames=3).frames
    whole = tiny.generate(PROMPT, num_frames=9, hold={4 * i: key for i, key in enumerate(keys)}).frames
    assert np.abs(whole[::4].astype(int) - through_the_autoencoder(tiny, keys)).max() <= 1


def test_an_eps_model_on_modelscopes_schedule_leaves_no_noise_on_a_held_frame(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    schedule = replace(tiny.preset.schedule, zero_terminal_snr=False)
    model = make_tiny(replace(tiny.preset, prediction="eps", spacing="modelscope", schedule=schedule))
    picture = film(1)
    got = model.generate(PROMPT, hold={0: picture[0]}).frames[:1].astype(int)
    assert np.abs(got - through_the_autoencoder(model, picture)).max() <= 1


@pytest.mark.parametrize(
    ("settings", "wants"),
    [
        ({"strength": 0.5}, "init_frames where a strength is given"),
        ({"init_frames": film(3), "strength": 1.5}, "a strength from 0 to 1, got 1.5"),
        ({"init_frames": film(3), "num_frames": 4}, "as many init_frames as num_frames, got 3 and 4"),
        ({"init_frames": film(3, 15, 28)}, "a height in steps of 4, got 15"),
        (
            {"init_frames": film(3)[..., 0]},
            r"init_frames \(f, h, w, 3\) as a uint8 array, got uint8 \(3, 16, 28\)",
        ),
        ({"init_frames": film(3) / 255}, "as a uint8 array, got float64"),
        ({"init_frames": "film.mp4"}, "as a uint8 array, got str"),
        ({"hold": {3: film(1)[0]}}, r"held frames from -3 to 2, got \[3\]"),
        ({"hold": {0: film(1, 20, 20)[0]}}, r"held frames \(16, 28, 3\), got \(20, 20, 3\)"),
        ({"hold": {0: film(1)}}, r"held frames \(16, 28, 3\).*got .*\(1, 16, 28, 3\)"),
        ({"hold": {0: "picture.png"}}, r"held frames \(16, 28, 3\) as a uint8 array, got str"),
        ({"hold": {0: film(1)[0] / 255}}, r"held frames .* as a uint8 array, got float64"),
        ({"window": 0}, "a window of 1 frame or more, got 0"),
        ({"window": 2, "window_stride": 3}, "a window_stride from 1 to the window's 2, got 3"),
    ],
)
def test_what_cannot_be_held_or_started_from_is_refused(
    tiny: TextToVideo, settings: dict[str, Any], wants: str
) -> None:
    with pytest.raises(SettingsError, match=f"tiny wants .*{wants}"):
        tiny.generate(PROMPT, **settings)


@pytest.mark.parametrize(
    ("prompt", "wants"), [({}, "a prompt for at least one frame"), ({3: "a"}, "from 0 to 2")]
)
def test_a_travelling_prompt_stays_inside_the_clip(
    tiny: TextToVideo, prompt: dict[int, str], wants: str
) -> None:
    with pytest.raises(SettingsError, match=wants):
        tiny.generate(prompt)
