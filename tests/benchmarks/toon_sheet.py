"""Film the 32 prompts of toon_prompts.txt, first takes with seeds 0 to 31, and lay them on one sheet.

    python tests/benchmarks/toon_sheet.py docs/toon_sheet.png

The prompts were chosen before any picture was seen; docs/toon.md holds the count by eye.
"""

from __future__ import annotations

import sys
import textwrap
import time
from pathlib import Path

import numpy as np
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


def main(path: Path) -> None:
    model = t2v.load("toon")
    began, tiles = time.monotonic(), []
    for i, prompt in enumerate(PROMPTS):
        tiles.append(tile(model.generate(prompt, seed=i).frames, i + 1, prompt))
    width, height = tiles[0].size
    sheet = Image.new("RGB", (width * COLUMNS, height * -(-len(tiles) // COLUMNS)), "white")
    for i, picture in enumerate(tiles):
        sheet.paste(picture, (i % COLUMNS * width, i // COLUMNS * height))
    sheet.quantize(200).save(path, optimize=True)
    sys.stdout.write(f"{path}: {(time.monotonic() - began) / len(tiles):.1f} s a clip\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
