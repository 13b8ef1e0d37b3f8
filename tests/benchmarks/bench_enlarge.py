"""Ways to enlarge drawn films to 1280x720: `make bench-enlarge`, tables in Markdown and sheets to look at.

Films of TOON at its own size, and of the drawn world at 112x64 and 224x128 after its way through the
autoencoder.
Of the drawn world the same scene is drawn at 896x512 as well: PSNR is by that. Flicker is the mean
difference of successive frames in the half of the picture that moves least, of 255; the processor's seconds
are of one thread. `--autoencoder` is a checkpoint of another one, as its training writes it.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import t2v
from flows.studio.picture import upscaler
from t2v.networks.autoencoder import Autoencoder
from t2v.pipeline import to_uint8
from t2v.toon.drawing.scene import draw
from t2v.toon.world import Staging
from tests.benchmarks import toon_scores

SIZE = (1280, 720)
FRAMES = 4
CROP = 360  # pixels across and down of a picture on the sheet
Enlarge = Callable[[np.ndarray], np.ndarray]


def to_size(frame: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(frame).resize(SIZE, Image.Resampling.LANCZOS))


def anime_video(frame: np.ndarray) -> np.ndarray:
    return upscaler.upscale_frame(frame, 2, upscaler.ANIME_VIDEO)


def ways(width: int) -> dict[str, Enlarge]:
    """The ways to enlarge frames of this width, to SIZE."""
    doublings = upscaler.doublings_for((width, width * 4 // 7), SIZE)

    def acnet(frame: np.ndarray) -> np.ndarray:
        return to_size(upscaler.upscale_frame(frame, doublings, upscaler.ACNET))

    def both(frame: np.ndarray) -> np.ndarray:
        return to_size(upscaler.upscale_frame(anime_video(frame), 1, upscaler.ACNET))

    return {
        "Lanczos": to_size,
        f"ACNet, {doublings} times": acnet,
        "Real-ESRGAN": lambda frame: to_size(anime_video(frame)),
        "Real-ESRGAN, then ACNet": both,
    }


@dataclass(frozen=True)
class Film:
    """Frames (f, h, w, 3) uint8, and its first frame as it is drawn four times as large, at SIZE."""

    frames: np.ndarray
    drawn: np.ndarray | None = None  # of films of the drawn world


def stagings(count: int) -> list[tuple[Staging, str]]:
    """The first held-out prompts whose camera stands still."""
    found = toon_scores.prompts(6 * count)
    return [one for one in found if one[0].camera == "still" and one[0].figures][:count]


def films_by_toon(count: int, model: t2v.TextToVideo) -> Iterator[Film]:
    for seed, (_, prompt) in enumerate(stagings(count)):
        yield Film(model.generate(prompt, seed=seed).frames[:FRAMES])


def films_drawn(count: int, width: int, autoencoder: Autoencoder) -> Iterator[Film]:
    height = width * 4 // 7
    for staging, _ in stagings(count):
        small = draw(staging, num_frames=FRAMES, height=height, width=width)
        pixels = torch.from_numpy(small).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
        with torch.inference_mode():
            back = autoencoder.decode(autoencoder.encode(pixels))[0]
        large = draw(staging, num_frames=FRAMES, height=512, width=896)[0]
        yield Film(to_uint8(back), to_size(large))


def measure(title: str, films: Iterator[Film], width: int, sheet: Path) -> None:
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    rows = []
    for film in films:
        row = [] if film.drawn is None else [film.drawn]
        for name, enlarge in ways(width).items():
            enlarge(film.frames[0])  # loads it
            start = time.process_time()
            large = np.stack([enlarge(frame) for frame in film.frames])
            seconds = (time.process_time() - start) / len(large)
            near = float("nan") if film.drawn is None else psnr(large[0], film.drawn)
            found[name].append((toon_scores.flicker(large), near, seconds))
            row.append(large[0])
        rows.append(np.hstack([crop(picture) for picture in row]))
    Image.fromarray(np.vstack(rows)).save(sheet)
    say(f"\n{title}, {len(rows)} films of {FRAMES} frames ({sheet.name}; columns as these rows):\n")
    say("| way | flicker | PSNR to the drawing | CPU seconds a frame |\n| --- | --- | --- | --- |")
    for name, values in found.items():
        flicker, near, seconds = np.mean(values, axis=0)
        told = "" if np.isnan(near) else f"{near:.2f} dB"
        say(f"| {name} | {flicker:.2f} | {told} | {seconds:.2f} |")


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))


def crop(picture: np.ndarray) -> np.ndarray:
    top, left = (SIZE[1] - CROP) // 2, (SIZE[0] - CROP) // 2
    return picture[top : top + CROP, left : left + CROP]


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path())
    parser.add_argument("--films", type=int, default=8, help="by TOON")
    parser.add_argument("--drawn", type=int, default=12, help="of the drawn world, of each size")
    parser.add_argument("--widths", type=int, nargs="*", default=[112, 224], help="of the drawn world")
    parser.add_argument("--autoencoder", type=Path, help="for the drawn world; TOON's without")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = t2v.load("toon")
    autoencoder = model.autoencoder
    if options.autoencoder:
        autoencoder = Autoencoder(t2v.TOON.autoencoder).eval()
        autoencoder.load_state_dict(torch.load(options.autoencoder, weights_only=True))
    if options.films:
        by_toon = films_by_toon(options.films, model)
        height, width = model.preset.sizes["16:9"]
        measure(f"TOON, {width}x{height}", by_toon, width, options.out / f"toon-{width}.png")
    for width in options.widths if options.drawn else ():
        films = films_drawn(options.drawn, width, autoencoder)
        title = f"the drawn world, {width}x{width * 4 // 7}"
        measure(title, films, width, options.out / f"drawn-{width}.png")


if __name__ == "__main__":
    main()
