"""The embedded speaker: everything that this project asks of hibari-tts, which is pinned in pyproject.toml.

hibari-tts (Apache-2.0) turns English into phonemes and predicts, for every 12.5 ms, the pitch and the spectra
of the voiced and the unvoiced part. Between the network and the waveform the pitch can be moved alone.
Playing the result faster or slower (by resampling, with the network speaking slower or faster to make up for
it) moves the formants, the size of the speaker. Both together make a whole cast of one recorded speaker.

No other module imports hibari. Where it cannot be imported, `missing` says why.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media.audio import Samples
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.onnx import import_onnxruntime, open_session
from flows.studio.voice.settings import EMBEDDED_HZ, Timbre

if TYPE_CHECKING:
    from hibari import Hibari
    from onnxruntime import InferenceSession

REQUIREMENT = "hibari-tts[fast]==0.2.1"  # as in pyproject.toml

MODEL_RATE = 24_000  # samples a second
HOP = 300  # samples at MODEL_RATE in one column of the spectra
BIN_HZ = 20.0
VOICED_HZ = 60.0  # a lower predicted pitch means "unvoiced"
SPEEDS = (0.5, 2.0)  # the range that the network was trained on
DURATIONS = "/Clip_output_0"  # inside the network: how long each phoneme is, in units of two columns
UNIT = 2 * HOP / MODEL_RATE  # seconds
LEAD = 0.07  # seconds by which phonemes are heard before their place: vowels are loudest and lips quietest so

_loading = threading.Lock()


@dataclass(frozen=True)
class Spectra:
    """The network's prediction, a column every 12.5 ms: (601, columns) arrays, the pitch in Hz (columns,).

    Magnitudes are natural logarithms, phases are in radians.
    """

    voiced: Samples
    voiced_phase: Samples
    noise: Samples
    unvoiced: Samples
    unvoiced_phase: Samples
    f0: Samples

    def columns(self, index: NDArray[np.intp]) -> Spectra:
        """The columns with these numbers, in this order."""
        return Spectra(*(getattr(self, name)[..., index] for name in self.__dataclass_fields__))


def missing() -> str | None:
    """The reason why hibari cannot speak here, as a clause for a message; None if it can.

    Nothing is imported for the answer; a broken installation is known only after the first try to speak.
    """
    if _load.cache_info().currsize and isinstance(_load(), str):
        return str(_load())
    for module in ("hibari", "onnxruntime"):
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    return None


def can_speak() -> bool:
    """True if hibari can be loaded; loads it."""
    return missing() is None and not isinstance(_loaded(), str)


def phonemize(text: str) -> list[str]:
    """An English text as phonemes in misaki's alphabet, one string a sentence.

    Raises:
        StudioError: hibari cannot be loaded.
    """
    return list(_hibari().phonemize(text))


def is_word(word: str, *, common: bool = False) -> bool:
    """True if hibari's dictionary has this word; `common` leaves its less reliable half out."""
    lexicon = _hibari().g2p.lexicon
    return word in lexicon.golds or (not common and word in lexicon.silvers)


def predict_spectra(phonemes: str, *, speed: float = 1.0) -> Spectra:
    """The network's spectra of a phoneme string of at most about 400 characters.

    Raises:
        StudioError: hibari cannot be loaded.
    """
    hibari = _hibari()
    speed = float(np.clip(speed, *SPEEDS))
    feed: dict[str, Any] = {
        "ids": np.asarray([hibari.ids(phonemes)], np.int64),
        "speed": np.asarray([speed], np.float32),
    }
    outputs = ("lh", "theta", "ln", "lr", "phi", "f0")
    return Spectra(*(part[0] for part in hibari.sess.run(outputs, feed)))


