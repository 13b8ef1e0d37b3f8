"""Measures the cut: CPU seconds beside raw ffmpeg and moviepy's own pattern, and what a long episode takes.

    make bench-cut             # or: python tests/benchmarks/bench_cut.py [pairs] [long] [MINUTES ...]

`pairs` is 20 scenes of 2 s at 512 × 512, 24 frames a second, each frame another: raw ffmpeg decodes the
clips, burns the captions and encodes; moviepy's own pattern is a CompositeVideoClip with a TextClip and an
AudioFileClip a scene, composed. All at the preset veryfast, alternately in one run; raw ffmpeg and our side
get the sound as the mix hands it over, encoded; moviepy encodes its own. CPU seconds of this process and
of all that it starts, with the check of the finished file on our side.

`long` cuts, mixes and captions an episode of so many minutes (2, 6 and 22), each in a fresh process, and
prints its memory, ffmpeg processes and open media files at their highest.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from flows.studio.media import ffmpeg
from flows.studio.media.clips import Frames, write_clip
from flows.studio.picture import render, sidecars, subtitles
from flows.studio.rates import FPS, SAMPLE_RATE, SAMPLES_PER_FRAME
from flows.studio.sound import mix
from flows.studio.timeline import caption_cues
from flows.studio.timeline.framing import clip_frame_numbers
from flows.studio.timeline.model import Caption, LaughCue, LineCue, MusicCue, PictureCut, Span, Timeline
from flows.studio.typography import fonts
from flows.studio.typography.caption_style import letters_per_row
from scripts_llm.screenplay.premise import Audio

SCENES, LENGTH, SIDE = 20, 2 * FPS, 512
MOST_RAW, MOST_CHANGED, LEAST_MOVIEPY = 2.0, 0.3, 2.9
MOST_MEMORY, MOST_PROCESSES, MOST_FILES = 2**30, 4, 32
MEDIA = (".mp4", ".wav", ".m4a", ".part", ".ogg", ".mp3", ".flac")
SAID = "I sold the fish to a man who says it winked at him"


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu_seconds() -> float:
    """Of this process and of its children that have ended."""
    return sum(os.times()[:4])


def picture(seed: int, num_frames: int, height: int, width: int) -> Frames:
    """A drawn room in which somebody walks past: smooth light, hard edges, a little grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    light = 60 + 90 * y / height + 30 * np.sin(x / width * 9 + seed)
    room = light[..., None] * rng.uniform(0.5, 1.1, 3)
    grain = rng.normal(0, 2, (height, width, 1))
    frames = np.empty((num_frames, height, width, 3), np.uint8)
    for i in range(num_frames):
        middle = width * (0.15 + 0.7 * i / num_frames)
        body = ((x - middle) / (0.1 * width)) ** 2 + ((y - 0.6 * height) / (0.3 * height)) ** 2 < 1
        frame = np.where(body[..., None], (200, 90, 60), room + grain)
        frames[i] = np.clip(np.roll(frame, i // 2, axis=1), 0, 255)
    return frames


# ---------------------------------------------------------------------------------------------- pairs


def short_film(folder: Path) -> Timeline:
    """Twenty scenes with a clip, a caption and a row of sound each."""
    pictures, spans, cues = [], [], []
    for n in range(SCENES):
        clip = folder / f"clip{n:02d}.mp4"
        write_clip(picture(n, LENGTH, SIDE, SIDE), FPS, clip)
        start, end = n * LENGTH, (n + 1) * LENGTH
        pictures.append(PictureCut(f"s{n:02d}", f"s{n:02d}.1", start, end, clip, tuple(range(LENGTH))))
        spans.append(Span(f"s{n:02d}", start, end, "scene"))
        cues.append(Caption(start + 4, end - 4, f"{SAID[:28]}\n{SAID[28:]}", "joe"))
    return Timeline(SIDE, SIDE, tuple(spans), tuple(pictures), (), (), (), tuple(cues), names={"joe": "Joe"})


def our_cut(timeline: Timeline, folder: Path, track: Path, only: Sequence[int] | None = None) -> None:
    """Every segment, or those that changed, the join, and the check."""
    segments = [folder / f"{span.id}.mp4" for span in timeline.spans]
    for number in range(len(segments)) if only is None else only:
        render.render_segment(timeline, timeline.spans[number], segments[number])
    render.join_segments(segments, track, folder / "ours.mp4")
    render.verify_film(folder / "ours.mp4", timeline)


def raw_ffmpeg(timeline: Timeline, folder: Path, track: Path) -> None:
    """One ffmpeg: the clips one after the other, captions burned, encoded with the sound."""
    listing, ass = folder / "clips.txt", folder / "all.ass"
    listing.write_text(
        "ffconcat version 1.0\n"
        + "".join(ffmpeg.concat_entry(cut.clip) for cut in timeline.pictures if cut.clip)
    )
    subtitles.write_ass(timeline, ass)
    source = ["-f", "concat", "-safe", "0", "-i", str(listing), "-i", str(track)]
    coding = [
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-crf",
        "18",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "copy",
    ]
    with fonts.font_environment() as environment:
        burn = ["-vf", f"ass=filename={ffmpeg.escape_filter_value(str(ass))}"]
        ffmpeg.run(
            ["-y", *source, *burn, *coding, str(folder / "raw.mp4")], doing="raw ffmpeg", env=environment
        )


def spoken(folder: Path) -> list[Path]:
    """A line a scene as a voice hands it over: mono, 24 kHz."""
    tone = 0.1 * np.sin(np.arange(LENGTH * 24_000 // FPS) * 0.06)
    lines = [folder / f"line{n:02d}.wav" for n in range(SCENES)]
    for line in lines:
        soundfile.write(line, tone, 24_000)
    return lines


def moviepy_pattern(timeline: Timeline, folder: Path, lines: Sequence[Path]) -> None:
    """A film as moviepy's documentation makes it, and as the programs that build on it do.

    A VideoFileClip a scene with its line as an AudioFileClip, a TextClip over it in a CompositeVideoClip, all
    of them joined by concatenate_videoclips(method="compose") and written once. Preset and quality (CRF 18)
    are the same on all sides, every other setting is moviepy's own. The clips have the film's size already,
    so nothing is resized. Sound is in it, mixed and encoded by the same write.
    """
    from moviepy import AudioFileClip, CompositeVideoClip, TextClip, VideoFileClip, concatenate_videoclips

    scenes: list[Any] = []
    for shown, caption, line in zip(timeline.pictures, timeline.captions, lines, strict=True):
        clip = VideoFileClip(str(shown.clip)).with_audio(AudioFileClip(str(line)))
        text = TextClip(
            font=str(fonts.font_file()),
            text=caption.text.replace("\n", " "),
            method="caption",
            size=(round(0.9 * timeline.width), None),
            font_size=26,
            color="white",
            stroke_color="black",
            stroke_width=2,
            margin=(0, 20),
            text_align="center",
        )
        begin, end = caption.start - shown.start, caption.end - shown.start
        text = text.with_start(begin / FPS).with_duration((end - begin) / FPS)
        scenes.append(CompositeVideoClip([clip, text.with_position(("center", 0.75), relative=True)]))
    film = concatenate_videoclips(scenes, method="compose")
    film.write_videofile(
        str(folder / "moviepy.mp4"),
        fps=FPS,
        preset="veryfast",
        audio_codec="aac",
        ffmpeg_params=["-crf", "18"],
        temp_audiofile_path=str(folder),
        logger=None,
    )
    film.close()
    for scene in scenes:
        scene.close()


def pairs(rounds: int = 3, with_moviepy: bool = True) -> bool:
    """Each variant in turn, the median of the rounds; moviepy's own pattern once."""
    with tempfile.TemporaryDirectory(prefix="cold-open-bench-") as name:
        folder = Path(name)
        timeline, lines, wav = short_film(folder), spoken(folder), folder / "sound.wav"
        tone = 0.1 * np.sin(np.arange(timeline.num_frames * SAMPLES_PER_FRAME) * 0.03)
        soundfile.write(wav, np.stack([tone, tone], axis=1), SAMPLE_RATE)
        track = wav.with_suffix(".m4a")
        ffmpeg.run(["-i", str(wav), *ffmpeg.AAC_OPTIONS, str(track)], doing="encoding the sound")
        changed = replace(
            timeline,
            captions=(replace(timeline.captions[0], text="Another word"), *timeline.captions[1:]),
        )
        runs: dict[str, Callable[[], None]] = {
            "raw ffmpeg": lambda: raw_ffmpeg(timeline, folder, track),
            "our cut, cold": lambda: our_cut(timeline, folder, track),
            "our cut, one scene changed": lambda: our_cut(changed, folder, track, only=[0]),
        }
        our_cut(changed, folder, track, only=range(SCENES))  # whatever is loaded once is loaded now
        took: dict[str, list[float]] = {key: [] for key in runs}
        for number in range(rounds):
            for key in list(runs)[:: 1 if number % 2 else -1]:
                took[key].append(_timed(runs[key]))
        median = {key: statistics.median(values) for key, values in took.items()}
        if with_moviepy:
            median["moviepy's own pattern"] = _timed(lambda: moviepy_pattern(timeline, folder, lines))
    return _told(median)


def _timed(run: Callable[[], None]) -> float:
    before = cpu_seconds()
    run()
    return cpu_seconds() - before


def _told(median: dict[str, float]) -> bool:
    raw = median["raw ffmpeg"]
    say(f"\n{SCENES} scenes × 2 s at {SIDE} × {SIDE}, CPU seconds with children, veryfast")
    for key, value in median.items():
        say(f"  {key:28s} {value:7.2f} s   {value / raw:5.2f} × raw ffmpeg")
    ours = median["our cut, cold"]
    checks = {
        f"cold cut with its check at most {MOST_RAW} × raw ffmpeg": ours / raw <= MOST_RAW,
        f"after one changed scene at most {MOST_CHANGED} ×": median["our cut, one scene changed"] / raw
        <= MOST_CHANGED,
    }
    if "moviepy's own pattern" in median:
        less = median["moviepy's own pattern"] / ours
        checks[f"at least {LEAST_MOVIEPY} × less than moviepy's own pattern: {less:.1f} ×"] = (
            less >= LEAST_MOVIEPY
        )
    for what, holds in checks.items():
        say(f"  {'ok    ' if holds else 'MISSED'} {what}")
    return all(checks.values())


# ----------------------------------------------------------------------------------------------- long


@dataclass
class Most:
    """The highest of what was seen while it ran."""

    memory: int = 0  # bytes that are resident, this process and its children
    processes: int = 0  # ffmpegs at once
    files: int = 0  # media files open at once, in all of them


class Watch(threading.Thread):
    """Looks at this process and its children every 50 ms until `stop`."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = Most()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(0.05):
            self._look()

    def _look(self) -> None:
        children = _children()
        seen = [_seen(process) for process in (os.getpid(), *children)]
        self.most.memory = max(self.most.memory, sum(memory for memory, _ in seen))
        self.most.files = max(self.most.files, sum(files for _, files in seen))
        self.most.processes = max(self.most.processes, len(children))

    def stop(self) -> Most:
        self._ended.set()
        self.join()
        return self.most


def _children() -> list[int]:
    tasks = Path("/proc/self/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def _seen(process: int) -> tuple[int, int]:
    """Resident bytes and open media files of a process; nothing of one that has just ended."""
    place = Path("/proc", str(process))
    try:
        rows = (place / "status").read_text("ascii").splitlines()
        memory = next((int(row.split()[1]) * 1024 for row in rows if row.startswith("VmRSS")), 0)
        opened = [os.readlink(link) for link in (place / "fd").iterdir()]
    except OSError:
        return 0, 0
    return memory, sum(path.endswith(MEDIA) for path in opened)


def long_film(folder: Path, minutes: int) -> Timeline:
    """Scenes of five seconds with a clip as TOON films it, a line and a caption; every third has a laugh."""
    length, said = 5 * FPS, 3 * FPS
    spans, pictures, lines, laughs = [], [], [], []
    tone = 0.1 * np.sin(np.arange(said * SAMPLES_PER_FRAME) * 0.02)
    for n in range(minutes * 12):
        clip, wav = folder / f"clip{n:03d}.mp4", folder / f"line{n:03d}.wav"
        write_clip(picture(n, 16, 64, 112), 8, clip)
        soundfile.write(wav, tone, SAMPLE_RATE)
        start, scene = n * length, f"s{n:03d}"
        spans.append(Span(scene, start, start + length, "scene"))
        shown = clip_frame_numbers(16, length, "boomerang")
        pictures.append(PictureCut(scene, f"{scene}.1", start, start + length, clip, shown))
        lines.append(LineCue(scene, "joe", SAID, start + 6, start + 6 + said, wav))
        if n % 3 == 0:
            laughs.append(LaughCue(start + 6 + said, start + length - 6, "small", n))
    limit = letters_per_row(512, 288, style="classic")
    return Timeline(
        width=512,
        height=288,
        spans=tuple(spans),
        pictures=tuple(pictures),
        lines=tuple(lines),
        laughs=tuple(laughs),
        music=(MusicCue("bed", 0, spans[-1].end, 1),),
        captions=caption_cues.make_captions(lines, spans, limit=limit),
        names={"joe": "Joe"},
    )


def measure_long(minutes: int) -> None:
    """Cut, mix and captions of one episode in this process, as one line of JSON."""
    with tempfile.TemporaryDirectory(prefix="cold-open-bench-") as name:
        folder = Path(name)
        timeline = long_film(folder, minutes)
        watch, before, begin = Watch(), cpu_seconds(), time.perf_counter()
        watch.start()
        wav = folder / "master.wav"
        mix.master(timeline, Audio(), wav, seed=1, encoded=folder / "master.m4a")
        mixed = cpu_seconds()
        our_cut(timeline, folder, folder / "master.m4a")
        sidecars.write_srt(timeline, folder / "a.srt")
        sidecars.write_vtt(timeline, folder / "a.vtt")
        subtitles.write_ass(timeline, folder / "a.ass")
        most = watch.stop()
        told = {
            "minutes": minutes,
            "clips": len(timeline.pictures),
            "mix_s": mixed - before,
            "cut_s": cpu_seconds() - mixed,
            "wall_s": time.perf_counter() - begin,
            **vars(most),
        }
    say(json.dumps(told))


def long(lengths: Sequence[int]) -> bool:
    """Each length in a process of its own, so that no peak is another's."""
    say("\nan episode of so many minutes at 512 × 288, a clip every 5 s: CPU seconds with children")
    fine, costs = True, []
    for minutes in lengths:
        command = [sys.executable, __file__, "measure", str(minutes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        told = json.loads(done.stdout.splitlines()[-1])
        holds = (
            told["memory"] <= MOST_MEMORY
            and told["processes"] <= MOST_PROCESSES
            and told["files"] <= MOST_FILES
        )
        fine = fine and holds
        costs.append((told["mix_s"] + told["cut_s"]) / minutes)
        say(
            f"  {'ok    ' if holds else 'MISSED'} {minutes:3d} min, {told['clips']} clips: "
            f"mix {told['mix_s']:.1f} s, cut {told['cut_s']:.1f} s, {costs[-1]:.2f} s a minute, "
            f"{told['memory'] / 2**20:.0f} MB, {told['processes']} processes, {told['files']} media files"
        )
    is_linear = max(costs) <= 1.25 * min(costs)
    say(f"  {'ok    ' if is_linear else 'MISSED'} linear: the dearest minute {max(costs) / min(costs):.2f} ×")
    return fine and is_linear


def main(words: Sequence[str]) -> int:
    if words[:1] == ["measure"]:
        measure_long(int(words[1]))
        return 0
    lengths = [int(word) for word in words if word.isdecimal()] or [2, 6, 22]
    parts = {word for word in words if word in ("pairs", "long")} or {"pairs", "long"}
    fine = [pairs()] if "pairs" in parts else []
    fine += [long(lengths)] if "long" in parts else []
    return 0 if all(fine) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
