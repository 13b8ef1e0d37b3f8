"""Sound files and the small surgery on samples: read, write, decode, trim, fade, limit.

Sound is float32 at 48 kHz throughout, (n,) for a voice and (n, 2) for everything else.
"""

from __future__ import annotations

import functools
import subprocess
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from flows.studio.errors import StudioError
from flows.studio.media import ffmpeg, films
from flows.studio.rates import SAMPLE_RATE
from flows.studio.workspace.files import atomic_write, content_hash

if TYPE_CHECKING:
    from soundfile import SoundFile

Samples = NDArray[np.float32]

FADE_SECONDS = 0.008
PIECE = 10 * SAMPLE_RATE  # samples that are decoded at a time
LOUDEST = 100.0  # a file of floats may be that far over full scale; more is a fault in it


def write_wav(path: Path, samples: Samples) -> None:
    """Writes samples, (n,) or (n, channels), as a 24-bit WAV at 48 kHz."""
    with atomic_wav(path, channels=1 if samples.ndim == 1 else samples.shape[1]) as wav:
        wav.write(samples)


@contextmanager
def atomic_wav(path: Path, *, channels: int) -> Iterator[SoundFile]:
    """Opens a 24-bit WAV at 48 kHz to be written in pieces; it gets its name when the block ends well."""
    import soundfile

    try:
        with (
            atomic_write(path) as part,
            soundfile.SoundFile(part, "w", SAMPLE_RATE, channels, "PCM_24", format="WAV") as wav,
        ):
            yield wav
    except soundfile.LibsndfileError as error:
        raise StudioError(f"{path}: cannot write the sound ({error}); is the disk full?") from error


def read_voice(path: Path) -> Samples:
    """Reads the WAV file of a spoken line as mono samples, (n,). Raises StudioError."""
    import soundfile

    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise StudioError(
            f"{path}: wanted a spoken line, cannot read it ({error}); delete it and run again"
        ) from error
    if rate != SAMPLE_RATE:
        raise StudioError(
            f"{path}: wanted {SAMPLE_RATE} samples a second, got {rate}; delete it and run again"
        )
    return np.asarray(samples.mean(axis=1), np.float32)


def read_music(path: Path) -> Samples:
    """Reads a piece of music, (n, 2), from any file that ffmpeg can read.

    Raises:
        StudioError: there is no such file, or less than half a second of sound in it.
    """
    if not path.is_file():
        raise StudioError(
            f"{path}: no such music file; give audio.music a path beside the premise, or leave it out",
            code=2,
        )
    samples = _both_channels(path)
    if len(samples) < SAMPLE_RATE // 2:
        raise StudioError(
            f"{path}: wanted music, got {len(samples) / SAMPLE_RATE:.2f} s of sound; try another file",
            code=2,
        )
    return samples


def read_effect(path: Path) -> Samples:
    """Reads a sound effect, (n, 2), from any file that ffmpeg can read.

    Raises:
        StudioError: the file is silent.
    """
    samples = _both_channels(path)
    if not np.any(samples):
        raise StudioError(f"{path}: wanted a sound effect, got silence; try another file", code=2)
    return samples


def read_mono(path: Path) -> Samples:
    """Reads a sound, (n,), from any file that ffmpeg can read.

    Raises:
        StudioError: the file has no sound that ffmpeg can read.
    """
    pieces = list(decode_sound(path))
    return fold_to_mono(np.concatenate(pieces)) if pieces else np.zeros(0, np.float32)


def fold_to_mono(samples: Samples) -> Samples:
    """The mean of the channels, (n,); of two in opposite phase half their difference, which is heard."""
    if is_in_opposite_phase(samples):
        return np.asarray((samples[:, 0] - samples[:, 1]) / 2, np.float32)
    return np.asarray(samples.mean(axis=1), np.float32)


def is_in_opposite_phase(samples: Samples) -> bool:
    """True if two channels all but cancel each other: their sum is 6 dB or more under their difference."""
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        return False
    left, right = samples.astype(np.float64).T
    together, apart = np.square(left + right).sum(), np.square(left - right).sum()
    return bool(apart > 4 * together)


