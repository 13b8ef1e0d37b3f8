"""Makes an episode or one clip over HTTP, waits for it, and fetches the film.

    python docs/examples/api.py "A cat runs for mayor"
    python docs/examples/api.py clip "orange cat dancing in the kitchen"

Needs a board that runs (`coldopen board`) and nothing but Python. OUTPUT and BOARD name another output folder
and another address.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

OUTPUT = Path(os.environ.get("OUTPUT", "output"))
BOARD = os.environ.get("BOARD", "http://127.0.0.1:8612")


def call(method: str, path: str, body: Any = None) -> Any:
    """The answer of the board; urllib raises HTTPError for 4xx and 5xx."""
    key = (OUTPUT / ".board" / "key").read_text(encoding="ascii")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(BOARD + path, data, headers, method=method)) as answer:
        content = answer.read()
    is_json = "json" in answer.headers.get("Content-Type", "")
    return json.loads(content) if is_json else content


def wait_for(number: int) -> dict[str, Any]:
    """The job, once it has ended; its progress is printed."""
    label = ""
    while True:
        job = call("GET", f"/api/v1/jobs/{number}")
        if job["progress"].get("label", label) != label:
            label = job["progress"]["label"]
            sys.stderr.write(f"{label}\n")
        if job["state"] in ("done", "failed", "stopped", "left out"):
            return job
        time.sleep(0.5)


def main(logline: str) -> None:
    """A sentence goes in, film.mp4 comes out."""
    episode = call("POST", "/api/v1/shows", {"logline": logline})["episode"]
    job = wait_for(call("POST", "/api/v1/jobs", {"kind": "episode", "episode": episode})["number"])
    if job["state"] != "done":
        raise SystemExit(f"{job['state']}: {job['fault']}")
    film = call("GET", f"/api/v1/episodes/{episode}")["films"][0]
    Path("film.mp4").write_bytes(call("GET", film))
    sys.stdout.write("film.mp4\n")


def clip(prompt: str) -> None:
    """A prompt goes in, clip.mp4 and clip.gif come out."""
    job = wait_for(call("POST", "/api/v1/jobs", {"kind": "clip", "prompt": prompt})["number"])
    if job["state"] != "done":
        raise SystemExit(f"{job['state']}: {job['fault']}")
    for suffix, address in call("GET", f"/api/v1/clips/{job['number']}")["clips"][0].items():
        Path(f"clip.{suffix}").write_bytes(call("GET", address))
        sys.stdout.write(f"clip.{suffix}\n")


if __name__ == "__main__":
    clip(sys.argv[2]) if sys.argv[1] == "clip" else main(sys.argv[1])
