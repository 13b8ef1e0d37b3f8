"""A night as it is in production: a real server, a deployment out of prefect.yaml, a worker that runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import httpx
import pytest

from flows.orchestration import deploy
from flows.orchestration import server as api_server
from flows.studio.errors import StudioError

TINY = """
show: {show}
logline: A cat runs for mayor.
format: {{scenes: 1, shots: 1, length: 6, size: 192x108}}
titles: {{outro_credits: false}}
video: {{steps: 2}}
"""
BROKEN = "show: Broken\nlogline: [no\n"


@pytest.fixture
def site(tmp_path, checkout):
    """A folder like a checkout: prefect.yaml, and three premises of which one is broken."""
    shutil.copy(checkout / "prefect.yaml", tmp_path)
    premises = tmp_path / "premises"
    premises.mkdir()
    (premises / "a.yaml").write_text(TINY.format(show="The Moon Bar"), encoding="utf-8")
    (premises / "b.yaml").write_text(BROKEN, encoding="utf-8")
    (premises / "c.yaml").write_text(TINY.format(show="Robot Roommates"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def server(site):
    server = api_server.start_private_server(site / "server.log")
    yield server.wait()
    server.stop()


@pytest.fixture
def prefect(site, server, checkout):
    """Calls Prefect's own command line in that folder, against a server of this test's own."""
    path = os.pathsep.join(part for part in (str(checkout), os.environ.get("PYTHONPATH")) if part)
    environment = {**os.environ, "PREFECT_API_URL": server, "PYTHONPATH": path}

    def call(*arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=site,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    return call


@pytest.fixture
def records(server):
    """What the server has of a kind."""

    def all_of(kind: str) -> list[dict[str, Any]]:
        return httpx.post(f"{server}/{kind}/filter", json={}, timeout=60).raise_for_status().json()

    return all_of


def test_a_worker_makes_two_episodes_and_the_summary_names_the_broken_premise(site, prefect, records):
    prefect("work-pool", "create", "studio", "--type", "process")
    prefect("--no-prompt", "deploy", "--all")
    (nightly,) = [each for each in records("deployments") if each["name"] == "nightly"]
    assert [each["schedule"]["timezone"] for each in nightly["schedules"]] == [deploy.local_time_zone()]
    prefect("deployment", "run", "batch/nightly")
    prefect("worker", "start", "--pool", "studio", "--run-once", "--install-policy", "never")

    films = sorted(str(film.relative_to(site)) for film in site.glob("output/*/*/episode.mp4"))
    assert films == ["output/robot-roommates/s01e01/episode.mp4", "output/the-moon-bar/s01e01/episode.mp4"]
    (run,) = [
        each for each in records("flow_runs") if each["name"] == "batch premises" and each["start_time"]
    ]
    assert run["state"]["type"] == "FAILED"
    head, *lines = run["state"]["message"].splitlines()
    assert head == "2 of 3 made."
    assert sum(line.startswith("  made      ") for line in lines) == 2
    assert [line for line in lines if line.startswith("  not made  b.yaml: premises/b.yaml:2:10: wanted ")]
    (table,) = [each for each in records("artifacts") if each["key"] == "night"]
    assert [row["made"] for row in json.loads(table["data"])] == ["no", "yes", "yes"]


def test_the_time_zone_is_the_machines_own_unless_it_is_set(tmp_path, monkeypatch):
    zones = tmp_path / "usr" / "share" / "zoneinfo" / "Europe"
    zones.mkdir(parents=True)
    (zones / "Vilnius").write_bytes(b"")
    localtime = tmp_path / "localtime"
    localtime.symlink_to(zones / "Vilnius")
    monkeypatch.delenv("TZ", raising=False)
    assert deploy.local_time_zone(localtime=localtime) == "Europe/Vilnius"
    monkeypatch.setenv("TZ", ":Asia/Tokyo")
    assert deploy.local_time_zone(localtime=localtime) == "Asia/Tokyo"
    monkeypatch.setenv("COLDOPEN_TIMEZONE", "America/New_York")
    assert deploy.local_time_zone(localtime=localtime) == "America/New_York"


def test_a_machine_without_a_zone_is_in_utc(tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "nonsense")
    assert deploy.local_time_zone(localtime=tmp_path / "nowhere") == "UTC"


def test_a_time_zone_that_does_not_exist_is_wrong_input(monkeypatch):
    monkeypatch.setenv("COLDOPEN_TIMEZONE", "Berlin")
    with pytest.raises(StudioError, match="wanted a time zone such as Europe/Berlin, got 'Berlin'") as told:
        deploy.local_time_zone()
    assert told.value.code == 2
