"""Film the 32 prompts of toon_prompts.txt, first takes with seeds 0 to 31, and lay them on one sheet.

    python tests/benchmarks/toon_sheet.py docs/toon_sheet.png
    python tests/benchmarks/toon_sheet.py docs/toon_close_ups.png --close-ups   # ten of the held-out prompts

The prompts were chosen before any picture was seen, the close-ups are the first ten of the benchmark's list,
with their numbers there as seeds; docs/toon.md holds the count by eye.
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
SCALE, COLUMNS, CAPTION = 2, 4, 36


def tile(frames: np.ndarray, number: int, prompt: str) -> Image.Image:
    """Two frames of a clip side by side, enlarged, with number and prompt below."""
    pair = np.concatenate([frames[len(frames) // 4], frames[3 * len(frames) // 4]], axis=1)
    picture = Image.fromarray(pair)
    picture = picture.resize((picture.width * SCALE, picture.height * SCALE), Image.Resampling.NEAREST)
    out = Image.new("RGB", (picture.width + 6, picture.height + CAPTION), "white")
    out.paste(picture, (3, 0))
    text = "\n".join(textwrap.wrap(f"{number}. {prompt}", 74))
    ImageDraw.Draw(out).multiline_text((5, picture.height + 2), text, fill="black", spacing=1)
    return out


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
    options = parser.parse_args()
    prompts = close_ups() if options.close_ups else list(enumerate(PROMPTS))
    model = t2v.load("toon")
    began, tiles = time.monotonic(), []
    for i, prompt in prompts:
        number = i if options.close_ups else i + 1
        tiles.append(tile(model.generate(prompt, seed=i).frames, number, prompt))
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * -(-len(tiles) // COLUMNS)), "white")
    for i, picture in enumerate(tiles):
        sheet.paste(picture, (i % COLUMNS * width, i // COLUMNS * height))
    sheet.quantize(200).save(options.path, optimize=True)
    sys.stdout.write(f"{options.path}: {(time.monotonic() - began) / len(tiles):.1f} s a clip\n")


if __name__ == "__main__":
    main()
