"""Which model writes, and where: command line, premise, environment, the server's list."""

from __future__ import annotations

import pytest

from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import LLMError, LLMSettings
from scripts_llm.llm.settings import refuse_secrets, resolve_settings
from scripts_llm.screenplay.premise import Writer

LOCAL = {
    "OPENAI_BASE_URL": "http://localhost:11434/v1",
    "OPENAI_API_KEY": "secret",
    "OPENAI_MODEL": "env-model",
}


def wanted(writer: Writer | None, env: dict[str, str], command_line: str | None) -> LLMSettings:
    settings = resolve_settings(writer, env, command_line)
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("writer", "env", "command_line"),
    [
        (None, {}, None),
        (None, {}, "auto"),
        (None, {"OPENAI_MODEL": "m"}, None),
        (Writer(model="m"), LOCAL, "offline"),
    ],
)
def test_the_offline_writer_writes(
    writer: Writer | None, env: dict[str, str], command_line: str | None
) -> None:
    assert resolve_settings(writer, env, command_line) is None


def test_the_command_line_beats_the_premise_beats_the_environment() -> None:
    premise = Writer(
        model="premise-model", base_url="http://127.0.0.1:8000/v1", temperature=0.3, max_tokens=500
    )
    assert wanted(premise, LOCAL, "cli-model@http://box:1/v1").model == "cli-model"
    assert wanted(premise, LOCAL, "cli-model@http://box:1/v1").base_url == "http://box:1/v1"
    assert wanted(premise, LOCAL, None).model == "premise-model"
    assert wanted(premise, LOCAL, "auto").base_url == "http://127.0.0.1:8000/v1"
    assert (wanted(premise, LOCAL, None).temperature, wanted(premise, LOCAL, None).max_tokens) == (0.3, 500)
    assert wanted(None, LOCAL, None).model == "env-model"
    assert wanted(None, LOCAL, None).base_url == "http://localhost:11434/v1"
    assert wanted(Writer(temperature=0), LOCAL, None).model == "env-model"


@pytest.mark.parametrize(
    ("named", "model", "url"),
    [
        ("llama3.2@http://localhost:11434", "llama3.2", "http://localhost:11434/v1"),
        ("llama3.2@localhost:11434", "llama3.2", "http://localhost:11434/v1"),
        ("a/b:c@https://host/api/v1/", "a/b:c", "https://host/api/v1"),
        ("@cf/meta/llama@http://host:1/v1/chat/completions", "@cf/meta/llama", "http://host:1/v1"),
        ("@cf/meta/llama", "@cf/meta/llama", "https://api.openai.com/v1"),
    ],
)
def test_a_model_may_bring_its_address(named: str, model: str, url: str) -> None:
    settings = wanted(None, {"OPENAI_API_KEY": "secret"}, named)
    assert (settings.model, settings.base_url) == (model, url)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(
        ScriptError, match=r"wanted an endpoint's address, got 'ftp://x', try http://localhost"
    ):
        resolve_settings(Writer(model="m", base_url="ftp://x"), {}, None)


def test_openai_itself_wants_a_key() -> None:
    with pytest.raises(ScriptError, match=r"wanted a key for api\.openai\.com, got none, try OPENAI_API_KEY"):
        resolve_settings(None, {}, "some-model")


def test_an_endpoint_without_a_key_gets_one_that_says_local() -> None:
    assert wanted(None, {}, "m@http://box:1/v1").api_key == "local"


def test_the_key_goes_to_no_stranger_that_a_premise_names() -> None:
    stranger = Writer(model="m", base_url="https://collect.example/v1")
    assert wanted(stranger, {"OPENAI_API_KEY": "secret"}, None).api_key == "local"
    assert wanted(
        stranger, {"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": "https://collect.example"}, None
    ).api_key == ("secret")
    assert wanted(None, {"OPENAI_API_KEY": "secret"}, "m@https://collect.example/v1").api_key == "secret"


def test_the_key_is_never_shown() -> None:
    assert "secret" not in repr(wanted(None, LOCAL, None))


def test_the_only_model_of_a_server_is_the_one(server) -> None:
    assert wanted(None, {"OPENAI_BASE_URL": server.url}, None).model == "small-model"
    assert wanted(Writer(base_url=server.url), {}, None).model == "small-model"


def test_a_missing_v1_is_found(server) -> None:
    server.root = "/api/v1"
    settings = wanted(
        None, {"OPENAI_BASE_URL": server.url.replace("/v1", "/api"), "OPENAI_API_KEY": "secret"}, None
    )
    assert settings.base_url == server.url.replace("/v1", "/api/v1")
    assert server.keys == ["Bearer secret"] * 2


