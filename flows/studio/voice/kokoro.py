"""Kokoro-82M: 54 recorded speakers, once `prefect run pull kokoro` has brought them (Apache-2.0).

The network reads the same phonemes as hibari, which was taught by one of its speakers, and hibari's own
numbers for them; a voice is a table of styles, one for each length of a sentence.
"""

from __future__ import annotations

import functools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.hibari import MODEL_RATE, model
from flows.studio.workspace import downloads

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


SPEEDS = (0.5, 2.0)
STYLES, WIDTH = 510, 256  # a voice's table: a style for each number of phonemes

_loading = threading.Lock()


def folder() -> Path | None:
    """Where model and voices lie, if they were pulled."""
    return downloads.downloaded_folder("kokoro")


def say(phonemes: str, voice: str, *, speed: float) -> Samples:
    """A sentence's phonemes (misaki's alphabet) in that voice: 48 kHz mono, as loud as it comes.

    Raises:
        StudioError: Kokoro was not pulled.
    """
    import soxr

    ids = model().ids(phonemes)[: STYLES + 1]
    feed: dict[str, Any] = {
        "tokens": np.asarray([ids], np.int64),
        "style": _styles(voice)[min(max(len(ids) - 2, 0), STYLES - 1)][None],
        "speed": np.asarray([np.clip(speed, *SPEEDS)], np.float32),
    }
    with _loading:
        network = _network(_pulled())
    samples = network.run(None, feed)[0]
    return np.asarray(soxr.resample(samples, MODEL_RATE, SAMPLE_RATE, quality="HQ"), np.float32)


def _pulled() -> Path:
    place = folder()
    if place is None:
        raise StudioError(
            "wanted a voice of Kokoro, but it is not on this machine yet: prefect run pull kokoro", code=2
        )
    return place


@functools.cache
def _network(place: Path) -> InferenceSession:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(place / "model.onnx", options, providers=["CPUExecutionProvider"])


@functools.lru_cache(maxsize=16)
def _styles(voice: str) -> Samples:
    return np.fromfile(_pulled() / "voices" / f"{voice}.bin", np.float32).reshape(STYLES, WIDTH)
