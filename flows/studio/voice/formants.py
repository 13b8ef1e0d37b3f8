"""Formants, the resonances of a throat: moved in recorded speech, or made from nothing for a murmur.

hibari gives spectra that can be changed before they become sound. Kokoro, a server and a recording give
sound; its formants are moved by way of its spectral envelope (cepstral smoothing, Oppenheim and Schafer
1968). A murmur is synthesised as a source and a filter (Fant 1960): a pulse train through resonators, so
that a line can be murmured where no speaker is installed.

Sound is float32, (n,), mono at 48 kHz.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flows.studio.media.audio import Samples, with_fades
from flows.studio.rates import SAMPLE_RATE
from flows.studio.voice.settings import Timbre

WINDOW, HOP = 1024, 256
LIFTER = 110  # samples: 2.3 ms, shorter than the period of any voice
AUDIBLE = 0.01  # a smaller change of pitch or size is not made
MOST_CHANGE = (-3.5, 2.5)  # nepers that a moved formant may take away and add


# ------------------------------------------------------------------------------------ recorded speech


def move(samples: Samples, *, pitch: float = 1.0, size: float = 1.0) -> Samples:
    """The pitch times `pitch` and the formants times `size`; shorter by the factor `pitch`.

    Faster playing moves both; then the envelope is moved to where it belongs. The speaker makes up for the
    pace by speaking slower.
    """
    import soxr

    if abs(pitch - 1) >= AUDIBLE:
        moved = soxr.resample(samples, SAMPLE_RATE * pitch, SAMPLE_RATE, quality="HQ")
        samples = np.asarray(moved, np.float32)
    stretch = pitch / size
    if abs(stretch - 1) < AUDIBLE:
        return samples
    spectra = _spectra(samples)
    bins = np.arange(spectra.shape[1], dtype=np.float32)
    envelope = _log_envelope(spectra)
    target = np.stack([np.interp(bins * stretch, bins, row) for row in envelope])
    change = np.exp(np.clip(target - envelope, *MOST_CHANGE))
    return _overlap_add(spectra * change, len(samples))


def add_breath(samples: Samples, breath: float, *, rng: np.random.Generator) -> Samples:
    """The samples with that much air beside the tone, 0 to 1; 1 is a whisper."""
    if breath <= 0:
        return samples
    tone = np.float32(1.0 - min(breath, 1.0) ** 2)
    return (samples * tone + whisper(samples, rng=rng) * np.float32(min(breath, 1.0))).astype(np.float32)


def whisper(samples: Samples, *, rng: np.random.Generator) -> Samples:
    """The same words without a tone, at the same level."""
    spectra = _spectra(samples)
    hertz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    rise = hertz / (hertz + 900)  # open vocal cords let the lows escape
    shape = np.hanning(WINDOW + 1)[:-1]
    noise = np.fft.rfft(rng.standard_normal((len(spectra), WINDOW)) * shape, axis=1)
    sound = _overlap_add(noise * np.exp(_log_envelope(spectra)) * rise, len(samples))
    power = np.mean(np.square(samples)) / max(float(np.mean(np.square(sound))), 1e-12)
    return sound * np.float32(np.sqrt(power))


def _spectra(samples: Samples) -> NDArray[np.complex64]:
    """The spectrum of every 5.3 ms, (frames, bins); frame i is centred on sample (i - 2) * HOP."""
    padded = np.pad(samples, (WINDOW, WINDOW + -len(samples) % HOP))
    shape = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return np.fft.rfft(windows * shape, axis=1).astype(np.complex64)


def _log_envelope(spectra: NDArray[np.complex64]) -> Samples:
    """The natural logarithm of each spectrum's magnitude, without its harmonics; (frames, bins)."""
    cepstrum = np.fft.irfft(np.log(np.abs(spectra) + 1e-5), axis=1)
    cepstrum[:, LIFTER:-LIFTER] = 0
    return np.fft.rfft(cepstrum, axis=1).real.astype(np.float32)


def _overlap_add(spectra: NDArray[np.complexfloating], length: int) -> Samples:
    """The sound of successive spectra, `length` samples of it (Griffin and Lim 1984)."""
    shape = np.hanning(WINDOW + 1)[:-1]
    pieces = np.fft.irfft(spectra, axis=1) * shape
    parts = WINDOW // HOP
    sound = np.zeros(((len(pieces) + parts) * HOP,))
    for part in range(parts):  # the same quarter of all windows at once
        slots = sound[part * HOP : (part + len(pieces)) * HOP].reshape(-1, HOP)
        slots += pieces[:, part * HOP : (part + 1) * HOP]
    return (sound[WINDOW : WINDOW + length] / 1.5).astype(np.float32)  # 1.5: the sum of four squared windows


# -------------------------------------------------------------------------------------------- murmurs

Hertz = tuple[int, int, int]  # the first three formants

