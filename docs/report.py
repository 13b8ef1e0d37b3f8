"""Draws docs/report.png, the head of an episode's report in a browser: `python docs/report.py FOLDER`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from flows.studio.release import report
from flows.studio.workspace.folder import EpisodeFolder, parse_code

WIDTH, HEIGHT = 1100, 1500  # of the browser's window
SHOWN = 880  # pixels, the picture's width
COLOURS = 256
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars")


def main() -> None:
    """Draws the report anew, opens it in Chromium, and says how large the picture is."""
    folder, out = Path(sys.argv[1]).absolute(), Path(__file__).with_name("report.png")
    page = report.write_report(EpisodeFolder(folder, parse_code(folder.name)))
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise SystemExit("docs/report.py: wanted Chromium, there is none; try: apt-get install chromium")
    with tempfile.TemporaryDirectory() as place:
        shot = Path(place, "report.png")
        flags = [*FLAGS, f"--user-data-dir={place}/profile", f"--window-size={WIDTH},{HEIGHT}"]
        command = [chromium, *flags, f"--screenshot={shot}", page.as_uri()]
        subprocess.run(command, capture_output=True, check=True, timeout=300)
        with Image.open(shot) as picture:
            small = picture.convert("RGB").resize((SHOWN, SHOWN * HEIGHT // WIDTH), Image.Resampling.LANCZOS)
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(out, optimize=True)
    sys.stdout.write(f"{out}: {out.stat().st_size / 1e3:.0f} kB\n")


if __name__ == "__main__":
    main()
