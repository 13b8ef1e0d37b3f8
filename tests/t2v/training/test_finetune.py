"""Fine-tuning small random models: what learns, what stays, what comes out, and what a kill loses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import t2v
from t2v.configs import ScheduleConfig
from t2v.errors import SettingsError
from t2v.networks.unet import UNet3D
from t2v.pipeline import TextToVideo
from t2v.sampling.prompts import embed_prompts
from t2v.sampling.schedule import noise_schedule
from t2v.training import finetune
from t2v.training.finetune import EncodedClips, Example, FineTuning
from t2v.training.loop import Objective
from t2v.training.resumable import TimeIsUp

FEW = FineTuning(num_steps=3, rank=2, precision="fp32", validate_every=2, preview_every=100)


def examples(first: int) -> list[Example]:
    rng = np.random.default_rng(0)
    shapes = [(3, 16, 16, 3)] * 3 + [(1, 16, 16, 3)]
    return [Example(rng.integers(0, 256, s, np.uint8), f"a cat {i}") for i, s in enumerate(shapes)][first:]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory, make_tiny: Callable[..., TextToVideo]) -> Path:
    """A small model in ModelScope's layout."""
    model = make_tiny()
    plain = replace(
        model.preset,
        schedule=ScheduleConfig(),
        prediction="eps",
        spacing="modelscope",
        unet=replace(model.preset.unet, num_heads=8),
    )
    return t2v.save(make_tiny(plain), tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def clips(folder: Path, tmp_path: Path) -> EncodedClips:
    return finetune.encode_examples(
        finetune.load_model(str(folder), "cpu"), examples, tmp_path / "latents.pt"
    )


def tuned(
    folder: Path, clips: EncodedClips, out: Path, settings: FineTuning = FEW, **more: Any
) -> TextToVideo:
    model = finetune.load_model(str(folder), "cpu")
    finetune.finetune(model, clips, settings, out, **more)
    return model


def weights(path: Path, **settings: Any) -> dict[str, torch.Tensor]:
    return t2v.load(path, device="cpu", dtype=torch.float32, **settings).unet.state_dict()


def test_latents_are_encoded_once(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    model = finetune.load_model(str(folder), "cpu")
    again = finetune.encode_examples(
        model, lambda first: pytest.fail("encoded again"), tmp_path / "latents.pt"
    )
    assert [tuple(x.shape) for x in again.latents] == [(4, 3, 4, 4)] * 3 + [(4, 1, 4, 4)]
    assert again.captions == clips.captions
    assert sorted([*again.held_out(), *again.trained()]) == [0, 1, 2, 3]
    assert again.held_out() == [3]


def test_encoding_stops_on_time_and_goes_on(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    model, file = finetune.load_model(str(folder), "cpu"), tmp_path / "again.pt"
    with pytest.raises(TimeIsUp, match="after 1 samples"):
        finetune.encode_examples(model, examples, file, stop_at=0.0)
    again = finetune.encode_examples(model, examples, file)
    assert again.captions == clips.captions
    assert all(torch.equal(a, b) for a, b in zip(again.latents, clips.latents, strict=True))


@pytest.mark.parametrize(
    ("source", "caption"),
    [
        ("toon", "a crimson automaton greets by the couch"),  # in the words of TOON's world
        ("toon", ""),
        ("folder", "an (orange:1.3) cat"),  # weights are weights
        ("folder", ", ".join(["an orange cat on a desk"] * 20)),  # the first of its chunks
    ],
)
@torch.inference_mode()
def test_captions_are_read_in_training_as_they_are_in_filming(
    source: str, caption: str, folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    model = finetune.load_model("toon" if source == "toon" else str(folder), "cpu")
    run = finetune._Run(model, replace(clips, captions=[caption] * 4), FEW, tmp_path, print)
    undirected = replace(model.preset, directed=False)  # a clip's poses are not known, and left out
    filmed = embed_prompts(model.text_encoder, caption, "", undirected, 1)[0][0]
    assert torch.equal(run.texts[caption], filmed[: len(run.texts[caption])])
    assert len(run.texts[caption]) == model.text_encoder.config.context_length


def test_a_lora_is_loaded_back_as_it_was_trained(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    model = tuned(folder, clips, tmp_path)
    loaded = weights(folder, loras=[(tmp_path / "pytorch_lora_weights.safetensors", 1.0)])
    before = weights(folder)
    changed = {name for name in before if not torch.equal(before[name], loaded[name])}
    kinds = ("to_q.weight", "to_k.weight", "to_v.weight", "to_out.0.weight")
    assert changed == {name for name in before if name.endswith(kinds)}
    for name in changed:
        torch.testing.assert_close(loaded[name], model.unet.get_submodule(name[:-7]).weight)


def test_peft_reads_the_lora_in_diffusers_network(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    from diffusers import UNet3DConditionModel
    from peft import LoraConfig, inject_adapter_in_model, set_peft_model_state_dict
    from safetensors.torch import load_file

    tuned(folder, clips, tmp_path / "lora")
    ours = t2v.load(folder, loras=[(tmp_path / "lora", 1.0)], device="cpu", dtype=torch.float32)
    t2v.save(t2v.load(folder, device="cpu", dtype=torch.float32), tmp_path / "theirs", layout="diffusers")
    theirs = UNet3DConditionModel.from_pretrained(tmp_path / "theirs" / "unet", low_cpu_mem_usage=False)
    config = LoraConfig(r=2, lora_alpha=2, target_modules=["to_q", "to_k", "to_v", "to_out.0"])
    theirs = inject_adapter_in_model(config, theirs)
    file = load_file(tmp_path / "lora" / "pytorch_lora_weights.safetensors")
    read = set_peft_model_state_dict(theirs, {k.removeprefix("unet."): v for k, v in file.items()})
    assert not read.unexpected_keys
    assert sum("lora_" in name for name, _ in theirs.named_parameters()) == len(file)
    x = torch.randn(1, 4, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    text, t = torch.randn(1, 5, 32, generator=torch.Generator().manual_seed(2)), torch.tensor([300])
    with torch.inference_mode():
        torch.testing.assert_close(ours.unet(x, t, text), theirs.eval()(x, t, text).sample, atol=1e-4, rtol=0)


@pytest.mark.parametrize("what", ["temporal", "all"])
def test_what_is_trained_changes_and_the_rest_stays(
    what: Any, folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    settings = replace(FEW, what=what, learning_rate=1e-3, min_snr=5.0)
    model = tuned(folder, clips, tmp_path, settings)
    before, after = weights(folder), weights(tmp_path / "model")
    assert all(torch.equal(after[k], v) for k, v in model.unet.state_dict().items())
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    over_time = {k for k in before if "temopral_conv" in k or before[k].ndim == 5}
    assert over_time <= changed
    assert any("out_layers" in k for k in changed) == (what == "all")


def gradients(
    model: TextToVideo, clips: EncodedClips, folder: Path, *, checkpointing: bool
) -> list[torch.Tensor]:
    settings = replace(FEW, what="all", batch=2)
    model.unet.requires_grad_(True)
    if checkpointing:
        finetune.checkpoint_stages(model)
    run = finetune._Run(model, clips, settings, folder, lambda line: None)
    run.ready()
    run.loss(1).backward()
    return [p.grad for p in model.unet.parameters() if p.grad is not None]


def test_gradients_with_checkpointing_are_exactly_those_without(
    folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    plain, saved = (
        gradients(finetune.load_model(str(folder), "cpu"), clips, tmp_path, checkpointing=c)
        for c in (False, True)
    )
    assert len(plain) > 100
    assert all(map(torch.equal, plain, saved))


def test_blocks_of_outer_levels_are_checkpointed_too(
    make_tiny: Callable[..., TextToVideo], randomise: Callable[[nn.Module, int], None]
) -> None:
    model = make_tiny()
    unet = UNet3D(replace(model.preset.unet, outer_widths=(16, 8))).eval()
    randomise(unet, 3)
    latents = torch.randn(1, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    text = torch.randn(1, 5, model.preset.unet.context_dim, generator=torch.Generator().manual_seed(1))

    def grads() -> list[torch.Tensor]:
        unet.zero_grad()
        unet(latents, torch.tensor([500]), text).square().mean().backward()
        return [p.grad.clone() for p in unet.parameters() if p.grad is not None]

    plain = grads()
    finetune.checkpoint_stages(SimpleNamespace(unet=unet))  # type: ignore[arg-type]
    calls: list[int] = []
    unet.get_submodule("outer_levels.1.up.2.emb_layers").register_forward_hook(lambda *_: calls.append(1))
    assert all(map(torch.equal, plain, grads()))
    assert len(calls) == 2  # once for the gradients


def test_bf16_trains_near_to_fp32(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    for precision in ("fp32", "bf16"):
        tuned(folder, clips, tmp_path / precision, replace(FEW, precision=precision))
    exact, half = (
        [json.loads(x)["loss"] for x in (tmp_path / p / "validation.jsonl").read_text("utf-8").splitlines()]
        for p in ("fp32", "bf16")
    )
    assert exact != half
    assert half == pytest.approx(exact, rel=0.02)


def test_previews_and_validation_come_every_so_many_steps(
    folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    lines: list[str] = []
    shown: list[tuple[int, tuple[int, ...]]] = []

    def preview(model: TextToVideo, step: int) -> None:
        video = model.generate("a cat", num_frames=2, height=16, width=16, num_steps=1)
        shown.append((step, video.frames.shape))

    settings = replace(FEW, num_steps=4, preview_every=2)
    tuned(folder, clips, tmp_path, settings, log=lines.append, preview=preview)
    assert shown == [(2, (2, 16, 16, 3)), (4, (2, 16, 16, 3))]
    rows = [json.loads(x) for x in (tmp_path / "validation.jsonl").read_text("utf-8").splitlines()]
    assert [row["step"] for row in rows] == [2, 4]
    assert any("min left" in line for line in lines)


KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from t2v.training import finetune
torch.set_num_threads(1)
folder, out, latents = sys.argv[1:]
model = finetune.load_model(folder, "cpu")
clips = finetune.encode_examples(model, list, Path(latents))
def die(model, step):
    os.kill(os.getpid(), signal.SIGKILL)
settings = finetune.FineTuning(num_steps=6, rank=2, precision="fp32", preview_every=4, checkpoint_seconds=0)
finetune.finetune(model, clips, settings, Path(out), preview=die)
"""


def lora(folder: Path) -> torch.Tensor:
    """What a LoRA has learned: the numbers that begin at zero."""
    state = load_file(folder / "pytorch_lora_weights.safetensors")
    return torch.cat([state[k].flatten() for k in sorted(state) if "lora_B" in k or "lora.up" in k])


def test_killed_it_goes_on_from_the_last_checkpoint_as_if_nothing_had_been(
    folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    latents = tmp_path / "latents.pt"
    command = [sys.executable, "-c", KILLED, folder, tmp_path / "killed", latents]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    state = torch.load(tmp_path / "killed" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 4
    notes = tmp_path / "killed" / "validation.jsonl"
    notes.write_text('{"step": 2, "loss": 1.0}\n{"step": 5, "loss": 1.0}\n{"step": 6, "lo', "utf-8")
    settings = FineTuning(num_steps=6, rank=2, precision="fp32", preview_every=100)
    for _ in range(2):  # the second time there is nothing left to do
        tuned(folder, clips, tmp_path / "killed", settings)
    assert [json.loads(row)["step"] for row in notes.read_text("utf-8").splitlines()] == [2, 5, 6]
    tuned(folder, clips, tmp_path / "whole", settings)
    tuned(folder, clips, tmp_path / "short", replace(settings, num_steps=4))
    went_on, at_once, short = (lora(tmp_path / place) for place in ("killed", "whole", "short"))
    scale = at_once.norm()
    assert (went_on - at_once).norm() < 1e-4 * scale  # sums round by where a process has its tensors
    assert (short - at_once).norm() > 0.01 * scale


def test_a_folder_goes_on_only_with_what_it_was_begun_with(
    folder: Path, clips: EncodedClips, tmp_path: Path
) -> None:
    tuned(folder, clips, tmp_path)
    with pytest.raises(SettingsError, match="was begun with rank 2, not 4: go on so, or name a new folder"):
        tuned(folder, clips, tmp_path, replace(FEW, rank=4))


def test_what_cannot_be_trained_is_told(folder: Path, clips: EncodedClips, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="rank: wanted at least 1, got 0"):
        tuned(folder, clips, tmp_path, replace(FEW, rank=0))
    model = finetune.load_model(folder, "cpu")
    model.preset = replace(model.preset, unet=replace(model.preset.unet, guidance_embed_dim=256))
    with pytest.raises(SettingsError, match="was distilled to a few steps"):
        finetune.finetune(model, clips, FEW, tmp_path)
    with pytest.raises(SettingsError, match="fp16 trains on CUDA alone, got cpu"):
        tuned(folder, clips, tmp_path, replace(FEW, precision="fp16"))
    with pytest.raises(SettingsError, match="at least one clip or picture"):
        tuned(folder, EncodedClips([], []), tmp_path)


@pytest.mark.parametrize(("kind", "over"), [("eps", 0.0), ("v", 1.0)])
def test_min_snr_counts_easy_timesteps_less_and_leaves_no_timestep_out(kind: Any, over: float) -> None:
    signal = noise_schedule(ScheduleConfig(zero_terminal_snr=kind == "v")).alphas_cumprod.float()
    weights = Objective(kind, 5.0).weights(signal)
    snr = signal / (1 - signal)
    inside = snr > 0
    torch.testing.assert_close(weights[inside], (snr.clamp_max(5) / (snr + over))[inside])
    assert (weights > 0).all()
    assert (Objective(kind).weights(signal) == 1).all()