# Beginning and end of each vowel, as women speak them (Hillenbrand et al. 1995); misaki's alphabet.
VOWELS: dict[str, tuple[Hertz, Hertz]] = {
    "ɑ": ((936, 1551, 2815), (936, 1551, 2815)),
    "ʌ": ((753, 1426, 2933), (753, 1426, 2933)),
    "i": ((437, 2761, 3372), (437, 2761, 3372)),
    "u": ((459, 1105, 2735), (459, 1105, 2735)),
    "ɛ": ((731, 2058, 2979), (731, 2058, 2979)),
    "ə": ((600, 1500, 2850), (600, 1500, 2850)),
    "O": ((620, 1100, 2800), (480, 950, 2750)),
    "A": ((580, 2300, 3000), (440, 2650, 3200)),
}


@dataclass(frozen=True)
class _Consonant:
    """Formants in Hz (None: the next vowel's), and the levels of tone, air and hiss; a vowel's tone is 1."""

    formants: Hertz | None
    tone: float
    air: float = 0.0
    hiss: float = 0.0
    seconds: float = 0.055


CONSONANTS: dict[str, _Consonant] = {
    "m": _Consonant((300, 1100, 2500), 0.35),
    "n": _Consonant((300, 1700, 2700), 0.35),
    "l": _Consonant((380, 1300, 2900), 0.5),
    "w": _Consonant((350, 750, 2500), 0.5),
    "j": _Consonant((330, 2600, 3250), 0.5, seconds=0.05),
    "b": _Consonant((260, 900, 2400), 0.06, air=0.10, seconds=0.05),
    "d": _Consonant((260, 1850, 2750), 0.06, air=0.14, seconds=0.05),
    "ɡ": _Consonant((260, 2200, 2600), 0.06, air=0.14, seconds=0.05),
    "f": _Consonant((330, 1100, 2500), 0.0, hiss=0.10, seconds=0.075),
    "h": _Consonant(None, 0.0, air=0.5, seconds=0.05),
}

_UPPER_HERTZ = (4200, 5200, 6200, 7200)  # the formants that do not move
_BANDWIDTHS = (80, 100, 150, 220, 280, 340, 400)  # Hz
_TILT_HERTZ = 220.0  # above it the source falls by 6 dB an octave
_TOP_HERTZ = 10_000.0
_STRESSED, _UNSTRESSED, _LAST = 0.15, 0.10, 1.4  # seconds of a vowel, and how much longer the last one is
_PAUSES = {",": 0.16, "—": 0.2, "…": 0.3}  # seconds
_GLIDE, _ATTACK = 0.05, 0.025  # seconds in which formants and levels change


@dataclass(frozen=True)
class _Phone:
    """A piece of a murmur: formants at its beginning and end in Hz, and its levels."""

    seconds: float
    begin: Hertz
    end: Hertz
    tone: float
    air: float = 0.0
    hiss: float = 0.0
    melody: float = 0.0  # nepers of pitch


def murmur(phonemes: str, timbre: Timbre, *, speed: float = 1.0, rng: np.random.Generator) -> Samples:
    """A sentence of made-up syllables in that timbre, at no particular level.

    `phonemes` are syllables of VOWELS and CONSONANTS with stress marks, spaces and punctuation; other signs
    are passed over. A sentence without a vowel is hummed.
    """
    phones = list(_phones(phonemes))
    if not any(phone.tone == 1 for phone in phones):
        phones = list(_phones("hˈəm."))
    frames = np.cumsum([0.0, *(max(phone.seconds / speed * SAMPLE_RATE / HOP, 1.0) for phone in phones)])
    tracks = _Tracks.of(phones, np.rint(frames).astype(int))
    num_samples = tracks.num_frames * HOP
    f0 = _murmured_pitch(tracks, timbre, rng)
    source = _pulses(np.interp(np.arange(num_samples) / HOP, np.arange(tracks.num_frames), f0))
    if timbre.growl:
        half = np.interp(np.arange(num_samples) / HOP, np.arange(tracks.num_frames), f0 / 2)
        source = source + np.float32(timbre.growl) * _pulses(half)
    at = np.clip(np.arange(-2, tracks.num_frames + 3), 0, tracks.num_frames - 1)  # as _spectra centres them
    throat = _throat(tracks.formants[at] * timbre.formants, timbre.formants)
    tone = _spectra(source)
    noise = _spectra(rng.standard_normal(num_samples).astype(np.float32))
    hertz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    count = min(len(tone), len(at))
    tilt = 1 / (1 + hertz / _TILT_HERTZ)
    hiss = hertz / (hertz + 3000) / (1 + (hertz / 9000) ** 4)
    at, throat = at[:count], throat[:count]
    spectra = throat * (
        tone[:count] * tilt * tracks.tone[at, None] + noise[:count] * 0.4 * tracks.air[at, None]
    )
    spectra += noise[:count] * hiss * tracks.hiss[at, None]
    sound = with_fades(_overlap_add(spectra, num_samples), rise=0.02, fall=0.10)
    return add_breath(sound, timbre.breath, rng=rng)


