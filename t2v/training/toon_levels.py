"""How the next TOON is trained: larger pictures by levels around today's network, and a direction a frame.

    python -m t2v.training.toon_levels draw-stills   --folder F     # scenes drawn and encoded, in parts
    python -m t2v.training.toon_levels draw-clips    --folder F
    python -m t2v.training.toon_levels stills        --folder F --minutes 60   # three levels, 224x128
    python -m t2v.training.toon_levels clips         --folder F --minutes 60   # clips, with stills between

It begins with the weights in the package. Each stage goes on where it stopped, and training takes in what was
drawn since it looked last.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from pathlib import Path

from t2v.checkpoints.files.safetensors import read
from t2v.configs import NEXT_TOON
from t2v.training.loop import save_atomically
from t2v.training.resumable import TimeIsUp
from t2v.training.toon_scenes import Wanted, make_parts
from t2v.training.toon_stages import WEIGHTS

log = logging.getLogger("toon")

STILL_PARTS = {"16:9": 160, "1:1": 48}  # of 256 stills each
CLIP_PARTS = {"16:9": 250, "1:1": 75}  # of 16 clips each
AUTOENCODER = "autoencoder.pt"


def wanted(folder: Path, aspect: str, num_frames: int) -> Wanted:
    """The scenes of one aspect: single pictures, or clips of `num_frames`."""
    size = NEXT_TOON.sizes[aspect]
    name = f"{'stills' if num_frames == 1 else 'clips'}-{size[1]}x{size[0]}"
    return Wanted(folder / name, num_frames, size, seed=1000 + 10 * num_frames + (aspect == "1:1"))


def autoencoder_file(folder: Path) -> Path:
    """The autoencoder in whose latents all is learned: the package's, kept in the folder."""
    file = folder / AUTOENCODER
    if not file.exists():
        state = read(WEIGHTS / "toon.safetensors")[0]
        prefix = "autoencoder."
        save_atomically({k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}, file)
    return file


def draw(folder: Path, num_frames: int, processes: int, stop_at: float | None) -> None:
    """All scenes of one length, an eighth of every aspect after the other, so that training finds some of each."""
    parts = STILL_PARTS if num_frames == 1 else CLIP_PARTS
    autoencoder = autoencoder_file(folder)
    for eighth in range(1, 9):
        for aspect, count in parts.items():
            where = wanted(folder, aspect, num_frames)
            make_parts(where, count * eighth // 8, autoencoder, processes=processes, stop_at=stop_at)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the next TOON.")
    parser.add_argument("stage", choices=["draw-stills", "draw-clips", "stills", "clips"])
    parser.add_argument("--minutes", type=float, help="stop cleanly after so long; the next call goes on")
    parser.add_argument("--folder", type=Path, default=Path("training/next"))
    parser.add_argument("--processes", type=int, default=2, help="that draw")
    parser.add_argument("--threads", type=int, default=2, help="of PyTorch")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "pid").write_text(f"{os.getpgrp()}\n", "utf-8")
    stop_at = None if options.minutes is None else time.monotonic() + options.minutes * 60
    try:
        if options.stage.startswith("draw-"):
            draw(options.folder, 1 if options.stage == "draw-stills" else 16, options.processes, stop_at)
    except TimeIsUp as over:
        log.info("%s", over)


if __name__ == "__main__":
    main()
