"""What users have in their environment: proxies, certificate files, settings that Prefect cannot read."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.orchestration import environment

PROXY_SETTINGS = {
    "a SOCKS proxy": {"ALL_PROXY": "socks5://127.0.0.1:1080"},
    "a SOCKS proxy as GNOME writes it": {"ALL_PROXY": "socks://127.0.0.1:1080"},
    "a proxy for everything": {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""},
    "a proxy, localhost excepted": {"http_proxy": "http://127.0.0.1:9", "no_proxy": "localhost"},
    "a list of hosts with an IPv6 address": {"NO_PROXY": "[::1],localhost,127.0.0.1"},
    "a proxy with a password": {"HTTP_PROXY": "http://me:secret@127.0.0.1:9", "HTTPS_PROXY": "garbage"},
    "no certificates": {"SSL_CERT_FILE": "/nonexistent"},
    "no folder of certificates": {"SSL_CERT_DIR": "/nonexistent"},
}


@pytest.fixture
def bare(monkeypatch):
    """An environment without proxies, certificate files and settings for Prefect."""
    for name in os.environ:
        if environment._is_foreign(name.upper()):
            monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize("variables", PROXY_SETTINGS.values(), ids=PROXY_SETTINGS)
def test_a_client_of_a_server_on_this_machine_ignores_the_network_settings(variables, bare):
    environment.import_prefect(warn=pytest.fail)
    from prefect.client.base import PrefectHttpxAsyncClient, PrefectHttpxSyncClient

    for name, value in variables.items():
        bare.setenv(name, value)
    for make in (PrefectHttpxSyncClient, PrefectHttpxAsyncClient):
        client = make(base_url="http://127.0.0.1:4200/api")
        assert not client.trust_env
        assert not client._mounts


def test_a_client_of_a_server_elsewhere_keeps_its_proxy(bare):
    environment.import_prefect(warn=pytest.fail)
    from prefect.client.base import PrefectHttpxSyncClient

    bare.setenv("http_proxy", "http://127.0.0.1:9")
    with PrefectHttpxSyncClient(base_url="http://prefect.example.com/api") as client:
        assert client._mounts


def test_events_to_this_machine_use_no_proxy(bare):
    environment.import_prefect(warn=pytest.fail)
    from websockets.asyncio import client

    bare.setenv("http_proxy", "http://127.0.0.1:9")
    bare.setenv("no_proxy", "")
    assert client.get_proxy(SimpleNamespace(host="127.0.0.1", port=80, secure=False)) is None
    assert (
        client.get_proxy(SimpleNamespace(host="example.com", port=80, secure=False)) == "http://127.0.0.1:9"
    )


def test_a_private_server_gets_no_network_settings_and_none_of_prefects(tmp_path):
    ours = {"PATH": "/bin", "HOME": "/home/me", "http_proxy": "x", "ALL_PROXY": "x", "No_Proxy": "x"}
    ours |= {"SSL_CERT_FILE": "x", "PREFECT_LOGGING_LEVEL": "verbose", "PREFECT_API_URL": "x"}
    ours |= {"PYTHONWARNINGS": "error", "PYTHONPATH": os.pathsep.join(["", ".", "/there"])}
    theirs = environment.server_environment(ours, tmp_path)
    assert theirs.pop("PYTHONPATH") == os.pathsep.join([os.getcwd(), os.path.abspath("/there")])
    assert {name for name in theirs if not name.startswith("PREFECT_")} == {"PATH", "HOME"}
    assert theirs["PREFECT_HOME"] == str(tmp_path)
    assert theirs["PREFECT_LOGGING_LEVEL"] == "WARNING"
    assert "PREFECT_API_URL" not in theirs


FILES = {
    ".env": (b"TITLE=caf\xe9\n", "wanted text in UTF-8, got another encoding (byte 9)"),
    "pyproject.toml": (b"[project\n", "wanted TOML, got: Expected ']'"),
    "prefect.toml": (b"\xff\xfe", "wanted text in UTF-8, got another encoding (byte 0)"),
    "profiles.toml": (b"active = ", "wanted TOML, got: "),
}


@pytest.mark.filterwarnings("ignore:Failed to load profiles")
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_prefect_cannot_read_is_named(name, bare, tmp_path):
    content, message = FILES[name]
    (tmp_path / name).write_bytes(content)
    bare.chdir(tmp_path)
    bare.setenv("PREFECT_HOME", str(tmp_path))
    fault = environment.settings_fault()
    path = tmp_path / name if name == "profiles.toml" else name
    assert fault is not None
    assert fault.startswith(f"{path}: {message}")
    assert "\n" not in fault


VALUES = {
    "PREFECT_LOGGING_LEVEL": ("verbose", "PREFECT_LOGGING_LEVEL: Input should be 'DEBUG'"),
    "PREFECT_API_REQUEST_TIMEOUT": ("soon", "PREFECT_API_REQUEST_TIMEOUT: Input should be a valid number"),
    "PREFECT_SERVER_API_PORT": ("http", "PREFECT_SERVER_API_PORT: Input should be a valid integer"),
    "PREFECT_CLIENT_MAX_RETRIES": ("-1", "PREFECT_CLIENT_MAX_RETRIES: Input should be greater than"),
    "PREFECT_DEBUG_MODE": ("perhaps", "PREFECT_DEBUG_MODE: Input should be a valid boolean"),
    "PREFECT_CLIENT_CUSTOM_HEADERS": ("secret", "PREFECT_CLIENT_CUSTOM_HEADERS: wanted JSON"),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_that_prefect_refuses_is_named_and_its_value_is_not_shown(name, bare, tmp_path):
    value, message = VALUES[name]
    bare.chdir(tmp_path)
    bare.setenv(name, value)
    fault = environment.settings_fault()
    assert fault is not None
    assert fault.startswith(message)
    assert "\n" not in fault
    assert "secret" not in fault


def test_settings_that_prefect_can_read_have_no_fault(bare, checkout):
    bare.chdir(checkout)
    assert environment.settings_fault() is None


def test_prefects_warnings_are_one_line_each(capsys):
    lines: list[str] = []
    text = "WARNING: Active profile 'x' set by environment variable not found. \nanother plug-in failed\n"
    environment._forward(text, lines.append)
    assert lines == ["Active profile 'x' set by environment variable not found."]
    assert capsys.readouterr().err == "another plug-in failed\n"


def test_pythons_warnings_are_one_line_each_and_no_errors(recwarn):
    lines: list[str] = []
    with environment._one_line_each(lines.append):
        warnings.warn("no home\nat all", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert lines == ["no home at all"]


def run_script(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """`script --writer offline` in that folder, as a user starts it."""
    checkout = str(Path(__file__).parents[3])
    return subprocess.run(
        [sys.executable, "-m", "flows", "script", "--premise", "fish.yaml", "--writer", "offline"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": checkout, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_script_is_written_whatever_the_network_settings_are(tiny):
    done = run_script(
        tiny.parent,
        ALL_PROXY="socks://me:secret@127.0.0.1:1080",
        http_proxy="http://127.0.0.1:9",
        no_proxy="[::1],localhost",
        SSL_CERT_FILE="/nonexistent",
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "secret" not in done.stdout


def test_a_script_is_written_although_prefect_cannot_read_its_settings(tiny):
    (tiny.parent / "pyproject.toml").write_text("[project\n", "utf-8")
    (tiny.parent / ".env").write_bytes(b"TITLE=caf\xe9\n")
    done = run_script(tiny.parent, PREFECT_LOGGING_LEVEL="verbose")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    (warning,) = [line for line in done.stdout.splitlines() if line.startswith("! ")]
    assert warning.startswith("! .env: wanted text in UTF-8")