def say(phonemes: Sequence[str], timbre: Timbre, *, speed: float, rng: np.random.Generator) -> Samples:
    """Phoneme strings, one a sentence, in that timbre: mono at 48 kHz, at no particular level.

    Raises:
        StudioError: hibari cannot be loaded.
    """
    parts = [
        synthesize(predict_spectra(sentence, speed=speed / timbre.formants), timbre, rng=rng)
        for sentence in phonemes
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def phoneme_seconds(phonemes: str, timbre: Timbre, *, speed: float) -> tuple[tuple[str, float], ...]:
    """The signs of a phoneme string, with how long `say` sounds each; "" is the silence around them.

    Empty if the installed network does not tell.

    Raises:
        StudioError: hibari cannot be loaded.
    """
    session = _durations()
    if session is None:
        return ()
    hibari = _hibari()
    feed: dict[str, Any] = {
        "ids": np.asarray([hibari.ids(phonemes)], np.int64),
        "speed": np.asarray([np.clip(speed / timbre.formants, *SPEEDS)], np.float32),
    }
    (units,) = session.run([DURATIONS], feed)
    signs = ["", *(sign for sign in phonemes if sign in hibari.vocab), ""]
    seconds = [UNIT * float(number) for number in units]
    lead = min(LEAD, seconds[0])
    seconds[0], seconds[-1] = seconds[0] - lead, seconds[-1] + lead
    return tuple((sign, each / timbre.formants) for sign, each in zip(signs, seconds, strict=True))


@functools.cache
def _durations() -> InferenceSession | None:
    """The network with one more output, the lengths of the phonemes; None if it has no such part.

    A file of protobuf messages is merged by being joined: a second `graph` that has an output alone adds it.
    It is a session of its own, as another output changes the last bits of the others.
    """
    name = DURATIONS.encode()
    output = b"\x0a" + bytes([len(name)]) + name  # ValueInfoProto.name
    graph = b"\x62" + bytes([len(output)]) + output  # GraphProto.output
    model = Path(_hibari().model_path).read_bytes() + b"\x3a" + bytes([len(graph)]) + graph
    try:
        return open_session(model)
    except Exception:  # onnxruntime's own errors; another network than the pinned one
        return None


def _hibari() -> Hibari:
    loaded = _loaded()
    if isinstance(loaded, str):
        raise StudioError(f"{loaded}: pip install '{REQUIREMENT}'")
    return loaded


def _loaded() -> Hibari | str:
    with _loading:
        return _load()


@functools.cache
def _load() -> Hibari | str:
    """hibari with its embedded voice, one session a process on one thread; or why it cannot be loaded."""
    try:
        import_onnxruntime()
        from hibari import Hibari

        return Hibari(voice="heart", threads=1)
    except ModuleNotFoundError as error:
        return f"{error.name} is not installed"
    except (ImportError, OSError) as error:
        return f"hibari cannot be loaded ({error})"


def synthesize(
    spectra: Spectra, timbre: Timbre, *, rng: np.random.Generator, f0: Samples | None = None
) -> Samples:
    """Spectra as samples, mono at 48 kHz.

    `f0` is the pitch of each column in Hz; without it, it is the spectra's own one, moved to the timbre's.
    """
    import soxr
    from hibari import dsp

    pitch = _move_pitch(spectra.f0, timbre, rng) if f0 is None else f0
    pitch = (pitch / timbre.formants).astype(np.float32)  # the resampling raises it again
    source = dsp.pulses(pitch)
    if timbre.growl:
        source += np.float32(timbre.growl) * dsp.pulses(pitch / 2, vthresh=20.0)
    spectrum = dsp.stft(source, len(pitch))
    log_voiced, direction = _envelope(spectra)
    voiced = spectra.f0 > VOICED_HZ
    tone = 1.0 - min(timbre.breath, 1.0) ** 2
    spectrum *= direction * np.exp(np.minimum(log_voiced, 7.0)) * np.float32(tone)
    spectrum += _random_phases(spectrum.shape, rng) * np.exp(np.minimum(spectra.noise, 7.0))
    # In voiced columns the network's noise phases carry the old pitch: they are drawn anew.
    phases = np.exp(1j * spectra.unvoiced_phase).astype(np.complex64)
    phases[:, voiced] = _random_phases((len(phases), int(voiced.sum())), rng)
    spectrum += phases * np.exp(np.minimum(spectra.unvoiced, 7.0))
    if timbre.breath:
        spectrum += _random_phases(spectrum.shape, rng) * _air(log_voiced, timbre.breath) * voiced
    samples = dsp.ola(spectrum)
    return np.asarray(
        soxr.resample(samples, MODEL_RATE * timbre.formants, SAMPLE_RATE, quality="HQ"), np.float32
    )


def _move_pitch(f0: Samples, timbre: Timbre, rng: np.random.Generator) -> Samples:
    """The pitch in Hz moved to the timbre's, its steps scaled by `intonation`; unvoiced columns stay 0."""
    voiced = f0 > VOICED_HZ
    steps = np.log(np.where(voiced, f0, EMBEDDED_HZ) / EMBEDDED_HZ) * timbre.intonation
    moved = timbre.pitch_hz * np.exp(steps)
    if timbre.tremor:
        seconds = np.arange(len(f0)) * HOP / MODEL_RATE / timbre.formants
        wobble = np.sin(2 * np.pi * 5.3 * seconds + rng.uniform(0, 6.28))
        moved *= 1 + timbre.tremor * (0.045 * wobble + 0.02 * rng.standard_normal(len(f0)))
    return np.where(voiced, moved, 0.0).astype(np.float32)


def _envelope(spectra: Spectra) -> tuple[Samples, NDArray[np.complex64]]:
    """Log magnitude and unit phasor of the voiced filter, (601, columns) each.

    The network learnt its filter at the harmonics of the pitch that it predicts. Another pitch has its
    harmonics elsewhere, so the filter is interpolated linearly between the predicted ones.
    """
    bins, frames = spectra.voiced.shape
    spacing = np.where(spectra.f0 > VOICED_HZ, spectra.f0, BIN_HZ) / BIN_HZ
    place = np.arange(bins)[:, None] / spacing[None, :]
    below = np.maximum(np.floor(place), 1.0)
    weight = np.clip(place - below, 0.0, 1.0).astype(np.float32)
    last = bins - 1
    low = np.minimum(np.rint(below * spacing), last).astype(np.intp)
    high = np.minimum(np.rint((below + 1) * spacing), last).astype(np.intp)
    column = np.arange(frames)[None, :]
    log = (1 - weight) * spectra.voiced[low, column] + weight * spectra.voiced[high, column]
    turn = np.exp(1j * np.pi * np.tanh(spectra.voiced_phase)).astype(np.complex64)
    direction = (1 - weight) * turn[low, column] + weight * turn[high, column]
    direction /= np.maximum(np.abs(direction), 1e-3)
    return log.astype(np.float32), direction


def _air(log_voiced: Samples, breath: float) -> Samples:
    """The magnitude of breath: the voiced filter without its lows, as turbulence begins at about 1 kHz."""
    hertz = np.arange(len(log_voiced))[:, None] * BIN_HZ
    rise = hertz / (hertz + 1200.0)
    level = np.float32(2.2 * breath)
    return (level * rise * np.exp(np.minimum(log_voiced, 7.0))).astype(np.float32)


def _random_phases(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.complex64]:
    pairs = rng.standard_normal((*shape, 2), dtype=np.float32)
    return pairs.view(np.complex64)[..., 0]
