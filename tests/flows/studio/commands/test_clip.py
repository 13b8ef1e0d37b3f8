"""One clip, by the real TOON and by a tiny model saved as other people's weights are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

import t2v
from flows.cli.app import main
from flows.studio.commands import clip
from flows.studio.commands.clip import ClipOptions, Sampler
from flows.studio.errors import StudioError
from flows.studio.filming.models import LoadedModels
from flows.studio.media import clip_export, clips
from flows.studio.production.console import Console
from t2v.pipeline import to_uint8
from t2v.sampling.held_frames import frames_to_tensor
from t2v.sampling.samplers import SAMPLERS

PROMPT = "an orange cat (with hat) dancing; in the kitchen = at night # \\ “so”"


MODELS = LoadedModels()


@pytest.fixture(scope="module", autouse=True)
def closed_models() -> Iterator[None]:
    """Closes the film model that the tests of this file share."""
    yield
    MODELS.close()


def _make(prompt: str | None, options: ClipOptions, screen: Console) -> tuple[Path, ...]:
    return clip.make(prompt, options, screen, MODELS)


def frames_in(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in sorted(folder.glob("*.png"))])


def through_the_autoencoder(frames: np.ndarray) -> np.ndarray:
    """What is left of frames that are encoded and decoded."""
    model = t2v.load("toon")
    with torch.inference_mode():
        decoded = model.autoencoder.decode(model.autoencoder.encode(frames_to_tensor(frames)))
    return to_uint8(decoded[0]).astype(int)


def test_a_prompt_becomes_a_file_that_says_how_and_is_made_again_like_itself(heard, tmp_path):
    screen, first, again = heard(), tmp_path / "a", tmp_path / "b"
    asked = ClipOptions(out=first, steps=2, seed=9, frames=4, size="64x48", negative="rain", sampler="euler")
    assert _make(PROMPT, asked, screen) == (first,)
    assert frames_in(first).shape == (4, 48, 64, 3)
    assert re.search(r"a: 4 frames of 64x48, 2 steps of euler, seed 9, in \d+ s", screen.text)
    assert "licence Apache-2.0" in screen.text
    _make(None, ClipOptions(out=again, like=first), heard())
    np.testing.assert_array_equal(frames_in(again), frames_in(first))
    assert clip_export.read_settings(again) == clip_export.read_settings(first)


def test_what_is_nought_is_said_and_what_the_model_does_by_itself_is_kept(heard, tmp_path):
    small = {"steps": 1, "frames": 2, "size": "32x32"}
    _make(
        PROMPT,
        ClipOptions(out=tmp_path / "a.gif", seed=0, motion_guidance=0.0, guidance=0.0, **small),
        heard(),
    )
    said = clip_export.read_settings(tmp_path / "a.gif")
    assert (said["seed"], said["motion_guidance"], said["guidance"]) == (0, 0, 0)
    _make(PROMPT, ClipOptions(out=tmp_path / "b.gif", seed=1, **small), heard())
    own = clip_export.read_settings(tmp_path / "b.gif")
    assert (own["motion_guidance"], own["speed"]) == (t2v.TOON.motion_guidance, t2v.TOON.speed)


def test_what_is_said_beside_like_counts(heard, tmp_path):
    _make(PROMPT, ClipOptions(out=tmp_path / "a.mp4", steps=1, seed=9, frames=2, size="32x32"), heard())
    _make("a blue robot", ClipOptions(out=tmp_path / "b.gif", like=tmp_path / "a.mp4", seed=3), heard())
    settings = clip_export.read_settings(tmp_path / "b.gif")
    assert (settings["prompt"], settings["seed"], settings["frames"]) == ("a blue robot", 3, 2)


def test_a_seed_by_chance_is_told_and_several_clips_have_the_next_ones(heard, tmp_path):
    screen = heard()
    asked = ClipOptions(out=tmp_path / "c.gif", steps=1, frames=1, size="32x32", seed=-1, count=2)
    paths = _make("a cat", asked, screen)
    assert [path.name for path in paths] == ["c-1.gif", "c-2.gif"]
    told = int(re.search(r"seed (\d+), by chance", screen.text)[1])
    assert [clip_export.read_settings(path)["seed"] for path in paths] == [told, told + 1]


def test_a_text_file_gives_a_clip_a_prompt(heard, tmp_path):
    (tmp_path / "prompts.txt").write_text("# night\na cat\n\n  a blue robot  \n", "utf-8")
    asked = ClipOptions(
        out=tmp_path / "c.mp4", steps=1, frames=1, size="32x32", seed=1, prompts_file=tmp_path / "prompts.txt"
    )
    paths = _make(None, asked, heard())
    assert [clip_export.read_settings(path)["prompt"] for path in paths] == ["a cat", "a blue robot"]


def test_pictures_are_held_and_films_are_the_beginning(heard, tmp_path):
    film = _make(
        "a cat", ClipOptions(out=tmp_path / "film", steps=1, frames=3, seed=1, size="48x32"), heard()
    )[0]
    clips.write_clip(frames_in(film), 8, tmp_path / "film.mp4")
    back = ClipOptions(out=tmp_path / "back", video=tmp_path / "film.mp4", strength=0.0, seed=2, size="48x32")
    _make("a cat", back, heard())
    np.testing.assert_array_equal(frames_in(tmp_path / "back"), frames_in(film))
    held = ClipOptions(
        out=tmp_path / "held",
        image=film / "000001.png",
        last_image=film / "000003.png",
        steps=1,
        frames=4,
        seed=3,
        size="48x32",
    )
    _make("a cat", held, heard())
    made = frames_in(tmp_path / "held").astype(int)
    given = through_the_autoencoder(frames_in(film))
    for ours, theirs in ((0, 0), (-1, -1)):
        assert np.abs(made[ours] - given[theirs]).mean() < 2  # bf16 rounds where the CPU has it
        assert np.abs(made[1] - given[theirs]).mean() > 4  # what is free is another picture
    assert clip_export.read_settings(tmp_path / "held")["image"] == str(film / "000001.png")


@pytest.mark.parametrize("layout", ["modelscope", "diffusers"])
def test_other_peoples_weights_film_a_clip_and_their_licence_is_told(
    heard, tmp_path, saved_model: Callable[[str], Path], layout
):
    screen, folder = heard(), saved_model(layout)
    asked = ClipOptions(
        out=tmp_path / "c.mp4", steps=1, frames=2, seed=1, size="16x16", video_model=str(folder)
    )
    _make("a cat", asked, screen)
    settings = clip_export.read_settings(tmp_path / "c.mp4")
    assert settings["video_model"] == str(folder)
    assert settings["weights"] == t2v.fingerprint(folder)
    assert settings["licence"] == "CC-BY-NC-4.0"
    assert "licence CC-BY-NC-4.0" in screen.text
    assert "! not for commercial use" in screen.text
    assert "TOON reads" not in screen.text


def test_like_tells_when_the_weights_are_others_now(heard, tmp_path, saved_model):
    asked = ClipOptions(out=tmp_path / "c.gif", steps=1, frames=1, seed=1, size="16x16")
    _make("a cat", asked, heard())
    screen = heard()
    again = ClipOptions(
        out=tmp_path / "d.gif", like=tmp_path / "c.gif", video_model=str(saved_model("modelscope"))
    )
    _make(None, again, screen)
    assert "! " + str(tmp_path / "c.gif") + " was filmed with other weights" in screen.text


def test_a_terminal_shows_what_is_there_so_far(heard, tmp_path):
    class Terminal(heard):
        def show_preview(self, preview):
            if preview is not None:
                pictures.append(preview())

    screen, pictures = Terminal(), []
    _make("a cat", ClipOptions(out=tmp_path / "c.gif", steps=2, frames=2, seed=1, size="32x32"), screen)
    assert [picture.shape for picture in pictures] == [(32, 32, 3)]  # the last step is followed by the film
    assert screen.labels[-1] == "step 2 of 2"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (ClipOptions(), "wanted a prompt, try"),
        (ClipOptions(strength=0.5), "--strength: wanted with --video"),
        (ClipOptions(size="big"), "--size: wanted width and height like 256x256, got 'big'"),
        (ClipOptions(image=Path("nowhere.png")), "nowhere.png: there is no such file"),
        (ClipOptions(out=Path("ufo.avi")), "wanted a name in .mp4 or .gif, or a folder"),
        (ClipOptions(seed=-2), "--seed: wanted -1, or 0 and more, got -2"),
        (ClipOptions(like=Path("nowhere.mp4")), "nowhere.mp4: wanted a clip, there is no such file"),
        (ClipOptions(prompts_file=Path("nowhere.txt")), "nowhere.txt: wanted a text file"),
    ],
)
def test_what_cannot_be_filmed_is_told_before_a_model_is_loaded(heard, monkeypatch, options, told):
    monkeypatch.setattr("flows.studio.filming.models.open_model", None)
    prompt = None if options.prompts_file or options == ClipOptions() else "a cat"
    with pytest.raises(StudioError, match=re.escape(told)) as error:
        _make(prompt, options, heard())
    assert error.value.code == 2


def test_the_command_takes_every_option(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        main(
            [
                "clip",
                "a cat",
                "--out",
                str(tmp_path / "c.gif"),
                "--steps",
                "1",
                "--frames",
                "1",
                "--seed",
                "-1",
            ]
        )
    assert end.value.code == 0
    assert "by chance" in capsys.readouterr().out


def _made(capsys, *words: object) -> tuple[int, str, str]:
    """The command's exit code, what it said, and what it complained of."""
    with pytest.raises(SystemExit) as end:
        main(["clip", *map(str, words)])
    said = capsys.readouterr()
    return end.value.code, said.out, said.err


