"""LoRA in every layout, against diffusers and peft where they read it and against the algebra where not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import t2v
from t2v.errors import CheckpointError
from t2v.networks.layers import guidance_embedding
from t2v.pipeline import TextToVideo

FP32 = {"device": "cpu", "dtype": torch.float32}
KINDS = (nn.Linear, nn.Conv2d, nn.Conv3d)


def drawn(*shape: int, seed: int) -> Tensor:
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def reference(folder: Path, **settings: Any) -> Any:
    from diffusers import UNet3DConditionModel

    unet = UNet3DConditionModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False, **settings)
    return unet.eval()


def answers(unet: Any, *, guidance: float | None = None) -> Tensor:
    """What a network of either kind makes of the same noise."""
    latents = torch.randn(1, 4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    text = torch.randn(1, 7, 32, generator=torch.Generator().manual_seed(2))
    t = torch.tensor([300])
    scale = None if guidance is None else torch.tensor([guidance])
    with torch.inference_mode():
        if type(unet).__module__.startswith("diffusers"):
            embedded = None if scale is None else guidance_embedding(scale, 24)
            return unet(latents, t, text, timestep_cond=embedded).sample
        return unet(latents, t, text, scale)


def agree(ours: Any, theirs: Any, **settings: Any) -> None:
    wanted = answers(theirs, **settings)
    assert wanted.std() > 0.1
    assert (answers(ours, **settings) - wanted).abs().max() < 1e-4 * wanted.std()


def layers(unet: nn.Module) -> dict[str, Any]:
    return {name: m for name, m in unet.named_modules() if isinstance(m, KINDS)}


def halves(weight: Tensor, rank: int, seed: int) -> tuple[Tensor, Tensor]:
    """down (r, in, kernel) and up (out, r, 1, …), as cloneofsimo, diffusers and peft have them."""
    down = drawn(rank, *weight.shape[1:], seed=seed)
    return down, drawn(weight.shape[0], rank, *[1] * (weight.ndim - 2), seed=seed + 1)


def add(layer: Any, down: Tensor, up: Tensor, scale: float = 1.0) -> None:
    with torch.no_grad():
        layer.weight += scale * (up.flatten(1) @ down.flatten(1)).reshape(layer.weight.shape)


@pytest.mark.parametrize("alpha", [4, 6], ids=["alpha is the rank", "another alpha"])
def test_pefts_adapter_as_diffusers_saves_it(
    diffusers_folder: Path, official: Path, tmp_path: Path, alpha: int
) -> None:
    from diffusers.loaders import StableDiffusionLoraLoaderMixin
    from peft import LoraConfig, inject_adapter_in_model
    from peft.utils import get_peft_model_state_dict

    theirs = reference(diffusers_folder)
    targets = ["to_q", "to_k", "to_out.0", "conv_shortcut", "ff.net.0.proj", "conv1.2", "proj_in"]
    config = LoraConfig(r=4, lora_alpha=alpha, target_modules=targets)
    theirs = inject_adapter_in_model(config, theirs)
    for i, (name, parameter) in enumerate(theirs.named_parameters()):
        if "lora_" in name:
            parameter.data = drawn(*parameter.shape, seed=i)
    StableDiffusionLoraLoaderMixin.save_lora_weights(
        tmp_path,
        unet_lora_layers=get_peft_model_state_dict(theirs),
        unet_lora_adapter_metadata={"r": 4, "lora_alpha": alpha},
    )
    ours = t2v.load(official, loras=[(tmp_path, 1.0)], **FP32)
    plain = answers(reference(diffusers_folder))
    assert (answers(theirs) - plain).abs().max() > 0.1 * plain.std()
    agree(ours.unet, theirs)


def test_pefts_own_folder(diffusers_folder: Path, official: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, lora_alpha=5, target_modules=["to_v", "linear_1"])
    theirs = get_peft_model(reference(diffusers_folder), config)
    for i, (name, parameter) in enumerate(theirs.named_parameters()):
        if "lora_" in name:
            parameter.data = drawn(*parameter.shape, seed=i)
    theirs.save_pretrained(tmp_path)
    ours = t2v.load(official, loras=[(tmp_path, 1.0)], **FP32)
    agree(ours.unet, theirs.base_model.model)


@pytest.mark.parametrize("style", ["lora.down", "attention processors", "kohya"])
def test_older_names_of_diffusers_and_those_of_kohya(
    diffusers_folder: Path, official: Path, tmp_path: Path, style: str
) -> None:
    theirs = reference(diffusers_folder)
    attention = {n: m for n, m in layers(theirs).items() if n.rpartition(".")[2] in ("to_q", "to_k", "to_v")}
    state: dict[str, Tensor] = {}
    for i, (name, layer) in enumerate(attention.items()):
        down, up = halves(layer.weight, 3, 10 * i)
        scale = 1.0
        if style == "lora.down":
            pair = f"unet.{name}.lora.down.weight", f"unet.{name}.lora.up.weight"
        elif style == "kohya":
            flat = "lora_unet_" + name.replace(".", "_")
            pair = f"{flat}.lora_down.weight", f"{flat}.lora_up.weight"
            state[f"{flat}.alpha"], scale = torch.tensor(1.5), 0.5
        else:
            block, _, last = name.rpartition(".")
            side = f"unet.{block}.processor.{last}_lora"
            pair = f"{side}.down.weight", f"{side}.up.weight"
        state |= dict(zip(pair, (down, up), strict=True))
        add(layer, down, up, scale * 0.7)
    save_file(state, tmp_path / "lora.safetensors")
    agree(t2v.load(official, loras=[(tmp_path / "lora.safetensors", 0.7)], **FP32).unet, theirs)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip archive", "old form"])
def test_a_list_without_names_as_t2v_turbo_has_it_with_its_embedding_of_the_guidance(
    diffusers_folder: Path, official: Path, tmp_path: Path, zipped: bool
) -> None:
    """The trainer walks diffusers' network; here its own walk makes the file."""
    theirs = reference(diffusers_folder, time_cond_proj_dim=24)
    theirs.time_embedding.cond_proj.weight.data.zero_()
    listed = []
    for i, layer in enumerate(layers(theirs).values()):
        down, up = halves(layer.weight, 2, 10 * i)
        listed += [nn.Parameter(up), nn.Parameter(down)]
        add(layer, down, up, 0.5)
    path = tmp_path / "unet_lora.pt"
    torch.save(listed, path, _use_new_zipfile_serialization=zipped)
    model = t2v.load(official, loras=[(path, 0.5)], **FP32)
    preset = model.preset
    assert preset.unet.guidance_embed_dim == 24
    said = preset.sampler, preset.spacing, preset.num_steps, preset.guidance_scale
    assert said == ("lcm", "lcm", 4, 7.5)
    agree(model.unet, theirs, guidance=7.5)
    wanted = theirs.time_embedding.cond_proj.weight
    torch.testing.assert_close(model.unet.time_embed.cond_proj.weight, wanted, rtol=0, atol=1e-6)
    assert wanted.abs().max() > 0.001
    video = model.generate("a cat", num_frames=2, height=32, width=32)
    assert video.settings["num_steps"] == 4
    assert video.settings["sampler"] == "lcm"


