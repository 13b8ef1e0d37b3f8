"""What `coldopen board` says about its address, and its key."""

from __future__ import annotations

import stat

from flows.api.server import serve
from flows.api.server.serve import BoardOptions


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
