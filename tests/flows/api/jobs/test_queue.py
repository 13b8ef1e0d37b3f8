"""The queue as folders: every state follows from what lies there, wherever a kill has cut it off."""

from __future__ import annotations

import json

import pytest

from flows.api.jobs.queue import A_PERSON, THE_SERVER_ENDED, Job, Queue, append_event, read_events, state_of
from flows.studio.errors import StudioError
from flows.studio.workspace import posix

JOB = Job(1, "episode", {}, "Fish", "fish/s01e01", 0.0)


def state(*kinds, is_locked=False):
    """The state after events of these kinds; a pair is a kind and its `why`."""
    events = [
        {"kind": kind[0], "why": kind[1], "at": 1.0} if isinstance(kind, tuple) else {"kind": kind, "at": 1.0}
        for kind in kinds
    ]
    return state_of(JOB, events, is_locked=is_locked).state


@pytest.mark.parametrize(
    ("events", "is_locked", "expected"),
    [
        ((), False, "waiting"),
        (("begun",), True, "working"),
        (("begun", "said"), False, "interrupted"),
        (("begun", "said", "made"), False, "interrupted"),
        (("begun", "made", "done"), False, "done"),
        (("begun", "made", "done"), True, "done"),  # the lock is freed a moment later
        (("begun", "failed"), False, "failed"),
        (("stopped",), False, "stopped"),
        (("begun", ("stopping", A_PERSON)), True, "working"),
        (("begun", ("stopping", A_PERSON)), False, "stopped"),  # it had to be ended the hard way
        (("begun", ("stopping", A_PERSON), ("stopped", A_PERSON)), False, "stopped"),
        (("begun", ("stopping", THE_SERVER_ENDED), ("stopped", THE_SERVER_ENDED)), False, "interrupted"),
        (("begun", ("stopping", THE_SERVER_ENDED)), False, "interrupted"),
        (("crashed",), False, "interrupted"),
        (("begun", "crashed"), False, "interrupted"),
        (("begun", "crashed", "begun"), True, "working"),
        (("begun", "crashed", "begun", "crashed"), False, "left out"),
        (("begun", "crashed", "begun", "crashed", "again"), False, "waiting"),
        (("begun", "crashed", "begun", "done"), False, "done"),
        (("begun", "done", "again"), False, "waiting"),
        (("begun", "done", "again", "begun"), True, "working"),
    ],
)
def test_the_state_follows_from_the_events(events, is_locked, expected):
    assert state(*events, is_locked=is_locked) == expected


def test_every_prefix_of_an_events_file_is_read(tmp_path):
    queue = Queue(tmp_path)
    number = queue.add("episode", {}, title="Fish").job.number
    folder = queue.place(number)
    for kind in ("begun", "said", "made", "done"):
        append_event(folder, kind, text="“ж”")
    whole = (folder / "events.jsonl").read_bytes()
    for length in [*range(0, len(whole) - 1, 7), len(whole) - 2]:
        (folder / "events.jsonl").write_bytes(whole[:length])
        has_begun = whole[:length].count(b"}") >= 1
        assert Queue(tmp_path).get(number).state == ("interrupted" if has_begun else "waiting")
    append_event(folder, "begun")  # behind a torn line
    assert [event["kind"] for event in read_events(folder / "events.jsonl")] == [
        "begun",
        "said",
        "made",
        "begun",
    ]


def test_a_worker_that_lives_holds_the_lock(tmp_path):
    queue = Queue(tmp_path)
    number = queue.add("episode", {}, title="Fish").job.number
    append_event(queue.place(number), "begun")
    with (queue.place(number) / "lock").open("a+") as file:
        assert posix.try_lock(file)
        (queue.place(number) / "progress.json").write_text(json.dumps({"label": "step 1", "done": 1}))
        assert queue.get(number).state == "working"
        assert queue.get(number).progress == {"label": "step 1", "done": 1}
    assert queue.get(number).state == "interrupted"


def test_the_order_can_be_changed_and_what_was_interrupted_comes_first(tmp_path):
    queue = Queue(tmp_path)
    for title in "abcd":
        queue.add("retake", {}, title=title)
    queue.move(4, 0)
    queue.move(1, 9)
    assert [one.job.title for one in queue.waiting()] == ["d", "b", "c", "a"]
    append_event(queue.place(3), "begun")
    assert [one.job.title for one in Queue(tmp_path).waiting()] == ["c", "d", "b", "a"]
    queue.leave_out(2)
    assert [one.job.title for one in queue.waiting()] == ["c", "d", "a"]
    assert queue.get(2).state == "stopped"
    queue.again(2)
    assert queue.get(2).state == "waiting"


def test_a_pause_outlives_the_server(tmp_path):
    Queue(tmp_path).pause("the worker was killed")
    assert Queue(tmp_path).paused == "the worker was killed"
    Queue(tmp_path).pause("")
    assert Queue(tmp_path).paused == ""


def test_old_jobs_are_taken_away_and_waiting_ones_never(tmp_path, monkeypatch):
    monkeypatch.setattr("flows.api.jobs.queue.JOBS_KEPT", 3)
    queue = Queue(tmp_path)
    for number in range(1, 6):
        queue.add("retake", {}, title=str(number))
        if number not in (1, 5):
            append_event(queue.place(number), "done")
    queue.add("retake", {}, title="6")
    assert queue.numbers() == [1, 4, 5, 6]


def test_an_unknown_job_is_an_error(tmp_path):
    with pytest.raises(StudioError, match="no job 7"):
        Queue(tmp_path).get(7)
