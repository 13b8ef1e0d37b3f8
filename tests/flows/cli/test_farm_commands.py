"""`farm` and `camera`: what they refuse, and a farm's status, as typed."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import pytest

pytest.importorskip("distributed")

from flows.cli.app import main
from tests.flows.studio.farm.lab import Lab, running, wait_until


def typed(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(words)
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def _no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLDOPEN_FARM_KEYS", str(tmp_path / "keys"))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["farm", "--host", "head.lan"], "coldopen farm keys"),
        (["farm", "keys"], "farm keys: wanted --host"),
        (["farm", "--status"], "COLDOPEN_FARM"),
        (["farm", "--status", "--farm", "tcp://127.0.0.1:1"], "no answer"),
        (["camera", "head.lan"], "coldopen farm keys"),
        (["camera", "tcp://10.0.0.3"], "wanted tls://10.0.0.3"),
        (["camera", "tcp://127.0.0.1", "--device", "0"], "--device: wanted devices like"),
        (["clip", "a cat", "--farm", "tcp://127.0.0.1:1"], "no answer"),
    ],
)
def test_what_cannot_be_is_one_line_and_code_2(words, complaint, capsys):
    assert typed(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # Dask leaves its socket open
def test_a_port_that_is_taken_is_one_line(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert typed("farm", "--port", str(port), "--page", "127.0.0.1:0") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot listen there" in line
    assert "is a farm running already?" in line
    gc.collect()


def test_keys_are_made_once_and_the_lines_say_what_to_copy(tmp_path, capsys):
    assert typed("farm", "keys", "--host", "head.lan") == 0
    said = capsys.readouterr().out
    assert f"scp -r {tmp_path}/keys/camera " in said
    assert "run programs on every machine" in said
    assert typed("farm", "keys", "--host", "head.lan") == 2


def test_status_names_every_camera_and_what_it_has(tmp_path, capsys):
    with running(tmp_path / "lab", "w1") as lab:
        wait_until(lambda: "w1 on " in _status(lab, capsys), "the camera's line")
        text = _status(lab, capsys)
    assert f"{lab.address}: 1 camera\n" in text
    assert "nap 82ebadaf; waits" in text


def _status(lab: Lab, capsys: pytest.CaptureFixture[str]) -> str:
    assert typed("farm", "--status", "--farm", lab.address) == 0
    return capsys.readouterr().out
