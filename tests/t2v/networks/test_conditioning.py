from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from t2v.networks.conditioning import Chunks, LayerOptions, Memo
from t2v.networks.unet import UNet3D
from tests.t2v.networks.small import CONFIG, drawn

LATENTS, T = drawn(2, 4, 5, 6, 8), torch.tensor([700, 20])
TEXT, TEXT_A_FRAME = drawn(2, 7, 24, seed=1), drawn(2, 5, 7, 24, seed=2)


@pytest.fixture(scope="module")
def model(randomise: Callable[[nn.Module, int], None]) -> UNet3D:
    out = UNet3D(CONFIG).eval()
    randomise(out, 1)
    return out


@pytest.mark.parametrize("text", [TEXT, TEXT_A_FRAME], ids=["a text a clip", "a text a frame"])
@pytest.mark.parametrize("chunks", [Chunks(1, 3), Chunks(2), Chunks(3, 1000), Chunks(None, 7), Chunks(9)])
@torch.inference_mode()
def test_the_network_answers_the_same_however_much_it_takes_at_once(
    model: UNet3D, chunks: Chunks, text: Tensor
) -> None:
    wanted = model(LATENTS, T, text)
    got = model(LATENTS, T, text, options=LayerOptions(chunks))
    assert (got - wanted).abs().max() < 1e-5 * wanted.std()


@torch.inference_mode()
def test_with_a_memo_the_answers_are_the_same_and_shared_work_is_done_once(model: UNet3D) -> None:
    asked = {"text": 0, "time": 0}

    def count(kind: str) -> Callable[..., None]:
        return lambda *_: asked.update({kind: asked[kind] + 1})

    block = model.middle_block[1].transformer_blocks[0]
    hooks = [
        block.attn2.to_k.register_forward_hook(count("text")),
        model.time_embed.register_forward_hook(count("time")),
    ]
    memo, other = Memo(), drawn(2, 7, 24, seed=3)
    wanted = [model(LATENTS, t, text) for t in (T, T + 1) for text in (TEXT, other)]
    asked.update(text=0, time=0)
    got = [model(LATENTS, t, text, once=memo) for t in (T, T + 1) for text in (TEXT, other)]
    for hook in hooks:
        hook.remove()
    assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))
    assert asked == {"text": 2, "time": 2}


@torch.inference_mode()
def test_one_timestep_tensor_is_embedded_once_for_both_branches_of_guidance(model: UNet3D) -> None:
    asked = []
    hook = model.time_embed.register_forward_hook(lambda *_: asked.append(1))
    memo, t = Memo(), torch.tensor([5, 5])
    model(LATENTS, t, TEXT, once=memo)
    model(LATENTS, t, TEXT_A_FRAME, once=memo)
    hook.remove()
    assert len(asked) == 1


def test_a_memo_forgets_all_but_the_last_two() -> None:
    memo, asked = Memo(), []

    def double(x: Tensor) -> Tensor:
        asked.append(x)
        return x * 2

    first, second, third = (torch.tensor([float(i)]) for i in range(3))
    for x in (first, second, first, third, first, second):
        assert torch.equal(memo(double, x), x * 2)
    assert [x.item() for x in asked] == [0, 1, 2, 0, 1]


@torch.inference_mode()
def test_sizes_that_do_not_halve_are_answered_in_pieces_too(model: UNet3D) -> None:
    got = model(drawn(1, 4, 3, 7, 9), T[:1], TEXT[:1], options=LayerOptions(Chunks(1, 4)))
    wanted = model(drawn(1, 4, 3, 7, 9), T[:1], TEXT[:1])
    assert (got - wanted).abs().max() < 1e-5 * wanted.std()


@torch.inference_mode()
def test_a_clip_of_one_frame_has_no_pieces(model: UNet3D) -> None:
    got = model(LATENTS[:, :, :1], T, TEXT, options=LayerOptions(Chunks(frames=1)))
    assert torch.equal(got, model(LATENTS[:, :, :1], T, TEXT))
