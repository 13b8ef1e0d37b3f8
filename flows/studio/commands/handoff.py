"""The hand-off to an editor: the timeline as OpenTimelineIO and as text, and every stem as a WAV."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from flows.studio.media import audio as audio_files
from flows.studio.production.edit import Edit
from flows.studio.release.otio import write_otio
from flows.studio.sound import stems
from flows.studio.timeline.model import SAMPLE_RATE, SAMPLES_PER_FRAME, Timeline
from flows.studio.workspace.folder import EpisodeFolder
from scripts_llm.screenplay.script import Audio

NAMES = ("dialogue", "music", "effects", "laughs")
_BLOCK = 10 * SAMPLE_RATE

OnStem = Callable[[str], None]


def hand_off(
    edit: Edit, segments: Mapping[str, Path], folder: EpisodeFolder, *, on_stem: OnStem | None = None
) -> Path:
    """Writes `episode.otio`, `timeline.txt` and `stems/`; `segments` are the encoded spans by their names.

    Captions that are burned in are in the segments: with `captions: {mode: soft}` the picture is clean.
    """
    place = folder.root / "stems"
    place.mkdir(exist_ok=True)
    written = write_stems(edit.timeline, edit.premise.audio, place, seed=edit.seed, on_stem=on_stem)
    otio = folder.root / "episode.otio"
    write_otio(edit.timeline, otio, segments=segments, stems=written)
    (folder.root / "timeline.txt").write_text(str(edit.timeline), encoding="utf-8", newline="\n")
    return otio


def write_stems(
    timeline: Timeline, audio: Audio, place: Path, *, seed: int, on_stem: OnStem | None = None
) -> dict[str, Path]:
    """Each stem as a WAV of the film's length, 48 kHz stereo in 24 bits, as loud as it goes into the mix.

    Their sum is the mix before it is mastered: lines at -18 LUFS. One that is empty is silent.
    """
    made = stems.stems(timeline, audio, seed=seed)
    num_samples = timeline.num_frames * SAMPLES_PER_FRAME
    written = {}
    for name in dict.fromkeys([*NAMES, *made]):
        if on_stem is not None:
            on_stem(name)
        written[name] = place / f"{name}.wav"
        with audio_files.writing_wav(written[name], channels=2) as wav:
            for start in range(0, num_samples, _BLOCK):
                stop = min(start + _BLOCK, num_samples)
                stem = made.get(name)
                wav.write(stem(start, stop) if stem else np.zeros((stop - start, 2), np.float32))
    return written