def test_a_list_whose_trainer_passed_over_the_convolutions(
    diffusers_folder: Path, official: Path, tmp_path: Path
) -> None:
    theirs = reference(diffusers_folder)
    state = {}
    linear = [m for m in layers(theirs).values() if isinstance(m, nn.Linear)]
    for i, layer in enumerate(linear):
        down, up = halves(layer.weight, 2, 10 * i)
        state |= {f"unet:{i}:up": up, f"unet:{i}:down": down}
        add(layer, down, up)
    save_file(state, tmp_path / "lora.safetensors", metadata={"unet": '["UNet3DConditionModel"]'})
    agree(t2v.load(official, loras=[(tmp_path / "lora.safetensors", 1.0)], **FP32).unet, theirs)


def test_an_embedding_of_the_guidance_beside_the_changes(official: Path, tmp_path: Path) -> None:
    weight, name = drawn(32, 24, seed=1), "input_blocks.1.1.transformer_blocks.0.attn1.to_q"
    state = {
        "time_embedding.cond_proj.weight": weight,
        f"{name}.lora_A": drawn(2, 32, seed=2),
        f"{name}.lora_B": drawn(32, 2, seed=3),
    }
    save_file(state, tmp_path / "turbo.safetensors")
    model = t2v.load(official, loras=[(tmp_path / "turbo.safetensors", 1.0)], **FP32)
    assert torch.equal(model.unet.time_embed.cond_proj.weight, weight)
    assert model.preset.sampler == "lcm"


def stable_pair(weight: Tensor, rank: int, seed: int) -> tuple[Tensor, Tensor]:
    """loralib's halves: kernels are folded into the rows of both."""
    out, inner, *kernel = weight.shape
    k = kernel[0] if kernel else 1
    return drawn(rank * k, inner * k, seed=seed), drawn(out * k, rank * k, seed=seed + 1)


