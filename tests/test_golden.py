"""Every digest, derived seed and recipe as version 0.1.0 made them: an episode of then is found again.

What is pinned lies in tests/data/golden, and its README says how each part was made. Film model and program
version are pinned to those of the data. A new TOON whose words are others changes prompts, and so digests:
that, and a change that is meant to make everything again, is written down by

    python tests/test_golden.py --write
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

# --------------------------------------------------------------------------------------------- the adapter
# All that this file knows of the program's modules and names. The data knows none of them.
import t2v
from flows.cli import app as cli
from flows.studio.commands import train
from flows.studio.commands.new import shipped
from flows.studio.filming import shots
from flows.studio.media import frames as footage
from flows.studio.production import edit, plan, script, story_memory
from flows.studio.production import episode as episodes
from flows.studio.production.episode import Episode
from flows.studio.production.request import EpisodeRequest
from flows.studio.timeline import pacing
from flows.studio.voice import kokoro
from flows.studio.workspace import artifacts as recipes
from flows.studio.workspace import downloads as pull
from flows.studio.workspace import folder, manifest
from scripts_llm.files import read as yaml_io

digest = recipes.digest
shipped_premises = shipped


def pin(patch: pytest.MonkeyPatch, pinned: Mapping[str, str]) -> None:
    """The weights' fingerprint and the program's version are the data's; Kokoro seems to be there."""
    version = importlib.metadata.version

    def fingerprint(source: Any, *, base: Any = None, loras: Any = ()) -> str:
        return pinned["toon"] if str(source) == "toon" and not loras else "0123456789abcdef"

    patch.setattr(t2v, "fingerprint", fingerprint)
    patch.setattr(
        importlib.metadata,
        "version",
        lambda name: pinned["program"] if name == "cold-open" else version(name),
    )
    patch.setattr(kokoro, "folder", lambda: Path("kokoro"))


def values_of(premise: Path, output: Path, **options: Any) -> dict[str, Any]:
    """All that the show's first episode hangs on: recipes as mappings, seeds and hashes as they are.

    The offline writer writes the script if none lies there. Nothing is filmed, spoken or cut: files that are
    none stand in for clips and voices. `options` are the command line's.
    """
    episode = Episode.open(EpisodeRequest(premise=premise, output=output, writer="offline", **options))
    if episode.has_script:
        episode = script.complete_script(episode)
    else:
        episode = script.write_script(episode, say=lambda line: None)
    episode = story_memory.remember(episode)
    needed = plan.make_plan(episode)
    found: dict[str, Any] = {
        "seed of the film": episode.film_seed,
        "seed of the sound": episode.sound_seed,
        "script": needed.script.model_dump(mode="json", by_alias=True, exclude_defaults=True),
        "premise that it is written from": manifest.writer_inputs(episode.own_premise),
    }
    if episode.memory.told is not None:
        found["entry of continuity"] = episode.memory.told
    for shot in shots.with_other_takes(needed.all_shots):
        found[f"clip {shot.label} take {shot.take}"] = shot.recipe
        if shot.file is None:
            found[f"seed {shot.label} take {shot.take}"] = shot.seed
        _stand_in(episode.folder.clips, shot.label, shot.recipe, ".mp4", _clip_note(shot.file))
    for line in needed.lines:
        found[f"voice {line.label}"] = line.recipe
        spoken = {"num_samples": 40_000 + 1_000 * len(line.line.line), "murmured": False, "mouths": "12300"}
        _stand_in(episode.folder.voices, line.label, line.recipe, ".wav", spoken)
    made = needed.refreshed()
    if not episode.is_meme:
        found |= {f"segment {span.id}": recipe for span, recipe in made.edit.segments}
        found |= {f"segment {span.id} of a cut": recipe for span, recipe in _another_cut(made).segments[:2]}
    return {**found, "film": made.film_recipe(), "contact sheet": made.contact_sheet().digest}


def _another_cut(made: plan.Plan) -> edit.Edit:
    """The scenes alone in another shape, as `cut` makes them."""
    shape = made.premise.format.model_copy(update={"aspect": "9:16", "size": "360x640"})
    return edit.make_edit(
        made.premise.model_copy(update={"format": shape}),
        made.script,
        made,
        written_by="hand",
        seed=made.episode.sound_seed,
        cards=False,
        framing="crop",
    )


