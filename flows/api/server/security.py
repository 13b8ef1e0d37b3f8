"""Who may ask the server for what: decided from a request's headers alone, before anything else sees it.

What it keeps out: pages of other websites that drive this one through the browser (Host, Sec-Fetch-Site and
Origin), other people of the machine or the network (a key), scripts in what people and models wrote (CSP).
Fetch Metadata is described in https://www.w3.org/TR/fetch-metadata/; the list of hosts stops DNS rebinding.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
MAX_BODY = 1_000_000  # bytes; uploads have a limit of their own
YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Refusal:
    """The status and the line for a request that is not let in."""

    status: int
    line: str


@dataclass(frozen=True)
class Rules:
    """Whom the server lets in. `key` is None where none is asked for; `hosts` are its names, with ports."""

    key: str | None
    hosts: frozenset[str]
    cookie: str

    @classmethod
    def of(cls, key: str | None, port: int, names: Collection[str] = ()) -> Rules:
        """The rules of a server at a port; `names` are further names of this machine."""
        own = ["127.0.0.1", "localhost", "[::1]", *names]
        hosts = {f"{name.lower()}:{port}" for name in own}
        return cls(key, frozenset(hosts), f"coldopen-{port}")  # the ports of a host share its cookies


def refusal(method: str, headers: Mapping[str, str], rules: Rules) -> Refusal | None:
    """Why a request is not let in; None if it is. The keys of `headers` are lower case."""
    if headers.get("host", "").lower() not in rules.hosts:
        return Refusal(421, f"This server answers at {', '.join(sorted(rules.hosts))} alone.")
    if _is_foreign(method, headers, rules):
        return Refusal(403, "Another website asked for this.")
    if rules.key is None or _has_key(headers, rules):
        return None
    return Refusal(401, "A key is wanted: run `coldopen board`, which opens the page with its key.")


def _is_foreign(method: str, headers: Mapping[str, str], rules: Rules) -> bool:
    """Whether a page of another origin is behind a request; links to the pages may come from anywhere."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if method in SAFE_METHODS:
        if site in (None, "same-origin", "none"):
            return False
        return (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) != ("navigate", "document")
    if origin is not None and urlsplit(origin).netloc.lower() not in rules.hosts:
        return True
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is None and rules.key is not None and not _is_bearer(headers, rules)


def _has_key(headers: Mapping[str, str], rules: Rules) -> bool:
    return _is_bearer(headers, rules) or _is_key(_cookie(headers, rules.cookie), rules)


def _is_bearer(headers: Mapping[str, str], rules: Rules) -> bool:
    kind, _, token = headers.get("authorization", "").partition(" ")
    return kind.lower() == "bearer" and _is_key(token.strip(), rules)


def _is_key(given: str, rules: Rules) -> bool:
    return rules.key is not None and secrets.compare_digest(given.encode(), rules.key.encode())


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found is not None else ""


# ----------------------------------------------------------------------------------------------- the layer


class TooLarge(Exception):
    """The body of a request is longer than it may be."""


class Guard:
    """The layer around the app: refuses, sets the cookie of `?key=`, limits bodies, adds the headers."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websockets
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = {name.lower(): value for name, value in Headers(scope=scope).items()}
        answer = self._own_answer(scope, headers)
        if answer is not None:
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, _limited(scope, headers, receive), send_with_headers)

    def _own_answer(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """The answer to what goes no further: a refusal, or the redirect that hides the key."""
        refused = refusal(scope["method"], headers, self._rules)
        if refused is not None and refused.status != 401:
            return _refused(scope, refused)
        if refused is None and not _is_upload(scope) and _length(headers) > MAX_BODY:
            return _refused(scope, Refusal(413, f"The request is longer than {MAX_BODY} bytes."))
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("key")
        if given is not None and scope["method"] == "GET" and _is_key(given, self._rules):
            rest = urlencode([(name, value) for name, value in query if name != "key"])
            path = "/" + scope["path"].lstrip("/\\")  # never another host
            answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
            # Lax, not Strict: who follows a link from elsewhere is let in; all changes are guarded above
            answer.set_cookie(
                self._rules.cookie, given, max_age=YEAR, httponly=True, samesite="lax", path="/"
            )
            return answer
        return None if refused is None else _refused(scope, refused)


def _refused(scope: Scope, refused: Refusal) -> Response:
    if scope["path"].startswith(("/api/", "/t2v/")):
        return JSONResponse({"detail": refused.line}, refused.status)
    text = (
        f"<!doctype html><meta charset=utf-8><title>Cold Open</title><h1>Cold Open</h1><p>{refused.line}</p>"
    )
    return HTMLResponse(text, refused.status)


def _is_upload(scope: Scope) -> bool:
    """Whether the route itself limits a body: files, and the plug-in's call, which has them inside."""
    is_file = scope["method"] == "PUT" and "/files/" in scope["path"]
    return is_file or (scope["method"] == "POST" and scope["path"] == "/t2v/run")


def _length(headers: Mapping[str, str]) -> int:
    given = headers.get("content-length", "0")
    return int(given) if given.isdecimal() else 0


def _limited(scope: Scope, headers: Mapping[str, str], receive: Receive) -> Receive:
    """The body of a request, as far as it may be long; uploads count for themselves."""
    if _is_upload(scope):
        return receive
    seen = 0

    async def limited() -> Message:
        nonlocal seen
        message: Any = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise TooLarge
        return message

    return limited