@pytest.fixture
def lora(tmp_path) -> Path:
    """A LoRA of the tiny model's first attention."""
    name = "input_blocks.1.1.transformer_blocks.0.attn1.to_out.0"
    path = tmp_path / "style.safetensors"
    save_file({f"{name}.lora_A": torch.ones(1, 32), f"{name}.lora_B": torch.ones(32, 1)}, path)
    return path


def test_the_command_films_with_a_lora_a_budget_and_a_loop_and_again_like_that(
    capsys, tmp_path, saved_model, lora
):
    model = saved_model("modelscope")
    common = ("a cat", "--video-model", model, "--frames", 4, "--steps", 2, "--size", "32x16", "--seed", 5)
    plain, styled, again = tmp_path / "plain", tmp_path / "styled", tmp_path / "again"
    assert _made(capsys, *common, "--out", plain)[0] == 0
    more = ("--lora", f"{lora}:0.5", "--memory", "2GB", "--loop")
    assert _made(capsys, *common, *more, "--out", styled)[0] == 0
    loaded = t2v.load(model, loras=[(lora, 0.5)], device="cpu")
    wanted = loaded.generate("a cat", seed=5, num_frames=4, num_steps=2, width=32, height=16, loop=True)
    np.testing.assert_array_equal(frames_in(styled), wanted.frames)
    assert not np.array_equal(frames_in(styled), frames_in(plain))

    code, told, _ = _made(capsys, "--like", styled, "--out", again)
    assert code == 0
    assert "will not be the same" not in told
    np.testing.assert_array_equal(frames_in(again), frames_in(styled))
    settings = clip_export.read_settings(again)
    assert (settings["lora"], settings["loop"]) == ([f"{lora}:0.5"], True)
    assert settings["weights"] == t2v.fingerprint(model, loras=[(str(lora), 0.5)])
    assert "memory" not in settings