def _clip_note(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {"num_frames": 8}
    return {"num_frames": 8, "full_frames": 24, "has_sound": file.suffix == ".mp4"}


def _stand_in(place: Path, label: str, recipe: Mapping[str, Any], suffix: str, note: dict[str, Any]) -> None:
    path = place / f"{label}-{digest(recipe)}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{label} {digest(recipe)}", "utf-8")
    path.with_suffix(".json").write_text(json.dumps({"recipe": recipe, "made": note}), "utf-8")


def derived_values() -> dict[str, Any]:
    """Seeds, folder names and hashes that follow from names alone."""
    code = folder.EpisodeCode
    names = ("Joe & the Don", "Дон на Рыбной", "日本の 魚", "???", "CON", "x" * 200, "Ünï  —  çödé")
    return {
        **{f"seed of {c} of 7": episodes.episode_seed(7, c) for c in (code(1, 1), code(1, 2), code(2, 1))},
        "seed of a show": recipes.seed_from("show", "Joe & the Don"),
        "seed of a draft": recipes.seed_from("draft", 7, "s01", "0123456789abcdef"),
        "seed of another attempt": recipes.seed_from(7, "again", 2),
        "number of a name": pacing.derive_seed(7, "laugh", "s01"),
        "digest": digest({"b": [1, 2.5, None, True], "a": "ä"}),
        **{f"folder of {name[:20]}": folder.show_folder_name(name) for name in names},
    }


def cache_names() -> dict[str, str]:
    """The folders of what was pulled, and the key of a training's cache."""
    framing = footage.FrameFormat(16, 8, 64, 112)
    return {
        **{f"pulled {e.name}": pull.entry_folder(e, {"XDG_CACHE_HOME": "x"}).name for e in pull.CATALOG},
        "training": train.latents_key(framing, ("a.mp4", "a cat", 3, 4)),
    }


def script_place(premise: Path, output: Path) -> Path:
    """Where the script of the show's first episode belongs."""
    return Episode.open(EpisodeRequest(premise=premise, output=output)).folder.script


def outdated(premise: Path, output: Path, episode: str) -> tuple[str, ...]:
    """What changed in the premise since the episode's script was written."""
    job = Episode.open(EpisodeRequest(premise=premise, output=output, episode=episode))
    return manifest.changed_writer_inputs(job.memory, yaml_io.read_premise(premise))


def command(*words: str) -> int:
    """The command line, in this process; its exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    return int(end.value.code or 0)


@functools.cache
def tiny_model() -> t2v.TextToVideo:
    """ModelScope's classes, as small as they go; every weight hangs on its own name alone."""
    import torch

    from t2v.networks.autoencoder import Autoencoder
    from t2v.networks.text_encoder import TextEncoder
    from t2v.networks.unet import UNet3D

    full = t2v.MODELSCOPE
    small: dict[str, Any] = {"width": 32, "num_res_blocks": 1}
    unet = {"channel_multipliers": (1, 2), "attention_levels": 1, "head_dim": 16, "context_dim": 64}
    preset = replace(
        full,
        text_encoder=replace(full.text_encoder, width=64, heads=1, layers=2),
        unet=replace(full.unet, **small, **unet),
        autoencoder=replace(full.autoencoder, **small, channel_multipliers=(1, 1)),
    )
    parts = TextEncoder(preset.text_encoder), UNet3D(preset.unet), Autoencoder(preset.autoencoder)
    for part in parts:
        for name, weight in part.state_dict().items():
            if weight.is_floating_point() and not math.isinf(float(weight.min())):
                weight.copy_(torch.from_numpy(_weights(name, tuple(weight.shape))))
    return t2v.TextToVideo(preset, *parts, device=torch.device("cpu"), dtype=torch.float32)


def _weights(name: str, shape: tuple[int, ...]) -> np.ndarray:
    seed = list(hashlib.sha256(name.encode()).digest())
    drawn = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    if len(shape) < 2:
        return 0.05 * drawn + (1 if name.endswith("weight") else 0)
    return drawn / math.sqrt(math.prod(shape[1:]))


# ------------------------------------------------------------------------------------------------ the data

