"""Pictures of any server with OpenAI's `/v1/images`, named `MODEL@URL`: still pictures, no film."""

from __future__ import annotations

import base64
import binascii
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.studio.cameras.names import CameraName, read_name
from flows.studio.errors import StudioError
from scripts_llm.errors import ScriptError
from scripts_llm.llm.client import LLMError, open_client
from scripts_llm.llm.settings import resolve_settings
from scripts_llm.screenplay.premise import Writer

_ALWAYS_BASE64 = ("gpt-image",)  # models that refuse to be told the form of their answer


def read_image_model(name: str) -> CameraName:
    """The model and address of `MODEL@URL`. Raises StudioError for another name."""
    found = read_name(name)
    if found.place != "server":
        wanted = "toon, or MODEL@URL of a server with /v1/images"
        raise StudioError(f"--by: wanted {wanted}, got {name!r}", code=2)
    return found


def draw(
    prompt: str,
    model: CameraName,
    *,
    size: tuple[int, int],
    references: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
) -> bytes:
    """One picture of a prompt, as the server sends it: a PNG, JPEG or WebP. `size` is (width, height).

    With `references`, pictures of who and what is to be seen, it is asked of `/v1/images/edits`.

    Raises:
        StudioError: the server does not answer, refuses, or sends no picture.
    """
    asked: dict[str, Any] = {"model": model.model, "prompt": prompt, "size": f"{size[0]}x{size[1]}", "n": 1}
    if not model.model.startswith(_ALWAYS_BASE64):
        asked["response_format"] = "b64_json"
    try:
        writer = Writer(model=model.model, base_url=model.url)
        settings = resolve_settings(writer, os.environ if env is None else env, None)
        assert settings is not None
        with open_client(settings) as client:
            if references:
                files = [(path.name, path.read_bytes()) for path in references]
                answer = client.images.edit(image=files, **asked)
            else:
                answer = client.images.generate(**asked)
    except (LLMError, ScriptError) as error:
        raise StudioError(f"{model.model}@: {error}") from error
    return _picture_in(answer, model)


def _picture_in(answer: Any, model: CameraName) -> bytes:
    from PIL import Image

    first = next(iter(answer.data or ()), None)
    text = getattr(first, "b64_json", None)
    try:
        data = base64.b64decode(text or "", validate=True)
        with Image.open(io.BytesIO(data)) as picture:
            picture.verify()
    except (binascii.Error, OSError, SyntaxError, ValueError) as error:
        got = "an address of one" if getattr(first, "url", None) else "none"
        raise StudioError(f"{model}: wanted a picture as base64 in its answer, got {got}") from error
    return data
