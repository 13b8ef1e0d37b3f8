"""What the board measures beside its limits: `make bench-board`; PARTS: boards, browser, memory, preview.

Shelves of 30 and 250 shots with clips that are copies of one. CPU seconds do not depend on what else the
machine does; the others do, and the load is told.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from flows.api.pages.render import render
from flows.api.pages.words import language
from flows.api.storyboard.boards import Boards
from flows.api.storyboard.build import build_board
from flows.api.storyboard.episodes import find_folder
from flows.studio.workspace import artifacts
from scripts_llm.screenplay.script import LaughSize, Size
from tests.flows.api import conftest as shelves
from tests.flows.api.browser import Served, Tab, chromium, free_port, served, wait_for
from tests.flows.conftest import TINY

EPISODE = shelves.FISH
ROWS: list[tuple[str, str, str]] = []


def row(what: str, limit: str, measured: str) -> None:
    """One line of the table."""
    ROWS.append((what, limit, measured))
    sys.stdout.write(f"{what:52} {limit:>14} {measured:>18}\n")
    sys.stdout.flush()


def big_script(num_shots: int) -> str:
    """A script of so many shots, three a scene, four lines a scene."""
    rows = ["schema: 1", "title: The Long One", "scenes:"]
    for scene in range(num_shots // 3 + bool(num_shots % 3)):
        rows += [
            f"  - id: s{scene + 1:02d}",
            "    slugline: INT. FISH SHOP - DAY",
            "    setting: fish_shop",
            "    shots:",
        ]
        for shot in range(min(3, num_shots - 3 * scene)):
            rows.append(
                f'      - {{size: medium, prompt: "Joe talking, fish shop, number {scene} {shot}", who: joe}}'
            )
        rows.append("    dialogue:")
        for line in range(4):
            rows.append(f"      - {('joe', 'don')[line % 2]}: Line number {line} of scene number {scene}.")
    return "\n".join(rows) + "\n"


def big_shelf(home: Path, num_shots: int) -> shelves.Shelf:
    """A shelf whose clips and voices are copies of one."""
    home.mkdir()
    shelf = shelves.make_shelf(home, TINY, big_script(1))
    clip = next((shelf.root / "clips").glob("*.mp4"))
    wav = next((shelf.root / "voices").glob("*.wav"))
    note = json.loads(clip.with_suffix(".json").read_text())["made"]
    said = json.loads(wav.with_suffix(".json").read_text())["made"]
    shelf.write(big_script(num_shots))
    plan = shelf.plan()

    def copy(source: Path, notes: Any) -> Callable[[Path], Any]:
        return lambda path: (shutil.copyfile(source, path), notes)[1]

    for shot in plan.missing_shots:
        artifacts.create(plan.episode.folder.clips, shot.label, shot.recipe, ".mp4", write=copy(clip, note))
    for line in plan.missing_lines:
        artifacts.create(plan.episode.folder.voices, line.label, line.recipe, ".wav", write=copy(wav, said))
    return shelf


COLD = """
import resource, sys
from pathlib import Path
from flows.api.storyboard.build import build_board
from flows.api.storyboard.episodes import find_folder
from flows.api.server import app
folder = find_folder(Path(sys.argv[1]), sys.argv[2])
before = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
board = build_board(folder, Path(sys.argv[1]), None)
assert board.head.num_kept > 0 and not board.fault
print(sum(resource.getrusage(resource.RUSAGE_SELF)[:2]) - before)
"""


def bench_boards(home: Path) -> None:
    """A cold board, the page's size, a cached board."""
    for num_shots, limit in ((30, ""), (250, "0.6 s CPU")):
        shelf = big_shelf(home / str(num_shots), num_shots)
        words = [sys.executable, "-c", COLD, str(shelf.output), EPISODE]
        cold = [
            float(subprocess.run(words, capture_output=True, text=True, check=True).stdout) for _ in range(3)
        ]
        row(f"cold board of {num_shots} shots", limit, f"{min(cold):.2f} s CPU")
        board = build_board(find_folder(shelf.output, EPISODE), shelf.output, None)
        values = {"laughs": LaughSize.__args__, "sizes": Size.__args__, "path": board.url}
        values |= {"farm": None, "cameras": (), "farm_episode": ""}
        begun = time.process_time()
        html = render("board", language("en"), board=board, **values)
        spent = (time.process_time() - begun) * 1000
        packed = len(gzip.compress(html, 5)) / 1000
        limit = "60 KB gz" if num_shots == 30 else ""
        row(f"page of {num_shots} shots, rendered in {spent:.0f} ms", limit, f"{packed:.1f} KB gz")
        boards = Boards(shelf.output)
        boards.get(EPISODE)
        begun = time.process_time()
        for _ in range(100):
            boards.get(EPISODE)
        row(
            f"the same board again, {num_shots} shots", "", f"{(time.process_time() - begun) * 10:.2f} ms CPU"
        )


def _paint(tab: Tab, path: str) -> float:
    page = tab.open(path)
    page.wait_for_timeout(300)
    entries = page.evaluate("performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)")
    return float(entries[0])


def bench_browser(home: Path) -> None:
    """First paint, an edit until the plan is shown, an event until it is, the server's memory."""
    with chromium() as browser:
        for num_shots, limit in ((30, 500), (250, 800)):
            shelf = big_shelf(home / f"b{num_shots}", num_shots)
            with served(shelf.output, "--paused") as board:
                tab = Tab(browser, board)
                _bench_tab(tab, shelf, num_shots, limit)
                tab.context.close()