def by_hand(a: Tensor, b: Tensor, weight: Tensor) -> Tensor:
    """The published algebra, number by number: product, seen as a kernel, temporal ones averaged."""
    flat = (b.double() @ a.double()).flatten()
    out = torch.zeros(weight.shape, dtype=torch.float64)
    if weight.ndim < 5:
        return flat.reshape(weight.shape)
    channels, inner, k = weight.shape[:3]
    for o in range(channels):
        for i in range(inner):
            block = flat[(o * inner + i) * k * k :][: k * k]
            for step in range(k):
                out[o, i, step, 0, 0] = block[step * k : (step + 1) * k].mean()
    return out


STABLE = {
    "linear": "input_blocks.1.1.transformer_blocks.0.attn2.to_k",
    "temporal projection": "input_blocks.1.2.proj_in",
    "convolution": "input_blocks.1.0.in_layers.2",
    "temporal convolution": "input_blocks.1.0.temopral_conv.conv2.3",
    "upsampling": "output_blocks.3.3.conv",
}


@pytest.mark.parametrize("names", ["modelscope", "diffusers"])
@pytest.mark.parametrize("kind", STABLE)
def test_stable_loras_changes(
    official: Path, small: TextToVideo, tmp_path: Path, kind: str, names: str
) -> None:
    own = STABLE[kind]
    theirs = {
        "linear": "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k",
        "temporal projection": "down_blocks.0.temp_attentions.0.proj_in",
        "convolution": "down_blocks.0.resnets.0.conv1",
        "temporal convolution": "down_blocks.0.temp_convs.0.conv2.3",
        "upsampling": "up_blocks.1.upsamplers.0.conv",
    }[kind]
    weight = small.unet.get_parameter(f"{own}.weight")
    a, b = stable_pair(weight[:, :, 0] if weight.ndim == 3 else weight, 2, seed=4)
    name = own if names == "modelscope" else theirs
    save_file(
        {f"{name}.lora_A": a, f"{name}.lora_B": b},
        tmp_path / "lora.safetensors",
        metadata={"stable_lora_text_to_video": "v1"},
    )
    model = t2v.load(official, loras=[(tmp_path / "lora.safetensors", 0.5)], **FP32)
    wanted = weight.double() + 0.5 * by_hand(a, b, weight)
    got = model.unet.get_parameter(f"{own}.weight")
    torch.testing.assert_close(got.double(), wanted, rtol=1e-6, atol=1e-6)
    assert not torch.equal(got, weight)


