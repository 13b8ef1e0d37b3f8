from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from t2v.networks.conditioning import LayerOptions
from t2v.pipeline import TextToVideo, open_loop
from t2v.sampling.windows import frame_windows, long_noise, windowed_network


def drawn(num_frames: int, seed: int = 1) -> Tensor:
    return torch.randn(1, 4, num_frames, 4, 4, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("num_frames", "window", "stride"), [(16, 16, 8), (17, 16, 8), (40, 16, 8), (9, 4, 3)]
)
@pytest.mark.parametrize("loop", [False, True])
def test_every_frame_lies_in_a_window_and_every_window_is_whole(
    num_frames: int, window: int, stride: int, loop: bool
) -> None:
    found = frame_windows(num_frames, window, stride, loop=loop)
    assert {frame for frames in found for frame in frames} == set(range(num_frames))
    assert all(len(set(frames)) == window for frames in found)


def test_the_windows_of_a_loop_go_on_over_its_end() -> None:
    assert frame_windows(6, 4, 2, loop=True) == [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 0, 1]]


def test_a_network_that_looks_at_single_frames_does_not_notice_the_windows() -> None:
    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return torch.tanh(latents) + text[:, :, 0].transpose(1, 2)[..., None, None]

    latents, t = drawn(11), torch.tensor([500])
    text = torch.randn(1, 11, 1, 4, generator=torch.Generator().manual_seed(2))
    got = windowed_network(network, frame_windows(11, 4, 2, loop=False))(latents, t, text)
    torch.testing.assert_close(got, network(latents, t, text))


def test_an_answer_counts_the_more_the_nearer_it_is_to_the_middle_of_its_window() -> None:
    answers = iter([1.0, 5.0])

    def network(latents: Tensor, t: Tensor, text: Tensor) -> Tensor:
        return torch.full_like(latents, next(answers))

    got = windowed_network(network, [[0, 1, 2, 3], [2, 3, 4, 5]])(drawn(6), torch.tensor([1]), torch.zeros(1))
    # weights 1 2 2 1: frame 2 hears the first window twice and the second once
    assert got[0, 0, :, 0, 0].tolist() == pytest.approx([1, 1, 7 / 3, 11 / 3, 5, 5])


def test_long_noise_is_that_of_the_first_window_shuffled_again_and_again() -> None:
    noise = long_noise((1, 4, 20, 2, 2), 8, 4, torch.Generator().manual_seed(3))
    assert torch.equal(
        noise[:, :, :8], torch.randn(1, 4, 8, 2, 2, generator=torch.Generator().manual_seed(3))
    )
    for start in range(0, 16, 4):
        chunk, later = (
            (sorted(noise[0, :, i].flatten().tolist() for i in range(s, s + 4)) for s in (start, start + 8))
            if start + 12 <= 20
            else ([], [])
        )
        assert chunk == later
    assert len({tuple(noise[0, :, i].flatten().tolist()) for i in range(20)}) == 8


@pytest.mark.parametrize("num_frames", [8, 12, 16, 20, 24, 28])
def test_no_window_of_a_loop_sees_the_same_noise_twice(num_frames: int) -> None:
    noise = long_noise((1, 4, num_frames, 2, 2), 8, 4, torch.Generator().manual_seed(3), loop=True)
    for frames in frame_windows(num_frames, 8, 4, loop=True):
        assert len({tuple(noise[0, :, i].flatten().tolist()) for i in frames}) == len(frames)


def test_a_clip_no_longer_than_a_window_has_the_noise_it_always_had() -> None:
    got = long_noise((1, 4, 6, 2, 2), 8, 4, torch.Generator().manual_seed(3))
    assert torch.equal(got, torch.randn(1, 4, 6, 2, 2, generator=torch.Generator().manual_seed(3)))


@pytest.mark.parametrize("turn", [1, 4])
def test_a_closed_network_does_not_know_where_a_clip_begins(tiny: TextToVideo, turn: int) -> None:
    latents, t = drawn(7), torch.tensor([400])
    with torch.inference_mode():
        text = tiny.text_encoder(["a cat"])
        before = tiny.unet(latents, t, text)
        assert (tiny.unet(latents.roll(turn, 2), t, text) - before.roll(turn, 2)).abs().max() > 1e-3
        options = LayerOptions(ring=True)
        ring = tiny.unet(latents, t, text, options=options)
        turned = tiny.unet(latents.roll(turn, 2), t, text, options=options)
        torch.testing.assert_close(turned, ring.roll(turn, 2), rtol=0, atol=1e-4)
        assert torch.equal(tiny.unet(latents, t, text), before)


def test_the_network_is_itself_again_when_the_filming_of_a_loop_is_broken_off(tiny: TextToVideo) -> None:
    before = tiny.generate("a cat").frames

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tiny.generate("a cat", loop=True, callback=stop)
    assert np.array_equal(tiny.generate("a cat").frames, before)


def steps(frames: np.ndarray) -> list[float]:
    """The step into every frame, the first one's from the last."""
    whole = frames.astype(int)
    return list(np.abs(whole - np.roll(whole, 1, axis=0)).mean((1, 2, 3)))


@pytest.mark.parametrize("window", [None, 4])
def test_the_last_step_of_a_loop_is_no_larger_than_its_inner_steps(
    tiny: TextToVideo, window: int | None
) -> None:
    frames = tiny.generate("a cat", num_frames=7, num_steps=2, loop=True, window=window).frames
    last, *inner = steps(frames)
    assert last <= min(inner)


def test_a_ring_opens_at_its_smallest_step_and_keeps_its_order() -> None:
    frames = np.array([10, 50, 90, 100, 60, 30], np.uint8).reshape(6, 1, 1, 1).repeat(3, 3)
    assert open_loop(frames)[:, 0, 0, 0].tolist() == [100, 60, 30, 10, 50, 90]


def test_a_long_clip_is_filmed_in_windows_of_the_length_asked_for(tiny: TextToVideo) -> None:
    seen: list[int] = []
    hook = tiny.unet.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[2]))
    video = tiny.generate("a cat", num_frames=10, num_steps=1, guidance_scale=1.0, window=4)
    hook.remove()
    assert len(video.frames) == 10
    assert seen == [4] * 4
