"""The base class and the field types of premise, script and continuity."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from scripts_llm.plain_text import strip_controls_deep

Id = Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_-]{0,31}$")]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Sentence = Annotated[str, Field(min_length=1, max_length=240)]
Text = Annotated[str, Field(max_length=600)]

PICTURES = ("mp4", "gif", "png", "jpg", "jpeg")
SOUNDS = ("wav", "mp3")


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


def check_file_type(file: str | None, kinds: tuple[str, ...]) -> str | None:
    """A validator: the file, if its extension is one of `kinds`. Raises ValueError."""
    if file is not None and file.rpartition(".")[2].lower() not in kinds:
        raise ValueError(f"a file of the kind {', '.join(kinds)}")
    return file