DATA = Path(__file__).parent / "data" / "golden"
SEED = 7
EVERY = "every option"

# The premise with every option, changed in these keys; `env` is the environment's part, `options` that of
# the command line.
VARIANTS: dict[str, dict[str, Any]] = {
    "crop, square": {"video": {"watermark": "crop"}, "format": {"aspect": "1:1", "size": None}},
    "fast, own steps": {"video": {"speed": "fast", "takes": "one", "steps": None, "fit": None}},
    "nothing said of video": {"video": None},
    "lora": {"video": {"lora": ["style.safetensors:0.7", "more.safetensors"], "takes": "one"}},
    "another film model": {"video": {"model": "model", "takes": "one", "size": "64x64", "speed": None}},
    "upright, karaoke": {"captions": {"style": "karaoke"}, "format": {"aspect": "9:16", "size": "180x320"}},
    "box": {"captions": {"style": "box"}},
    "sitcom_90s": {"captions": {"style": "sitcom_90s"}},
    "soft captions in Russian": {"captions": {"mode": "soft"}, "language": "ru"},
    "no captions": {"captions": {"mode": "none"}},
    "silent": {"audio": {"music": "none", "laugh_track": "off", "loudness": "ebu", "mood": None}},
    "nothing said of audio": {"audio": None},
    "no titles": {"titles": {"intro": None, "card": None, "outro_credits": False}},
    "still intro": {"titles": {"intro": "door.png"}},
    "another seed": {"seed": 8, "video": {"seed": None}, "season": 1},
    "nothing published": {"publish": None},
    "kokoro for all": {"env": {"COLDOPEN_VOICES": "kokoro"}},
    "kokoro in russian": {"env": {"COLDOPEN_VOICES": "kokoro"}, "language": "ru"},
    "said on the command line": {
        "options": {"seed": 12, "video": {"steps": 3, "speed": "fast", "frames": 4}}
    },
    "draft": {"options": {"draft": True}, "video": {"model": "model", "takes": "one"}},
    "model of the environment": {
        "env": {"COLDOPEN_VIDEO_MODEL": "toon"},
        "video": {"model": None, "takes": None},
    },
}
MEMES: dict[str, dict[str, Any]] = {
    "meme": {"meme": {"picture": "a toaster dances", "top": "TOP", "bottom": "BOTTOM", "bar": "Bar."}},
    "meme, bug": {"meme": {"picture": "a cat"}, "video": {"watermark": "bug"}, "format": {"aspect": "9:16"}},
    "meme of a logline": {"logline": "A toaster has not slept, the bread is in."},
}
CASES = (*shipped_premises(), EVERY, *VARIANTS, *MEMES)
RECIPES_KEPT = ("clip s01.1 take 1", "voice s01-01", "segment s01")  # of a shipped show


def read(name: str) -> dict[str, Any]:
    """One of the data's JSON files."""
    return json.loads((DATA / name).read_text("utf-8"))


