"""Runs of terminals and nights are jobs of the board, too, where there is one."""

from __future__ import annotations

import numpy as np
import pytest

from flows.api.jobs.journal import from_a_terminal
from flows.api.jobs.keeper import Keeper
from flows.api.jobs.queue import Queue
from flows.studio.errors import StudioError
from flows.studio.production.console import Console
from flows.studio.production.request import Outcome


@pytest.fixture
def console():
    return Console(write=lambda text: None, terminal=False, silence=1e9)


@pytest.fixture
def queue(tmp_path):
    (tmp_path / ".board").mkdir()
    (tmp_path / ".board" / "key").write_text("k")
    return Queue(tmp_path / ".board")


def run(tmp_path, console):
    options = {"code": "s01e01"}
    return from_a_terminal(tmp_path, "episode", options, title="Fish", episode="fish/s01e01", console=console)


def test_a_run_is_seen_at_work_with_its_progress_lines_and_picture(tmp_path, queue, console):
    assert not console.shows_pictures
    with run(tmp_path, console) as outcomes:
        console.say("a line")
        console.progress("step 1 of 2", 1, 2, shot="s01.1")
        assert console.shows_pictures
        console.show_picture(np.zeros((8, 14, 3), np.uint8))
        (state,) = queue.all()
        assert (state.state, state.said, state.job.episode) == ("working", ("a line",), "fish/s01e01")
        assert (state.progress["shot"], state.progress["done"], state.progress["preview"]) == ("s01.1", 1, 1)
        assert (queue.place(1) / "preview.webp").read_bytes()[:4] == b"RIFF"
        assert queue.waiting() == []
        outcomes.append(Outcome(3, None, ("made with a gag card",)))
    assert (queue.get(1).state, queue.get(1).code) == ("done", 3)
    console.say("afterwards")
    assert queue.get(1).said == ("a line",)


def test_its_end_is_known_however_it_ends(tmp_path, queue, console):
    with pytest.raises(StudioError), run(tmp_path, console):
        raise StudioError("the disk is full")
    with pytest.raises(KeyboardInterrupt), run(tmp_path, console):
        raise KeyboardInterrupt
    assert [state.state for state in queue.all()] == ["failed", "stopped"]
    assert queue.get(1).fault == "the disk is full"


def test_a_killed_one_is_not_begun_again_by_itself_but_by_a_person(tmp_path, queue, console):
    with run(tmp_path, console):
        console.say("its last line, which is no fault")
    assert queue.get(1).state == "stopped"  # no outcome, no lock: its terminal is gone
    assert queue.get(1).fault == ""
    assert queue.waiting() == []
    queue.again(1)
    assert [state.job.number for state in queue.waiting()] == [1]


def test_stop_on_the_page_is_ctrl_c_in_the_terminal(tmp_path, queue, console, monkeypatch):
    interrupted = []
    monkeypatch.setattr("flows.studio.workspace.posix.interrupt", interrupted.append)
    with run(tmp_path, console):
        Keeper(queue, tmp_path).stop(1)
        assert interrupted == [queue.get(1).pid]


def test_without_a_board_nothing_is_written(tmp_path, console):
    with run(tmp_path, console) as outcomes:
        outcomes.append(Outcome(0))
    assert list(tmp_path.iterdir()) == []
