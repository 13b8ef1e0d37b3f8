from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from t2v.networks.deep_cache import DeepCache, DeepFeatures
from t2v.pipeline import TextToVideo

PROMPT = "a red cat"


def inputs(model: TextToVideo) -> tuple[Tensor, Tensor, Tensor]:
    latents = torch.randn(1, 4, 3, 4, 7, generator=torch.Generator().manual_seed(1))
    return latents, torch.tensor([500]), model.text_encoder([PROMPT])


@torch.inference_mode()
def test_a_pass_that_keeps_its_features_answers_as_one_that_does_not(tiny: TextToVideo) -> None:
    given, deep = inputs(tiny), DeepFeatures()
    plain = tiny.unet(*given)
    assert torch.equal(tiny.unet(*given, deep=deep), plain)
    assert deep.kept is not None
    torch.testing.assert_close(tiny.unet(*given, deep=deep), plain)


@torch.inference_mode()
def test_with_kept_features_only_the_outermost_stages_run(tiny: TextToVideo) -> None:
    given, deep = inputs(tiny), DeepFeatures()
    tiny.unet(*given, deep=deep)
    ran: list[Any] = []
    stages = {"first": tiny.unet.input_blocks[0], "last": tiny.unet.output_blocks[-1]}
    stages |= {"below": tiny.unet.input_blocks[1], "middle": tiny.unet.middle_block}
    hooks = [s.register_forward_hook(lambda *_, name=name: ran.append(name)) for name, s in stages.items()]
    latents, t, text = given
    answer = tiny.unet(latents + 0.5, t, text, deep=deep)
    for hook in hooks:
        hook.remove()
    assert ran == ["first", "last"]
    assert not torch.equal(answer, tiny.unet(*given))


def test_every_call_of_a_step_has_features_of_its_own_and_they_are_renewed_in_time() -> None:
    cache = DeepCache(every=2)
    zero = torch.zeros(1)
    both = [cache.features(999), cache.features(999)]
    assert both[0] is not both[1]
    for slot in both:
        assert slot.kept is None
        slot.kept = zero
    assert [cache.features(900) is slot and slot.kept is zero for slot in both] == [True, True]
    assert [cache.features(800).kept for _ in range(2)] == [None, None]


def test_a_branch_that_is_not_asked_in_every_step_gets_no_features_of_an_earlier_turn() -> None:
    cache = DeepCache(every=2)
    text, negative = cache.features(999), DeepFeatures()
    for step, timestep in enumerate((900, 800, 700, 600, 500), start=1):
        assert cache.features(timestep) is text
        if step % 2:  # guidance that begins one step late: every second step, never the first of a turn
            negative = cache.features(timestep)
            assert negative.kept is None
            negative.kept = torch.full((1,), float(step))
    assert negative.turn == 2


def test_features_kept_for_every_second_step_halve_the_full_passes(tiny: TextToVideo) -> None:
    ran: list[str] = []
    hooks = [
        tiny.unet.register_forward_hook(lambda *_: ran.append("pass")),
        tiny.unet.middle_block.register_forward_hook(lambda *_: ran.append("full")),
    ]
    tiny.generate(PROMPT, num_steps=4, cache_every=2)
    assert (ran.count("pass"), ran.count("full")) == (8, 4)
    ran.clear()
    tiny.generate(PROMPT, num_steps=4, cache_every=2, num_frames=6, window=4, guidance_interval=(0.5, 1.0))
    for hook in hooks:
        hook.remove()
    # two windows of conditional passes in four steps, two of unconditional ones in the first two steps
    assert (ran.count("pass"), ran.count("full")) == (12, 6)
