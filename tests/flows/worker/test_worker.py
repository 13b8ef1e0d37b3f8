"""The worker as a process: it does its jobs, stops when asked, and never lives on without its server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image

from flows.api.jobs.keeper import Keeper
from flows.api.jobs.queue import Queue

SLOW = """\
import sys, time
from flows.studio.production.request import Outcome
from flows.worker import __main__ as worker, work

def slow(shop, options, console):
    for step in range(10_000):
        console.progress(f"step {step}", step, 10_000)
        time.sleep(0.02)
    return Outcome(0)

def quick(shop, options, console):
    console.say("a line")
    return Outcome(options.get("code", 0), None, ("made it",))

def broken(shop, options, console):
    raise RuntimeError("what nobody expected")

work.KINDS.update(slow=slow, quick=quick, broken=broken)
worker.main()
"""


@pytest.fixture
def queue(tmp_path):
    return Queue(tmp_path / ".board")


@pytest.fixture
def worker(tmp_path, queue, checkout):
    """A worker whose jobs are a test's own; ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, str(tmp_path)],
        stdin=subprocess.PIPE,
        text=True,
        cwd=checkout,
    )
    yield process
    process.stdin.close()
    process.kill()
    process.wait()


def tell(process, **message):
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def wait_for(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it took too long")


def test_jobs_are_done_one_after_the_other_and_told(queue, worker):
    good = queue.add("quick", {}, title="good").job.number
    bad = queue.add("quick", {"code": 2}, title="bad").job.number
    bug = queue.add("broken", {}, title="bug").job.number
    none = queue.add("nonsense", {}, title="none").job.number
    for number in (good, bad, bug, none):
        tell(worker, job=number)
    wait_for(lambda: queue.get(none).is_ended)
    assert queue.get(good).state == "done"
    assert queue.get(good).said == ("a line",)
    assert queue.get(good).made["lines"] == ["made it"]
    assert (queue.get(bad).state, queue.get(bad).code) == ("failed", 2)
    assert queue.get(bug).fault == "RuntimeError: what nobody expected"
    assert "nonsense" in queue.get(none).fault


def test_a_job_stops_within_two_seconds_and_the_worker_goes_on(queue, worker):
    slow = queue.add("slow", {}, title="slow").job.number
    after = queue.add("quick", {}, title="after").job.number
    tell(worker, job=slow)
    wait_for(lambda: queue.get(slow).progress)
    asked = time.monotonic()
    tell(worker, stop=slow)
    wait_for(lambda: queue.get(slow).is_ended)
    assert time.monotonic() - asked < 2
    assert queue.get(slow).state == "stopped"
    tell(worker, job=after)
    wait_for(lambda: queue.get(after).is_ended)
    assert queue.get(after).state == "done"


def test_it_ends_when_its_server_does_however_that_ended(queue, worker):
    slow = queue.add("slow", {}, title="slow").job.number
    tell(worker, job=slow)
    wait_for(lambda: queue.get(slow).progress)
    worker.stdin.close()  # what the system does for a server that is killed
    assert worker.wait(10) == 0
    assert queue.get(slow).state == "interrupted"


def test_a_worker_that_is_killed_leaves_its_job_interrupted(queue, worker):
    slow = queue.add("slow", {}, title="slow").job.number
    tell(worker, job=slow)
    wait_for(lambda: queue.get(slow).state == "working")
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert queue.get(slow).state == "interrupted"


def test_the_keeper_pauses_after_a_crash_and_leaves_out_what_crashes_twice(
    queue, tmp_path, monkeypatch, checkout
):
    monkeypatch.chdir(checkout)
    deadly = "import os, sys\nfor line in sys.stdin: os.kill(os.getpid(), 9)\n"
    monkeypatch.setattr("flows.api.jobs.keeper.COMMAND", (sys.executable, "-c", deadly))
    keeper = Keeper(queue, tmp_path)
    queue.add("quick", {}, title="poison")

    def paused():
        keeper.step()
        return queue.paused

    wait_for(paused)
    assert "signal 9" in queue.paused
    assert queue.get(1).state == "interrupted"
    queue.pause("")
    wait_for(paused)
    assert queue.get(1).state == "left out"
    queue.pause("")
    keeper.step()
    assert queue.paused == ""
    keeper.close()


def test_an_episode_that_a_terminal_works_on_is_waited_for(queue, tmp_path, monkeypatch):
    idle = "import sys\nfor line in sys.stdin: pass\n"
    monkeypatch.setattr("flows.api.jobs.keeper.COMMAND", (sys.executable, "-c", idle))
    folder = tmp_path / "fish" / "s01e01"
    folder.mkdir(parents=True)
    (folder / ".lock").write_text(json.dumps({"pid": os.getpid(), "since": "now"}))
    keeper = Keeper(queue, tmp_path)
    queue.add("episode", {"folder": str(folder), "code": "s01e01"}, title="held")
    queue.add("episode", {"folder": str(tmp_path / "b" / "s01e01"), "code": "s01e01"}, title="free")
    keeper.step()
    assert keeper.at_work() == [2]
    (folder / ".lock").write_text("")
    queue.leave_out(2)
    keeper.step()
    assert keeper.at_work() == [1]
    keeper.close()


@pytest.mark.slow  # the voice is loaded
def test_a_worker_goes_through_the_commands_own_functions(
    queue, tmp_path, tiny, tiny_script, checkout, monkeypatch
):
    """A line is spoken by `python -m flows.worker`, as `coldopen speak` speaks it."""
    from tests.flows.fish import FISH

    folder = tmp_path / "output" / FISH
    folder.mkdir(parents=True)
    (folder / "script.yaml").write_text(tiny_script, "utf-8")
    (folder / "manifest.json").write_text("{}", "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(checkout))
    queue = Queue(tmp_path / "output" / ".board")
    keeper = Keeper(queue, tmp_path / "output")
    options = {"premise": str(tiny), "code": "s01e01", "line": "s01-01"}
    number = queue.add("speak", options, title="a line").job.number
    try:
        wait_for(lambda: keeper.step() or queue.get(number).is_ended, 60)
        assert queue.get(number).state == "done", queue.get(number)
        assert os.path.exists(queue.get(number).made["path"])
    finally:
        keeper.close()


def test_a_clip_is_filmed_with_a_preview_on_the_way_and_a_gif_beside_it(tmp_path, queue, checkout):
    options = {"prompt": "a cat", "name": "a-cat-1", "premises": str(tmp_path / "premises"), "count": 2}
    options |= {"steps": 3, "frames": 2, "size": "32x32", "seed": 1}
    number = queue.add("clip", options, title="a cat").job.number
    command = [sys.executable, "-m", "flows.worker", str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True, cwd=checkout)
    try:
        tell(process, job=number)
        wait_for(lambda: queue.get(number).is_ended, 300)
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
    state = queue.get(number)
    assert state.state == "done", state.fault
    assert len(state.made["lines"]) == 2
    names = sorted(path.name for path in (tmp_path / "clips").iterdir())
    assert names == ["a-cat-1-1.gif", "a-cat-1-1.mp4", "a-cat-1-2.gif", "a-cat-1-2.mp4"]
    with Image.open(queue.place(number) / "preview.webp") as preview:
        assert preview.width == preview.height
