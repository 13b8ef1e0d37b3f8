from __future__ import annotations

import contextlib
import gc
import inspect
import itertools
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, Unpack, get_args, get_type_hints

import numpy as np
import pytest
import torch
from torch import Tensor

import t2v
from t2v.configs import Preset, Spacing
from t2v.errors import SettingsError
from t2v.pipeline import TextToVideo, to_uint8
from t2v.sampling.samplers import SAMPLERS
from t2v.sampling.settings import ClipSettings, GenerateSettings, resolve_settings
from t2v.toon.prompts.understand import understand

PROMPT = "an orange cat talking in the kitchen"


def filmed(model: TextToVideo, **settings: Any) -> np.ndarray:
    return model.generate(PROMPT, **settings).frames


def test_a_prompt_becomes_frames_at_the_presets_size_and_rate(tiny: TextToVideo) -> None:
    video = tiny.generate(PROMPT)
    assert video.frames.shape == (3, 16, 28, 3)
    assert video.frames.dtype == np.uint8
    assert video.fps == 8
    assert video.frames.std() > 10


def test_the_video_says_what_it_was_filmed_with(tiny: TextToVideo) -> None:
    video = tiny.generate(PROMPT, seed=5, num_steps=2, guidance_scale=1.0, height=20, width=20)
    assert video.settings == {
        "prompt": PROMPT,
        "negative_prompt": "blurred",
        "num_frames": 3,
        "height": 20,
        "width": 20,
        "num_steps": 2,
        "guidance_scale": 1.0,
        "sampler": "ddim",
        "eta": 0.0,
        "spacing": "trailing",
        "guidance_rescale": 0.0,
        "guidance_interval": (0.0, 1.0),
        "guidance_every": 1,
        "motion_guidance": 0.0,
        "direction_guidance": 0.0,
        "cache_every": 1,
        "init_frames": 0,
        "strength": 1.0,
        "hold": [],
        "loop": False,
        "window": 3,
        "window_stride": 1,
        "seed": 5,
        "model": "tiny",
    }


def test_acting_is_guided_by_the_preset_unless_a_film_to_start_from_shows_it() -> None:
    before = np.zeros((4, *t2v.TOON.sizes["16:9"], 3), np.uint8)
    assert resolve_settings(t2v.TOON, PROMPT, {}).direction_guidance == t2v.TOON.direction_guidance > 0
    assert resolve_settings(t2v.TOON, PROMPT, {"init_frames": before}).direction_guidance == 0
    asked = resolve_settings(t2v.TOON, PROMPT, {"init_frames": before, "direction_guidance": 1.5})
    assert asked.direction_guidance == 1.5


def test_what_is_left_out_is_the_presets_own_value(tiny: TextToVideo) -> None:
    written_out = filmed(
        tiny,
        negative_prompt="blurred",
        num_frames=3,
        height=16,
        width=28,
        num_steps=4,
        guidance_scale=3.0,
        sampler="ddim",
        seed=0,
        eta=0.0,
    )
    assert np.array_equal(filmed(tiny), written_out)
    assert np.array_equal(filmed(tiny), filmed(tiny, negative_prompt=None, num_frames=None, sampler=None))


def test_the_same_seed_gives_the_same_film_and_another_seed_another(tiny: TextToVideo) -> None:
    assert np.array_equal(filmed(tiny, seed=7), filmed(tiny, seed=7))
    assert not np.array_equal(filmed(tiny, seed=7), filmed(tiny, seed=8))


def test_the_same_weights_loaded_again_give_the_same_film(
    tiny: TextToVideo, make_tiny: Callable[..., TextToVideo]
) -> None:
    assert np.array_equal(filmed(tiny), filmed(make_tiny()))


