"""Who is let in: decided from method and headers alone."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from flows.api.server.security import CSP, Guard, Rules, refusal

KEY = "k" * 43
RULES = Rules.of(KEY, 8612)
HOME = {"host": "127.0.0.1:8612"}
COOKIE = {**HOME, "cookie": f"coldopen-8612={KEY}"}
BEARER = {**HOME, "authorization": f"Bearer {KEY}"}
OWN = {"sec-fetch-site": "same-origin"}
LINK = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", COOKIE, None),
        ("GET", BEARER, None),
        ("GET", {**COOKIE, "host": "localhost:8612"}, None),
        ("GET", {**COOKIE, "host": "LOCALHOST:8612"}, None),
        ("GET", {**COOKIE, "host": "[::1]:8612"}, None),
        ("GET", HOME, 401),
        ("GET", {**HOME, "cookie": f"coldopen-8613={KEY}"}, 401),
        ("GET", {**HOME, "cookie": "coldopen-8612="}, 401),
        ("GET", {**HOME, "cookie": 'coldopen-8612="'}, 401),
        ("GET", {**HOME, "authorization": "Bearer wrong"}, 401),
        ("GET", {**HOME, "authorization": "Bearer schlüssel"}, 401),
        ("GET", {**HOME, "authorization": f"Basic {KEY}"}, 401),
        ("GET", {**COOKIE, "host": "evil.example"}, 421),
        ("GET", {**COOKIE, "host": "evil.example:8612"}, 421),
        ("GET", {**COOKIE, "host": "127.0.0.1"}, 421),
        ("GET", {**COOKIE, "host": "127.0.0.1:80"}, 421),
        ("GET", {**COOKIE, "host": ""}, 421),
        ("GET", {**COOKIE, **LINK}, None),
        ("GET", {**COOKIE, **LINK, "sec-fetch-dest": "iframe"}, 403),
        ("GET", {**COOKIE, "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
        ("GET", {**COOKIE, "sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
        ("POST", {**COOKIE, **OWN}, None),
        ("POST", {**COOKIE, "sec-fetch-site": "none"}, None),
        ("POST", {**COOKIE, **OWN, "origin": "http://127.0.0.1:8612"}, None),
        ("POST", {**COOKIE, "origin": "http://127.0.0.1:8612"}, None),
        ("POST", BEARER, None),
        ("POST", COOKIE, 403),
        ("POST", {**COOKIE, **LINK}, 403),
        ("POST", {**COOKIE, "sec-fetch-site": "same-site"}, 403),
        ("POST", {**COOKIE, "sec-fetch-site": "cross-site"}, 403),
        ("POST", {**COOKIE, "origin": "https://evil.example"}, 403),
        ("POST", {**COOKIE, "origin": "http://127.0.0.1:8613"}, 403),
        ("POST", {**COOKIE, "origin": "null"}, 403),
        ("POST", {**COOKIE, **OWN, "origin": "https://evil.example"}, 403),
        ("POST", {**BEARER, "origin": "https://evil.example"}, 403),
        ("DELETE", {**COOKIE, "origin": "null"}, 403),
        ("PATCH", COOKIE, 403),
        ("POST", {**HOME, **OWN}, 401),
    ],
)
def test_what_is_let_in(method, headers, status):
    refused = refusal(method, headers, RULES)
    assert (refused.status if refused else None) == status


def test_without_a_key_only_the_key_is_not_asked_for():
    rules = Rules.of(None, 8612)
    assert refusal("GET", HOME, rules) is None
    assert refusal("POST", HOME, rules) is None  # a script: browsers send Origin with every POST
    assert refusal("POST", {**HOME, "origin": "https://evil.example"}, rules).status == 403
    assert refusal("GET", {"host": "evil.example:8612"}, rules).status == 421


@pytest.fixture
def client():
    async def echo(request):
        return PlainTextResponse(f"{request.url.path} {len(await request.body())}")

    app = Starlette(routes=[Route("/{rest:path}", echo, methods=["GET", "POST", "PUT"])])
    return TestClient(Guard(app, RULES), base_url="http://127.0.0.1:8612", follow_redirects=False)


def test_the_key_leaves_the_address_and_stays_as_a_cookie(client):
    answer = client.get(f"/shows?key={KEY}&lang=ru")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/shows?lang=ru"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert client.get("/shows").text == "/shows 0"  # the cookie is enough


@pytest.mark.parametrize("path", ["//evil.example/x", "/\\evil.example"])
def test_the_redirect_never_leads_to_another_host(client, path):
    answer = client.get(f"http://127.0.0.1:8612{path}?key={KEY}")
    assert not answer.headers["location"].startswith(("//", "/\\", "http"))


def test_a_wrong_key_is_no_key(client):
    assert client.get("/?key=nonsense").status_code == 401


def test_every_answer_has_the_headers(client):
    for answer in (client.get("/"), client.get("/", headers=BEARER), client.get("/", headers={"host": "x"})):
        assert answer.headers["content-security-policy"] == CSP
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert "unsafe" not in CSP


def test_pages_say_what_to_do_and_scripts_get_json(client):
    assert "coldopen board" in client.get("/").text
    assert client.get("/api/v1/jobs").json() == {"detail": client.get("/api/v1/jobs").json()["detail"]}