def _both_channels(path: Path) -> Samples:
    pieces = list(decode_sound(path))
    samples = np.concatenate(pieces) if pieces else np.zeros((0, 2), np.float32)
    if samples.shape[1] == 1:
        samples = np.repeat(samples, 2, axis=1)
    return np.ascontiguousarray(samples)


def decode_sound(path: Path) -> Iterator[Samples]:
    """Decodes the first sound track of any media file at 48 kHz, ten seconds at a time, (n, 1 or 2).

    More channels than two are folded down as ITU-R BS.775 says, by the layout that the file names, else by
    the usual one of that number; where there is none, as of nine channels, they are one, each as loud.
    Samples that are no numbers are silence.

    Raises:
        StudioError: the file has no sound that ffmpeg can read.
    """
    problem = yield from _decode(path, "aformat=channel_layouts=stereo|mono")
    if problem and films.read_header(path).num_channels > 2:
        problem = yield from _decode(path, _mean_of_channels(path))
    if not problem:
        return
    raise StudioError(f"{path}: wanted a file with sound, {_no_sound(path, problem)}", code=2)


def _mean_of_channels(path: Path) -> str:
    """The filter that makes one channel of all."""
    count = max(1, films.read_header(path).num_channels)
    return f"pan=mono|c0={'+'.join(f'{1 / count:.5f}*c{number}' for number in range(count))}"


def _decode(path: Path, fold: str) -> Generator[Samples, None, str]:
    """The samples through that filter; returns what ffmpeg says where there are none at all."""
    command = [ffmpeg.executable(), "-v", "error", "-nostdin", *ffmpeg.ONLY_THIS_FILE, "-i", f"file:{path}"]
    command += ["-map", "0:a:0", "-af", fold, "-ar", str(SAMPLE_RATE)]
    command += ["-c:a", "pcm_f32be", "-f", "au", "pipe:1"]
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log) as decoder,
    ):
        assert decoder.stdout is not None
        try:
            header = decoder.stdout.read(24)
            if len(header) == 24:
                decoder.stdout.read(int.from_bytes(header[4:8]) - 24)
                channels = int.from_bytes(header[20:24])
                while piece := decoder.stdout.read(PIECE * channels * 4):
                    yield _numbers(np.frombuffer(piece, ">f4").reshape(-1, channels).astype(np.float32))
        finally:
            decoder.kill()
        log.seek(0)
        return "" if len(header) == 24 else ffmpeg.error_tail(log.read())


def _numbers(samples: Samples) -> Samples:
    """The samples without those that a broken file of floats has: no numbers, or 40 dB over full scale."""
    if np.abs(samples).max(initial=0.0) <= LOUDEST:  # false of what is no number
        return samples
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0).clip(-LOUDEST, LOUDEST)


def _no_sound(path: Path, problem: str) -> str:
    header = films.read_header(path)
    if header.fault:
        empty = path.is_file() and not path.stat().st_size
        return "got an empty file" if empty else "ffmpeg reads none there; try a wav or an mp3"
    return f"ffmpeg says: {problem}" if header.has_sound else "found none in it"


def sound_hash(path: Path) -> str:
    """The hash of a sound's file, for recipes; of one with more than two channels it says that it is folded.

    Sounds were cut down to their first two channels before.
    """
    folded = "-folded" if _num_channels(path) > 2 else ""
    return f"{content_hash(path)}{folded}"


def has_sound(path: Path) -> bool:
    """True for a file with a track of sound, by its header alone."""
    return _num_channels(path) > 0


