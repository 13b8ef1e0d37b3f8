"""Which addresses are on this machine, and which variable keeps a client from being built."""

from __future__ import annotations

from typing import Any

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import LLMError, LLMSettings, open_client
from scripts_llm.llm.network import environment_fault, is_loopback, without_credentials
from scripts_llm.llm.settings import resolve_settings
from scripts_llm.screenplay.premise import Writer
from tests.scripts_llm.conftest import FakeServer

KEY = "sk-very-secret-0123456789"
VARIABLES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies and certificate files."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:11434/v1",
        "http://LOCALHOST.:1",
        "http://api.localhost/v1",
        "https://127.0.0.1",
        "http://127.8.9.10:80",
        "http://127.1:8080",
        "http://[::1]:8000/v1",
        "http://[::ffff:127.0.0.1]:8000/v1",
        "http://0.0.0.0:11434",
        "http://me:key@localhost/v1",
    ],
)
def test_an_address_on_this_machine(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://192.168.0.7:11434",
        "http://localhost.example.com",
        "http://localhost@example.com/v1",
        "http://127.0.0.1.example.com",
        "http://1",
        "http://[::2]/v1",
        "http://[::1",
        "localhost",
        "",
    ],
)
def test_an_address_elsewhere(url: str) -> None:
    assert not is_loopback(url)


PROXY_SETTINGS: dict[str, dict[str, str]] = {
    "socks5": {"ALL_PROXY": "socks5://127.0.0.1:1080"},
    "socks": {"ALL_PROXY": "socks://127.0.0.1:1080"},
    "http": {"http_proxy": "http://127.0.0.1:9", "no_proxy": ""},
    "no_proxy": {"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "[::1],localhost"},
    "certificates": {"SSL_CERT_FILE": "/nonexistent"},
}


@pytest.mark.parametrize("variables", PROXY_SETTINGS.values(), ids=PROXY_SETTINGS)
def test_a_writer_on_this_machine_is_called_directly(
    variables: dict[str, str], bare: pytest.MonkeyPatch, server: FakeServer
) -> None:
    for name, value in variables.items():
        bare.setenv(name, value)
    with open_client(LLMSettings("small-model", server.url, KEY)) as client:
        assert [model.id for model in client.models.list()] == ["small-model"]
    assert server.keys == [f"Bearer {KEY}"]


@pytest.mark.parametrize(("key", "is_proxied"), [(KEY, False), ("local", True)])
def test_no_proxy_reads_a_key(
    key: str, is_proxied: bool, bare: pytest.MonkeyPatch, server: FakeServer
) -> None:
    bare.setenv("http_proxy", server.url.removesuffix("/v1"))
    settings = LLMSettings("small-model", "http://writer.invalid/v1", key, timeout_seconds=20)
    with pytest.raises(LLMError), open_client(settings) as client:
        client.models.list()
    assert bool(server.keys) == is_proxied


def test_https_goes_through_the_proxy_that_is_set(bare: pytest.MonkeyPatch) -> None:
    bare.setenv("https_proxy", "http://127.0.0.1:9")
    with open_client(LLMSettings("m", "https://writer.invalid/v1", KEY)) as client:
        assert client._client._mounts


CANNOT_BE_BUILT: list[tuple[dict[str, str], str]] = [
    (
        {"ALL_PROXY": "socks5://me:secret@127.0.0.1:1080"},
        "ALL_PROXY: a SOCKS proxy needs the package socksio",
    ),
    ({"all_proxy": "socks://me:secret@127.0.0.1:1080"}, "all_proxy: wanted a proxy such as http://host:port"),
    (
        {"SSL_CERT_FILE": "/nonexistent"},
        "SSL_CERT_FILE: wanted a readable file or folder, got '/nonexistent'",
    ),
]


@pytest.mark.parametrize(("variables", "message"), CANNOT_BE_BUILT, ids=lambda each: str(each)[:20])
def test_a_client_that_cannot_be_built_is_one_line_that_names_the_variable(
    variables: dict[str, str], message: str, bare: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        bare.setenv(name, value)
    with pytest.raises(LLMError) as told, open_client(LLMSettings("m", "https://writer.invalid/v1", KEY)):
        pass
    assert message in str(told.value)
    assert "\n" not in str(told.value)
    assert "secret" not in str(told.value)
    assert not told.value.is_passing


@pytest.mark.parametrize("name", ["OPENAI_ORG_ID", "OPENAI_PROJECT_ID"])
def test_a_header_that_cannot_be_sent_is_not_tried_again(
    name: str, bare: pytest.MonkeyPatch, server: FakeServer
) -> None:
    bare.setenv(name, "org-1\r")
    with (
        pytest.raises(LLMError, match=name) as told,
        open_client(LLMSettings("m", server.url, KEY)) as client,
    ):
        client.models.list()
    assert not told.value.is_passing
    assert server.keys == []


@pytest.mark.parametrize("key", ["sk-test\r", " sk-test\n", "\tsk-test "])
def test_white_space_around_a_key_is_taken_off(key: str) -> None:
    settings = resolve_settings(Writer(model="m"), {"OPENAI_API_KEY": key}, None)
    assert settings is not None
    assert settings.api_key == "sk-test"


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("sk-tést", "letter 5 is not ASCII"),
        ("sk-\rtest", "letter 4 cannot be seen"),
        ("“sk-test”", "letter 1 is not ASCII"),
        ("sk-test\x00", "letter 8 cannot be seen"),
    ],
)
def test_a_key_that_cannot_be_sent_is_found_before_anything_is(key: str, fault: str) -> None:
    with pytest.raises(ScriptError, match=fault) as told:
        resolve_settings(Writer(model="m"), {"OPENAI_API_KEY": key}, None)
    assert "test" not in str(told.value)


@pytest.mark.parametrize("url", ["http://[::1", "http://localhost:port/v1", "http://localhost:99999999"])
def test_an_address_that_is_none_is_wrong_input(url: str) -> None:
    with pytest.raises(ScriptError, match="wanted an endpoint's address"):
        resolve_settings(Writer(model="m"), {"OPENAI_BASE_URL": url}, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Proxy http://me:p@ss@host:1 refused", "Proxy http://host:1 refused"),
        ("http://host/a@b", "http://host/a@b"),
        ("no address", "no address"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


def test_a_list_of_hosts_that_a_client_cannot_read_is_named() -> None:
    import httpx

    fault = environment_fault(httpx.InvalidURL("Invalid port: ':1]'"), {"no_proxy": "[::1]"})
    assert fault == "no_proxy: wanted hosts with commas between them, got one that is no host"
    assert environment_fault(ValueError("x"), {"no_proxy": "[::1]"}) is None


@pytest.mark.parametrize("error", [ValueError("x"), ImportError("x"), OSError("x")])
def test_a_fault_that_no_variable_explains(error: Any) -> None:
    assert environment_fault(error, {}) is None