def test_stable_loras_changes_of_the_text_tower(official: Path, small: TextToVideo, tmp_path: Path) -> None:
    tower = small.text_encoder.tower
    embedding = tower.token_embedding.weight
    state = {
        "text_model.encoder.layers.1.self_attn.k_proj.lora_A": drawn(2, 32, seed=1),
        "text_model.encoder.layers.1.self_attn.k_proj.lora_B": drawn(32, 2, seed=2),
        "resblocks.0.attn.out_proj.lora_A": drawn(2, 32, seed=3),
        "resblocks.0.attn.out_proj.lora_B": drawn(32, 2, seed=4),
        "token_embedding.lora_A": drawn(2, embedding.shape[0], seed=5),
        "token_embedding.lora_B": drawn(32, 2, seed=6),
    }
    save_file(state, tmp_path / "lora.safetensors")
    got = t2v.load(official, loras=[(tmp_path / "lora.safetensors", 1.0)], **FP32).text_encoder.tower
    a, b = (list(state.values())[i::2] for i in (0, 1))
    blocks, old = got.transformer.resblocks, tower.transformer.resblocks
    change = blocks[1].attn.in_proj_weight - old[1].attn.in_proj_weight
    torch.testing.assert_close(change[32:64], b[0] @ a[0], rtol=0, atol=1e-6)
    assert not change[:32].any()
    assert not change[64:].any()
    change = blocks[0].attn.out_proj.weight - old[0].attn.out_proj.weight
    torch.testing.assert_close(change, b[1] @ a[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(got.token_embedding.weight - embedding, (b[2] @ a[2]).t(), rtol=0, atol=1e-5)


@pytest.fixture
def two(small: TextToVideo, tmp_path: Path) -> list[Path]:
    """Two LoRAs that share some weights."""
    paths = []
    for i, keys in enumerate((list(STABLE.values())[:4], list(STABLE.values())[2:])):
        state = {}
        for j, key in enumerate(keys):
            weight = small.unet.get_parameter(f"{key}.weight")
            a, b = stable_pair(weight[:, :, 0] if weight.ndim == 3 else weight, 2, seed=100 * i + j)
            state |= {f"{key}.lora_A": a, f"{key}.lora_B": b}
        paths.append(tmp_path / f"{i}.safetensors")
        save_file(state, paths[-1])
    return paths


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_several_at_once_are_merged_and_unmerged_bit_for_bit(
    official: Path, two: list[Path], dtype: torch.dtype, different: Callable[..., list[str]]
) -> None:
    plain = t2v.load(official, device="cpu", dtype=dtype)
    both = t2v.load(official, loras=[(two[0], 0.3), (two[1], -1.2)], device="cpu", dtype=dtype)
    touched = {f"unet.{key}.weight" for key in STABLE.values()}
    assert set(different(plain, both)) == touched
    assert both.origin is not None
    assert both.origin.loras == ((two[0], 0.3), (two[1], -1.2))
    model = t2v.load(official, loras=[(two[1], 2.0)], device="cpu", dtype=dtype)
    t2v.set_loras(model, [(two[0], 0.3), (two[1], -1.2)])
    assert different(both, model) == []
    t2v.set_loras(model, [])
    assert different(plain, model) == []
    assert model.origin is not None
    assert model.origin.loras == ()


def test_the_sum_is_taken_in_single_precision_and_rounded_once(
    official: Path, small: TextToVideo, two: list[Path]
) -> None:
    half = t2v.load(official, loras=[(two[0], 0.7), (two[1], 0.7)], device="cpu", dtype=torch.float16)
    full = t2v.load(official, loras=[(two[0], 0.7), (two[1], 0.7)], **FP32)
    for key in STABLE.values():
        wanted = full.unet.get_parameter(f"{key}.weight").half()
        assert torch.equal(half.unet.get_parameter(f"{key}.weight"), wanted)


def test_what_is_no_lora_of_this_model_is_one_clear_error(
    official: Path, small: TextToVideo, tmp_path: Path
) -> None:
    key = STABLE["linear"]
    good = {f"{key}.lora_A": drawn(2, 32, seed=1), f"{key}.lora_B": drawn(32, 2, seed=2)}
    cases: list[tuple[dict[str, Tensor], str]] = [
        ({"a.weight": drawn(2, 2, seed=1)}, "no LoRA: none of its 1 tensors"),
        ({**good, f"{key}.dora_scale": drawn(2, seed=1)}, r"1 of 3 tensors are no half of a LoRA's change"),
        ({f"{key}.lora_A": drawn(2, 32, seed=1), **_pair("x")}, r"1 of 3 tensors are no half"),
        (
            {**good, **_pair("blocks.7.attn")},
            r"1 of 2 changes belong to no weight of official, first blocks\.7",
        ),
        ({**good, f"{key}.lora_B": drawn(31, 2, seed=2)}, r"halves of shapes \[2, 32\] and \[31, 2\]"),
    ]
    for i, (state, message) in enumerate(cases):
        path = tmp_path / f"{i}.safetensors"
        save_file(state, path)
        with pytest.raises(CheckpointError, match=message) as caught:
            t2v.load(official, loras=[(path, 1.0)], **FP32)
        assert str(path) in str(caught.value)
    torch.save([drawn(2, 2, seed=1)] * 3, tmp_path / "odd.pt")
    with pytest.raises(CheckpointError, match="3 tensors in a list: wanted pairs"):
        t2v.load(official, loras=[(tmp_path / "odd.pt", 1.0)], **FP32)
    torch.save([drawn(5, 2, 1, 1, seed=1), drawn(2, 5, 3, 3, seed=1)], tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"pair 0: halves of shapes .* for input_blocks\.0\.0\.weight"):
        t2v.load(official, loras=[(tmp_path / "other.pt", 1.0)], **FP32)
    with pytest.raises(CheckpointError, match="3 tensors in a list: wanted pairs"):
        t2v.load("toon", loras=[(tmp_path / "odd.pt", 1.0)], **FP32)
    with pytest.raises(CheckpointError, match="not loaded from files"):
        t2v.set_loras(small, [])


def _pair(name: str) -> dict[str, Tensor]:
    return {f"{name}.lora_A": drawn(2, 32, seed=1), f"{name}.lora_B": drawn(32, 2, seed=2)}