def case(name: str, place: Path, patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The values of a shipped show, of the premise with every option, or of a variant of it."""
    if name in shipped_premises():
        return values_of(shipped_premises()[name], place / "output", seed=SEED)
    shutil.copytree(DATA / "own", place / "own")
    premise = place / "own" / "every.yaml"
    told: dict[str, Any] = {"show": "A Meme", "genre": "meme", "seed": SEED}
    changes = dict(MEMES.get(name) or VARIANTS.get(name) or {})
    options = changes.pop("options", {})
    for key, value in changes.pop("env", {}).items():
        patch.setenv(key, value)
    if name not in MEMES:
        told = yaml.safe_load(premise.read_text("utf-8"))
    premise.write_text(yaml.safe_dump(_changed(told, changes), allow_unicode=True), "utf-8")
    if "model" in (changes.get("video") or {}) and changes["video"]["model"] == "model":
        t2v.save(tiny_model(), premise.parent / "model")
    if name not in MEMES:
        script = script_place(premise, place / "output")
        script.parent.mkdir(parents=True)
        shutil.move(premise.parent / "script.yaml", script)
    return values_of(premise, place / "output", **options)


def _changed(told: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with other values; None takes a key away."""
    found = dict(told)
    for key, value in changes.items():
        is_both = isinstance(value, dict) and isinstance(found.get(key), dict)
        found[key] = _changed(found[key], value) if is_both else value
    return {key: value for key, value in found.items() if value is not None}


def short(value: Any) -> Any:
    """What digests.json says of a value: of a recipe its digest."""
    return digest(value) if isinstance(value, Mapping) else value


def differences(before: Mapping[str, Any], now: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """A line for every value that is another one, with the keys that differ where its recipe is kept."""
    lines = []
    for key in dict.fromkeys((*before, *now)):
        if before.get(key) == short(now.get(key)):
            continue
        line = f"{key}: was {before.get(key)}, is {short(now.get(key))}"
        value = json.loads(json.dumps(now.get(key)))
        if isinstance(value, dict) and isinstance(kept.get(key), dict):
            old = kept[key]
            names = [one for one in {**old, **value} if old.get(one) != value.get(one)]
            told = [f"{one}: {_cut(old.get(one))} -> {_cut(value.get(one))}" for one in names]
            line += "".join(f"\n    {one}" for one in told)
        elif isinstance(value, dict):
            line += f"\n    the recipe now: {_cut(value, 1500)}"
        lines.append(line)
    return lines


def _cut(value: Any, most: int = 300) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= most else text[:most] + "…"


# ----------------------------------------------------------------------------------------------- digests


@pytest.fixture
def pinned(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Film model and version of the data."""
    names = read("digests.json")["pinned"]
    pin(monkeypatch, names)
    return names


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("pinned")
def test_every_clip_voice_segment_and_film_is_known_by_the_same_digest(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = differences(
        read("digests.json")["shows"][name],
        case(name, tmp_path, monkeypatch),
        read("recipes.json").get(name, {}),
    )
    assert not told, "\n".join([f"{name}: what 0.1.0 made is not found again", *told])


def _same(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    told = differences(before, now, {})
    assert not told, "\n".join(told)


def test_derived_seeds_and_folder_names_stay() -> None:
    _same(read("digests.json")["derived"], derived_values())


def test_what_was_pulled_and_cached_is_found_again() -> None:
    _same(read("digests.json")["caches"], cache_names())


def test_a_digest_is_of_the_canonical_json_alone() -> None:
    recipe = {"b": [1, 2.5, None, True], "a": "ä"}
    text = '{"a":"ä","b":[1,2.5,null,true]}'
    assert digest(recipe) == hashlib.sha256(text.encode()).hexdigest()[:8]


def test_weights_are_known_by_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    weights, lora = tmp_path / "toon.safetensors", tmp_path / "style.safetensors"
    weights.write_bytes(b"weights")
    lora.write_bytes(b"style")

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    assert t2v.fingerprint(tmp_path) == sha(sha("weights"))[:16]
    styled = "\n".join([sha("weights"), f"0.5 {sha('style')}"])
    assert t2v.fingerprint(tmp_path, loras=[(lora, 0.5)]) == sha(styled)[:16]
    shipped_file = Path(t2v.__file__).parent / "weights" / "toon.safetensors"
    with shipped_file.open("rb") as file:
        assert t2v.fingerprint("toon") == hashlib.file_digest(file, "sha256").hexdigest()[:16]


# ---------------------------------------------------------------------------- episodes of the older version

EPISODES = (("fish.yaml", "s01e01"), ("fish.yaml", "s01e02"), ("toaster.yaml", "s01e01"))


@pytest.fixture
def old(tmp_path: Path, pinned: dict[str, str]) -> Path:
    """A copy of the old episodes beside their premises, with empty files for what is only asked for."""
    home = tmp_path / "shows"
    shutil.copytree(DATA, home, ignore=shutil.ignore_patterns("own", "*.npz", "README.md", "digests.json"))
    for manifest_file in home.glob("output/*/*/manifest.json"):
        place = manifest_file.parent
        notes = [*place.glob("voices/*.json"), *place.glob("segments/*.json")]
        for path in (
            *(note.with_suffix(".wav" if note.parent.name == "voices" else ".mp4") for note in notes),
            *(place / name for name in ("episode.mp4", "episode.gif", "poster.png")),
        ):
            path.touch()
    return home


def _words(home: Path, name: str, premise: str, episode: str) -> tuple[str, ...]:
    files = ("--premise", str(home / premise), "--output", str(home / "output"))
    return (name, *files, "--episode", episode)


@pytest.mark.parametrize(("premise", "episode"), EPISODES)
@pytest.mark.parametrize("name", ["plan", "episode"])
def test_an_old_episode_wants_nothing_made_again(
    name: str, premise: str, episode: str, old: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*_words(old, name, premise, episode)) == 0
    told = capsys.readouterr().out
    assert "nothing to do" in told, told
    assert outdated(old / premise, old / "output", episode) == ()


def test_an_old_episode_is_edited_line_by_line(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = old / "output/fish-chips/s01e02/script.yaml"
    script.write_text(script.read_text("utf-8").replace("Cod.", "Haddock."), "utf-8")
    assert command(*_words(old, "plan", "fish.yaml", "s01e02")) == 0
    told = capsys.readouterr().out
    assert "s01-02 voice: words changed" in told
    assert "to make: 0 shots, 1 voice line; 5 kept" in told


# ------------------------------------------------------------------------------------------------ frames

PROMPTS = (
    "close-up of orange cat with hat talking, in the kitchen, night",
    "medium shot, blue man with apron walking on the left, in the fish shop, day",
)
MEAN = 2.0  # grey levels: kernels of another torch or processor round otherwise, and steps add that up;
MOST = 12.0  # of 99 in 100 pixels: an edge that moves by a pixel passes, another picture does not


def films(model: t2v.TextToVideo, prompts: tuple[str, ...], **settings: Any) -> Iterator[tuple[str, Any]]:
    """Four frames of each prompt, exact and fast, every second pixel of them."""
    for speed in ("exact", "fast"):
        for number, prompt in enumerate(prompts):
            video = model.generate(prompt, seed=7, num_frames=4, num_steps=4, speed=speed, **settings)
            yield f"{speed} {number}", video.frames[:, ::2, ::2]


def toon_films() -> dict[str, Any]:
    """Frames of TOON."""
    model = t2v.load("toon", device="cpu")
    return {f"toon {name}": frames for name, frames in films(model, PROMPTS)}


def tiny_films() -> dict[str, Any]:
    """Frames of the tiny model."""
    made = films(tiny_model(), PROMPTS[:1], height=32, width=48)
    return {f"tiny {name}": frames for name, frames in made}


def _compared(now: Mapping[str, Any]) -> None:
    with np.load(DATA / "frames.npz") as before:
        for name, frames in now.items():
            apart = np.abs(before[name].astype(int) - frames.astype(int))
            assert apart.mean() <= MEAN, f"{name}: {apart.mean():.2f} grey levels apart"
            assert np.percentile(apart, 99) <= MOST, f"{name}: {np.percentile(apart, 99):.0f} grey levels"


def test_a_tiny_model_films_the_same_frames() -> None:
    _compared(tiny_films())


def test_toon_films_the_same_frames() -> None:
    if t2v.fingerprint("toon") != (known := read("digests.json")["pinned"]["toon"]):
        pytest.skip(f"the frames are of the TOON {known}, and the package has another one")
    _compared(toon_films())


# ------------------------------------------------------------------------------------------ written anew


def write() -> None:
    """Writes digests.json, recipes.json and frames.npz as this version makes them."""
    os.environ["COLDOPEN_VOICES"] = "embedded"
    pinned = {"program": importlib.metadata.version("cold-open"), "toon": t2v.fingerprint("toon")}
    shows: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    for name in CASES:
        with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as place:
            pin(patch, pinned)
            values = case(name, Path(place), patch)
        shows[name] = {key: short(value) for key, value in values.items()}
        chosen = values if name == EVERY else {key: values[key] for key in RECIPES_KEPT if key in values}
        if name == EVERY or name in shipped_premises():
            kept[name] = {key: value for key, value in chosen.items() if isinstance(value, Mapping)}
    told = {"pinned": pinned, "derived": derived_values(), "caches": cache_names(), "shows": shows}
    for file, value in (("digests.json", told), ("recipes.json", kept)):
        (DATA / file).write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", "utf-8")
    np.savez_compressed(DATA / "frames.npz", **toon_films(), **tiny_films())


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("wanted --write")
    write()