@pytest.mark.parametrize(
    ("more", "code", "told"),
    [
        (
            ["--memory", "0.1GB", "--size", "16x16"],
            2,
            r"tiny-modelscope: .* want 0\.\d GB at least in \w+, and there are 0\.1; ",
        ),
        (["--memory", "much"], 2, r'memory: wanted "auto" or gigabytes such as "8GB", got \'much\''),
        (["--lora", "nowhere.safetensors"], 2, r"nowhere\.safetensors: .*not there"),
        (["--size", "30x31"], 2, r"tiny-modelscope wants a height in steps of 2, got 31, try 32$"),
        (["--frames", "0"], 2, r"tiny-modelscope wants num_frames of 1 or more, got 0"),
        (["--frames", "-3"], 2, r"tiny-modelscope wants num_frames of 1 or more, got -3"),
        (["--sampler", "heun"], 2, r'.*"heun".* \(coldopen clip --help says what there is\)'),
        (["--image", "{broken}"], 2, r".*picture\.png: wanted a picture"),
        (["--video", "{broken}"], 2, r".*picture\.png: wanted a film that ffmpeg can read"),
    ],
)
def test_what_the_command_cannot_film_is_one_line(capsys, tmp_path, saved_model, more, code, told):
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    words = [word.format(broken=tmp_path / "picture.png") for word in more]
    out = tmp_path / "c.gif"
    common = ["--video-model", saved_model("modelscope"), "--steps", 1, "--seed", 1, "--out", out]
    ended, _, complained = _made(capsys, "a cat", *common, *words)
    assert ended == code
    (line,) = complained.strip().splitlines()
    assert re.match(told, line), line
    assert not out.exists()


def test_the_command_knows_the_samplers_that_there_are():
    assert get_args(Sampler) == tuple(SAMPLERS)
    assert get_type_hints(ClipOptions)["sampler"] == Sampler | None