def test_of_several_models_one_must_be_named(server) -> None:
    server.models = ["qwen", "llama"]
    with pytest.raises(
        ScriptError, match="wanted one model, got these: llama, qwen, try OPENAI_MODEL"
    ) as refused:
        resolve_settings(None, {"OPENAI_BASE_URL": server.url}, None)
    assert not isinstance(refused.value, LLMError)


def test_a_server_without_models_is_told_so(server) -> None:
    server.models = []
    with pytest.raises(ScriptError, match="wanted one model, got an empty list"):
        resolve_settings(None, {"OPENAI_BASE_URL": server.url}, None)


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ('{"data": [{"name": "small-model"}]}', 1),
        ('{"data": [{"object": "model"}, "text", null]}', 0),
        ('{"data": {"id": "m"}}', None),
        ('{"error": "no such page"}', None),
        ("<html>Welcome</html>", None),
        ('"hi"', None),
    ],
)
def test_a_list_of_models_in_another_shape(server, reply, listed: str, names: int | None) -> None:
    server.list_replies = [reply(body=listed)]
    if names == 1:
        assert wanted(None, {"OPENAI_BASE_URL": server.url}, None).model == "small-model"
        return
    said = "wanted one model, got an empty list" if names == 0 else "wanted a list of models, got none"
    with pytest.raises((ScriptError, LLMError), match=said):
        resolve_settings(None, {"OPENAI_BASE_URL": server.url}, None)


def test_a_server_without_a_list_is_told_so(server) -> None:
    server.root = "/elsewhere"
    with pytest.raises(LLMError, match="wanted a list of models, got none, try --writer MODEL@URL"):
        resolve_settings(None, {"OPENAI_BASE_URL": server.url}, None)


# ---------------------------------------------------------------------------------------------- Azure

DEPLOYMENT = "https://show.openai.azure.com/openai/deployments/gpt-4o"
VERSION = "?api-version=2024-08-01-preview"


@pytest.mark.parametrize(
    ("url", "base_url", "api_version", "model"),
    [
        (f"{DEPLOYMENT}{VERSION}", DEPLOYMENT, "2024-08-01-preview", "gpt-4o"),
        (f"{DEPLOYMENT}/chat/completions{VERSION}", DEPLOYMENT, "2024-08-01-preview", "gpt-4o"),
        (f"{DEPLOYMENT}/{VERSION}\n", DEPLOYMENT, "2024-08-01-preview", "gpt-4o"),
        (f"{DEPLOYMENT}{VERSION}&x=1#top", DEPLOYMENT, "2024-08-01-preview", "gpt-4o"),
        ("https://show.openai.azure.com", "https://show.openai.azure.com/openai/v1", "", "m"),
        (
            "https://show.openai.azure.com/openai/v1/",
            "https://show.openai.azure.com/openai/v1",
            "",
            "m",
        ),
        (
            "https://x.services.ai.azure.com/models?api-version=preview",
            "https://x.services.ai.azure.com/models",
            "preview",
            "m",
        ),
        ("http://box:1/v1/completions", "http://box:1/v1", "", "m"),
        ("http://box:1/v1/responses", "http://box:1/v1", "", "m"),
    ],
)
def test_an_azure_address_has_a_version_and_perhaps_a_deployment(
    url: str, base_url: str, api_version: str, model: str
) -> None:
    env = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "secret"}
    settings = wanted(None, env if "deployments" in url else {**env, "OPENAI_MODEL": "m"}, None)
    assert (settings.base_url, settings.api_version, settings.model) == (base_url, api_version, model)


def test_a_named_model_beats_the_deployments_name() -> None:
    assert wanted(None, {"OPENAI_API_KEY": "secret"}, f"m@{DEPLOYMENT}{VERSION}").model == "m"


@pytest.mark.parametrize("address", [f"{DEPLOYMENT}{VERSION}", "http://box:1/v1"])
def test_a_version_is_no_secret(address: str) -> None:
    refuse_secrets(Writer(base_url=address), f"m@{address}")


@pytest.mark.parametrize(
    "address",
    [
        f"{DEPLOYMENT}{VERSION}&key=1",
        f"{DEPLOYMENT}?key=1",
        f"https://me:key@host/v1{VERSION}",
        f"{DEPLOYMENT}?",
    ],
)
def test_any_other_query_may_be_one(address: str) -> None:
    with pytest.raises(ScriptError, match=r"writer\.base_url: wanted an address without user"):
        refuse_secrets(Writer(base_url=address), None)
    with pytest.raises(ScriptError, match="--writer: wanted an address without user"):
        refuse_secrets(None, f"m@{address}")