def _bench_tab(tab: Tab, shelf: shelves.Shelf, num_shots: int, limit: int) -> None:
    path, board = f"/shows/{EPISODE}", tab.board
    _paint(tab, path)
    paints = [_paint(tab, path) for _ in range(5)]
    row(f"first paint, {num_shots} shots", f"{limit} ms", f"{statistics.median(paints):.0f} ms")
    edits, outside, events = [], [], []
    line = tab.page.locator('[id="words-s01-01"]')
    for number in range(4):
        mine, theirs = f"Another line, {number}.", f"From vim, {number}."
        line.fill(mine)
        begun = time.perf_counter()
        line.press("Enter")
        wait_for(lambda: tab.page.locator(".edit.dirty").count() == 0 and "1 line" in tab.text(".bar .todo"))
        edits.append((time.perf_counter() - begun) * 1000)
        wait_for(lambda mine=mine: mine in shelf.text)
        begun = time.perf_counter()
        shelf.write(shelf.text.replace(mine, theirs))
        wait_for(lambda theirs=theirs: line.input_value() == theirs)
        outside.append((time.perf_counter() - begun) * 1000)
    row(f"edit until the plan is shown, {num_shots} shots", "500 ms", f"{min(edits):.0f} ms")
    row(f"an editor's change until shown, {num_shots} shots", "1000 ms", f"{min(outside):.0f} ms")
    for _ in range(4):
        begun = time.perf_counter()
        job = {"kind": "retake", "episode": EPISODE, "shot": "s01.1"}
        added = board.ask("POST", "/api/v1/jobs", job)["number"]
        wait_for(lambda: tab.text("#queue-count") == "1")
        events.append((time.perf_counter() - begun) * 1000)
        board.ask("DELETE", f"/api/v1/jobs/{added}")
        wait_for(lambda: tab.page.locator("#queue-count").is_hidden())
    row("event until it is on the page", "300 ms", f"{min(events):.0f} ms")
    row(f"the server's memory, {num_shots} shots", "120 MB", f"{_memory(board):.0f} MB")


def _memory(board: Served) -> float:
    """What a server holds now, in MB."""
    assert board.process is not None
    status = Path(f"/proc/{board.process.pid}/status").read_text()
    return int(next(each for each in status.splitlines() if each.startswith("VmRSS")).split()[1]) / 1000


def bench_memory(home: Path) -> None:
    """The server's memory after three readers at once, without a browser."""
    shelf = big_shelf(home / "m250", 250)
    path = f"/shows/{EPISODE}"
    with served(shelf.output, "--paused") as board:
        row("the server's memory, nothing asked", "", f"{_memory(board):.0f} MB")
        page = board.read(path).decode()
        stills = sorted(set(re.findall(rf'"({path}/pictures/\w+/still.webp)"', page)))[:40]
        assert stills
        with ThreadPoolExecutor(3) as readers:
            for _ in range(3):
                list(readers.map(board.read, [path, path, path, *stills]))
        row("the server's memory, 250 shots, three at once", "120 MB", f"{_memory(board):.0f} MB")


FIRST_STEP = """
import pathlib, time
from flows.studio.filming.local.previews import PreviewTime
offer = PreviewTime.offer
def noted(self, draw, *, step, num_steps):
    if step == 1:
        pathlib.Path({file!r}).write_text(str(time.time()))
    return offer(self, draw, step=step, num_steps=num_steps)
PreviewTime.offer = noted
"""
SEEN = """() => new Promise(seen => {
  const look = () => {
    const shown = [...document.querySelectorAll(".clip-job img.preview:not([hidden])")];
    if (shown.some(img => img.complete && img.naturalWidth)) seen(Date.now() / 1000);
    else requestAnimationFrame(look);
  };
  look();
})"""


def bench_preview(home: Path) -> None:
    """From the first step of a clip, filmed by TOON in a warm worker, until its preview is on the page."""
    stepped = home / "first step"
    home.joinpath("sitecustomize.py").write_text(FIRST_STEP.format(file=str(stepped)))
    board = Served(home / "output", free_port(), path=f"{home}{os.pathsep}{Served.path}")
    board.start()
    try:
        with chromium() as browser:
            for how in ("cold", "warm", "warm"):
                tab = Tab(browser, board)
                page = tab.open("/clip")
                page.set_default_timeout(0)
                page.fill("#c-prompt", f"orange cat in the kitchen, {how}")
                clicked = time.time()
                page.click("#film")
                seen = page.evaluate(SEEN)
                after = seen - float(stepped.read_text())
                row(f"first preview after the first step, {how} worker", "1 s", f"{after:.2f} s")
                row(f"first preview after the click, {how} worker", "", f"{seen - clicked:.2f} s")
                wait_for(lambda: board.ask("GET", "/api/v1/jobs")[-1]["state"] == "done", 300)
                tab.context.close()
    finally:
        board.kill(hard=False)


def main() -> None:
    """The table."""
    parts = sys.argv[1:] or ["boards", "browser", "memory", "preview"]
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.stdout.write(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    with tempfile.TemporaryDirectory() as folder:
        for part in parts:
            {
                "boards": bench_boards,
                "browser": bench_browser,
                "memory": bench_memory,
                "preview": bench_preview,
            }[part](Path(folder))
    sys.stdout.write(
        f"peak of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000} MB\n"
    )


if __name__ == "__main__":
    main()
