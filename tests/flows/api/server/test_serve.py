"""What `coldopen board` says about its address, and its key."""

from __future__ import annotations

import json
import socket
import stat
import threading
import time

from flows.api.server import serve
from flows.api.server.serve import BoardOptions
from flows.studio.workspace import posix


def options(tmp_path, **more):
    return BoardOptions(output=tmp_path, premises=tmp_path / "premises", **more)


def test_at_home_there_is_one_address_with_its_key(tmp_path):
    (line,) = serve._lines(options(tmp_path), 8612, "abc", ())
    assert line.startswith("The board: http://127.0.0.1:8612/?key=abc ")


def test_for_other_machines_it_prints_their_address_and_says_what_ssh_does_better(tmp_path):
    lines = serve._lines(options(tmp_path, host="0.0.0.0"), 8612, "abc", ("studio.local", "10.0.0.7"))
    assert lines[0].startswith("The board: http://studio.local:8612/?key=abc ")
    assert lines[1].strip() == "http://10.0.0.7:8612/?key=abc"
    assert "readable" in lines[2]
    assert "ssh -L 8612:127.0.0.1:8612" in lines[2]


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    key = serve.read_key(tmp_path)
    assert len(key) >= 43
    assert serve.read_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    (tmp_path / "key").write_text("short")
    assert serve.read_key(tmp_path) not in ("short", key)


def test_a_server_that_is_just_closing_is_waited_for_and_one_that_answers_is_not(tmp_path):
    with (
        socket.socket() as other,
        (tmp_path / "lock").open("a+") as held,
        (tmp_path / "lock").open("a+") as mine,
    ):
        other.bind(("127.0.0.1", 0))
        json.dump({"pid": 1, "port": other.getsockname()[1]}, held)
        held.flush()
        assert posix.try_lock(held)
        threading.Timer(0.4, held.close).start()  # it does not listen any more, and ends
        begun = time.monotonic()
        assert serve._takes(mine, "127.0.0.1")
        assert time.monotonic() - begun > 0.3
    with (
        socket.socket() as other,
        (tmp_path / "lock").open("a+") as held,
        (tmp_path / "lock").open("a+") as mine,
    ):
        other.bind(("127.0.0.1", 0))
        other.listen()
        held.truncate(0)
        json.dump({"pid": 1, "port": other.getsockname()[1]}, held)
        held.flush()
        assert posix.try_lock(held)
        assert not serve._takes(mine, "127.0.0.1")
