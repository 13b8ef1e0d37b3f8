"""TOON's training on, as far as it can be tried without training."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import t2v
from t2v.checkpoints.files.safetensors import read_weights, write_weights
from t2v.configs import TOON, TOON_112, Preset
from t2v.networks.text_encoder import TextEncoder, token_ids, tokenize
from t2v.networks.unet import UNet3D
from t2v.toon.direction import DIRECTION_WORDS, MEANINGS
from t2v.toon.prompts.captions import canonical
from t2v.toon.world import Figure, Staging, is_held_out
from t2v.training import toon_levels, toon_scenes
from t2v.training.loop import TrainingPlan
from t2v.training.toon_levels import DirectedToon, Stage, warm_start
from t2v.training.toon_scenes import SceneFolder, Scenes, draw_part, sample_parts
from t2v.training.toon_stages import PACKAGED, average, stages_of

SMALL = (32, 48)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SceneFolder:
    monkeypatch.setattr(toon_scenes, "FRAMES_A_PART", 12)
    return SceneFolder(tmp_path / "stills", 1, SMALL, seed=4)


def drawn(source: SceneFolder, number: int) -> None:
    """A part as the workers write it, with latents of nothing."""
    frames, rest = draw_part(source, number)
    n, f, h, w, _ = frames.shape
    source.folder.mkdir(parents=True, exist_ok=True)
    torch.save({"latents": torch.zeros(n, 8, f, h // 8, w // 8).half(), **rest}, source.part(number))


def test_a_part_is_drawn_alike_every_time_and_no_two_parts_are(source: SceneFolder) -> None:
    (one, rest), (same, again), (other, _) = (draw_part(source, number) for number in (0, 0, 1))
    assert np.array_equal(one, same)
    assert rest["captions"] == again["captions"]
    assert not np.array_equal(one, other)
    assert one.shape == (12, 1, *SMALL, 3)
    assert rest["figures"].shape == (12, 1, 4, 6)
    assert [len(frames) for frames in rest["directions"]] == [1] * 12


def test_nothing_that_is_held_out_is_drawn(source: SceneFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2v.toon.drawing import scene

    seen: list[Staging] = []
    draw = scene.draw_with_figures
    monkeypatch.setattr(
        scene, "draw_with_figures", lambda staging, **k: seen.append(staging) or draw(staging, **k)
    )
    monkeypatch.setattr(toon_scenes, "FRAMES_A_PART", 150)
    draw_part(source, 3)
    assert len(seen) == 150
    assert not any(map(is_held_out, seen))


def test_training_takes_in_what_was_drawn_since(source: SceneFolder) -> None:
    scenes = Scenes(source)
    scenes.refresh()
    assert len(scenes) == 0
    drawn(source, 0)
    scenes.refresh()
    drawn(source, 1)
    scenes.refresh()
    scenes.refresh()
    assert len(scenes) == 24
    latents, figures = scenes.pick([0, 12, 23])
    assert latents.shape == (3, 8, 1, 4, 6)
    assert torch.equal(figures[1, 0], torch.load(source.part(1), weights_only=True)["figures"][0])


def test_texts_say_the_directions_or_leave_some_out(source: SceneFolder) -> None:
    drawn(source, 0)
    scenes = Scenes(source)
    scenes.refresh()
    chance = random.Random(1)
    counts = []
    for _ in range(40):
        for i, directions in enumerate(scenes.directions):
            (text,) = scenes.texts(i, range(1), chance)
            assert "{" not in text
            said = [word for word in text.split() if word.strip(",") in MEANINGS]
            whole = sum(len(words.split()) for words in directions[0])
            assert len(said) <= whole
            counts.append((len(said), whole))
    asked = [(said, whole) for said, whole in counts if whole]
    assert 0.45 < sum(said == whole for said, whole in asked) / len(asked) < 0.8
    assert 0.08 < sum(said == 0 for said, _ in asked) / len(asked) < 0.3


def test_every_figure_has_all_parts_of_its_direction_more_often_than_not() -> None:
    chance = random.Random(2)
    kept = [parts for _ in range(2000) for parts in sample_parts(2, chance)]
    everything = set().union(*toon_scenes.GROUPS)
    assert 0.5 < sum(parts == everything for parts in kept) / len(kept) < 0.65
    assert 0.15 < sum(not parts for parts in kept) / len(kept) < 0.25


def test_every_word_of_a_direction_is_one_token_and_the_old_words_keep_theirs() -> None:
    config, old = TOON.text_encoder, TOON_112.text_encoder
    ids = [token_ids(word, config) for word in DIRECTION_WORDS]
    assert all(len(one) == 1 for one in ids)
    assert len({one[0] for one in ids}) == len(DIRECTION_WORDS)
    assert max(one[0] for one in ids) < config.vocabulary_size
    text = "medium shot, blue man with apron talking on the left, in the kitchen, night"
    assert token_ids(text, config) == token_ids(text, old)
    assert token_ids("mouth-open", old) != token_ids("mouth-open", config)


def test_three_figures_with_their_directions_fit_the_context() -> None:
    figures = tuple(
        Figure("old man", "orange", "falling over", ("hat", "apron"), "phone", place, "large")
        for place in ("left", "centre", "right")
    )
    staging = Staging("living room", "night", "medium", "push-in", figures, 0)
    words = "mouth-wide looks-left left-arm-up right-arm-out feels-angry eyes-wide leans-left holds-left"
    said = token_ids(canonical(staging, [words] * 3), TOON.text_encoder)
    assert len(said) + 2 <= TOON.text_encoder.context_length


def test_a_network_without_outer_levels_is_begun_with_and_they_enlarge_what_it_predicts() -> None:
    parts = {"text_encoder": TextEncoder(TOON_112.text_encoder), "unet": UNet3D(TOON_112.unet)}
    old = {
        f"{part}.{name}": value
        for part, module in parts.items()
        for name, value in module.state_dict().items()
    }
    model = DirectedToon(TOON)
    left = warm_start(model, old)
    assert left
    assert all(name.startswith("unet.outer_levels.") for name in left)
    position = "text_encoder.tower.positional_embedding"
    assert torch.equal(model.state_dict()[position][:48], old[position])
    tokens = tokenize(["red cat talking mouth-open, in the bar, day"], TOON.text_encoder)
    latents = torch.randn(1, 8, 1, 16, 28, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        out = model(latents, torch.tensor([500]), tokens[:, None])
    assert out.shape == latents.shape
    assert torch.equal(out[..., ::2, ::2], out[..., 1::2, 1::2])  # enlarged, until the level has learned


def test_training_begins_with_the_whole_of_the_packages_networks() -> None:
    assert warm_start(DirectedToon(TOON), read_weights(PACKAGED)[0]) == []


def test_a_step_moves_the_new_level_and_leaves_the_layers_over_frames_alone(
    source: SceneFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn(source, 0)
    model = DirectedToon(TOON)
    loss = toon_levels.scene_loss(model, {"16:9": Scenes(source)}, 2, 7)
    value = loss(1)
    value.backward()
    grads = {name for name, p in model.named_parameters() if p.grad is not None}
    assert any(name.startswith("unet.outer_levels.0.out") for name in grads)
    assert not any("temopral_conv" in name for name in grads)
    assert value.detach().isfinite()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[int, Preset]:
    """Presets of 32 and 64 pixels in place of those of 224 and 448, and a folder with scenes of both."""
    tower = replace(TOON.text_encoder, width=24, heads=2, layers=1)
    unet = replace(TOON.unet, width=16, num_heads=2, head_dim=8, context_dim=24, outer_widths=(8,))
    small = replace(
        TOON,
        text_encoder=tower,
        unet=unet,
        sizes={"16:9": (16, 32), "1:1": (24, 24)},
        num_frames=4,
    )
    large = replace(small, unet=replace(unet, outer_widths=(8, 8)), sizes={"16:9": (32, 64), "1:1": (48, 48)})
    monkeypatch.setattr(toon_levels, "TOON", small)
    monkeypatch.setattr(toon_levels, "TOON_448", large)
    monkeypatch.setattr(toon_levels, "PRESETS", {32: small, 64: large})
    monkeypatch.setattr(toon_scenes, "FRAMES_A_PART", 8)
    for preset in (small, large):
        for size in preset.sizes.values():
            for num_frames in (1, 4):
                drawn(toon_levels.scene_folder(tmp_path, size, num_frames), 0)
    return {32: small, 64: large}


def test_stages_follow_one_another_and_what_is_exported_tells_of_all_of_them(
    tiny: dict[int, Preset], tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    plan = TrainingPlan(num_steps=3, learning_rate=1e-4, warmup_steps=1)
    begin_with = tmp_path / "begin.safetensors"
    told = {"stages": json.dumps({"stills-32": {"steps": 8}})}
    write_weights({"autoencoder.none": torch.ones(1)}, begin_with, told)

    def train(kind: str, width: int, plan: TrainingPlan = plan) -> None:
        stage = Stage(kind, tiny[width])
        toon_levels.train_stage(stage, tmp_path, plan=plan, batch=2, begin_with=begin_with, stop_at=None)

    file = tmp_path / "toon.safetensors"
    for width in (32, 64):
        train("stills", width)
        train("clips", width, replace(plan, num_steps=2))
        toon_levels.export(tmp_path, tiny[width], file, begin_with=begin_with)
    steps = {name: stage["steps"] for name, stage in stages_of(file).items()}
    assert steps == {"stills-32": 8, "stills-32 2": 3, "clips-32": 2, "stills-64": 3, "clips-64": 2}
    weights, last = read_weights(file)[0], average(tmp_path, "clips-64")
    assert weights.keys() == last.keys() | {"autoencoder.none"}
    assert all(torch.allclose(weights[name], last[name], atol=2e-2) for name in last)
    before = torch.load(tmp_path / "stills-32.pt", weights_only=True)
    train("stills", 32, replace(plan, num_steps=4))
    after = torch.load(tmp_path / "stills-32.pt", weights_only=True)
    assert (before["step"], after["step"]) == (3, 4)


def test_nothing_learned_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"wanted stills-224\.pt or clips-224\.pt: nothing is learned yet"):
        toon_levels.export(tmp_path, TOON, tmp_path / "toon.safetensors", begin_with=PACKAGED)
    assert not list(tmp_path.iterdir())


def test_an_export_does_not_replace_what_it_began_with(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="wanted another file than --begin-with"):
        toon_levels.export(tmp_path, TOON, PACKAGED, begin_with=PACKAGED)


def test_an_export_is_loaded_as_the_toon_that_it_is(tmp_path: Path) -> None:
    model = DirectedToon(TOON)
    warm_start(model, read_weights(PACKAGED)[0])
    state = {"ema": model.state_dict(), "step": 7, "seconds": 1.0, "losses": [(7, 0.5)]}
    torch.save(state, tmp_path / "stills-224.pt")
    toon_levels.export(tmp_path, TOON, tmp_path / "toon.safetensors", begin_with=PACKAGED)
    assert t2v.preset(tmp_path) == TOON
    loaded = t2v.load(tmp_path, device="cpu", dtype=torch.float32)
    assert loaded.preset == TOON
    film = loaded.generate("red cat, in the bar, day", num_frames=1, num_steps=1)
    assert film.frames.shape == (1, 128, 224, 3)
    assert (tmp_path / "toon.safetensors").stat().st_size < 45e6
