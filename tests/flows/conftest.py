"""A tiny show, a screen that keeps what is said, and a Prefect server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import t2v

TINY = """\
show: Fish & Chips
logline: A fishmonger rents his spare room to a retired boss, who is a cat.
format: {scenes: 1, shots: 2, size: 192x108}
characters:
  joe: {name: Joe, look: "man, blue apron", wants: a quiet evening, flaw: cannot say no, speech: nervous}
  don: {name: The Don, look: "large orange cat, black hat", wants: respect, flaw: too proud, speech: slow}
settings:
  fish_shop: {look: fish shop}
titles: {outro_credits: false}
video: {steps: 2}
seed: 7
"""

SCRIPT = """\
# my own comment
schema: 1
title: The Fish
scenes:
  - id: s01
    slugline: INT. FISH SHOP - DAY
    setting: fish_shop
    action: Joe and the Don look at a fish.
    shots:
      - {size: medium, prompt: "Joe talking, the Don listening", who: joe}
      - {size: close-up, prompt: "The Don talking", who: don}
    dialogue:
      - joe: It blinked.
      - {who: don, line: Cod., laugh: small}
"""


class Heard:
    """A screen that keeps its lines; `at` is called with every label of the bar."""

    def __init__(self, at: Callable[[str], None] = lambda label: None) -> None:
        self.lines: list[str] = []
        self.labels: list[str] = []
        self._at = at

    def say(self, text: str) -> None:
        self.lines.append(text)

    def show_preview(self, preview: object) -> None:
        """Nothing: this screen shows no pictures."""

    def warn(self, text: str) -> None:
        self.lines.append(f"! {text}")

    def progress(self, label: str, done: float = 0, total: float = 0, *, shot: str = "") -> None:
        assert 0 <= done <= total or total == 0
        self.labels.append(label)
        self._at(label)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="session")
def heard() -> type[Heard]:
    return Heard


@pytest.fixture(scope="session")
def tiny_premise() -> str:
    return TINY


@pytest.fixture(scope="session")
def tiny_script() -> str:
    return SCRIPT


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The premise of the tiny show, as a file."""
    path = tmp_path / "fish.yaml"
    path.write_text(TINY, "utf-8")
    return path


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny film model with random weights, in ModelScope's or diffusers' layout."""
    made: dict[str, Path] = {}

    def save(layout: str) -> Path:
        if layout not in made:
            made[layout] = tmp_path_factory.mktemp("weights") / f"tiny-{layout}"
            t2v.save(_random_model(), made[layout], layout=layout)
        return made[layout]

    return save


@pytest.fixture(scope="session")
def started_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prefect server of the tests' own."""
    from flows.orchestration import server as api_server

    server = api_server.start_private_server(tmp_path_factory.mktemp("prefect") / api_server.SERVER_LOG)
    yield server.wait()
    server.stop()


@pytest.fixture(scope="module")
def prefect_server(started_server: str) -> Iterator[str]:
    """A Prefect server for flows that a test calls in its own process; the value is its URL.

    The thread that keeps a socket to it open ends with each file's last test: it draws from `random` every
    twenty seconds, which Hypothesis, in tests of other files, takes for the doing of a strategy.
    """
    from prefect.events.worker import EventsWorker
    from prefect.settings import (
        PREFECT_API_URL,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        PREFECT_LOGGING_TO_API_ENABLED,
        temporary_settings,
    )

    settings = {
        PREFECT_API_URL: started_server,
        PREFECT_LOGGING_TO_API_ENABLED: False,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None,  # its thread costs each flow a second at its end
    }
    with temporary_settings(settings):
        yield started_server
        EventsWorker.drain_all(timeout=10, at_exit=False)


def _random_model() -> t2v.TextToVideo:
    """ModelScope's classes and settings, as small as they go, with weights by chance."""
    import torch

    from t2v.networks.autoencoder import Autoencoder
    from t2v.networks.text_encoder import TextEncoder
    from t2v.networks.unet import UNet3D

    preset = replace(
        t2v.MODELSCOPE,
        text_encoder=replace(t2v.MODELSCOPE.text_encoder, width=64, heads=1, layers=2),
        unet=replace(
            t2v.MODELSCOPE.unet,
            width=32,
            channel_multipliers=(1, 2),
            attention_levels=1,
            num_res_blocks=1,
            head_dim=16,
            context_dim=64,
        ),
        autoencoder=replace(
            t2v.MODELSCOPE.autoencoder, width=32, channel_multipliers=(1, 1), num_res_blocks=1
        ),
    )
    torch.manual_seed(3)
    return t2v.TextToVideo(
        preset,
        TextEncoder(preset.text_encoder),
        UNet3D(preset.unet),
        Autoencoder(preset.autoencoder),
        device=torch.device("cpu"),
        dtype=torch.float32,
    )
