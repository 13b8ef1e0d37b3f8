"""Cuts the README's gif out of an episode: `make readme`. The captions are in the picture already."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from flows.studio.media.gif import write_gif_of_film

MOST_BYTES = 4_000_000


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
    write_gif_of_film(
        options.episode, options.gif, start=options.start, seconds=options.length, most_bytes=MOST_BYTES
    )
    sys.stdout.write(f"{options.gif}: {options.gif.stat().st_size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
