"""Whatever is killed: nothing runs on, and the queue is as it was."""

from __future__ import annotations

import os
import signal

import pytest

from flows.api.jobs.queue import Queue, read_events
from flows.studio.workspace import posix
from tests.flows.api.browser import Served, free_port, wait_for
from tests.flows.api.conftest import FISH

# Every Python process of the test films slowly: the server's worker is the real one, its film is not.
SLOW = """\
import sys
if sys.argv[:1] != ["-c"]:
    import time
    from flows.studio.production.request import Outcome
    from flows.worker import work

    def slow(shop, options, console):
        for step in range(10_000):
            console.progress(f"step {step}", step, 10_000, shot=options["shot"])
            time.sleep(0.02)
        return Outcome(0)

    work.KINDS["retake"] = slow
"""


@pytest.fixture
def board(shelf, tmp_path, monkeypatch, checkout):
    """A board that films, slowly."""
    (tmp_path / "sitecustomize.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{checkout}")
    board = Served(shelf.output, free_port(), path=f"{tmp_path}{os.pathsep}{checkout}")
    board.start()
    yield board
    if board.process.poll() is None:
        board.kill(hard=False)


def pid_of(queue, number):
    begun = [each for each in read_events(queue.place(number) / "events.jsonl") if each["kind"] == "begun"]
    return begun[-1]["pid"]


def working(queue, number):
    return wait_for(lambda: queue.get(number).state == "working" and queue.get(number).progress)


def test_server_worker_or_both_are_killed_and_the_queue_goes_on(board, shelf):
    queue = Queue(shelf.output / ".board")
    for shot in ("s01.1", "s01.2"):
        board.ask("POST", "/api/v1/jobs", {"kind": "retake", "episode": FISH, "shot": shot})
    working(queue, 1)
    worker = pid_of(queue, 1)

    board.kill()  # the server alone: its worker ends by itself
    wait_for(lambda: not posix.is_running(worker), 10)
    assert [state.state for state in queue.all()] == ["interrupted", "waiting"]

    board.start()  # what was interrupted goes on, in its place
    working(queue, 1)
    assert [state.state for state in queue.all()] == ["working", "waiting"]

    worker = pid_of(queue, 1)
    os.kill(worker, signal.SIGKILL)  # the worker alone: the queue is paused, with the reason
    wait_for(lambda: "signal 9" in queue.paused)
    assert [state.state for state in queue.all()] == ["interrupted", "waiting"]
    board.ask("POST", "/api/v1/queue", {"paused": False})
    working(queue, 1)

    worker = pid_of(queue, 1)
    board.kill()
    os.kill(worker, signal.SIGKILL)  # both
    wait_for(lambda: not posix.is_running(worker), 10)
    assert [state.state for state in queue.all()] == ["interrupted", "waiting"]
    board.start()
    working(queue, 1)

    board.ask("POST", "/api/v1/jobs/1/stop")  # a person's stop is the end of it
    wait_for(lambda: queue.get(1).state == "stopped", 2)
    working(queue, 2)
    board.kill(hard=False)
    assert queue.get(2).state == "interrupted"
    assert not posix.is_running(pid_of(queue, 2))


def test_a_second_board_of_a_folder_shows_the_first_one(board, shelf, capfd):
    from flows.cli.app import main

    with pytest.raises(SystemExit) as end:
        main(["board", "--no-browser", "--output", str(shelf.output)])
    assert end.value.code == 0
    assert f"open already: {board.url}/?key=" in capfd.readouterr().out
    with pytest.raises(SystemExit) as end:  # a port that is named is not exchanged for another
        main(["board", "--no-browser", "--output", str(shelf.output / "other"), "--port", str(board.port)])
    assert end.value.code == 2
    assert "--port" in capfd.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["board", "--no-browser", "--no-key", "--host", "0.0.0.0"])
    assert end.value.code == 2
