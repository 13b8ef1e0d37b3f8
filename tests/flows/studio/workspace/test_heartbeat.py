"""The heartbeat of a run in its folder."""

from __future__ import annotations

import os
import socket
import time

from flows.studio.workspace import heartbeat


def test_it_changes_as_long_as_the_run_lives_and_is_gone_afterwards(tmp_path):
    folder = tmp_path / "show" / "s01e01"
    seen = set()
    with heartbeat.beating(folder, seconds=0.02):
        end = time.monotonic() + 30
        while len(seen) < 3 and time.monotonic() < end:
            if beat := heartbeat.read(folder):
                seen.add(beat)
            time.sleep(0.005)
    assert len(seen) >= 3
    assert {tuple(beat.split()[:2]) for beat in seen} == {(socket.gethostname(), str(os.getpid()))}
    assert heartbeat.read(folder) is None


def test_a_disk_that_refuses_stops_no_run(tmp_path):
    (tmp_path / "file").write_text("")
    with heartbeat.beating(tmp_path / "file" / "s01e01", seconds=0.01):
        pass
    assert heartbeat.read(tmp_path / "file" / "s01e01") is None
