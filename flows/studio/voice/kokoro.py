"""Kokoro-82M: 54 recorded voices, once `prefect run pull kokoro` has fetched them (Apache-2.0).

The network reads phonemes in misaki's alphabet; a voice is a table of styles, one for each length of a
sentence.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flows.studio.errors import StudioError
from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.onnx import open_session
from flows.studio.workspace import downloads

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODEL_RATE = 24_000  # samples a second
SPEEDS = (0.5, 2.0)
STYLES, WIDTH = 510, 256  # of a voice's table: a style for each number of phonemes

# The network's number of each phoneme, from Kokoro's own config.json: runs of signs with successive numbers.
_RUNS = {
    1: ";:,.!?", 9: "—…\"()“” \u0303ʣʥʦʨᵝꭧAI", 31: "O", 33: "Q", 35: "ST", 39: "W", 41: "Yᵊabcdef",
    50: "hijklmnopqrstuvwxyzɑɐɒæ", 75: "βɔɕç", 80: "ɖðʤə", 85: "ɚɛɜ", 90: "ɟ", 92: "ɡ", 99: "ɥ",
    101: "ɨɪʝ", 110: "ɯɰŋɳɲɴø", 118: "ɸθœ", 123: "ɹ", 125: "ɾɻ", 128: "ʁɽʂʃʈʧ", 135: "ʊʋ", 138: "ʌɣɤ",
    142: "χʎ", 147: "ʒʔ", 156: "ˈˌː", 162: "ʰ", 164: "ʲ", 169: "↓", 171: "→↗↘", 177: "ᵻ",
}  # fmt: skip
PHONEME_IDS = {sign: first + step for first, signs in _RUNS.items() for step, sign in enumerate(signs)}

_loading = threading.Lock()


def folder() -> Path | None:
    """The folder of the model and the voices; None if they were not pulled."""
    return downloads.downloaded_folder("kokoro")


def say(phonemes: str, voice: str, *, speed: float) -> Samples:
    """A sentence's phonemes in that voice: mono at 48 kHz, at no particular level.

    Raises:
        StudioError: Kokoro was not pulled.
    """
    import soxr

    ids = [0, *(PHONEME_IDS[sign] for sign in phonemes if sign in PHONEME_IDS), 0][: STYLES + 1]
    feed: dict[str, Any] = {
        "tokens": np.asarray([ids], np.int64),
        "style": _styles(voice)[min(max(len(ids) - 2, 0), STYLES - 1)][None],
        "speed": np.asarray([np.clip(speed, *SPEEDS)], np.float32),
    }
    with _loading:
        network = _network(_pulled_folder())
    samples = network.run(None, feed)[0]
    return np.asarray(soxr.resample(samples, MODEL_RATE, SAMPLE_RATE, quality="HQ"), np.float32)


def _pulled_folder() -> Path:
    pulled = folder()
    if pulled is None:
        raise StudioError(
            "wanted a voice of Kokoro, but it is not on this machine yet: prefect run pull kokoro", code=2
        )
    return pulled


@functools.cache
def _network(folder: Path) -> InferenceSession:
    """Kokoro's network, one session a process."""
    return open_session(folder / "model.onnx")


@functools.lru_cache(maxsize=16)
def _styles(voice: str) -> Samples:
    """A voice's table, (STYLES, WIDTH)."""
    return np.fromfile(_pulled_folder() / "voices" / f"{voice}.bin", np.float32).reshape(STYLES, WIDTH)
