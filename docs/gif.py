"""Cuts the README's gif out of an episode: `make readme`. The captions are in the picture already."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg

MOST_BYTES = 4_000_000
SIZES = ((480, 12), (400, 10), (320, 8))  # width and frames a second: the first that is small enough


def main() -> None:
    """Writes the gif and says how large it is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("episode", type=Path)
    parser.add_argument("gif", type=Path)
    parser.add_argument("--start", type=float, default=0.0, help="seconds into the episode")
    parser.add_argument("--length", type=float, default=7.0, help="seconds, 6 to 8")
    options = parser.parse_args()
    if not options.episode.is_file():
        raise SystemExit(f"wanted an episode, but {options.episode} does not exist; try: make episode")
    for width, fps in SIZES:
        cut(options.episode, options.gif, start=options.start, length=options.length, width=width, fps=fps)
        size = options.gif.stat().st_size
        if size <= MOST_BYTES:
            sys.stdout.write(f"{options.gif}: {width} px wide, {fps} fps, {size / 1e6:.1f} MB\n")
            return
    raise SystemExit(f"{options.gif} is {size / 1e6:.1f} MB at its smallest; try a shorter --length")


def cut(episode: Path, gif: Path, *, start: float, length: float, width: int, fps: int) -> None:
    """One piece of the episode as a gif with a palette of its own."""
    look = (
        f"fps={fps},scale={width}:-2:flags=lanczos,split[a][b];"
        "[a]palettegen=max_colors=128:stats_mode=diff[p];[b][p]paletteuse=dither=none:diff_mode=rectangle"
    )
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-ss", str(start), "-t", str(length)]
    subprocess.run([*command, "-i", str(episode), "-vf", look, "-loop", "0", str(gif)], check=True)


if __name__ == "__main__":
    main()
