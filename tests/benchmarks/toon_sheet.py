"""Film the 32 prompts of toon_prompts.txt, first takes with seeds 0 to 31, and lay them on one sheet.

    python tests/benchmarks/toon_sheet.py docs/toon_sheet.png
    python tests/benchmarks/toon_sheet.py docs/toon_close_ups.png --close-ups   # ten of the held-out prompts
    python tests/benchmarks/toon_sheet.py docs/toon_before.png --before FOLDER  # an earlier TOON on the left

The prompts were chosen before any picture was seen, the close-ups are the first ten of the benchmark's list,
with their numbers there as seeds; docs/toon.md holds the count by eye. Of a clip two frames are shown; beside
an earlier TOON one, of every fourth prompt.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import toon_scores
from PIL import Image, ImageDraw

import t2v

PROMPTS = Path(__file__).with_name("toon_prompts.txt").read_text("utf-8").splitlines()
COLUMNS, CAPTION = 4, 36


def tile(pair: np.ndarray, number: int, prompt: str) -> Image.Image:
    """Two pictures side by side, with number and prompt below."""
    picture = Image.fromarray(pair)
    out = Image.new("RGB", (picture.width + 6, picture.height + CAPTION), "white")
    out.paste(picture, (3, 0))
    text = "\n".join(textwrap.wrap(f"{number}. {prompt}", 74))
    ImageDraw.Draw(out).multiline_text((5, picture.height + 2), text, fill="black", spacing=1)
    return out


def two_frames(frames: np.ndarray) -> np.ndarray:
    """A clip's frames after a quarter and after three quarters."""
    return np.concatenate([frames[len(frames) // 4], frames[3 * len(frames) // 4]], axis=1)


def beside(earlier: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """A frame of an earlier TOON's clip, as large, and the one of this one's."""
    now = frames[3 * len(frames) // 4]
    size = now.shape[1], now.shape[0]
    before = Image.fromarray(earlier[3 * len(earlier) // 4]).resize(size, Image.Resampling.LANCZOS)
    return np.concatenate([np.asarray(before), now], axis=1)


def close_ups(count: int = 10) -> list[tuple[int, str]]:
    """The first close-ups among the held-out prompts, with their numbers."""
    found = enumerate(toon_scores.prompts(10 * count))
    return [(i, prompt) for i, (staging, prompt) in found if staging.size == "close-up"][:count]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", type=Path)
    parser.add_argument("--close-ups", action="store_true")
    parser.add_argument("--model", default="toon", help="or a folder with another toon.safetensors")
    parser.add_argument("--before", help="a folder with an earlier toon.safetensors")
    options = parser.parse_args()
    prompts = close_ups() if options.close_ups else list(enumerate(PROMPTS))
    earlier = t2v.load(options.before) if options.before else None
    prompts = prompts[:: 4 if earlier else 1]
    model = t2v.load(options.model)
    began, tiles = time.monotonic(), []
    for i, prompt in prompts:
        number = i if options.close_ups else i + 1
        frames = model.generate(prompt, seed=i).frames
        pair = beside(earlier.generate(prompt, seed=i).frames, frames) if earlier else two_frames(frames)
        tiles.append(tile(pair, number, prompt))
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * -(-len(tiles) // COLUMNS)), "white")
    for i, picture in enumerate(tiles):
        sheet.paste(picture, (i % COLUMNS * width, i // COLUMNS * height))
    sheet.quantize(200).save(options.path, optimize=True)
    sys.stdout.write(f"{options.path}: {(time.monotonic() - began) / len(tiles):.1f} s a clip\n")


if __name__ == "__main__":
    main()