def _num_channels(path: Path) -> int:
    """The channels of a file's first sound track by its header; 0 where there is none."""
    try:
        status = path.stat()
    except OSError:
        return 0
    return _channels_in_header(path, status.st_size, status.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _channels_in_header(path: Path, num_bytes: int, changed_ns: int) -> int:
    import soundfile

    try:
        return int(soundfile.info(path).channels)  # a thousand times as fast as to begin an ffmpeg
    except (soundfile.LibsndfileError, OSError, TypeError, ValueError):
        return films.read_header(path).num_channels


def samples_in(duration: float) -> int:
    """The number of samples in so many seconds."""
    return round(duration * SAMPLE_RATE)


def db_to_gain(decibels: float) -> np.float32:
    """The factor of a change in level: 6 dB is about 2."""
    return np.float32(10 ** (decibels / 20))


@functools.lru_cache(maxsize=64)
def ramp(length: int) -> Samples:
    """A raised cosine from 0 to 1 over `length` samples; read-only."""
    rise = (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(length, 1))).astype(np.float32)
    rise.setflags(write=False)
    return rise


def with_fades(samples: Samples, *, rise: float = FADE_SECONDS, fall: float = FADE_SECONDS) -> Samples:
    """A copy that begins and ends in silence, over `rise` and `fall` seconds, so that no join clicks."""
    edged = samples.copy()
    up = ramp(min(samples_in(rise), len(edged) // 2))
    down = ramp(min(samples_in(fall), len(edged) // 2))[::-1]
    shape = (-1,) + (1,) * (edged.ndim - 1)
    edged[: len(up)] *= up.reshape(shape)
    if len(down):
        edged[-len(down) :] *= down.reshape(shape)
    return edged


def levels_db(samples: Samples, *, window: float = 0.01) -> Samples:
    """The RMS of each window of `window` seconds, in decibels below the loudest one."""
    size = samples_in(window)
    padded = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    rms = np.sqrt(np.square(padded, dtype=np.float64).mean(axis=1))
    return (20 * np.log10(np.maximum(rms, 1e-9) / max(float(rms.max(initial=0.0)), 1e-9))).astype(np.float32)


def trim_silence(
    samples: Samples, *, floor_db: float = -42.0, before: float = 0.02, after: float = 0.05
) -> Samples:
    """The samples without the silence around them, but for `before` and `after` seconds of it."""
    first, last = heard_range(samples, floor_db=floor_db, before=before, after=after)
    return samples[first:last]


def heard_range(
    samples: Samples, *, floor_db: float = -42.0, before: float = 0.02, after: float = 0.05
) -> tuple[int, int]:
    """From and to which sample `trim_silence` keeps the samples; (0, 0) where nothing is heard."""
    if not len(samples) or not np.any(samples):
        return 0, 0
    heard = np.flatnonzero(levels_db(samples) > floor_db)
    first = max(0, int(heard[0]) * samples_in(0.01) - samples_in(before))
    last = min(len(samples), int(heard[-1] + 1) * samples_in(0.01) + samples_in(after))
    return first, last


def shorten_pauses(samples: Samples, *, longest: float, floor_db: float = -42.0) -> Samples:
    """Shortens each silence inside the samples that lasts longer than `longest` seconds to that length."""
    ranges = ranges_without_long_pauses(samples, longest=longest, floor_db=floor_db)
    return np.concatenate([samples[first:last] for first, last in ranges])


def ranges_without_long_pauses(
    samples: Samples, *, longest: float, floor_db: float = -42.0
) -> tuple[tuple[int, int], ...]:
    """From and to which samples `shorten_pauses` keeps, in order."""
    quiet = levels_db(samples) <= floor_db
    size, keep = samples_in(0.01), max(2, round(longest / 0.01))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(np.int8)))
    ranges, last = [], 0
    for begin, end in edges.reshape(-1, 2):
        if end - begin > keep:
            ranges.append((last, int(begin + keep // 2) * size))
            last = int(end - (keep - keep // 2)) * size
    return (*ranges, (last, len(samples)))


def soft_clip(samples: Samples, *, ceiling: float = 0.95, knee: float = 0.6) -> Samples:
    """Bends peaks above `knee` smoothly so that none reaches `ceiling`; the rest stays as it is."""
    size = np.abs(samples)
    room = ceiling - knee
    bent = knee + room * np.tanh((size - knee) / room)
    return np.where(size > knee, np.sign(samples) * bent, samples).astype(np.float32)
