"""The board's documents: the API's description is what the server says, and the examples work."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

from tests.flows.api.browser import served
from tests.flows.api.conftest import FISH, make_shelf
from tests.flows.conftest import SCRIPT, TINY

ROOT = Path(__file__).resolve().parents[2]


def test_the_openapi_document_is_what_the_server_answers():
    spec = importlib.util.spec_from_file_location("openapi", ROOT / "docs" / "openapi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    written = (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8")
    assert written == module.document(), "run `python docs/openapi.py`"


def commands():
    """The curl commands of docs/board.md."""
    page = (ROOT / "docs" / "board.md").read_text(encoding="utf-8")
    return [line for line in page.splitlines() if line.startswith("curl ")]


def test_every_curl_command_of_the_page_works(tmp_path):
    shelf = make_shelf(tmp_path, TINY, SCRIPT.replace("Cod.", '"Everything blinks, Joe."'))
    assert len(commands()) >= 7
    with served(shelf.output, "--paused") as board:
        for command in commands():
            own = command.replace("curl ", "curl -sS --fail-with-body ", 1)
            own = own.replace("joe-and-the-don/s01e01", FISH).replace(
                "127.0.0.1:8612", f"127.0.0.1:{board.port}"
            )
            own = own.replace("output/.board", f"{shelf.output}/.board")
            done = subprocess.run(["bash", "-c", own], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
    assert "Everything blinks, Joe. Twice." in shelf.text


def test_the_client_asks_waits_and_fetches(tmp_path, monkeypatch):
    """The calls of docs/examples/api.py are real; the queue is paused, and the film a file of a test."""
    spec = importlib.util.spec_from_file_location("api", ROOT / "docs" / "examples" / "api.py")
    shelf = make_shelf(tmp_path, TINY, SCRIPT)
    with served(shelf.output, "--paused", "--premises", str(tmp_path / "premises")) as board:
        monkeypatch.setenv("OUTPUT", str(shelf.output))
        monkeypatch.setenv("BOARD", board.url)
        monkeypatch.chdir(tmp_path)
        client = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(client)

        def is_made(number):
            job = client.call("GET", f"/api/v1/jobs/{number}")
            assert job["state"] == "waiting"
            (shelf.output / job["episode"] / "episode.mp4").write_bytes(b"film")
            return {**job, "state": "done"}

        client.wait_for = is_made
        client.main("A cat runs for mayor")
        assert (tmp_path / "film.mp4").read_bytes() == b"film"
