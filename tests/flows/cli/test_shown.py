"""Commands of a terminal are jobs of the board, where there is one: seen, ended, begun again by a page."""

from __future__ import annotations

import pytest

from flows.api.clips.shelf import Shelf as ClipShelf
from flows.api.jobs.queue import Queue
from flows.cli import app
from flows.studio.errors import StudioError
from flows.studio.production.request import Outcome
from flows.worker.work import KINDS, Workshop, _request
from tests.flows.api.conftest import FISH, make_shelf
from tests.flows.conftest import SCRIPT, TINY

COMMANDS = {  # what is typed -> the module and the function behind it, and what the board shows
    ("retake", "s01.1"): ("retake", "retake", "Fish & Chips s01e01 s01.1", {"shot": "s01.1"}),
    ("speak", "s01-01"): ("speak", "speak", "Fish & Chips s01e01 s01-01", {"line": "s01-01"}),
    ("cut", "--aspect", "9:16"): ("cut", "cut", "Fish & Chips s01e01 9:16", {"aspect": "9:16"}),
    ("script", "--rewrite", "s01", "--note", "drier"): (
        "rewrite",
        "rewrite",
        "Fish & Chips s01e01 s01",
        {"scene": "s01", "note": "drier"},
    ),
}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_shelf(tmp_path, TINY, SCRIPT)


@pytest.fixture
def queue(shelf):
    (shelf.output / ".board").mkdir()
    (shelf.output / ".board" / "key").write_text("k")
    return Queue(shelf.output / ".board")


def call(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        app.main(words)
    return int(ended.value.code or 0)


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_of_an_episode_is_seen_at_work_and_ended(shelf, queue, monkeypatch, words):
    module, function, title, details = COMMANDS[words]
    seen = []

    def work(request, *given, console=None, **more):
        console = console or given[-1]
        console.progress("at work", 1, 2)
        seen.append(queue.get(1))
        return Outcome(0, None, ("it is there",))

    monkeypatch.setattr(f"flows.studio.commands.{module}.{function}", work)
    assert call(*words, "--premise", str(shelf.premise), "--output", str(shelf.output)) == 0
    (state,) = seen
    assert (state.state, state.job.title, state.job.episode) == ("working", title, FISH)
    assert state.progress["label"] == "at work"
    assert queue.get(1).state == "done"
    queue.again(1)
    job = queue.get(1).job
    assert job.kind in KINDS
    assert job.options.items() >= details.items()
    asked = _request(Workshop(shelf.output), job.options)
    assert (asked.premise, asked.episode) == (shelf.premise, "s01e01")


def test_without_a_premise_it_is_the_last_episode_and_a_fault_is_told(shelf, queue, monkeypatch, capsys):
    def work(*given, **more):
        raise StudioError("no such shot", code=2)

    monkeypatch.setattr("flows.studio.commands.retake.retake", work)
    assert call("retake", "s09.1", "--output", str(shelf.output)) == 2
    (state,) = queue.all()
    assert (state.state, state.fault, state.job.episode) == ("failed", "no such shot", FISH)


def test_picking_a_take_is_no_job(shelf, queue, monkeypatch):
    monkeypatch.setattr("flows.studio.commands.retake.retake", lambda *given, **more: Outcome(0))
    assert call("retake", "s01.1", "--pick", "1", "--output", str(shelf.output)) == 0
    assert queue.all() == []


def test_a_clip_of_a_terminal_is_seen_with_its_film_and_its_controls(shelf, queue, monkeypatch, tmp_path):
    seen = []

    def make(prompt, options, screen, models):
        screen.progress("step 1 of 2", 1, 2)
        seen.append(queue.get(1))
        out = tmp_path / "output" / "clips" / "a-cat-7.mp4"
        out.parent.mkdir()
        out.write_bytes(b"film")
        return (out.relative_to(tmp_path),)

    monkeypatch.setattr("flows.studio.commands.clip.make", make)
    assert call("clip", "a cat", "--steps", "3", "--seed", "7") == 0
    assert (seen[0].state, seen[0].job.kind, seen[0].job.title) == ("working", "clip", "a cat")
    options = seen[0].job.options
    clips = ClipShelf.of(shelf.output, tmp_path / "premises")
    assert [clip.name for clip in clips.of_files(queue.get(1).made["lines"])] == ["a-cat-7.mp4"]
    assert (clips.options(options).steps, clips.options(options).seed) == (3, 7)


def test_a_clip_from_a_picture_of_a_terminal_is_not_begun_again_without_it(
    shelf, queue, monkeypatch, tmp_path
):
    (tmp_path / "hat.png").write_bytes(b"")
    monkeypatch.setattr("flows.studio.commands.clip.make", lambda *given: (tmp_path / "x.mp4",))
    assert call("clip", "a cat", "--image", "hat.png") == 0
    with pytest.raises(StudioError, match=r"image: hat\.png"):
        ClipShelf.of(shelf.output, tmp_path / "premises").options(queue.get(1).job.options)
    assert ClipShelf.of(shelf.output, tmp_path).of_files(queue.get(1).made["lines"]) == ()


def test_without_a_board_nothing_is_written(shelf, monkeypatch):
    monkeypatch.setattr("flows.studio.commands.retake.retake", lambda *given, **more: Outcome(0))
    assert call("retake", "s01.1", "--premise", str(shelf.premise), "--output", str(shelf.output)) == 0
    assert not (shelf.output / ".board").exists()
