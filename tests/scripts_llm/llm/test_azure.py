"""Azure's api-version and its header of the key, over HTTP and in the client that is built."""

from __future__ import annotations

from collections.abc import Callable

import httpx2
import pytest

from scripts_llm.llm.ask import Question, Server, ask
from scripts_llm.llm.client import LLMError, LLMSettings, open_client
from scripts_llm.llm.settings import resolve_settings
from tests.scripts_llm.conftest import FakeServer, Reply

KEY = "sk-very-secret-0123456789"
QUESTION = Question("a number", "You count.", "How many?", {"type": "object", "properties": {}}, seed=5)
DEPLOYMENT = "/openai/deployments/gpt-4o"


def test_version_and_key_are_sent_as_azure_wants_them(server: FakeServer) -> None:
    server.root = DEPLOYMENT
    server.replies = [Reply('{"n": 9}')]
    url = server.url.replace("/v1", f"{DEPLOYMENT}?api-version=2024-10-21")
    settings = resolve_settings(None, {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}, None)
    assert settings is not None
    at = Server(settings)
    assert ask(at, QUESTION, lambda found, is_last: found["n"]) == 9
    assert server.queries == ["api-version=2024-10-21"]
    assert server.azure_keys == [KEY]
    assert server.asked[0]["model"] == "gpt-4o"
    assert at.calls[0].model == "gpt-4o"


def test_a_missing_v1_keeps_the_version(server: FakeServer) -> None:
    server.root = "/openai/v1"
    server.replies = [Reply('{"n": 9}')]
    url = server.url.replace("/v1", "/openai")
    settings = LLMSettings("m", url, KEY, api_version="preview")
    assert ask(Server(settings), QUESTION, lambda found, is_last: found["n"]) == 9
    assert server.queries == ["api-version=preview"] * 2


def test_other_servers_get_neither(server: FakeServer) -> None:
    server.replies = [Reply('{"n": 9}')]
    ask(Server(LLMSettings("m", server.url, KEY)), QUESTION, lambda found, is_last: found["n"])
    assert (server.queries, server.azure_keys, server.keys) == ([""], [""], [f"Bearer {KEY}"])


def test_a_list_of_models_is_asked_with_the_version(server: FakeServer) -> None:
    settings = resolve_settings(None, {"OPENAI_BASE_URL": f"{server.url}?api-version=preview"}, None)
    assert settings is not None
    assert (settings.model, settings.api_version) == ("small-model", "preview")
    assert server.queries == ["api-version=preview"]


@pytest.mark.parametrize(
    ("host", "is_azure"),
    [
        ("my-show.openai.azure.com", True),
        ("my-show.cognitiveservices.azure.com", True),
        ("my-show.services.ai.azure.com", True),
        ("openai.azure.com.example", False),
        ("api.openai.com", False),
    ],
)
def test_an_azure_host_gets_the_key_in_one_header_and_no_redirect_takes_it_along(
    host: str, is_azure: bool
) -> None:
    sent: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return httpx2.Response(307, headers={"location": "https://elsewhere.example/v1/models"})

    settings = LLMSettings("m", f"https://{host}/openai/v1", KEY)
    with pytest.raises(LLMError):
        list_models(settings, answer)
    keyed = [request for request in sent if {"api-key", "authorization"} & set(request.headers)]
    assert {request.url.host for request in keyed} == {host}
    assert ("api-key" in sent[0].headers, "authorization" in sent[0].headers) == (is_azure, not is_azure)


def test_a_redirect_is_told_with_its_address() -> None:
    settings = LLMSettings("m", "https://my-show.openai.azure.com/openai/v1", KEY)
    moved = httpx2.Response(307, headers={"location": f"https://user:{KEY}@elsewhere.example/v1?key={KEY}"})
    with pytest.raises(LLMError) as told:
        list_models(settings, lambda request: moved)
    assert "got a redirect to https://elsewhere.example/v1, try that address" in str(told.value)
    assert KEY not in str(told.value)


def list_models(settings: LLMSettings, answer: Callable[[httpx2.Request], httpx2.Response]) -> None:
    with open_client(settings) as client:
        client._client._transport = httpx2.MockTransport(answer)
        client._client._mounts = {}
        client.models.list()
