"""Pages from templates/board: filled in strictly, everything escaped, in the reader's language."""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from importlib import resources
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from flows.api.pages.words import Language, choose_language

STATIC = {  # the files that pages link to; there are no others
    "board.css": "text/css; charset=utf-8",
    "board.js": "text/javascript; charset=utf-8",
    "clip.css": "text/css; charset=utf-8",
    "clip.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
}
SMALL = 1000  # bytes that are not worth packing
PIECES_AT_ONCE = 500


def language_of(request: Request) -> Language:
    """The language that a request wants: `?lang=`, the cookie of an earlier one, Accept-Language."""
    asked = request.query_params.get("lang") or request.cookies.get("lang")
    return choose_language(asked, request.headers.get("accept-language", ""))


def render(name: str, language: Language, **values: Any) -> bytes:
    """A template of this name, filled in, as UTF-8. A slot without a value is an error.

    It is put together from pieces: the page of 250 shots is 1.3 million characters.
    """
    template = _environment().get_template(f"{name}.html.j2")
    pieces = template.stream(
        t=language.say,
        n=language.count,
        reason=language.reason,
        told=language.told,
        time=language.time,
        lang=language.code,
        **values,
    )
    pieces.enable_buffering(PIECES_AT_ONCE)
    return b"".join(piece.encode() for piece in pieces)


def page(request: Request, name: str, *, status: int = 200, **values: Any) -> Response:
    """The answer with a rendered template."""
    language = language_of(request)
    html = render(name, language, path=request.url.path, **values)
    answer = packed(request, html, "text/html; charset=utf-8", status=status)
    answer.headers["Content-Language"] = language.code
    asked = request.query_params.get("lang")
    if asked == language.code:
        answer.set_cookie("lang", asked, max_age=31536000, httponly=True, samesite="lax")
    return answer


def packed(request: Request, body: bytes, kind: str, *, status: int = 200) -> Response:
    """An answer with this body, packed if the browser takes it so."""
    headers = {"Vary": "Accept-Encoding, Cookie"}
    if len(body) > SMALL and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, 5, mtime=0)
        headers["Content-Encoding"] = "gzip"
    return HTMLResponse(body, status, headers, media_type=kind)


@cache
def static_file(name: str) -> tuple[bytes, str]:
    """The content and the digest of a file that pages link to."""
    content = (resources.files("templates") / "board" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:12]


def static_url(name: str) -> str:
    """The address of such a file; it changes with its content, so that browsers may keep it."""
    return f"/static/{static_file(name)[1]}/{name}"


@cache
def _environment() -> jinja2.Environment:
    folder = resources.files("templates") / "board"
    environment = jinja2.Environment(
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    environment.globals["static"] = static_url
    return environment
