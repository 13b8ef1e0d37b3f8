"""The API's own pages: what there is to call, from the same definitions that answer the calls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from flows.api.pages.render import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Field:
    """A value of a request's body: its name, its type in words, what it is, whether it has to be there."""

    name: str
    kind: str
    about: str
    is_required: bool


@dataclass(frozen=True)
class Endpoint:
    """One call: method and path, what it does, its body, its answers."""

    method: str
    path: str
    about: str
    bodies: tuple[tuple[str, tuple[Field, ...]], ...]
    answers: tuple[str, ...]


@router.get("/api")
def reference(request: Request) -> Response:
    """Every call of /api/v1."""
    document = request.app.openapi()
    groups: dict[str, list[Endpoint]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            group = (operation.get("tags") or ["other"])[0]
            groups.setdefault(group, []).append(_endpoint(method, path, operation, document))
    return page(request, "api", groups=groups, host=request.headers.get("host", ""))


def _endpoint(method: str, path: str, operation: Mapping[str, Any], document: Mapping[str, Any]) -> Endpoint:
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return Endpoint(
        method=method.upper(),
        path=path,
        about=str(operation.get("description") or operation.get("summary") or ""),
        bodies=tuple(_bodies(schema, document)) if schema else (),
        answers=tuple(operation.get("responses", {})),
    )


def _bodies(
    schema: Mapping[str, Any], document: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[Field, ...]]]:
    """The kinds of body that a call takes: what each is, and its fields."""
    for each in schema.get("oneOf") or [schema]:
        found = _resolved(each, document)
        required = set(found.get("required") or ())
        fields = tuple(
            Field(
                name, _kind(_resolved(value, document)), str(value.get("description") or ""), name in required
            )
            for name, value in (found.get("properties") or {}).items()
        )
        yield str(found.get("description") or ""), fields


def _resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = str(schema.get("$ref") or "")
    found: Mapping[str, Any] = (
        document["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema
    )
    return found


def _kind(schema: Mapping[str, Any]) -> str:
    """A type in words: "text", "one of a, b", "number or nothing"."""
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(each) for each in schema["anyOf"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items') or {})}"
    names = {
        "string": "text",
        "integer": "number",
        "number": "number",
        "boolean": "true or false",
        "null": "null",
    }
    return names.get(str(schema.get("type")), str(schema.get("type") or "any"))