def _phones(phonemes: str) -> Iterator[_Phone]:
    """The pieces of a sentence; consonants without formants of their own take the next vowel's."""
    signs = [
        sign for sign in phonemes if sign in "ˈ?" or sign in VOWELS or sign in CONSONANTS or sign in _PAUSES
    ]
    vowels = [index for index, sign in enumerate(signs) if sign in VOWELS]
    is_stressed, here = False, VOWELS["ə"][1]
    for index, sign in enumerate(signs):
        if sign == "ˈ":
            is_stressed = True
        elif sign in VOWELS:
            begin, end = VOWELS[sign]
            seconds = (_STRESSED if is_stressed else _UNSTRESSED) * (_LAST if index == vowels[-1] else 1)
            rise = 0.35 if "?" in signs[index:] and index == vowels[-1] else 0.0
            yield _Phone(seconds, begin, end, 1.0, 0.12, melody=rise + (0.20 if is_stressed else 0.0))
            is_stressed, here = False, end
        elif sign in CONSONANTS:
            consonant = CONSONANTS[sign]
            following = next((VOWELS[other][0] for other in signs[index:] if other in VOWELS), here)
            formants = consonant.formants or following
            yield _Phone(consonant.seconds, formants, formants, consonant.tone, consonant.air, consonant.hiss)
        elif sign in _PAUSES:
            yield _Phone(_PAUSES[sign], here, here, 0.0, melody=-0.1)


@dataclass(frozen=True)
class _Tracks:
    """The phones as smooth curves, a value every HOP samples: formants (frames, 3) in Hz, levels, melody."""

    formants: Samples
    tone: Samples
    air: Samples
    hiss: Samples
    melody: Samples

    @property
    def num_frames(self) -> int:
        return len(self.tone)

    @classmethod
    def of(cls, phones: Sequence[_Phone], edges: NDArray[np.int_]) -> _Tracks:
        """`edges` are the frames between which each phone is heard."""
        lengths = np.diff(edges)
        formants = [np.linspace(p.begin, p.end, n) for p, n in zip(phones, lengths, strict=True)]

        def level(name: str, seconds: float) -> Samples:
            return _smooth(np.repeat([getattr(phone, name) for phone in phones], lengths), seconds)

        return cls(
            np.stack([_smooth(row, _GLIDE) for row in np.concatenate(formants).T], axis=1),
            level("tone", _ATTACK),
            level("air", _ATTACK),
            level("hiss", _ATTACK),
            level("melody", 0.12),
        )


def _smooth(track: NDArray[np.float64], seconds: float) -> Samples:
    """The moving average over about so many seconds; the ends are held."""
    half = max(1, round(seconds * SAMPLE_RATE / HOP / 2))
    kernel = np.hanning(2 * half + 3)[1:-1]
    padded = np.pad(track.astype(np.float64), half, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)


def _murmured_pitch(tracks: _Tracks, timbre: Timbre, rng: np.random.Generator) -> Samples:
    """The pitch of every frame in Hz; it falls over the sentence and is higher on stressed syllables."""
    count = tracks.num_frames
    wander = _smooth(rng.standard_normal(count), 0.15) * 0.05
    steps = np.linspace(0.12, -0.20, count) + tracks.melody + wander
    pitch = timbre.pitch_hz * np.exp(timbre.intonation * steps)
    if timbre.tremor:
        seconds = np.arange(count) * HOP / SAMPLE_RATE
        wobble = np.sin(2 * np.pi * 5.3 * seconds + rng.uniform(0, 6.28))
        pitch *= 1 + timbre.tremor * (0.045 * wobble + 0.02 * rng.standard_normal(count))
    return pitch.astype(np.float32)


def _pulses(f0: NDArray[np.floating]) -> Samples:
    """A band-limited pulse train of that pitch (n,) in Hz: equal cosines of all harmonics below 10 kHz.

    The sum of H cosines is sin((H + 1/2) t) / (2 sin(t / 2)) - 1/2, Dirichlet's kernel.
    """
    phase = 2 * np.pi * (np.cumsum(f0, dtype=np.float64) / SAMPLE_RATE % 1.0)
    harmonics = np.floor(_TOP_HERTZ / f0)
    below = 2 * np.sin(phase / 2)
    is_peak = np.abs(below) < 1e-3
    pulses = np.sin((harmonics + 0.5) * phase) / np.where(is_peak, 1.0, below) - 0.5
    return np.where(is_peak, harmonics, pulses).astype(np.float32)


def _throat(formants: Samples, size: float) -> NDArray[np.complex64]:
    """The transfer function of a chain of resonators for each frame: (frames, 3) in Hz -> (frames, bins)."""
    hertz = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    upper = np.tile(np.asarray(_UPPER_HERTZ) * size, (len(formants), 1))
    transfer = np.ones((len(formants), len(hertz)), np.complex64)
    for centre, width in zip(np.concatenate([formants, upper], axis=1).T, _BANDWIDTHS, strict=True):
        square = np.square(centre)[:, None]
        transfer *= square / (square - np.square(hertz) + 1j * hertz * width * size)
    return transfer