@pytest.mark.parametrize(
    "settings",
    [
        {"eta": 1.0},
        {"speed": "fast"},
        {"guidance_interval": (0.2, 0.8), "guidance_every": 2, "cache_every": 3, "num_steps": 7},
        {"num_frames": 5, "window": 3, "loop": True, "sampler": "lcm"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_list_of_seeds_gives_what_each_gives_alone(tiny: TextToVideo, settings: GenerateSettings) -> None:
    together = tiny.generate(PROMPT, seed=[3, 1, 3], **settings)
    alone = [tiny.generate(PROMPT, seed=seed, **settings) for seed in (3, 1, 3)]
    assert [v.settings["seed"] for v in together] == [3, 1, 3]
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(together, alone, strict=True))
    assert tiny.generate(PROMPT, seed=[]) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"negative_prompt": "a loud red fish"},
        {"guidance_scale": 6.0},
        {"num_steps": 3},
        {"eta": 1.0},
        {"sampler": "dpmpp_2m"},
        {"spacing": "karras"},
        {"guidance_rescale": 0.7},
        {"guidance_interval": (0.0, 0.6)},
        {"guidance_every": 2},
        {"motion_guidance": 2.0},
        {"cache_every": 2},
        {"speed": "fast"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_every_setting_makes_a_difference(tiny: TextToVideo, settings: GenerateSettings) -> None:
    assert not np.array_equal(filmed(tiny), filmed(tiny, **settings))


@pytest.mark.parametrize(
    ("sampler", "spacing"), [*itertools.zip_longest(SAMPLERS, get_args(Spacing), fillvalue="trailing")]
)
def test_every_sampler_and_every_spacing_films(tiny: TextToVideo, sampler: str, spacing: Spacing) -> None:
    video = tiny.generate(PROMPT, num_frames=1, num_steps=2, sampler=sampler, spacing=spacing)
    assert video.frames.std() > 10
    assert (video.settings["sampler"], video.settings["spacing"]) == (sampler, spacing)


def test_a_network_distilled_with_its_guidance_inside_reads_the_scale_and_is_asked_once_a_step(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    preset = replace(
        tiny.preset,
        unet=replace(tiny.preset.unet, guidance_embed_dim=32),
        schedule=replace(tiny.preset.schedule, zero_terminal_snr=False),
        prediction="eps",
        spacing="lcm",
        sampler="lcm",
        guidance_scale=7.5,
    )
    turbo = make_tiny(preset)
    asked: list[tuple[int, float]] = []
    hook = turbo.unet.register_forward_pre_hook(lambda _, args: asked.append((int(args[1]), float(args[3]))))
    frames = filmed(turbo)
    hook.remove()
    assert asked == [(999, 7.5), (759, 7.5), (519, 7.5), (279, 7.5)]
    assert not np.array_equal(frames, filmed(turbo, guidance_scale=4.0))


def test_another_prompt_makes_another_film(tiny: TextToVideo) -> None:
    assert not np.array_equal(filmed(tiny), tiny.generate("two robots dancing on the beach").frames)


def test_a_guidance_scale_of_1_reads_no_negative_prompt_and_asks_the_network_once_a_step(
    tiny: TextToVideo,
) -> None:
    asked: list[int] = []
    hook = tiny.unet.register_forward_hook(lambda *_: asked.append(1))
    one = filmed(tiny, guidance_scale=1.0)
    assert len(asked) == 4
    assert np.array_equal(one, filmed(tiny, guidance_scale=1.0, negative_prompt="a loud red fish"))
    asked.clear()
    filmed(tiny, guidance_scale=2.0)
    assert len(asked) == 8
    hook.remove()


def test_the_noise_is_drawn_on_the_cpu_in_single_precision_in_the_shape_of_the_latents(
    tiny: TextToVideo,
) -> None:
    seen: list[Tensor] = []
    hook = tiny.unet.register_forward_pre_hook(lambda _, args: seen.append(args[0].clone()))
    filmed(tiny, seed=11, num_frames=2, height=24, width=8)
    hook.remove()
    wanted = torch.randn(1, 4, 2, 6, 2, generator=torch.Generator().manual_seed(11))
    assert torch.equal(seen[0], wanted)


def test_the_worlds_own_dice_are_neither_read_nor_thrown(tiny: TextToVideo) -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one = filmed(tiny, eta=1.0)
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    assert np.array_equal(one, filmed(tiny, eta=1.0))


def test_the_callback_is_called_after_every_step_with_latents(tiny: TextToVideo) -> None:
    heard: list[tuple[int, int, tuple[int, ...]]] = []
    filmed(
        tiny, num_steps=5, callback=lambda step, steps, latents: heard.append((step, steps, latents.shape))
    )
    assert heard == [(i, 5, (1, 4, 3, 4, 7)) for i in range(1, 6)]


def test_half_precision_films_nearly_the_same(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    half = make_tiny(dtype=torch.bfloat16)
    difference = np.abs(filmed(half).astype(int) - filmed(tiny))
    assert 0 < difference.mean() < 8


@pytest.mark.parametrize(("height", "width", "num_frames"), [(4, 4, 1), (12, 20, 1), (28, 16, 5)])
def test_any_number_of_frames_and_any_size_in_steps_of_the_factor_can_be_filmed(
    tiny: TextToVideo, height: int, width: int, num_frames: int
) -> None:
    frames = filmed(tiny, height=height, width=width, num_frames=num_frames, num_steps=2)
    assert frames.shape == (num_frames, height, width, 3)


@pytest.mark.parametrize(
    ("settings", "wants"),
    [
        ({"num_frames": 0}, "num_frames of 1 or more, got 0"),
        ({"height": 18}, "a height in steps of 4, got 18, try 16"),
        ({"height": 0}, "a height in steps of 4, got 0, try 4"),
        ({"width": -4}, "a width in steps of 4, got -4, try 4"),
        ({"num_steps": 0}, "1 to 1000 steps, got 0"),
        ({"num_steps": 1001}, "1 to 1000 steps, got 1001"),
        ({"guidance_scale": -0.1}, "a guidance scale of 0 or more, got -0.1"),
        ({"guidance_scale": float("nan")}, "a guidance scale of 0 or more, got nan"),
        ({"guidance_scale": float("inf")}, "a guidance scale of 0 or more, got inf"),
        ({"sampler": "plms"}, "one of the samplers ddim, euler, .*lcm, got 'plms'"),
        ({"spacing": "wide"}, "one of the spacings modelscope, .*, got 'wide'"),
        ({"spacing": "lcm", "num_steps": 51}, "1 to 50 steps, got 51"),
        ({"eta": 0.5, "sampler": "euler"}, "an eta with sampler ddim alone, got 0.5 with euler"),
        ({"guidance_rescale": 1.1}, "a guidance_rescale from 0 to 1, got 1.1"),
        ({"guidance_interval": (0.5, 0.4)}, "a guidance_interval inside .*, got \\(0.5, 0.4\\)"),
        ({"cache_every": 0}, "cache_every of 1 or more, got 0"),
        ({"speed": "warp"}, "one of the speeds exact, fast, got 'warp'"),
        ({"guidance_every": 0}, "guidance_every of 1 or more, got 0"),
        ({"motion_guidance": -1}, "a motion_guidance of 0 or more, got -1"),
        ({"direction_guidance": -1}, "a direction_guidance of 0 or more, got -1"),
        ({"direction_guidance": 2}, "no direction_guidance, as it takes no directions, got 2"),
        ({"eta": 1.5}, "an eta from 0 to 1, got 1.5"),
        ({"seed": -1}, "seeds from 0 to 2\\*\\*63 - 1, got -1"),
        ({"seed": [1, 2**63]}, "seeds from 0 to 2\\*\\*63 - 1, got 9223372036854775808"),
    ],
)
def test_a_setting_that_cannot_be_filmed_with_is_refused_with_what_was_wanted_and_what_came(
    tiny: TextToVideo, settings: dict[str, Any], wants: str
) -> None:
    with pytest.raises(SettingsError, match=f"tiny wants {wants}"):
        tiny.generate(PROMPT, **settings)


def test_all_faults_are_told_at_once(tiny: TextToVideo) -> None:
    with pytest.raises(SettingsError, match="num_frames of 1 or more, got 0; an eta from 0 to 1, got 2"):
        tiny.generate(PROMPT, num_frames=0, eta=2)


def test_an_unknown_setting_is_a_type_error(tiny: TextToVideo) -> None:
    with pytest.raises(TypeError, match="steps"):
        tiny.generate(PROMPT, steps=3)  # type: ignore[call-overload]


def test_the_settings_that_the_types_name_are_those_that_generate_takes(tiny: TextToVideo) -> None:
    parameters = inspect.signature(TextToVideo.generate).parameters
    assert list(parameters) == ["self", "prompt", "seed", "settings"]
    assert get_type_hints(TextToVideo.generate)["settings"] == Unpack[GenerateSettings]
    given: Any = dict.fromkeys(GenerateSettings.__annotations__)
    assert np.array_equal(filmed(tiny, **given), filmed(tiny))
    resolved = {field.name for field in fields(ClipSettings)}
    assert resolved - {"prompt"} == set(GenerateSettings.__annotations__) - {"speed", "callback"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [("steps", "num_steps"), ("guidance", "guidance_scale"), ("negativ_prompt", "negative_prompt")],
)
def test_an_unknown_setting_is_refused_with_the_nearest_name(tiny: TextToVideo, name: str, hint: str) -> None:
    settings: Any = {name: 3}
    with pytest.raises(TypeError, match=f"takes no setting '{name}', did you mean '{hint}'?"):
        tiny.generate(PROMPT, **settings)
    with pytest.raises(TypeError, match="takes no setting 'xyz'; there are negative_prompt, num_frames"):
        tiny.generate(PROMPT, xyz=1)  # type: ignore[call-overload]


def test_the_parts_can_be_used_by_themselves(tiny: TextToVideo) -> None:
    frames = torch.zeros(1, 3, 2, 16, 28)
    with torch.inference_mode():
        latents = tiny.autoencoder.encode(frames)
        text = tiny.text_encoder([PROMPT])
        answer = tiny.unet(latents, torch.tensor([500]), text)
        decoded = tiny.autoencoder.decode(latents)
    assert latents.shape == answer.shape == (1, 4, 2, 4, 7)
    assert text.shape == (1, 16, 32)
    assert decoded.shape == frames.shape


def test_an_eps_model_on_modelscopes_schedule_films_too(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    schedule = replace(tiny.preset.schedule, zero_terminal_snr=False)
    preset: Preset = replace(tiny.preset, prediction="eps", spacing="modelscope", schedule=schedule)
    steps: list[int] = []
    frames = filmed(make_tiny(preset), num_steps=3, callback=lambda step, *_: steps.append(step))
    assert steps == [1, 2, 3, 4]
    assert frames.std() > 10


def test_a_model_of_the_drawn_world_hears_every_prompt_in_the_words_of_that_world(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    toonish = make_tiny(replace(tiny.preset, speaks_toon=True))
    said = "A ginger kitten naps at the pub, late in the evening"
    heard = understand(said).prompt
    assert heard != said
    settings: GenerateSettings = {"num_frames": 1, "num_steps": 2}
    frames = toonish.generate(said, **settings).frames
    assert np.array_equal(frames, tiny.generate(heard, **settings).frames)
    assert not np.array_equal(frames, tiny.generate(said, **settings).frames)


def test_frames_become_bytes_by_truncation_and_what_is_too_bright_is_clamped() -> None:
    frames = torch.tensor([-3.0, -1.0, 0.0, 0.999, 1.0, 7.0]).view(1, 1, 1, 6).expand(3, 1, 1, 6)
    assert to_uint8(frames)[0, 0, :, 0].tolist() == [0, 0, 127, 254, 255, 255]
    assert to_uint8(frames).shape == (1, 1, 6, 3)


def test_there_is_no_film_model_of_another_name() -> None:
    with pytest.raises(t2v.CheckpointError, match="sora: no such film model: wanted"):
        t2v.load("sora")


def test_fast_means_few_steps_of_second_order_and_every_other_one_cheap(
    make_tiny: Callable[..., TextToVideo], tiny: TextToVideo
) -> None:
    told = make_tiny(replace(tiny.preset, num_steps=50)).generate(PROMPT, num_frames=1, speed="fast").settings
    assert (told["sampler"], told["num_steps"], told["cache_every"]) == ("dpmpp_2m", 16, 2)
    assert told["guidance_every"] == 2
    own = tiny.generate(PROMPT, speed="fast", sampler="unipc", num_steps=2, cache_every=1).settings
    assert (own["sampler"], own["num_steps"], own["cache_every"]) == ("unipc", 2, 1)
    assert np.array_equal(filmed(tiny), filmed(tiny, speed="exact"))


def test_a_model_may_be_fast_by_itself(make_tiny: Callable[..., TextToVideo], tiny: TextToVideo) -> None:
    quick = make_tiny(replace(tiny.preset, speed="fast"))
    assert np.array_equal(filmed(quick), filmed(tiny, speed="fast"))
    assert np.array_equal(filmed(quick, speed="exact"), filmed(tiny))


def live_tensors() -> int:
    gc.collect()
    return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())


def test_filming_that_is_broken_off_leaves_no_memory_held(tiny: TextToVideo) -> None:
    def stop(step: int, *_: object) -> None:
        if step == 2:
            raise KeyboardInterrupt

    picture = np.zeros((16, 28, 3), np.uint8)
    before = live_tensors()
    with contextlib.suppress(KeyboardInterrupt):
        tiny.generate(PROMPT, callback=stop, loop=True, cache_every=2, guidance_every=2, hold={1: picture})
    assert live_tensors() == before


def loud(model: TextToVideo) -> TextToVideo:
    """Weights that fp16 can hold and answers that it cannot."""
    with torch.no_grad():
        model.unet.out[0].weight.fill_(6e4)
        model.unet.out[2].weight.mul_(100)
    return model


def test_what_half_precision_cannot_hold_is_filmed_again_in_single_precision_with_a_warning(
    make_tiny: Callable[..., TextToVideo],
) -> None:
    model = loud(make_tiny(dtype=torch.float16))
    own = {name: parameter.dtype for name, parameter in model.unet.named_parameters()}
    with pytest.warns(
        t2v.PrecisionWarning, match=r"tiny: .*fp16\) overflowed, so the clip is made again in fp32"
    ):
        frames = filmed(model, num_steps=2)
    assert frames.std() > 10
    assert model.dtype == torch.float16
    assert {name: parameter.dtype for name, parameter in model.unet.named_parameters()} == own


def test_weights_that_are_no_numbers_are_told_by_name_and_no_black_film_is_made(
    make_tiny: Callable[..., TextToVideo],
) -> None:
    model = make_tiny()
    with torch.no_grad():
        model.unet.out[2].bias[0] = float("nan")
    wanted = r"tiny: .*not finite at timestep 999; 1 of its weights are not finite, first 'unet.out.2.bias'"
    with pytest.raises(t2v.RenderError, match=wanted):
        filmed(model)


def test_an_autoencoder_that_answers_with_no_number_makes_no_black_film_either(
    make_tiny: Callable[..., TextToVideo],
) -> None:
    model = make_tiny()
    with torch.no_grad():
        model.autoencoder.decoder.conv_out.bias[0] = float("inf")
    with pytest.raises(t2v.RenderError, match="the autoencoder's output is not finite"):
        filmed(model, num_steps=1)
