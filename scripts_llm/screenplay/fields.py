"""The base class and the field types of premise, script and continuity."""

from __future__ import annotations

import re
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from scripts_llm.plain_text import strip_controls_deep

MAX_NAME = 80  # characters
MAX_SENTENCE = 240
MAX_PROMPT = 900


def _on_one_line(text: str) -> str:
    """A name without line breaks: `show: |` has one for every line."""
    return re.sub(r"\s*[\r\n\u2028\u2029]+\s*", " ", text)


Id = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,31}$")]
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(_on_one_line)]
Sentence = Annotated[str, Field(min_length=1, max_length=MAX_SENTENCE)]
Text = Annotated[str, Field(max_length=MAX_PROMPT)]

# What a file's name can rule out; its content decides the rest, once it is opened.
_SOUNDS = {
    "wav",
    "mp3",
    "m4a",
    "flac",
    "ogg",
    "oga",
    "opus",
    "aif",
    "aiff",
    "aac",
    "wma",
    "caf",
    "amr",
    "mid",
}
_PICTURES = {"png", "jpg", "jpeg", "gif", "webp", "bmp", "tif", "tiff", "avif", "heic", "jxl", "psd"}
_OTHERS = {
    *("txt", "md", "yaml", "yml", "json", "csv", "html", "xml", "srt", "vtt", "ass", "fountain", "fdx"),
    *("exe", "dll", "py", "sh", "bat", "com", "msi", "app", "zip", "rar", "7z", "gz", "tar"),
    *(
        "svg",
        "eps",
        "ai",
        "pdf",
        "doc",
        "docx",
        "odt",
        "rtf",
        "ppt",
        "pptx",
        "xls",
        "xlsx",
        "m3u",
        "m3u8",
        "pls",
        "otio",
    ),
}
NO_PICTURES = frozenset(_OTHERS | _SOUNDS)
NO_SOUNDS = frozenset(_OTHERS | _PICTURES)
A_PICTURE = "a clip or a picture (mp4, mov, webm, gif, png, jpg, webp, …)"
A_STILL = "a picture (png, jpg, webp, …)"
A_SOUND = "a sound file (wav, mp3, m4a, flac, ogg, …)"


class Model(BaseModel):
    """A frozen pydantic model that refuses unknown keys and removes control characters from text."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, bool) and info.field_name is not None:
            annotation = cls.model_fields[info.field_name].annotation
            if {int, float} & {annotation, *get_args(annotation)}:
                raise ValueError("a number")
        return strip_controls_deep(value)


def check_file_type(file: str | None, refused: frozenset[str], kinds: str) -> str | None:
    """A validator: the file, unless its extension is one of `refused`. Raises ValueError with the `kinds`."""
    if file is not None and file.rpartition(".")[2].lower() in refused:
        raise ValueError(kinds)
    return file


def _is_picture_file(file: str) -> str:
    check_file_type(file, NO_PICTURES, A_STILL)
    return file


PictureFile = Annotated[str, Field(min_length=1, max_length=400), AfterValidator(_is_picture_file)]
